//! Names that lead elsewhere: chains, `_has`, `_list` (R4 search §chaining, §has, §list).

use super::index;
use super::plan::{Chain, Has, Naming, Options, Term};
use super::reading::Reading;
use super::reference;
use super::table::{self, Kind, Parameter};
use super::term;
use super::{date, term::split};

/// Resources that a condition may lead through.
const DEPTH: u8 = 4;
/// Types that a chain without a type may lead to.
const TARGETS: usize = 12;

/// Why a condition is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// There is no such parameter.
    Unknown,
    /// There is, but not so.
    Unsupported,
    /// It leads through too many resources.
    TooCostly,
}

/// Reads a condition on resources of a type.
pub(super) fn read(kind: &str, name: &str, value: &str, options: &Options<'_>, depth: u8) -> Result<Term, Fault> {
    if depth > DEPTH {
        return Err(Fault::TooCostly);
    }
    if let Some(rest) = name.strip_prefix("_has:") {
        return has(kind, rest, value, options, depth);
    }
    let special = match name {
        "_id" => Some(ids(value)),
        "_lastUpdated" => Some(instants(value, options)),
        "_list" => Some(list(kind, value)),
        "_text" | "_content" => Some(Reading::words(name, value).map(Term::Read)),
        _ => None,
    };
    if let Some(term) = special {
        return term.ok_or(Fault::Unsupported);
    }
    if let Some((head, rest)) = name.split_once('.') {
        return chain(kind, (head, rest), value, options, depth);
    }
    let (base, modifier) = cut(name);
    if matches!(base, "_id" | "_lastUpdated" | "_list" | "_text" | "_content" | "_has") {
        return Err(Fault::Unsupported);
    }
    let parameter = table::find(kind, base).ok_or(Fault::Unknown)?;
    if depth > 0 && !index::has_rows(parameter) {
        return Err(Fault::Unsupported);
    }
    term::term(parameter, modifier, value, options).ok_or(Fault::Unsupported)
}

fn cut(name: &str) -> (&str, Option<&str>) {
    name.split_once(':').map_or((name, None), |(base, modifier)| (base, Some(modifier)))
}

/// `Type:reference:condition`, after `_has:`.
fn has(kind: &str, rest: &str, value: &str, options: &Options<'_>, depth: u8) -> Result<Term, Fault> {
    let (source, rest) = rest.split_once(':').ok_or(Fault::Unsupported)?;
    let (by, rest) = rest.split_once(':').ok_or(Fault::Unsupported)?;
    let parameter = table::find(source, by).filter(|known| points(known, kind)).ok_or(Fault::Unsupported)?;
    let term = read(parameter.resource, rest, value, options, depth + 1).map_err(known)?;
    Ok(Term::Has(Has { kind: parameter.resource, parameter, term: Box::new(term) }))
}

/// Whether a parameter of a type of its own leads to resources of a type, and keeps rows.
fn points(parameter: &Parameter, kind: &str) -> bool {
    parameter.kind == Kind::Reference && parameter.points_to(kind) && index::has_rows(parameter)
}

/// Within a chain an unknown name makes all of it one that cannot be honoured.
fn known(fault: Fault) -> Fault {
    if fault == Fault::Unknown { Fault::Unsupported } else { fault }
}

/// What a list holds.
fn list(kind: &str, value: &str) -> Option<Term> {
    let parameter = table::find("List", "item").filter(|known| points(known, kind))?;
    Some(Term::Has(Has { kind: "List", parameter, term: Box::new(ids(value)?) }))
}

/// `reference[:Type].condition`.
fn chain(kind: &str, (head, rest): (&str, &str), value: &str, options: &Options<'_>, depth: u8) -> Result<Term, Fault> {
    let (base, target) = cut(head);
    let parameter = table::find(kind, base).ok_or(Fault::Unknown)?;
    if parameter.kind != Kind::Reference {
        return Err(Fault::Unsupported);
    }
    let row = row(kind, parameter, target, rest, value, options);
    let stored = stored(parameter, target, rest, value, options, depth);
    match (row, stored) {
        (Some(row), Ok(targets)) if is_plain(rest) && !targets.is_empty() => {
            Ok(Term::Any(vec![row, Term::Chain(Chain { parameter, targets, contained: false })]))
        }
        (Some(row), _) => Ok(row),
        (None, Ok(targets)) if !targets.is_empty() && index::has_rows(parameter) => {
            Ok(Term::Chain(Chain { parameter, targets, contained: true }))
        }
        (None, Err(Fault::TooCostly)) => Err(Fault::TooCostly),
        (None, _) => Err(Fault::Unsupported),
    }
}

/// Whether a condition asks for what is there: absence and negation are said by rows alone.
fn is_plain(rest: &str) -> bool {
    !rest.ends_with(":missing") && !rest.ends_with(":not")
}

/// What rows say of a chain: those of the names that MHD and PDSm give it, and `identifier`.
fn row(
    kind: &str,
    parameter: &'static Parameter,
    target: Option<&str>,
    rest: &str,
    value: &str,
    options: &Options<'_>,
) -> Option<Term> {
    let (chain, modifier) = cut(rest);
    let named = match target {
        // Who practises under a role is its practitioner: PDSm chains through both.
        Some("PractitionerRole") => {
            let chain = chain.strip_prefix("practitioner.").unwrap_or(chain);
            format!("{}:PractitionerRole.{chain}", parameter.code)
        }
        Some(target) => format!("{}:{target}.{chain}", parameter.code),
        None => format!("{}.{chain}", parameter.code),
    };
    if let Some(own) = table::find(kind, &named) {
        return term::term(own, modifier, value, options);
    }
    // A chain to `identifier` is what `:identifier` asks of the reference itself.
    let is_identifier = chain == "identifier" && target.is_none() && modifier.is_none();
    is_identifier.then(|| term::term(parameter, Some("identifier"), value, options)).flatten()
}

/// What the resources at the other end must fulfil, by their types.
fn stored(
    parameter: &'static Parameter,
    target: Option<&str>,
    rest: &str,
    value: &str,
    options: &Options<'_>,
    depth: u8,
) -> Result<Vec<(&'static str, Term)>, Fault> {
    if let Some(target) = target {
        let kind = table::of(target).first().map(|known| known.resource).filter(|kind| parameter.points_to(kind));
        let kind = kind.ok_or(Fault::Unsupported)?;
        return Ok(vec![(kind, read(kind, rest, value, options, depth + 1).map_err(known)?)]);
    }
    if parameter.targets.contains(&"Resource") || parameter.targets.len() > TARGETS {
        return Err(Fault::Unsupported);
    }
    let mut targets = Vec::new();
    for kind in parameter.targets {
        match read(kind, rest, value, options, depth + 1) {
            Ok(term) => targets.push((*kind, term)),
            Err(Fault::TooCostly) => return Err(Fault::TooCostly),
            // Some types have the parameter, others do not.
            Err(Fault::Unknown | Fault::Unsupported) => {}
        }
    }
    Ok(targets)
}

fn ids(value: &str) -> Option<Term> {
    let mut ids = split(value, ',');
    ids.sort_unstable();
    ids.dedup();
    ids.iter().all(|id| reference::is_id(id)).then_some(Term::Id(ids))
}

fn instants(value: &str, options: &Options<'_>) -> Option<Term> {
    let read = |value: String| date::intervals(&value, options.now.as_microsecond());
    let intervals: Vec<_> = split(value, ',').into_iter().map(read).collect::<Option<_>>()?;
    Some(Term::LastUpdated(intervals.into_iter().flatten().collect()))
}

/// What a condition of the server's own asks of a parameter, in the very form a query would have it.
pub(super) fn own(kind: &str, name: &str, value: &str, naming: Naming<'_>) -> Option<Term> {
    let options = Options { strict: false, max_count: 0, now: jiff::Timestamp::UNIX_EPOCH, naming };
    read(kind, name, value, &options, 0).ok()
}

//! Reads a query into a [`Search`] (R4 search, MHD §1.4-1.5, contract §8 rows on searches).
//!
//! An unknown name is ignored with a warning, or refused under strict handling. A known name that
//! cannot be honoured is always refused: a filter that is dropped would answer too much.

use super::chain::{self, Fault};
use super::control;
use super::nearest::nearest;
use super::patient::{self, Name};
use super::plan::{Naming, Options, Search, Term};
use super::table::{self, Parameter};
use super::term::{self, split};
use crate::error::{Code, Issue};

/// Values of all parameters together: beyond, a query is refused.
const VALUES: usize = 500;

/// Reads the decoded pairs of a query on `kind`, of URL and form body together.
///
/// # Errors
/// [`Code::UnsupportedParameter`] for each known parameter that cannot be honoured,
/// [`Code::TooCostly`] for more values or longer chains than are served,
/// [`Code::UnknownParameter`] for each unknown one under strict handling. Whether parameters that
/// are required stand in the query is the caller's to ask ([`Search::has`]).
pub fn parse(kind: &str, pairs: &[(String, String)], options: &Options<'_>) -> Result<Search, Vec<Issue>> {
    let mut search = Search { kind: kind.to_owned(), ..Search::default() };
    let mut issues = Vec::new();
    let values: usize = pairs.iter().map(|(_, value)| 1 + value.bytes().filter(|byte| *byte == b',').count()).sum();
    if values > VALUES {
        return Err(vec![Issue::new(Code::TooCostly).detail(format!("> {VALUES}")).rule("R4 search")]);
    }
    for (name, value) in pairs {
        if let Err(issue) = read(&mut search, name, value, options) {
            issues.push(issue);
        }
    }
    if issues.is_empty() { Ok(search) } else { Err(issues) }
}

fn read(search: &mut Search, name: &str, value: &str, options: &Options<'_>) -> Result<(), Issue> {
    match control::read(search, name, value, options) {
        control::Reading::Honoured { in_self_link } => {
            if in_self_link {
                search.applied.push((name.to_owned(), value.to_owned()));
            }
            search.names.push(name.to_owned());
            return Ok(());
        }
        control::Reading::Refused => return Err(unsupported(name)),
        control::Reading::Other => {}
    }
    let cut = Name::cut(name);
    match patient::read(&search.kind, &cut, value, &options.naming) {
        patient::Reading::Clause(clause) => {
            if search.patient.as_ref().is_some_and(|known| *known != clause) {
                return Err(unsupported(name).detail(format!("{}: > 1", shown(name))));
            }
            search.patient = Some(clause);
            note(search, &cut);
            return Ok(());
        }
        patient::Reading::Refused => return Err(unsupported(name)),
        patient::Reading::Other => {}
    }
    if cut.base == "isArchived"
        && cut.chain.is_none()
        && cut.modifier != Some("missing")
        && let Some(parameter) = table::find(&search.kind, cut.base)
    {
        return archived(search, parameter, cut.modifier, (name, value), options);
    }
    tolerate(search, &cut, value, options)?;
    let term = match chain::read(&search.kind, name, value, options, 0) {
        Ok(term) => term,
        Err(Fault::Unknown) => return unknown(search, name, options),
        Err(Fault::Unsupported) => return Err(unsupported(name)),
        Err(Fault::TooCostly) => return Err(Issue::new(Code::TooCostly).detail(shown(name)).rule("R4 search")),
    };
    if !search.terms.contains(&term) {
        search.terms.push(term);
    }
    search.applied.push((name.to_owned(), value.to_owned()));
    note(search, &cut);
    Ok(())
}

/// `isArchived`: what bears no flag is not archived, so that `false` asks for whatever is not `true`
/// (document-sharing §7 case 42).
fn archived(
    search: &mut Search,
    parameter: &'static Parameter,
    modifier: Option<&str>,
    (name, value): (&str, &str),
    options: &Options<'_>,
) -> Result<(), Issue> {
    let (mut wants_archived, mut wants_others) = (false, false);
    for value in split(value, ',') {
        match value.rsplit('|').next().unwrap_or_default() {
            "true" => wants_archived = true,
            "false" => wants_others = true,
            _ => return Err(unsupported(name)),
        }
    }
    match modifier {
        None => {}
        Some("not") => (wants_archived, wants_others) = (!wants_archived, !wants_others),
        Some(_) => return Err(unsupported(name)),
    }
    let negation = match (wants_archived, wants_others) {
        (true, false) => Some(None),
        (false, true) => Some(Some("not")),
        _ => None,
    };
    let term = match negation {
        Some(negation) => term::term(parameter, negation, "true", options),
        None if wants_archived => None,
        // Neither archived nor not: nothing can be so.
        None => Some(Term::Id(Vec::new())),
    };
    search.terms.extend(term);
    search.applied.push((name.to_owned(), value.to_owned()));
    note(search, &Name::cut(name));
    Ok(())
}

/// Remembers a name without its modifier.
fn note(search: &mut Search, name: &Name<'_>) {
    search.names.push(match (name.target, name.chain) {
        (_, None) => name.base.to_owned(),
        (None, Some(chain)) => format!("{}.{chain}", name.base),
        (Some(target), Some(chain)) => format!("{}:{target}.{chain}", name.base),
    });
}

/// What a condition of the server's own asks of a parameter, in the very form a query would have it.
pub fn condition(kind: &str, name: &str, value: &str, naming: Naming<'_>) -> Option<Term> {
    chain::own(kind, name, value, naming)
}

/// MHD forbids a system on the `status` token; ci-sis tolerates it, strict refuses.
fn tolerate(search: &mut Search, name: &Name<'_>, value: &str, options: &Options<'_>) -> Result<(), Issue> {
    let parameter = table::find(&search.kind, name.base).filter(|_| name.chain.is_none());
    let Some(parameter) = parameter else { return Ok(()) };
    if !split(value, ',').iter().any(|value| term::names_system_of_bare_code(parameter, value)) {
        return Ok(());
    }
    let issue = unsupported(parameter.code).detail(format!("{}: system|", parameter.code)).rule("MHD ITI-67");
    if options.strict {
        return Err(issue);
    }
    search.warnings.push(issue.warning());
    Ok(())
}

fn unknown(search: &mut Search, name: &str, options: &Options<'_>) -> Result<(), Issue> {
    let base = Name::cut(name).base;
    let near = nearest(&search.kind, base).map_or_else(String::new, |near| format!(" → {near}"));
    let issue = Issue::new(Code::UnknownParameter).detail(format!("{}{near}", shown(name))).rule("R4 search");
    if options.strict {
        return Err(issue);
    }
    search.warnings.push(issue.warning());
    Ok(())
}

fn unsupported(name: &str) -> Issue {
    Issue::new(Code::UnsupportedParameter).detail(shown(name)).rule("R4 search")
}

/// A name as it may be shown: short, plain, and without what could be somebody's number.
fn shown(name: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.' | ':');
    let plain = name.len() <= 64 && name.chars().all(is_plain);
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    if plain && digits < 6 { name.to_owned() } else { "***".to_owned() }
}

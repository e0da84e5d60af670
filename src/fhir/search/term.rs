//! One parameter of a query as a condition (R4 search §modifiers, §prefixes).

use super::plan::{Match, Naming, Options, Term, Tree};
use super::reading::{Reading, is_flat};
use super::table::{self, Kind, Parameter};
use super::{capped, composite, date, fold, index, number, quantity, reference, token};
use crate::fhir::terminology;

/// The condition of a parameter with its modifier and its value, all ORed values in one. `None`:
/// the modifier, the prefix or the value cannot be honoured.
pub(super) fn term(
    parameter: &'static Parameter,
    modifier: Option<&str>,
    value: &str,
    options: &Options<'_>,
) -> Option<Term> {
    match (parameter.kind, modifier) {
        (_, Some("missing")) => return missing(parameter, value),
        (Kind::Token, Some("text")) => return Reading::display(parameter, value).map(Term::Read),
        (Kind::Token, Some("of-type")) => return Reading::of_type(parameter, value).map(Term::Read),
        (Kind::Token, Some(set @ ("in" | "not-in"))) => {
            let any_of = members(parameter, value, &options.naming)?;
            return Some(Term::Index { parameter: parameter.number, any_of, negated: set == "not-in" });
        }
        (Kind::Reference, Some(way @ ("below" | "above"))) if !parameter.datatypes.contains(&"canonical") => {
            return tree(parameter, value, way == "below", &options.naming);
        }
        (Kind::Quantity, None) => return quantity::term(parameter.number, &split(value, ','), &options.naming),
        _ => {}
    }
    let negated = parameter.kind == Kind::Token && modifier == Some("not");
    let modifier = if negated { None } else { modifier };
    let mut any_of = Vec::new();
    for value in split(value, ',') {
        any_of.extend(matches(parameter, modifier, &value, options)?);
    }
    any_of.sort_unstable();
    any_of.dedup();
    Some(Term::Index { parameter: parameter.number, any_of, negated })
}

fn missing(parameter: &Parameter, value: &str) -> Option<Term> {
    let missing = match value {
        "true" => true,
        "false" => false,
        _ => return None,
    };
    let is_served = match parameter.kind {
        _ if !index::has_rows(parameter) => false,
        Kind::Composite => composite::compile(parameter).is_some(),
        _ => true,
    };
    is_served.then_some(Term::Missing { parameter: parameter.number, missing })
}

/// The codes of value sets that are known whole (R4 search §token, `:in`).
fn members(parameter: &Parameter, value: &str, naming: &Naming<'_>) -> Option<Vec<Match>> {
    let mut any_of = Vec::new();
    for name in split(value, ',') {
        let set = terminology::value_set(&unescape(&name)).filter(|set| set.is_complete)?;
        any_of.extend(set.codings().map(|coding| {
            let system = (!parameter.is_bare_code()).then(|| naming.system(coding.system));
            Match::Exact(token::coded(system, coding.code))
        }));
    }
    any_of.sort_unstable();
    any_of.dedup();
    Some(any_of)
}

/// What one value may equal.
fn matches(parameter: &Parameter, modifier: Option<&str>, value: &str, options: &Options<'_>) -> Option<Vec<Match>> {
    let naming = &options.naming;
    if parameter.kind == Kind::Reference {
        return references(parameter, modifier, value, naming);
    }
    if parameter.kind == Kind::String {
        return texts(modifier, &unescape(value));
    }
    if value.is_empty() {
        return None;
    }
    match (parameter.kind, modifier) {
        (Kind::Token, None) => tokens(parameter, value, naming),
        // Where a code system has one level, a code is its only part.
        (Kind::Token, Some("above" | "below")) => {
            token::Token::read(value).filter(is_flat).map(|token| vec![token.matches(naming)])
        }
        (Kind::Uri, modifier) => uris(parameter, modifier, &unescape(value), naming),
        (Kind::Date, None) => Some(intervals(date::intervals(value, options.now.as_microsecond())?)),
        (Kind::Number, None) => Some(intervals(number::intervals(value)?)),
        (Kind::Composite, None) => {
            let now = options.now.as_microsecond();
            composite::matches(parameter, value, (now, naming), &|kind, part| match kind {
                Kind::Token => Some(vec![token::Token::read(part)?.form(naming)?]),
                Kind::Reference => references(parameter, None, part, naming),
                _ => Some(vec![Match::Exact(unescape(part))]),
            })
        }
        _ => None,
    }
}

/// A URI as it is; `:below` what begins with it, `:above` what it begins with, level by level.
fn uris(parameter: &Parameter, modifier: Option<&str>, text: &str, naming: &Naming<'_>) -> Option<Vec<Match>> {
    // What is stored is relative to this server; an absolute URL of it is the same place.
    let is_url = parameter.datatypes.contains(&"url");
    let text = if is_url { reference::normal(text, naming) } else { text.to_owned() };
    let exact = |text: &str| Match::Exact(capped(text.to_owned()));
    match modifier {
        None => Some(vec![exact(&text)]),
        Some("below") => {
            let level = text.strip_suffix('/').unwrap_or(&text);
            Some(vec![exact(level), Match::Prefix(format!("{level}/"))])
        }
        Some("above") => {
            let start = text.find("://").map_or(0, |place| place + 3);
            let levels = text.match_indices('/').filter(|(place, _)| *place >= start);
            let above = levels.flat_map(|(place, _)| [text.get(..place), text.get(..=place)]);
            Some(above.flatten().map(exact).chain([exact(&text)]).collect())
        }
        Some(_) => None,
    }
}

/// The tree that a reference leads into: of types of which one resource is part of another.
fn tree(parameter: &'static Parameter, value: &str, down: bool, naming: &Naming<'_>) -> Option<Term> {
    let normal = reference::normal(&unescape(value), naming);
    let part_of = |kind: &str| {
        let known = table::of(kind).iter().find(|known| matches!(known.code, "partof" | "part-of"));
        known.filter(|known| known.points_to(kind) && parameter.points_to(kind))
    };
    let (kind, id) = match reference::typed(&normal) {
        Some(typed) => typed,
        // A bare id, where one type alone is a tree.
        None if reference::is_id(&normal) => {
            let mut kinds = parameter.targets.iter().filter(|kind| part_of(kind).is_some());
            (kinds.next().filter(|_| kinds.next().is_none()).copied()?, normal.as_str())
        }
        None => return None,
    };
    let part_of = part_of(kind)?;
    Some(Term::Tree(Tree { parameter, part_of, root: format!("{kind}/{id}"), down }))
}

/// A canonical in the versions below or above one: `1.2` is above `1.2.3`.
fn versions(text: &str, below: bool) -> Vec<Match> {
    let exact = |text: &str| Match::Exact(capped(text.to_owned()));
    let Some((url, version)) = text.split_once('|') else { return vec![exact(text)] };
    if below {
        return vec![exact(text), Match::Prefix(format!("{text}."))];
    }
    let levels = version.match_indices('.').filter_map(|(place, _)| version.get(..place));
    levels.map(|level| exact(&format!("{url}|{level}"))).chain([exact(text)]).collect()
}

/// Folded text by its beginning; `:contains` anywhere in it; `:exact` the text as it is written.
fn texts(modifier: Option<&str>, text: &str) -> Option<Vec<Match>> {
    let folded = fold::fold(text);
    if folded.is_empty() {
        return None;
    }
    match modifier {
        None => Some(vec![Match::Prefix(folded)]),
        Some("contains") => Some(vec![Match::Contains(folded)]),
        Some("exact") => Some(vec![Match::Exact(capped(fold::row(text)))]),
        Some(_) => None,
    }
}

fn intervals(found: Vec<super::Interval>) -> Vec<Match> {
    found.into_iter().map(Match::Interval).collect()
}

/// A bare code's system is not in the resource: it is left out of the question too.
fn tokens(parameter: &Parameter, value: &str, naming: &Naming<'_>) -> Option<Vec<Match>> {
    let mut token = token::Token::read(value)?;
    if parameter.is_bare_code() {
        if token.code.is_empty() {
            return None;
        }
        token.system = Some(String::new());
    }
    Some(vec![token.matches(naming)])
}

/// Whether a token names the system of a bare code, which MHD forbids for `status`.
pub(super) fn names_system_of_bare_code(parameter: &Parameter, value: &str) -> bool {
    parameter.is_bare_code() && split(value, '|').len() > 1
}

fn references(parameter: &Parameter, modifier: Option<&str>, value: &str, naming: &Naming<'_>) -> Option<Vec<Match>> {
    if modifier == Some("identifier") {
        return Some(vec![match token::Token::read(value)?.matches(naming) {
            Match::Exact(row) => Match::Exact(format!("{}{row}", reference::IDENTIFIER)),
            Match::Prefix(row) => Match::Prefix(format!("{}{row}", reference::IDENTIFIER)),
            Match::Suffix(end) => Match::Suffix(end),
            Match::Contains(_) | Match::Interval(_) | Match::Measured(..) => return None,
        }]);
    }
    let text = unescape(value);
    if let Some(way @ ("below" | "above")) = modifier {
        return reference::is_absolute(&text).then(|| versions(&text, way == "below"));
    }
    let normal = reference::normal(&text, naming);
    let exact = |value: String| Match::Exact(capped(value));
    match (modifier, reference::typed(&normal)) {
        (None, Some(_)) => return Some(vec![exact(normal)]),
        (Some(kind), Some((named, _))) => return (kind == named).then(|| vec![exact(normal)]),
        (Some(kind), None) => {
            let is_served = parameter.points_to(kind) && reference::is_id(&normal);
            return is_served.then(|| vec![exact(format!("{kind}/{normal}"))]);
        }
        (None, None) => {}
    }
    if reference::is_absolute(&normal) {
        return Some(vec![exact(normal)]);
    }
    // A bare id: of any type the parameter may point to, if these are few enough to name.
    let is_served =
        reference::is_id(&normal) && !parameter.targets.is_empty() && !parameter.targets.contains(&"Resource");
    is_served.then(|| parameter.targets.iter().map(|target| exact(format!("{target}/{normal}"))).collect())
}

/// Cuts at each `separator` that no `\` precedes; escapes stay.
pub(super) fn split(text: &str, separator: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter == separator {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(letter);
            if letter == '\\' {
                part.extend(letters.next());
            }
        }
    }
    parts
}

/// Undoes `\,` `\|` `\$` `\\`; another `\` stands for itself.
pub(super) fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letters.next_if(|next| letter == '\\' && matches!(next, ',' | '|' | '$' | '\\')) {
            Some(escaped) => plain.push(escaped),
            None => plain.push(letter),
        }
    }
    plain
}

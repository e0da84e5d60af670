//! One parameter of a query as a condition on index rows (R4 search §modifiers, §prefixes).

use super::plan::{Match, Naming, Options, Term};
use super::table::{Kind, Parameter};
use super::{capped, composite, date, fold, index, number, reference, token};

/// The condition of a parameter with its modifier and its value, all ORed values in one. `None`:
/// the modifier, the prefix or the value cannot be honoured.
pub(super) fn term(parameter: &Parameter, modifier: Option<&str>, value: &str, options: &Options<'_>) -> Option<Term> {
    if modifier == Some("missing") {
        return missing(parameter, value);
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

/// What one value may equal.
fn matches(parameter: &Parameter, modifier: Option<&str>, value: &str, options: &Options<'_>) -> Option<Vec<Match>> {
    let naming = &options.naming;
    if parameter.kind == Kind::Reference {
        return references(parameter, modifier, value, naming);
    }
    if parameter.kind == Kind::String {
        return texts(modifier, &unescape(value));
    }
    if modifier.is_some() || value.is_empty() {
        return None;
    }
    match parameter.kind {
        Kind::Token => tokens(parameter, value, naming),
        Kind::Uri => {
            let text = unescape(value);
            // What is stored is relative to this server; an absolute URL of it is the same place.
            let is_url = parameter.datatypes.contains(&"url");
            Some(vec![Match::Exact(capped(if is_url { reference::normal(&text, naming) } else { text }))])
        }
        Kind::Date => Some(intervals(date::intervals(value, options.now.as_microsecond())?)),
        Kind::Number | Kind::Quantity => Some(intervals(number::intervals(value)?)),
        Kind::Composite => composite::matches(parameter, value, &|kind, part| match kind {
            Kind::Token => Some(vec![token::Token::read(part)?.form(naming)?]),
            Kind::Reference => references(parameter, None, part, naming),
            _ => Some(vec![Match::Exact(unescape(part))]),
        }),
        Kind::Special | Kind::Reference | Kind::String => None,
    }
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
            Match::Contains(_) | Match::Interval(_) => return None,
        }]);
    }
    let text = unescape(value);
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

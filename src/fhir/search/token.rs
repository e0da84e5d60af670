//! Tokens: codes in systems (R4 search §token).
//!
//! A token is one row: the code, U+001F, the system by its mark. So `code` is asked for as a
//! beginning, `system|code` and `|code` as a whole, `system|` as an end, and no two tokens share a
//! row. A mark is short, for the names of systems are most of what an index would hold otherwise.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::plan::{Match, Naming};

/// What stands between a code and the mark of its system: no FHIR string holds it.
const END: char = '\u{1f}';
/// Bytes of a code kept as they are.
const CODE_BYTES: usize = 200;
/// Bytes of the SHA-256 of a system's name that are its mark: two systems of one record are not
/// taken for one by accident.
const MARK_BYTES: usize = 6;

/// ContactPoint.system: a way to reach, not a namespace.
const CONTACTS: [&str; 7] = ["phone", "fax", "email", "pager", "url", "sms", "other"];

/// The rows of a Coding, a CodeableConcept, an Identifier, a ContactPoint, a code, a boolean.
pub(super) fn rows(node: &Value, naming: &Naming<'_>, each: &mut dyn FnMut(String)) {
    read(node, &mut |system, code| each(row(system.map(|system| naming.system(system)), code)));
}

/// The forms under which a token takes part in a composite, where a row must be met as a whole: its
/// code in any system, and in its own.
pub(super) fn forms(node: &Value, naming: &Naming<'_>, each: &mut dyn FnMut(String)) {
    read(node, &mut |system, code| {
        each(kept(code));
        each(row(system.map(|system| naming.system(system)), code));
    });
}

/// Each code of a node with its system.
fn read(node: &Value, each: &mut dyn FnMut(Option<&str>, &str)) {
    match node {
        Value::String(code) => each(None, code),
        Value::Bool(truth) => each(None, if *truth { "true" } else { "false" }),
        Value::Number(number) => each(None, &number.to_string()),
        Value::Object(_) => {
            if let Some(codings) = node.get("coding").and_then(Value::as_array) {
                for coding in codings {
                    pair(coding, "code", each);
                }
            } else if node.get("code").is_some() {
                pair(node, "code", each);
            } else {
                pair(node, "value", each);
            }
        }
        Value::Null | Value::Array(_) => {}
    }
}

fn pair(node: &Value, name: &str, each: &mut dyn FnMut(Option<&str>, &str)) {
    let Some(code) = node.get(name).and_then(Value::as_str) else { return };
    let system = node.get("system").and_then(Value::as_str);
    each(system.filter(|system| !CONTACTS.contains(system)), code);
}

/// The row of a code, in a system whose name is in its one form.
fn row(system: Option<&str>, code: &str) -> String {
    let mut row = beginning(code);
    row.extend(system.map(mark));
    row
}

/// The row of a code in a system, or what every row of it begins with in any.
pub(super) fn coded(system: Option<&str>, code: &str) -> String {
    row(system, code)
}

/// What every row of a code begins with.
fn beginning(code: &str) -> String {
    let mut row = kept(code);
    row.push(END);
    row
}

/// A code as it is kept.
fn kept(code: &str) -> String {
    super::capped_at(code.replace(END, " "), CODE_BYTES)
}

/// A system's mark.
fn mark(system: &str) -> String {
    let digest = Sha256::digest(system.as_bytes());
    super::hex(digest.get(..MARK_BYTES).unwrap_or_default())
}

/// How rows are compared with a code of an element that knows no system (`status`).
pub fn of_bare_code(code: &str) -> Match {
    Match::Exact(row(None, code))
}

/// How rows are compared with a code of whatever system.
pub fn of_code(code: &str) -> Match {
    Match::Prefix(beginning(code))
}

/// One search value, escapes undone: the system if a `|` stands in it, and the code.
pub(super) struct Token {
    pub(super) system: Option<String>,
    pub(super) code: String,
}

impl Token {
    /// Reads `code`, `system|code`, `|code` or `system|`; nothing else is a token.
    pub(super) fn read(value: &str) -> Option<Self> {
        let mut parts = super::term::split(value, '|');
        let code = super::term::unescape(&parts.pop()?);
        let system = parts.pop().map(|system| super::term::unescape(&system));
        let is_empty = code.is_empty() && system.as_ref().is_none_or(String::is_empty);
        (parts.is_empty() && !is_empty).then_some(Self { system, code })
    }

    /// How rows are compared with it.
    pub(super) fn matches(&self, naming: &Naming<'_>) -> Match {
        match &self.system {
            None => of_code(&self.code),
            Some(system) if self.code.is_empty() => Match::Suffix(format!("{END}{}", mark(naming.system(system)))),
            Some(system) if system.is_empty() => Match::Exact(row(None, &self.code)),
            Some(system) => Match::Exact(row(Some(naming.system(system)), &self.code)),
        }
    }

    /// The form that a part of a composite must equal; a system without a code is none.
    pub(super) fn form(&self, naming: &Naming<'_>) -> Option<Match> {
        match &self.system {
            None => Some(Match::Exact(kept(&self.code))),
            Some(_) => Some(self.matches(naming)).filter(|found| matches!(found, Match::Exact(_))),
        }
    }
}

//! Tokens: codes in systems (R4 search §token).
//!
//! A row is `code`, `system|code`, or `|code` where the resource names no system; `\` stands
//! before a `|` or a `\` that is part of a name, so that no two tokens share a row.

use serde_json::Value;

use super::plan::{Match, Naming};

/// ContactPoint.system: a way to reach, not a namespace.
const CONTACTS: [&str; 7] = ["phone", "fax", "email", "pager", "url", "sms", "other"];

/// The rows of a Coding, a CodeableConcept, an Identifier, a ContactPoint, a code, a boolean.
pub(super) fn rows(node: &Value, naming: &Naming<'_>, each: &mut dyn FnMut(String)) {
    match node {
        Value::String(code) => each(escaped(code)),
        Value::Bool(truth) => each(truth.to_string()),
        Value::Number(number) => each(number.to_string()),
        Value::Object(_) => {
            if let Some(codings) = node.get("coding").and_then(Value::as_array) {
                for coding in codings {
                    pair(coding, "code", naming, each);
                }
            } else if node.get("code").is_some() {
                pair(node, "code", naming, each);
            } else {
                pair(node, "value", naming, each);
            }
        }
        Value::Null | Value::Array(_) => {}
    }
}

fn pair(node: &Value, name: &str, naming: &Naming<'_>, each: &mut dyn FnMut(String)) {
    let Some(code) = node.get(name).and_then(Value::as_str) else { return };
    each(escaped(code));
    match node.get("system").and_then(Value::as_str) {
        Some(contact) if CONTACTS.contains(&contact) => {}
        Some(system) => each(format!("{}|{}", escaped(naming.system(system)), escaped(code))),
        None => each(format!("|{}", escaped(code))),
    }
}

/// The row of one system and value.
pub(super) fn row(system: &str, value: &str, naming: &Naming<'_>) -> String {
    format!("{}|{}", escaped(naming.system(system)), escaped(value))
}

fn escaped(text: &str) -> String {
    if text.contains(['|', '\\']) { text.replace('\\', "\\\\").replace('|', "\\|") } else { text.to_owned() }
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
            None => Match::Exact(super::capped(escaped(&self.code))),
            Some(system) if self.code.is_empty() => Match::Prefix(format!("{}|", escaped(naming.system(system)))),
            Some(system) => Match::Exact(super::capped(row(system, &self.code, naming))),
        }
    }
}

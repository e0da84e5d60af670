//! Conditions that are looked up in the resource itself, so that no row is kept for them: `_text`,
//! `_content`, and `:text` and `:of-type` on tokens (R4 search §text, §content, §token).

use std::fmt;

use serde_json::Value;

use super::fold;
use super::index::nodes;
use super::plan::Naming;
use super::table::Parameter;
use super::term::{split, unescape};
use super::token::Token;

/// What is looked up in a resource.
#[derive(Clone, PartialEq, Eq)]
pub enum Reading {
    /// `_content`: one of these, each as words that all stand in the resource's texts.
    Content(Vec<Vec<String>>),
    /// `_text`: the same, in its narrative alone.
    Narrative(Vec<Vec<String>>),
    /// `:text`: a text beside one of the parameter's codes begins with one of these.
    Display {
        /// The parameter.
        parameter: &'static Parameter,
        /// Folded.
        any_of: Vec<String>,
    },
    /// `:of-type`: an identifier of a type, by the type's system and code and its own value.
    OfType {
        /// The parameter.
        parameter: &'static Parameter,
        /// System, code, value.
        any_of: Vec<[String; 3]>,
    },
}

/// What is looked for may be somebody's name or number: never shown.
impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Content(_) => "Content(***)",
            Self::Narrative(_) => "Narrative(***)",
            Self::Display { .. } => "Display(***)",
            Self::OfType { .. } => "OfType(***)",
        })
    }
}

/// Most words of a `_text` or a `_content`.
const WORDS: usize = 20;

impl Reading {
    /// `_content` and `_text`.
    pub(super) fn words(name: &str, value: &str) -> Option<Self> {
        let wanted: Vec<Vec<String>> = split(value, ',').iter().map(|text| words(&unescape(text))).collect();
        if wanted.iter().any(Vec::is_empty) || wanted.iter().map(Vec::len).sum::<usize>() > WORDS {
            return None;
        }
        match name {
            "_content" => Some(Self::Content(wanted)),
            "_text" => Some(Self::Narrative(wanted)),
            _ => None,
        }
    }

    /// `:text`.
    pub(super) fn display(parameter: &'static Parameter, value: &str) -> Option<Self> {
        let any_of: Vec<String> = split(value, ',').iter().map(|text| fold::fold(&unescape(text))).collect();
        (!any_of.iter().any(String::is_empty)).then_some(Self::Display { parameter, any_of })
    }

    /// `:of-type`, of identifiers alone.
    pub(super) fn of_type(parameter: &'static Parameter, value: &str) -> Option<Self> {
        if !parameter.datatypes.contains(&"Identifier") {
            return None;
        }
        let read = |text: String| -> Option<[String; 3]> {
            let parts: Vec<String> = split(&text, '|').iter().map(|part| unescape(part)).collect();
            parts.try_into().ok().filter(|parts: &[String; 3]| parts.iter().all(|part| !part.is_empty()))
        };
        let any_of = split(value, ',').into_iter().map(read).collect::<Option<_>>()?;
        Some(Self::OfType { parameter, any_of })
    }

    /// Whether a resource is so.
    pub fn holds(&self, resource: &Value, naming: &Naming<'_>) -> bool {
        match self {
            Self::Content(wanted) => {
                let mut text = String::new();
                collect(resource, &mut text);
                stands(wanted, &text)
            }
            Self::Narrative(wanted) => {
                let div = resource.get("text").and_then(|text| text.get("div")).and_then(Value::as_str);
                div.is_some_and(|div| stands(wanted, &plain(div)))
            }
            Self::Display { parameter, any_of } => {
                let mut found = false;
                nodes(parameter, resource, &mut |node| {
                    texts(node, &mut |text| {
                        let folded = fold::fold(text);
                        found |= any_of.iter().any(|wanted| folded.starts_with(wanted.as_str()));
                    });
                });
                found
            }
            Self::OfType { parameter, any_of } => {
                let mut found = false;
                nodes(parameter, resource, &mut |node| {
                    found |= any_of.iter().any(|wanted| is_of_type(node, wanted, naming));
                });
                found
            }
        }
    }
}

/// The words of a text, folded.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for part in text.split(|letter: char| !letter.is_alphanumeric()) {
        let word = fold::fold(part);
        if !word.is_empty() {
            words.push(word);
        }
    }
    words
}

/// Whether all words of one of the wanted stand in a text.
fn stands(wanted: &[Vec<String>], text: &str) -> bool {
    let known = words(text);
    wanted.iter().any(|all| all.iter().all(|word| known.contains(word)))
}

/// Every text of a resource but addresses of elements, codes' systems and what is base64.
fn collect(value: &Value, text: &mut String) {
    match value {
        Value::String(found) => {
            text.push(' ');
            text.push_str(found);
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, text)),
        Value::Object(members) => {
            for (name, member) in members {
                match (name.as_str(), member) {
                    ("system" | "url" | "reference" | "resourceType" | "data" | "hash", _) => {}
                    ("div", Value::String(div)) => text.push_str(&plain(div)),
                    (_, member) => collect(member, text),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The text of a narrative: without its tags.
fn plain(div: &str) -> String {
    let mut text = String::with_capacity(div.len());
    let mut is_tag = false;
    for letter in div.chars() {
        match letter {
            '<' => {
                is_tag = true;
                text.push(' ');
            }
            '>' => is_tag = false,
            letter if !is_tag => text.push(letter),
            _ => {}
        }
    }
    text
}

/// What stands beside a code: CodeableConcept.text, Coding.display, Identifier.type.text.
fn texts(node: &Value, each: &mut dyn FnMut(&str)) {
    let mut say = |node: &Value, name: &str| {
        if let Some(text) = node.get(name).and_then(Value::as_str) {
            each(text);
        }
    };
    say(node, "text");
    say(node, "display");
    for coding in node.get("coding").and_then(Value::as_array).into_iter().flatten() {
        say(coding, "display");
    }
    if let Some(kind) = node.get("type") {
        say(kind, "text");
    }
}

fn is_of_type(identifier: &Value, [system, code, value]: &[String; 3], naming: &Naming<'_>) -> bool {
    let codings = identifier.get("type").and_then(|kind| kind.get("coding")).and_then(Value::as_array);
    let is_type = |coding: &Value| {
        let text = |name: &str| coding.get(name).and_then(Value::as_str);
        text("code") == Some(code.as_str())
            && text("system").is_some_and(|known| naming.system(known) == naming.system(system))
    };
    identifier.get("value").and_then(Value::as_str) == Some(value.as_str())
        && codings.into_iter().flatten().any(is_type)
}

/// Whether a token names a code system of one level (those of the CI-SIS): there each code is its own
/// only part.
pub(super) fn is_flat(token: &Token) -> bool {
    let Some(system) = token.system.as_deref().filter(|_| !token.code.is_empty()) else { return false };
    let systems = crate::fhir::terminology::canonical_system(system);
    systems.is_some_and(|known| known.contains("/TRE_") || known.starts_with("urn:oid:1.2.250.1."))
}

//! Paths of FHIRPath Patch and of XML Patch as places in the JSON (R4 `fhirpatch.html`, `json.html`):
//! repetitions are flattened, a choice is found by its stem, and each place knows its type.

use serde_json::Value;

use super::Fault;
use super::tree::{Place, Step, Tree};
use crate::fhir::definition::Type;

/// Most steps of a path, and names of a predicate.
pub(super) const MOST_STEPS: usize = 32;
/// The longest path, in bytes.
pub(super) const MOST_TEXT: usize = 2048;

/// One move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Move {
    /// To an element.
    Name(String),
    /// To one of those found, from 0.
    Nth(usize),
    /// To the last of those found.
    Last,
    /// Stays where a text or truth value is this.
    Where(Vec<String>, String),
}

/// A place that a path leads to.
pub(super) struct At {
    /// Where.
    pub(super) place: Place,
    /// Of which type; `None` where the definitions do not tell.
    pub(super) kind: Option<Type>,
}

/// A path as read: the type of the resource first, if it names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path(pub(super) Vec<Move>);

impl Path {
    /// The element of the resource it leads into; none for the resource itself.
    pub(super) fn element(&self) -> Option<&str> {
        self.0.iter().find_map(|step| match step {
            Move::Name(name) if !is_type(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The name of the element it ends at.
    pub(super) fn last_name(&self) -> Option<&str> {
        self.0.iter().rev().find_map(|step| if let Move::Name(name) = step { Some(name.as_str()) } else { None })
    }

    /// The path without its last step, and the name of that step.
    pub(super) fn split_last(&self) -> Option<(Self, &str)> {
        match self.0.split_last()? {
            (Move::Name(name), parent) => Some((Self(parent.to_vec()), name)),
            _ => None,
        }
    }

    /// Every place it leads to.
    pub(super) fn find(&self, tree: &Tree) -> Vec<At> {
        let root = tree.root();
        let name = root.get("resourceType").and_then(Value::as_str).unwrap_or_default();
        let mut found = vec![At { place: Vec::new(), kind: Type::resource(name) }];
        for (number, step) in self.0.iter().enumerate() {
            found = match step {
                Move::Name(first) if number == 0 && is_type(first) => {
                    if first == name {
                        found
                    } else {
                        Vec::new()
                    }
                }
                Move::Name(name) => found.iter().flat_map(|at| children(tree, at, name)).collect(),
                Move::Nth(index) => found.into_iter().nth(*index).into_iter().collect(),
                Move::Last => found.pop().into_iter().collect(),
                Move::Where(path, wanted) => found.into_iter().filter(|at| holds(tree, at, path, wanted)).collect(),
            };
        }
        found
    }

    /// The one place it leads to.
    pub(super) fn one(&self, tree: &Tree) -> Result<At, Fault> {
        let mut found = self.find(tree);
        match (found.pop(), found.is_empty()) {
            (Some(only), true) => Ok(only),
            (Some(_), false) => Err(Fault::Inapplicable("path leads to several elements")),
            (None, _) => Err(Fault::Inapplicable("path leads nowhere")),
        }
    }
}

/// Types begin with a capital, elements do not.
fn is_type(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase())
}

fn children(tree: &Tree, at: &At, name: &str) -> Vec<At> {
    let Some(members) = tree.get(&at.place).and_then(Value::as_object) else { return Vec::new() };
    let is_form = |key: &str| {
        let stem = at.kind.and_then(|kind| kind.property(key)?.element()).and_then(|of| of.name().strip_suffix("[x]"));
        stem == Some(name)
    };
    let key = if members.contains_key(name) {
        Some(name)
    } else {
        members.keys().map(String::as_str).find(|key| is_form(key))
    };
    let Some((key, member)) = key.and_then(|key| Some((key, members.get(key)?))) else { return Vec::new() };
    let kind = at.kind.and_then(|kind| kind.property(key)?.kind());
    let place: Place = at.place.iter().cloned().chain([Step::Key(key.to_owned())]).collect();
    match member {
        Value::Array(items) => (0..items.len())
            .map(|index| At { place: place.iter().cloned().chain([Step::Index(index)]).collect(), kind })
            .collect(),
        _ => vec![At { place, kind }],
    }
}

fn holds(tree: &Tree, at: &At, path: &[String], wanted: &str) -> bool {
    tree.get(&at.place).is_some_and(|node| leads_to(node, path, wanted))
}

fn leads_to(node: &Value, path: &[String], wanted: &str) -> bool {
    match (node, path.split_first()) {
        (Value::Array(items), _) => items.iter().any(|item| leads_to(item, path, wanted)),
        (_, Some((name, rest))) => node.get(name).is_some_and(|child| leads_to(child, rest, wanted)),
        (Value::String(text), None) => text == wanted,
        (Value::Bool(truth), None) => wanted == if *truth { "true" } else { "false" },
        _ => false,
    }
}

/// What may stand under a name within a type: the member's key and whether it is a list. `suffix`
/// is the type of the value given, for a choice: `value` and `Boolean` make `valueBoolean`.
pub(super) fn member(kind: Option<Type>, name: &str, suffix: &str) -> Result<(String, bool), Fault> {
    let unknown = Fault::Inapplicable("no such element");
    let kind = kind.ok_or(unknown)?;
    if let Some(element) = kind.property(name).and_then(|property| property.element()) {
        return Ok((name.to_owned(), element.is_array()));
    }
    let key = format!("{name}{suffix}");
    let element = kind.property(&key).and_then(|property| property.element()).ok_or(unknown)?;
    Ok((key, element.is_array()))
}

/// Adds a member, or an item to the list that it is.
pub(super) fn add(tree: &mut Tree, at: &At, key: &str, is_array: bool, value: Value) -> Result<(), Fault> {
    let place: Place = at.place.iter().cloned().chain([Step::Key(key.to_owned())]).collect();
    if is_array {
        return tree.push(&place, None, value);
    }
    if tree.get(&place).is_some() {
        return Err(Fault::Inapplicable("element already there"));
    }
    tree.add(&place, value)
}

/// What reads a path from its beginning.
pub(super) struct Scan<'t>(pub(super) &'t str);

impl<'t> Scan<'t> {
    /// Reads a sign, after any space.
    pub(super) fn sign(&mut self, sign: &str) -> Option<()> {
        self.0 = self.0.trim_start().strip_prefix(sign)?;
        Some(())
    }

    /// Reads a name of letters and digits, after any space.
    pub(super) fn name(&mut self) -> Option<&'t str> {
        let text = self.0.trim_start();
        let end = text.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(text.len());
        let (name, rest) = text.split_at_checked(end)?;
        self.0 = rest;
        (!name.is_empty() && !name.starts_with(|first: char| first.is_ascii_digit())).then_some(name)
    }

    /// Reads a text between quotes, single or double.
    pub(super) fn literal(&mut self) -> Option<&'t str> {
        let text = self.0.trim_start();
        let quote = text.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
        let (literal, rest) = text.strip_prefix(quote)?.split_once(quote)?;
        self.0 = rest;
        Some(literal)
    }

    /// Reads a whole number of a few digits.
    pub(super) fn number(&mut self) -> Option<usize> {
        let text = self.0.trim_start();
        let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
        let (digits, rest) = text.split_at_checked(end)?;
        self.0 = rest;
        (digits.len() <= 6).then(|| digits.parse().ok()).flatten()
    }
}

//! JSON Patch (RFC 6902), with the selector alias of PDSm's examples (document-sharing T9).

use serde_json::{Map, Value};

use super::pointer::{Led, Pointer};
use super::tree::{Place, Tree};
use super::{Fault, MOST_OPERATIONS, malformed, too_large};
use crate::error::Error;

/// One operation.
pub(super) enum Operation {
    Add(Pointer, Value),
    Remove(Pointer),
    Replace(Pointer, Value),
    Move { from: Pointer, to: Pointer },
    Copy { from: Pointer, to: Pointer },
    Test(Pointer, Value),
}

pub(super) fn read(patch: Value) -> Result<Vec<Operation>, Error> {
    let Value::Array(items) = patch else { return Err(malformed("RFC 6902 §3")) };
    if items.len() > MOST_OPERATIONS {
        return Err(too_large());
    }
    items.into_iter().map(operation).collect()
}

fn operation(item: Value) -> Result<Operation, Error> {
    let Value::Object(mut members) = item else { return Err(malformed("RFC 6902 §4")) };
    let op = text(&members, "op")?.to_owned();
    let path = pointer(&members, "path")?;
    let mut value = || members.remove("value").ok_or_else(|| malformed("RFC 6902 §4.1"));
    Ok(match op.as_str() {
        "add" => Operation::Add(path, value()?),
        "remove" => Operation::Remove(path),
        "replace" => Operation::Replace(path, value()?),
        "move" => Operation::Move { from: pointer(&members, "from")?, to: path },
        "copy" => Operation::Copy { from: pointer(&members, "from")?, to: path },
        "test" => Operation::Test(path, value()?),
        _ => return Err(malformed("RFC 6902 §4")),
    })
}

fn text<'m>(members: &'m Map<String, Value>, name: &str) -> Result<&'m str, Error> {
    members.get(name).and_then(Value::as_str).ok_or_else(|| malformed("RFC 6902 §4"))
}

fn pointer(members: &Map<String, Value>, name: &str) -> Result<Pointer, Error> {
    Pointer::read(text(members, name)?)
}

impl Operation {
    /// The elements of the resource it changes.
    pub(super) fn elements(&self) -> Vec<&str> {
        let pointers = match self {
            Self::Add(path, _) | Self::Remove(path) | Self::Replace(path, _) => vec![path],
            Self::Move { from, to } => vec![from, to],
            Self::Copy { to, .. } => vec![to],
            Self::Test(..) => vec![],
        };
        pointers.into_iter().filter_map(Pointer::element).collect()
    }

    pub(super) fn apply(&self, tree: &mut Tree) -> Result<(), Fault> {
        match self {
            Self::Add(path, value) => add(tree, path, value.clone()),
            Self::Remove(path) => tree.remove(&present(tree, path)?).map(drop),
            Self::Replace(path, value) => tree.replace(&present(tree, path)?, value.clone()),
            Self::Move { from, to } => {
                if to.is_below(from) {
                    return Err(Fault::Inapplicable("RFC 6902 §4.4"));
                }
                let moved = tree.remove(&present(tree, from)?)?;
                add(tree, to, moved)
            }
            Self::Copy { from, to } => {
                let copied = tree.copy(&present(tree, from)?)?;
                add(tree, to, copied)
            }
            Self::Test(path, value) => {
                if tree.is(&present(tree, path)?, value)? {
                    Ok(())
                } else {
                    Err(Fault::Inapplicable("RFC 6902 §4.6"))
                }
            }
        }
    }
}

fn add(tree: &mut Tree, path: &Pointer, value: Value) -> Result<(), Fault> {
    match path.lead(tree.root())? {
        Led::To(place) => tree.add(&place, value),
        Led::NewExtension { list, url, member } => {
            let extension = match member {
                Some(member) => Map::from_iter([("url".to_owned(), Value::String(url)), (member, value)]).into(),
                None => value,
            };
            tree.push(&list, None, extension)
        }
    }
}

/// The place of something that must be there.
fn present(tree: &Tree, path: &Pointer) -> Result<Place, Fault> {
    match path.lead(tree.root())? {
        Led::To(place) if tree.get(&place).is_some() => Ok(place),
        _ => Err(Fault::Inapplicable("RFC 6902 §4: target absent")),
    }
}

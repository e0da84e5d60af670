//! Merge patch: a partial resource, `null` for what goes (RFC 7396).

use serde_json::{Map, Value};

use super::tree::{Step, Tree};
use super::{Fault, malformed};
use crate::error::Error;

pub(super) fn read(patch: Value) -> Result<Value, Error> {
    if patch.is_object() { Ok(patch) } else { Err(malformed("RFC 7396 §2")) }
}

pub(super) fn apply(tree: &mut Tree, patch: &Value) -> Result<(), Fault> {
    let Some(members) = patch.as_object() else { return Ok(()) };
    for (name, wanted) in members {
        let place = [Step::Key(name.clone())];
        if wanted.is_null() {
            if tree.get(&place).is_some() {
                tree.remove(&place)?;
            }
            continue;
        }
        let merged = match (tree.get(&place), wanted) {
            (Some(_), Value::Object(_)) => merged(tree.copy(&place)?, wanted),
            _ => merged(Value::Null, wanted),
        };
        tree.add(&place, merged)?;
    }
    Ok(())
}

/// The `MergePatch` of RFC 7396 §2. Its depth is that of the patch, which was bounded as it was read.
fn merged(target: Value, patch: &Value) -> Value {
    let Value::Object(wanted) = patch else { return patch.clone() };
    let mut members = if let Value::Object(members) = target { members } else { Map::new() };
    for (name, wanted) in wanted {
        if wanted.is_null() {
            members.shift_remove(name);
        } else {
            let before = members.get_mut(name).map(Value::take).unwrap_or_default();
            members.insert(name.clone(), merged(before, wanted));
        }
    }
    Value::Object(members)
}

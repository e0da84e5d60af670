//! The copy of a resource that a patch works on: places in it, and the bounds of what may come of
//! it (RFC 6901, contract §8).

use serde_json::Value;

use super::{Fault, MOST_BYTES};
use crate::fhir::codec::json::DEEPEST;

/// Octets of values that the operations of one patch may copy, compare or weigh in all.
const MOST_WORK: usize = 16 << 20;
/// What a node weighs beside its text.
const NODE: usize = 8;

/// One step down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// A member of an object.
    Key(String),
    /// An item of an array.
    Index(usize),
}

/// A place, from the root.
pub(super) type Place = Vec<Step>;

/// A resource being patched.
pub(super) struct Tree {
    root: Value,
    weight: usize,
    most: usize,
    work: usize,
}

impl Tree {
    pub(super) fn of(resource: &Value) -> Self {
        let weight = weigh(resource);
        Self { root: resource.clone(), weight, most: weight.saturating_add(2 * MOST_BYTES), work: 0 }
    }

    pub(super) const fn root(&self) -> &Value {
        &self.root
    }

    /// The resource as patched. What has become empty is absent: JSON in FHIR knows no empty array.
    pub(super) fn finish(mut self) -> Value {
        if let Some(members) = self.root.as_object_mut() {
            members.retain(|_, member| !member.as_array().is_some_and(Vec::is_empty));
        }
        self.root
    }

    pub(super) fn get(&self, place: &[Step]) -> Option<&Value> {
        place.iter().try_fold(&self.root, |node, step| match step {
            Step::Key(key) => node.get(key.as_str()),
            Step::Index(index) => node.get(*index),
        })
    }

    fn get_mut(&mut self, place: &[Step]) -> Option<&mut Value> {
        place.iter().try_fold(&mut self.root, |node, step| match step {
            Step::Key(key) => node.get_mut(key.as_str()),
            Step::Index(index) => node.get_mut(*index),
        })
    }

    /// A copy of what stands at a place; it counts as work.
    pub(super) fn copy(&mut self, place: &[Step]) -> Result<Value, Fault> {
        let found = self.get(place).ok_or(Fault::Inapplicable("target absent"))?;
        let weight = weigh(found);
        let copy = found.clone();
        self.worked(weight)?;
        Ok(copy)
    }

    /// Whether what stands at a place is this; it counts as work.
    pub(super) fn is(&mut self, place: &[Step], wanted: &Value) -> Result<bool, Fault> {
        self.worked(weigh(wanted))?;
        Ok(self.get(place).is_some_and(|found| same(found, wanted)))
    }

    /// Puts a value in the place of the one that is there.
    pub(super) fn replace(&mut self, place: &[Step], value: Value) -> Result<(), Fault> {
        let added = self.admit(place, &value)?;
        let slot = self.get_mut(place).ok_or(Fault::Inapplicable("target absent"))?;
        let removed = weigh(slot);
        *slot = value;
        self.weight = self.weight.saturating_add(added).saturating_sub(removed);
        self.bounded()
    }

    /// Adds a value: sets a member, or inserts before an item, or after the last one.
    pub(super) fn add(&mut self, place: &[Step], value: Value) -> Result<(), Fault> {
        let Some((last, parent)) = place.split_last() else { return self.replace(place, value) };
        let added = self.admit(place, &value)?;
        let parent = self.get_mut(parent).ok_or(Fault::Inapplicable("parent absent"))?;
        let mut removed = 0;
        match (parent, last) {
            (Value::Object(members), Step::Key(key)) => {
                removed = members.get(key.as_str()).map_or(0, weigh);
                members.insert(key.clone(), value);
            }
            (Value::Array(items), Step::Index(index)) if *index <= items.len() => items.insert(*index, value),
            _ => return Err(Fault::Inapplicable("parent of another kind, or index out of range")),
        }
        let key = if let Step::Key(key) = last { key.len() } else { 0 };
        self.weight = self.weight.saturating_add(added + key).saturating_sub(removed);
        self.bounded()
    }

    /// Takes a value out.
    pub(super) fn remove(&mut self, place: &[Step]) -> Result<Value, Fault> {
        let absent = Fault::Inapplicable("target absent");
        let (last, parent) = place.split_last().ok_or(Fault::Inapplicable("the root stays"))?;
        let removed = match (self.get_mut(parent).ok_or(absent)?, last) {
            // `remove` of an ordered map would put the last member in its place.
            (Value::Object(members), Step::Key(key)) => members.shift_remove(key.as_str()).ok_or(absent)?,
            (Value::Array(items), Step::Index(index)) if *index < items.len() => items.remove(*index),
            _ => return Err(absent),
        };
        let weight = weigh(&removed);
        self.weight = self.weight.saturating_sub(weight);
        self.worked(weight)?;
        Ok(removed)
    }

    /// Takes out an item, and the array with its last item.
    pub(super) fn prune(&mut self, place: &[Step]) -> Result<(), Fault> {
        self.remove(place)?;
        if let Some((Step::Index(_), array)) = place.split_last()
            && self.get(array).and_then(Value::as_array).is_some_and(Vec::is_empty)
        {
            self.remove(array)?;
        }
        Ok(())
    }

    /// Adds an item to an array that may not be there yet.
    pub(super) fn push(&mut self, array: &[Step], at: Option<usize>, value: Value) -> Result<(), Fault> {
        let length = match self.get(array) {
            None => {
                self.add(array, Value::Array(Vec::new()))?;
                0
            }
            Some(Value::Array(items)) => items.len(),
            Some(_) => return Err(Fault::Inapplicable("target is no list")),
        };
        let place: Place = array.iter().cloned().chain([Step::Index(at.unwrap_or(length))]).collect();
        self.add(&place, value)
    }

    /// What a value weighs, if it is not too deep for its place.
    fn admit(&mut self, place: &[Step], value: &Value) -> Result<usize, Fault> {
        if place.len().saturating_add(depth(value)) > DEEPEST {
            return Err(Fault::TooLarge);
        }
        let weight = weigh(value);
        self.worked(weight)?;
        Ok(weight)
    }

    const fn bounded(&self) -> Result<(), Fault> {
        if self.weight > self.most { Err(Fault::TooLarge) } else { Ok(()) }
    }

    fn worked(&mut self, weight: usize) -> Result<(), Fault> {
        self.work = self.work.saturating_add(weight);
        if self.work > MOST_WORK.max(4 * self.most) { Err(Fault::TooLarge) } else { Ok(()) }
    }
}

/// The size of a value as text, nearly.
fn weigh(value: &Value) -> usize {
    NODE + match value {
        Value::Null | Value::Bool(_) => 0,
        Value::Number(number) => number.as_str().len(),
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(weigh).sum(),
        Value::Object(members) => members.iter().map(|(key, member)| key.len() + weigh(member)).sum(),
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// Equality of RFC 6902 §4.6: numbers by value, members in any order.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left == right || left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, member)| right.get(key).is_some_and(|other| same(member, other)))
        }
        _ => left == right,
    }
}

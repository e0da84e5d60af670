//! Invariants with a function of their own: those that every fiche meets and that need more than one object.

use serde_json::Value;

use crate::fhir::datatype::DateTime;
use crate::fhir::definition::{Kind, Primitive, Property, Type};

/// Tells whether the invariant holds; `None` where only the expression can tell.
pub(super) type Own = fn(&Value) -> Option<bool>;

/// The function of an invariant.
pub(super) fn of(key: &str, path: &str) -> Option<Own> {
    match (key, path) {
        ("dom-3", "DomainResource") => Some(|resource| Some(dom_3(resource))),
        ("per-1", "Period") => Some(per_1),
        _ => None,
    }
}

/// per-1: a period starts before it ends, as far as its precision tells. Dates beside moments, and parts of seconds,
/// are left to the expression.
fn per_1(period: &Value) -> Option<bool> {
    let bound = |name: &str| period.get(name).and_then(Value::as_str);
    let (Some(start), Some(end)) = (bound("start"), bound("end")) else { return Some(true) };
    let is_date = |text: &str| DateTime::parse_date(text).is_some();
    if is_date(start) && is_date(end) {
        let length = start.len().min(end.len());
        return Some(start.get(..length)? <= end.get(..length)?);
    }
    let instant = |text: &str| {
        let whole = text.contains('T') && !text.contains('.');
        Some(whole.then(|| DateTime::parse(text))??.interval()?.start)
    };
    Some(instant(start)? <= instant(end)?)
}

/// dom-3: what is contained is referred to, or refers to what contains it.
fn dom_3(resource: &Value) -> bool {
    let Some(contained) = resource.get("contained").and_then(Value::as_array) else { return true };
    let mut missing: Vec<&str> = contained.iter().filter_map(id_of).collect();
    missing.sort_unstable();
    missing.dedup();
    let mut named = vec![false; missing.len()];
    references(resource, DEEPEST, &mut |text| strike(&missing, &mut named, text));
    if named.iter().all(|is_named| *is_named) {
        return true;
    }
    // Rare, and slower: a uri may refer as well, which only the types of elements tell.
    uris(resource, type_of(resource), DEEPEST, &mut |text| strike(&missing, &mut named, text));
    let is_missed = |contained: &&Value| {
        let place = id_of(contained).and_then(|id| missing.binary_search(&id).ok());
        place.and_then(|place| named.get(place)) == Some(&false)
    };
    contained.iter().filter(is_missed).all(refers_out)
}

/// Notes that an id is referred to.
fn strike(ids: &[&str], named: &mut [bool], text: &str) {
    let place = text.strip_prefix('#').and_then(|id| ids.binary_search(&id).ok());
    if let Some(is_named) = place.and_then(|place| named.get_mut(place)) {
        *is_named = true;
    }
}

/// Deeper than any JSON that was read.
const DEEPEST: usize = 160;

fn id_of(resource: &Value) -> Option<&str> {
    resource.get("id").and_then(Value::as_str)
}

fn type_of(resource: &Value) -> Option<Type> {
    resource.get("resourceType").and_then(Value::as_str).and_then(Type::resource)
}

/// Whether a contained resource refers to what contains it.
fn refers_out(contained: &Value) -> bool {
    let mut found = false;
    references(contained, DEEPEST, &mut |text| found |= text == "#");
    uris(contained, type_of(contained), DEEPEST, &mut |text| found |= text == "#");
    found
}

/// Hands over what stands in each `reference`.
fn references(value: &Value, depth: usize, each: &mut dyn FnMut(&str)) {
    match value {
        Value::Array(items) if depth > 0 => items.iter().for_each(|item| references(item, depth - 1, each)),
        Value::Object(map) if depth > 0 => {
            for (key, value) in map {
                match value {
                    Value::String(text) if key == "reference" => each(text),
                    value => references(value, depth - 1, each),
                }
            }
        }
        _ => {}
    }
}

/// Hands over each `uri`, `url` and `canonical` that begins with `#`.
fn uris(value: &Value, kind: Option<Type>, depth: usize, each: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) if text.starts_with('#') => {
            let kind = kind.map(Type::kind);
            if let Some(Kind::Primitive(Primitive::Uri | Primitive::Url | Primitive::Canonical)) = kind {
                each(text);
            }
        }
        Value::Array(items) if depth > 0 => items.iter().for_each(|item| uris(item, kind, depth - 1, each)),
        Value::Object(map) if depth > 0 => {
            let owner = type_of(value).or(kind);
            for (key, value) in map {
                let of = owner.and_then(|owner| owner.property(key)).and_then(Property::kind);
                uris(value, of, depth - 1, each);
            }
        }
        _ => {}
    }
}

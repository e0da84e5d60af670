//! A value set as a ValueSet (R4 `valueset.html`).

use serde_json::{Map, Value, json};

use super::{Head, identified};
use crate::fhir::terminology::{Library, Set};

/// Without its codes.
pub fn head(set: &Set) -> Value {
    let head = Head {
        kind: "ValueSet",
        url: &set.url,
        version: &set.version,
        name: &crate::fhir::terminology::machine_name(&set.name),
        title: &set.title,
        origin: set.origin,
    };
    let mut members = head.resource();
    // A set that a client sends may have no URL, and has then no id.
    if set.url.is_empty() {
        members.remove("id");
    }
    identified(&mut members, &set.oid);
    Value::Object(members)
}

/// With its definition: the codes of each system, one after the other. Retired codes stand in the
/// expansion alone.
pub fn resource(set: &Set, library: &Library) -> Value {
    let mut includes: Vec<Value> = Vec::new();
    for system in set.members.chunk_by(|one, other| one.system == other.system) {
        let mut include = Map::new();
        if let Some(first) = system.first() {
            include.insert("system".to_owned(), json!(first.system));
        }
        let concepts = system.iter().filter(|member| !member.is_retired).map(|member| {
            let display = library.display(member, "fr");
            if display.is_empty() {
                json!({"code": member.code})
            } else {
                json!({"code": member.code, "display": display})
            }
        });
        let concepts: Vec<Value> = concepts.collect();
        if !concepts.is_empty() {
            include.insert("concept".to_owned(), Value::Array(concepts));
            includes.push(Value::Object(include));
        }
    }
    let mut resource = head(set);
    if let (Some(members), false) = (resource.as_object_mut(), includes.is_empty()) {
        members.insert("compose".to_owned(), json!({ "include": includes }));
    }
    resource
}

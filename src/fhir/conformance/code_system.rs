//! A code system, or what is known of it, as a CodeSystem (R4 `codesystem.html`).

use serde_json::{Map, Value, json};

use super::{Head, identified};
use crate::fhir::terminology::System;

/// Without its codes.
pub fn head(system: &System) -> Value {
    let head = Head {
        kind: "CodeSystem",
        url: &system.url,
        version: &system.version,
        name: &crate::fhir::terminology::machine_name(&system.name),
        title: &system.title,
        origin: system.origin,
    };
    let mut members = head.resource();
    identified(&mut members, &system.oid);
    Value::Object(members)
}

/// With its codes.
pub fn resource(system: &System) -> Value {
    let concepts = system.concepts.iter().map(|(code, concept)| {
        let mut members = Map::new();
        members.insert("code".to_owned(), json!(code));
        let mut names = concept.designations.iter();
        if let Some(name) = names.next() {
            members.insert("display".to_owned(), json!(name.text));
        }
        let others: Vec<Value> = names.map(|name| json!({"language": name.language, "value": name.text})).collect();
        if !others.is_empty() {
            members.insert("designation".to_owned(), Value::Array(others));
        }
        if concept.is_retired {
            members.insert("property".to_owned(), json!([{"code": "inactive", "valueBoolean": true}]));
        }
        Value::Object(members)
    });
    let concepts: Vec<Value> = concepts.collect();
    let mut resource = head(system);
    if let Some(members) = resource.as_object_mut() {
        members.insert("caseSensitive".to_owned(), json!(true));
        members.insert("content".to_owned(), json!(if system.is_complete { "complete" } else { "fragment" }));
        if system.is_complete {
            members.insert("count".to_owned(), json!(concepts.len()));
        }
        if system.concepts.values().any(|concept| concept.is_retired) {
            let property = json!([{
                "code": "inactive",
                "uri": "http://hl7.org/fhir/concept-properties#inactive",
                "type": "boolean",
            }]);
            members.insert("property".to_owned(), property);
        }
        members.insert("concept".to_owned(), Value::Array(concepts));
    }
    resource
}

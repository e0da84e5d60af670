//! What the server sets on a resource it keeps: id, version, instant, and references to what it
//! was kept with (R4 http.html#transaction).

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::fhir::search::{self, Naming};
use crate::fhir::terminology::canonical_system;
use crate::fhir::view::{Actor, DocumentReference};
use crate::ids::{Ins, LogicalId};
use crate::model::resource::IndexRow;

/// Sets `id`, `meta.versionId` and `meta.lastUpdated`; keeps every other element and its order.
pub(crate) fn stamp(resource: Value, id: &LogicalId, version: i32, updated_at: Timestamp) -> Value {
    restamp(resource, &id.to_string(), version, updated_at)
}

/// The same, for an id of any form.
pub(crate) fn restamp(resource: Value, id: &str, version: i32, updated_at: Timestamp) -> Value {
    let Value::Object(mut members) = resource else { return resource };
    let mut stamped = Map::with_capacity(members.len() + 2);
    if let Some(kind) = members.shift_remove("resourceType") {
        stamped.insert("resourceType".to_owned(), kind);
    }
    stamped.insert("id".to_owned(), Value::String(id.to_owned()));
    members.shift_remove("id");
    let mut meta = match members.shift_remove("meta") {
        Some(Value::Object(meta)) => meta,
        _ => Map::new(),
    };
    meta.insert("versionId".to_owned(), Value::String(version.to_string()));
    meta.insert("lastUpdated".to_owned(), Value::String(instant(updated_at)));
    stamped.insert("meta".to_owned(), Value::Object(meta));
    stamped.append(&mut members);
    Value::Object(stamped)
}

/// A FHIR instant with milliseconds, UTC.
pub(crate) fn instant(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// Replaces each `fullUrl` of a transaction by the reference it became, in references and urls.
pub(crate) fn resolve(value: &mut Value, became: &HashMap<String, String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                match member {
                    Value::String(text) if name == "reference" || name == "url" => {
                        if let Some(reference) = became.get(text.as_str()) {
                            text.clone_from(reference);
                        }
                    }
                    Value::Object(_) | Value::Array(_) => resolve(member, became),
                    _ => {}
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| resolve(item, became)),
        _ => {}
    }
}

/// The forms of names in what is stored.
pub(crate) const NAMING: Naming<'static> = Naming { base: "", canonical_system: &canonical_system };

/// The index rows of a resource.
pub(crate) fn index(resource: &Value) -> Vec<IndexRow> {
    let entries = search::index(resource, &NAMING).into_iter();
    let rows = entries.map(|entry| IndexRow {
        parameter: entry.parameter,
        value: entry.value,
        low: entry.low,
        high: entry.high,
    });
    rows.chain(authors(resource)).collect()
}

/// The parameter under which a fiche is found by who may call it his own. It has no name that a
/// client could ask for, and a number beyond those of the table.
pub(crate) const AUTHOR: i32 = 30_001;

/// One row for each author or authenticator of a fiche (EX_2.1-1140).
fn authors(resource: &Value) -> Vec<IndexRow> {
    let Some(fiche) = DocumentReference::new(resource) else { return Vec::new() };
    let actors: Vec<Actor<'_>> = fiche.authors().into_iter().chain(fiche.authenticator()).collect();
    let names = author_names(&actors).into_iter();
    names.map(|value| IndexRow { parameter: AUTHOR, value, low: 0, high: 0 }).collect()
}

/// National ids of professionals, and the names under which persons of the patient side stand beside
/// them; each once, in order.
pub(crate) fn author_names(actors: &[Actor<'_>]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let persons = actors.iter().flat_map(|actor| &actor.persons).map(ToString::to_string);
    for name in persons.chain(actors.iter().flat_map(|actor| &actor.ins).map(Ins::author_name)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

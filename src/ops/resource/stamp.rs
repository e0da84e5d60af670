//! What the server sets on a resource it keeps: id, version, instant, and references to what it
//! was kept with (R4 http.html#transaction).

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::fhir::search::{self, Naming};
use crate::fhir::terminology::canonical_system;
use crate::ids::LogicalId;
use crate::model::resource::IndexRow;

/// Sets `id`, `meta.versionId` and `meta.lastUpdated`; keeps every other element and its order.
pub(crate) fn stamp(resource: Value, id: &LogicalId, version: i32, updated_at: Timestamp) -> Value {
    let Value::Object(mut members) = resource else { return resource };
    let mut stamped = Map::with_capacity(members.len() + 2);
    if let Some(kind) = members.shift_remove("resourceType") {
        stamped.insert("resourceType".to_owned(), kind);
    }
    stamped.insert("id".to_owned(), Value::String(id.to_string()));
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

/// The index rows of a resource.
pub(crate) fn index(resource: &Value) -> Vec<IndexRow> {
    let naming = Naming { base: "", canonical_system: &canonical_system };
    let entries = search::index(resource, &naming).into_iter();
    entries
        .map(|entry| IndexRow { parameter: entry.parameter, value: entry.value, low: entry.low, high: entry.high })
        .collect()
}

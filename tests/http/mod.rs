//! The wire of each FHIR type: parameters, headers, statuses, bytes.

mod audit_event;
mod batch;
mod binary;
mod conditional;
mod conformance;
mod directory;
mod directory_search;
mod document_reference;
mod find_linked;
mod find_lists;
mod find_more;
pub(crate) mod generate_metadata;
mod history;
pub(crate) mod large;
mod list;
mod measures;
mod metadata;
mod negotiation;
mod oauth;
mod openapi;
mod patch;
mod patient;
mod shared_bytes;
pub(crate) mod simplified_publish;
mod terminology;
mod transaction;
mod validate;

use serde_json::Value;

/// The person of most tests, as a search names her.
const DOMINIQUE: &str = "patient.identifier=urn:oid:1.2.250.1.213.1.4.10%7C279035121518989";

/// Adds a visibility code to the fiche of a bundle.
fn label(bundle: &mut Value, code: &str) {
    let system = espace::ihe::fhir_system("1.2.250.1.213.1.1.4.13");
    let labels = bundle["entry"][1]["resource"]["securityLabel"].as_array_mut().unwrap();
    labels.push(serde_json::json!({ "coding": [{ "system": system, "code": code }] }));
}

/// What is structurally wrong with a resource. Codes beyond an extensible value set only warn.
fn faults(resource: &Value) -> Vec<espace::error::Issue> {
    espace::fhir::validate::structural(resource).into_iter().filter(|issue| !issue.is_warning).collect()
}

/// `system|value` of a bundle's masterIdentifier, for a query.
fn master(bundle: &Value) -> String {
    let master = &bundle["entry"][1]["resource"]["masterIdentifier"];
    format!("{}%7C{}", master["system"].as_str().unwrap(), master["value"].as_str().unwrap())
}

/// A path whose id is of the same record as this one's, and of nothing.
fn unknown(path: &str) -> String {
    format!("{}1111", path.get(..path.len() - 4).unwrap())
}

//! The conformance resources that this server obeys, written from the very tables that serve (R4
//! `conformance-module.html`, contract §7): never a second truth beside them.

pub mod code_system;
pub mod profile;
pub mod search_parameter;
pub mod structure;
pub mod value_set;

use serde_json::{Map, Value, json};

use crate::fhir::terminology::Origin;

/// The day of what this server says of itself.
pub const DATE: &str = "2026-11-22";
/// The day of R4 (4.0.1).
const R4_DATE: &str = "2019-11-01";
/// The version of R4.
pub(super) const R4: &str = "4.0.1";

/// What all conformance resources begin with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head<'a> {
    /// The type.
    pub(super) kind: &'static str,
    /// The canonical URL.
    pub(super) url: &'a str,
    /// The version; empty where none is known.
    pub(super) version: &'a str,
    /// The name for machines.
    pub(super) name: &'a str,
    /// The name for people; may be empty.
    pub(super) title: &'a str,
    /// Who publishes it.
    pub(super) origin: Origin,
}

impl Head<'_> {
    /// The resource with these elements; its id is made of its URL.
    pub(super) fn resource(&self) -> Map<String, Value> {
        let mut members = Map::new();
        let mut put = |name: &str, value: &str| {
            if !value.is_empty() {
                members.insert(name.to_owned(), json!(value));
            }
        };
        put("resourceType", self.kind);
        put("id", &id_of(self.url));
        put("url", self.url);
        put("version", self.version);
        put("name", self.name);
        put("title", self.title.split_whitespace().collect::<Vec<_>>().join(" ").as_str());
        put("status", "active");
        put("date", if self.origin == Origin::R4 { R4_DATE } else { DATE });
        put("publisher", publisher(self.origin));
        members
    }
}

const fn publisher(origin: Origin) -> &'static str {
    match origin {
        Origin::R4 => "HL7",
        Origin::French => "Agence du numérique en santé",
        Origin::Server => "espace",
        Origin::Operator => "",
    }
}

/// The logical id of a canonical: its end, in the letters of an id, within 64 of them (R4 `datatypes.html#id`).
pub fn id_of(url: &str) -> String {
    let url = url.strip_prefix("urn:oid:").unwrap_or(url);
    let tail = url.rsplit(['/', '#']).find(|part| !part.is_empty()).unwrap_or_default();
    let id: String = tail.chars().map(|letter| if is_of_id(letter) { letter } else { '-' }).collect();
    match id.len() {
        0 => "unnamed".to_owned(),
        1..=64 => id,
        more => id.get(more.saturating_sub(64)..).unwrap_or_default().to_owned(),
    }
}

const fn is_of_id(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.')
}

/// The OID as R4 writes it among identifiers.
fn identified(members: &mut Map<String, Value>, oid: &str) {
    if !oid.is_empty() {
        let identifier = json!([{"system": "urn:ietf:rfc:3986", "value": format!("urn:oid:{oid}")}]);
        members.insert("identifier".to_owned(), identifier);
    }
}

/// The name for machines that a canonical suggests (R4 `inv-0`).
pub fn name_of(url: &str) -> String {
    crate::fhir::terminology::machine_name(url)
}

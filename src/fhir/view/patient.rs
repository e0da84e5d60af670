//! Patients: their identifiers, and how a resource names its subject (document-sharing §2).

use serde_json::Value;

use super::{identifier, items, of_type, text};
use crate::fhir::path::contained;
use crate::ids::{BusinessIdentifier, Ins};

/// A Patient resource.
#[derive(Clone, Copy)]
pub struct Patient<'a>(&'a Value);

impl<'a> Patient<'a> {
    /// The view of a Patient; `None` for another resource.
    pub fn new(resource: &'a Value) -> Option<Self> {
        of_type(resource, "Patient").map(Self)
    }

    /// The id.
    pub fn id(&self) -> Option<&'a str> {
        text(self.0, "id")
    }

    /// The INS among the identifiers.
    pub fn ins(&self) -> Vec<Ins> {
        items(self.0, "identifier").filter_map(ins_of).collect()
    }

    /// All identifiers that have a value.
    pub fn identifiers(&self) -> Vec<BusinessIdentifier> {
        items(self.0, "identifier").filter_map(identifier).collect()
    }
}

/// The INS an Identifier states.
pub(super) fn ins_of(identifier: &Value) -> Option<Ins> {
    Ins::parse(text(identifier, "system")?, text(identifier, "value")?).ok()
}

/// The patient a resource is about, as it names them.
#[derive(Clone, PartialEq, Eq)]
pub enum Subject<'a> {
    /// `Patient/id`, or an absolute URL that ends so.
    Id(&'a str),
    /// An identifier: of the reference itself, of a contained Patient, or of `Patient?identifier=`.
    Identifier(BusinessIdentifier),
    /// A place in the same bundle: `urn:uuid:…`, `urn:oid:…`.
    Urn(&'a str),
    /// Something that is no patient.
    Other(&'a str),
}

/// A subject is a person: only its form is shown.
impl std::fmt::Debug for Subject<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Id(_) => "Id(***)",
            Self::Identifier(_) => "Identifier(***)",
            Self::Urn(_) => "Urn(***)",
            Self::Other(_) => "Other(***)",
        })
    }
}

impl<'a> Subject<'a> {
    /// Reads the Reference `reference` of `resource`. An INS goes before other identifiers.
    pub(super) fn read(resource: &'a Value, reference: &'a Value) -> Option<Self> {
        if let Some(target) = contained(resource, reference) {
            let all = || items(target, "identifier");
            let chosen = all().find(|identifier| ins_of(identifier).is_some()).or_else(|| all().next())?;
            return identifier(chosen).map(Self::Identifier);
        }
        let Some(path) = text(reference, "reference") else {
            return reference.get("identifier").and_then(identifier).map(Self::Identifier);
        };
        if path.starts_with("urn:") {
            return Some(Self::Urn(path));
        }
        if let Some(token) = path.strip_prefix("Patient?identifier=") {
            let (system, value) = token.split_once('|').or_else(|| token.split_once("%7C"))?;
            let (system, value) = (system.to_owned(), value.to_owned());
            return Some(Self::Identifier(BusinessIdentifier { system, value }));
        }
        let path = path.split_once("/_history/").map_or(path, |(path, _version)| path);
        let id = path.strip_prefix("Patient/").or_else(|| path.rsplit_once("/Patient/").map(|(_, id)| id));
        Some(id.map_or(Self::Other(path), Self::Id))
    }
}

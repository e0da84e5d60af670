//! The submission set that a server derives from a fiche published alone (MHD ITI-105;
//! document-sharing §1.2 pdsm-submissionset-comprehensive, §1.3; ihe §1.7).

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::contained::{concept, object};
use super::metadata::{Coding, MHD, PDSM, URN, instant, mhd_identifier, urn};
use crate::fhir::path::contained;
use crate::ids::BusinessIdentifier;
use crate::ihe::fhir_system;

/// What the derived set is made of beside the fiche.
pub struct Derivation<'a> {
    /// Its entryUUID.
    pub entry_uuid: Uuid,
    /// What its uniqueId is made from.
    pub unique_id: Uuid,
    /// fullUrl of the fiche.
    pub fiche_url: &'a str,
    /// The subject, a reference that stands by itself.
    pub subject: Value,
    /// Who sent the fiche: sourceId.
    pub source: BusinessIdentifier,
    /// When.
    pub at: Timestamp,
}

/// A submission set of one fiche: its source is the first author, what that author needs is contained.
pub fn derived_submission_set(fiche: &Value, derivation: &Derivation<'_>) -> Value {
    let author = fiche.pointer("/author/0").cloned().unwrap_or_else(|| json!({}));
    let mut copied = Copied::default();
    let source = copied.source_of(fiche, &author);
    let organization = copied
        .organization
        .clone()
        .map(|reference| json!([{"url": format!("{MHD}ihe-authorOrg"), "valueReference": {"reference": reference}}]));
    let content_type = Coding {
        system: fhir_system("1.2.250.1.213.2.2"),
        code: String::from("07"),
        display: Some(String::from("Consultations soins externes")),
    };
    let unique = format!("urn:oid:2.25.{}", derivation.unique_id.as_u128());
    let source_id = json!({"system": derivation.source.system, "value": derivation.source.value});
    object(vec![
        ("resourceType", Some(json!("List"))),
        ("meta", Some(json!({"profile": [format!("{PDSM}pdsm-submissionset-comprehensive")]}))),
        ("contained", Some(Value::Array(copied.resources))),
        (
            "extension",
            Some(json!([
                {"url": format!("{MHD}ihe-designationType"), "valueCodeableConcept": concept(&content_type)},
                {"url": format!("{MHD}ihe-sourceId"), "valueIdentifier": source_id},
            ])),
        ),
        (
            "identifier",
            Some(json!([
                mhd_identifier("usual", "uniqueId", URN, &unique),
                mhd_identifier("official", "entryUUID", URN, &urn(derivation.entry_uuid)),
            ])),
        ),
        ("status", Some(json!("current"))),
        ("mode", Some(json!("working"))),
        ("title", fiche.pointer("/content/0/attachment/title").cloned()),
        (
            "code",
            Some(json!({"coding": [{
                "system": "https://profiles.ihe.net/ITI/MHD/CodeSystem/MHDlistTypes",
                "code": "submissionset",
            }]})),
        ),
        ("subject", Some(derivation.subject.clone())),
        ("date", Some(json!(instant(derivation.at)))),
        ("source", Some(object(vec![("extension", organization), ("reference", Some(json!(source)))]))),
        ("entry", Some(json!([{"item": {"reference": derivation.fiche_url}}]))),
    ])
}

/// Contained resources of a fiche, copied to the set.
#[derive(Default)]
struct Copied {
    resources: Vec<Value>,
    /// The author's organisation.
    organization: Option<String>,
}

/// What a source may be in PDSm; any other author acts in a role.
const SOURCES: [&str; 3] = ["PractitionerRole", "Device", "Patient"];
/// The role of an author who is none himself. No id of a fiche is likely to be this one.
const ROLE: &str = "espace-source";

impl Copied {
    /// The reference of the source: the author himself, or a role of his.
    fn source_of(&mut self, fiche: &Value, author: &Value) -> String {
        let target = contained(fiche, author);
        let kind = target.and_then(|target| target.get("resourceType")?.as_str()).unwrap_or_default();
        if let Some(target) = target {
            self.copy(fiche, target);
        }
        if let (true, Some(reference)) = (SOURCES.contains(&kind), author.get("reference").and_then(Value::as_str)) {
            return reference.to_owned();
        }
        let member = if kind == "Organization" { "organization" } else { "practitioner" };
        let mut role = Map::new();
        role.insert("resourceType".to_owned(), json!("PractitionerRole"));
        role.insert("id".to_owned(), json!(ROLE));
        role.insert(member.to_owned(), author.clone());
        if member == "organization" {
            self.organization = author.get("reference").and_then(Value::as_str).map(str::to_owned);
        }
        self.resources.push(Value::Object(role));
        format!("#{ROLE}")
    }

    /// Copies a contained resource and what it refers to, each once.
    fn copy(&mut self, fiche: &Value, target: &Value) {
        if self.resources.iter().any(|known| known.get("id") == target.get("id")) {
            return;
        }
        self.resources.push(target.clone());
        for member in ["practitioner", "organization", "owner"] {
            let Some(reference) = target.get(member) else { continue };
            let Some(next) = contained(fiche, reference) else { continue };
            if member != "practitioner" {
                self.organization = reference.get("reference").and_then(Value::as_str).map(str::to_owned);
            }
            self.copy(fiche, next);
        }
    }
}

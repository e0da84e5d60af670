//! What a CDA header tells of a fiche, element by element, as far as it tells anything: for a fiche
//! that was sent incomplete (document-sharing §3.2; MHD ITI-105).

use serde_json::{Value, json};

use super::contained::{Contained, coding, concept, object};
use super::format_code;
use super::metadata::related;
use crate::cda::{Header, Patient};

/// Elements of a fiche, each where the header knows it.
#[derive(Default)]
pub struct Hints {
    /// `type`.
    pub kind: Option<Value>,
    /// `securityLabel`.
    pub labels: Option<Value>,
    /// `content.format`.
    pub format: Option<Value>,
    /// `content.attachment.language`.
    pub language: Option<String>,
    /// `content.attachment.creation`.
    pub created: Option<String>,
    /// The members of `context` but the patient.
    pub context: Vec<(&'static str, Value)>,
    /// A Patient to contain, without id.
    pub patient: Option<Value>,
}

impl Hints {
    /// What a header tells.
    pub fn of(header: &Header) -> Self {
        let event = header.service_event.as_ref();
        let period = event.and_then(|event| {
            let end = event.high.as_ref().map(|high| json!(high.to_fhir()));
            Some(object(vec![("start", Some(json!(event.low.as_ref()?.to_fhir()))), ("end", end)]))
        });
        let events: Vec<_> = header.event_codes.iter().map(|code| concept(&coding(code))).collect();
        let setting = event.and_then(|event| event.practice_setting.as_ref());
        let context = [
            ("event", (!events.is_empty()).then(|| json!(events))),
            ("period", period),
            ("facilityType", header.facility.as_ref().map(|code| concept(&coding(code)))),
            ("practiceSetting", setting.map(|code| concept(&coding(code)))),
            ("related", related(header)),
        ];
        Self {
            kind: header.code.as_ref().map(|code| concept(&coding(code))),
            labels: header.confidentiality.as_ref().map(|code| json!([concept(&coding(code))])),
            // A header without templates follows no model that could be named.
            format: (!header.template_ids.is_empty()).then(|| format_code(header).to_json()),
            language: header.language.clone(),
            created: header.effective_time.as_ref().map(crate::cda::Time::to_fhir),
            context: context.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
            patient: (header.patient != Patient::default()).then(|| patient(&header.patient)).flatten(),
        }
    }
}

fn patient(patient: &Patient) -> Option<Value> {
    let mut contained = Contained::default();
    contained.patient(patient);
    contained.into_resources().pop()
}

//! What a server adds to a fiche published alone: what it computes, what the header of a CDA tells,
//! and defaults where nobody does; nothing that was sent is changed (document-sharing §1.2, §3.2,
//! T7, T10; MHD ITI-105). Neither authors nor authenticator are ever taken from the header: who may
//! publish is judged on the fiche alone (contract §6).

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::header::is_cda;
use super::revise::with_entry_uuid;
use crate::cda;
use crate::fhir::view::DocumentReference;
use crate::ihe::mhd::{Hints, Integrity, class_of};
use crate::ops::resource::stamp::instant;
use crate::store::blob::Staged;

/// The fiche without its data, with all that can be known of it.
pub(super) fn complete(fiche: Value, staged: &Staged, url: &str, entry_uuid: Uuid, at: Timestamp) -> Value {
    let content_type = fiche.pointer("/content/0/attachment/contentType").and_then(Value::as_str).unwrap_or_default();
    // A header that cannot be read is refused a little later, with what is wrong with it.
    let header = is_cda(content_type).then(|| cda::read_header(staged.capture()).ok()).flatten();
    let hints = header.as_ref().map(Hints::of).unwrap_or_default();
    let mut fiche = with_entry_uuid(fiche, entry_uuid);
    let date = fiche.get("date").and_then(Value::as_str).map(str::to_owned);
    if let Some(members) = fiche.as_object_mut() {
        let now = Some(json!(instant(at)));
        fill(members, "type", hints.kind.clone());
        fill(members, "date", now.clone());
        fill(members, "securityLabel", hints.labels.clone().or_else(|| Some(normal())));
        source_of_patient(members, hints.patient.clone());
        let context = members.entry("context").or_insert_with(|| json!({}));
        if let Some(context) = context.as_object_mut() {
            for (name, value) in &hints.context {
                fill(context, name, Some(value.clone()));
            }
        }
        if context.as_object().is_some_and(Map::is_empty) {
            members.shift_remove("context");
        }
        let created = hints.created.clone().or(date).map_or(now, |created| Some(json!(created)));
        let content = members.get_mut("content").and_then(|content| content.get_mut(0)).and_then(Value::as_object_mut);
        if let Some(content) = content {
            fill(content, "format", hints.format.clone());
            if let Some(attachment) = content.get_mut("attachment").and_then(Value::as_object_mut) {
                described(attachment, staged, url, &hints, created);
            }
        }
    }
    let class = category_of(&fiche);
    if let Some(members) = fiche.as_object_mut() {
        fill(members, "category", class);
    }
    fiche
}

/// The attachment: data out, url in, what the bytes are.
fn described(attachment: &mut Map<String, Value>, staged: &Staged, url: &str, hints: &Hints, created: Option<Value>) {
    attachment.shift_remove("data");
    attachment.insert("url".to_owned(), json!(url));
    let integrity = Integrity { size: staged.size(), sha1: staged.sha1() };
    fill(attachment, "language", Some(json!(hints.language.as_deref().unwrap_or("fr-FR"))));
    fill(attachment, "size", Some(json!(integrity.size)));
    fill(attachment, "hash", Some(json!(integrity.hash())));
    fill(attachment, "creation", created);
}

/// Adds a member where there is none.
fn fill(members: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let (false, Some(value)) = (members.contains_key(name), value) {
        members.insert(name.to_owned(), value);
    }
}

/// The person as the source knew him: the one whom the subject contains, else the one of the header.
fn source_of_patient(members: &mut Map<String, Value>, patient: Option<Value>) {
    if members.get("context").is_some_and(|context| context.get("sourcePatientInfo").is_some()) {
        return;
    }
    let inside = members.get("subject").and_then(|subject| subject.get("reference")?.as_str());
    let mut reference = inside.filter(|reference| reference.starts_with('#')).map(str::to_owned);
    if let (None, Some(mut patient)) = (&reference, patient) {
        let all = members.entry("contained").or_insert_with(|| json!([]));
        let Some(all) = all.as_array_mut() else { return };
        let id = free_id(all);
        if let Some(patient) = patient.as_object_mut() {
            patient.insert("id".to_owned(), json!(id));
        }
        all.push(patient);
        reference = Some(format!("#{id}"));
    }
    let Some(reference) = reference else { return };
    let context = members.entry("context").or_insert_with(|| json!({}));
    if let Some(context) = context.as_object_mut() {
        context.insert("sourcePatientInfo".to_owned(), json!({ "reference": reference }));
    }
}

/// An id that no contained resource has.
fn free_id(all: &[Value]) -> String {
    let is_free = |id: &String| all.iter().all(|known| known.get("id").and_then(Value::as_str) != Some(id.as_str()));
    (1..=all.len().saturating_add(1)).map(|n| format!("source-patient-{n}")).find(is_free).unwrap_or_default()
}

/// The class of the type, by ASS_X16.
fn category_of(fiche: &Value) -> Option<Value> {
    let kinds = DocumentReference::new(fiche)?.types();
    let class = kinds.iter().find_map(|coding| class_of(coding.system, coding.code))?;
    Some(json!([{ "coding": [class.to_json()] }]))
}

/// The base label that a document without any has (T10).
fn normal() -> Value {
    let system = crate::ihe::fhir_system("2.16.840.1.113883.5.25");
    json!([{ "coding": [{ "system": system, "code": "N" }] }])
}

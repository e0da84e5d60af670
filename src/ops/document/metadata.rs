//! What a patch made of a fiche: the three elements that may change, the set of labels, the status
//! (document-sharing §1.5 TD3.3, T6, T9, T10, T11). Pure.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::error::{Code, Error, Issue};
use crate::fhir::definition::Type;
use crate::fhir::terminology::{canonical_system, canonical_system_of, is_member};
use crate::fhir::validate;
use crate::fhir::view::DocumentReference;
use crate::ids::ElementPath;
use crate::model::document::DocumentStatus;
use crate::rules::change::Change;
use crate::rules::visibility::Label;

/// The elements that a metadata update may change.
const MODIFIABLE: [&str; 3] = ["status", "securityLabel", "extension"];
const IS_ARCHIVED: &str = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-ext-is-archived";
/// Confidentiality and visibility codes (PDSm securityLabel).
const LABELS: &str = "JDV_J08-XdsConfidentialityCode-CISIS";
const VISIBILITY: &str =
    "https://mos.esante.gouv.fr/NOS/TRE_A07-StatutVisibiliteDocument/FHIR/TRE-A07-StatutVisibiliteDocument";

/// A fiche as it will be kept, and what that changes.
#[derive(Debug)]
pub(super) struct Updated {
    /// The fiche.
    pub(super) fiche: Value,
    /// What changes; nothing where the patch leaves all as it was.
    pub(super) changes: Vec<Change>,
    /// Its status.
    pub(super) status: DocumentStatus,
    /// Its codes of securityLabel.
    pub(super) labels: Vec<String>,
}

/// Refuses a patch that says it changes another element, before anything is read of the fiche.
pub(super) fn require_modifiable<'e>(elements: impl IntoIterator<Item = &'e str>) -> Result<(), Error> {
    match elements.into_iter().find(|element| !MODIFIABLE.contains(element)) {
        None => Ok(()),
        Some(element) => Err(not_modifiable(element)),
    }
}

fn not_modifiable(element: &str) -> Error {
    let element = element.strip_prefix('_').unwrap_or(element);
    // What is called like no element may be anything: it is not repeated.
    let known = Type::resource("DocumentReference").and_then(|kind| kind.property(element));
    let root = ElementPath::root("DocumentReference");
    let path = known.map_or(root.clone(), |known| root.child(known.name()));
    Issue::new(Code::ElementNotModifiable).at(path).rule("PDSm flux 03").into()
}

/// Judges what a patch made of `before`.
pub(super) fn judge(before: &Value, mut after: Value) -> Result<Updated, Error> {
    require_others_kept(before, &after)?;
    refuse_wrong(validate::structural(&after))?;
    let mut changes = Vec::new();
    let labels = judge_labels(before, &mut after, &mut changes)?;
    judge_archive(before, &after, &mut changes)?;
    let status = judge_status(before, &after, &mut changes)?;
    Ok(Updated { fiche: after, changes, status, labels })
}

fn refuse_wrong(issues: Vec<Issue>) -> Result<(), Error> {
    let wrong: Vec<Issue> = issues.into_iter().filter(|issue| !issue.is_warning).collect();
    if wrong.is_empty() { Ok(()) } else { Err(Error::many(wrong)) }
}

fn require_others_kept(before: &Value, after: &Value) -> Result<(), Error> {
    let empty = Map::new();
    let (before, after) = (before.as_object().unwrap_or(&empty), after.as_object().unwrap_or(&empty));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for name in names {
        let is_kept = if name == "extension" {
            other_extensions(before).eq(other_extensions(after))
        } else {
            MODIFIABLE.contains(&name.as_str()) || before.get(name) == after.get(name)
        };
        if !is_kept {
            return Err(not_modifiable(name));
        }
    }
    Ok(())
}

fn extensions(fiche: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    let list = fiche.get("extension");
    // What is no list is judged as one value: structure refuses it later.
    let items = list.and_then(Value::as_array).map(Vec::as_slice);
    items.unwrap_or_else(|| list.map(std::slice::from_ref).unwrap_or_default()).iter()
}

fn is_archived(extension: &Value) -> bool {
    extension.get("url").and_then(Value::as_str) == Some(IS_ARCHIVED)
}

fn other_extensions(fiche: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    extensions(fiche).filter(|extension| !is_archived(extension))
}

/// isArchived is there once at most, and a boolean (T9).
fn judge_archive(before: &Value, after: &Value, changes: &mut Vec<Change>) -> Result<(), Error> {
    let flags = |fiche: &Value| -> Vec<Value> {
        fiche.as_object().into_iter().flat_map(extensions).filter(|item| is_archived(item)).cloned().collect()
    };
    let (old, new) = (flags(before), flags(after));
    if old == new {
        return Ok(());
    }
    let path = || ElementPath::root("DocumentReference").child("extension");
    if new.len() > 1 {
        return Err(Issue::new(Code::Profile).at(path()).rule("PDSm isArchived").into());
    }
    if new.iter().any(|flag| !flag.get("valueBoolean").is_some_and(Value::is_boolean)) {
        return Err(Issue::new(Code::Datatype).at(path()).rule("PDSm isArchived").into());
    }
    changes.push(Change::Archive);
    Ok(())
}

fn judge_status(before: &Value, after: &Value, changes: &mut Vec<Change>) -> Result<DocumentStatus, Error> {
    let status = |fiche: &Value| fiche.get("status").and_then(Value::as_str).unwrap_or_default().to_owned();
    let path = ElementPath::root("DocumentReference").child("status");
    match (status(before).as_str(), status(after).as_str()) {
        ("current", "current") => Ok(DocumentStatus::Current),
        ("superseded", "superseded") => Ok(DocumentStatus::Superseded),
        ("current", "superseded") => {
            changes.push(Change::Supersede);
            Ok(DocumentStatus::Superseded)
        }
        ("current" | "superseded", "entered-in-error") => {
            changes.push(Change::Withdraw);
            Ok(DocumentStatus::Deleted)
        }
        // A document never comes back (DATA-MODEL: states of a document).
        ("superseded", "current") => Err(Issue::new(Code::AlreadySuperseded).at(path).rule("TD3.3c").into()),
        _ => Err(Issue::new(Code::Binding).at(path).rule("TD3.3c").into()),
    }
}

/// The labels are a set: one of N, R, V, and flags (T10). Flags come first, so that a client that
/// puts N over the label it put there takes that label away.
fn judge_labels(before: &Value, after: &mut Value, changes: &mut Vec<Change>) -> Result<Vec<String>, Error> {
    let old = labels(before);
    if before.get("securityLabel") == after.get("securityLabel") {
        return Ok(old.iter().map(code).collect());
    }
    let path = ElementPath::root("DocumentReference").child("securityLabel");
    let mut kept: Vec<Value> = Vec::new();
    for mut label in labels(after) {
        if !old.contains(&label) {
            adopt(&mut label).map_err(|issue| issue.at(path.clone()))?;
        }
        if kept.iter().all(|known| code(known) != code(&label)) {
            kept.push(label);
        }
    }
    let bases = kept.iter().filter(|label| is_base(&code(label))).count();
    if bases > 1 {
        return Err(Issue::new(Code::Profile).at(path).rule("XDS confidentialityCode").into());
    }
    if bases == 0 {
        let base = old.iter().find(|label| is_base(&code(label))).cloned();
        kept.push(base.unwrap_or_else(normal));
    }
    kept.sort_by_key(|label| is_base(&code(label)));
    let (was, is): (BTreeSet<String>, BTreeSet<String>) =
        (old.iter().map(code).collect(), kept.iter().map(code).collect());
    changes.extend(label_changes(&was, &is));
    // The same set in another order or with other displays is no update.
    let kept = if was == is { old } else { kept };
    let codes = kept.iter().map(code).collect();
    if let Some(members) = after.as_object_mut() {
        members.insert("securityLabel".to_owned(), Value::Array(kept));
    }
    Ok(codes)
}

fn label_changes(was: &BTreeSet<String>, is: &BTreeSet<String>) -> Vec<Change> {
    let flags = [
        (Label::MaskedToProfessionals, Change::MaskToProfessionals, Change::UnmaskToProfessionals),
        (Label::InvisibleToPatient, Change::HideFromPatient, Change::ShowToPatient),
        (Label::InvisibleToRepresentatives, Change::HideFromRepresentatives, Change::ShowToRepresentatives),
    ];
    let mut changes: Vec<Change> = Vec::new();
    for (flag, comes, goes) in flags {
        match (was.contains(flag.name()), is.contains(flag.name())) {
            (false, true) => changes.push(comes),
            (true, false) => changes.push(goes),
            _ => {}
        }
    }
    let is_flag = |code: &&String| flags.iter().any(|(flag, ..)| flag.name() == code.as_str());
    if was.symmetric_difference(is).any(|code| !is_flag(&code)) {
        changes.push(Change::Confidentiality);
    }
    changes
}

/// The labels, one coding each: several codings of one label count as so many labels.
fn labels(fiche: &Value) -> Vec<Value> {
    let labels = fiche.get("securityLabel").and_then(Value::as_array).into_iter().flatten();
    let single = |label: &Value| match label.get("coding").and_then(Value::as_array).map(Vec::as_slice) {
        Some(codings) if codings.len() > 1 => codings.iter().map(|coding| json!({ "coding": [coding] })).collect(),
        _ => vec![label.clone()],
    };
    labels.flat_map(single).collect()
}

fn code(label: &Value) -> String {
    label.pointer("/coding/0/code").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn is_base(code: &str) -> bool {
    [Label::Normal, Label::Restricted, Label::VeryRestricted].iter().any(|label| label.name() == code)
}

/// A label that comes new is one code of JDV_J08, under its own system however it was spelt (T11).
fn adopt(label: &mut Value) -> Result<(), Issue> {
    let refused = || Issue::new(Code::Binding).rule("JDV_J08");
    let codings = label.get_mut("coding").and_then(Value::as_array_mut).ok_or_else(refused)?;
    let [coding] = codings.as_mut_slice() else { return Err(refused()) };
    let text = |name: &str| coding.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (system, code) = (text("system"), text("code"));
    if !is_member(LABELS, &system, &code) {
        return Err(refused());
    }
    if canonical_system(&system) == Some(VISIBILITY)
        && let Some(canonical) = canonical_system_of(&system, &code).filter(|canonical| *canonical != system)
        && let Some(members) = coding.as_object_mut()
    {
        members.insert("system".to_owned(), json!(canonical));
    }
    Ok(())
}

fn normal() -> Value {
    json!({ "coding": [{
        "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
        "code": "N",
        "display": "normal",
    }] })
}

/// Whether a fiche carries a flag.
pub(super) fn has_label(fiche: &Value, label: Label) -> bool {
    DocumentReference::new(fiche)
        .is_some_and(|fiche| fiche.security_labels().iter().any(|coding| coding.code == label.name()))
}

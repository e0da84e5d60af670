//! One fiche of a submission with its document: what it says held against the bytes, what it relates
//! to (MHD §1.2-1.3; document-sharing T13).

use std::collections::HashSet;

use serde_json::{Value, json};

use super::entries::{EntryKind, Placed};
use super::reference::{Pointed, pointed};
use super::submission::{Places, ProvidedDocument, ProvidedRelation};
use super::{fhir_document, header};
use crate::error::{Code, Error, Issue};
use crate::fhir::terminology::canonical_system;
use crate::fhir::validate::Mode;
use crate::fhir::view::{Actor, Attachment, DocumentReference};
use crate::ids::ElementPath;
use crate::ops::resource::stamp::author_names;
use crate::store::blob::Staged;

/// SHA-1 of nothing, base64: with size 0 it says that the document comes later.
const EMPTY_HASH: &str = "2jmj7l5rSw0yVb/vlWAYkK/YBwk=";

/// The document that a fiche points to, in the same bundle.
pub(super) fn document_of<'p, 'a>(fiche: &Placed<'a>, places: &Places<'p, 'a>) -> Result<&'p Placed<'a>, Error> {
    let path = attachment_path(&fiche.path());
    let attachment = DocumentReference::new(fiche.resource()).and_then(|fiche| fiche.attachment());
    if attachment.is_some_and(|attachment| is_delayed(&attachment)) {
        return Err(Issue::new(Code::NotSupported).at(path.child("hash")).rule("MHD delayed assembly").into());
    }
    let found = attachment.and_then(|attachment| places.get(attachment.url()?));
    found.copied().ok_or_else(|| Issue::new(Code::BundleMissing).at(path.child("url")).rule("MHD ITI-65").into())
}

fn attachment_path(fiche: &ElementPath) -> ElementPath {
    fiche.child("content").index(0).child("attachment")
}

/// Delayed assembly (MHD §1.2): the document does not exist yet.
fn is_delayed(attachment: &Attachment<'_>) -> bool {
    attachment.size() == Some(0) && attachment.hash() == Some(EMPTY_HASH)
}

/// Reads a fiche and its document; the fiche itself stays in the bundle.
pub(super) fn read(
    placed: &Placed<'_>,
    binary: &Placed<'_>,
    staged: Staged,
    fiches: &HashSet<&str>,
    mode: &Mode,
    warnings: Option<&mut Vec<Issue>>,
) -> Result<ProvidedDocument, Error> {
    let path = placed.path();
    let missing = |name: &str| Error::from(Issue::new(Code::Missing).at(path.child(name)).rule("MHD §1.3"));
    let view = DocumentReference::new(placed.resource()).ok_or_else(|| missing("resourceType"))?;
    let attachment = view.attachment().ok_or_else(|| missing("content"))?;
    let content_type = attachment.content_type().ok_or_else(|| missing("content"))?.to_owned();
    let is_fhir = binary.kind == EntryKind::FhirDocument;
    if is_fhir {
        check_fhir(&attachment, &content_type, &path)?;
    } else {
        header::check_integrity(&attachment, &staged, &attachment_path(&path))?;
    }
    let read = header::read(&staged, &content_type, &view, mode, &path)?;
    if let Some(warnings) = warnings {
        warnings.extend(read.warnings);
    }
    let actors: Vec<Actor<'_>> = view.authors().into_iter().chain(view.authenticator()).collect();
    let type_code = view
        .types()
        .first()
        .map(|coding| format!("{}|{}", canonical_system(coding.system).unwrap_or(coding.system), coding.code));
    Ok(ProvidedDocument {
        entry: placed.number,
        binary_entry: binary.number,
        url: placed.url.clone(),
        binary_urls: names(binary),
        is_fhir,
        relations: relations(placed.resource(), fiches, &path)?,
        unique_id: view.master_identifier().ok_or_else(|| missing("masterIdentifier"))?,
        type_code: type_code.unwrap_or_default(),
        labels: view.security_labels().iter().map(|coding| coding.code.to_owned()).collect(),
        persons: author_names(&actors),
        structures: unique(view.authors().iter().flat_map(|actor| &actor.structures)),
        content_type: if is_fhir { fhir_document::MEDIA_TYPE.to_owned() } else { content_type },
        cda_ins: read.ins,
        staged,
        fiche: Value::Null,
    })
}

/// The names of a document in its bundle.
fn names(binary: &Placed<'_>) -> Vec<String> {
    let kind = binary.entry.resource_type().unwrap_or_default();
    let id = binary.resource().get("id").and_then(Value::as_str);
    std::iter::once(binary.url.clone()).chain(id.map(|id| format!("{kind}/{id}"))).collect()
}

/// A FHIR document has no bytes of its own to be held against: hash and size must be absent.
fn check_fhir(attachment: &Attachment<'_>, content_type: &str, path: &ElementPath) -> Result<(), Error> {
    let stated = [("hash", attachment.hash().is_some()), ("size", attachment.size().is_some())];
    if let Some((name, _)) = stated.into_iter().find(|(_, is_stated)| *is_stated) {
        let path = attachment_path(path).child(name);
        return Err(Issue::new(Code::Profile).at(path).rule("MHD 1.2 attachment").detail("(max 0)").into());
    }
    if !fhir_document::is_json(content_type) {
        let path = attachment_path(path).child("contentType");
        let issue = Issue::new(Code::Profile).at(path).rule("MHD FhirDocuments").detail(fhir_document::MEDIA_TYPE);
        return Err(issue.into());
    }
    Ok(())
}

/// Adds size and hash where the fiche's profile let them be absent: both are known now.
pub(super) fn complete(fiche: &mut Value, staged: &Staged) {
    let Some(attachment) = fiche.pointer_mut("/content/0/attachment").and_then(Value::as_object_mut) else { return };
    attachment.entry("size").or_insert_with(|| json!(staged.size()));
    attachment.entry("hash").or_insert_with(|| json!(base64_simd::STANDARD.encode_to_string(staged.sha1())));
}

/// The relations with fiches that are in the record already. A fiche of the same bundle may be
/// appended to, transformed or signed, but not replaced.
fn relations(fiche: &Value, fiches: &HashSet<&str>, path: &ElementPath) -> Result<Vec<ProvidedRelation>, Error> {
    let mut relations = Vec::new();
    let items = fiche.get("relatesTo").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for (number, item) in items.iter().enumerate() {
        let path = path.child("relatesTo").index(number).child("target");
        let wrong = || Error::from(Issue::new(Code::ReferenceTarget).at(path.clone()).rule("MHD relatesTo"));
        let replaces = item.get("code").and_then(Value::as_str) == Some("replaces");
        let target = item.get("target").ok_or_else(wrong)?;
        let is_within =
            target.get("reference").and_then(Value::as_str).is_some_and(|reference| fiches.contains(reference));
        if is_within {
            if replaces {
                return Err(wrong());
            }
            continue;
        }
        match pointed(target, "DocumentReference") {
            Some(Pointed::Outside(target)) => relations.push(ProvidedRelation { replaces, target }),
            Some(Pointed::Within(_)) | None => return Err(wrong()),
        }
    }
    Ok(relations)
}

/// Each as text, once.
pub(super) fn unique<T: ToString>(items: impl Iterator<Item = T>) -> Vec<String> {
    let mut seen = HashSet::new();
    items.map(|item| item.to_string()).filter(|item| seen.insert(item.clone())).collect()
}

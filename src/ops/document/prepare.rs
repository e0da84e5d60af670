//! A submission made ready before the writer's turn: ids given, references within it resolved, rows
//! and index rows written out (MHD §1.2; document-sharing T5, T8).

use std::borrow::Cow;
use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::reference::{self, Known};
use super::revise::{is_entry_uuid, with_entry_uuid};
use super::submission::{EntryKind, ProvidedDocument, ProvidedPatch, ProvidedRelation, Provision};
use crate::access::context::Context;
use crate::error::{Code, Error, Issue};
use crate::ids::{Ins, LogicalId, PatientKey};
use crate::model::audit::Act;
use crate::model::document::{Blob, Document, DocumentStatus};
use crate::model::resource::{NewResource, ResourceType};
use crate::ops::Service;
use crate::ops::facts::Named;
use crate::ops::resource::stamp::{index, resolve, stamp};
use crate::rules::facts::DocumentFacts;
use crate::store::blob::Guard;

/// Everything that can be made ready before the writer's turn.
pub(super) struct Prepared {
    pub(super) act: Act,
    pub(super) patient: PatientKey,
    pub(super) subject: Named,
    pub(super) alias: Option<Named>,
    pub(super) at: Timestamp,
    pub(super) entries: Vec<EntryKind>,
    pub(super) warnings: Vec<Vec<Issue>>,
    pub(super) authorship: Vec<DocumentFacts>,
    pub(super) list: PreparedList,
    pub(super) documents: Vec<PreparedDocument>,
    pub(super) folders: Vec<PreparedFolder>,
    pub(super) patches: Vec<ProvidedPatch>,
    pub(super) demands_patches: bool,
    pub(super) notice_ids: Vec<Uuid>,
}

/// A submission set or a folder.
pub(super) struct PreparedList {
    pub(super) id: Uuid,
    /// What it names outside the submission.
    pub(super) listed: Vec<Known>,
    /// Its row as it will be kept, but for what it names outside the submission.
    pub(super) row: NewResource,
}

/// A folder.
pub(super) struct PreparedFolder {
    pub(super) entry: usize,
    pub(super) target: Option<Known>,
    /// The entryUUID of the version.
    pub(super) entry_uuid: Uuid,
    pub(super) list: PreparedList,
}

/// A fiche with its document.
pub(super) struct PreparedDocument {
    pub(super) entry: usize,
    pub(super) binary_entry: usize,
    pub(super) is_fhir: bool,
    pub(super) row: Document,
    /// Its row as it will be kept, but for its relations with what is in the record.
    pub(super) fiche: NewResource,
    /// Its relations with what is in the record, each with the entryUUID of the target's next version.
    pub(super) relations: Vec<(ProvidedRelation, Uuid)>,
    pub(super) blob: Blob,
    pub(super) cda_ins: Vec<Ins>,
}

impl PreparedDocument {
    /// `DocumentReference/id`.
    pub(super) fn reference(&self) -> String {
        fiche_reference(self.row.patient, self.row.id)
    }

    /// The type that the document is read as.
    pub(super) const fn document_type(&self) -> &'static str {
        document_type(self.is_fhir)
    }
}

const fn document_type(is_fhir: bool) -> &'static str {
    if is_fhir { "Bundle" } else { "Binary" }
}

/// `DocumentReference/id`.
pub(super) fn fiche_reference(patient: PatientKey, id: Uuid) -> String {
    format!("DocumentReference/{}", LogicalId::of_patient(patient, id))
}

/// `List/id`.
pub(super) fn list_reference(patient: PatientKey, id: Uuid) -> String {
    format!("List/{}", LogicalId::of_patient(patient, id))
}

/// What all entries of one submission share.
struct Frame<'a> {
    service: &'a Service,
    patient: PatientKey,
    at: Timestamp,
    submission: Uuid,
    /// What each fullUrl became.
    became: HashMap<String, String>,
}

/// Gives ids and writes rows out. The guards are over the files of the documents, by Binary.id.
pub(super) fn prepare(
    service: &Service,
    ctx: &Context,
    patient: PatientKey,
    provision: Provision,
) -> (Prepared, Vec<(Uuid, Guard)>) {
    let at = ctx.at;
    let draw = || service.ids.uuid(at);
    let authorship = provision.authorship();
    let mut frame = Frame { service, patient, at, submission: draw(), became: HashMap::new() };
    let ids: Vec<Uuid> = provision.documents.iter().map(|_| draw()).collect();
    let folder_ids: Vec<Uuid> = provision.folders.iter().map(|_| draw()).collect();
    frame.name(&provision, &ids, &folder_ids);
    let mut guards = Vec::with_capacity(ids.len());
    let mut documents = Vec::with_capacity(ids.len());
    for (document, id) in provision.documents.into_iter().zip(ids) {
        let (prepared, guard) = frame.document(document, id);
        guards.push((prepared.row.binary, guard));
        documents.push(prepared);
    }
    let folders = provision.folders.into_iter().zip(folder_ids).map(|(folder, id)| PreparedFolder {
        entry: folder.entry,
        target: folder.target,
        entry_uuid: draw(),
        list: frame.list(folder.list, id, folder.listed),
    });
    let prepared = Prepared {
        act: provision.act,
        patient,
        subject: provision.subject,
        alias: provision.alias,
        at,
        entries: provision.entries,
        warnings: provision.warnings,
        authorship,
        folders: folders.collect(),
        list: frame.list(provision.submission, frame.submission, provision.listed),
        patches: provision.patches,
        demands_patches: provision.demands_patches,
        notice_ids: documents.iter().map(|_| draw()).chain([draw()]).collect(),
        documents,
    };
    (prepared, guards)
}

impl Frame<'_> {
    fn name(&mut self, provision: &Provision, ids: &[Uuid], folder_ids: &[Uuid]) {
        let patient = self.patient;
        self.became.insert(provision.submission_url.clone(), list_reference(patient, self.submission));
        for url in provision.patient_urls.iter().filter(|url| !url.is_empty()) {
            self.became.insert(url.clone(), format!("Patient/{patient}"));
        }
        for (document, id) in provision.documents.iter().zip(ids) {
            self.became.insert(document.url.clone(), fiche_reference(patient, *id));
            let binary = LogicalId::of_patient(patient, document.staged.id());
            for url in &document.binary_urls {
                self.became.insert(url.clone(), format!("{}/{binary}", document_type(document.is_fhir)));
            }
        }
        for (folder, id) in provision.folders.iter().zip(folder_ids) {
            self.became.insert(folder.url.clone(), list_reference(patient, *id));
        }
    }

    fn document(&self, document: ProvidedDocument, id: Uuid) -> (PreparedDocument, Guard) {
        let value = self.ready(document.fiche, id);
        let binary = document.staged.id();
        let (blob, guard) = document.staged.into_blob(self.patient, document.content_type);
        let row = Document {
            patient: self.patient,
            id,
            binary,
            submission: self.submission,
            unique_id: document.unique_id.digest(),
            status: DocumentStatus::Current,
            type_code: document.type_code,
            labels: document.labels,
            persons: document.persons,
            structures: document.structures,
            sha1: blob.sha1,
            size: blob.size,
        };
        let draw = |relation: ProvidedRelation| (relation, self.service.ids.uuid(self.at));
        let prepared = PreparedDocument {
            entry: document.entry,
            binary_entry: document.binary_entry,
            is_fhir: document.is_fhir,
            row,
            fiche: new_resource(ResourceType::DocumentReference, id, &value, self.at),
            relations: document.relations.into_iter().map(draw).collect(),
            blob,
            cda_ins: document.cda_ins,
        };
        (prepared, guard)
    }

    fn list(&self, list: Value, id: Uuid, listed: Vec<Known>) -> PreparedList {
        let value = self.ready(list, id);
        let row = new_resource(ResourceType::List, id, &value, self.at);
        PreparedList { id, listed, row }
    }

    /// A resource of the bundle as it will be kept: its references resolved, its subject ours.
    fn ready(&self, mut resource: Value, id: Uuid) -> Value {
        resolve(&mut resource, &self.became);
        if let Some(members) = resource.as_object_mut() {
            let subject = members.entry("subject").or_insert_with(|| json!({}));
            if let Some(subject) = subject.as_object_mut() {
                subject.insert("reference".to_owned(), Value::String(format!("Patient/{}", self.patient)));
            }
        }
        let resource = identified(resource, self.service.ids.uuid(self.at));
        stamp(resource, &LogicalId::of_patient(self.patient, id), 1, self.at)
    }
}

/// A resource with an entryUUID: the sender's, completed so that readers of MHD 4.2.3 (use) and 4.2.4
/// (type) know it (T5), else a new one.
fn identified(mut resource: Value, uuid: Uuid) -> Value {
    let identifiers = resource.get_mut("identifier").and_then(Value::as_array_mut);
    let known = identifiers.and_then(|identifiers| identifiers.iter_mut().find(|identifier| is_entry_uuid(identifier)));
    let Some(known) = known.and_then(Value::as_object_mut) else { return with_entry_uuid(resource, uuid) };
    known.entry("use").or_insert_with(|| json!("official"));
    known.entry("type").or_insert_with(|| {
        json!({ "coding": [{
            "system": "https://profiles.ihe.net/ITI/MHD/CodeSystem/IHE.MHD.MHDIdentifierType",
            "code": "entryUUID",
        }] })
    });
    resource
}

/// Version 1 of a resource.
pub(super) fn new_resource(kind: ResourceType, id: Uuid, value: &Value, updated_at: Timestamp) -> NewResource {
    NewResource {
        kind,
        id,
        version: 1,
        body: value.to_string().into_bytes(),
        updated_at,
        index: index(value),
        former: Vec::new(),
    }
}

/// A resource made ready, read again: bytes wait for the writer's turn at less cost than a tree does,
/// and few are needed as a tree.
pub(super) fn read_back(row: &NewResource) -> Result<Value, Error> {
    serde_json::from_slice(&row.body).map_err(|error| Error::from(Code::Internal).because(error))
}

/// Where things turned out to be: documents sent before, and what is named outside the submission.
pub(super) struct Places {
    /// By the reference given to them in vain.
    pub(super) became: HashMap<String, String>,
    /// By what names them.
    pub(super) found: HashMap<Known, String>,
}

impl Places {
    /// A resource with all its references where they lead.
    pub(super) fn settle(&self, row: &NewResource) -> Result<Value, Error> {
        let mut value = read_back(row)?;
        resolve(&mut value, &self.became);
        reference::settle(&mut value, &self.found);
        Ok(value)
    }

    /// The row of a list: as it was made ready, unless something it names had to be found.
    pub(super) fn list_row<'a>(&self, list: &'a PreparedList, at: Timestamp) -> Result<Cow<'a, NewResource>, Error> {
        if self.became.is_empty() && list.listed.is_empty() {
            return Ok(Cow::Borrowed(&list.row));
        }
        Ok(Cow::Owned(new_resource(ResourceType::List, list.id, &self.settle(&list.row)?, at)))
    }

    /// The row of a fiche, likewise.
    pub(super) fn fiche_row<'a>(
        &self,
        document: &'a PreparedDocument,
        at: Timestamp,
    ) -> Result<Cow<'a, NewResource>, Error> {
        if self.became.is_empty() && document.relations.is_empty() {
            return Ok(Cow::Borrowed(&document.fiche));
        }
        let value = self.settle(&document.fiche)?;
        Ok(Cow::Owned(new_resource(ResourceType::DocumentReference, document.row.id, &value, at)))
    }
}

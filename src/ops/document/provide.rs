//! ITI-65 Provide Document Bundle: a professional or a structure feeds a record (MHD §1.2, MES-040...048).
//!
//! What does not depend on the state of the record is done before the transaction; what does is
//! decided inside it, on one snapshot, and traced with it.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::sight;
use super::submission::{EntryKind, ProvidedDocument, Provision};
use crate::access::context::Context;
use crate::access::decide::decide;
use crate::access::permit::{Denial, Permit, Verdict};
use crate::error::{Code, Error, Issue};
use crate::ids::{Ins, LogicalId, PatientKey};
use crate::model::audit::Act;
use crate::model::caller::{Action, CallerClass};
use crate::model::document::{Blob, Document, DocumentStatus};
use crate::model::notification::{Notification, NotifiedEvent};
use crate::model::resource::{NewResource, ResourceType, StoredResource};
use crate::ops::Service;
use crate::ops::facts::{self, Named};
use crate::ops::resource::stamp::{index, resolve, stamp};
use crate::ops::trace::Trace;
use crate::rules::facts::{DocumentFacts, Facts};
use crate::rules::notification;
use crate::store::blob::Guard;
use crate::store::{Settled, Tx};

/// What an ITI-65 left behind, entry by entry, in the order of the request.
#[derive(Debug)]
pub struct Provided {
    /// One answer per entry.
    pub entries: Vec<ProvidedEntry>,
    /// The fiche as it is kept now, of an ITI-105.
    pub fiche: Option<StoredResource>,
}

/// What became of one entry.
#[derive(Debug)]
pub struct ProvidedEntry {
    /// `Type/id/_history/1`.
    pub location: String,
    /// Whether it was created (201) or matched (200).
    pub created: bool,
    /// meta.lastUpdated.
    pub at: Timestamp,
    /// Warnings about this entry.
    pub warnings: Vec<Issue>,
}

/// Feeds a record. All or nothing; sending the same bundle again is safe.
pub async fn provide(service: &Service, ctx: Arc<Context>, provision: Provision) -> Result<Provided, Error> {
    let name = "document.provide";
    let trace = Trace::of(&ctx, service.ids.uuid(ctx.at), provision.act);
    let subject = provision.subject.clone();
    let located = service.store.system_read(name, move |tx| facts::locate(tx, &subject)).await?;
    let Some(patient) = located else {
        let asked = Arc::new((provision.subject, authorship(&provision.documents), trace));
        let settled = service.store.write(name, Arc::clone(&ctx), move |tx| {
            if let Err(denial) = facts::enrolment(tx, &ctx)? {
                return Ok(Settled::refused(denial, asked.2.clone().refused(&denial)));
            }
            let facts = facts::of_person(tx, &ctx, &asked.0)?.with_documents(asked.1.clone());
            let denial = match decide(&ctx, Action::ProvideDocument, &facts) {
                Verdict::Deny(denial) => denial,
                Verdict::Permit(_) => Denial::new(Code::NoRecord, "MES-045"),
            };
            Ok(Settled::<Provided>::refused(denial, asked.2.clone().refused(&denial)))
        });
        return settled.await?.into_result();
    };
    let (prepared, mut guards) = prepare(service, &ctx, patient, provision);
    // A file whose row may already be committed must not go when the client goes: from here on what
    // is not wanted is thrown away by name, and what a crash leaves is collected.
    for (_, guard) in &mut guards {
        guard.keep();
    }
    let work = Arc::new((prepared, trace));
    let every_access = service.settings.notify_every_access;
    let settled =
        service.store.write(name, Arc::clone(&ctx), move |tx| settle(tx, &ctx, &work.0, &work.1, every_access)).await;
    let outcome = match settled {
        Ok(settled) => settled.into_result(),
        // Not known to be rolled back: the collector will tell.
        Err(error) => return Err(error),
    };
    let kept = outcome.as_ref().map(|(_, kept)| kept.as_slice()).unwrap_or_default();
    for (binary, guard) in guards {
        if !kept.contains(&binary) {
            guard.discard().await?;
        }
    }
    outcome.map(|(provided, _)| provided)
}

/// Who answers for each fiche: what the author rule reads.
fn authorship(documents: &[ProvidedDocument]) -> Vec<DocumentFacts> {
    let facts = |document: &ProvidedDocument| DocumentFacts {
        persons: document.persons.clone(),
        structures: document.structures.clone(),
        type_code: document.type_code.clone(),
        status: DocumentStatus::Current,
        labels: document.labels.clone(),
    };
    documents.iter().map(facts).collect()
}

/// Everything that can be made ready before the writer's turn.
struct Prepared {
    act: Act,
    patient: PatientKey,
    subject: Named,
    at: Timestamp,
    entries: Vec<EntryKind>,
    warnings: Vec<Vec<Issue>>,
    list: NewResource,
    list_value: Value,
    documents: Vec<PreparedDocument>,
    notice_ids: Vec<Uuid>,
}

struct PreparedDocument {
    entry: usize,
    binary_entry: usize,
    row: Document,
    fiche: NewResource,
    blob: Blob,
    cda_ins: Vec<Ins>,
}

impl PreparedDocument {
    fn reference(&self) -> String {
        format!("DocumentReference/{}", LogicalId::of_patient(self.row.patient, self.row.id))
    }
}

fn prepare(
    service: &Service,
    ctx: &Context,
    patient: PatientKey,
    provision: Provision,
) -> (Prepared, Vec<(Uuid, Guard)>) {
    let at = ctx.at;
    let submission = service.ids.uuid(at);
    let id = |uuid| LogicalId::of_patient(patient, uuid);
    let mut became: HashMap<String, String> = HashMap::new();
    became.insert(provision.submission_url.clone(), format!("List/{}", id(submission)));
    for url in &provision.patient_urls {
        became.insert(url.clone(), format!("Patient/{patient}"));
    }
    let ids: Vec<Uuid> = provision.documents.iter().map(|_| service.ids.uuid(at)).collect();
    for (document, uuid) in provision.documents.iter().zip(&ids) {
        became.insert(document.url.clone(), format!("DocumentReference/{}", id(*uuid)));
        became.insert(document.binary_url.clone(), format!("Binary/{}", id(document.staged.id())));
    }
    let mut documents = Vec::with_capacity(ids.len());
    let mut guards = Vec::with_capacity(ids.len());
    for (document, uuid) in provision.documents.into_iter().zip(ids) {
        let (prepared, guard) = prepare_document(document, &id(uuid), submission, patient, at, &became);
        guards.push((prepared.row.binary, guard));
        documents.push(prepared);
    }
    let list_value = ready(provision.submission, &id(submission), patient, at, &became);
    let prepared = Prepared {
        act: provision.act,
        patient,
        subject: provision.subject,
        at,
        entries: provision.entries,
        warnings: provision.warnings,
        list: new_resource(ResourceType::List, submission, &list_value, at),
        list_value,
        notice_ids: documents.iter().map(|_| service.ids.uuid(at)).chain([service.ids.uuid(at)]).collect(),
        documents,
    };
    (prepared, guards)
}

fn prepare_document(
    document: ProvidedDocument,
    id: &LogicalId,
    submission: Uuid,
    patient: PatientKey,
    at: Timestamp,
    became: &HashMap<String, String>,
) -> (PreparedDocument, Guard) {
    let fiche = ready(document.fiche, id, patient, at, became);
    let binary = document.staged.id();
    let (blob, guard) = document.staged.into_blob(patient, document.content_type);
    let row = Document {
        patient,
        id: id.uuid,
        binary,
        submission,
        unique_id: document.unique_id.digest(),
        status: DocumentStatus::Current,
        type_code: document.type_code,
        labels: document.labels,
        persons: document.persons,
        structures: document.structures,
        sha1: blob.sha1,
        size: blob.size,
    };
    let fiche = new_resource(ResourceType::DocumentReference, id.uuid, &fiche, at);
    let prepared = PreparedDocument {
        entry: document.entry,
        binary_entry: document.binary_entry,
        row,
        fiche,
        blob,
        cda_ins: document.cda_ins,
    };
    (prepared, guard)
}

/// A resource of the bundle as it will be kept: its references resolved, its subject ours.
fn ready(
    mut resource: Value,
    id: &LogicalId,
    patient: PatientKey,
    at: Timestamp,
    became: &HashMap<String, String>,
) -> Value {
    resolve(&mut resource, became);
    if let Some(subject) = resource.get_mut("subject").and_then(Value::as_object_mut) {
        subject.insert("reference".to_owned(), Value::String(format!("Patient/{patient}")));
    }
    stamp(resource, id, 1, at)
}

fn new_resource(kind: ResourceType, id: Uuid, value: &Value, updated_at: Timestamp) -> NewResource {
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

type Outcome = (Provided, Vec<Uuid>);

/// Inside the transaction: decide, tell duplicates, keep, notify, trace.
fn settle(
    tx: &mut Tx<'_>,
    ctx: &Context,
    prepared: &Prepared,
    trace: &Trace,
    every_access: bool,
) -> Result<Settled<Outcome>, Error> {
    let trace = trace.clone().on(prepared.patient.into());
    if let Err(denial) = facts::enrolment(tx, ctx)? {
        return Ok(Settled::refused(denial, trace.refused(&denial)));
    }
    let facts = facts::of_person(tx, ctx, &prepared.subject)?;
    let trace = trace.by(&facts);
    let facts = facts.with_documents(prepared.documents.iter().map(|document| (&document.row).into()).collect());
    let permit = match judge(ctx, prepared, &facts) {
        Ok(permit) => permit,
        Err(denial) => return Ok(Settled::refused(denial, trace.refused(&denial))),
    };
    if let Err(denial) = deposit(tx, ctx, prepared)? {
        return Ok(Settled::refused(denial, trace.refused(&denial)));
    }
    let mut stored = Vec::with_capacity(prepared.documents.len());
    for document in &prepared.documents {
        stored.push(tx.fact_document_by_identifier(prepared.patient, &document.row.unique_id)?);
    }
    let differs = |(document, stored): (&PreparedDocument, &Option<Document>)| {
        stored.as_ref().is_some_and(|stored| stored.sha1 != document.row.sha1)
    };
    if prepared.documents.iter().zip(&stored).any(differs) {
        let denial = Denial::new(Code::HashDiffers, "ITI-65 uniqueId");
        return Ok(Settled::refused(denial, trace.refused(&denial)));
    }
    let list = keep(tx, &permit, prepared, &stored)?;
    let notices = notices(tx, ctx, &permit, prepared, &stored, &facts, &trace, every_access)?;
    tx.put_notifications(&permit, &notices)?;
    let trace = touched(trace, prepared, &stored, list);
    let kept = prepared.documents.iter().zip(&stored);
    let kept = kept.filter(|(_, stored)| stored.is_none()).map(|(document, _)| document.row.binary).collect();
    let times = Times::of(tx, &permit, prepared, &stored, list)?;
    let mut provided = answer(prepared, &stored, list, &times);
    provided.fiche = published(tx, &permit, prepared, &stored)?;
    Ok(Settled::done((provided, kept), trace.done(permit.rule())))
}

/// The fiche of an ITI-105, which is answered whole: the new one, or the one that was there.
fn published(
    tx: &mut Tx<'_>,
    permit: &Permit,
    prepared: &Prepared,
    stored: &[Option<Document>],
) -> Result<Option<StoredResource>, Error> {
    match (prepared.documents.first(), stored.first()) {
        (Some(_), Some(Some(known))) if prepared.act == Act::SimplifiedPublish => {
            tx.find_resource(permit, ResourceType::DocumentReference, known.id)
        }
        (Some(document), _) if prepared.act == Act::SimplifiedPublish => {
            let NewResource { id, version, body, updated_at, .. } = document.fiche.clone();
            Ok(Some(StoredResource { id, version, body, updated_at }))
        }
        _ => Ok(None),
    }
}

/// When what is answered was kept: now, or when it was sent before.
struct Times {
    list: Timestamp,
    documents: Vec<Timestamp>,
}

impl Times {
    fn of(
        tx: &mut Tx<'_>,
        permit: &Permit,
        prepared: &Prepared,
        stored: &[Option<Document>],
        list: Uuid,
    ) -> Result<Self, Error> {
        let mut at = |kind, id: Option<Uuid>| -> Result<Timestamp, Error> {
            let Some(id) = id else { return Ok(prepared.at) };
            Ok(tx.find_resource(permit, kind, id)?.map_or(prepared.at, |kept| kept.updated_at))
        };
        let known = (list != prepared.list.id).then_some(list);
        let documents = stored.iter().map(|stored| stored.as_ref().map(|stored| stored.id));
        Ok(Self {
            list: at(ResourceType::List, known)?,
            documents: documents.map(|id| at(ResourceType::DocumentReference, id)).collect::<Result<_, _>>()?,
        })
    }
}

/// Every fiche must be allowed, and every CDA must be of this person.
fn judge(ctx: &Context, prepared: &Prepared, facts: &Facts) -> Result<Permit, Denial> {
    let permit = match decide(ctx, Action::ProvideDocument, facts) {
        Verdict::Permit(permit) => permit,
        Verdict::Deny(denial) => return Err(denial),
    };
    let known = facts.profile.iter().flat_map(|profile| &profile.identifiers);
    let own: Vec<&str> = known.map(Ins::value).collect();
    let foreign = |document: &PreparedDocument| {
        !document.cda_ins.is_empty() && !document.cda_ins.iter().any(|ins| own.contains(&ins.value()))
    };
    if prepared.documents.iter().any(foreign) {
        return Err(Denial::new(Code::PatientDiffers, "ds 20"));
    }
    Ok(permit)
}

/// What the patient side may add, once it may add at all: the formats and the size of deposits, labels
/// it may set, and one current medical profile (mes-rules §2.2, §2.5; mes 40).
fn deposit(tx: &mut Tx<'_>, ctx: &Context, prepared: &Prepared) -> Result<Result<(), Denial>, Error> {
    if ctx.caller.class != CallerClass::Patient {
        return Ok(Ok(()));
    }
    let rows = prepared.documents.iter().map(|document| (&document.row, document.blob.content_type.as_str()));
    super::deposit::judge(tx, prepared.patient, rows)
}

fn touched(mut trace: Trace, prepared: &Prepared, stored: &[Option<Document>], list: Uuid) -> Trace {
    trace = trace.touching(format!("List/{}", LogicalId::of_patient(prepared.patient, list)));
    for (document, stored) in prepared.documents.iter().zip(stored) {
        let id = stored.as_ref().map_or(document.row.id, |stored| stored.id);
        trace = trace.touching(format!("DocumentReference/{}", LogicalId::of_patient(prepared.patient, id)));
    }
    trace
}

/// Keeps what is new. A bundle sent before is answered with what it left then.
fn keep(tx: &mut Tx<'_>, permit: &Permit, prepared: &Prepared, stored: &[Option<Document>]) -> Result<Uuid, Error> {
    if let Some(known) = stored.iter().flatten().next().filter(|_| stored.iter().all(Option::is_some)) {
        return Ok(known.submission);
    }
    for (document, stored) in prepared.documents.iter().zip(stored) {
        if stored.is_none() {
            tx.put_blob(permit, &document.blob)?;
            tx.put_resource(permit, &document.fiche)?;
            tx.put_document(permit, &document.row, prepared.at)?;
        }
    }
    if stored.iter().all(Option::is_none) {
        tx.put_resource(permit, &prepared.list)?;
    } else {
        tx.put_resource(permit, &list_with_known(prepared, stored))?;
    }
    Ok(prepared.list.id)
}

/// The submission set of a bundle some of whose documents were already there.
fn list_with_known(prepared: &Prepared, stored: &[Option<Document>]) -> NewResource {
    let mut became = HashMap::new();
    for (document, stored) in prepared.documents.iter().zip(stored) {
        if let Some(stored) = stored {
            let known = LogicalId::of_patient(prepared.patient, stored.id);
            became.insert(document.reference(), format!("DocumentReference/{known}"));
        }
    }
    let mut list = prepared.list_value.clone();
    resolve(&mut list, &became);
    new_resource(ResourceType::List, prepared.list.id, &list, prepared.at)
}

/// A notice for each new document (MES-082) and for the first access (MES-081).
#[expect(clippy::too_many_arguments, reason = "the whole story of one notice, told once")]
fn notices(
    tx: &mut Tx<'_>,
    ctx: &Context,
    permit: &Permit,
    prepared: &Prepared,
    stored: &[Option<Document>],
    facts: &Facts,
    trace: &Trace,
    every_access: bool,
) -> Result<Vec<Notification>, Error> {
    let first_channel =
        facts.profile.as_ref().and_then(|p| notification::channel(NotifiedEvent::FirstAccess, p).outcome);
    // The person does not hear of his own deposit as of an access, nor of what is hidden from him.
    let counts = ctx.caller.class != CallerClass::Patient
        && (first_channel.is_none() || sight::may_tell(&facts.documents, first_channel));
    let is_first = counts && tx.record_first_access(permit, &ctx.caller.accessor(), ctx.at)?;
    // The event of a notice about a document is the document: sent again, it is not told again.
    let mut events = Vec::new();
    if is_first || (counts && every_access) {
        events.push((NotifiedEvent::FirstAccess, trace.id(), &[][..]));
    }
    let new = prepared.documents.iter().zip(stored).filter(|(_, stored)| stored.is_none());
    events.extend(new.map(|(document, _)| (NotifiedEvent::DocumentAdded, document.row.id, &document.row.labels[..])));
    let Some(profile) = &facts.profile else { return Ok(Vec::new()) };
    let notice = |((event, event_id, labels), id): ((NotifiedEvent, Uuid, &[String]), &Uuid)| {
        let channel = sight::told_on(labels, notification::channel(event, profile).outcome)?;
        Some(Notification { id: *id, event_id, event, channel, created_at: ctx.at })
    };
    Ok(events.into_iter().zip(&prepared.notice_ids).filter_map(notice).collect())
}

fn answer(prepared: &Prepared, stored: &[Option<Document>], list: Uuid, times: &Times) -> Provided {
    let id = |uuid| LogicalId::of_patient(prepared.patient, uuid);
    let of_entry = |entry: usize, pick: fn(&PreparedDocument) -> usize| {
        prepared.documents.iter().zip(stored).find(|(document, _)| pick(document) == entry)
    };
    let location = |entry: usize, kind: &EntryKind| match kind {
        EntryKind::Submission => format!("List/{}/_history/1", id(list)),
        EntryKind::Patient => format!("Patient/{}", prepared.patient),
        EntryKind::Fiche => {
            of_entry(entry, |document| document.entry).map_or_else(String::new, |(document, stored)| {
                let uuid = stored.as_ref().map_or(document.row.id, |stored| stored.id);
                format!("DocumentReference/{}/_history/1", id(uuid))
            })
        }
        EntryKind::Binary => {
            of_entry(entry, |document| document.binary_entry).map_or_else(String::new, |(document, stored)| {
                let uuid = stored.as_ref().map_or(document.row.binary, |stored| stored.binary);
                format!("Binary/{}/_history/1", id(uuid))
            })
        }
    };
    let at = |entry: usize, kind: &EntryKind| {
        let mut timed = prepared.documents.iter().zip(&times.documents);
        let own = timed.find(|(document, _)| document.entry == entry || document.binary_entry == entry);
        match kind {
            EntryKind::Submission => times.list,
            _ => own.map_or(prepared.at, |(_, at)| *at),
        }
    };
    let entries = prepared.entries.iter().enumerate().map(|(entry, kind)| ProvidedEntry {
        location: location(entry, kind),
        created: !matches!(kind, EntryKind::Patient),
        at: at(entry, kind),
        warnings: prepared.warnings.get(entry).cloned().unwrap_or_default(),
    });
    Provided { entries: entries.collect(), fiche: None }
}

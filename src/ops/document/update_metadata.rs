//! TD3.3 a to d: mask, hide, withdraw, archive a document by a patch of its fiche (document-sharing
//! §1.5, T6 to T11; R4 `http.html#patch`). The patch is applied to the version that the same
//! transaction read; what comes of it is a new version under a new entryUUID (T8).

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::find::named_documents;
use super::metadata::{self, Updated};
use super::pointing::Reader;
use super::revise::revise;
use super::sight;
use crate::access::change::may_change;
use crate::access::context::Context;
use crate::access::decide::{decide, is_author};
use crate::access::permit::{Denial, Permit, Verdict};
use crate::error::{Code, Error};
use crate::fhir::patch::Patch;
use crate::fhir::search::Search;
use crate::ids::{LogicalId, PatientKey};
use crate::model::audit::Act;
use crate::model::caller::{Action, CallerClass};
use crate::model::document::{Document, DocumentStatus};
use crate::model::notification::{Notification, NotifiedEvent};
use crate::model::resource::{ResourceType, StoredResource};
use crate::ops::Service;
use crate::ops::facts::{self, Named};
use crate::ops::resource::search::predicate;
use crate::ops::resource::stamp::index;
use crate::ops::trace::Trace;
use crate::rules::facts::Facts;
use crate::rules::notification;
use crate::rules::visibility::Label;
use crate::store::{Settled, Tx};

/// More records than this are not looked through for one identifier: enough to know that there are several.
const MOST_RECORDS: usize = 64;

/// Which fiche is meant.
#[derive(Debug)]
pub enum Target {
    /// The one of this id, unjudged.
    Id(String),
    /// The one that these criteria find (conditional patch).
    Matching {
        /// In this person's record; in any where none is named.
        patient: Option<Named>,
        /// `identifier`, and nothing else but the patient.
        search: Box<Search>,
        /// The query as it is traced: no INS.
        traced: String,
    },
}

/// What is asked.
#[derive(Debug)]
pub struct Update {
    /// Which fiche.
    pub target: Target,
    /// What is to be changed of it.
    pub patch: Patch,
    /// `If-Match`: the versions one of which must be the current one.
    pub if_match: Option<Vec<i32>>,
    /// Whether the caller's software is enrolled to feed only: it reaches what its user wrote.
    pub own_only: bool,
    /// Ids for what it may leave behind.
    pub ids: NewIds,
}

/// Ids taken before the transaction, which may run twice.
#[derive(Debug, Clone, Copy)]
pub struct NewIds {
    entry_uuid: Uuid,
    notices: [Uuid; 2],
}

impl NewIds {
    /// Fresh ids.
    pub fn of(service: &Service, at: Timestamp) -> Self {
        let id = || service.ids.uuid(at);
        Self { entry_uuid: id(), notices: [id(), id()] }
    }
}

/// A fiche after its update.
#[derive(Debug)]
pub struct UpdatedFiche {
    /// The version that is now current, or was the last one before the document was withdrawn.
    pub resource: StoredResource,
}

/// Refuses a patch of another element than the three, before the fiche is looked for: the answer is
/// the same whether there is one or not (contract §8).
pub fn check(patch: &Patch) -> Result<(), Error> {
    metadata::require_modifiable(patch.elements())
}

/// Updates the metadata of one document.
pub async fn update(service: &Service, ctx: Arc<Context>, asked: Update) -> Result<UpdatedFiche, Error> {
    let mut trace = Trace::of(&ctx, service.ids.uuid(ctx.at), Act::UpdateDocumentMetadata);
    match &asked.target {
        Target::Id(id) => {
            if let Ok(id) = id.parse::<LogicalId>() {
                trace = trace.touching(format!("DocumentReference/{id}"));
            }
        }
        Target::Matching { traced, .. } => trace = trace.query(traced.clone()),
    }
    let every_access = service.settings.notify_every_access;
    let work = Arc::new((asked, trace));
    let settled = service.store.write("document.update-metadata", Arc::clone(&ctx), move |tx| {
        settle(tx, &ctx, &work.0, work.1.clone(), every_access)
    });
    // What is wrong with the patched fiche is an answer, not a rollback: its trace is kept.
    settled.await?.into_result()?
}

type Outcome = Result<UpdatedFiche, Error>;

/// Inside the transaction: find, decide, patch, judge, keep, notify, trace.
fn settle(
    tx: &mut Tx<'_>,
    ctx: &Context,
    asked: &Update,
    trace: Trace,
    every_access: bool,
) -> Result<Settled<Outcome>, Error> {
    if let Err(denial) = facts::enrolment(tx, ctx)? {
        return Ok(Settled::refused(denial, trace.refused(&denial)));
    }
    let (chain, reached) = reach(tx, ctx, asked)?;
    let trace = chain.map_or(trace.clone(), |patient| trace.on(patient.into()));
    let Reached { document, facts, permit } = match reached {
        Ok(reached) => reached,
        Err(denial) => {
            let denial = facts::told(tx, ctx, denial)?;
            return Ok(Settled::refused(denial, trace.refused(&denial)));
        }
    };
    let trace = trace.by(&facts);
    let id = LogicalId::of_patient(document.patient, document.id);
    let trace =
        if matches!(asked.target, Target::Id(_)) { trace } else { trace.touching(format!("DocumentReference/{id}")) };
    let Some(current) = tx.find_resource(&permit, ResourceType::DocumentReference, document.id)? else {
        let denial = unknown();
        return Ok(Settled::refused(denial, trace.refused(&denial)));
    };
    if asked.if_match.as_ref().is_some_and(|versions| !versions.contains(&current.version)) {
        let denial = Denial::new(Code::PreconditionFailed, "R4 http#concurrency");
        return Ok(Settled::refused(denial, trace.refused(&denial)));
    }
    let before = serde_json::from_slice(&current.body).unwrap_or(Value::Null);
    let updated = match asked.patch.apply(&before).and_then(|after| metadata::judge(&before, after)) {
        Ok(updated) => updated,
        Err(error) => {
            let rule = error.issues().first().and_then(|issue| issue.rule.clone());
            let audit = trace.failed(error.code(), rule.as_deref());
            return Ok(Settled::done(Err(error), audit));
        }
    };
    let rule = match may_change(ctx, &facts, &updated.changes) {
        Ok(rule) => rule.unwrap_or(permit.rule()),
        Err(denial) => return Ok(Settled::refused(denial, trace.refused(&denial))),
    };
    if updated.changes.is_empty() {
        let resource = Reader { ctx, facts: &facts, patient: permit.patient() }.shown(
            tx,
            ResourceType::DocumentReference,
            current,
        )?;
        return Ok(Settled::done(Ok(UpdatedFiche { resource }), trace.done(rule)));
    }
    let becomes_visible = metadata::has_label(&before, Label::InvisibleToPatient)
        && !metadata::has_label(&updated.fiche, Label::InvisibleToPatient)
        && updated.status != DocumentStatus::Deleted;
    let resource = keep(tx, ctx, &permit, asked.ids, document, &current, updated)?;
    notify(tx, ctx, &permit, &facts, asked.ids, &trace, Told { becomes_visible, every_access })?;
    let trace = trace.touching(format!("DocumentReference/{id}/_history/{}", resource.version));
    let resource = Reader { ctx, facts: &facts, patient: permit.patient() }.shown(
        tx,
        ResourceType::DocumentReference,
        resource,
    )?;
    Ok(Settled::done(Ok(UpdatedFiche { resource }), trace.done(rule)))
}

/// The one document that is meant, once the caller may update it.
struct Reached {
    document: Document,
    facts: Facts,
    permit: Permit,
}

const fn unknown() -> Denial {
    Denial::new(Code::NotFound, "unknown-resource")
}

/// The record to trace on, and the document or why there is none.
type Reach = (Option<PatientKey>, Result<Reached, Denial>);

fn reach(tx: &mut Tx<'_>, ctx: &Context, asked: &Update) -> Result<Reach, Error> {
    match &asked.target {
        Target::Id(id) => {
            let id = id.parse::<LogicalId>().ok();
            let Some((patient, uuid)) = id.and_then(|id| Some((id.shard.patient()?, id.uuid))) else {
                return Ok((None, Err(unknown())));
            };
            let Some(document) = tx.fact_document(patient, uuid)? else { return Ok((None, Err(unknown()))) };
            Ok((Some(patient), judge(tx, ctx, asked.own_only, document)?))
        }
        Target::Matching { patient: None, search, .. } => {
            let found = in_any_record(tx, search)?;
            only(tx, ctx, asked.own_only, found)
        }
        Target::Matching { patient: Some(named), search, .. } => in_record(tx, ctx, asked.own_only, named, search),
    }
}

/// Whether the caller may update a document, hidden and absent alike.
fn judge(tx: &mut Tx<'_>, ctx: &Context, own_only: bool, document: Document) -> Result<Result<Reached, Denial>, Error> {
    if own_only && !is_own(ctx, &document) {
        return Ok(Err(unknown()));
    }
    let facts = facts::of_document(tx, ctx, document.patient, std::slice::from_ref(&document))?;
    Ok(match decide(ctx, Action::UpdateMetadata, &facts) {
        Verdict::Permit(permit) => Ok(Reached { document, facts, permit }),
        Verdict::Deny(denial) => Err(denial),
    })
}

fn is_own(ctx: &Context, document: &Document) -> bool {
    is_author(&ctx.caller, &document.persons, &document.structures)
}

/// The documents of this masterIdentifier, in whatever record.
fn in_any_record(tx: &mut Tx<'_>, search: &Search) -> Result<Vec<Document>, Error> {
    let mut found: Vec<Document> = Vec::new();
    for identifier in search.identifiers() {
        let digest = identifier.digest();
        for patient in tx.fact_records_of_identifier(&digest)?.into_iter().take(MOST_RECORDS) {
            let document = tx.fact_document_by_identifier(patient, &digest)?;
            found.extend(document.filter(|document| found.iter().all(|known| known.id != document.id)));
        }
    }
    Ok(found)
}

/// The one of the documents found that the caller may update: those he may not, and those that were
/// withdrawn, count as unknown.
fn only(tx: &mut Tx<'_>, ctx: &Context, own_only: bool, found: Vec<Document>) -> Result<Reach, Error> {
    let mut reached = Vec::new();
    for document in found {
        reached.extend(judge(tx, ctx, own_only, document)?.ok());
    }
    let several = reached.len() > 1;
    Ok(match reached.pop() {
        None => (None, Err(unknown())),
        Some(_) if several => (None, Err(Denial::new(Code::PreconditionFailed, "R4 http#cpatch"))),
        Some(only) => (Some(only.document.patient), Ok(only)),
    })
}

/// Within the record of who is named: as for a search there, who may not read the record finds his
/// own documents only, and where there is none, gets the neutral refusal (contract §8).
fn in_record(tx: &mut Tx<'_>, ctx: &Context, own_only: bool, named: &Named, search: &Search) -> Result<Reach, Error> {
    let record = facts::of_person(tx, ctx, named)?;
    let patient = record.profile.as_ref().map(|profile| profile.key);
    let mut found: Vec<Document> = Vec::new();
    if let Some(patient) = patient {
        found = named_documents(tx, patient, search)?;
    }
    let denial = match decide(ctx, Action::UpdateMetadata, &record) {
        Verdict::Permit(permit) if !own_only => {
            // By the index: an entryUUID names a fiche too.
            let predicate = predicate(search, ResourceType::DocumentReference, permit.patient());
            let rows = tx.search(&permit, &predicate)?;
            found.clear();
            for (row, _) in rows {
                found.extend(tx.fact_document(permit.patient(), row.id)?);
            }
            unknown()
        }
        Verdict::Permit(_) => {
            found.retain(|document| is_own(ctx, document));
            Denial::new(Code::Forbidden, "MES-005")
        }
        Verdict::Deny(denial) => {
            found.retain(|document| is_own(ctx, document));
            denial
        }
    };
    let is_unknown = |reached: &Result<Reached, Denial>| reached.as_ref().is_err_and(|told| *told == unknown());
    let (_, reached) = only(tx, ctx, own_only, found)?;
    Ok((patient, if is_unknown(&reached) { Err(denial) } else { reached }))
}

/// Keeps the new version. A withdrawn document leaves reads and searches with it.
fn keep(
    tx: &mut Tx<'_>,
    ctx: &Context,
    permit: &Permit,
    ids: NewIds,
    document: Document,
    current: &StoredResource,
    updated: Updated,
) -> Result<StoredResource, Error> {
    let document = Document { status: updated.status, labels: updated.labels, ..document };
    let resource = revise(tx, permit, &document, current, updated.fiche, ids.entry_uuid, ctx.at)?;
    if document.status == DocumentStatus::Deleted {
        let kept: Value =
            serde_json::from_slice(&resource.body).map_err(|error| Error::from(Code::Internal).because(error))?;
        tx.withdraw_resource(permit, ResourceType::DocumentReference, document.id, &index(&kept), ctx.at)?;
    }
    Ok(resource)
}

/// What the person is told of.
#[derive(Clone, Copy)]
struct Told {
    becomes_visible: bool,
    every_access: bool,
}

/// A document that becomes visible is told as an added one (ds 59), a first access as ever (MES-081).
fn notify(
    tx: &mut Tx<'_>,
    ctx: &Context,
    permit: &Permit,
    facts: &Facts,
    ids: NewIds,
    trace: &Trace,
    told: Told,
) -> Result<(), Error> {
    let Some(profile) = &facts.profile else { return Ok(()) };
    let first_channel = notification::channel(NotifiedEvent::FirstAccess, profile).outcome;
    // The person does not hear of his own acts as of an access, nor of what is hidden from him.
    let counts = ctx.caller.class != CallerClass::Patient
        && (told.becomes_visible || first_channel.is_none() || sight::may_tell(&facts.documents, first_channel));
    let is_first = counts && tx.record_first_access(permit, &ctx.caller.accessor(), ctx.at)?;
    let events = [
        (NotifiedEvent::DocumentAdded, told.becomes_visible),
        (NotifiedEvent::FirstAccess, is_first || (counts && told.every_access)),
    ];
    let notice = |((event, is_told), id): ((NotifiedEvent, bool), Uuid)| {
        let channel = notification::channel(event, profile).outcome.filter(|_| is_told)?;
        // The key of a notice is its event and its channel: the two must not share their event.
        let event_id = if event == NotifiedEvent::FirstAccess { trace.id() } else { id };
        Some(Notification { id, event_id, event, channel, created_at: ctx.at })
    };
    let notices: Vec<Notification> = events.into_iter().zip(ids.notices).filter_map(notice).collect();
    tx.put_notifications(permit, &notices)?;
    Ok(())
}

//! ITI-65 Provide Document Bundle: a professional or a structure feeds a record (MHD §1.2, MES-040...048).
//!
//! What does not depend on the state of the record is done before the transaction; what does is
//! decided inside it, on one snapshot, and traced with it.

use std::sync::Arc;

use uuid::Uuid;

use super::answer::{Kept, Provided, Times, answer, sent_before};
use super::prepare::{Prepared, PreparedDocument, fiche_reference, list_reference, prepare};
use super::replace::{self, Targets};
use super::submission::Provision;
use super::{deposit, folder, replace::supersede, sight};
use crate::access::context::Context;
use crate::access::decide::decide;
use crate::access::permit::{Denial, Permit, Verdict};
use crate::error::{Code, Error};
use crate::ids::Ins;
use crate::model::audit::Act;
use crate::model::caller::{Action, CallerClass};
use crate::model::document::Document;
use crate::model::notification::{Notification, NotifiedEvent};
use crate::model::resource::{ResourceType, StoredResource};
use crate::ops::Service;
use crate::ops::facts;
use crate::ops::trace::Trace;
use crate::rules::facts::Facts;
use crate::rules::notification;
use crate::store::{Settled, Tx};

/// Feeds a record. All or nothing; sending the same bundle again is safe.
pub async fn provide(service: &Service, ctx: Arc<Context>, provision: Provision) -> Result<Provided, Error> {
    let name = "document.provide";
    let trace = Trace::of(&ctx, service.ids.uuid(ctx.at), provision.act);
    let subject = provision.subject.clone();
    let located = service.store.system_read(name, move |tx| facts::locate(tx, &subject)).await?;
    let Some(patient) = located else {
        let asked = Arc::new((provision.subject.clone(), provision.authorship(), trace));
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
    let facts = facts.with_documents(prepared.authorship.clone());
    let decided = decided(tx, ctx, prepared, &facts)?;
    let Decided { permit, stored, targets } = match decided {
        Ok(decided) => decided,
        Err(denial) => return Ok(Settled::refused(denial, trace.refused(&denial))),
    };
    let Some(kept) = keep(tx, &permit, prepared, &stored, &targets)? else {
        let denial = Denial::new(Code::Conflict, "ITI-65 uniqueId");
        return Ok(Settled::refused(denial, trace.refused(&denial)));
    };
    let notices = notices(tx, ctx, &permit, prepared, &stored, &facts, &trace, every_access)?;
    tx.put_notifications(&permit, &notices)?;
    let trace = touched(trace, prepared, &stored, &targets, &kept);
    let times = Times::of(tx, &permit, prepared, &stored, kept.list)?;
    let mut provided = answer(prepared, &stored, &kept, &times);
    provided.fiche = published(tx, &permit, prepared, &stored)?;
    Ok(Settled::done((provided, kept.bytes), trace.done(permit.rule())))
}

/// The fiche of an ITI-105, which is answered whole: the new one, or the one that was there.
fn published(
    tx: &mut Tx<'_>,
    permit: &Permit,
    prepared: &Prepared,
    stored: &[Option<Document>],
) -> Result<Option<StoredResource>, Error> {
    match (prepared.documents.first(), stored.first()) {
        (Some(document), Some(known)) if prepared.act == Act::SimplifiedPublish => {
            let id = known.as_ref().map_or(document.row.id, |known| known.id);
            tx.find_resource(permit, ResourceType::DocumentReference, id)
        }
        _ => Ok(None),
    }
}

/// What was decided before anything is kept.
struct Decided {
    permit: Permit,
    /// The documents that were sent before.
    stored: Vec<Option<Document>>,
    targets: Targets,
}

fn decided(
    tx: &mut Tx<'_>,
    ctx: &Context,
    prepared: &Prepared,
    facts: &Facts,
) -> Result<Result<Decided, Denial>, Error> {
    let permit = match judge(ctx, prepared, facts) {
        Ok(permit) => permit,
        Err(denial) => return Ok(Err(denial)),
    };
    if let Some(alias) = &prepared.alias
        && facts::locate(tx, alias)? != Some(prepared.patient)
    {
        return Ok(Err(Denial::new(Code::PatientDiffers, "MHD ITI-65 subject")));
    }
    let mut stored = Vec::with_capacity(prepared.documents.len());
    for document in &prepared.documents {
        stored.push(tx.fact_document_by_identifier(prepared.patient, &document.row.unique_id)?);
    }
    let differs = |(document, stored): (&PreparedDocument, &Option<Document>)| {
        stored.as_ref().is_some_and(|stored| stored.sha1 != document.row.sha1)
    };
    if prepared.documents.iter().zip(&stored).any(differs) {
        return Ok(Err(Denial::new(Code::HashDiffers, "ITI-65 uniqueId")));
    }
    let targets = match replace::find(tx, ctx, &permit, prepared, &stored, facts)? {
        Ok(targets) => targets,
        Err(denial) => return Ok(Err(denial)),
    };
    if ctx.caller.class == CallerClass::Patient {
        let added = prepared.documents.iter().map(|document| (&document.row, document.blob.content_type.as_str()));
        let replaced: Vec<Uuid> = targets.replaced.iter().map(|(target, _)| target.id).collect();
        if let Err(denial) = deposit::judge(tx, prepared.patient, added, &replaced)? {
            return Ok(Err(denial));
        }
    }
    Ok(Ok(Decided { permit, stored, targets }))
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

fn touched(
    mut trace: Trace,
    prepared: &Prepared,
    stored: &[Option<Document>],
    targets: &Targets,
    kept: &Kept,
) -> Trace {
    let patient = prepared.patient;
    trace = trace.touching(list_reference(patient, kept.list));
    for (document, stored) in prepared.documents.iter().zip(stored) {
        let id = stored.as_ref().map_or(document.row.id, |stored| stored.id);
        trace = trace.touching(fiche_reference(patient, id));
    }
    for (target, _) in &targets.replaced {
        trace = trace.touching(fiche_reference(patient, target.id));
    }
    for folder in &kept.folders {
        trace = trace.touching(list_reference(patient, folder.id));
    }
    trace
}

/// Keeps what is new. A bundle sent before is answered with what it left then; none where that cannot
/// be told any more.
fn keep(
    tx: &mut Tx<'_>,
    permit: &Permit,
    prepared: &Prepared,
    stored: &[Option<Document>],
    targets: &Targets,
) -> Result<Option<Kept>, Error> {
    if let Some(known) = stored.iter().flatten().next().filter(|_| stored.iter().all(Option::is_some)) {
        return sent_before(tx, permit, prepared, known.submission, targets);
    }
    let places = &targets.places;
    let mut bytes = Vec::with_capacity(prepared.documents.len());
    for (document, stored) in prepared.documents.iter().zip(stored) {
        if stored.is_none() {
            // The same bytes are kept once in a record (docs/decisions/0014).
            if let Some(source) = tx.find_same_bytes(permit, &document.blob.sha256)? {
                tx.put_shared_blob(permit, &document.blob, source)?;
            } else {
                tx.put_blob(permit, &document.blob)?;
                bytes.push(document.row.binary);
            }
            tx.put_resource(permit, places.fiche_row(document, prepared.at)?.as_ref())?;
            tx.put_document(permit, &document.row, prepared.at)?;
        }
    }
    for (target, entry_uuid) in &targets.replaced {
        supersede(tx, permit, target, *entry_uuid, prepared)?;
    }
    let mut folders = Vec::with_capacity(prepared.folders.len());
    for (folder, current) in prepared.folders.iter().zip(&targets.folders) {
        folders.push(folder::keep(tx, permit, folder, current.as_ref(), places, prepared.at)?);
    }
    tx.put_resource(permit, places.list_row(&prepared.list, prepared.at)?.as_ref())?;
    let patched = Kept::versions(tx, permit, &targets.patched)?;
    Ok(Some(Kept { list: prepared.list.id, folders, patched, bytes }))
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

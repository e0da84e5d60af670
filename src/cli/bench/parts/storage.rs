//! The parts that are the store's: what a publish writes, what a search and a retrieve read, and the
//! trace of a read; by as many callers at once as a commit is shared by.

use std::rc::Rc;
use std::sync::Arc;

use uuid::Uuid;

use super::stage::Stage;
use super::{Meter, Part};
use crate::access::context::Context;
use crate::access::decide::decide;
use crate::access::permit::{Permit, Verdict};
use crate::cli::Failure;
use crate::error::{Code, Error};
use crate::ids::{BusinessIdentifier, LogicalId};
use crate::model::audit::Act;
use crate::model::caller::Action;
use crate::model::document::{Blob, BlobPlace, Document, DocumentStatus};
use crate::model::notification::{Channel, Notification, NotifiedEvent};
use crate::model::resource::{NewResource, ResourceType};
use crate::model::search::{Order, Predicate};
use crate::ops::Service;
use crate::ops::facts::{self, Named};
use crate::ops::resource::stamp;
use crate::ops::trace::Trace;
use crate::rules::facts::DocumentFacts;
use crate::store::{Settled, Tx};

/// How many fiches a search reads.
const PAGE: i64 = 20;

/// One submission as rows, of which each publish changes the ids only.
struct Rows {
    fiche: NewResource,
    list: NewResource,
    blob: Blob,
    document: Document,
}

/// Measures them all.
pub(super) async fn measure(stage: &Stage, meter: &Meter) -> Result<Vec<Part>, Failure> {
    let service = Rc::new(stage.started.app.service.clone());
    let ctx = Arc::clone(&stage.ctx);
    let feed = Arc::new(permit(&service, &ctx, stage, Action::ProvideDocument).await?);
    let consult = Arc::new(permit(&service, &ctx, stage, Action::FindDocuments).await?);
    let rows = Arc::new(rows(stage, &feed).await?);
    let publish = {
        let (service, ctx, rows) = (Rc::clone(&service), Arc::clone(&ctx), Arc::clone(&rows));
        move |binary| publish(Rc::clone(&service), Arc::clone(&ctx), Arc::clone(&feed), Arc::clone(&rows), binary)
    };
    // The one that is read afterwards.
    publish(Some(rows.blob.id)).await?;
    let publish = move || publish(None);
    let mut parts = vec![meter.together("sql-publish", "write one publication, group commit, durable", publish).await?];
    let trace = {
        let (service, ctx) = (Rc::clone(&service), Arc::clone(&ctx));
        move || trace(Rc::clone(&service), Arc::clone(&ctx))
    };
    parts.push(meter.together("sql-trace", "write one trace, group commit, durable", trace).await?);
    let found = {
        let (service, consult) = (Rc::clone(&service), Arc::clone(&consult));
        move || {
            let (service, consult) = (Rc::clone(&service), Arc::clone(&consult));
            async move {
                let read = move |tx: &mut Tx<'_>| tx.search(&consult, &newest());
                service.store.system_read("bench.search", read).await.map(drop).map_err(failed)
            }
        }
    };
    parts.push(meter.together("sql-search", "find 20 fiches and read them", found).await?);
    let (id, permit) = (rows.blob.id, Arc::clone(&consult));
    let bytes = {
        let service = Rc::clone(&service);
        move || {
            let (service, permit) = (Rc::clone(&service), Arc::clone(&permit));
            async move {
                let read = move |tx: &mut Tx<'_>| tx.find_blob(&permit, id);
                service.store.system_read("bench.blob", read).await.map(drop).map_err(failed)
            }
        }
    };
    parts.push(meter.together("sql-document", "read the encrypted document", bytes).await?);
    let linked = Arc::clone(&consult);
    let read = move |tx: &mut Tx<'_>| tx.search(&consult, &newest());
    let page = service.store.system_read("bench.search", read).await.map_err(failed)?;
    parts.push(meter.alone("splice", "join 20 fiches to one body", || {
        let mut body = Vec::with_capacity(page.iter().map(|(found, _)| found.body.len() + 256).sum());
        for (found, _) in &page {
            body.extend_from_slice(&found.body);
        }
        std::hint::black_box(body);
        Ok(())
    })?);
    parts.extend(super::search::measure(&service, &linked, &rows.fiche, meter).await?);
    Ok(parts)
}

pub(super) fn failed(error: Error) -> Failure {
    Failure::from_error("the store", &error)
}

fn newest() -> Predicate {
    Predicate {
        kind: ResourceType::DocumentReference,
        conditions: Vec::new(),
        order: Order { parameter: None, descending: true },
        after: None,
        limit: PAGE,
    }
}

async fn permit(service: &Service, ctx: &Arc<Context>, stage: &Stage, action: Action) -> Result<Permit, Failure> {
    let named = Named::Ins(stage.ins.clone());
    let ctx = Arc::clone(ctx);
    let decided = service.store.system_read("bench.permit", move |tx| {
        let person = ctx.caller.person.iter().map(|person| person.id.to_string()).collect();
        let (status, structures, labels) = (DocumentStatus::Current, Vec::new(), Vec::new());
        let own = DocumentFacts { persons: person, structures, type_code: String::new(), status, labels };
        let facts = facts::of_person(tx, &ctx, &named)?.with_documents(vec![own]);
        match decide(&ctx, action, &facts) {
            Verdict::Permit(permit) => Ok(permit),
            Verdict::Deny(denial) => Err(denial.into()),
        }
    });
    decided.await.map_err(failed)
}

async fn rows(stage: &Stage, permit: &Permit) -> Result<Rows, Failure> {
    let provision = stage.provision(3).await?;
    let patient = permit.patient();
    let at = stage.ctx.at;
    let ids = &stage.started.app.ids;
    let resource = |kind, value: serde_json::Value| {
        let id = ids.uuid(at);
        let value = stamp::stamp(value, &LogicalId::of_patient(patient, id), 1, at);
        NewResource {
            former: Vec::new(),
            kind,
            id,
            version: 1,
            index: stamp::index(&value),
            body: value.to_string().into(),
            updated_at: at,
        }
    };
    let document = provision.documents.into_iter().next();
    let document = document.ok_or_else(|| Failure::Failed("the bundle has no document".to_owned()))?;
    let (blob, mut guard) = document.staged.into_blob(patient, document.content_type);
    guard.keep();
    let fiche = resource(ResourceType::DocumentReference, document.fiche);
    Ok(Rows {
        document: Document {
            patient,
            id: fiche.id,
            binary: blob.id,
            submission: ids.uuid(at),
            unique_id: document.unique_id.digest(),
            status: DocumentStatus::Current,
            type_code: document.type_code,
            labels: document.labels,
            persons: document.persons,
            structures: document.structures,
            sha1: blob.sha1,
            size: blob.size,
        },
        list: resource(ResourceType::List, provision.submission),
        fiche,
        blob,
    })
}

async fn publish(
    service: Rc<Service>,
    ctx: Arc<Context>,
    permit: Arc<Permit>,
    rows: Arc<Rows>,
    binary: Option<Uuid>,
) -> Result<(), Failure> {
    let id = || service.ids.uuid(ctx.at);
    let of = |resource: &NewResource| NewResource {
        kind: resource.kind,
        id: id(),
        version: 1,
        body: resource.body.clone(),
        updated_at: resource.updated_at,
        index: resource.index.clone(),
        former: Vec::new(),
    };
    let (fiche, list) = (of(&rows.fiche), of(&rows.list));
    let binary = binary.unwrap_or_else(id);
    let (notice, trace) = (id(), Trace::of(&ctx, id(), Act::ProvideDocumentBundle).on(permit.shard()));
    let blob = Blob { id: binary, sealed_as: binary, place: BlobPlace::clone(&rows.blob.place), ..rows.blob.clone() };
    let document = document(&rows.document, &fiche, &list, binary);
    let accessor = ctx.caller.accessor();
    let settled = service.store.write("bench.publish", Arc::clone(&ctx), move |tx| {
        tx.put_blob(&permit, &blob)?;
        tx.put_resource(&permit, &fiche)?;
        tx.put_document(&permit, &document, trace.at())?;
        tx.put_resource(&permit, &list)?;
        tx.record_first_access(&permit, &accessor, trace.at())?;
        let event = NotifiedEvent::DocumentAdded;
        let notice = Notification {
            id: notice,
            event_id: document.id,
            event,
            channel: Channel::ActivationEmail,
            created_at: trace.at(),
        };
        tx.put_notifications(&permit, &[notice])?;
        Ok(Settled::done((), trace.clone().done(permit.rule())))
    });
    settled.await.and_then(Settled::into_result).map_err(failed)
}

fn document(rows: &Document, fiche: &NewResource, list: &NewResource, binary: Uuid) -> Document {
    let unique = BusinessIdentifier { system: "urn:ietf:rfc:3986".to_owned(), value: fiche.id.to_string() };
    Document { id: fiche.id, submission: list.id, binary, unique_id: unique.digest(), ..rows.clone() }
}

async fn trace(service: Rc<Service>, ctx: Arc<Context>) -> Result<(), Failure> {
    let error = Error::from(Code::NotFound);
    crate::ops::trace::failed(&service, &ctx, Act::RetrieveDocument, &error).await.map_err(failed)
}

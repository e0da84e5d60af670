//! A transaction: its entries read, let through the gate one by one, done together, answered in their
//! order (R4 `http.html#transaction`).

use std::collections::HashSet;
use std::sync::Arc;

use actix_web::http::StatusCode;

use super::super::bundle::outward;
use super::super::query;
use super::super::resource::{history, search, write};
use super::entry::{self, Held, Shown};
use super::{Response, Responses, Return, told};
use crate::access::context::Context;
use crate::error::{Code, Error, Issue};
use crate::fhir::bundle::request::{Request, located};
use crate::http::app::App;
use crate::http::extract::caller::Signed;
use crate::http::serve::{Entrance, pass};
use crate::model::audit::Act;
use crate::model::resource::ResourceType;
use crate::ops::resource::reach::Kept;
use crate::ops::resource::stamp::instant;
use crate::ops::resource::transaction::{Criteria, Done, Entry, Reading, locate, named, plan, transact};
use crate::ops::trace;

/// Does all that is asked, or nothing; the response bundle.
pub(super) async fn answer(
    app: &App,
    caller: &Signed,
    ctx: &Arc<Context>,
    requests: Vec<Request>,
    prefer: Return,
) -> Result<String, Error> {
    let (mut entries, mut shown) = (Vec::with_capacity(requests.len()), Vec::with_capacity(requests.len()));
    for request in requests {
        let (entry, how) = traced(app, ctx, entry::read(app, ctx, request)).await?;
        entries.push(entry);
        shown.push(how);
    }
    admit(app, caller, &entries).await?;
    let whose = with_reading(app, ctx, |reading| named(&entries, reading)).map_err(|error| (Act::Transaction, error));
    let patient = locate(&app.service, traced(app, ctx, whose).await?).await?;
    let planned = with_reading(app, ctx, |reading| plan(ctx, app.ids.as_ref(), reading, patient, entries));
    let planned = traced(app, ctx, planned).await?;
    let done = transact(&app.service, Arc::clone(ctx), planned).await?;
    render(app, ctx, &done, &shown, prefer)
}

/// Leaves the trace of what could not be accepted.
async fn traced<T>(app: &App, ctx: &Arc<Context>, read: Result<T, (Act, Error)>) -> Result<T, Error> {
    match read {
        Ok(read) => Ok(read),
        Err((act, error)) => {
            trace::failed(&app.service, ctx, act, &error).await?;
            Err(error)
        }
    }
}

/// The gate of every interaction that the entries ask for.
async fn admit(app: &App, caller: &Signed, entries: &[Entry]) -> Result<(), Error> {
    let mut open = HashSet::new();
    for entry in entries {
        let (kind, way) = (entry.ask.kind(), entry.ask.interaction());
        if open.insert((kind, way.name())) {
            let passed = pass(app, caller, Entrance::Resource(kind, way), entry.ask.act()).await;
            passed.map_err(|error| located(entry.number, kind.name(), error))?;
        }
    }
    Ok(())
}

fn with_reading<T>(app: &App, ctx: &Context, read: impl FnOnce(&Reading<'_>) -> T) -> T {
    let criteria = |kind: &str, query: &str| -> Result<Criteria, Error> {
        let search = write::criteria(app, ctx, kind, query)?;
        let search = search.ok_or_else(|| Error::from(Issue::new(Code::ReferenceTarget).rule("R4 http#trules")))?;
        let person = query::patient(app, &search)?;
        Ok((search, person))
    };
    read(&Reading { base: &app.base, mode: app.mode, domain: app.service.settings.domain, criteria: &criteria })
}

fn render(app: &App, ctx: &Context, done: &[Done], shown: &[Shown], prefer: Return) -> Result<String, Error> {
    let mut responses = Responses::begin("transaction-response", done.len() * 256 + 64);
    for (done, shown) in done.iter().zip(shown) {
        match done {
            Done::Kept { kind, kept, is_new, warnings } => {
                let status = if *is_new { StatusCode::CREATED } else { StatusCode::OK };
                let body = (prefer == Return::Representation).then(|| outward(&kept.resource.body, &app.base));
                let outcome = (prefer == Return::Outcome).then(|| told(app, ctx, warnings));
                version(&mut responses, app, (*kind, kept), status, body.as_deref(), outcome.as_deref());
            }
            Done::Deleted(current) => {
                let etag = current.map(|version| format!("W/\"{version}\""));
                responses.add(&Response { status: "204", etag: etag.as_deref(), ..Response::default() });
            }
            Done::Read(kind, kept) => {
                let resource = &kept.resource;
                let held = if let Shown::Unless(held) = shown { held } else { &Held::default() };
                let is_held = held.holds(resource.version, resource.updated_at);
                let status = if is_held { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
                let body = (!is_held && !held.is_head).then(|| outward(&resource.body, &app.base));
                version(&mut responses, app, (*kind, kept), status, body.as_deref(), None);
            }
            Done::Found(found) => {
                let Shown::Search(asked) = shown else { return Err(Code::Internal.into()) };
                let kind = ResourceType::from_name(&asked.search.kind).ok_or(Code::Internal)?;
                let set = search::render(app, ctx, kind, asked, found)?;
                responses.add(&Response { status: "200", resource: Some(&set), ..Response::default() });
            }
            Done::Listed(listed) => {
                let Shown::History(path, query) = shown else { return Err(Code::Internal.into()) };
                let list = history::render(app, ctx, path, query, listed)?;
                responses.add(&Response { status: "200", resource: Some(&list), ..Response::default() });
            }
        }
    }
    Ok(responses.finish())
}

/// The answer about one version.
fn version(
    responses: &mut Responses,
    app: &App,
    (kind, kept): (ResourceType, &Kept),
    status: StatusCode,
    body: Option<&str>,
    outcome: Option<&str>,
) {
    let resource = &kept.resource;
    let full_url = body.map(|_| format!("{}/{}/{}", app.base, kind.name(), kept.id));
    let location = format!("{}/{}/_history/{}", kind.name(), kept.id, resource.version);
    responses.add(&Response {
        full_url: full_url.as_deref(),
        resource: body,
        status: status.as_str(),
        location: Some(&location),
        etag: Some(&format!("W/\"{}\"", resource.version)),
        last_modified: Some(instant(resource.updated_at)),
        outcome,
    });
}

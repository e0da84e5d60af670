//! Create, update, patch and delete of the generic types, by id and by criteria (R4 `http.html#create`,
//! `#update`, `#patch`, `#delete` and their conditional forms).

use std::sync::Arc;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};

use super::super::bundle::outward;
use super::super::document_patch::if_match;
use super::super::query;
use super::Kind;
use crate::access::context::Context;
use crate::error::{Code, Error, Issue};
use crate::fhir::codec;
use crate::fhir::outcome::{self, Frame};
use crate::fhir::patch::{MOST_BYTES, Patch as Change};
use crate::fhir::search::{self, Naming, Options, Search};
use crate::fhir::terminology::canonical_system;
use crate::http::answer::{self, Refusal};
use crate::http::app::App;
use crate::http::extract::asking::Identified;
use crate::http::extract::body::{Body, pairs};
use crate::http::extract::caller::Signed;
use crate::http::extract::media;
use crate::http::extract::prefer::wanted_return;
use crate::http::serve::{Entrance, accepted, serve};
use crate::ids::ElementPath;
use crate::model::audit::Act;
use crate::model::resource::ResourceType;
use crate::ops::resource::create::{Created, New};
use crate::ops::resource::delete::Delete;
use crate::ops::resource::draft::Draft;
use crate::ops::resource::patch::Patch;
use crate::ops::resource::reach::Kept;
use crate::ops::resource::search::LARGEST_COUNT;
use crate::ops::resource::update::{Target, Update};
use crate::ops::resource::{create as op_create, delete as op_delete, patch as op_patch, update as op_update};
use crate::rules::registry::Interaction;

/// Largest resource that is not a document.
const LIMIT: u64 = 4 * 1024 * 1024;

/// `POST [base]/Type`, conditional by `If-None-Exist`, or by the criteria of the URL where
/// `rest.post_conditional` says so.
pub(super) async fn create(
    app: web::Data<App>,
    signed: Signed,
    request: HttpRequest,
    Kind(kind): Kind,
    payload: web::Payload,
) -> Result<HttpResponse, Refusal> {
    let act = Act::CreateResource;
    serve(&app, signed, Entrance::Resource(kind, Interaction::Create), act, async |ctx| {
        let read = async {
            let unless = unless(&app, &ctx, &request, kind)?;
            let draft = receive(&app, &request, kind, payload).await?;
            let person = draft.person(&app.base, app.service.settings.domain)?;
            Ok(New { draft, person, unless })
        };
        let new = accepted(&app, &ctx, act, read.await).await?;
        let made = op_create::create(&app.service, Arc::clone(&ctx), new).await?;
        Ok(match made {
            Created::Made(kept) => written(&app, &ctx, &request, kind, &kept, StatusCode::CREATED),
            Created::Existing(kept) => written(&app, &ctx, &request, kind, &kept, StatusCode::OK),
        })
    })
    .await
}

/// `PUT [base]/Type/[id]` and `PUT [base]/Type?criteria`.
pub(super) async fn update(
    app: web::Data<App>,
    signed: Signed,
    request: HttpRequest,
    Kind(kind): Kind,
    named: Identified,
    payload: web::Payload,
) -> Result<HttpResponse, Refusal> {
    let act = Act::UpdateResource;
    serve(&app, signed, Entrance::Resource(kind, Interaction::Update), act, async |ctx| {
        let read = async {
            let target = target(&app, &ctx, &request, kind, &named)?;
            let draft = receive(&app, &request, kind, payload).await?;
            if let Target::Id(id) = &target
                && draft.id() != Some(id.as_str())
            {
                return Err(Issue::new(Code::Value).at(ElementPath::root("id")).rule("R4 http#update").into());
            }
            draft.person(&app.base, app.service.settings.domain)?;
            Ok(Update { target, draft, if_match: if_match(&request) })
        };
        let asked = accepted(&app, &ctx, act, read.await).await?;
        let done = op_update::update(&app.service, Arc::clone(&ctx), Arc::clone(&app.base), asked).await?;
        let status = if done.is_new { StatusCode::CREATED } else { StatusCode::OK };
        Ok(written(&app, &ctx, &request, kind, &done.kept, status))
    })
    .await
}

/// `PATCH [base]/Type/[id]` and `PATCH [base]/Type?criteria`.
pub(super) async fn patch(
    app: web::Data<App>,
    signed: Signed,
    request: HttpRequest,
    Kind(kind): Kind,
    named: Identified,
    payload: web::Payload,
) -> Result<HttpResponse, Refusal> {
    let act = Act::PatchResource;
    serve(&app, signed, Entrance::Resource(kind, Interaction::Patch), act, async |ctx| {
        let read = async {
            let target = target(&app, &ctx, &request, kind, &named)?;
            let form = media::patch_form(content_type(&request))?;
            let limit = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
            let body = Body::declared(&request, payload.into_inner(), limit, app.config.server.body_idle_ms)?;
            let change = Change::read(form, &body.whole().await?)?;
            Ok(Patch { kind, target, change, if_match: if_match(&request), mode: app.mode })
        };
        let asked = accepted(&app, &ctx, act, read.await).await?;
        let kept = op_patch::patch(&app.service, Arc::clone(&ctx), Arc::clone(&app.base), asked).await?;
        Ok(written(&app, &ctx, &request, kind, &kept, StatusCode::OK))
    })
    .await
}

/// `DELETE [base]/Type/[id]` and `DELETE [base]/Type?criteria`.
pub(super) async fn delete(
    app: web::Data<App>,
    signed: Signed,
    request: HttpRequest,
    Kind(kind): Kind,
    named: Identified,
) -> Result<HttpResponse, Refusal> {
    let act = Act::DeleteResource;
    serve(&app, signed, Entrance::Resource(kind, Interaction::Delete), act, async |ctx| {
        let target = accepted(&app, &ctx, act, target(&app, &ctx, &request, kind, &named)).await?;
        let asked = Delete { kind, target, if_match: if_match(&request) };
        let version = op_delete::delete(&app.service, Arc::clone(&ctx), asked).await?;
        let mut response = HttpResponse::NoContent();
        if let Some(version) = version {
            response.insert_header((header::ETAG, format!("W/\"{version}\"")));
        }
        Ok(response.finish())
    })
    .await
}

/// The resource of a body, as far as it can be judged by itself.
async fn receive(app: &App, request: &HttpRequest, kind: ResourceType, payload: web::Payload) -> Result<Draft, Error> {
    let syntax = media::body_syntax(content_type(request))?;
    let body = Body::declared(request, payload.into_inner(), LIMIT, app.config.server.body_idle_ms)?;
    Draft::read(kind, codec::read(syntax, &body.whole().await?)?, &app.mode)
}

/// Which resource a write is about.
fn target(
    app: &App,
    ctx: &Context,
    request: &HttpRequest,
    kind: ResourceType,
    named: &Identified,
) -> Result<Target, Error> {
    if request.match_info().get("id").is_some() {
        return Ok(Target::Id(named.id.clone()));
    }
    let criteria = criteria(app, ctx, kind.name(), request.query_string())?;
    let criteria = criteria.ok_or_else(|| query::required("criteria", "R4 http#cond-update"))?;
    let person = query::patient(app, &criteria)?;
    Ok(Target::Matching { person, criteria: Box::new(criteria) })
}

/// Criteria that nothing may fulfil.
fn unless(app: &App, ctx: &Context, request: &HttpRequest, kind: ResourceType) -> Result<Option<Search>, Error> {
    if let Some(given) = request.headers().get("if-none-exist") {
        let given = given.to_str().map_err(|cause| Error::from(Code::Value).because(cause))?;
        let criteria = criteria(app, ctx, kind.name(), given.trim_start_matches('?'))?;
        return criteria.map(Some).ok_or_else(|| query::required("If-None-Exist", "R4 http#ccreate"));
    }
    if app.config.rest.post_conditional { criteria(app, ctx, kind.name(), request.query_string()) } else { Ok(None) }
}

/// Criteria, if there are any. What is not known is refused: a criterion left out would find too much.
pub(in crate::http::fhir) fn criteria(
    app: &App,
    ctx: &Context,
    kind: &str,
    given: &str,
) -> Result<Option<Search>, Error> {
    let naming = Naming { base: &app.base, canonical_system: &canonical_system };
    let options = Options { strict: true, max_count: LARGEST_COUNT, now: ctx.at, naming };
    let search = search::parse(kind, &pairs(given.as_bytes())?, &options).map_err(Error::many)?;
    Ok(if search.terms.is_empty() && search.patient.is_none() { None } else { Some(search) })
}

fn content_type(request: &HttpRequest) -> Option<&str> {
    request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok())
}

/// The answer to a write, as the client prefers it.
fn written(
    app: &App,
    ctx: &Context,
    request: &HttpRequest,
    kind: ResourceType,
    kept: &Kept,
    status: StatusCode,
) -> HttpResponse {
    let frame = Frame { base: &app.base, language: ctx.language, request: Some(&ctx.request_id) };
    let body = || outward(&kept.resource.body, &app.base);
    let told = || outcome::bytes(&[], &frame);
    let mut response =
        answer::changed(wanted_return(request), body, told, kept.resource.version, kept.resource.updated_at);
    *response.status_mut() = status;
    let location = format!("{}/{}/{}/_history/{}", app.base, kind.name(), kept.id, kept.resource.version);
    if let Ok(location) = header::HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

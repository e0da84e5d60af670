//! `PATCH` of a fiche by its id or by its business identifier: TD3.3 (document-sharing §1.3 flux 03,
//! R4 `http.html#patch`).

use std::sync::Arc;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::bundle::outward;
use super::query;
use crate::access::context::Context;
use crate::error::{Code, Error};
use crate::fhir::outcome::{self, Frame};
use crate::fhir::patch::{MOST_BYTES, Patch};
use crate::http::answer::{self, Refusal};
use crate::http::app::App;
use crate::http::extract::asking::Identified;
use crate::http::extract::body::{Body, pairs};
use crate::http::extract::caller::Signed;
use crate::http::extract::media;
use crate::http::extract::prefer::wanted_return;
use crate::http::routes::methods;
use crate::http::serve::{accepted, consults, serve};
use crate::model::audit::Act;
use crate::ops::document::update_metadata::{NewIds, Target, Update, check, update};
use crate::rules::gate::Route;

const KIND: &str = "DocumentReference";
/// What a conditional patch may name: the fiche and its person.
const CRITERIA: [&str; 5] = ["identifier", "patient", "patient.identifier", "subject", "subject.identifier"];

/// `PATCH [base]/DocumentReference/[id]`.
pub(crate) async fn by_id(
    app: web::Data<App>,
    signed: Signed,
    request: HttpRequest,
    named: Identified,
    payload: web::Payload,
) -> Result<HttpResponse, Refusal> {
    patch(&app, signed, &request, payload, |_ctx| Ok(Target::Id(named.id.clone()))).await
}

/// `PATCH [base]/DocumentReference?identifier=system|value[&patient=…]`.
pub(crate) async fn by_identifier(
    app: web::Data<App>,
    signed: Signed,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Refusal> {
    patch(&app, signed, &request, payload, |ctx| matching(&app, ctx, &request)).await
}

async fn patch(
    app: &App,
    signed: Signed,
    request: &HttpRequest,
    payload: web::Payload,
    target: impl FnOnce(&Context) -> Result<Target, Error>,
) -> Result<HttpResponse, Refusal> {
    let act = Act::UpdateDocumentMetadata;
    let answered = serve(app, signed, Route::DocumentReferencePatch, act, async |ctx| {
        let asked = match target(&ctx) {
            Ok(target) => receive(app, request, payload).await.map(|patch| (target, patch)),
            Err(error) => Err(error),
        };
        let (target, patch) = accepted(app, &ctx, act, asked).await?;
        let own_only = !consults(app, &ctx).await?;
        let ids = NewIds::of(&app.service, ctx.at);
        let asked = Update { target, patch, if_match: if_match(request), own_only, ids };
        let updated = update(&app.service, Arc::clone(&ctx), asked).await?.resource;
        let frame = Frame { base: &app.base, language: ctx.language, request: Some(&ctx.request_id) };
        let body = || outward(&updated.body, &app.base);
        let told = || outcome::bytes(&[], &frame);
        Ok(answer::changed(wanted_return(request), body, told, updated.version, updated.updated_at))
    });
    answered.await.map_err(|refusal| match refusal.code() {
        Code::ElementNotModifiable => {
            refusal.allowing(request.match_pattern().map(|path| methods(&path)).unwrap_or_default())
        }
        _ => refusal,
    })
}

/// The patch, as far as it can be judged without the fiche.
async fn receive(app: &App, request: &HttpRequest, payload: web::Payload) -> Result<Patch, Error> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let form = media::patch_form(content_type)?;
    let limit = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
    let body = Body::declared(request, payload.into_inner(), limit, app.config.server.body_idle_ms)?;
    let patch = Patch::read(form, &body.whole().await?)?;
    check(&patch)?;
    Ok(patch)
}

/// The criteria of a conditional patch. Others than those that name one fiche are refused: a
/// criterion left out would name too many.
fn matching(app: &App, ctx: &Context, request: &HttpRequest) -> Result<Target, Error> {
    let given = pairs(request.query_string().as_bytes())?;
    let asked = query::read_opened(app, ctx, request, KIND, (given, None))?;
    query::only(&asked.search, &CRITERIA)?;
    if asked.search.identifiers().is_empty() {
        return Err(query::required("identifier", "R4 http#cpatch"));
    }
    let patient = query::patient(app, &asked.search)?;
    let traced = query::encode(&asked.search.applied);
    Ok(Target::Matching { patient, search: Box::new(asked.search), traced })
}

/// The versions that `If-Match` names, weak or bare as clients write them; `*` names any. One that is
/// no number names a version that never was.
pub(super) fn if_match(request: &HttpRequest) -> Option<Vec<i32>> {
    let tags = request.headers().get_all(header::IF_MATCH);
    versions(tags.flat_map(|tags| tags.to_str().unwrap_or_default().split(',')))
}

/// The versions that tags name; none where they name any.
pub(super) fn versions<'a>(tags: impl Iterator<Item = &'a str>) -> Option<Vec<i32>> {
    let tags: Vec<&str> = tags.map(str::trim).collect();
    if tags.is_empty() || tags.contains(&"*") {
        return None;
    }
    let version = |tag: &&str| tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"').parse().unwrap_or_default();
    Some(tags.iter().map(version).collect())
}

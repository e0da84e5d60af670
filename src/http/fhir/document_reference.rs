//! `DocumentReference`: ITI-67 by GET and by POST `_search`, read, vread.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::bundle::{SearchSet, outward};
use super::query::{self, Asked};
use crate::access::context::Context;
use crate::error::Error;
use crate::fhir::search::page::{Page as Link, Position as LinkPosition};
use crate::fhir::search::{PAGE_PARAMETER, PatientClause};
use crate::http::answer::{self, Refusal};
use crate::http::app::App;
use crate::http::extract::caller::Signed;
use crate::http::serve::{accepted, serve};
use crate::ids::LogicalId;
use crate::model::audit::Act;
use crate::model::search::Position;
use crate::ops::document::find::{Query, find};
use crate::ops::document::read::{Readable, read};
use crate::ops::facts::Named;
use crate::ops::resource::search::Page;
use crate::rules::gate::Route;

const KIND: &str = "DocumentReference";

/// ITI-67 by GET.
pub(crate) async fn search_by_get(
    app: web::Data<App>,
    signed: Signed,
    request: HttpRequest,
) -> Result<HttpResponse, Refusal> {
    search(app, signed, request, None).await
}

/// ITI-67 by POST `_search`.
pub(crate) async fn search_by_post(
    app: web::Data<App>,
    signed: Signed,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Refusal> {
    search(app, signed, request, Some(payload)).await
}

async fn search(
    app: web::Data<App>,
    signed: Signed,
    request: HttpRequest,
    form: Option<web::Payload>,
) -> Result<HttpResponse, Refusal> {
    let act = Act::FindDocumentReferences;
    serve(&app, signed, Route::FindDocumentReferences, act, async |ctx| {
        let asked = match query::given(&app, &request, form).await {
            Ok(given) => query::read(&app, &ctx, &request, KIND, given),
            Err(error) => Err(error),
        };
        let asked = asked.and_then(|asked| Ok((named(&app, &asked)?, asked)));
        let (patient, asked) = accepted(&app, &ctx, act, asked).await?;
        let query = Query {
            patient,
            search: asked.search.clone(),
            after: asked.after.map(|after| Position { value: after.value, id: after.id }),
            traced: query::encode(&asked.search.applied),
        };
        let page = find(&app.service, Arc::clone(&ctx), query).await?;
        Ok(answer::fhir(StatusCode::OK, render(&app, &ctx, &asked, &page)?))
    })
    .await
}

/// ITI-67 names a patient, and a status unless it names one document (TD3.1b; contract §8).
fn named(app: &App, asked: &Asked) -> Result<Named, Error> {
    let patient = query::patient(app, &asked.search)?.ok_or_else(|| query::required("patient", "MHD ITI-67"))?;
    if !asked.search.has("status") && !asked.search.has("identifier") {
        return Err(query::required("status", "MHD ITI-67"));
    }
    Ok(patient)
}

fn render(app: &App, ctx: &Context, asked: &Asked, page: &Page) -> Result<String, Error> {
    let id = app.ids.uuid(ctx.at).to_string();
    let size = page.matches.iter().map(|found| found.body.len() + 256).sum();
    let mut set = SearchSet::begin(&id, ctx.at, Some(page.total), size);
    let base = &app.base;
    let mut own = vec![("patient".to_owned(), format!("Patient/{}", page.patient))];
    own.extend(asked.search.applied.iter().cloned());
    set.link("self", &format!("{base}/{KIND}?{}", query::encode(&own)));
    if let Some(next) = page.next {
        let link = Link { query: without_ins(asked, page), after: LinkPosition { value: next.value, id: next.id } };
        let token = app.pages.seal(&link, KIND, &query::binding(ctx), app.ids.as_ref())?;
        set.link("next", &format!("{base}/{KIND}?{PAGE_PARAMETER}={token}"));
    }
    for found in &page.matches {
        let id = LogicalId::of_patient(page.patient, found.id);
        set.stored_entry(&format!("{base}/{KIND}/{id}"), &found.body, base, "match");
    }
    set.outcome(app, ctx, &asked.search.warnings);
    Ok(set.finish())
}

/// The query of a page link: the INS has become an id, so that no link carries it even sealed.
fn without_ins(asked: &Asked, page: &Page) -> String {
    let names = matches!(asked.search.patient, Some(PatientClause::Identifier { .. }));
    if !names {
        return asked.canonical.clone();
    }
    let kept = asked.canonical.split('&').filter(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        let name = name.split(':').next().unwrap_or_default();
        !matches!(name, "patient.identifier" | "subject.identifier" | "patient" | "subject")
    });
    let patient = format!("patient=Patient%2F{}", page.patient);
    std::iter::once(patient.as_str()).chain(kept).collect::<Vec<_>>().join("&")
}

/// FHIR read.
pub(crate) async fn read_by_id(
    app: web::Data<App>,
    signed: Signed,
    id: web::Path<String>,
) -> Result<HttpResponse, Refusal> {
    fetch(app, signed, id.into_inner(), None).await
}

/// FHIR vread.
pub(crate) async fn vread(
    app: web::Data<App>,
    signed: Signed,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Refusal> {
    let (id, version) = path.into_inner();
    // A version that is no number names nothing: version 0 never exists.
    fetch(app, signed, id, Some(version.parse().unwrap_or_default())).await
}

async fn fetch(app: web::Data<App>, signed: Signed, id: String, version: Option<i32>) -> Result<HttpResponse, Refusal> {
    serve(&app, signed, Route::DocumentReferenceRead, Act::ReadDocumentReference, async |ctx| {
        let found = read(&app.service, ctx, Readable::Fiche, &id, version).await?;
        Ok(answer::versioned(outward(&found.body, &app.base), found.version, found.updated_at))
    })
    .await
}

//! `DocumentReference`: ITI-67 by GET and by POST `_search`, read, vread.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::bundle::{SearchSet, outward};
use super::patient;
use super::query::{self, Asked};
use crate::access::context::Context;
use crate::error::Error;
use crate::fhir::search::page::{Page as Link, Position as LinkPosition};
use crate::fhir::search::{PAGE_PARAMETER, PatientClause};
use crate::http::answer::{self, Refusal};
use crate::http::app::App;
use crate::http::extract::asking::{Asking, Identified};
use crate::http::extract::caller::Signed;
use crate::http::serve::{accepted, consults, opens, serve};
use crate::ids::LogicalId;
use crate::model::audit::Act;
use crate::model::search::Position;
use crate::ops::document::find::{Found, Query, find};
use crate::ops::document::read::{self, Readable, read};
use crate::ops::facts::Named;
use crate::ops::resource::search::Page;
use crate::rules::gate::Route;

const KIND: &str = "DocumentReference";

/// ITI-67, by GET and by POST `_search`.
pub(crate) async fn search(app: web::Data<App>, signed: Signed, asking: Asking) -> Result<HttpResponse, Refusal> {
    let act = Act::FindDocumentReferences;
    let request = asking.request.clone();
    let given = query::given(&app, asking).await;
    let given = given.and_then(|given| query::open_page(&app, &signed.context, KIND, given));
    serve(&app, signed, route(&given), act, async |ctx| {
        let asked = given.and_then(|given| query::read_opened(&app, &ctx, &request, KIND, given));
        let asked = asked.and_then(|asked| Ok((named(&app, &asked)?, asked)));
        let (patient, asked) = accepted(&app, &ctx, act, asked).await?;
        let query = Query {
            patient,
            search: asked.search.clone(),
            after: asked.after.map(|after| Position { value: after.value, id: after.id }),
            own_only: !opens(&app, &ctx, Route::FindDocumentReferences).await?,
            traced: query::encode(&asked.search.applied),
        };
        let found = find(&app.service, Arc::clone(&ctx), query).await?;
        Ok(answer::fhir(StatusCode::OK, render(&app, &ctx, &asked, &found)?))
    })
    .await
}

/// A search that names documents by their identifiers is TD3.1b: also for who consults nothing else.
fn route(given: &Result<query::Opened, Error>) -> Route {
    match given {
        Ok((pairs, _)) if pairs.iter().any(|(name, _)| name == "identifier") => Route::FindByIdentifier,
        _ => Route::FindDocumentReferences,
    }
}

/// ITI-67 names a patient, and a status unless it names one document (TD3.1b; contract §8).
fn named(app: &App, asked: &Asked) -> Result<Named, Error> {
    let patient = query::patient(app, &asked.search)?.ok_or_else(|| query::required("patient", "MHD ITI-67"))?;
    if !asked.search.has("status") && !asked.search.has("identifier") {
        return Err(query::required("status", "MHD ITI-67"));
    }
    Ok(patient)
}

fn render(app: &App, ctx: &Context, asked: &Asked, found: &Found) -> Result<String, Error> {
    let page = &found.page;
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
    if let Some(record) = &found.patient {
        set.entry(&format!("{base}/Patient/{}", record.key), &patient::patient(record).to_string(), "include");
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

/// FHIR read and vread.
pub(crate) async fn fetch(
    app: web::Data<App>,
    signed: Signed,
    request: HttpRequest,
    named: Identified,
) -> Result<HttpResponse, Refusal> {
    serve(&app, signed, Route::DocumentReferenceRead, Act::ReadDocumentReference, async |ctx| {
        let own_only = !consults(&app, &ctx).await?;
        let asked = read::Asked { what: Readable::Fiche, id: &named.id, version: named.version, own_only };
        let found = read(&app.service, ctx, asked).await?;
        Ok(answer::versioned(&request, outward(&found.body, &app.base), found.version, found.updated_at))
    })
    .await
}

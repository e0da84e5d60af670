//! `DocumentReference`: ITI-67 by GET and by POST `_search`, read, vread.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::bundle::outward;
use super::found;
use super::query::{self, Asked};
use crate::access::context::Context;
use crate::error::Error;
use crate::http::answer::{self, Refusal};
use crate::http::app::App;
use crate::http::extract::asking::{Asking, Identified};
use crate::http::extract::caller::Signed;
use crate::http::serve::{accepted, bounded, consults, opens, serve};
use crate::model::audit::Act;
use crate::ops::document::find::{Query, find};
use crate::ops::document::read::{self, Readable, read};
use crate::ops::facts::Named;
use crate::rules::gate::Route;

const KIND: &str = "DocumentReference";

/// ITI-67, by GET and by POST `_search`.
pub(crate) async fn search(app: web::Data<App>, signed: Signed, asking: Asking) -> Result<HttpResponse, Refusal> {
    let act = Act::FindDocumentReferences;
    let request = asking.request.clone();
    let given = given(&app, &signed.context, asking).await;
    serve(&app, signed, route(&given), act, async |ctx| {
        let asked = given.and_then(|given| query::read_opened(&app, &ctx, &request, KIND, given));
        let asked = asked.and_then(|asked| Ok((named(&app, &ctx, &asked)?, asked)));
        let (patient, asked) = accepted(&app, &ctx, act, asked).await?;
        let query = Query {
            patient,
            search: asked.search.clone(),
            after: asked.after.clone(),
            own_only: !opens(&app, &ctx, Route::FindDocumentReferences).await?,
            traced: query::encode(&asked.search.applied),
        };
        let found = bounded(&app, &ctx, act, find(&app.service, Arc::clone(&ctx), query).await).await?;
        Ok(answer::fhir(StatusCode::OK, found::render(&app, &ctx, KIND, &asked, &found)?))
    })
    .await
}

/// What is asked decides which gate it goes through: a form is read before that, but only of who
/// would be let through one of the two. To anybody else the gate says why, and no byte is read.
async fn given(app: &App, ctx: &Context, asking: Asking) -> Result<query::Opened, Error> {
    let may_ask = asking.form.is_none()
        || opens(app, ctx, Route::FindDocumentReferences).await?
        || opens(app, ctx, Route::FindByIdentifier).await?;
    if !may_ask {
        return Ok((Vec::new(), None));
    }
    let given = query::given(app, asking).await?;
    query::open_page(app, ctx, KIND, given)
}

/// A search that names documents by their identifiers is TD3.1b: also for who consults nothing else.
fn route(given: &Result<query::Opened, Error>) -> Route {
    match given {
        Ok((pairs, _)) if pairs.iter().any(|(name, _)| name == "identifier") => Route::FindByIdentifier,
        _ => Route::FindDocumentReferences,
    }
}

/// ITI-67 names a patient, and a status unless it names one document (TD3.1b; contract §8).
fn named(app: &App, ctx: &Context, asked: &Asked) -> Result<Named, Error> {
    let patient =
        query::patient_or_own(app, ctx, &asked.search)?.ok_or_else(|| query::required("patient", "MHD ITI-67"))?;
    if !asked.search.has("status") && asked.search.identifier_terms().is_empty() {
        return Err(query::required("status", "MHD ITI-67"));
    }
    Ok(patient)
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

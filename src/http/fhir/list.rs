//! `List`: ITI-66 by GET and by POST `_search`, read, vread.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::bundle::outward;
use super::{found, query};
use crate::access::context::Context;
use crate::error::Error;
use crate::http::answer::{self, Refusal};
use crate::http::app::App;
use crate::http::extract::asking::{Asking, Identified};
use crate::http::extract::caller::Signed;
use crate::http::serve::{accepted, bounded, consults, serve};
use crate::model::audit::Act;
use crate::ops::document::find::Query;
use crate::ops::document::lists;
use crate::ops::document::read::{Asked, Readable, read};
use crate::ops::facts::Named;
use crate::rules::gate::Route;

const KIND: &str = "List";

/// ITI-66, by GET and by POST `_search`.
pub(crate) async fn search(app: web::Data<App>, signed: Signed, asking: Asking) -> Result<HttpResponse, Refusal> {
    let act = Act::FindDocumentLists;
    serve(&app, signed, Route::FindDocumentLists, act, async |ctx| {
        let asked = query::read(&app, &ctx, asking, KIND).await;
        let asked = asked.and_then(|asked| Ok((named(&app, &ctx, &asked)?, asked)));
        let (patient, asked) = accepted(&app, &ctx, act, asked).await?;
        let query = Query {
            patient,
            search: asked.search.clone(),
            after: asked.after.clone(),
            own_only: false,
            traced: query::encode(&asked.search.applied),
        };
        let found = bounded(&app, &ctx, act, lists::find(&app.service, Arc::clone(&ctx), query).await).await?;
        Ok(answer::fhir(StatusCode::OK, found::render(&app, &ctx, KIND, &asked, &found)?))
    })
    .await
}

/// ITI-66 names a patient and the kind of list (document-sharing §7 case 47).
fn named(app: &App, ctx: &Context, asked: &query::Asked) -> Result<Named, Error> {
    let patient =
        query::patient_or_own(app, ctx, &asked.search)?.ok_or_else(|| query::required("patient", "MHD ITI-66"))?;
    if !asked.search.has("code") {
        return Err(query::required("code", "MHD ITI-66"));
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
    serve(&app, signed, Route::ListRead, Act::ReadList, async |ctx| {
        let own_only = !consults(&app, &ctx).await?;
        let asked = Asked { what: Readable::Submission, id: &named.id, version: named.version, own_only };
        let found = read(&app.service, ctx, asked).await?;
        Ok(answer::versioned(&request, outward(&found.body, &app.base), found.version, found.updated_at))
    })
    .await
}

//! `List`: read and vread of a submission set.

use actix_web::{HttpRequest, HttpResponse, web};

use super::bundle::outward;
use crate::http::answer::{self, Refusal};
use crate::http::app::App;
use crate::http::extract::caller::Signed;
use crate::http::serve::{consults, serve};
use crate::model::audit::Act;
use crate::ops::document::read::{Asked, Readable, read};
use crate::rules::gate::Route;

/// FHIR read.
pub(crate) async fn read_by_id(
    app: web::Data<App>,
    signed: Signed,
    request: HttpRequest,
    id: web::Path<String>,
) -> Result<HttpResponse, Refusal> {
    fetch(app, signed, request, id.into_inner(), None).await
}

/// FHIR vread.
pub(crate) async fn vread(
    app: web::Data<App>,
    signed: Signed,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Refusal> {
    let (id, version) = path.into_inner();
    // A version that is no number names nothing: version 0 never exists.
    fetch(app, signed, request, id, Some(version.parse().unwrap_or_default())).await
}

async fn fetch(
    app: web::Data<App>,
    signed: Signed,
    request: HttpRequest,
    id: String,
    version: Option<i32>,
) -> Result<HttpResponse, Refusal> {
    serve(&app, signed, Route::ListRead, Act::ReadList, async |ctx| {
        let own_only = !consults(&app, &ctx).await?;
        let asked = Asked { what: Readable::Submission, id: &id, version, own_only };
        let found = read(&app.service, ctx, asked).await?;
        Ok(answer::versioned(&request, outward(&found.body, &app.base), found.version, found.updated_at))
    })
    .await
}

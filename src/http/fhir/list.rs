//! `List`: read and vread of a submission set.

use actix_web::{HttpRequest, HttpResponse, web};

use super::bundle::outward;
use crate::http::answer::{self, Refusal};
use crate::http::app::App;
use crate::http::extract::asking::Identified;
use crate::http::extract::caller::Signed;
use crate::http::serve::{consults, serve};
use crate::model::audit::Act;
use crate::ops::document::read::{Asked, Readable, read};
use crate::rules::gate::Route;

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

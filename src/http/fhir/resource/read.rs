//! `GET [base]/Type/[id]` and one of its versions (R4 `http.html#read`, `#vread`).

use actix_web::{HttpRequest, HttpResponse, web};

use super::super::bundle::outward;
use super::Kind;
use crate::http::answer::{self, Refusal};
use crate::http::app::App;
use crate::http::extract::asking::Identified;
use crate::http::extract::caller::Signed;
use crate::http::serve::{Entrance, serve};
use crate::model::audit::Act;
use crate::ops::resource::read::{Asked, read};
use crate::rules::registry::Interaction;

/// FHIR read and vread.
pub(super) async fn fetch(
    app: web::Data<App>,
    signed: Signed,
    request: HttpRequest,
    Kind(kind): Kind,
    named: Identified,
) -> Result<HttpResponse, Refusal> {
    let way = if named.version.is_some() { Interaction::Vread } else { Interaction::Read };
    serve(&app, signed, Entrance::Resource(kind, way), Act::ReadResource, async |ctx| {
        let found = read(&app.service, ctx, Asked { kind, id: &named.id, version: named.version }).await?.resource;
        Ok(answer::versioned(&request, outward(&found.body, &app.base), found.version, found.updated_at))
    })
    .await
}

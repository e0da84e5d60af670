//! `POST [base]/DocumentReference/$generate-metadata`: ITI-106 Generate Metadata (ihe §1.8).
//!
//! The document comes in `Parameters`, as a `Binary`, or as the bytes of the CDA themselves.

use std::sync::Arc;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use crate::access::context::Context;
use crate::error::Error;
use crate::fhir::outcome::{self, Frame};
use crate::http::answer::{self, Refusal};
use crate::http::app::App;
use crate::http::extract::body::Body;
use crate::http::extract::caller::Signed;
use crate::http::extract::media;
use crate::http::serve::{accepted, serve};
use crate::model::audit::Act;
use crate::ops::document::generate::{Generated, Parameters, Passing, describe, traced};
use crate::rules::gate::Route;

/// ITI-106.
pub(crate) async fn generate_metadata(
    app: web::Data<App>,
    signed: Signed,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Refusal> {
    let act = Act::GenerateMetadata;
    serve(&app, signed, Route::GenerateMetadata, act, async |ctx| {
        let received = receive(&app, &ctx, &request, payload).await;
        let generated = accepted(&app, &ctx, act, received).await?;
        traced(&app.service, Arc::clone(&ctx)).await?;
        Ok(answer::fhir(StatusCode::OK, render(&app, &ctx, &generated)))
    })
    .await
}

async fn receive(app: &App, ctx: &Context, request: &HttpRequest, payload: web::Payload) -> Result<Generated, Error> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let server = &app.config.server;
    let mut body = Body::declared(request, payload.into_inner(), server.body_limit_bytes, server.body_idle_ms)?;
    let limit = app.service.limits.document;
    let submitted = if let Some(raw) = content_type.filter(|media| media::is_document_xml(media)) {
        let mut passing = Passing::new(limit);
        while let Some(piece) = body.next().await? {
            passing.take(&piece)?;
        }
        passing.submitted(raw)
    } else {
        let mut parameters = Parameters::begin(media::body_syntax(content_type)?, limit);
        while let Some(piece) = body.next().await? {
            parameters.take(&piece)?;
        }
        parameters.finish()?
    };
    describe(&submitted, &app.service, &app.mode, ctx)
}

/// `Parameters` with the fiche; what the header lacks stands beside it.
fn render(app: &App, ctx: &Context, generated: &Generated) -> String {
    let mut parameters = vec![json!({ "name": "DocumentReference", "resource": generated.fiche })];
    if !generated.warnings.is_empty() {
        let frame = Frame { base: &app.base, language: ctx.language, request: Some(&ctx.request_id) };
        parameters.push(json!({ "name": "outcome", "resource": outcome::render(&generated.warnings, &frame) }));
    }
    json!({ "resourceType": "Parameters", "parameter": parameters }).to_string()
}

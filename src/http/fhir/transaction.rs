//! `POST [base]`: ITI-65 Provide Document Bundle.

use std::sync::Arc;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value, json};

use crate::access::context::Context;
use crate::error::Error;
use crate::fhir::bundle::Shape;
use crate::fhir::outcome::{self, Frame};
use crate::http::answer::{self, Refusal};
use crate::http::app::App;
use crate::http::extract::body::Body;
use crate::http::extract::caller::Signed;
use crate::http::extract::media;
use crate::http::serve::{accepted, serve};
use crate::model::audit::Act;
use crate::ops::document::answer::Provided;
use crate::ops::document::intake::Intake;
use crate::ops::document::provide::provide;
use crate::ops::document::submission::Provision;
use crate::ops::resource::stamp::instant;
use crate::rules::gate::Route;

/// ITI-65.
pub(crate) async fn provide_bundle(
    app: web::Data<App>,
    signed: Signed,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Refusal> {
    let act = Act::ProvideDocumentBundle;
    serve(&app, signed, Route::ProvideDocumentBundle, act, async |ctx| {
        let received = receive(&app, &ctx, &request, payload).await;
        let provision = accepted(&app, &ctx, act, received).await?;
        let provided = provide(&app.service, Arc::clone(&ctx), provision).await?;
        Ok(answer::fhir(StatusCode::OK, render(&app, &ctx, &provided)))
    })
    .await
}

async fn receive(app: &App, ctx: &Context, request: &HttpRequest, payload: web::Payload) -> Result<Provision, Error> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let syntax = media::body_syntax(content_type)?;
    let server = &app.config.server;
    let mut body = Body::declared(request, payload.into_inner(), server.body_limit_bytes, server.body_idle_ms)?;
    let mut intake = Intake::receive(Shape::Bundle, syntax, &app.service, ctx.at);
    while let Some(piece) = body.next().await? {
        intake.take(&piece).await?;
    }
    let received = intake.finish(&app.service).await?;
    Provision::read(&app.service, received, &app.mode, ctx.at).await
}

/// The transaction-response: one entry per entry of the request, in its order (MHD §1.2).
fn render(app: &App, ctx: &Context, provided: &Provided) -> String {
    let frame = Frame { base: &app.base, language: ctx.language, request: Some(&ctx.request_id) };
    let entries = provided.entries.iter().map(|entry| {
        let mut response = Map::new();
        let status = if entry.created { "201" } else { "200" };
        response.insert("status".to_owned(), json!(status));
        response.insert("location".to_owned(), json!(entry.location));
        if let Some(version) = entry.version {
            response.insert("etag".to_owned(), json!(format!("W/\"{version}\"")));
            response.insert("lastModified".to_owned(), json!(instant(entry.at)));
        }
        if !entry.warnings.is_empty() {
            response.insert("outcome".to_owned(), outcome::render(&entry.warnings, &frame));
        }
        json!({ "response": Value::Object(response) })
    });
    let entries: Vec<Value> = entries.collect();
    json!({ "resourceType": "Bundle", "type": "transaction-response", "entry": entries }).to_string()
}

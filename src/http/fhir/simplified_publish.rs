//! `POST [base]/DocumentReference`: ITI-105 Simplified Publish (R4 http.html#create, ihe §1.7).

use std::sync::Arc;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};

use super::bundle::outward;
use crate::access::context::Context;
use crate::error::{Code, Error, Issue};
use crate::fhir::bundle::{BodyLimits, Shape};
use crate::fhir::outcome::{self, Frame};
use crate::http::answer::{self, Refusal};
use crate::http::app::App;
use crate::http::extract::body::Body;
use crate::http::extract::caller::Signed;
use crate::http::extract::media;
use crate::http::extract::prefer::{Return, wanted_return};
use crate::http::serve::{accepted, serve};
use crate::model::audit::Act;
use crate::model::resource::StoredResource;
use crate::ops::document::answer::Provided;
use crate::ops::document::intake::Intake;
use crate::ops::document::provide::provide;
use crate::ops::document::simplified;
use crate::ops::document::submission::Provision;
use crate::rules::gate::Route;

/// ITI-105.
pub(crate) async fn create(
    app: web::Data<App>,
    signed: Signed,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Refusal> {
    let act = Act::SimplifiedPublish;
    serve(&app, signed, Route::SimplifiedPublish, act, async |ctx| {
        let received = receive(&app, &ctx, &request, payload).await;
        let provision = accepted(&app, &ctx, act, received).await?;
        let provided = provide(&app.service, Arc::clone(&ctx), provision).await?;
        created(&app, &ctx, &request, &provided)
    })
    .await
}

async fn receive(app: &App, ctx: &Context, request: &HttpRequest, payload: web::Payload) -> Result<Provision, Error> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let syntax = media::body_syntax(content_type)?;
    let server = &app.config.server;
    let mut body = Body::declared(request, payload.into_inner(), server.body_limit_bytes, server.body_idle_ms)?;
    let mut intake = Intake::receive(Shape::DocumentReference, syntax, &app.service, ctx.at, BodyLimits::default());
    while let Some(piece) = body.next().await? {
        intake.take(&piece).await?;
    }
    let received = intake.finish(&app.service).await?;
    simplified::read(received, &app.service, &app.mode, ctx)
}

/// 201 with what was kept; `Prefer` decides what of it (R4 http.html#return).
fn created(app: &App, ctx: &Context, request: &HttpRequest, provided: &Provided) -> Result<HttpResponse, Error> {
    let kept = provided.fiche.as_ref().ok_or(Code::Internal)?;
    // `Type/id/_history/1`, but that what was there before may have become another version.
    let location = provided.entries.get(1).map(|entry| entry.location.as_str()).ok_or(Code::Internal)?;
    let location = location.split("/_history/").next().unwrap_or_default();
    let body = match wanted_return(request) {
        Return::Minimal => String::new(),
        Return::Representation => outward(&kept.body, &app.base),
        Return::Outcome => {
            let frame = Frame { base: &app.base, language: ctx.language, request: Some(&ctx.request_id) };
            let warnings: Vec<Issue> = provided.entries.iter().flat_map(|entry| entry.warnings.clone()).collect();
            outcome::render(&warnings, &frame).to_string()
        }
    };
    Ok(answer_of(app, location, kept, body))
}

fn answer_of(app: &App, location: &str, kept: &StoredResource, body: String) -> HttpResponse {
    let mut builder = HttpResponse::build(StatusCode::CREATED);
    builder.insert_header((header::CACHE_CONTROL, "no-store"));
    builder.insert_header((header::LOCATION, format!("{}/{location}/_history/{}", app.base, kept.version)));
    builder.insert_header((header::ETAG, format!("W/\"{}\"", kept.version)));
    answer::last_modified(&mut builder, kept.updated_at);
    if body.is_empty() {
        return builder.finish();
    }
    builder.insert_header((header::CONTENT_TYPE, answer::FHIR_JSON));
    builder.body(body)
}

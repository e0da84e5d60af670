//! `POST /dev/psc/token`: the development stand-in for Pro Santé Connect (contract §3). `serve` has
//! no such route and rejects its issuer.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde_json::json;

use super::answer::{self, Refusal};
use super::app::App;
use super::extract::body::{Body, pairs};
use super::extract::caller::Certified;
use crate::error::{Code, Error, Issue};

/// A subject token for the persona named by the form.
pub(crate) async fn token(
    app: web::Data<App>,
    certified: Certified,
    payload: web::Payload,
) -> Result<HttpResponse, Refusal> {
    mint(&app, payload).await.map_err(|error| certified.envelope.refuse(&app, error))
}

async fn mint(app: &App, payload: web::Payload) -> Result<HttpResponse, Error> {
    let form = pairs(&Body::new(payload.into_inner(), 4096, app.config.server.body_idle_ms).whole().await?)?;
    let persona = form.into_iter().find(|(name, _)| name == "persona").map(|(_, persona)| persona);
    let persona = persona.ok_or_else(|| Error::from(Issue::new(Code::Required).detail("persona")))?;
    let dev = app.dev.as_ref().ok_or(Code::NotFound)?;
    let id = dev.people.get(&persona).cloned().ok_or(Code::NotFound)?;
    let exercises = app.service.store.system_read("psc.token", move |tx| tx.find_exercises(&id)).await?;
    let professional = exercises.into_iter().next().map(|exercise| exercise.professional).ok_or(Code::NotFound)?;
    let token = dev.issuer.mint(&professional, app.now(), app.ids.as_ref());
    let token = token.map_err(|fault| Error::from(Code::Internal).because(fault))?;
    Ok(answer::json(StatusCode::OK, &json!({ "access_token": token.expose(), "token_type": "Bearer" })))
}

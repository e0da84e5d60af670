//! `/oauth2/token` and `/oauth2/introspect`: the authorisation server's face (IUA ITI-71, ITI-102).
//!
//! The client is its certificate; what the certificate and a signed assertion name is looked up
//! here, and judged in `token`.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use super::answer::{self, Refusal};
use super::app::App;
use super::extract::body::{Body, pairs};
use super::extract::caller::Certified;
use crate::access::context::Context;
use crate::access::identity::Certificate;
use crate::error::{Code, Error};
use crate::ids::{Digest256, Ins};
use crate::model::caller::CallerClass;
use crate::model::directory::{ClientSoftware, Exercise, Structure};
use crate::ops::{facts, trace};
use crate::rules::gate;
use crate::token::grant::TokenRequest;
use crate::token::issue::{Facts, Identified, IssueError, Issued, Who};
use crate::token::refusal::OAuthCode;
use crate::token::scope::Scope;
use crate::token::{metadata, refusal};

const FORM_LIMIT: u64 = 64 * 1024;

/// What is no form is a request without parameters (RFC 6749 §5.2).
const UNREADABLE: refusal::Refusal = refusal::Refusal::new(OAuthCode::InvalidRequest, "the form cannot be read");

/// Who may ask what a token says.
const NOT_ENROLLED: refusal::Refusal =
    refusal::Refusal::new(OAuthCode::InvalidClient, "this certificate's software is not enrolled");

/// ITI-71.
pub(crate) async fn token(
    app: web::Data<App>,
    certified: Certified,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Refusal> {
    let address = request.peer_addr().map(|address| address.ip());
    issue(&app, &certified, address, payload).await.map_err(|error| certified.envelope.refuse(&app, error))
}

async fn issue(
    app: &App,
    certified: &Certified,
    address: Option<IpAddr>,
    payload: web::Payload,
) -> Result<HttpResponse, Error> {
    let certificate: &Certificate = &certified.certificate;
    let form = match form(app, payload).await {
        Ok(form) => form,
        Err(error) if matches!(error.code(), Code::Structure | Code::Value) => return Ok(refused(app, UNREADABLE)),
        Err(error) => return Err(error),
    };
    let request = match TokenRequest::from_form(&form) {
        Ok(request) => request,
        Err(refusal) => return Ok(refused(app, refusal)),
    };
    let identified = match app.issuer.identify(&request, certificate) {
        Ok(identified) => identified,
        Err(refusal) => return Ok(refused(app, refusal)),
    };
    let looked_up = look_up(app, certificate, &identified, request.person_id.as_ref()).await?;
    let facts = Facts {
        software: looked_up.software.as_ref(),
        structure: looked_up.structure.as_ref(),
        exercises: &looked_up.exercises,
        represents: looked_up.represents,
        first_use: looked_up.first_use,
    };
    let admits =
        |class: CallerClass, profiles: &[String], scope: &Scope| gate::may_grant(class, profiles, &scope.to_string());
    match app.issuer.issue(&request, &identified, certificate, &facts, &admits, app.ids.as_ref()) {
        Ok(issued) => {
            trace(app, certified, address, &issued).await?;
            Ok(answer::json(StatusCode::OK, &issued.body()))
        }
        Err(IssueError::Refused(refusal)) => Ok(refused(app, refusal)),
        Err(fault @ IssueError::Signing(_)) => Err(Error::from(Code::Internal).because(fault)),
    }
}

/// A token leaves its trace on the chain of the structure it speaks for, before it is handed out.
/// What was refused is counted as a security event and touched no record.
async fn trace(app: &App, certified: &Certified, address: Option<IpAddr>, issued: &Issued) -> Result<(), Error> {
    let token = issued.verified().ok_or(Code::Internal)?;
    let context = Context {
        caller: token.caller(Arc::clone(&certified.certificate)),
        purpose: token.purpose,
        reason: token.reason().map(str::to_owned),
        request_id: certified.envelope.request_id.clone(),
        at: app.now(),
        address,
        language: certified.envelope.language,
    };
    // Neither scopes nor grant types hold a character that a query would have to escape but the space.
    let query = format!("grant_type={}&scope={}", issued.grant_type(), issued.claims.scope.replace(' ', "+"));
    trace::granted(&app.service, context, &query).await
}

struct LookedUp {
    software: Option<ClientSoftware>,
    structure: Option<Structure>,
    exercises: Vec<Exercise>,
    /// Whether the person connected acts for the one whose record is asked for.
    represents: bool,
    first_use: bool,
}

async fn look_up(
    app: &App,
    certificate: &Certificate,
    identified: &Identified,
    served: Option<&Ins>,
) -> Result<LookedUp, Error> {
    let subject = certificate.subject.clone();
    let fingerprint = format!("{:?}", Digest256(certificate.fingerprint));
    let structure = identified.structure.clone();
    let professional = match &identified.who {
        Who::Professional { id, .. } => Some(id.clone()),
        Who::Structure | Who::Patient(_) => None,
    };
    let acting = match (&identified.who, served) {
        (Who::Patient(connected), Some(served)) if connected != served => Some((connected.clone(), served.clone())),
        _ => None,
    };
    let at = app.now();
    let read = app.service.store.system_read("token.facts", move |tx| {
        Ok(LookedUp {
            software: tx.find_client_by_certificate(&subject, &fingerprint)?,
            structure: tx.find_structure(&structure)?,
            exercises: match &professional {
                Some(id) => tx.find_exercises(id)?,
                None => Vec::new(),
            },
            represents: match &acting {
                Some((connected, served)) => facts::represents(tx, connected, served, at)?,
                None => false,
            },
            first_use: true,
        })
    });
    let mut looked_up = read.await?;
    if let Some(once) = &identified.once {
        let (structure, jti, until) = (identified.structure.clone(), format!("{:?}", once.key), once.until);
        let used = app.service.store.system("token.assertion", move |tx| tx.use_assertion(&structure, &jti, until));
        looked_up.first_use = used.await?;
    }
    Ok(looked_up)
}

fn refused(app: &App, refusal: refusal::Refusal) -> HttpResponse {
    app.metrics.security_event("token-request-refused");
    let status =
        if refusal.code == OAuthCode::InvalidClient { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
    let mut response = answer::json(status, &refusal.body());
    if status == StatusCode::UNAUTHORIZED {
        // RFC 9110 §15.5.2: no 401 without a challenge.
        let challenge = HeaderValue::from_static("Bearer realm=\"espace\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

/// ITI-102 (RFC 7662).
pub(crate) async fn introspect(
    app: web::Data<App>,
    certified: Certified,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Refusal> {
    let Certified { certificate, envelope } = certified;
    let bearer = request.headers().get(header::AUTHORIZATION).cloned();
    let answered = tell(&app, &certificate, bearer.as_ref(), payload).await;
    answered.map_err(|error| envelope.refuse(&app, error))
}

/// Told to enrolled software alone: it is its certificate, and where it presents a token of its own
/// that token must be good too.
async fn tell(
    app: &App,
    certificate: &Certificate,
    bearer: Option<&HeaderValue>,
    payload: web::Payload,
) -> Result<HttpResponse, Error> {
    let form = form(app, payload).await?;
    if let Some(bearer) = bearer {
        let own = bearer.to_str().ok().and_then(|value| value.strip_prefix("Bearer ")).map(str::trim);
        let verified = own.and_then(|own| app.verifier.verify(own, certificate).ok());
        verified.ok_or_else(|| {
            app.metrics.security_event("token-refused");
            Error::from(Code::Login)
        })?;
    }
    let token = form.iter().find(|(name, _)| name == "token").map(|(_, token)| token.as_str());
    let verified = token.and_then(|token| app.verifier.verify_unbound(token).ok());
    let subject = certificate.subject.clone();
    let fingerprint = format!("{:?}", Digest256(certificate.fingerprint));
    let named = verified.as_ref().map(|token| token.claims.client_id.clone());
    let looked_up = app.service.store.system_read("token.introspect", move |tx| {
        let asks = tx.find_client_by_certificate(&subject, &fingerprint)?;
        let is_live = named.as_ref().map_or(Ok(false), |id| tx.fact_is_enrolled(id))?;
        Ok((asks.is_some_and(|software| software.suspended_at.is_none()), is_live))
    });
    let (may_ask, is_live) = looked_up.await?;
    if !may_ask {
        return Ok(refused(app, NOT_ENROLLED));
    }
    let verified = verified.filter(|_| is_live);
    Ok(answer::json(StatusCode::OK, &metadata::introspection(verified.as_deref())))
}

async fn form(app: &App, payload: web::Payload) -> Result<Vec<(String, String)>, Error> {
    pairs(&Body::new(payload.into_inner(), FORM_LIMIT, app.config.server.body_idle_ms).whole().await?)
}

//! `/oauth2/token` and `/oauth2/introspect`: the authorisation server's face (IUA ITI-71, ITI-102).
//!
//! The client is its certificate; what the certificate and a signed assertion name is looked up
//! here, and judged in `token`.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, web};

use super::answer::{self, Refusal};
use super::app::App;
use super::extract::body::{Body, pairs};
use super::extract::caller::Certified;
use crate::access::identity::Certificate;
use crate::error::{Code, Error};
use crate::ids::{Digest256, Ins};
use crate::model::caller::CallerClass;
use crate::model::directory::{ClientSoftware, Exercise, Structure};
use crate::ops::facts;
use crate::rules::gate;
use crate::token::grant::TokenRequest;
use crate::token::issue::{Facts, Identified, IssueError, Who};
use crate::token::refusal::OAuthCode;
use crate::token::scope::Scope;
use crate::token::{metadata, refusal};

const FORM_LIMIT: u64 = 64 * 1024;

/// What is no form is a request without parameters (RFC 6749 §5.2).
const UNREADABLE: refusal::Refusal = refusal::Refusal::new(OAuthCode::InvalidRequest, "the form cannot be read");

/// ITI-71.
pub(crate) async fn token(
    app: web::Data<App>,
    certified: Certified,
    payload: web::Payload,
) -> Result<HttpResponse, Refusal> {
    let Certified { certificate, envelope } = certified;
    issue(&app, &certificate, payload).await.map_err(|error| envelope.refuse(&app, error))
}

async fn issue(app: &App, certificate: &Certificate, payload: web::Payload) -> Result<HttpResponse, Error> {
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
        Ok(issued) => Ok(answer::json(StatusCode::OK, &issued.body())),
        Err(IssueError::Refused(refusal)) => Ok(refused(app, refusal)),
        Err(fault @ IssueError::Signing(_)) => Err(Error::from(Code::Internal).because(fault)),
    }
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
    payload: web::Payload,
) -> Result<HttpResponse, Refusal> {
    let form = form(&app, payload).await.map_err(|error| certified.envelope.refuse(&app, error))?;
    let token = form.iter().find(|(name, _)| name == "token").map(|(_, token)| token.as_str());
    let verified = token.and_then(|token| app.verifier.verify_unbound(token).ok());
    Ok(answer::json(StatusCode::OK, &metadata::introspection(verified.as_deref())))
}

async fn form(app: &App, payload: web::Payload) -> Result<Vec<(String, String)>, Error> {
    pairs(&Body::new(payload.into_inner(), FORM_LIMIT, app.config.server.body_idle_ms).whole().await?)
}

//! Who calls: the certificate of the connection and the token of the request, held against each
//! other (RFC 8705, IUA ITI-72). A route without this in its handler's arguments is public.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};

use crate::access::context::Context;
use crate::access::identity::Certificate;
use crate::error::{Code, Error};
use crate::http::answer::Refusal;
use crate::http::app::App;
use crate::http::layer::request::Envelope;
use crate::http::tls::Peer;

/// The caller of a request that needs a certificate and a token.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    /// The context of the request.
    pub(crate) context: Arc<Context>,
    /// Its envelope.
    pub(crate) envelope: Envelope,
}

/// The caller of a request that needs a structure's certificate alone.
#[derive(Debug, Clone)]
pub(crate) struct Certified {
    /// The live certificate.
    pub(crate) certificate: Arc<Certificate>,
    /// Its envelope.
    pub(crate) envelope: Envelope,
}

impl FromRequest for Certified {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(certified(request))
    }
}

impl FromRequest for Signed {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(signed(request))
    }
}

/// The application state; its absence is a defect of ours.
pub(crate) fn app(request: &HttpRequest) -> Option<&web::Data<App>> {
    request.app_data::<web::Data<App>>()
}

fn certified(request: &HttpRequest) -> Result<Certified, Refusal> {
    if let Some(signed) = request.extensions().get::<Signed>() {
        let certificate = Arc::clone(&signed.context.caller.certificate);
        return Ok(Certified { certificate, envelope: signed.envelope.clone() });
    }
    let envelope = Envelope::from(request);
    let Some(app) = app(request) else {
        let error = Error::from(Code::Internal);
        return Err(Refusal::new(error, Arc::from(""), envelope.request_id, envelope.language));
    };
    let refuse = |code: Code, reason: &'static str| {
        app.metrics.security_event(reason);
        envelope.refuse(app, code.into())
    };
    // Connections made before a revocation are not cut by rustls: each request is judged anew.
    let peer = request.conn_data::<Arc<Peer>>().ok_or_else(|| refuse(Code::Login, "no-certificate"))?;
    if !app.tls.still_trusted(peer) {
        return Err(refuse(Code::Login, "certificate-revoked"));
    }
    let certificate = Arc::clone(peer.certificate());
    if certificate.structure.is_none() {
        return Err(refuse(Code::ClientUnknown, "certificate-without-structure"));
    }
    Ok(Certified { certificate, envelope })
}

fn signed(request: &HttpRequest) -> Result<Signed, Refusal> {
    // An entry of a batch comes from who sent the batch (`fhir::system::batch`): nobody else puts this here.
    if let Some(signed) = request.extensions().get::<Signed>() {
        return Ok(signed.clone());
    }
    let Certified { certificate, envelope } = certified(request)?;
    let Some(app) = app(request) else {
        let error = Error::from(Code::Internal);
        return Err(Refusal::new(error, Arc::from(""), envelope.request_id, envelope.language));
    };
    let authorization = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = authorization.and_then(|value| value.strip_prefix("Bearer ")).map(str::trim);
    let Some(token) = token else {
        app.metrics.security_event("token-missing");
        return Err(envelope.refuse(app, Code::Login.into()));
    };
    let verified = app.verifier.verify(token, &certificate).map_err(|error| {
        app.metrics.security_event("token-refused");
        envelope.refuse(app, Error::from(Code::Login).because(error))
    })?;
    let context = Context {
        caller: verified.caller(certificate),
        purpose: verified.purpose,
        reason: verified.reason().map(str::to_owned),
        request_id: envelope.request_id.clone(),
        at: app.now(),
        address: request.peer_addr().map(|address| address.ip()),
        language: envelope.language,
    };
    Ok(Signed { context: Arc::new(context), envelope })
}

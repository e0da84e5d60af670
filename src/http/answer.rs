//! From a value or an error to an HTTP answer: the one place where statuses and headers are set.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError};
use bytes::Bytes;

use crate::error::{Code, Error, Language, LogLevel};
use crate::fhir::outcome::{self, Frame};
use crate::http::extract::prefer::Return;
use crate::ids::RequestId;

/// The media type of every FHIR answer as handlers write it; `layer::present` makes others of it.
pub(crate) const FHIR_JSON: &str = "application/fhir+json; charset=utf-8";

/// A refusal on its way out: the error and what its rendering needs.
#[derive(Debug)]
pub(crate) struct Refusal {
    error: Error,
    base: std::sync::Arc<str>,
    request_id: RequestId,
    language: Language,
    /// What `Allow` says of a 405.
    allowed: String,
}

impl Refusal {
    /// A refusal in the language of the request.
    pub(crate) fn new(error: Error, base: std::sync::Arc<str>, request_id: RequestId, language: Language) -> Self {
        Self { error, base, request_id, language, allowed: String::new() }
    }

    /// The methods that the route has (RFC 9110 §15.5.6).
    pub(crate) fn allowing(self, allowed: String) -> Self {
        Self { allowed, ..self }
    }

    /// The code that decides the status.
    pub(crate) fn code(&self) -> Code {
        self.error.code()
    }

    fn log(&self) {
        let code = self.error.code().row();
        let cause = std::error::Error::source(&self.error).map(ToString::to_string).unwrap_or_default();
        let request_id = self.request_id.as_str();
        match code.log {
            LogLevel::Error => tracing::error!(request_id, code = code.name, cause, "refused"),
            LogLevel::Warn => tracing::warn!(request_id, code = code.name, cause, "refused"),
            LogLevel::Info => tracing::debug!(request_id, code = code.name, cause, "refused"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.error.code().row().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        self.log();
        let code = self.error.code();
        let mut builder = HttpResponse::build(self.status_code());
        builder.insert_header((header::CONTENT_TYPE, FHIR_JSON));
        builder.insert_header((header::CACHE_CONTROL, "no-store"));
        match code {
            Code::Login => {
                builder.insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"espace\", error=\"invalid_token\""));
            }
            Code::TooManyRequests => {
                builder.insert_header((header::RETRY_AFTER, "60"));
            }
            Code::Busy => {
                builder.insert_header((header::RETRY_AFTER, "1"));
            }
            Code::MethodNotAllowed | Code::ElementNotModifiable => {
                builder.insert_header((header::ALLOW, self.allowed.as_str()));
            }
            _ => {}
        }
        let frame = Frame { base: &self.base, language: self.language, request: Some(&self.request_id) };
        builder.body(outcome::bytes(self.error.issues(), &frame))
    }
}

/// A FHIR body.
pub(crate) fn fhir(status: StatusCode, body: impl Into<Bytes>) -> HttpResponse {
    let mut builder = HttpResponse::build(status);
    builder.insert_header((header::CONTENT_TYPE, HeaderValue::from_static(FHIR_JSON)));
    builder.insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")));
    builder.body(body.into())
}

/// A FHIR body that is one version of a resource: `ETag` and `Last-Modified`; 304 without it where
/// the client says that it holds this version (`If-None-Match`, R4 http.html#cread).
pub(crate) fn versioned(
    request: &HttpRequest,
    body: impl Into<Bytes>,
    version: i32,
    updated_at: jiff::Timestamp,
) -> HttpResponse {
    let is_held = holds(request, version) || is_unmodified(request, updated_at);
    let mut builder = HttpResponse::build(if is_held { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
    builder.insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")));
    builder.insert_header((header::ETAG, format!("W/\"{version}\"")));
    last_modified(&mut builder, updated_at);
    if is_held {
        return builder.finish();
    }
    builder.insert_header((header::CONTENT_TYPE, HeaderValue::from_static(FHIR_JSON)));
    builder.body(body.into())
}

/// What a changed resource is answered with, as the client prefers (`Prefer: return=`, R4 http.html#ops):
/// the resource unless it asks for nothing or for an outcome.
pub(crate) fn changed(
    wanted: Return,
    body: impl FnOnce() -> String,
    outcome: impl FnOnce() -> Vec<u8>,
    version: i32,
    updated_at: jiff::Timestamp,
) -> HttpResponse {
    let mut builder = HttpResponse::build(StatusCode::OK);
    builder.insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")));
    builder.insert_header((header::ETAG, format!("W/\"{version}\"")));
    last_modified(&mut builder, updated_at);
    let body = match wanted {
        Return::Minimal => return builder.finish(),
        Return::Outcome => outcome(),
        Return::Representation => body().into_bytes(),
    };
    builder.insert_header((header::CONTENT_TYPE, HeaderValue::from_static(FHIR_JSON)));
    builder.body(body)
}

/// Whether `If-None-Match` names a version, compared weakly (RFC 9110 §13.1.2).
pub(crate) fn holds(request: &HttpRequest, version: i32) -> bool {
    let version = version.to_string();
    let tags = request.headers().get_all(header::IF_NONE_MATCH).filter_map(|tags| tags.to_str().ok());
    let mut tags = tags.flat_map(|tags| tags.split(',')).map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"') == version)
}

/// Whether nothing changed since the instant of `If-Modified-Since`, which counts where no version is
/// named (RFC 9110 §13.1.3).
fn is_unmodified(request: &HttpRequest, at: jiff::Timestamp) -> bool {
    if request.headers().contains_key(header::IF_NONE_MATCH) {
        return false;
    }
    let since = request.headers().get(header::IF_MODIFIED_SINCE).and_then(|since| since.to_str().ok());
    let since = since.and_then(|since| since.parse::<header::HttpDate>().ok());
    since.is_some_and(|since| modified(at) <= std::time::SystemTime::from(since))
}

/// An instant as HTTP writes it, in whole seconds.
fn modified(at: jiff::Timestamp) -> std::time::SystemTime {
    let seconds = u64::try_from(at.as_second()).unwrap_or_default();
    std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds)
}

/// Sets `Last-Modified` (RFC 9110 §8.8.2), in whole seconds.
pub(crate) fn last_modified(builder: &mut HttpResponseBuilder, at: jiff::Timestamp) {
    builder.insert_header(header::LastModified(modified(at).into()));
}

/// A JSON body that is not FHIR (tokens, keys, metadata of the authorisation server).
pub(crate) fn json(status: StatusCode, body: &serde_json::Value) -> HttpResponse {
    let mut builder = HttpResponse::build(status);
    builder.insert_header((header::CONTENT_TYPE, HeaderValue::from_static("application/json")));
    builder.insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")));
    builder.insert_header((header::PRAGMA, HeaderValue::from_static("no-cache")));
    builder.body(body.to_string())
}

/// The header that ties answer, trace and log together.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

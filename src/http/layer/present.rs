//! The form of an answer: handlers write FHIR JSON on one line; who asks for another syntax, another layout
//! or a part of it gets it made here, whatever answered (R4 http.html §2.21.0.6, search.html §3.1.1.5.8).
//!
//! An answer that is asked for as it is goes through untouched, be it a stream.

use actix_web::body::{BodySize, BoxBody, EitherBody, MessageBody, to_bytes_limited};
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, ResponseError as _};
use bytes::Bytes;
use serde_json::Value;

use super::request::Envelope;
use crate::error::{Code, Error, Issue};
use crate::fhir::codec::xml::{self, Layout};
use crate::fhir::codec::{Syntax, json};
use crate::fhir::search::{Part, Summary};
use crate::http::answer::FHIR_JSON;
use crate::http::extract::accept::Presentation;
use crate::http::extract::caller::app;

/// Largest answer that is made into another form: a searchset of large resources, not a document.
pub(crate) const LARGEST: usize = 16 * 1024 * 1024;

/// Gives an answer the form that the request asks for.
pub(crate) async fn present<B: MessageBody + 'static>(
    response: ServiceResponse<EitherBody<B>>,
) -> ServiceResponse<EitherBody<B>> {
    let content_type = response.headers().get(header::CONTENT_TYPE);
    if content_type.is_none_or(|content_type| content_type.as_bytes() != FHIR_JSON.as_bytes()) {
        return response;
    }
    let asked = asked(response.request(), response.status());
    if asked.is_plain() {
        return response;
    }
    let asks_work = asked.media.syntax() == Syntax::Xml || asked.is_pretty || !asked.part.is_whole();
    let is_too_large = matches!(response.response().body().size(), BodySize::Sized(size)
        if usize::try_from(size).is_ok_and(|size| size > LARGEST));
    if !asks_work || is_too_large && asked.media.syntax() == Syntax::Json {
        let mut response = response;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(asked.media.content_type()));
        return response;
    }
    let (request, response) = response.into_parts();
    let (mut response, body) = response.into_parts();
    let whole = if is_too_large { None } else { to_bytes_limited(body, LARGEST).await.ok() };
    let made = match whole {
        Some(Ok(bytes)) => made(&bytes, &asked),
        Some(Err(_broken)) => Err(Code::Internal.into()),
        None => Err(Issue::new(Code::NotAcceptable).rule("R4 http#mime-type").detail(format!("> {LARGEST}")).into()),
    };
    let body = match made {
        Ok(body) => body,
        Err(error) => {
            let (refused, body) = refused(&request, error, &asked).await;
            response = refused;
            body
        }
    };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(asked.media.content_type()));
    response.headers_mut().remove(header::CONTENT_LENGTH);
    let response = response.set_body(EitherBody::right(BoxBody::new(body)));
    ServiceResponse::new(request, response)
}

/// What the request asks for: as the handler settled it, else as the request says. Parts are of what is read:
/// a refusal and the answer to a write are whole.
fn asked(request: &HttpRequest, status: StatusCode) -> Presentation {
    let settled = request.extensions().get::<Presentation>().cloned();
    let mut asked = settled.unwrap_or_else(|| Envelope::from(request).presentation);
    let reads = matches!(*request.method(), Method::GET | Method::HEAD) || request.path().ends_with("/_search");
    if !status.is_success() || !reads {
        asked.part = Part::WHOLE;
    }
    asked
}

fn made(json: &[u8], asked: &Presentation) -> Result<Bytes, Error> {
    let resource = json::parse(json).map_err(|error| Error::from(Code::NotAcceptable).because(error))?;
    let resource = if asked.part.is_whole() { resource } else { part(resource, &asked.part) };
    let text = match (asked.media.syntax(), asked.is_pretty) {
        (Syntax::Xml, true) => xml::write(&resource, Layout::Indented)?,
        (Syntax::Xml, false) => xml::write(&resource, Layout::Dense)?,
        (Syntax::Json, true) => format!("{resource:#}\n"),
        (Syntax::Json, false) => resource.to_string(),
    };
    Ok(Bytes::from(text))
}

/// The part of a resource, or of each in a bundle: what was found, not what was included nor what is said of it.
fn part(mut resource: Value, part: &Part) -> Value {
    if resource.get("resourceType").and_then(Value::as_str) != Some("Bundle") {
        return part.of(resource);
    }
    if part.summary == Summary::Count {
        if let Some(members) = resource.as_object_mut() {
            members.shift_remove("entry");
        }
        return resource;
    }
    for entry in resource.get_mut("entry").and_then(Value::as_array_mut).into_iter().flatten() {
        let mode = entry.pointer("/search/mode").and_then(Value::as_str);
        if mode.is_none_or(|mode| mode == "match")
            && let Some(found) = entry.get_mut("resource")
        {
            *found = part.of(found.take());
        }
    }
    resource
}

/// The answer that says why another cannot be given, in the form asked for.
async fn refused(request: &HttpRequest, error: Error, asked: &Presentation) -> (HttpResponse<()>, Bytes) {
    let envelope = Envelope::from(request);
    let Some(app) = app(request) else {
        return (HttpResponse::new(StatusCode::INTERNAL_SERVER_ERROR).drop_body(), Bytes::new());
    };
    let (response, body) = envelope.refuse(app, error).error_response().into_parts();
    let json = to_bytes_limited(body, LARGEST).await.ok().and_then(Result::ok).unwrap_or_default();
    let whole = Presentation { part: Part::WHOLE, ..asked.clone() };
    let body = made(&json, &whole).unwrap_or_default();
    (response, body)
}

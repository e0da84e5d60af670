//! A batch: every entry answered by the routes that serve it alone, so that gate, decision, trace and
//! answer are the same (R4 `http.html#transaction`).

use std::collections::HashSet;

use actix_web::body::to_bytes_limited;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method as Verb, Uri};
use actix_web::test::TestRequest;
use actix_web::{HttpMessage as _, web};
use base64_simd::STANDARD;
use serde_json::Value;

use super::{Response, Responses, Return, told};
use crate::error::{Code, Error, Issue};
use crate::fhir::bundle::request::{Method, Request, place};
use crate::fhir::bundle::rewrite::{self, Place};
use crate::fhir::datatype::DateTime;
use crate::http::app::App;
use crate::http::extract::caller::Signed;
use crate::http::layer::again::Routes;
use crate::model::audit::Act;
use crate::ops::resource::stamp::instant;
use crate::ops::trace;

/// Most bytes that the answers of one batch may hold; what would exceed them is not asked any more.
const ANSWERS: usize = 32 * 1024 * 1024;

/// Answers every entry, one after the other, in their order.
pub(super) async fn answer(
    app: &web::Data<App>,
    caller: &Signed,
    routes: &Routes,
    requests: Vec<Request>,
    prefer: Return,
) -> Result<String, Error> {
    let urns: HashSet<String> =
        requests.iter().filter_map(|request| request.full_url.clone()).filter(|url| url.starts_with("urn:")).collect();
    let mut responses = Responses::begin("batch-response", requests.len() * 256 + 64);
    for mut request in requests {
        let room = ANSWERS.saturating_sub(responses.json.len());
        let asked = if room == 0 { Err(too_large(&request)) } else { ask(app, caller, &mut request, &urns, prefer) };
        match asked {
            Ok(asked) => {
                let answered = routes.answer(asked).await;
                let answered = answered.map_err(|_broken| Error::from(Code::Internal))?;
                respond(app, &mut responses, &request, answered, room, caller).await;
            }
            Err(error) => {
                trace::failed(&app.service, &caller.context, Act::Transaction, &error).await?;
                refuse(app, caller, &mut responses, &error);
            }
        }
    }
    Ok(responses.finish())
}

fn too_large(request: &Request) -> Error {
    Issue::new(Code::TooLarge).at(place(request.number)).rule("batch limits").into()
}

fn refuse(app: &App, caller: &Signed, responses: &mut Responses, error: &Error) {
    let outcome = told(app, &caller.context, error.issues());
    let status = error.code().row().status.to_string();
    responses.add(&Response { status: &status, outcome: Some(&outcome), ..Response::default() });
}

/// The request that an entry stands for, with its caller.
fn ask(
    app: &web::Data<App>,
    caller: &Signed,
    request: &mut Request,
    urns: &HashSet<String>,
    prefer: Return,
) -> Result<ServiceRequest, Error> {
    let local = request.local(&app.base)?.to_owned();
    let uri: Uri = format!("/fhir/{local}").parse().map_err(|cause| {
        Error::from(Issue::new(Code::Value).at(request.place("url")).rule("R4 http#transaction")).because(cause)
    })?;
    let (media, body) = content(request, &local, urns)?;
    let mut asked = TestRequest::default().method(verb(request.method)).uri(&uri.to_string()).app_data(app.clone());
    let plain = [
        (header::ACCEPT, Some("application/fhir+json".to_owned())),
        (HeaderName::from_static("prefer"), Some(prefer.header().to_owned())),
        (header::CONTENT_TYPE, media),
        (header::IF_MATCH, request.if_match.clone()),
        (header::IF_NONE_MATCH, request.if_none_match.clone()),
        (header::IF_MODIFIED_SINCE, request.if_modified_since.as_deref().and_then(http_date)),
        (HeaderName::from_static("if-none-exist"), request.if_none_exist.clone()),
    ];
    for (name, value) in plain {
        let Some(value) = value else { continue };
        let value = HeaderValue::from_str(&value).map_err(|cause| {
            let issue = Issue::new(Code::Value).at(place(request.number).child("request")).rule("R4 http#transaction");
            Error::from(issue).because(cause)
        })?;
        asked = asked.insert_header((name, value));
    }
    let asked = asked.set_payload(body).to_srv_request();
    asked.extensions_mut().insert(caller.envelope.clone());
    asked.extensions_mut().insert(caller.clone());
    Ok(asked)
}

/// What is sent with it: the resource; of a patch in a Binary, the patch.
fn content(request: &mut Request, local: &str, urns: &HashSet<String>) -> Result<(Option<String>, Vec<u8>), Error> {
    let Some(mut resource) = request.resource.take() else {
        let is_search =
            request.method == Method::Post && local.split('?').next().is_some_and(|path| path.ends_with("_search"));
        return Ok((is_search.then(|| "application/x-www-form-urlencoded".to_owned()), Vec::new()));
    };
    if refers_to(&mut resource, urns) {
        let path = place(request.number).child("resource");
        return Err(Issue::new(Code::ReferenceTarget).at(path).rule("R4 http#brules").into());
    }
    let text = |name: &str| resource.get(name).and_then(Value::as_str);
    if request.method == Method::Patch && text("resourceType") == Some("Binary") {
        let bytes = STANDARD.decode_to_vec(text("data").unwrap_or_default());
        let bytes = bytes.map_err(|_not_base64| {
            let path = place(request.number).child("resource").child("data");
            Error::from(Issue::new(Code::Datatype).at(path).rule("R4 base64Binary"))
        })?;
        return Ok((text("contentType").map(str::to_owned), bytes));
    }
    Ok((Some("application/fhir+json".to_owned()), resource.to_string().into_bytes()))
}

/// Whether a resource names another entry: in a batch they do not know each other.
fn refers_to(resource: &mut Value, urns: &HashSet<String>) -> bool {
    let mut refers = false;
    if !urns.is_empty() {
        rewrite::rename(resource, &mut |place, name| {
            refers |= place == Place::Reference && urns.contains(name);
            None
        });
    }
    refers
}

const fn verb(method: Method) -> Verb {
    match method {
        Method::Delete => Verb::DELETE,
        Method::Post => Verb::POST,
        Method::Put => Verb::PUT,
        Method::Patch => Verb::PATCH,
        Method::Get => Verb::GET,
        Method::Head => Verb::HEAD,
    }
}

/// An instant as HTTP writes it.
fn http_date(text: &str) -> Option<String> {
    let at = DateTime::parse_instant(text)?.interval()?.start;
    let since = std::time::Duration::from_secs(u64::try_from(at.as_second()).ok()?);
    Some(header::HttpDate::from(std::time::UNIX_EPOCH + since).to_string())
}

/// Writes what an entry was answered.
async fn respond(
    app: &App,
    responses: &mut Responses,
    request: &Request,
    answered: ServiceResponse,
    room: usize,
    caller: &Signed,
) {
    let status = answered.status();
    let text = |name: HeaderName| answered.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (location, etag) = (text(header::LOCATION), text(header::ETAG));
    let modified = text(header::LAST_MODIFIED).and_then(|text| text.parse::<header::HttpDate>().ok());
    let modified = modified.and_then(|date| jiff::Timestamp::try_from(std::time::SystemTime::from(date)).ok());
    let below = format!("{}/", app.base);
    let location = location.map(|location| location.strip_prefix(&below).map_or(location.clone(), str::to_owned));
    let body = match to_bytes_limited(answered.into_body(), room).await {
        Ok(Ok(body)) => String::from_utf8(body.to_vec()).ok(),
        Ok(Err(_broken)) => None,
        Err(_exceeded) => return refuse(app, caller, responses, &too_large(request)),
    };
    let body = body.as_deref().filter(|body| body.starts_with('{'));
    let is_outcome = |body: &&str| body.starts_with(r#"{"resourceType":"OperationOutcome""#);
    let (outcome, resource) = (body.filter(is_outcome), body.filter(|body| !is_outcome(body)));
    let own = location.as_deref().and_then(|location| location.split("/_history/").next());
    let full_url = own.filter(|_| resource.is_some()).map(|own| format!("{below}{own}"));
    responses.add(&Response {
        full_url: full_url.as_deref(),
        resource: resource.filter(|_| request.method != Method::Head),
        status: status.as_str(),
        location: location.as_deref(),
        etag: etag.as_deref(),
        last_modified: modified.map(instant),
        outcome,
    });
}

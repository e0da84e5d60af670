//! `POST [base]`: ITI-65 where the profile of the bundle says so, else a batch or a transaction (R4
//! `http.html#transaction`; contract §7).

mod batch;
mod entry;
pub(crate) mod search;
mod transaction;

use std::collections::BTreeMap;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use base64_simd::STANDARD;
use serde_json::Value;

use super::transaction::provided;
use crate::access::context::Context;
use crate::error::{Code, Error, Issue};
use crate::fhir::bundle::request::{Together, place, requests};
use crate::fhir::bundle::{BodyLimits, Shape, marked_item};
use crate::fhir::codec::{self, Syntax, json};
use crate::fhir::outcome::{self, Frame};
use crate::http::answer::{self, Refusal};
use crate::http::app::App;
use crate::http::extract::body::Body;
use crate::http::extract::caller::Signed;
use crate::http::extract::media;
use crate::http::extract::prefer::{Return, stated_return};
use crate::http::layer::again::Routes;
use crate::http::serve::{Entrance, accepted, opens, pass, serve};
use crate::model::audit::Act;
use crate::ops::document::intake::{Intake, Received};
use crate::ops::document::submission;
use crate::rules::gate::Route;
use crate::store::blob::Staged;

/// A bundle of requests. Who may provide documents is received as such, whatever the bundle turns out
/// to be; who may not sends no more than a resource may weigh.
pub(crate) async fn post(
    app: web::Data<App>,
    signed: Signed,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Refusal> {
    let feeds = opens(&app, &signed.context, Route::ProvideDocumentBundle).await;
    let feeds = feeds.map_err(|error| signed.envelope.refuse(&app, error))?;
    let (entrance, act) = if feeds {
        (Entrance::Route(Route::ProvideDocumentBundle), Act::ProvideDocumentBundle)
    } else {
        (Entrance::Bundle, Act::Transaction)
    };
    let caller = signed.clone();
    serve(&app, signed, entrance, act, async |ctx| {
        let received = receive(&app, &ctx, &request, payload, feeds).await;
        let received = received.and_then(|received| Ok((json::parse(&received.json)?, received)));
        let (bundle, received) = accepted(&app, &ctx, act, received).await?;
        if submission::claims(&bundle) {
            // Who may not feed is refused by the gate of ITI-65, as if he had said so at once.
            pass(&app, &caller, Route::ProvideDocumentBundle.into(), Act::ProvideDocumentBundle).await?;
            return provided(&app, &ctx, bundle, received.documents).await;
        }
        let bundle = whole(bundle, received.documents);
        let read = bundle.and_then(|bundle| requests(bundle, app.config.rest.bundle_entries));
        let (together, requests) = accepted(&app, &ctx, act, read).await?;
        let prefer = stated_return(&request).unwrap_or(Return::Minimal);
        let body = match together {
            Together::Batch => {
                let routes = Routes::of(&request).ok_or(Code::Internal)?;
                batch::answer(&app, &caller, &routes, requests, prefer).await?
            }
            Together::Transaction => transaction::answer(&app, &caller, &ctx, requests, prefer).await?,
        };
        Ok(answer::fhir(StatusCode::OK, body))
    })
    .await
}

/// The body: its documents cut out on the way, where they may come.
async fn receive(
    app: &App,
    ctx: &Context,
    request: &HttpRequest,
    payload: web::Payload,
    feeds: bool,
) -> Result<Received, Error> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let syntax = media::body_syntax(content_type)?;
    let (server, rest) = (&app.config.server, &app.config.rest);
    if !feeds {
        let limit = u64::try_from(rest.bundle_bytes).unwrap_or(u64::MAX);
        let body = Body::declared(request, payload.into_inner(), limit, server.body_idle_ms)?;
        let body = body.whole().await?;
        let json = match syntax {
            Syntax::Json => body.to_vec(),
            Syntax::Xml => codec::read(syntax, &body)?.to_string().into_bytes(),
        };
        return Ok(Received { json, documents: BTreeMap::new() });
    }
    let mut body = Body::declared(request, payload.into_inner(), server.body_limit_bytes, server.body_idle_ms)?;
    let limits = BodyLimits { rest: rest.bundle_bytes, items: rest.bundle_entries, ..BodyLimits::default() };
    let mut intake = Intake::receive(Shape::Bundle, syntax, &app.service, ctx.at, limits);
    while let Some(piece) = body.next().await? {
        intake.take(&piece).await?;
    }
    intake.finish(&app.service).await
}

/// The bundle with the `data` that were cut out of it put back: patches, which are small. What is larger
/// is a document, and has no place here.
fn whole(mut bundle: Value, documents: BTreeMap<usize, Staged>) -> Result<Value, Error> {
    for (number, staged) in documents {
        let method = bundle.pointer(&format!("/entry/{number}/request/method")).and_then(Value::as_str);
        if method != Some("PATCH") {
            continue;
        }
        let data = bundle.pointer_mut(&format!("/entry/{number}/resource/data"));
        let Some(data) = data.filter(|data| data.as_str().and_then(marked_item) == Some(number)) else { continue };
        if !staged.is_captured_whole() {
            let path = place(number).child("resource").child("data");
            return Err(Issue::new(Code::TooLarge).at(path).rule("patch limits").into());
        }
        *data = Value::String(STANDARD.encode_to_string(staged.capture()));
    }
    Ok(bundle)
}

/// A response bundle being written, entry by entry.
struct Responses {
    json: String,
    is_first: bool,
}

/// What an entry is answered with. Bodies are JSON as it is sent.
#[derive(Default)]
struct Response<'a> {
    full_url: Option<&'a str>,
    resource: Option<&'a str>,
    status: &'a str,
    location: Option<&'a str>,
    etag: Option<&'a str>,
    last_modified: Option<String>,
    outcome: Option<&'a str>,
}

impl Responses {
    fn begin(kind: &str, capacity: usize) -> Self {
        let mut json = String::with_capacity(capacity);
        json.push_str(r#"{"resourceType":"Bundle","type":""#);
        json.push_str(kind);
        json.push('"');
        Self { json, is_first: true }
    }

    fn add(&mut self, response: &Response<'_>) {
        self.json.push_str(if self.is_first { r#","entry":[{"# } else { ",{" });
        self.is_first = false;
        if let Some(url) = response.full_url {
            self.member("fullUrl", &Value::from(url).to_string());
            self.json.push(',');
        }
        if let Some(resource) = response.resource {
            self.member("resource", resource);
            self.json.push(',');
        }
        self.json.push_str(r#""response":{"#);
        self.member("status", &Value::from(response.status).to_string());
        let texts = [
            ("location", response.location),
            ("etag", response.etag),
            ("lastModified", response.last_modified.as_deref()),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                self.json.push(',');
                self.member(name, &Value::from(text).to_string());
            }
        }
        if let Some(outcome) = response.outcome {
            self.json.push(',');
            self.member("outcome", outcome);
        }
        self.json.push_str("}}");
    }

    fn member(&mut self, name: &str, json: &str) {
        self.json.push('"');
        self.json.push_str(name);
        self.json.push_str("\":");
        self.json.push_str(json);
    }

    fn finish(mut self) -> String {
        self.json.push_str(if self.is_first { "}" } else { "]}" });
        self.json
    }
}

/// An outcome as an entry holds it.
fn told(app: &App, ctx: &Context, issues: &[Issue]) -> String {
    let frame = Frame { base: &app.base, language: ctx.language, request: Some(&ctx.request_id) };
    outcome::render(issues, &frame).to_string()
}

//! The terminology operations, by GET and by POST: `ValueSet/$expand`, `ValueSet/$validate-code`,
//! `CodeSystem/$lookup`, `CodeSystem/$validate-code` (R4 `terminology-service.html`, contract §7).

use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;

use super::conformance::{kind_of, made, serve};
use crate::error::{Code, Error, Issue, Language};
use crate::fhir::codec;
use crate::fhir::operation::{self, Arguments};
use crate::fhir::terminology::expand::{Asked, expand as expansion_of};
use crate::fhir::terminology::lookup;
use crate::fhir::validate;
use crate::http::answer::Refusal;
use crate::http::app::App;
use crate::http::extract::asking::Asking;
use crate::http::extract::body::{Body, pairs};
use crate::http::extract::caller::Certified;
use crate::http::extract::media;
use crate::ops::resource::stamp::instant;

/// Largest Parameters: a value set may stand in them.
const BODY_LIMIT: u64 = 4 * 1024 * 1024;

/// `ValueSet/$expand`, of the type or of one set.
pub(crate) async fn expand(app: web::Data<App>, certified: Certified, asking: Asking) -> Result<HttpResponse, Refusal> {
    run(&app, &certified, asking, "expand", |app, asked| {
        let identifier = format!("urn:uuid:{}", app.ids.uuid(app.now()));
        expansion_of(&app.terminology, asked, &identifier, &instant(app.now()))
    })
    .await
}

/// `ValueSet/$validate-code` and `CodeSystem/$validate-code`, of the type or of one resource.
pub(crate) async fn validate_code(
    app: web::Data<App>,
    certified: Certified,
    asking: Asking,
) -> Result<HttpResponse, Refusal> {
    let is_set = kind_of(&asking.request) == "ValueSet";
    run(&app, &certified, asking, "validate-code", |app, asked| {
        if is_set {
            lookup::validate_in_set(&app.terminology, asked)
        } else {
            lookup::validate_in_system(&app.terminology, asked)
        }
    })
    .await
}

/// `CodeSystem/$lookup`.
pub(crate) async fn look_up(
    app: web::Data<App>,
    certified: Certified,
    asking: Asking,
) -> Result<HttpResponse, Refusal> {
    run(&app, &certified, asking, "lookup", |app, asked| lookup::lookup(&app.terminology, asked)).await
}

async fn run(
    app: &App,
    certified: &Certified,
    asking: Asking,
    name: &'static str,
    work: impl FnOnce(&App, &Asked<'_>) -> Result<Value, Error>,
) -> Result<HttpResponse, Refusal> {
    let request = asking.request.clone();
    serve(app, certified, async || {
        let kind = kind_of(&request);
        let operation = operation::find(&kind, name).ok_or(Code::NotFound)?;
        let instance = request.match_info().get("id");
        let instance = match instance {
            None => None,
            Some(id) => Some(app.conformance().entry(&kind, id).ok_or(Code::NotFound)?.url.as_str()),
        };
        let arguments = arguments(app, operation, asking).await?;
        let language = match certified.envelope.language {
            Language::French => "fr",
            Language::English => "en",
        };
        let asked = Asked { arguments: &arguments, instance, language };
        Ok(made(&work(app, &asked)?))
    })
    .await
}

/// What the request says: the pairs of a GET, the Parameters of a POST.
async fn arguments(app: &App, operation: &operation::Operation, asking: Asking) -> Result<Arguments, Error> {
    let Asking { request, form, .. } = asking;
    let (Some(payload), &Method::POST) = (form, request.method()) else {
        return Arguments::of_query(operation, &pairs(request.query_string().as_bytes())?);
    };
    let syntax = media::body_syntax(content_type(&request))?;
    let body = Body::declared(&request, payload, BODY_LIMIT, app.config.server.body_idle_ms)?.whole().await?;
    let resource = codec::read(syntax, &body)?;
    let issues = validate::structural(&resource);
    let faults: Vec<Issue> = issues.into_iter().filter(|issue| !issue.is_warning).collect();
    if !faults.is_empty() {
        return Err(Error::many(faults));
    }
    Arguments::of_parameters(operation, &resource)
}

fn content_type(request: &HttpRequest) -> Option<&str> {
    request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok())
}

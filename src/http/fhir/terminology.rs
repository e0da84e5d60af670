//! `$expand`, `$validate-code` and `$lookup` over the loaded code systems and the French tables
//! (R4 `terminology-service.html`, contract §7).
//!
//! Codes are nobody's: a structure's certificate is enough.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;

use super::conformance::catalogue;
use crate::error::{Code, Error, Issue};
use crate::fhir::codec::json;
use crate::fhir::terminology::code::{self, Against, Written};
use crate::fhir::terminology::expand::{self, Unlisted, Wanted};
use crate::http::answer::{self, Refusal};
use crate::http::app::App;
use crate::http::extract::body::{Body, pairs};
use crate::http::extract::caller::Certified;
use crate::http::extract::media;

/// Largest body of parameters, in bytes: a ValueSet may be among them.
const LARGEST: u64 = 4 * 1024 * 1024;

/// The parameters of an operation, of the address and of the body alike.
struct Given(Vec<(String, Value)>);

impl Given {
    async fn read(app: &App, request: &HttpRequest, payload: web::Payload) -> Result<Self, Error> {
        let of_query = pairs(request.query_string().as_bytes())?;
        let mut all: Vec<(String, Value)> = of_query.into_iter().map(|(name, value)| (name, value.into())).collect();
        if request.method() == actix_web::http::Method::POST {
            let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
            media::require_fhir_json(content_type)?;
            let body = Body::declared(request, payload.into_inner(), LARGEST, app.config.server.body_idle_ms)?;
            let parameters = json::parse(&body.whole().await?)?;
            for parameter in parameters.get("parameter").and_then(Value::as_array).into_iter().flatten() {
                let Some(name) = parameter.get("name").and_then(Value::as_str) else { continue };
                let mut members = parameter.as_object().into_iter().flatten();
                let value = members.find(|(key, _)| key.starts_with("value") || *key == "resource");
                all.extend(value.map(|(_, value)| (name.to_owned(), value.clone())));
            }
        }
        Ok(Self(all))
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    fn demand(&self, name: &'static str) -> Result<&str, Error> {
        self.text(name).ok_or_else(|| Issue::new(Code::Required).detail(format!("({name})")).into())
    }

    fn number(&self, name: &'static str) -> Result<Option<usize>, Error> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value.as_str().map_or_else(|| value.to_string(), str::to_owned).parse();
        number
            .map(Some)
            .map_err(|error| Error::from(Issue::new(Code::Value).detail(format!("({name})"))).because(error))
    }

    fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.as_bool() == Some(true) || value.as_str() == Some("true"))
    }

    /// The code asked about, however it is written: by its parts, as a Coding or as a CodeableConcept.
    fn written(&self) -> Result<Vec<Written>, Error> {
        let of = |coding: &Value| {
            let text = |name: &str| coding.get(name).and_then(Value::as_str).map(str::to_owned);
            Some(Written { system: text("system"), code: text("code")?, display: text("display") })
        };
        let concept = self.get("codeableConcept").and_then(|concept| concept.get("coding")).and_then(Value::as_array);
        let mut all: Vec<Written> = concept.into_iter().flatten().chain(self.get("coding")).filter_map(of).collect();
        if let Some(code) = self.text("code") {
            let system = self.text("system").map(str::to_owned);
            all.push(Written { system, code: code.to_owned(), display: self.text("display").map(str::to_owned) });
        }
        if all.is_empty() { Err(Issue::new(Code::Required).detail("(code)").into()) } else { Ok(all) }
    }
}

/// The canonical URL of the set asked about: of the address, or of the parameter `url`.
fn set_of(app: &App, request: &HttpRequest, given: &Given) -> Result<String, Error> {
    match request.match_info().get("id") {
        Some(id) => catalogue(app).url("ValueSet", id).ok_or_else(|| Code::NotFound.into()),
        None => given.demand("url").map(str::to_owned),
    }
}

fn told(app: &App, certified: &Certified, made: Result<Value, Error>) -> Result<HttpResponse, Refusal> {
    let made = made.map_err(|error| certified.envelope.refuse(app, error))?;
    Ok(answer::fhir(StatusCode::OK, made.to_string()))
}

/// `[base]/ValueSet/$expand`, `[base]/ValueSet/id/$expand`.
pub(crate) async fn expand(
    app: web::Data<App>,
    certified: Certified,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Refusal> {
    let made = expansion(&app, &request, payload).await;
    told(&app, &certified, made)
}

async fn expansion(app: &App, request: &HttpRequest, payload: web::Payload) -> Result<Value, Error> {
    let given = Given::read(app, request, payload).await?;
    let wanted = Wanted {
        filter: given.text("filter").filter(|filter| !filter.is_empty()).map(str::to_owned),
        offset: given.number("offset")?.unwrap_or_default(),
        count: given.number("count")?,
        language: given.text("displayLanguage").map(str::to_owned),
        active_only: given.is_true("activeOnly"),
    };
    let (terms, at) = (app.service.definitions.terms(), app.now().to_string());
    let made = match given.get("valueSet") {
        Some(set) if set.is_object() => expand::expand_given(terms, set, &wanted, &at),
        _ => expand::expand(terms, &set_of(app, request, &given)?, &wanted, &at),
    };
    made.map_err(|why| match why {
        Unlisted::Unknown => Code::NotFound.into(),
        Unlisted::Open | Unlisted::TooMany => {
            Issue::new(Code::NotSupported).rule("R4 $expand").detail(why.to_string()).into()
        }
    })
}

/// `[base]/ValueSet/$validate-code`, `[base]/ValueSet/id/$validate-code`.
pub(crate) async fn validate_code(
    app: web::Data<App>,
    certified: Certified,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Refusal> {
    let made = match Given::read(&app, &request, payload).await {
        Ok(given) => set_of(&app, &request, &given).and_then(|set| held(&app, &certified, &given, Against::Set(&set))),
        Err(error) => Err(error),
    };
    told(&app, &certified, made)
}

/// `[base]/CodeSystem/$validate-code`.
pub(crate) async fn validate_code_of_system(
    app: web::Data<App>,
    certified: Certified,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Refusal> {
    let made = match Given::read(&app, &request, payload).await {
        Ok(given) => given.demand("url").and_then(|url| held(&app, &certified, &given, Against::System(url))),
        Err(error) => Err(error),
    };
    told(&app, &certified, made)
}

fn held(app: &App, certified: &Certified, given: &Given, against: Against<'_>) -> Result<Value, Error> {
    let written = given.written()?;
    let made = code::validated(app.service.definitions.terms(), &written, against, certified.envelope.language);
    // What is not known here, or not known whole, decides nothing.
    made.ok_or_else(|| Code::NotFound.into())
}

/// `[base]/CodeSystem/$lookup`.
pub(crate) async fn lookup(
    app: web::Data<App>,
    certified: Certified,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Refusal> {
    let made = match Given::read(&app, &request, payload).await {
        Ok(given) => looked_up(&app, &given),
        Err(error) => Err(error),
    };
    told(&app, &certified, made)
}

fn looked_up(app: &App, given: &Given) -> Result<Value, Error> {
    let written = given.written()?;
    let terms = app.service.definitions.terms();
    let language = given.text("displayLanguage");
    let mut known = written.iter().filter_map(|one| code::find(terms, one.system.as_deref()?, &one.code, language));
    if written.iter().all(|one| one.system.is_none()) {
        return Err(Issue::new(Code::Required).detail("(system)").into());
    }
    let known = known.next().ok_or(Code::NotFound)?;
    Ok(code::looked_up(&known, language))
}

//! The definitions that are obeyed here: read and search of conformance resources (contract §7, R4 `conformance-module.html`).
//!
//! They hold nothing of anybody: a structure's certificate is enough.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::query::{Pairs, given};
use crate::error::{Code, Error, Issue};
use crate::fhir::conformance::{Catalogue, TYPES};
use crate::fhir::outcome::{self, Frame};
use crate::fhir::search;
use crate::http::answer::{self, Refusal};
use crate::http::app::App;
use crate::http::discovery;
use crate::http::extract::asking::{Asking, Identified};
use crate::http::extract::caller::Certified;
use crate::http::routes::INTERACTIONS;

/// So many definitions a page where the client does not say.
const PAGE: usize = 100;
/// And never more.
const LARGEST_PAGE: usize = 1_000;
/// Passes over the definitions of the pages before: they are public and do not change while the server runs.
const OFFSET: &str = "_offset";

/// The definitions of a server, gathered when they are first asked for.
pub(super) fn catalogue(app: &App) -> &Catalogue {
    app.catalogue.get_or_init(|| {
        let statement = discovery::statement(app);
        let url = statement.get("url").and_then(Value::as_str).unwrap_or_default().to_owned();
        Catalogue::new(&app.service.definitions, &is_served).with("CapabilityStatement", &url, statement)
    })
}

/// Whether a search parameter is one of a type that is searched here.
fn is_served(parameter: &search::Parameter) -> bool {
    let is_definition =
        TYPES.iter().any(|(kind, codes)| *kind == parameter.resource && codes.contains(&parameter.code));
    let is_common = matches!(parameter.resource, "Resource" | "DomainResource");
    let mut types = INTERACTIONS.iter().filter(|served| served.kind == parameter.resource);
    is_common
        || is_definition
        || types.any(|served| {
            served.interactions.contains(&"search-type")
                && served.searched.is_none_or(|codes| codes.contains(&parameter.code))
        })
}

/// `GET [base]/ValueSet/id` and the like.
pub(crate) async fn read(
    app: web::Data<App>,
    certified: Certified,
    request: HttpRequest,
    asked: Identified,
) -> Result<HttpResponse, Refusal> {
    match catalogue(&app).read(kind_of(&request), &asked.id) {
        Some(definition) => Ok(answer::fhir(StatusCode::OK, definition.to_string())),
        None => Err(certified.envelope.refuse(&app, Code::NotFound.into())),
    }
}

/// `GET [base]/ValueSet?url=…` and the like, and by POST `_search`.
pub(crate) async fn search(app: web::Data<App>, certified: Certified, asking: Asking) -> Result<HttpResponse, Refusal> {
    let request = asking.request.clone();
    let found = match given(&app, asking).await {
        Ok(pairs) => find(&app, &certified, &request, &pairs),
        Err(error) => Err(error),
    };
    let found = found.map_err(|error| certified.envelope.refuse(&app, error))?;
    Ok(answer::fhir(StatusCode::OK, found.to_string()))
}

/// The type of a path: `/fhir/ValueSet/…`.
fn kind_of(request: &HttpRequest) -> &str {
    request.path().split('/').nth(2).unwrap_or_default()
}

fn find(app: &App, certified: &Certified, request: &HttpRequest, pairs: &Pairs) -> Result<Value, Error> {
    let kind = kind_of(request);
    let known = TYPES.iter().find(|(known, _)| *known == kind).map(|(_, known)| *known).unwrap_or_default();
    let prefer = request.headers().get("prefer").and_then(|prefer| prefer.to_str().ok()).unwrap_or_default();
    let (mut wanted, mut unknown) = (Vec::new(), Vec::new());
    let (mut count, mut offset) = (PAGE, 0);
    for (name, value) in pairs {
        let number = || {
            value
                .parse::<usize>()
                .map_err(|error| Error::from(Issue::new(Code::Value).detail(format!("({name})"))).because(error))
        };
        match name.as_str() {
            "_count" => count = number()?.min(LARGEST_PAGE),
            OFFSET => offset = number()?,
            "_format" | "_pretty" | "_total" | "_summary" => {}
            name if name == "_id" || known.contains(&name) => {
                wanted.push((name.to_owned(), value.split(',').map(str::to_owned).collect()));
            }
            // What R4 has and we cannot honour is never ignored.
            name if search::find(kind, name.split([':', '.']).next().unwrap_or(name)).is_some() => {
                return Err(Issue::new(Code::UnsupportedParameter).detail(format!("({name})")).into());
            }
            _ => unknown.push(Issue::new(Code::UnknownParameter).warning()),
        }
    }
    if !unknown.is_empty() && prefer.contains("handling=strict") {
        return Err(Code::UnknownParameter.into());
    }
    let found = catalogue(app).search(kind, &wanted);
    let base = &app.base;
    let mut entries: Vec<Value> = found
        .iter()
        .skip(offset)
        .take(count)
        .map(|resource| {
            let id = resource.get("id").and_then(Value::as_str).unwrap_or_default();
            json!({"fullUrl": format!("{base}/{kind}/{id}"), "resource": resource, "search": {"mode": "match"}})
        })
        .collect();
    if !unknown.is_empty() {
        let envelope = &certified.envelope;
        let frame = Frame { base, language: envelope.language, request: Some(&envelope.request_id) };
        entries.push(json!({"resource": outcome::render(&unknown, &frame), "search": {"mode": "outcome"}}));
    }
    let link = |relation: &str, offset: usize| json!({"relation": relation, "url": format!("{base}/{kind}?{}", written(&wanted, count, offset))});
    let mut links = vec![link("self", offset)];
    links.extend(
        (count > 0 && offset.saturating_add(count) < found.len()).then(|| link("next", offset.saturating_add(count))),
    );
    let mut bundle = json!({"resourceType": "Bundle", "type": "searchset", "total": found.len(), "link": links});
    if let (Some(bundle), false) = (bundle.as_object_mut(), entries.is_empty()) {
        bundle.insert("entry".to_owned(), Value::Array(entries));
    }
    Ok(bundle)
}

/// A query as a link carries it.
fn written(wanted: &[(String, Vec<String>)], count: usize, offset: usize) -> String {
    let mut pairs: Pairs = wanted.iter().map(|(name, values)| (name.clone(), values.join(","))).collect();
    pairs.push(("_count".to_owned(), count.to_string()));
    pairs.extend((offset > 0).then(|| (OFFSET.to_owned(), offset.to_string())));
    super::query::encode(&pairs)
}

/// What the CapabilityStatement says of them: the type with its interactions and search parameters.
pub(crate) fn declared() -> impl Iterator<Item = Value> {
    TYPES.iter().map(|(kind, codes)| {
        let parameters = codes.iter().chain(&["_id"]).filter_map(|code| {
            let found = search::find(kind, code);
            let definition = found.map(|parameter| parameter.url).filter(|url| !url.is_empty());
            Some(json!({"name": code, "type": type_of(code), "definition": definition?}))
        });
        json!({
            "type": kind,
            "interaction": [{"code": "read"}, {"code": "search-type"}],
            "versioning": "no-version",
            "searchParam": parameters.collect::<Vec<_>>(),
        })
    })
}

fn type_of(code: &str) -> &'static str {
    match code {
        "url" | "system" => "uri",
        "name" | "title" => "string",
        "base" => "reference",
        _ => "token",
    }
}

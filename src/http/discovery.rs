//! What the server says of itself: CapabilityStatement, JWKS, authorisation server metadata.
//!
//! The CapabilityStatement is made from the tables that serve the requests: the routes of
//! [`super::routes`] and the search parameters of `fhir::search`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::answer::{self, Refusal};
use super::app::App;
use super::extract::caller::Certified;
use super::routes::{INTERACTIONS, OPERATIONS, Served, methods};
use crate::fhir::patch::Form;
use crate::fhir::search;
use crate::token::metadata;

/// The operation of every type, and of the root.
const VALIDATE: &str = "http://hl7.org/fhir/OperationDefinition/Resource-validate";

/// `GET /fhir/metadata`.
pub(crate) async fn capabilities(app: web::Data<App>, _certified: Certified) -> HttpResponse {
    answer::fhir(StatusCode::OK, statement(&app).to_string())
}

/// `GET /oauth2/jwks`.
pub(crate) async fn jwks(app: web::Data<App>, _certified: Certified) -> HttpResponse {
    answer::json(StatusCode::OK, &app.keys.keys().load().public().jwks())
}

/// `GET /.well-known/oauth-authorization-server` (RFC 8414).
pub(crate) async fn authorization_server(app: web::Data<App>, _certified: Certified) -> HttpResponse {
    answer::json(StatusCode::OK, &metadata::authorization_server(app.issuer.config()))
}

/// `GET /.well-known/smart-configuration`.
pub(crate) async fn smart_configuration(app: web::Data<App>, _certified: Certified) -> HttpResponse {
    answer::json(StatusCode::OK, &metadata::smart_configuration(app.issuer.config()))
}

/// Whatever has no route: 404 to who has a certificate.
pub(crate) async fn nothing(app: web::Data<App>, certified: Certified) -> Result<HttpResponse, Refusal> {
    Err(certified.envelope.refuse(&app, crate::error::Code::NotFound.into()))
}

/// A method that a route does not have: `Allow` names those it has.
pub(crate) async fn not_allowed(
    app: web::Data<App>,
    certified: Certified,
    request: HttpRequest,
) -> Result<HttpResponse, Refusal> {
    let allowed = request.match_pattern().map(|path| methods(&path)).unwrap_or_default();
    Err(certified.envelope.refuse(&app, crate::error::Code::MethodNotAllowed.into()).allowing(allowed))
}

fn statement(app: &App) -> Value {
    let base: &str = &app.base;
    let origin: &str = &app.origin;
    json!({
        "resourceType": "CapabilityStatement",
        "url": format!("{base}/metadata"),
        "version": env!("CARGO_PKG_VERSION"),
        "name": "Espace",
        "title": "espace",
        "status": "active",
        "date": "2026-11-22",
        "kind": "instance",
        "software": { "name": "espace", "version": env!("CARGO_PKG_VERSION") },
        "implementation": { "description": "Mon espace santé", "url": base },
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "patchFormat": Form::ALL.iter().map(|form| form.media_type()).collect::<Vec<_>>(),
        "instantiates": [
            "https://profiles.ihe.net/ITI/MHD/CapabilityStatement/IHE.MHD.DocumentRecipient.Comprehensive",
            "https://profiles.ihe.net/ITI/MHD/CapabilityStatement/IHE.MHD.DocumentRecipient.Simplified",
            "https://profiles.ihe.net/ITI/MHD/CapabilityStatement/IHE.MHD.DocumentRecipient.Generate",
            "https://profiles.ihe.net/ITI/BALP/CapabilityStatement/IHE.BALP.ATNA.AuditRecordRepository",
        ],
        "rest": [{
            "mode": "server",
            "documentation": documentation(app),
            "security": {
                "cors": false,
                "service": [
                    { "coding": [{ "system": "http://profiles.ihe.net/fhir/ihe.securityTypes/CodeSystem/securityTypes", "code": "IUA" }] },
                    { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/restful-security-service", "code": "SMART-on-FHIR" }] },
                    { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/restful-security-service", "code": "Certificates" }] },
                ],
                "extension": [{
                    "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
                    "extension": [{ "url": "token", "valueUri": format!("{origin}/oauth2/token") }],
                }],
            },
            "resource": INTERACTIONS.iter().map(resource).collect::<Vec<_>>(),
            "interaction": [{ "code": "transaction", "documentation": "ITI-65 Provide Document Bundle" }],
            "operation": [{ "name": "validate", "definition": VALIDATE }],
        }],
    })
}

/// What a client must know beyond interactions: whether the operator replaced a table of the law.
fn documentation(app: &App) -> &'static str {
    if app.config.rules.allow_override {
        "Habilitation matrix: the operator's own table stands in for the published cells (rules.allow_override)."
    } else {
        "Habilitation matrix: the cells made public; a profession that is not listed reads its own documents only."
    }
}

fn resource(served: &Served) -> Value {
    let interactions = served.interactions.iter().map(|code| json!({ "code": code }));
    let mut resource = json!({
        "type": served.kind,
        "interaction": interactions.collect::<Vec<_>>(),
        "versioning": "versioned",
        "readHistory": served.interactions.contains(&"vread"),
        "updateCreate": false,
    });
    let members = resource.as_object_mut();
    if let (Some(members), true) = (members, !matches!(served.kind, "Binary" | "Bundle")) {
        members.insert("conditionalRead".to_owned(), json!("not-match"));
    }
    if let (Some(members), true) = (resource.as_object_mut(), served.interactions.contains(&"patch")) {
        // R4 has one word for what is conditional on the criteria of an update; PDSm uses it for PATCH (T14).
        members.insert("conditionalUpdate".to_owned(), json!(true));
    }
    if served.interactions.contains(&"search-type") {
        let parameters = served.searched.map_or_else(
            || every(served.kind),
            |codes| codes.iter().filter_map(|code| search::find(served.kind, code)).map(parameter).collect(),
        );
        if let Some(members) = resource.as_object_mut() {
            if !served.included.is_empty() {
                members.insert("searchInclude".to_owned(), json!(served.included));
            }
            members.insert("searchParam".to_owned(), Value::Array(parameters));
        }
    }
    let of_all = ("", "validate", VALIDATE);
    let operations = OPERATIONS.iter().filter(|(kind, ..)| *kind == served.kind).chain([&of_all]);
    let operations: Vec<Value> =
        operations.map(|(_, name, definition)| json!({ "name": name, "definition": definition })).collect();
    if let (Some(members), false) = (resource.as_object_mut(), operations.is_empty()) {
        members.insert("operation".to_owned(), Value::Array(operations));
    }
    resource
}

/// Every parameter of a type by its code (trap T14), those of all types, and the chain that names a
/// patient by INS.
fn every(kind: &str) -> Vec<Value> {
    let common = search::of("Resource").iter().filter(|parameter| parameter.kind != search::Kind::Special);
    let mut all: Vec<Value> = search::of(kind).iter().chain(common).map(parameter).collect();
    for (code, kind) in [("_id", "token"), ("_lastUpdated", "date")] {
        let url = search::find("Resource", code).map(|parameter| parameter.url);
        all.push(json!({ "name": code, "type": kind, "definition": url }));
    }
    all.push(json!({ "name": "patient.identifier", "type": "token" }));
    all
}

fn parameter(parameter: &search::Parameter) -> Value {
    let mut declared = json!({ "name": parameter.code, "type": type_of(parameter.kind) });
    // The chains that MHD names have no definition of their own.
    if let (Some(members), false) = (declared.as_object_mut(), parameter.url.is_empty()) {
        members.insert("definition".to_owned(), json!(parameter.url));
    }
    declared
}

const fn type_of(kind: search::Kind) -> &'static str {
    match kind {
        search::Kind::Composite => "composite",
        search::Kind::Date => "date",
        search::Kind::Number => "number",
        search::Kind::Quantity => "quantity",
        search::Kind::Reference => "reference",
        search::Kind::Special => "special",
        search::Kind::String => "string",
        search::Kind::Token => "token",
        search::Kind::Uri => "uri",
    }
}

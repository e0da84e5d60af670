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
use super::routes::methods;
use crate::fhir::operation::{OPERATIONS, VALIDATE};
use crate::fhir::patch::Form;
use crate::fhir::search;
use crate::rules::registry::{Interaction, Place, REGISTRY, Served};
use crate::token::metadata;

/// `GET /fhir/metadata`.
pub(crate) async fn capabilities(app: web::Data<App>, certified: Certified) -> Result<HttpResponse, Refusal> {
    certified.envelope.answerable(&app)?;
    Ok(answer::fhir(StatusCode::OK, statement(&app).to_string()))
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

/// The CapabilityStatement.
pub(super) fn statement(app: &App) -> Value {
    let base: &str = &app.base;
    let origin: &str = &app.origin;
    json!({
        "resourceType": "CapabilityStatement",
        "id": "espace",
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
        "format": ["application/fhir+json", "json", "application/fhir+xml", "xml"],
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
            "resource": REGISTRY.iter().map(resource).collect::<Vec<_>>(),
            "interaction": [
                {
                    "code": "transaction",
                    "documentation": "ITI-65 Provide Document Bundle by its profile; else resources that are no documents, of one record or of the directory alone",
                },
                { "code": "batch", "documentation": "Each entry as it is served alone" },
                { "code": "search-system", "documentation": "The directory; Assurance maladie only" },
                { "code": "history-system", "documentation": "The directory; Assurance maladie only" },
            ],
            "operation": [{ "name": "validate", "definition": VALIDATE.url }],
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

/// The types that are searched for together, within one record.
const DOCUMENTS: [&str; 2] = ["DocumentReference", "List"];

fn resource(served: &Served) -> Value {
    let interactions = served.interactions.iter().map(|interaction| json!({ "code": interaction.name() }));
    let mut resource = json!({
        "type": served.kind,
        "interaction": interactions.collect::<Vec<_>>(),
        "versioning": if served.place == Place::Tables { "no-version" } else { "versioned" },
        "readHistory": served.serves(Interaction::Vread),
        "updateCreate": served.update_creates,
    });
    let members = resource.as_object_mut();
    if let (Some(members), true) = (members, !matches!(served.kind, "Binary" | "Bundle")) {
        members.insert("conditionalRead".to_owned(), json!("full-support"));
    }
    if let (Some(members), true) = (resource.as_object_mut(), served.serves(Interaction::Patch)) {
        // R4 has one word for what is conditional on the criteria of an update; PDSm uses it for PATCH (T14).
        members.insert("conditionalUpdate".to_owned(), json!(true));
    }
    conditions(served, &mut resource);
    if served.serves(Interaction::SearchType) {
        let parameters = served.searched.map_or_else(
            || every(served),
            |codes| codes.iter().filter_map(|code| search::find(served.kind, code)).map(parameter).collect(),
        );
        if let Some(members) = resource.as_object_mut() {
            if DOCUMENTS.contains(&served.kind) {
                members.insert("searchInclude".to_owned(), json!(search::inclusions(served.kind)));
                let reverse = search::reverse_inclusions(served.kind, &DOCUMENTS);
                members.insert("searchRevInclude".to_owned(), json!(reverse));
            }
            members.insert("searchParam".to_owned(), Value::Array(parameters));
        }
    }
    let operations = OPERATIONS.iter().filter(|operation| operation.kind == served.kind).chain([&VALIDATE]);
    let operations: Vec<Value> =
        operations.map(|operation| json!({ "name": operation.name, "definition": operation.url })).collect();
    if let (Some(members), false) = (resource.as_object_mut(), operations.is_empty()) {
        members.insert("operation".to_owned(), Value::Array(operations));
    }
    resource
}

/// The conditional forms of writes: those that the generic operations serve.
fn conditions(served: &Served, resource: &mut Value) {
    let Some(members) = resource.as_object_mut().filter(|_| served.generic.is_some()) else { return };
    if served.serves(Interaction::Create) {
        members.insert("conditionalCreate".to_owned(), json!(true));
    }
    if served.serves(Interaction::Update) {
        members.insert("conditionalUpdate".to_owned(), json!(true));
    }
    if served.serves(Interaction::Delete) {
        members.insert("conditionalDelete".to_owned(), json!("single"));
    }
}

/// Every parameter of a type by its code (trap T14), those of all types, and the chain that names a
/// patient by INS.
fn every(served: &Served) -> Vec<Value> {
    let kind = served.kind;
    let common = search::of("Resource").iter().filter(|parameter| parameter.kind != search::Kind::Special);
    let mut all: Vec<Value> = own(kind).chain(common).map(parameter).collect();
    for (code, kind) in [("_id", "token"), ("_lastUpdated", "date"), ("_content", "string"), ("_text", "string")] {
        let owner = if code == "_text" { "DomainResource" } else { "Resource" };
        let url = search::find(owner, code).map(|parameter| parameter.url);
        all.push(json!({ "name": code, "type": kind, "definition": url }));
    }
    if served.place == Place::Record {
        all.push(json!({ "name": "patient.identifier", "type": "token" }));
    }
    all
}

/// The parameters of a type that are decided by what is indexed of it.
fn own(kind: &str) -> impl Iterator<Item = &'static search::Parameter> {
    search::of(kind).iter().filter(|parameter| parameter.kind != search::Kind::Special)
}

fn parameter(parameter: &search::Parameter) -> Value {
    // An id is a token, wherever it is looked up.
    let kind = if parameter.code == "_id" { "token" } else { parameter.kind.code() };
    let mut declared = json!({ "name": parameter.code, "type": kind });
    // The chains that MHD names have no definition of their own.
    if let (Some(members), false) = (declared.as_object_mut(), parameter.url.is_empty()) {
        members.insert("definition".to_owned(), json!(parameter.url));
    }
    declared
}

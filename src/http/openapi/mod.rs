//! `GET /fhir/openapi.json`: OpenAPI 3.1 of the very routes that are registered (contract §6; issue 4 §8).
//!
//! Paths come from [`super::routes`], search parameters and formats from the CapabilityStatement,
//! parameters of operations from `fhir::operation`, refusals from the error catalogue.

mod request;
mod schema;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde_json::{Map, Value, json};

use super::answer;
use super::app::App;
use super::discovery;
use super::extract::caller::Certified;
use super::routes::{DEV_ROUTES, OPERATION_ROUTES, ROUTES, Routed, resource_routes};
use crate::fhir::operation::{self, Operation};
use crate::rules::registry::{self, Place};

/// `GET /fhir/openapi.json`.
pub(crate) async fn openapi(app: web::Data<App>, _certified: Certified) -> HttpResponse {
    let dev = if app.dev.is_some() { DEV_ROUTES } else { &[] };
    let statement = discovery::statement(&app);
    let routes = OPERATION_ROUTES.iter().chain(ROUTES).chain(resource_routes()).chain(dev);
    answer::json(StatusCode::OK, &document(&app.origin, &statement, routes))
}

/// The document of these routes, on a server at `origin` that says `statement` of itself.
fn document<'r>(origin: &str, statement: &Value, routes: impl Iterator<Item = &'r Routed>) -> Value {
    let mut paths = Map::new();
    for routed in routes {
        let mut item = Map::new();
        let path = routed.path.as_ref();
        let named = request::of_path(path);
        if !named.is_empty() {
            item.insert("parameters".to_owned(), Value::Array(named));
        }
        for method in routed.methods.iter() {
            let call = Call::of(method, path);
            item.insert(method.to_ascii_lowercase(), call.render(statement));
        }
        paths.insert(path.to_owned(), Value::Object(item));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "espace",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "An open FHIR/IHE server for Mon espace santé",
            "description": "FHIR R4 (4.0.1), IHE MHD and PDSm over mutual TLS. The exact interactions and search \
                            parameters are in `/fhir/metadata`; this document is made of the same tables.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "jsonSchemaDialect": "https://spec.openapis.org/oas/3.1/dialect/base",
        "servers": [{ "url": origin }],
        "tags": tags(&paths),
        "paths": paths,
        "components": schema::components(&paths),
        "externalDocs": { "url": "http://hl7.org/fhir/R4/http.html", "description": "The RESTful interface of FHIR R4" },
    })
}

/// Every tag that an operation bears, once.
fn tags(paths: &Map<String, Value>) -> Vec<Value> {
    let operations = paths.values().filter_map(Value::as_object).flat_map(|item| item.values());
    let borne = operations.filter_map(|operation| operation.pointer("/tags/0")?.as_str());
    borne.collect::<std::collections::BTreeSet<_>>().into_iter().map(|name| json!({ "name": name })).collect()
}

/// What a route is in the words of FHIR, told by its path and its method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning<'p> {
    /// An interaction of the whole system: its code.
    System(&'static str),
    /// An interaction of a type: its code.
    Interaction(&'p str, &'static str),
    /// An operation.
    Operation(&'p str, &'static Operation),
    /// Not of FHIR's REST interface, or of the server itself.
    Other,
}

/// A method of a path.
struct Call<'p> {
    method: &'p str,
    path: &'p str,
    meaning: Meaning<'p>,
}

impl<'p> Call<'p> {
    fn of(method: &'p str, path: &'p str) -> Self {
        Self { method, path, meaning: meaning(method, path) }
    }

    /// Whether the certificate is enough (contract §6).
    fn is_public(&self) -> bool {
        match self.meaning {
            Meaning::Other => true,
            Meaning::System(_) => false,
            // It looks at what it is sent, and at nothing else.
            Meaning::Operation(_, operation) if *operation == operation::VALIDATE => true,
            Meaning::Interaction(kind, _) | Meaning::Operation(kind, _) => {
                registry::find(kind).is_some_and(|served| served.place == Place::Tables)
            }
        }
    }

    fn tag(&self) -> &'p str {
        match self.meaning {
            Meaning::Interaction(kind, _) | Meaning::Operation(kind, _) => kind,
            Meaning::System(_) => "system",
            Meaning::Other if self.path.starts_with("/oauth2") || self.path.starts_with("/dev") => "authorisation",
            Meaning::Other => "server",
        }
    }

    fn render(&self, statement: &Value) -> Value {
        let mut members = Map::new();
        let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
        put("operationId", json!(self.id()));
        put("summary", json!(self.summary()));
        put("tags", json!([self.tag()]));
        let security =
            if self.is_public() { json!([{"mutualTLS": []}]) } else { json!([{"mutualTLS": [], "bearer": []}]) };
        put("security", security);
        let parameters = request::parameters(self, statement);
        if !parameters.is_empty() {
            put("parameters", Value::Array(parameters));
        }
        if let Some(body) = request::body(self, statement) {
            put("requestBody", body);
        }
        put("responses", schema::responses(self, statement));
        Value::Object(members)
    }

    /// Unique among all: the method and the parts of the path.
    fn id(&self) -> String {
        let plain = self.path.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' });
        let plain: String = plain.collect();
        let parts: Vec<&str> = plain.split('-').filter(|part| !part.is_empty()).collect();
        let slash = if self.path.len() > 1 && self.path.ends_with('/') { "-slash" } else { "" };
        format!("{}-{}{slash}", self.method.to_ascii_lowercase(), parts.join("-"))
    }

    fn summary(&self) -> String {
        match self.meaning {
            Meaning::System("transaction") => "ITI-65 Provide Document Bundle; batch and transaction".to_owned(),
            Meaning::System(code) => format!("{code}: the directory"),
            Meaning::Interaction("Patient", "search-type") => "TD0.2: whether a person has a record".to_owned(),
            Meaning::Interaction("Binary" | "Bundle", "read") => "ITI-68 Retrieve Document".to_owned(),
            Meaning::Interaction("DocumentReference", "create") => "ITI-105 Simplified Publish".to_owned(),
            Meaning::Interaction("DocumentReference", "search-type") => "ITI-67 Find Document References".to_owned(),
            Meaning::Interaction("List", "search-type") => "ITI-66 Find Document Lists".to_owned(),
            Meaning::Interaction("AuditEvent", "search-type") => "ITI-81 Retrieve ATNA Audit Event".to_owned(),
            Meaning::Interaction(kind, code) => format!("{code} of {kind}"),
            Meaning::Operation(_, operation) => operation.title.to_owned(),
            Meaning::Other => other(self.path).to_owned(),
        }
    }
}

/// What the routes beside FHIR's interface are for.
fn other(path: &str) -> &'static str {
    match path {
        "/fhir/metadata" => "CapabilityStatement",
        "/fhir/openapi.json" => "This document",
        "/oauth2/token" => "ITI-71: access tokens",
        "/oauth2/introspect" => "ITI-102: introspection of a token",
        "/oauth2/jwks" => "The keys that sign tokens",
        "/.well-known/oauth-authorization-server" => "ITI-103: metadata of the authorisation server (RFC 8414)",
        "/.well-known/smart-configuration" => "SMART configuration",
        "/dev/psc/token" => "A subject token of Pro Santé Connect's shape, development only",
        _ => "A route of this server",
    }
}

fn meaning<'p>(method: &str, path: &'p str) -> Meaning<'p> {
    let Some(rest) = path.strip_prefix("/fhir") else { return Meaning::Other };
    let steps: Vec<&str> = rest.split('/').filter(|step| !step.is_empty()).collect();
    let code = match (steps.as_slice(), method) {
        ([], "POST") => return Meaning::System("transaction"),
        ([] | ["_search"], _) => return Meaning::System("search-system"),
        (["_history"], _) => return Meaning::System("history-system"),
        ([_, "{compartment}", kind], _) => return Meaning::Interaction(kind, "search-type"),
        (["metadata" | "openapi.json"], _) => return Meaning::Other,
        // Asked of the root, it is the operation of every type.
        (["$validate"], _) => return Meaning::Operation("Resource", &operation::VALIDATE),
        ([kind, .., last], _) if last.starts_with('$') => {
            let name = last.trim_start_matches('$');
            return operation::find(kind, name).map_or(Meaning::Other, |operation| Meaning::Operation(kind, operation));
        }
        ([_], "GET") | ([_, "_search"], _) => "search-type",
        ([_], "POST") => "create",
        ([_] | [_, "{id}"], "PATCH") => "patch",
        ([_] | [_, "{id}"], "PUT") => "update",
        ([_] | [_, "{id}"], "DELETE") => "delete",
        ([_, "{id}"], _) => "read",
        ([_, "_history"], _) => "history-type",
        ([_, _, "_history"], _) => "history-instance",
        ([_, _, "_history", _], _) => "vread",
        _ => return Meaning::Other,
    };
    steps.first().map_or(Meaning::Other, |kind| Meaning::Interaction(kind, code))
}

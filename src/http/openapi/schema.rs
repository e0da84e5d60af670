//! What a call answers, and the parts that all calls share (OpenAPI 3.1 §4.8.7, §4.8.16).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::request::formats;
use super::{Call, Meaning};
use crate::error::{Code, Issue, Language};
use crate::fhir::outcome::{self, Frame};

/// The answers of a call: what succeeds, and the one form of all refusals.
pub(super) fn responses(call: &Call<'_>, statement: &Value) -> Value {
    let of_fhir = |kind: &str| {
        let schema = json!({"schema": { "$ref": format!("#/components/schemas/{kind}") }});
        formats(statement).into_iter().map(|format| (format.to_owned(), schema.clone())).collect::<Map<String, Value>>()
    };
    let of_json = |schema: &str| {
        let media = json!({"schema": { "$ref": format!("#/components/schemas/{schema}") }});
        std::iter::once(("application/json".to_owned(), media)).collect::<Map<String, Value>>()
    };
    let (status, content) = match call.meaning {
        Meaning::System(_) | Meaning::Interaction(_, "search-type" | "history-instance" | "history-type") => {
            ("200", of_fhir("Bundle"))
        }
        Meaning::Interaction("Binary", _) => {
            let mut content = of_fhir("Binary");
            content.insert("*/*".to_owned(), json!({"schema": {"type": "string", "format": "binary"}}));
            ("200", content)
        }
        Meaning::Interaction(kind, "create") => ("201", of_fhir(kind)),
        Meaning::Interaction(_, "delete") => ("204", Map::new()),
        Meaning::Interaction(kind, _) => ("200", of_fhir(kind)),
        Meaning::Operation(_, operation) if operation.name == "expand" => ("200", of_fhir("ValueSet")),
        Meaning::Operation(..) => ("200", of_fhir("Parameters")),
        Meaning::Other if call.path == "/fhir/metadata" => ("200", of_fhir("CapabilityStatement")),
        Meaning::Other => ("200", of_json("Object")),
    };
    let mut success = json!({ "description": described(status) });
    if let (Some(members), false) = (success.as_object_mut(), content.is_empty() || call.method == "HEAD") {
        members.insert("content".to_owned(), Value::Object(content));
    }
    let mut responses = Map::new();
    responses.insert(status.to_owned(), success);
    if matches!(call.meaning, Meaning::Interaction(_, "read")) {
        responses.insert("304".to_owned(), json!({"description": "The client holds this version (If-None-Match)"}));
    }
    let is_oauth = call.path.starts_with("/oauth2");
    let refusal = if is_oauth { "#/components/responses/OAuthRefusal" } else { "#/components/responses/Refusal" };
    responses.insert("default".to_owned(), json!({ "$ref": refusal }));
    Value::Object(responses)
}

fn described(status: &str) -> &'static str {
    match status {
        "201" => "Created: Location and ETag name the version",
        "204" => "Done",
        _ => "Answered",
    }
}

/// The parts that calls name.
pub(super) fn components(paths: &Map<String, Value>) -> Value {
    json!({
        "securitySchemes": {
            "mutualTLS": {
                "type": "mutualTLS",
                "description": "A client certificate of a structure, trusted by this server (contract §6; ITI-19)",
            },
            "bearer": {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "An access token of /oauth2/token, bound to the certificate (RFC 8705, IUA ITI-72)",
            },
        },
        "parameters": parameters(),
        "responses": {
            "Refusal": {
                "description": "Refused: an OperationOutcome whose first error decides the status",
                "content": {
                    "application/fhir+json": {
                        "schema": { "$ref": "#/components/schemas/OperationOutcome" },
                        "examples": examples(),
                    },
                    "application/fhir+xml": { "schema": { "$ref": "#/components/schemas/OperationOutcome" } },
                },
            },
            "OAuthRefusal": {
                "description": "Refused (RFC 6749 §5.2)",
                "content": {
                    "application/json": {
                        "schema": { "$ref": "#/components/schemas/OAuthError" },
                        "example": { "error": "invalid_scope" },
                    },
                },
            },
        },
        "schemas": schemas(paths),
    })
}

fn parameters() -> Value {
    let header = |name: &str, description: &str| json!({"name": name, "in": "header", "description": description, "schema": {"type": "string"}});
    json!({
        "Accept-Language": header("Accept-Language", "fr, or en: the language of texts"),
        "If-Match": header("If-Match", "The version that is changed; another current one is 412"),
        "If-None-Match": header("If-None-Match", "The version held; where it is current, 304"),
        "X-Request-Id": header("X-Request-Id", "1 to 64 plain characters: echoed, and told in refusals and traces"),
    })
}

/// A refusal of each kind that any call may meet, as the server writes it.
fn examples() -> Value {
    let shown = [Code::Login, Code::Forbidden, Code::NotFound, Code::Value, Code::Busy];
    let all = shown.map(|code| {
        let row = code.row();
        let frame = Frame { base: "https://dmp.example.org/fhir", language: Language::French, request: None };
        let value = outcome::render(&[Issue::new(code)], &frame);
        (row.name.to_owned(), json!({"summary": row.status.to_string(), "value": value}))
    });
    Value::Object(all.into_iter().collect())
}

/// A schema for each one that a path names.
fn schemas(paths: &Map<String, Value>) -> Value {
    let mut names = BTreeSet::from(["OAuthError".to_owned(), "OperationOutcome".to_owned()]);
    named(&Value::Object(paths.clone()), &mut names);
    names.into_iter().map(|name| (name.clone(), schema(&name))).collect::<Map<String, Value>>().into()
}

fn named(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value.as_str().and_then(|text| text.strip_prefix("#/components/schemas/")) {
                    Some(schema) if name == "$ref" => drop(into.insert(schema.to_owned())),
                    _ => named(value, into),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| named(item, into)),
        _ => {}
    }
}

fn schema(name: &str) -> Value {
    match name {
        "compartment" | "id" => json!({"type": "string", "pattern": "^[A-Za-z0-9\\-\\.]{1,64}$"}),
        "version" => json!({"type": "string", "pattern": "^[0-9]{1,10}$"}),
        "Object" => json!({"type": "object"}),
        "Form" => json!({"type": "object", "additionalProperties": {"type": "string"}}),
        "OAuthError" => json!({
            "type": "object",
            "required": ["error"],
            "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}},
        }),
        "TokenRequest" => json!({
            "type": "object",
            "required": ["grant_type"],
            "properties": {
                "grant_type": {"enum": [
                    "client_credentials",
                    "urn:ietf:params:oauth:grant-type:token-exchange",
                    "urn:ietf:params:oauth:grant-type:jwt-bearer",
                ]},
                "scope": {"type": "string"},
                "subject_token": {"type": "string"},
                "subject_token_type": {"type": "string"},
                "actor_token": {"type": "string"},
                "assertion": {"type": "string"},
                "cnf": {"type": "string"},
                "purpose_of_use": {"type": "string"},
                "person_id": {"type": "string"},
                "expires_in": {"type": "string"},
            },
        }),
        "IntrospectionRequest" => json!({
            "type": "object", "required": ["token"], "properties": {"token": {"type": "string"}},
        }),
        "OperationOutcome" => outcome_schema(),
        kind => json!({
            "type": "object",
            "required": ["resourceType"],
            "properties": {"resourceType": {"const": kind}, "id": {"type": "string"}},
            "externalDocs": {"url": format!("http://hl7.org/fhir/R4/{}.html", kind.to_ascii_lowercase())},
        }),
    }
}

fn outcome_schema() -> Value {
    let codes: BTreeSet<&str> = Code::ALL.iter().map(|code| code.row().issue.code()).collect();
    json!({
        "type": "object",
        "required": ["resourceType", "issue"],
        "properties": {
            "resourceType": {"const": "OperationOutcome"},
            "issue": {"type": "array", "minItems": 1, "items": {
                "type": "object",
                "required": ["severity", "code"],
                "properties": {
                    "severity": {"enum": ["error", "warning", "information"]},
                    "code": {"enum": codes.into_iter().chain(["informational"]).collect::<Vec<_>>()},
                    "details": {"type": "object"},
                    "diagnostics": {"type": "string"},
                    "expression": {"type": "array", "items": {"type": "string"}},
                },
            }},
        },
        "externalDocs": {"url": "http://hl7.org/fhir/R4/operationoutcome.html"},
    })
}

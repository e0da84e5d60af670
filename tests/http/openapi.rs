//! `openapi.json` is OpenAPI 3.1, has every route and no other, and says truly who must bring a token.

use std::collections::BTreeSet;

use espace::http::{DEV_ROUTES, OPERATION_ROUTES, ROUTES, resource_routes};
use serde_json::{Value, json};

use crate::endpoint_coverage;
use crate::support::db::block_on;
use crate::support::server::TestServer;

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// What is wrong with a document by OpenAPI 3.1.0, §4.8, as far as this server uses it.
fn wrong(document: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let more = ["jsonSchemaDialect", "servers", "components", "security", "tags", "externalDocs", "webhooks"];
    only(&mut wrong, "document", document, &["openapi", "info", "paths"], &more);
    if !document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1.")) {
        wrong.push("openapi: not 3.1".to_owned());
    }
    let more = ["summary", "description", "license", "contact"];
    only(&mut wrong, "info", &document["info"], &["title", "version"], &more);
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        if !path.starts_with('/') {
            wrong.push(format!("{path}: no slash"));
        }
        let braces = path.split('/').filter_map(|step| step.strip_prefix('{')?.strip_suffix('}'));
        let shared = item["parameters"].as_array().cloned().unwrap_or_default();
        let of_path = shared.iter().filter(|one| one["in"] == "path");
        let of_path: Vec<_> = of_path.map(|one| one["name"].as_str().unwrap()).collect();
        if !braces.eq(of_path.iter().copied()) {
            wrong.push(format!("{path}: its parts are {of_path:?}"));
        }
        for (method, operation) in item.as_object().unwrap().iter().filter(|(name, _)| *name != "parameters") {
            let at = format!("{method} {path}");
            if !METHODS.contains(&method.as_str()) {
                wrong.push(format!("{at}: no method"));
            }
            if !ids.insert(operation["operationId"].to_string()) {
                wrong.push(format!("{at}: its operationId is given twice"));
            }
            operation_of(&mut wrong, document, &at, operation, &shared);
        }
    }
    references(document, document, &mut wrong);
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        schemas(&mut wrong, name, schema);
    }
    wrong
}

/// An object with what it must have and nothing that it may not.
fn only(wrong: &mut Vec<String>, at: &str, value: &Value, required: &[&str], allowed: &[&str]) {
    let Some(members) = value.as_object() else { return wrong.push(format!("{at}: no object")) };
    wrong.extend(required.iter().filter(|name| !members.contains_key(**name)).map(|name| format!("{at}: no {name}")));
    let is_known = |name: &str| required.contains(&name) || allowed.contains(&name) || name.starts_with("x-");
    wrong.extend(members.keys().filter(|name| !is_known(name)).map(|name| format!("{at}: unknown {name}")));
}

fn operation_of(wrong: &mut Vec<String>, document: &Value, at: &str, operation: &Value, shared: &[Value]) {
    let required = ["responses", "operationId", "security", "summary"];
    only(wrong, at, operation, &required, &["parameters", "requestBody", "tags", "description", "deprecated"]);
    let tags = names(&document["tags"]);
    let tagged = operation["tags"].as_array().into_iter().flatten();
    wrong.extend(tagged.filter(|tag| !tags.contains(tag.as_str().unwrap())).map(|tag| format!("{at}: {tag}")));
    let demanded = operation["security"].as_array().unwrap().iter().flat_map(|one| one.as_object().unwrap().keys());
    let schemes = &document["components"]["securitySchemes"];
    wrong.extend(
        demanded.filter(|scheme| schemes[scheme.as_str()].is_null()).map(|scheme| format!("{at}: no {scheme}")),
    );
    let mut places = BTreeSet::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten().chain(shared) {
        let parameter = resolved(document, parameter);
        let more = ["required", "description", "style", "explode", "example", "examples"];
        only(wrong, at, parameter, &["name", "in", "schema"], &more);
        if !["path", "query", "header", "cookie"].contains(&parameter["in"].as_str().unwrap()) {
            wrong.push(format!("{at}: {parameter}"));
        }
        if parameter["in"] == "path" && parameter["required"] != true {
            wrong.push(format!("{at}: a part of the path must be required"));
        }
        if !places.insert(format!("{} {}", parameter["in"], parameter["name"])) {
            wrong.push(format!("{at}: {} is given twice", parameter["name"]));
        }
    }
    if let Some(body) = operation.get("requestBody") {
        only(wrong, at, body, &["content"], &["required", "description"]);
        media(wrong, at, &body["content"]);
    }
    let responses = operation["responses"].as_object().unwrap();
    if !responses.keys().any(|status| status.starts_with('2')) || !responses.contains_key("default") {
        wrong.push(format!("{at}: success and refusal must be told"));
    }
    for (status, response) in responses {
        if status != "default" && (status.len() != 3 || status.parse::<u16>().is_err()) {
            wrong.push(format!("{at}: {status}"));
        }
        let response = resolved(document, response);
        only(wrong, at, response, &["description"], &["content", "headers", "links"]);
        if let Some(content) = response.get("content") {
            media(wrong, at, content);
        }
    }
}

fn names(list: &Value) -> BTreeSet<&str> {
    list.as_array().into_iter().flatten().map(|one| one["name"].as_str().unwrap()).collect()
}

fn media(wrong: &mut Vec<String>, at: &str, content: &Value) {
    let content = content.as_object().unwrap();
    if content.is_empty() {
        wrong.push(format!("{at}: an empty content"));
    }
    for (kind, media) in content {
        if kind.split('/').count() != 2 || media["schema"].is_null() {
            wrong.push(format!("{at}: {kind}"));
        }
    }
}

fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    value["$ref"].as_str().map_or(value, |to| document.pointer(to.trim_start_matches('#')).unwrap_or(&Value::Null))
}

/// Every reference leads somewhere within the document.
fn references(document: &Value, value: &Value, wrong: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let Some(to) = members.get("$ref").and_then(Value::as_str)
                && to.strip_prefix('#').and_then(|to| document.pointer(to)).is_none()
            {
                wrong.push(format!("{to} leads nowhere"));
            }
            members.values().for_each(|value| references(document, value, wrong));
        }
        Value::Array(items) => items.iter().for_each(|value| references(document, value, wrong)),
        _ => {}
    }
}

/// The keywords of JSON Schema that are used, each with a value of its kind.
fn schemas(wrong: &mut Vec<String>, at: &str, schema: &Value) {
    for (keyword, value) in schema.as_object().unwrap() {
        let is_good = match keyword.as_str() {
            "type" => {
                ["object", "array", "string", "integer", "number", "boolean", "null"].iter().any(|kind| value == kind)
            }
            "properties" => value.as_object().is_some(),
            "required" | "enum" => value.as_array().is_some_and(|values| !values.is_empty()),
            "items" | "additionalProperties" | "externalDocs" => value.is_object(),
            "const" | "pattern" | "format" => value.is_string(),
            "minItems" | "minimum" => value.is_u64(),
            _ => false,
        };
        if !is_good {
            wrong.push(format!("{at}: {keyword}"));
        }
        match keyword.as_str() {
            "properties" => value.as_object().unwrap().values().for_each(|one| schemas(wrong, at, one)),
            "items" | "additionalProperties" => schemas(wrong, at, value),
            _ => {}
        }
    }
}

#[test]
fn the_document_is_open_api_and_has_every_route_and_no_other() {
    block_on(async {
        let server = TestServer::start().await;
        let answer = server.certificate("cabinet").get("/fhir/openapi.json").await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
        let document = answer.json();
        assert_eq!(wrong(&document), [""; 0]);
        assert_eq!(document["servers"][0]["url"], server.origin);
        let told: BTreeSet<(String, String)> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, item)| {
                let methods = item.as_object().unwrap().keys().filter(|name| *name != "parameters");
                methods.map(|method| (method.to_uppercase(), path.clone())).collect::<Vec<_>>()
            })
            .collect();
        let served = ROUTES
            .iter()
            .chain(OPERATION_ROUTES)
            .chain(DEV_ROUTES)
            .chain(resource_routes())
            .flat_map(|routed| routed.methods.iter().map(|method| ((*method).to_owned(), routed.path.to_string())));
        assert_eq!(told, served.collect::<BTreeSet<_>>());
        // Whoever comes without a token is refused where the document asks for one, and nowhere else.
        for (method, path, needs_token) in endpoint_coverage::tokens_asked_for() {
            let operation = &document["paths"][path][method.to_lowercase()];
            let asks = operation["security"][0]["bearer"].is_array();
            assert_eq!(asks, needs_token, "{method} {path}");
            assert!(operation["security"][0]["mutualTLS"].is_array(), "{method} {path}");
            let summary = operation["summary"].as_str().unwrap();
            assert_ne!(summary, "A route of this server", "{method} {path} is not told");
        }
        let search = &document["paths"]["/fhir/DocumentReference"]["get"]["parameters"];
        for name in ["patient.identifier", "status", "facility", "_count"] {
            assert!(search.as_array().unwrap().iter().any(|one| one["name"] == name), "{name}");
        }
        let refusal = &document["components"]["responses"]["Refusal"]["content"]["application/fhir+json"]["examples"];
        assert_eq!(super::faults(&refusal["login"]["value"]), []);
    });
}

#[test]
fn what_is_wrong_with_a_document_is_found() {
    let good = json!({
        "openapi": "3.1.0",
        "info": {"title": "x", "version": "1"},
        "tags": [{"name": "t"}],
        "paths": {"/a/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}],
            "get": {
                "operationId": "a", "summary": "a", "tags": ["t"], "security": [{"mutualTLS": []}],
                "parameters": [{"name": "q", "in": "query", "schema": {"type": "string"}}],
                "responses": {
                    "200": {"description": "x", "content": {"a/b": {"schema": {"$ref": "#/components/schemas/S"}}}},
                    "default": {"description": "x"},
                },
            },
        }},
        "components": {"securitySchemes": {"mutualTLS": {"type": "mutualTLS"}}, "schemas": {"S": {"type": "object"}}},
    });
    assert_eq!(wrong(&good), [""; 0]);
    for (pointer, value) in [
        ("/openapi", json!("3.0.3")),
        ("/info", json!({"title": "x"})),
        ("/paths/~1a~1{id}/parameters", json!([])),
        ("/paths/~1a~1{id}/parameters/0/required", json!(false)),
        ("/paths/~1a~1{id}/get/parameters/0/in", json!("body")),
        ("/paths/~1a~1{id}/get/parameters/0", json!({"name": "q", "in": "query"})),
        ("/paths/~1a~1{id}/get/security/0", json!({"bearer": []})),
        ("/paths/~1a~1{id}/get/tags/0", json!("other")),
        ("/paths/~1a~1{id}/get/responses", json!({"200": {"description": "x"}})),
        ("/paths/~1a~1{id}/get/responses/default", json!({})),
        ("/paths/~1a~1{id}/get/responses/200/content", json!({})),
        ("/paths/~1a~1{id}/get/responses/200/content/a~1b/schema", json!({"$ref": "#/components/schemas/T"})),
        ("/components/schemas/S/type", json!("text")),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        assert!(!wrong(&bad).is_empty(), "{pointer}");
    }
}

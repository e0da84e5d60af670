//! What a call takes: the parts of its path, its query, its body (OpenAPI 3.1 §4.8.12, §4.8.13).

use serde_json::{Map, Value, json};

use super::{Call, Meaning};
use crate::fhir::operation::{Arguments, Operation};
use crate::fhir::patch::Form;
use crate::fhir::search::RESULT_PARAMETERS;

/// The parts of a path that vary.
pub(super) fn of_path(path: &str) -> Vec<Value> {
    let named = path.split('/').filter_map(|step| step.strip_prefix('{')?.strip_suffix('}'));
    let named = named.map(|name| {
        json!({"name": name, "in": "path", "required": true, "schema": { "$ref": format!("#/components/schemas/{name}") }})
    });
    named.collect()
}

/// What stands in the query, and in headers.
pub(super) fn parameters(call: &Call<'_>, statement: &Value) -> Vec<Value> {
    let mut parameters: Vec<Value> = match call.meaning {
        Meaning::Interaction(kind, "search-type") if call.method == "GET" => in_query(searched(kind, statement)),
        Meaning::Interaction("DocumentReference", "patch") if !call.path.ends_with("{id}") => ["identifier", "patient"]
            .iter()
            .map(|name| json!({"name": name, "in": "query", "required": *name == "identifier", "schema": {"type": "string"}}))
            .collect(),
        Meaning::Interaction(kind, "patch" | "update" | "delete") if !call.path.ends_with("{id}") => {
            in_query(searched(kind, statement))
        }
        Meaning::System("search-system") if call.method == "GET" => in_query(searched_together()),
        Meaning::Interaction(_, "history-instance" | "history-type") | Meaning::System("history-system") => ["_count", "_since"]
            .iter()
            .map(|name| json!({"name": name, "in": "query", "schema": {"type": "string"}}))
            .collect(),
        Meaning::Operation(_, operation) if call.method == "GET" => asked(operation),
        _ => Vec::new(),
    };
    if matches!(call.meaning, Meaning::Interaction(_, "patch" | "update")) {
        parameters.push(json!({"$ref": "#/components/parameters/If-Match"}));
    }
    if matches!(call.meaning, Meaning::Interaction(_, "read")) {
        parameters.push(json!({"$ref": "#/components/parameters/If-None-Match"}));
    }
    if call.path.starts_with("/fhir") {
        parameters.push(json!({"$ref": "#/components/parameters/Accept-Language"}));
        parameters.push(json!({"$ref": "#/components/parameters/X-Request-Id"}));
    }
    parameters
}

fn in_query(named: Vec<(String, Value)>) -> Vec<Value> {
    let query = named
        .into_iter()
        .map(|(name, schema)| json!({"name": name, "in": "query", "schema": schema, "explode": true, "style": "form"}));
    query.collect()
}

/// What a search of several types may say.
fn searched_together() -> Vec<(String, Value)> {
    let names = ["_id", "_lastUpdated", "_type"].into_iter().chain(RESULT_PARAMETERS);
    names.map(|name| (name.to_owned(), json!({"type": "array", "items": {"type": "string"}}))).collect()
}

/// The search parameters that the statement declares for a type, and those of the result.
fn searched(kind: &str, statement: &Value) -> Vec<(String, Value)> {
    let resources = statement.pointer("/rest/0/resource").and_then(Value::as_array);
    let of_kind = resources.into_iter().flatten().find(|one| one.get("type").and_then(Value::as_str) == Some(kind));
    let declared = of_kind.and_then(|one| one.get("searchParam")?.as_array()).into_iter().flatten();
    let many = json!({"type": "array", "items": {"type": "string"}});
    let mut all: Vec<(String, Value)> = Vec::new();
    for name in declared.filter_map(|parameter| parameter.get("name")?.as_str()).chain(RESULT_PARAMETERS) {
        if !all.iter().any(|(known, _)| known == name) {
            all.push((name.to_owned(), many.clone()));
        }
    }
    all
}

/// The parameters of an operation that a query can carry.
fn asked(operation: &Operation) -> Vec<Value> {
    let simple = operation.takes().filter(|parameter| Arguments::fits_query(parameter.kind));
    let named = simple.map(|parameter| {
        let kind = match parameter.kind {
            "boolean" => json!({"type": "boolean"}),
            "integer" => json!({"type": "integer", "minimum": 0}),
            "uri" => json!({"type": "string", "format": "uri-reference"}),
            _ => json!({"type": "string"}),
        };
        let schema = if parameter.is_many { json!({"type": "array", "items": kind}) } else { kind };
        json!({
            "name": parameter.name, "in": "query", "required": parameter.is_required,
            "description": parameter.documentation, "schema": schema,
        })
    });
    named.collect()
}

/// The media types of FHIR that the statement declares.
pub(super) fn formats(statement: &Value) -> Vec<&str> {
    let declared = statement.get("format").and_then(Value::as_array).into_iter().flatten();
    declared.filter_map(Value::as_str).filter(|format| format.contains('/')).collect()
}

/// The body of a call, if it has one.
pub(super) fn body(call: &Call<'_>, statement: &Value) -> Option<Value> {
    let of_fhir = |kind: &str, example: Option<Value>| {
        let content = formats(statement).into_iter().map(|format| {
            let mut media = json!({"schema": { "$ref": format!("#/components/schemas/{kind}") }});
            if let (Some(members), Some(example), true) = (media.as_object_mut(), &example, format.ends_with("json")) {
                members.insert("example".to_owned(), example.clone());
            }
            (format.to_owned(), media)
        });
        content.collect::<Map<String, Value>>()
    };
    let content = match call.meaning {
        Meaning::System("transaction") => of_fhir("Bundle", None),
        Meaning::System("search-system") if call.method == "POST" => {
            let properties = searched_together().into_iter().collect::<Map<String, Value>>();
            form(&json!({"type": "object", "properties": properties}))
        }
        Meaning::Interaction(kind, "create" | "update") => of_fhir(kind, None),
        Meaning::Interaction(_, "patch") => patches(statement),
        Meaning::Interaction(kind, "search-type") if call.method == "POST" => {
            let properties = searched(kind, statement).into_iter().collect::<Map<String, Value>>();
            form(&json!({"type": "object", "properties": properties}))
        }
        Meaning::Operation(_, operation) if call.method == "POST" => of_fhir("Parameters", Some(example(operation))),
        Meaning::Other if call.method == "POST" => {
            form(&json!({"$ref": format!("#/components/schemas/{}", form_of(call.path))}))
        }
        _ => return None,
    };
    Some(json!({ "required": true, "content": content }))
}

/// The schema of a form that is no search.
fn form_of(path: &str) -> &'static str {
    match path {
        "/oauth2/token" => "TokenRequest",
        "/oauth2/introspect" => "IntrospectionRequest",
        _ => "Form",
    }
}

fn form(schema: &Value) -> Map<String, Value> {
    let media = json!({ "schema": schema });
    std::iter::once(("application/x-www-form-urlencoded".to_owned(), media)).collect()
}

fn patches(statement: &Value) -> Map<String, Value> {
    let own = Form::ALL.iter().filter(|form| !matches!(form, Form::FhirPath | Form::FhirPathXml)).map(|form| {
        let schema = match form {
            Form::Json => json!({"type": "array", "items": {"type": "object"}}),
            Form::Xml => json!({"type": "string"}),
            Form::FhirPath | Form::FhirPathXml | Form::Merge => json!({"type": "object"}),
        };
        let example = json!([{"op": "replace", "path": "/status", "value": "superseded"}]);
        let media =
            if *form == Form::Json { json!({"schema": schema, "example": example}) } else { json!({"schema": schema}) };
        (form.media_type().to_owned(), media)
    });
    let fhir = formats(statement)
        .into_iter()
        .map(|format| (format.to_owned(), json!({"schema": {"$ref": "#/components/schemas/Parameters"}})));
    own.chain(fhir).collect()
}

/// A request that each operation takes.
fn example(operation: &Operation) -> Value {
    let parameter = match operation.name {
        "lookup" => json!([
            {"name": "system", "valueUri": "http://loinc.org"},
            {"name": "code", "valueCode": "11502-2"},
        ]),
        "expand" => json!([{"name": "url", "valueUri": JDV_J66}, {"name": "filter", "valueString": "biologie"}]),
        "validate-code" if operation.kind == "CodeSystem" => json!([
            {"name": "url", "valueUri": "http://loinc.org"},
            {"name": "code", "valueCode": "11502-2"},
        ]),
        "validate-code" => json!([
            {"name": "url", "valueUri": JDV_J66},
            {"name": "coding", "valueCoding": {"system": "http://loinc.org", "code": "11502-2"}},
        ]),
        "generate-metadata" => json!([{
            "name": "document",
            "resource": {"resourceType": "Binary", "contentType": "text/xml", "data": "PENsaW5pY2FsRG9jdW1lbnQvPg=="},
        }]),
        _ => return json!({"resourceType": "Parameters"}),
    };
    json!({"resourceType": "Parameters", "parameter": parameter})
}

const JDV_J66: &str = "https://mos.esante.gouv.fr/NOS/JDV_J66-TypeCode-DMP/FHIR/JDV-J66-TypeCode-DMP";

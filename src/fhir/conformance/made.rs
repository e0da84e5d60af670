//! Definitions made of our tables (R4 `valueset.html`, `codesystem.html`, `searchparameter.html`).

use serde_json::{Value, json};

use crate::fhir::definition;
use crate::fhir::search::{Kind, Parameter};
use crate::fhir::terminology::{self, code};

/// The name of a definition for machines: what R4 asks of one (`vsd-0`).
pub(super) fn name_of(text: &str) -> String {
    let name: String = text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if name.starts_with(|c: char| c.is_ascii_uppercase()) { name } else { format!("N_{name}") }
}

fn identified(urn: Option<&str>) -> Value {
    urn.into_iter().map(|urn| json!({"system": "urn:ietf:rfc:3986", "value": urn})).collect()
}

/// Codes by their systems, in order.
fn included<'a>(codes: impl Iterator<Item = (&'a str, &'a str, Option<&'a str>)>) -> Value {
    let mut by_system: Vec<(&str, Vec<Value>)> = Vec::new();
    for (system, code, display) in codes {
        let concept = match display {
            Some(display) => json!({"code": code, "display": display}),
            None => json!({"code": code}),
        };
        match by_system.iter_mut().find(|(known, _)| *known == system) {
            Some((_, concepts)) => concepts.push(concept),
            None => by_system.push((system, vec![concept])),
        }
    }
    by_system.into_iter().map(|(system, concept)| json!({"system": system, "concept": concept})).collect()
}

fn set(id: &str, url: &str, name: &str, urn: Option<&str>, include: &Value) -> Value {
    let mut set = json!({"resourceType": "ValueSet", "id": id, "url": url, "name": name_of(name), "title": name,
        "status": "active", "compose": {"include": include}});
    if let (Some(map), Some(urn)) = (set.as_object_mut(), urn) {
        map.insert("identifier".to_owned(), identified(Some(urn)));
    }
    set
}

/// A set of the CI-SIS or the DMP.
pub(super) fn french_set(known: &terminology::ValueSet, id: &str) -> Value {
    let urn = (!known.oid.is_empty()).then(|| format!("urn:oid:{}", known.oid));
    let codes = known.codings().map(|coding| (coding.system, coding.code, Some(coding.display)));
    set(id, known.url, known.name, urn.as_deref(), &included(codes))
}

/// A set of R4's own bindings.
pub(super) fn r4_set(known: definition::ValueSet, id: &str) -> Value {
    set(id, known.url(), id, None, &included(known.codings().map(|(system, code)| (system, code, None))))
}

/// A code system, as far as the French tables use it.
pub(super) fn french_system(system: &str, id: &str) -> Value {
    let concepts = terminology::codes_of(system).map(|coding| json!({"code": coding.code, "display": coding.display}));
    let mut made = json!({"resourceType": "CodeSystem", "id": id, "url": system, "name": name_of(id), "title": id,
        "status": "active", "caseSensitive": true, "content": "fragment", "concept": concepts.collect::<Vec<_>>()});
    let oid = code::oid_of(system).or(Some(system).filter(|system| system.starts_with("urn:oid:")));
    if let (Some(map), Some(urn)) = (made.as_object_mut(), oid) {
        map.insert("identifier".to_owned(), identified(Some(urn)));
    }
    made
}

/// A search parameter, of every type that is served it.
pub(super) fn search_parameter(all: &[&Parameter], id: &str) -> Value {
    let Some(first) = all.first() else { return Value::Null };
    let base: Vec<&str> = all.iter().map(|parameter| parameter.resource).collect();
    let mut made = json!({"resourceType": "SearchParameter", "id": id, "url": first.url,
        "name": name_of(first.code), "status": "active", "description": format!("{} ({})", first.code, first.source),
        "code": first.code, "base": base, "type": type_of(first.kind)});
    let Some(map) = made.as_object_mut() else { return made };
    let expressions: Vec<String> =
        all.iter().map(|one| one.expression.replace("[x]", "")).filter(|text| !text.is_empty()).collect();
    if !expressions.is_empty() {
        map.insert("expression".to_owned(), expressions.join(" | ").into());
    }
    if !first.targets.is_empty() && !first.targets.contains(&"Resource") {
        map.insert("target".to_owned(), json!(first.targets));
    }
    made
}

const fn type_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Composite => "composite",
        Kind::Date => "date",
        Kind::Number => "number",
        Kind::Quantity => "quantity",
        Kind::Reference => "reference",
        Kind::Special => "special",
        Kind::String => "string",
        Kind::Token => "token",
        Kind::Uri => "uri",
    }
}

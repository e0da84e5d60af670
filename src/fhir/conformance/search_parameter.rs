//! A search parameter as a SearchParameter (R4 `searchparameter.html`): the rows of one canonical URL.

use serde_json::{Map, Value, json};

use super::{DATE, Head, R4};
use crate::fhir::search::{Kind, Parameter};
use crate::fhir::terminology::{Origin, machine_name};

/// The resource of the rows that share a URL; none where there is no row.
pub fn resource(rows: &[&Parameter]) -> Option<Value> {
    let first = rows.first()?;
    let is_r4 = first.source == "R4";
    let head = Head {
        kind: "SearchParameter",
        url: first.url,
        version: if is_r4 { R4 } else { "" },
        name: &machine_name(first.code),
        title: "",
        origin: if is_r4 { Origin::R4 } else { Origin::Operator },
    };
    let mut members = head.resource();
    let bases = each(rows.iter().map(|row| row.resource));
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("date", json!(if is_r4 { super::R4_DATE } else { DATE }));
    put("publisher", json!(if is_r4 { "HL7" } else { first.source }));
    put("description", json!(format!("{} of {}", first.code, bases.join(", "))));
    put("code", json!(first.code));
    put("base", json!(bases));
    put("type", json!(first.kind.code()));
    let expressions = each(rows.iter().map(|row| row.expression).filter(|expression| !expression.is_empty()));
    if !expressions.is_empty() {
        put("expression", json!(expressions.join(" | ")));
    }
    let targets = each(rows.iter().flat_map(|row| row.targets.iter().copied()));
    if first.kind == Kind::Reference && !targets.is_empty() {
        put("target", json!(targets));
    }
    Some(Value::Object(members))
}

/// Without what is long: it is found by these.
pub fn head(resource: &Value) -> Value {
    const HEAD: [&str; 8] = ["resourceType", "url", "version", "name", "title", "status", "date", "publisher"];
    let kept = HEAD.iter().filter_map(|name| Some(((*name).to_owned(), resource.get(*name)?.clone())));
    Value::Object(kept.collect::<Map<String, Value>>())
}

fn each<'a>(values: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut all: Vec<&str> = Vec::new();
    for value in values {
        if !all.contains(&value) {
            all.push(value);
        }
    }
    all
}

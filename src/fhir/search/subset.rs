//! Parts of a resource: `_summary` and `_elements` (R4 search §summary, §elements).

use serde_json::{Map, Value, json};

use super::plan::Summary;

/// What of a type stays in a part of it.
struct Parts {
    kind: &'static str,
    /// Elements marked Σ in R4, beside those of every resource.
    summary: &'static [&'static str],
    /// Elements without which the resource would not be one, or whose meaning the others hang on.
    mandatory: &'static [&'static str],
}

const PARTS: [Parts; 2] = [
    Parts {
        kind: "DocumentReference",
        summary: &[
            "masterIdentifier",
            "identifier",
            "status",
            "docStatus",
            "type",
            "category",
            "subject",
            "date",
            "author",
            "relatesTo",
            "description",
            "securityLabel",
            "content",
            "context",
        ],
        mandatory: &["status", "relatesTo", "content"],
    },
    Parts {
        kind: "List",
        summary: &["status", "mode", "title", "code", "subject", "date", "source"],
        mandatory: &["status", "mode"],
    },
];

/// Elements of every resource that stay in whatever part.
const COMMON: [&str; 4] = ["resourceType", "id", "meta", "implicitRules"];

/// The part of a resource that a search asks for, tagged as one; the whole where it asks for no part.
/// Contained resources stay where an element that stays points to them.
pub fn subset(resource: Value, summary: Summary, elements: &[String]) -> Value {
    let Value::Object(members) = resource else { return resource };
    let kind = members.get("resourceType").and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some(parts) = PARTS.iter().find(|parts| parts.kind == kind) else { return Value::Object(members) };
    let asks_elements = !elements.is_empty();
    if summary == Summary::Whole && !asks_elements {
        return Value::Object(members);
    }
    let stays = |name: &str| {
        // `_status` holds what is said about `status`.
        let name = name.strip_prefix('_').unwrap_or(name);
        let is_mandatory = COMMON.contains(&name) || name == "modifierExtension" || parts.mandatory.contains(&name);
        is_mandatory
            || match summary {
                Summary::Whole => elements.iter().any(|element| element == name),
                Summary::Summary | Summary::Count => parts.summary.contains(&name),
                Summary::Text => name == "text",
                Summary::Data => name != "text" && (!asks_elements || elements.iter().any(|element| element == name)),
            }
    };
    let (mut kept, mut rest): (Map<_, _>, Map<_, _>) = members.into_iter().partition(|(name, _)| stays(name));
    if let Some(contained) = rest.remove("contained") {
        let contained = reachable(contained, &kept);
        if !contained.is_empty() {
            kept.insert("contained".to_owned(), Value::Array(contained));
        }
    }
    tag(&mut kept);
    Value::Object(kept)
}

/// The contained resources that what is kept leads to.
fn reachable(contained: Value, kept: &Map<String, Value>) -> Vec<Value> {
    let Value::Array(mut left) = contained else { return Vec::new() };
    let mut wanted = Vec::new();
    kept.values().for_each(|member| references(member, &mut wanted));
    let mut reached = Vec::new();
    loop {
        let is_wanted = |resource: &Value| {
            let id = resource.get("id").and_then(Value::as_str);
            id.is_some_and(|id| wanted.iter().any(|wanted| wanted == id))
        };
        let (found, others): (Vec<_>, Vec<_>) = left.into_iter().partition(is_wanted);
        if found.is_empty() {
            return reached;
        }
        for resource in &found {
            references(resource, &mut wanted);
        }
        reached.extend(found);
        left = others;
    }
}

/// The ids of contained resources that references name.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if name == "reference" => {
                        found.extend(text.strip_prefix('#').map(str::to_owned));
                    }
                    other => references(other, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// Says in `meta.tag` that this is a part.
fn tag(members: &mut Map<String, Value>) {
    let tag = json!({
        "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
        "code": "SUBSETTED",
    });
    let meta = members.entry("meta").or_insert_with(|| json!({}));
    let Some(meta) = meta.as_object_mut() else { return };
    match meta.get_mut("tag").and_then(Value::as_array_mut) {
        Some(tags) => tags.push(tag),
        None => {
            meta.insert("tag".to_owned(), json!([tag]));
        }
    }
}

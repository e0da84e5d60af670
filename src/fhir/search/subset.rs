//! Parts of a resource: `_summary` and `_elements` (R4 search §summary, §elements).

use serde_json::{Map, Value, json};

use super::plan::Summary;
use super::reference;
use crate::fhir::definition::{Element, Kind, Property, Type};

/// What of a resource is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// `_summary`.
    pub summary: Summary,
    /// `_elements`: names of elements of the resource itself; none: all.
    pub elements: Vec<String>,
}

impl Part {
    /// All of it.
    pub const WHOLE: Self = Self { summary: Summary::Whole, elements: Vec::new() };

    /// Whether all of it is asked for.
    pub fn is_whole(&self) -> bool {
        self.summary == Summary::Whole && self.elements.is_empty()
    }

    /// That part of a resource.
    pub fn of(&self, resource: Value) -> Value {
        subset(resource, self.summary, &self.elements)
    }
}

/// The value of `_summary`.
pub fn summary(value: &str) -> Option<Summary> {
    Some(match value {
        "true" => Summary::Summary,
        "false" => Summary::Whole,
        "text" => Summary::Text,
        "data" => Summary::Data,
        "count" => Summary::Count,
        _ => return None,
    })
}

/// The value of `_elements`: names, the type before them or not.
pub fn elements(value: &str) -> Option<Vec<String>> {
    let names: Vec<&str> = value.split(',').map(|name| name.rsplit('.').next().unwrap_or(name)).collect();
    names.iter().all(|name| reference::is_id(name)).then(|| names.into_iter().map(str::to_owned).collect())
}

/// The part of a resource that is asked for, tagged as one; the whole where no part is.
/// What must be there, what changes the meaning of the rest, and contained resources that an element
/// points to stay whatever is asked.
pub fn subset(resource: Value, summary: Summary, elements: &[String]) -> Value {
    let Value::Object(members) = resource else { return resource };
    let kind = members.get("resourceType").and_then(Value::as_str).and_then(Type::resource);
    let asks_elements = !elements.is_empty();
    let Some(kind) = kind.filter(|_| summary != Summary::Whole || asks_elements) else { return Value::Object(members) };
    let stays = |name: &str| {
        // `_status` holds what is said about `status`.
        let name = name.strip_prefix('_').unwrap_or(name);
        let element = kind.property(name).and_then(Property::element);
        let is_named = || elements.iter().any(|asked| asked == name || is_choice_of(element, asked));
        matches!(name, "resourceType" | "id" | "meta")
            || element.is_some_and(|element| element.is_required() || element.is_modifier())
            || match summary {
                Summary::Whole => is_named(),
                Summary::Summary | Summary::Count => element.is_some_and(Element::is_summary),
                Summary::Text => name == "text",
                Summary::Data => name != "text" && (!asks_elements || is_named()),
            }
    };
    let (mut kept, mut rest): (Map<_, _>, Map<_, _>) = members.into_iter().partition(|(name, _)| stays(name));
    if matches!(summary, Summary::Summary | Summary::Count) {
        for (name, value) in &mut kept {
            // The id of what is contained is not what it is found by alone.
            if let Some(of) = kind.property(name).filter(|_| name != "contained").and_then(Property::kind) {
                summarise(value, of);
            }
        }
    }
    // By what is left of the others: nothing is contained that nothing refers to (dom-3).
    if let Some(contained) = rest.remove("contained") {
        let contained = reachable(contained, &kept);
        if !contained.is_empty() {
            kept.insert("contained".to_owned(), Value::Array(contained));
        }
    }
    tag(&mut kept);
    Value::Object(kept)
}

/// Whether `value` is asked for and the element is `value[x]`.
fn is_choice_of(element: Option<Element>, asked: &str) -> bool {
    element.is_some_and(|element| element.name().strip_suffix("[x]") == Some(asked))
}

/// Leaves of an element what a summary holds of it. Types of which R4 marks nothing stay whole: an extension
/// is not one without its value.
fn summarise(value: &mut Value, kind: Type) {
    if matches!(kind.kind(), Kind::Primitive(_) | Kind::Abstract) || !kind.own_elements().any(Element::is_summary) {
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| summarise(item, kind)),
        Value::Object(members) => {
            members.retain(|name, _| {
                let name = name.strip_prefix('_').unwrap_or(name);
                let element = kind.property(name).and_then(Property::element);
                name == "id"
                    || element
                        .is_some_and(|element| element.is_summary() || element.is_required() || element.is_modifier())
            });
            for (name, member) in members {
                if let Some(of) = kind.property(name).and_then(Property::kind) {
                    summarise(member, of);
                }
            }
        }
        _ => {}
    }
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
        Some(tags) if tags.contains(&tag) => {}
        Some(tags) => tags.push(tag),
        None => {
            meta.insert("tag".to_owned(), json!([tag]));
        }
    }
}

//! A type of R4 as a StructureDefinition (R4 `structuredefinition.html`): what it adds to its base, as
//! the tables that validate have it.

use serde_json::{Map, Value, json};

use super::{Head, R4};
use crate::fhir::definition::{Binding, Element, Kind, Type};
use crate::fhir::terminology::Origin;

/// Where R4's own definitions live.
pub(super) const CORE: &str = "http://hl7.org/fhir/StructureDefinition/";
/// Backbones are nested no deeper.
const DEEPEST: usize = 16;

/// Without its elements.
pub fn head(kind: Type) -> Value {
    let url = format!("{CORE}{}", kind.name());
    let head =
        Head { kind: "StructureDefinition", url: &url, version: R4, name: kind.name(), title: "", origin: Origin::R4 };
    Value::Object(head.resource())
}

/// With them.
pub fn resource(kind: Type) -> Value {
    let mut resource = head(kind);
    let mut elements = vec![json!({"id": kind.name(), "path": kind.name(), "min": 0, "max": "*"})];
    add(kind, kind.name(), &mut elements, DEEPEST);
    let Some(members) = resource.as_object_mut() else { return resource };
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("fhirVersion", json!(R4));
    put("kind", json!(what(kind)));
    put("abstract", json!(kind.kind() == Kind::Abstract));
    put("type", json!(kind.name()));
    if let Some(base) = kind.base() {
        put("baseDefinition", json!(format!("{CORE}{}", base.name())));
        put("derivation", json!("specialization"));
    }
    put("differential", json!({ "element": elements }));
    resource
}

fn what(kind: Type) -> &'static str {
    let is_resource = std::iter::successors(Some(kind), |kind| kind.base()).any(|base| base.name() == "Resource");
    match kind.kind() {
        Kind::Primitive(_) => "primitive-type",
        _ if is_resource => "resource",
        _ => "complex-type",
    }
}

fn add(owner: Type, path: &str, elements: &mut Vec<Value>, depth: usize) {
    if depth == 0 {
        return;
    }
    for element in owner.own_elements() {
        let here = format!("{path}.{}", element.name());
        let mut members = Map::new();
        members.insert("id".to_owned(), json!(here));
        members.insert("path".to_owned(), json!(here));
        members.insert("min".to_owned(), json!(element.min()));
        members.insert("max".to_owned(), json!(element.max().map_or_else(|| "*".to_owned(), |max| max.to_string())));
        let forms: Vec<Type> = forms(owner, element).collect();
        let content = forms.iter().find(|form| form.kind() == Kind::Backbone && form.name() != here);
        if let Some(content) = content {
            members.insert("contentReference".to_owned(), json!(format!("#{}", content.name())));
        } else {
            members.insert("type".to_owned(), Value::Array(forms.iter().map(|form| type_of(*form, element)).collect()));
        }
        match element.binding() {
            Some(Binding::Required(set)) => {
                members.insert("binding".to_owned(), json!({"strength": "required", "valueSet": set.url()}));
            }
            Some(Binding::Extensible(set)) => {
                members.insert("binding".to_owned(), json!({"strength": "extensible", "valueSet": set.url()}));
            }
            None => {}
        }
        elements.push(Value::Object(members));
        if let (None, Some(backbone)) = (content, forms.iter().find(|form| form.kind() == Kind::Backbone)) {
            add(*backbone, &here, elements, depth - 1);
        }
    }
}

/// The types that the value of an element may take.
fn forms(owner: Type, element: Element) -> impl Iterator<Item = Type> {
    let own = owner.own_properties().filter(move |property| property.element() == Some(element));
    own.filter_map(|property| property.kind())
}

fn type_of(form: Type, element: Element) -> Value {
    let code =
        if form.kind() == Kind::Backbone { form.base().map_or("BackboneElement", Type::name) } else { form.name() };
    let targets = element.targets().filter_map(Type::numbered).map(|target| format!("{CORE}{}", target.name()));
    let targets: Vec<String> = if code == "Reference" { targets.collect() } else { Vec::new() };
    if targets.is_empty() { json!({ "code": code }) } else { json!({"code": code, "targetProfile": targets}) }
}

//! A profile as a StructureDefinition (R4 `profiling.html`): a differential of the rules that are held
//! to under the configured mode. What warns, and what only words say, are constraints.

use serde_json::{Map, Value, json};

use super::Head;
use super::structure::CORE;
use crate::fhir::definition::profile::{Constraint, Level, Listed, Profile, Rule, discriminators};
use crate::fhir::definition::{Kind, Type};
use crate::fhir::terminology::{self, Origin};

/// No upper bound.
const MANY: u16 = 0xFFFF;

/// Without its rules.
pub fn head(listed: &Listed) -> Value {
    let head = Head {
        kind: "StructureDefinition",
        url: listed.canonical,
        version: listed.pack,
        name: &terminology::machine_name(listed.canonical),
        title: "",
        origin: if listed.canonical.contains("esante.gouv.fr") { Origin::French } else { Origin::Operator },
    };
    let mut members = head.resource();
    if listed.canonical.starts_with("https://profiles.ihe.net/") {
        members.insert("publisher".to_owned(), json!("IHE"));
    }
    Value::Object(members)
}

/// With them; `level` is the place of the mode among a rule's levels.
pub fn resource(listed: &Listed, profile: Profile, level: usize) -> Value {
    let root = json!({listed.kind: {"id": listed.kind, "path": listed.kind}});
    let elements = root.as_object().cloned().unwrap_or_default();
    let mut differential = Differential { kind: listed.kind, elements, numbered: 0 };
    for rule in profile.rules() {
        let weight = rule.levels.get(level).copied().unwrap_or(Level::None);
        if weight != Level::None {
            differential.add(&rule, weight == Level::Error);
        }
    }
    let mut resource = head(listed);
    let Some(members) = resource.as_object_mut() else { return resource };
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("description", json!(format!("The rules of this profile that are checked here ({})", listed.source)));
    put("fhirVersion", json!(super::R4));
    put("kind", json!("resource"));
    put("abstract", json!(false));
    put("type", json!(listed.kind));
    let base = if listed.parent.is_empty() { format!("{CORE}{}", listed.kind) } else { listed.parent.to_owned() };
    put("baseDefinition", json!(base));
    put("derivation", json!("constraint"));
    let elements: Vec<Value> = differential.elements.into_iter().map(|(_, element)| element).collect();
    put("differential", json!({ "element": elements }));
    resource
}

struct Differential {
    kind: &'static str,
    /// By id, in the order met.
    elements: Map<String, Value>,
    numbered: usize,
}

/// A path of a rule: as id, as path, and the type of what it ends in.
struct Place {
    id: String,
    path: String,
    kind: Option<Type>,
}

impl Differential {
    /// Says something of an element, which is made where it is not there yet.
    fn put(&mut self, place: &Place, name: &str, value: Value) {
        let made = || json!({"id": place.id, "path": place.path});
        let element = self.elements.entry(place.id.clone()).or_insert_with(made);
        if let Some(members) = element.as_object_mut() {
            members.insert(name.to_owned(), value);
        }
    }

    fn says(&self, place: &Place, name: &str) -> Option<&Value> {
        self.elements.get(&place.id)?.get(name)
    }

    /// Walks to the element of a rule, slices opened on the way.
    fn place(&mut self, path: &str) -> Place {
        let mut place = Place { id: self.kind.to_owned(), path: self.kind.to_owned(), kind: Type::named(self.kind) };
        for step in path.split('.').filter(|step| !step.is_empty()) {
            let (name, slice) = step.strip_suffix(']').and_then(|step| step.split_once('[')).unwrap_or((step, ""));
            let property = place.kind.and_then(|kind| kind.property(name));
            let element = property.and_then(|property| property.element()).map_or(name, |element| element.name());
            let (parent_id, parent_path) = (place.id.clone(), place.path.clone());
            place = Place {
                id: format!("{parent_id}.{element}"),
                path: format!("{parent_path}.{element}"),
                kind: property.and_then(|property| property.kind()),
            };
            if !slice.is_empty() {
                if self.says(&place, "slicing").is_none() {
                    self.put(&place, "slicing", slicing(slice));
                }
                place.id = format!("{}:{slice}", place.id);
                self.put(&place, "sliceName", json!(slice));
            }
            if element.ends_with("[x]")
                && let Some(kind) = place.kind
            {
                self.put(&place, "type", json!([{"code": kind.name()}]));
            }
        }
        place
    }

    fn add(&mut self, rule: &Rule, is_error: bool) {
        let place = self.place(rule.path);
        let kind = place.kind.map(Type::name).unwrap_or_default();
        let is_coded = matches!(kind, "Coding" | "CodeableConcept");
        let is_primitive = place.kind.is_some_and(|kind| matches!(kind.kind(), Kind::Primitive(_)));
        match rule.constraint {
            Constraint::Min(min) if is_error => self.put(&place, "min", json!(min)),
            Constraint::Max(max) if is_error => {
                self.put(&place, "max", json!(if max == MANY { "*".to_owned() } else { max.to_string() }));
            }
            Constraint::Fixed(text) if is_error && is_primitive && kind != "boolean" => {
                self.put(&place, &format!("fixed{}", capital(kind)), json!(text));
            }
            Constraint::Pattern(system, code) if is_error && is_coded => {
                let coding = json!({"system": system, "code": code});
                let pattern = if kind == "Coding" { coding } else { json!({ "coding": [coding] }) };
                self.put(&place, &format!("pattern{kind}"), pattern);
            }
            Constraint::Set(file, _) if terminology::value_set_of_file(file).is_some() => {
                let strength = if is_error { "required" } else { "preferred" };
                let set = terminology::value_set_of_file(file);
                self.put(&place, "binding", json!({"strength": strength, "valueSet": set}));
            }
            Constraint::Targets(targets) if is_error => {
                let targets: Vec<String> = targets.split(" | ").map(|target| format!("{CORE}{target}")).collect();
                self.put(&place, "type", json!([{"code": "Reference", "targetProfile": targets}]));
            }
            _ => self.constraint(&place, rule, is_error),
        }
    }

    /// A rule that no element of ElementDefinition says.
    fn constraint(&mut self, place: &Place, rule: &Rule, is_error: bool) {
        self.numbered = self.numbered.saturating_add(1);
        let key: String = rule.rule.chars().map(|letter| if super::is_of_id(letter) { letter } else { '-' }).collect();
        let key: String = key.chars().take(56).collect();
        let constraint = json!({
            "key": format!("{key}.{}", self.numbered),
            "severity": if is_error { "error" } else { "warning" },
            "human": format!("{}: {}", rule.rule, human(rule.constraint)),
        });
        let mut known = self.says(place, "constraint").and_then(Value::as_array).cloned().unwrap_or_default();
        known.push(constraint);
        self.put(place, "constraint", Value::Array(known));
    }
}

fn human(constraint: Constraint) -> String {
    match constraint {
        Constraint::Min(min) => format!("at least {min}"),
        Constraint::Max(max) => format!("at most {max}"),
        Constraint::Fixed(text) => text.to_owned(),
        Constraint::Starts(text) => format!("begins with {text}"),
        Constraint::Codes(codes) => format!("one of {codes}"),
        Constraint::Pattern(system, code) => format!("{system}|{code}"),
        Constraint::Systems(systems) => format!("of one of the systems {systems}"),
        Constraint::Set(name, _) => format!("of {name}"),
        Constraint::Targets(targets) => format!("a reference to {targets}"),
        Constraint::Contained => "a reference to a contained resource".to_owned(),
        Constraint::Pairs(name, _) => format!("type and category by {name}"),
        Constraint::Invariant(name) => name.to_owned(),
    }
}

/// How the members of a slice are told (R4 `profiling.html#discriminator`).
fn slicing(slice: &str) -> Value {
    let told = discriminators(slice).unwrap_or("url=");
    let mut paths: Vec<&str> = told.split(" or ").filter_map(|one| Some(one.split_once('=')?.0)).collect();
    paths.dedup();
    let discriminators =
        paths.iter().map(|path| json!({"type": if *path == "type" { "pattern" } else { "value" }, "path": path}));
    json!({"discriminator": discriminators.collect::<Vec<_>>(), "rules": "open"})
}

fn capital(kind: &str) -> String {
    let (first, rest) = kind.split_at_checked(1).unwrap_or_default();
    format!("{}{rest}", first.to_ascii_uppercase())
}

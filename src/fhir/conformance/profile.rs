//! A profile of our own tables as a StructureDefinition: what it asks, element by element (R4 `structuredefinition.html`).

use serde_json::{Map, Value, json};

use super::made::name_of;
use crate::fhir::definition::profile::{Constraint, Level, Profile, Rule};

const R4: &str = "http://hl7.org/fhir/StructureDefinition/";

/// The differential of a profile: what `ci-sis` holds to, its rules as they weigh there.
pub(super) fn definition(profile: Profile, id: &str) -> Value {
    let kind = profile.kind();
    let mut elements = Elements(Vec::new());
    elements.place(kind, kind);
    for (number, rule) in profile.rules().enumerate() {
        let [_, level, _] = rule.levels;
        if level != Level::None {
            elements.lay(kind, &rule, level, number);
        }
    }
    json!({
        "resourceType": "StructureDefinition", "id": id, "url": profile.canonical(), "name": name_of(id),
        "status": "active", "fhirVersion": "4.0.1", "kind": "resource", "abstract": false, "type": kind,
        "derivation": "constraint", "baseDefinition": format!("{R4}{kind}"),
        "differential": {"element": elements.0},
    })
}

struct Elements(Vec<Map<String, Value>>);

impl Elements {
    /// Where the element of an id stands, made where it is not there yet: after what begins as it does.
    fn place(&mut self, id: &str, path: &str) -> usize {
        let id_of = |element: &Map<String, Value>| element.get("id").and_then(Value::as_str).map(str::to_owned);
        if let Some(known) = self.0.iter().position(|element| id_of(element).as_deref() == Some(id)) {
            return known;
        }
        let above = id.rsplit_once(['.', ':']).map_or(id, |(above, _)| above);
        let is_below = |element: &Map<String, Value>| {
            id_of(element).is_some_and(|known| {
                known == above || known.strip_prefix(above).is_some_and(|rest| rest.starts_with(['.', ':']))
            })
        };
        let place = self.0.iter().rposition(is_below).map_or(self.0.len(), |last| last + 1);
        let element = [("id".to_owned(), Value::from(id)), ("path".to_owned(), Value::from(path))];
        self.0.insert(place, element.into_iter().collect());
        place
    }

    fn set(&mut self, place: usize, name: &str, value: Value) {
        if let Some(element) = self.0.get_mut(place) {
            element.insert(name.to_owned(), value);
        }
    }

    /// The element of a rule's path, `name[slice]` by `name[slice]`.
    fn of(&mut self, kind: &str, path: &str) -> usize {
        let (mut id, mut plain) = (kind.to_owned(), kind.to_owned());
        let mut place = 0;
        for step in path.split('.').filter(|step| !step.is_empty()) {
            let slice = step.strip_suffix(']').and_then(|step| step.split_once('['));
            let name = slice.map_or(step, |(name, _)| name);
            id = format!("{id}.{name}");
            plain = format!("{plain}.{name}");
            place = self.place(&id, &plain);
            if let Some((_, slice)) = slice {
                // Identifiers are told by their types, extensions by their URLs.
                let path = if name == "extension" { "url" } else { "type" };
                let by = json!({"discriminator": [{"type": "value", "path": path}], "rules": "open"});
                self.set(place, "slicing", by);
                id = format!("{id}:{slice}");
                place = self.place(&id, &plain);
                self.set(place, "sliceName", slice.into());
            }
        }
        place
    }

    fn lay(&mut self, kind: &str, rule: &Rule, level: Level, number: usize) {
        let place = self.of(kind, rule.path);
        let is_error = level == Level::Error;
        match rule.constraint {
            Constraint::Min(min) if is_error => self.set(place, "min", min.into()),
            Constraint::Max(max) if is_error => self.set(place, "max", max.to_string().into()),
            Constraint::Set(_, set) => {
                let strength = if is_error { "required" } else { "extensible" };
                self.set(place, "binding", json!({"strength": strength, "valueSet": set.url()}));
            }
            Constraint::Targets(targets) if is_error => {
                let urls: Vec<String> = targets.split(" | ").map(|target| format!("{R4}{target}")).collect();
                self.set(place, "type", json!([{"code": "Reference", "targetProfile": urls}]));
            }
            asked => self.worded(place, asked, rule, is_error, number),
        }
    }

    /// What no field of an ElementDefinition says as heavily as the rule does, in words.
    fn worded(&mut self, place: usize, asked: Constraint, rule: &Rule, is_error: bool, number: usize) {
        let human = match asked {
            Constraint::Min(min) => format!("min {min}"),
            Constraint::Max(max) => format!("max {max}"),
            Constraint::Fixed(text)
            | Constraint::Codes(text)
            | Constraint::Systems(text)
            | Constraint::Targets(text) => text.to_owned(),
            Constraint::Starts(text) => format!("{text}…"),
            Constraint::Pattern(system, code) => format!("{system}|{code}"),
            Constraint::Contained => "contained".to_owned(),
            Constraint::Set(name, _) | Constraint::Pairs(name, _) | Constraint::Invariant(name) => name.to_owned(),
        };
        let constraint = json!({"key": format!("espace-{number}"), "requirements": rule.rule,
            "severity": if is_error { "error" } else { "warning" }, "human": human});
        let known =
            self.0.get_mut(place).and_then(|element| element.get_mut("constraint")).and_then(Value::as_array_mut);
        match known {
            Some(known) => known.push(constraint),
            None => self.set(place, "constraint", json!([constraint])),
        }
    }
}

//! What a profile asks of one element, read from its ElementDefinition (R4 `elementdefinition.html`).

use serde_json::Value;

use super::slicing::{Discriminator, Rules};
use crate::fhir::definition::Type;
use crate::fhir::validate::expression::Expression;

/// Where R4's own types are defined.
pub(in crate::fhir::validate) const R4: &str = "http://hl7.org/fhir/StructureDefinition/";

/// What is asked of an element.
#[derive(Clone, Default)]
pub(super) struct Element {
    pub(super) min: usize,
    /// None: as many as one likes.
    pub(super) max: Option<usize>,
    /// A fixed value, or a pattern.
    pub(super) wanted: Option<Wanted>,
    /// Whether the binding is required, and to which value set.
    pub(super) binding: Option<(bool, String)>,
    /// Codes of the types admitted; empty: those of the base.
    pub(super) types: Vec<String>,
    /// Profiles of the type: one of them must hold.
    pub(super) profiles: Vec<String>,
    /// Profiles a reference's target must hold one of.
    pub(super) targets: Vec<String>,
    /// What tells the slices apart.
    pub(super) discriminators: Vec<Discriminator>,
    /// What may stand beside the slices.
    pub(super) rules: Rules,
    /// Whether the slices stand in the order of the definition.
    pub(super) is_ordered: bool,
    /// Expressions that hold.
    pub(super) constraints: Vec<Constraint>,
    /// A reference to a contained resource.
    pub(super) is_contained: bool,
    /// Most characters of a text.
    pub(super) most_characters: Option<usize>,
    /// Least and greatest value.
    pub(super) bounds: [Option<Value>; 2],
}

/// A value an element must have, or hold.
#[derive(Clone)]
pub(super) struct Wanted {
    pub(super) value: Value,
    pub(super) is_fixed: bool,
}

/// An invariant of the profile.
#[derive(Clone)]
pub(super) struct Constraint {
    pub(super) key: String,
    pub(super) is_warning: bool,
    pub(super) expression: Expression,
    /// What it says for people.
    pub(super) human: String,
}

impl Element {
    /// Lays an ElementDefinition over what is there: what it does not name stays.
    pub(super) fn lay(&mut self, element: &Value) {
        let text = |pointer: &str| element.pointer(pointer).and_then(Value::as_str);
        if let Some(min) = element.get("min").and_then(Value::as_u64) {
            self.min = usize::try_from(min).unwrap_or(usize::MAX);
        }
        if let Some(max) = text("/max") {
            self.max = max.parse().ok();
        }
        for (key, value) in element.as_object().into_iter().flatten() {
            let is_fixed = key.starts_with("fixed");
            if is_fixed || key.starts_with("pattern") {
                self.wanted = Some(Wanted { value: value.clone(), is_fixed });
            } else if key.starts_with("minValue") {
                self.bounds = [Some(value.clone()), self.bounds[1].take()];
            } else if key.starts_with("maxValue") {
                self.bounds = [self.bounds[0].take(), Some(value.clone())];
            }
        }
        if let (Some(strength), Some(set)) = (text("/binding/strength"), text("/binding/valueSet")) {
            let is_told = matches!(strength, "required" | "extensible");
            self.binding = is_told.then(|| (strength == "required", set.to_owned()));
        }
        if let Some(most) = element.get("maxLength").and_then(Value::as_u64) {
            self.most_characters = usize::try_from(most).ok();
        }
        if element.get("type").is_some() {
            self.types(element);
        }
        if let Some(slicing) = element.get("slicing") {
            let listed = slicing.get("discriminator").and_then(Value::as_array).into_iter().flatten();
            self.discriminators = listed.filter_map(Discriminator::read).collect();
            self.rules = Rules::read(slicing.get("rules").and_then(Value::as_str));
            self.is_ordered = slicing.get("ordered").and_then(Value::as_bool).unwrap_or_default();
        }
        for constraint in element.get("constraint").and_then(Value::as_array).into_iter().flatten() {
            self.constraint(constraint);
        }
    }

    /// Whether anything is asked that the type itself may not ask already: what R4 asks of every element of the type
    /// is judged once, with the type.
    pub(super) fn asks(&self) -> bool {
        self.min > 0
            || self.max.is_some()
            || self.wanted.is_some()
            || self.binding.is_some()
            || !self.profiles.is_empty()
            || !self.targets.is_empty()
            || !self.types.is_empty()
            || !self.constraints.is_empty()
            || self.is_contained
            || self.most_characters.is_some()
            || self.bounds.iter().any(Option::is_some)
    }

    fn types(&mut self, element: &Value) {
        let types = || element.get("type").and_then(Value::as_array).into_iter().flatten();
        let words = |kind: &Value, name: &str| -> Vec<String> {
            let words = kind.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
            words.map(str::to_owned).collect()
        };
        self.types = types().filter_map(|kind| kind.get("code")?.as_str().map(str::to_owned)).collect();
        self.profiles = types().flat_map(|kind| words(kind, "profile")).collect();
        // A choice that also takes another type than a reference says nothing of that type's targets.
        self.targets = types().flat_map(|kind| words(kind, "targetProfile")).collect();
        let aggregations: Vec<String> = types().flat_map(|kind| words(kind, "aggregation")).collect();
        self.is_contained = !aggregations.is_empty() && aggregations.iter().all(|way| way == "contained");
    }

    /// R4's own invariants are judged with its types; a key laid again replaces the one before.
    fn constraint(&mut self, constraint: &Value) {
        let text = |name: &str| constraint.get(name).and_then(Value::as_str);
        let is_r4 = |source: &str| source.strip_prefix(R4).is_some_and(|name| Type::named(name).is_some());
        let (Some(key), Some(expression)) = (text("key"), text("expression")) else { return };
        if text("source").is_some_and(is_r4) {
            return;
        }
        let Some(expression) = Expression::compile(expression) else { return };
        self.constraints.retain(|known| known.key != key);
        self.constraints.push(Constraint {
            key: key.to_owned(),
            is_warning: text("severity") == Some("warning"),
            expression,
            human: text("human").unwrap_or_default().to_owned(),
        });
    }
}

impl Wanted {
    /// Whether a value is the fixed one, or holds the pattern.
    pub(super) fn admits(&self, value: &Value) -> bool {
        if self.is_fixed { *value == self.value } else { holds(value, &self.value) }
    }

    /// What was wanted, in short.
    pub(super) fn shown(&self) -> String {
        let coding = self.value.pointer("/coding/0").unwrap_or(&self.value);
        let text = |name: &str| coding.get(name).and_then(Value::as_str);
        match (text("system"), text("code")) {
            (system, Some(code)) => format!("{}|{code}", system.unwrap_or_default()),
            _ => self.value.as_str().map_or_else(|| self.value.to_string(), str::to_owned),
        }
    }
}

/// A pattern: all that it has must be in the value (R4 `elementdefinition.html#pattern`). Displays are not compared.
pub(super) fn holds(value: &Value, pattern: &Value) -> bool {
    match (value, pattern) {
        (Value::Object(value), Value::Object(pattern)) => pattern
            .iter()
            .all(|(name, wanted)| name == "display" || value.get(name).is_some_and(|value| holds(value, wanted))),
        (Value::Array(values), Value::Array(patterns)) => {
            patterns.iter().all(|wanted| values.iter().any(|value| holds(value, wanted)))
        }
        (value, pattern) => value == pattern,
    }
}

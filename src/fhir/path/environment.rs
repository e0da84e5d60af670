//! What an expression may ask of the world around the resource, and how far it may go (FHIR R4 `fhirpath.html` §2.9.4).

use std::cell::Cell;

use serde_json::Value;

use super::item::Item;
use crate::fhir::definition::Type;

/// What lies outside the resource; none of it may reach over a network.
pub trait Outside {
    /// The resource of a reference that neither contained resources nor entries of the bundle answer.
    fn resolve(&self, reference: &str) -> Option<&Value>;
    /// Whether a code, Coding or CodeableConcept is in a value set; `None` where nothing here can tell.
    fn is_member(&self, value_set: &str, coded: &Value) -> Option<bool>;
    /// Whether a resource conforms to a profile; `None` where the profile is not known.
    fn conforms(&self, resource: &Value, profile: &str) -> Option<bool>;
}

/// What an expression is evaluated in.
pub struct Environment<'a> {
    pub(super) resource: &'a Value,
    pub(super) root: &'a Value,
    pub(super) outside: Option<&'a dyn Outside>,
    pub(super) now: Option<jiff::Zoned>,
    pub(super) variables: Vec<(String, Vec<Item<'a>>)>,
    pub(super) is_strict: bool,
    budget: Cell<usize>,
}

/// More steps than any rule or test needs; fewer than a hostile one wants.
const STEPS: usize = 1_000_000;

impl<'a> Environment<'a> {
    /// For a resource that stands by itself.
    pub fn of(resource: &'a Value) -> Self {
        Self {
            resource,
            root: resource,
            outside: None,
            now: None,
            variables: Vec::new(),
            is_strict: false,
            budget: Cell::new(STEPS),
        }
    }

    /// The container of a contained resource, `%rootResource`.
    pub fn within(mut self, root: &'a Value) -> Self {
        self.root = root;
        self
    }

    /// Who answers for what lies outside.
    pub fn outside(mut self, outside: &'a dyn Outside) -> Self {
        self.outside = Some(outside);
        self
    }

    /// The moment that `now()` and `today()` tell; without one they are refused.
    pub fn at(mut self, now: jiff::Zoned) -> Self {
        self.now = Some(now);
        self
    }

    /// Defines `%name`.
    pub fn with(mut self, name: &str, value: &'a Value) -> Self {
        let items = match value {
            Value::Array(items) => items.iter().map(|item| Item::place(item, None)).collect(),
            Value::Null => Vec::new(),
            value => vec![Item::place(value, None)],
        };
        self.variables.push((name.to_owned(), items));
        self
    }

    /// Refuses names that no element has, and casts of several items, instead of answering nothing.
    pub fn strict(mut self) -> Self {
        self.is_strict = true;
        self
    }

    /// How many steps are left to it.
    pub fn with_steps(self, steps: usize) -> Self {
        self.budget.set(steps);
        self
    }

    /// How many steps are left, for the next expression over the same body.
    pub fn steps_left(&self) -> usize {
        self.budget.get()
    }

    /// Takes steps; whether there were enough.
    pub(super) fn spends(&self, steps: usize) -> bool {
        let left = self.budget.get();
        self.budget.set(left.saturating_sub(steps));
        left >= steps
    }
}

/// The type of a resource by its `resourceType`.
pub(super) fn type_of(resource: &Value) -> Option<Type> {
    resource.get("resourceType").and_then(Value::as_str).and_then(Type::resource)
}

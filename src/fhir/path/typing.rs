//! What type an item is of (FHIR R4 `fhirpath.html` §2.9.2; N1 §types).

use super::evaluate::EvaluationError;
use super::item::{Content, Item, Place};
use super::syntax::TypeName;
use crate::fhir::definition::{Kind, Property, Type};

/// The types of the language itself.
const SYSTEM: [&str; 9] = ["Boolean", "Date", "DateTime", "Decimal", "Integer", "Quantity", "String", "Time", "Any"];

/// A type that is asked for.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'n> {
    name: &'n str,
    /// Whether computed values may be meant.
    of_system: bool,
    /// Whether elements may be meant, and of what type.
    of_fhir: Option<Type>,
}

impl<'n> Wanted<'n> {
    /// # Errors
    /// [`EvaluationError::Unknown`] where neither the language nor R4 has such a type.
    pub(super) fn of(name: &'n TypeName) -> Result<Self, EvaluationError> {
        let namespace = name.namespace.as_deref();
        let of_system = namespace != Some("FHIR") && SYSTEM.contains(&name.name.as_str());
        let of_fhir = if namespace == Some("System") { None } else { Type::named(&name.name) };
        if !of_system && of_fhir.is_none() && namespace != Some("System") {
            return Err(EvaluationError::Unknown(name.name.clone()));
        }
        Ok(Self { name: &name.name, of_system, of_fhir })
    }

    /// Whether an item is of the type or of one derived from it.
    pub(super) fn is(self, item: &Item<'_>) -> bool {
        match &item.0 {
            Content::System(_) => self.of_system && (item.type_name().1 == self.name || self.name == "Any"),
            Content::Place(place) => self.of_fhir.is_some_and(|wanted| descends(place, wanted)),
        }
    }

    /// As [`Self::is`], but of primitives the very type.
    pub(super) fn casts(self, item: &Item<'_>) -> bool {
        let is_primitive = |kind: Type| matches!(kind.kind(), Kind::Primitive(_));
        match (&item.0, self.of_fhir) {
            (Content::Place(place), Some(wanted)) if is_primitive(wanted) && place.kind().is_some() => {
                place.kind() == Some(wanted)
            }
            _ => self.is(item),
        }
    }
}

fn descends(place: &Place<'_>, wanted: Type) -> bool {
    match place.kind() {
        Some(kind) => std::iter::successors(Some(kind), |kind| kind.base()).any(|kind| kind == wanted),
        None => untyped(place, wanted),
    }
}

/// What JSON alone tells of a type.
fn untyped(place: &Place<'_>, wanted: Type) -> bool {
    use serde_json::Value;
    match place.value {
        Value::Object(_) => place.resource_type() == Some(wanted.name()),
        Value::String(_) => wanted.name() == "string",
        Value::Bool(_) => wanted.name() == "boolean",
        Value::Number(number) => wanted.name() == if number.as_i64().is_some() { "integer" } else { "decimal" },
        Value::Null | Value::Array(_) => false,
    }
}

/// Whether an element is a resource (or of a data type) of that name, or of one derived from it.
pub(super) fn is_resource_of(place: &Place<'_>, name: &str) -> bool {
    match place.kind() {
        Some(kind) => std::iter::successors(Some(kind), |kind| kind.base()).any(|kind| kind.name() == name),
        None => place.resource_type() == Some(name),
    }
}

/// Whether a type has an element of a name: of a choice, the name without the datatype. What has no type may.
pub(super) fn has_element(kind: Option<Type>, name: &str) -> bool {
    let Some(kind) = kind else { return true };
    let is_named = |element: crate::fhir::definition::Element| {
        let own = element.name();
        own.strip_suffix("[x]").unwrap_or(own) == name
    };
    match kind.property(name).and_then(Property::element) {
        Some(element) => is_named(element),
        None => kind.elements().any(is_named),
    }
}

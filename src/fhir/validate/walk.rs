//! The walk over a resource, element by element, beside the R4 tables (R4 `validation.html`, `json.html`).

use serde_json::{Map, Value};

use super::invariant::{Around, Manner};
use super::path::{Path, shown};
use super::reference::Scope;
use super::{Options, binding, primitive, written};
use crate::error::{Code, Found, Issue};
use crate::fhir::definition::{Element, Kind, Primitive, Property, Type};

/// No more warnings than this are told of one body.
const MOST_WARNINGS: usize = 100;
/// Nor more issues: so many that warnings never keep an error from being told.
const MOST_ISSUES: usize = 200;
/// Deeper than any JSON that was read: a guard for values built otherwise.
const DEEPEST: usize = 160;
/// Steps that expressions may take over one body.
const STEPS: usize = 20_000_000;

pub(super) struct Walk<'v> {
    pub(super) issues: Vec<Issue>,
    pub(super) scope: Scope<'v>,
    /// The resource being walked.
    pub(super) around: Option<Around<'v>>,
    pub(super) manner: Manner,
    /// What is left to expressions, over the whole body.
    pub(super) steps: usize,
    options: Options,
    depth: usize,
    /// The type whose elements are being judged.
    pub(super) kind: Option<Type>,
}

/// Where a resource stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The body itself, a bundle entry, a parameter.
    Free,
    /// In `contained` of another.
    Contained,
}

impl<'v> Walk<'v> {
    pub(super) fn new(options: Options, manner: Manner) -> Self {
        let scope = Scope::default();
        Self { issues: Vec::new(), scope, around: None, manner, steps: STEPS, options, depth: 0, kind: None }
    }

    /// Tells an issue, unless enough were told.
    pub(super) fn tell(&mut self, code: Code, path: &Path<'_>, detail: &str) {
        self.push(Issue::new(code), path, detail);
    }

    pub(super) fn warn(&mut self, code: Code, path: &Path<'_>, detail: &str) {
        self.push(Issue::new(code).warning(), path, detail);
    }

    fn push(&mut self, issue: Issue, path: &Path<'_>, detail: &str) {
        let kind = self.kind;
        self.add_with(issue.is_warning, || {
            let issue = issue.rule("R4").at(path.written()).detail(format!("({detail})"));
            match kind {
                Some(kind) => issue.written(written::of(kind, path.name())),
                None => issue,
            }
        });
    }

    /// Takes an issue, unless enough were told.
    pub(super) fn add(&mut self, issue: Issue) {
        self.add_with(issue.is_warning, || issue);
    }

    fn add_with(&mut self, is_warning: bool, issue: impl FnOnce() -> Issue) {
        if self.issues.len() < if is_warning { MOST_WARNINGS } else { MOST_ISSUES } {
            self.issues.push(issue());
        }
    }

    /// Tells an issue, and what stands in the place of what was expected.
    fn tell_found(&mut self, code: Code, path: &Path<'_>, detail: &str, value: &Value) {
        self.push(Issue::new(code).found(json_kind(value)), path, detail);
    }

    /// A resource that stands by itself.
    pub(super) fn root(&mut self, value: &'v Value) {
        let name =
            value.get("resourceType").and_then(Value::as_str).and_then(Type::resource).map_or("Resource", Type::name);
        self.resource(value, &Path::root(name), Place::Free);
    }

    fn resource(&mut self, value: &'v Value, path: &Path<'_>, place: Place) {
        let Value::Object(map) = value else {
            return self.tell(Code::Element, path, "object");
        };
        let Some(kind) = map.get("resourceType").and_then(Value::as_str) else {
            return self.tell(Code::Missing, &path.child("resourceType"), "1..1");
        };
        let Some(kind) = Type::resource(kind) else {
            return self.tell(Code::Element, &path.child("resourceType"), "R4");
        };
        let around = self.around;
        if place == Place::Contained {
            self.contained(map, path);
            self.around = Some(Around { resource: value, root: around.map_or(value, |around| around.root) });
            self.object(value, map, kind, path);
        } else {
            let outer = self.scope.enter(kind, map);
            self.around = Some(Around { resource: value, root: value });
            self.object(value, map, kind, path);
            self.scope.leave(outer);
        }
        self.around = around;
    }

    /// What holds of a contained resource alone.
    fn contained(&mut self, map: &Map<String, Value>, path: &Path<'_>) {
        if map.contains_key("contained") {
            self.tell(Code::Element, &path.child("contained"), "dom-2");
        }
        match map.get("id").and_then(Value::as_str) {
            None => self.tell(Code::Missing, &path.child("id"), "1..1"),
            Some(id) if self.scope.is_repeated(id) => self.tell(Code::Element, &path.child("id"), "unique"),
            Some(_) => {}
        }
    }

    fn object(&mut self, value: &'v Value, map: &'v Map<String, Value>, kind: Type, path: &Path<'_>) {
        if map.is_empty() {
            return self.tell(Code::Element, path, "ele-1");
        }
        if self.depth > DEEPEST {
            return self.tell(Code::Structure, path, "128");
        }
        self.depth += 1;
        let outer = self.kind.replace(kind);
        let mut seen = 0_u128;
        for (key, value) in map {
            let (name, is_extension) = key.strip_prefix('_').map_or((key.as_str(), false), |name| (name, true));
            let Some(property) = kind.property(name) else {
                if !(key == "resourceType" && kind.kind() == Kind::Resource) {
                    self.tell(Code::Element, &path.child(&shown(key)), kind.name());
                }
                continue;
            };
            let (Some(element), Some(of)) = (property.element(), property.kind()) else { continue };
            if let Some(place) = element.place_in(kind) {
                let bit = 1_u128.checked_shl(u32::from(place)).unwrap_or_default();
                if seen & bit != 0 && has_other_form(map, kind, element, name) {
                    self.tell(Code::Element, &path.child(element.name()), "max 1");
                }
                seen |= bit;
            }
            let here = path.child(element.name());
            if is_extension {
                self.extensions(value, element, of, &here, map.get(name));
            } else {
                let beside = matches!(of.kind(), Kind::Primitive(_)).then(|| beside(map, name)).flatten();
                self.element(value, element, of, &here, beside);
            }
        }
        for (place, element) in (0..).zip(kind.own_elements()) {
            if element.is_required() && seen & 1_u128.checked_shl(place).unwrap_or_default() == 0 {
                let issue = Issue::new(Code::Missing).found(Found::Count(0));
                self.push(issue, &path.child(element.name()), "1..");
            }
        }
        self.invariants(value, kind, path);
        self.kind = outer;
        self.depth -= 1;
    }

    /// The value of an element: one, or an array of them.
    fn element(&mut self, value: &'v Value, element: Element, of: Type, path: &Path<'_>, beside: Option<&'v Value>) {
        match value {
            Value::Array(items) if element.is_array() => {
                if items.is_empty() {
                    self.tell(Code::Element, path, "[]");
                }
                for (index, item) in items.iter().enumerate() {
                    let has_extension = || beside.and_then(|beside| beside.get(index)).is_some_and(Value::is_object);
                    if item.is_null() && matches!(of.kind(), Kind::Primitive(_)) && has_extension() {
                        continue;
                    }
                    self.item(item, element, of, &path.index(index));
                }
            }
            Value::Array(_) => self.tell_found(Code::Element, path, "max 1", value),
            _ if element.is_array() => self.tell_found(Code::Element, path, "[]", value),
            _ => self.item(value, element, of, path),
        }
    }

    fn item(&mut self, value: &'v Value, element: Element, of: Type, path: &Path<'_>) {
        self.element_invariants(value, element, path);
        match (of.kind(), value) {
            (Kind::Primitive(kind), _) => self.primitive(value, kind, element, of, path),
            (Kind::Abstract, _) if of.name() == "Resource" => {
                let place = if element.name() == "contained" { Place::Contained } else { Place::Free };
                self.resource(value, path, place);
            }
            (_, Value::Object(map)) => {
                self.object(value, map, of, path);
                if of.name() == "Reference" {
                    self.reference(map, element, path);
                } else {
                    binding::check(self, value, element, of, path);
                }
            }
            _ => self.tell_found(Code::Element, path, of.name(), value),
        }
    }

    fn primitive(&mut self, value: &Value, kind: Primitive, element: Element, of: Type, path: &Path<'_>) {
        if matches!(value, Value::Object(_) | Value::Array(_) | Value::Null) {
            self.tell_found(Code::Element, path, of.name(), value);
        } else if !primitive::holds(kind, value, self.options) {
            self.tell_found(Code::Datatype, path, of.name(), value);
        } else {
            binding::check(self, value, element, of, path);
        }
    }

    /// What stands under `_name`: id and extensions of a primitive.
    fn extensions(&mut self, value: &'v Value, element: Element, of: Type, path: &Path<'_>, beside: Option<&Value>) {
        let Kind::Primitive(_) = of.kind() else {
            return self.tell(Code::Element, path, "_");
        };
        match value {
            Value::Array(items) if element.is_array() => {
                if items.iter().all(Value::is_null) {
                    self.tell(Code::Element, path, "[]");
                }
                let values = beside.and_then(Value::as_array).map_or(0, Vec::len);
                if values > 0 && items.len() > values {
                    self.tell(Code::Element, path, "_");
                }
                for (index, item) in items.iter().enumerate() {
                    if !item.is_null() {
                        self.extension(item, of, &path.index(index));
                    }
                }
            }
            Value::Array(_) => self.tell(Code::Element, path, "max 1"),
            _ if element.is_array() => self.tell(Code::Element, path, "[]"),
            _ => self.extension(value, of, path),
        }
    }

    fn extension(&mut self, value: &'v Value, of: Type, path: &Path<'_>) {
        // A primitive type has the properties of its bases: id and extension.
        match value {
            Value::Object(map) => self.object(value, map, of, path),
            _ => self.tell(Code::Element, path, "Element"),
        }
    }
}

/// What stands under `_name`.
fn beside<'v>(map: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    // Looked up only where some key of the object can be one: most have none.
    map.keys().any(|key| key.strip_prefix('_') == Some(name)).then(|| map.get(&format!("_{name}"))).flatten()
}

/// Whether an object holds the element in another form than `name`.
fn has_other_form(map: &Map<String, Value>, kind: Type, element: Element, name: &str) -> bool {
    map.keys().any(|key| {
        let key = key.strip_prefix('_').unwrap_or(key);
        key != name && kind.property(key).and_then(Property::element) == Some(element)
    })
}

fn json_kind(value: &Value) -> Found {
    Found::Json(match value {
        Value::Array(_) => "array",
        Value::Bool(_) => "boolean",
        Value::Null => "null",
        Value::Number(_) => "number",
        Value::Object(_) => "object",
        Value::String(_) => "string",
    })
}

//! The items of a collection: elements of a resource, and the values computed from them (N1 §type system).

use std::borrow::Cow;
use std::fmt;

use serde_json::{Map, Value};

use super::decimal::Decimal;
use super::moment::{Moment, Sort};
use super::quantity::{Quantity, Unit};
use crate::fhir::definition::{Kind, Primitive, Property, Type};

/// One item of a collection.
#[derive(Clone)]
pub struct Item<'a>(pub(super) Content<'a>);

/// A collection.
pub(super) type Items<'a> = Vec<Item<'a>>;

#[derive(Clone)]
pub(super) enum Content<'a> {
    Place(Place<'a>),
    System(System<'a>),
}

/// A computed value.
#[derive(Clone)]
pub(super) enum System<'a> {
    Truth(bool),
    Integer(i64),
    Decimal(Decimal),
    Text(Cow<'a, str>),
    Moment(Moment),
    Quantity(Quantity),
    /// What `type()` answers: namespace and name.
    Type(&'static str, String),
}

/// An element of a resource.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// Null where a primitive has extensions only.
    pub(super) value: &'a Value,
    holder: Option<Holder<'a>>,
    known: Option<Type>,
}

/// Where an element stands.
#[derive(Clone, Copy)]
struct Holder<'a> {
    map: &'a Map<String, Value>,
    key: &'a str,
    index: Option<usize>,
    kind: Option<Type>,
}

static NULL: Value = Value::Null;

impl<'a> Place<'a> {
    /// A value by itself: a resource, or an element of a known type.
    pub(super) const fn of(value: &'a Value, known: Option<Type>) -> Self {
        Self { value, holder: None, known }
    }

    /// Its type by the definitions, where they tell.
    pub(super) fn kind(&self) -> Option<Type> {
        let is_any = |kind: &Type| kind.kind() != Kind::Abstract || kind.name() != "Resource";
        let declared = || self.holder.and_then(|holder| holder.kind?.property(holder.key)?.kind()).filter(is_any);
        self.known.or_else(declared).or_else(|| self.resource_type().and_then(Type::resource))
    }

    pub(super) fn resource_type(&self) -> Option<&'a str> {
        self.value.as_object()?.get("resourceType")?.as_str()
    }

    /// What stands under `_name`: id and extensions of a primitive.
    fn beside(&self) -> Option<&'a Map<String, Value>> {
        let holder = self.holder.filter(|_| !self.value.is_object())?;
        let found = holder.map.iter().find(|(key, _)| key.strip_prefix('_') == Some(holder.key))?.1;
        let own = match (found, holder.index) {
            (Value::Array(items), Some(index)) => items.get(index)?,
            (found, _) => found,
        };
        own.as_object()
    }

    fn fields(&self) -> Option<&'a Map<String, Value>> {
        self.value.as_object().or_else(|| self.beside())
    }

    /// Whether it has a value of its own: no part, no extension makes up for it.
    pub(super) const fn has_value(&self) -> bool {
        matches!(self.value, Value::String(_) | Value::Bool(_) | Value::Number(_))
    }

    /// Hands over the members of a name, or of a choice element by its name without the datatype.
    pub(super) fn members(&self, name: &str, each: &mut dyn FnMut(Item<'a>)) {
        let Some(map) = self.fields() else { return };
        let owner = self.kind();
        let mut beside = None;
        let mut choice = None;
        for (key, value) in map {
            if key == name {
                return spread(map, key, value, owner, each);
            }
            let (bare, is_beside) = key.strip_prefix('_').map_or((key.as_str(), false), |bare| (bare, true));
            if bare == name {
                beside = Some((bare, value));
            } else if choice.is_none_or(|(_, _, was_beside)| was_beside)
                && bare.strip_prefix(name).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
                && owner.is_none_or(|owner| is_choice(owner, bare, name))
            {
                choice = Some((bare, value, is_beside));
            }
        }
        match (beside, choice) {
            (Some((key, value)), _) | (None, Some((key, value, true))) => extensions(map, key, value, owner, each),
            (None, Some((key, value, false))) => spread(map, key, value, owner, each),
            (None, None) => {}
        }
    }

    /// Hands over all its children.
    pub(super) fn children(&self, each: &mut dyn FnMut(Item<'a>)) {
        let Some(map) = self.fields() else { return };
        let owner = self.kind();
        for (key, value) in map {
            match key.strip_prefix('_') {
                None if key == "resourceType" => {}
                None => spread(map, key, value, owner, each),
                Some(bare) if !map.contains_key(bare) => extensions(map, bare, value, owner, each),
                Some(_) => {}
            }
        }
    }

    /// The value as one computed from it; `None` of what has parts, but a quantity.
    pub(super) fn system(&self) -> Option<System<'a>> {
        match self.value {
            Value::Bool(truth) => Some(System::Truth(*truth)),
            Value::Number(number) => self.number(number.as_str()),
            Value::String(text) => Some(self.moment(text).map_or(System::Text(Cow::Borrowed(text)), System::Moment)),
            Value::Object(map) => self.quantity(map).map(System::Quantity),
            Value::Null | Value::Array(_) => None,
        }
    }

    fn number(&self, text: &str) -> Option<System<'a>> {
        let is_decimal = || matches!(self.kind().map(Type::kind), Some(Kind::Primitive(Primitive::Decimal)));
        match text.parse() {
            Ok(integer) if !is_decimal() => Some(System::Integer(integer)),
            _ => Decimal::parse(text).map(System::Decimal),
        }
    }

    fn moment(&self, text: &str) -> Option<Moment> {
        if !text.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        let Kind::Primitive(primitive) = self.kind()?.kind() else { return None };
        let sort = match primitive {
            Primitive::Date => Sort::Date,
            Primitive::DateTime | Primitive::Instant => Sort::DateTime,
            Primitive::Time => Sort::Time,
            _ => return None,
        };
        Moment::parse(sort, text)
    }

    fn quantity(&self, map: &'a Map<String, Value>) -> Option<Quantity> {
        let mut lineage = std::iter::successors(self.kind(), |kind| kind.base());
        lineage.find(|kind| kind.name() == "Quantity")?;
        let Value::Number(number) = map.get("value")? else { return None };
        let text = |name: &str| map.get(name).and_then(Value::as_str);
        let unit = match (text("system"), text("code").or_else(|| text("unit"))) {
            (_, None) => Unit::Ucum("1".to_owned()),
            (Some("http://unitsofmeasure.org"), Some(code)) => Unit::Ucum(code.to_owned()),
            (None, Some(unit)) => Unit::Other(unit.to_owned()),
            (Some(system), Some(code)) => Unit::Other(format!("{system}|{code}")),
        };
        Some(Quantity { value: Decimal::parse(number.as_str())?, unit })
    }
}

/// Whether a property is a form of the choice element of a name.
fn is_choice(owner: Type, key: &str, name: &str) -> bool {
    let element = owner.property(key).and_then(Property::element);
    element.is_none_or(|element| element.name().strip_suffix("[x]") == Some(name))
}

fn spread<'a>(
    map: &'a Map<String, Value>,
    key: &'a str,
    value: &'a Value,
    kind: Option<Type>,
    each: &mut dyn FnMut(Item<'a>),
) {
    let place = |value, index| {
        Item(Content::Place(Place { value, holder: Some(Holder { map, key, index, kind }), known: None }))
    };
    match value {
        Value::Null => {}
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let found =
                    Place { value: item, holder: Some(Holder { map, key, index: Some(index), kind }), known: None };
                if !item.is_null() || found.beside().is_some() {
                    each(Item(Content::Place(found)));
                }
            }
        }
        value => each(place(value, None)),
    }
}

/// Primitives that have extensions only.
fn extensions<'a>(
    map: &'a Map<String, Value>,
    key: &'a str,
    beside: &'a Value,
    kind: Option<Type>,
    each: &mut dyn FnMut(Item<'a>),
) {
    let place = |index| {
        Item(Content::Place(Place { value: &NULL, holder: Some(Holder { map, key, index, kind }), known: None }))
    };
    match beside {
        Value::Array(items) => {
            for (index, _) in items.iter().enumerate().filter(|(_, item)| item.is_object()) {
                each(place(Some(index)));
            }
        }
        Value::Object(_) => each(place(None)),
        _ => {}
    }
}

impl<'a> Item<'a> {
    pub(super) const fn place(value: &'a Value, known: Option<Type>) -> Self {
        Self(Content::Place(Place::of(value, known)))
    }

    /// The computed value that this is or stands for.
    pub(super) fn system(&self) -> Option<System<'a>> {
        match &self.0 {
            Content::Place(place) => place.system(),
            Content::System(system) => Some(system.clone()),
        }
    }

    /// The element that this is.
    pub(super) const fn element(&self) -> Option<&Place<'a>> {
        match &self.0 {
            Content::Place(place) => Some(place),
            Content::System(_) => None,
        }
    }

    /// Its text where it has one that no type changes: of a string, or of an element that JSON writes as one.
    pub(super) fn plain(&self) -> Option<&str> {
        match &self.0 {
            Content::Place(place) => place.value.as_str(),
            Content::System(System::Text(text)) => Some(text),
            Content::System(_) => None,
        }
    }

    /// The text of a primitive; `None` of what has parts.
    pub fn text(&self) -> Option<String> {
        match &self.0 {
            Content::Place(place) => match place.value {
                Value::String(text) => Some(text.clone()),
                Value::Bool(truth) => Some(truth.to_string()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            },
            Content::System(System::Type(..)) => None,
            Content::System(system) => Some(system.to_string()),
        }
    }

    /// Its JSON.
    pub fn json(&self) -> Cow<'a, Value> {
        match &self.0 {
            Content::Place(place) => Cow::Borrowed(place.value),
            Content::System(system) => Cow::Owned(system.json()),
        }
    }

    /// Whether a collection of this alone is true: any single item that is not `false`.
    pub(super) fn truth(&self) -> bool {
        match &self.0 {
            Content::Place(place) => place.value.as_bool().unwrap_or(true),
            Content::System(System::Truth(truth)) => *truth,
            Content::System(_) => true,
        }
    }

    /// Namespace and name of its type.
    pub(super) fn type_name(&self) -> (&'static str, Cow<'a, str>) {
        match &self.0 {
            Content::System(system) => ("System", Cow::Borrowed(system.type_name())),
            Content::Place(place) => {
                let named = place.kind().map(|kind| Cow::Borrowed(kind.name()));
                let untyped = || Cow::Borrowed(place.resource_type().unwrap_or("Element"));
                ("FHIR", named.unwrap_or_else(untyped))
            }
        }
    }
}

/// What an item is, not what it says: that may be about a person.
impl fmt::Debug for Item<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (namespace, name) = self.type_name();
        write!(f, "Item({namespace}.{name})")
    }
}

impl System<'_> {
    const fn type_name(&self) -> &'static str {
        match self {
            Self::Truth(_) => "Boolean",
            Self::Integer(_) => "Integer",
            Self::Decimal(_) => "Decimal",
            Self::Text(_) => "String",
            Self::Quantity(_) => "Quantity",
            Self::Type(..) => "TypeInfo",
            Self::Moment(moment) => match moment.sort {
                Sort::Date => "Date",
                Sort::DateTime => "DateTime",
                Sort::Time => "Time",
            },
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Truth(truth) => Value::from(*truth),
            Self::Integer(number) => Value::from(*number),
            Self::Decimal(number) => number.to_string().parse().map_or(Value::Null, Value::Number),
            Self::Type(namespace, name) => serde_json::json!({ "namespace": namespace, "name": name }),
            Self::Quantity(quantity) => match (&quantity.unit, quantity.value.to_string().parse()) {
                (Unit::Ucum(code), Ok(value)) => serde_json::json!({
                    "value": Value::Number(value), "system": "http://unitsofmeasure.org", "code": code
                }),
                _ => Value::from(quantity.to_string()),
            },
            Self::Text(_) | Self::Moment(_) => Value::from(self.to_string()),
        }
    }
}

impl fmt::Display for System<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truth(truth) => truth.fmt(f),
            Self::Integer(number) => number.fmt(f),
            Self::Decimal(number) => number.fmt(f),
            Self::Text(text) => f.write_str(text),
            Self::Moment(moment) => moment.fmt(f),
            Self::Quantity(quantity) => quantity.fmt(f),
            Self::Type(namespace, name) => write!(f, "{namespace}.{name}"),
        }
    }
}

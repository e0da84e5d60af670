//! Snapshots: what a profile says itself, laid over what its base says (R4 `profiling.html#snapshot`).
//!
//! The elements of R4's own types come from our tables, which hold what is judged and no texts: so does what is made
//! here.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::element::R4;
use crate::fhir::definition::{Binding, Element, Kind, Property, Type};

/// Types lead to types: no deeper than this.
const DEEPEST: usize = 12;
/// More elements than any profile has.
const MOST_ELEMENTS: usize = 20_000;

/// Where a profile is found by its canonical URL.
pub type Find<'a> = &'a dyn Fn(&str) -> Option<&'a Value>;

/// The elements of a profile's snapshot; `None` where its base is known neither to us nor to `find`, or has no snapshot.
pub fn generate(definition: &Value, find: Find<'_>) -> Option<Vec<Value>> {
    let base = definition.get("baseDefinition").and_then(Value::as_str)?;
    let elements = of_profile(base, find)?;
    let mut snapshot = Snapshot { elements, find };
    let own = definition.pointer("/differential/element").and_then(Value::as_array);
    for element in own.into_iter().flatten() {
        let id = element.get("id").or_else(|| element.get("path")).and_then(Value::as_str)?.to_owned();
        if snapshot.elements.len() > MOST_ELEMENTS {
            return None;
        }
        let place = snapshot.place(&id, DEEPEST);
        match place.and_then(|place| snapshot.elements.get_mut(place)) {
            Some(Value::Object(known)) => merge(known, element),
            // What has no place in the base stands for itself.
            _ => snapshot.elements.push(element.clone()),
        }
    }
    Some(snapshot.elements)
}

/// The elements of a profile, or of a type of R4.
fn of_profile(url: &str, find: Find<'_>) -> Option<Vec<Value>> {
    if let Some(profile) = find(url) {
        return profile.pointer("/snapshot/element").and_then(Value::as_array).cloned();
    }
    let kind = Type::named(super::bare(url).strip_prefix(R4)?)?;
    let mut elements = vec![json!({ "id": kind.name(), "path": kind.name(), "min": 0, "max": "*" })];
    unfold(kind, kind.name(), kind.name(), &mut elements, DEEPEST);
    Some(elements)
}

/// The elements of a type below an id and a path, with those of its backbones.
fn unfold(kind: Type, id: &str, path: &str, elements: &mut Vec<Value>, depth: usize) {
    for element in kind.elements() {
        let name = element.name();
        let (id, path) = (format!("{id}.{name}"), format!("{path}.{name}"));
        let forms = forms(kind, element);
        let mut made = written(&id, &path, element);
        let own = format!("{}.{name}", kind.name());
        match forms.as_slice() {
            [only] if only.kind() == Kind::Backbone && only.name() != own => {
                made.insert("contentReference".to_owned(), format!("#{}", only.name()).into());
            }
            _ => drop(made.insert("type".to_owned(), types(&forms, element).into())),
        }
        elements.push(Value::Object(made));
        if let [only] = forms.as_slice()
            && only.name() == own
            && depth > 0
        {
            unfold(*only, &id, &path, elements, depth - 1);
        }
    }
}

/// The types an element may take.
fn forms(kind: Type, element: Element) -> Vec<Type> {
    let lineage = std::iter::successors(Some(kind), |kind| kind.base());
    let properties = lineage.flat_map(Type::own_properties);
    properties.filter(|property| property.element() == Some(element)).filter_map(Property::kind).collect()
}

fn written(id: &str, path: &str, element: Element) -> Map<String, Value> {
    let mut made = Map::new();
    made.insert("id".to_owned(), id.into());
    made.insert("path".to_owned(), path.into());
    made.insert("min".to_owned(), u8::from(element.is_required()).into());
    made.insert("max".to_owned(), if element.is_array() { "*" } else { "1" }.into());
    let binding = element.binding().map(|binding| match binding {
        Binding::Required(set) => ("required", set),
        Binding::Extensible(set) => ("extensible", set),
    });
    if let Some((strength, set)) = binding {
        made.insert("binding".to_owned(), json!({ "strength": strength, "valueSet": set.url() }));
    }
    made
}

fn types(forms: &[Type], element: Element) -> Vec<Value> {
    let targets: Vec<String> =
        element.targets().filter_map(Type::numbered).map(|target| format!("{R4}{}", target.name())).collect();
    let one = |form: &Type| match form.kind() {
        Kind::Backbone => json!({ "code": form.base().map_or("BackboneElement", Type::name) }),
        _ if form.name() == "Reference" && targets.is_empty() => {
            json!({ "code": "Reference", "targetProfile": [format!("{R4}Resource")] })
        }
        _ if form.name() == "Reference" => json!({ "code": "Reference", "targetProfile": targets }),
        _ => json!({ "code": form.name() }),
    };
    forms.iter().map(one).collect()
}

struct Snapshot<'a> {
    elements: Vec<Value>,
    find: Find<'a>,
}

impl Snapshot<'_> {
    fn id(&self, place: usize) -> &str {
        self.elements.get(place).and_then(|element| element.get("id")).and_then(Value::as_str).unwrap_or_default()
    }

    fn at(&self, id: &str) -> Option<usize> {
        (0..self.elements.len()).find(|place| self.id(*place) == id)
    }

    /// The place of an element, made where it is not there yet: a slice, or the inside of a type.
    fn place(&mut self, id: &str, depth: usize) -> Option<usize> {
        if let Some(place) = self.at(id) {
            return Some(place);
        }
        if depth == 0 {
            return None;
        }
        let (parent, last) = id.rsplit_once('.')?;
        let Some((_, slice)) = last.split_once(':') else {
            let above = self.place(parent, depth - 1)?;
            self.open(above, depth - 1);
            return self.at(id).or_else(|| self.shorthand(parent, last, depth));
        };
        let sliced = match id.rsplit_once('/') {
            // `name:slice/reslice` is a slice of `name:slice`.
            Some((sliced, _)) if slice.contains('/') => sliced,
            _ => id.strip_suffix(slice)?.strip_suffix(':')?,
        };
        let of = self.place(sliced, depth - 1)?;
        Some(self.slice(of, id, slice))
    }

    /// `valueQuantity` for the slice of `value[x]` that is a Quantity.
    fn shorthand(&mut self, parent: &str, last: &str, depth: usize) -> Option<usize> {
        let choices = self.children(parent).into_iter().filter_map(|place| self.id(place).strip_suffix("[x]"));
        let stem = choices.filter_map(|id| id.rsplit('.').next()).find(|stem| last.starts_with(stem))?.to_owned();
        let place = self.place(&format!("{parent}.{stem}[x]:{last}"), depth - 1)?;
        let kind = last.strip_prefix(stem.as_str())?;
        if let Some(Value::Object(element)) = self.elements.get_mut(place) {
            let listed = element.get("type").and_then(Value::as_array).cloned().unwrap_or_default();
            let is_it = |one: &Value| {
                one.get("code").and_then(Value::as_str).is_some_and(|code| code.eq_ignore_ascii_case(kind))
            };
            element.insert("type".to_owned(), listed.into_iter().filter(is_it).collect());
        }
        Some(place)
    }

    /// Where the elements stand that are right below one.
    fn children(&self, parent: &str) -> Vec<usize> {
        let is_child = |place: &usize| {
            let below = self.id(*place).strip_prefix(parent).and_then(|rest| rest.strip_prefix('.'));
            below.is_some_and(|rest| !rest.contains(['.', ':']))
        };
        (0..self.elements.len()).filter(is_child).collect()
    }

    /// Whether an id is another, one of its slices, or stands below either.
    fn belongs(id: &str, to: &str) -> bool {
        id.strip_prefix(to).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', ':', '/']))
    }

    /// Makes a slice after all that belongs to the element sliced: like it, but for its cardinality and its own slicing.
    fn slice(&mut self, of: usize, id: &str, name: &str) -> usize {
        let sliced = self.id(of).to_owned();
        let path = self.elements.get(of).and_then(|element| element.get("path")).cloned().unwrap_or_default();
        let inside: Vec<Value> = self
            .elements
            .iter()
            .filter_map(|element| {
                let below = element.get("id")?.as_str()?.strip_prefix(sliced.as_str())?;
                let mut copy = element.as_object()?.clone();
                if below.is_empty() {
                    copy.shift_remove("slicing");
                    copy.insert("sliceName".to_owned(), name.into());
                    copy.insert("min".to_owned(), 0.into());
                    copy.insert("path".to_owned(), path.clone());
                } else if !below.starts_with('.') {
                    return None;
                }
                copy.insert("id".to_owned(), format!("{id}{below}").into());
                Some(Value::Object(copy))
            })
            .collect();
        let after = (of..self.elements.len()).take_while(|place| Self::belongs(self.id(*place), &sliced)).count();
        let place = of + after;
        self.elements.splice(place..place, inside);
        place
    }

    /// Names what stands inside an element's type, or inside the element it refers to, unless that was done.
    fn open(&mut self, place: usize, depth: usize) {
        let id = self.id(place).to_owned();
        if !self.children(&id).is_empty() {
            return;
        }
        let Some(element) = self.elements.get(place) else { return };
        let path = element.get("path").and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut inside = Vec::new();
        if let Some(reference) = element.get("contentReference").and_then(Value::as_str) {
            let target = reference.rsplit('#').next().unwrap_or_default();
            if let Some(kind) = Type::named(target) {
                unfold(kind, &id, &path, &mut inside, depth);
            }
        } else if let Some([only]) = element.get("type").and_then(Value::as_array).map(Vec::as_slice) {
            let profile = only.pointer("/profile/0").and_then(Value::as_str);
            let code = only.get("code").and_then(Value::as_str).unwrap_or_default();
            let found = profile.and_then(|url| of_profile(url, self.find));
            let found = found.or_else(|| of_profile(&format!("{R4}{code}"), &|_| None)).unwrap_or_default();
            inside.extend(found.into_iter().skip(1).filter_map(|element| moved(element, &id, &path)));
        } else if let Some(kind) = kind_at(&path) {
            // A snapshot cut short, which names no types.
            unfold(kind, &id, &path, &mut inside, depth);
        }
        self.elements.splice(place + 1..=place, inside);
    }
}

/// The type that R4 has at a path.
fn kind_at(path: &str) -> Option<Type> {
    let mut steps = path.split('.');
    let root = Type::named(steps.next()?)?;
    steps.try_fold(root, |kind, step| kind.property(step)?.kind())
}

/// An element of a type's own definition, put below another.
fn moved(mut element: Value, id: &str, path: &str) -> Option<Value> {
    for (name, above) in [("id", id), ("path", path)] {
        let (_, below) = element.get(name)?.as_str()?.split_once('.')?;
        let text = format!("{above}.{below}");
        element.as_object_mut()?.insert(name.to_owned(), text.into());
    }
    Some(element)
}

/// Lays what a profile says of an element over what its base says.
fn merge(known: &mut Map<String, Value>, own: &Value) {
    let is_value = |key: &str| key.starts_with("fixed") || key.starts_with("pattern");
    for (key, value) in own.as_object().into_iter().flatten() {
        match key.as_str() {
            "id" | "path" => {}
            "constraint" => {
                let by_key = |all: &Value| -> BTreeMap<String, Value> {
                    let keyed = |one: &Value| Some((one.get("key")?.as_str()?.to_owned(), one.clone()));
                    all.as_array().into_iter().flatten().filter_map(keyed).collect()
                };
                let mut all = known.get("constraint").map(by_key).unwrap_or_default();
                all.extend(by_key(value));
                known.insert(key.clone(), all.into_values().collect());
            }
            "type" => drop(known.insert(key.clone(), narrowed(known.get("type"), value))),
            key if is_value(key) => {
                known.retain(|name, _| !is_value(name));
                known.insert(key.to_owned(), value.clone());
            }
            key => drop(known.insert(key.to_owned(), value.clone())),
        }
    }
}

/// Types of a profile keep the targets their base names where they name none.
fn narrowed(base: Option<&Value>, own: &Value) -> Value {
    let of = |code: Option<&Value>| {
        let listed = base.and_then(Value::as_array).into_iter().flatten();
        listed.into_iter().find(|one| one.get("code") == code).and_then(|one| one.get("targetProfile")).cloned()
    };
    let with_targets = |one: &Value| {
        let mut one = one.clone();
        if one.get("targetProfile").is_none()
            && let Some(targets) = of(one.get("code"))
            && let Some(map) = one.as_object_mut()
        {
            map.insert("targetProfile".to_owned(), targets);
        }
        one
    };
    own.as_array().into_iter().flatten().map(with_targets).collect()
}

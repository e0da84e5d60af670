//! XML into JSON: strict in names, order and namespaces, with the place of what is refused (R4 `xml.html`).
//!
//! What a value may be is not judged here but by validation, which sees the same JSON whatever came: a
//! number that is none stays a string, and is refused as one.

use serde_json::{Map, Value};

use super::is_attribute;
use crate::error::{Code, Error, Issue};
use crate::fhir::codec::json::{self, DEEPEST};
use crate::fhir::definition::{Kind, Primitive, Type};
use crate::ids::ElementPath;
use crate::xml::{self, Element, Event, Limits, Namespace, Reader};

/// Reads one resource. What is not well-formed, a DOCTYPE, an entity, another namespace or encoding is
/// [`Code::Structure`]; an element or attribute that the definitions do not know there, out of order or
/// once too often is [`Code::Element`]. Both tell the octet, the second the path.
pub fn read(bytes: &[u8]) -> Result<Value, Error> {
    let mut decoder = Decoder { reader: Reader::new(bytes, Limits::RESOURCE), path: Vec::new() };
    let root = match decoder.next()? {
        Event::Start(root) if root.namespace == Namespace::Fhir => root,
        _ => return Err(malformed("not in the namespace of FHIR", 0)),
    };
    let resource = decoder.resource(&root, 1)?;
    // Anything but white space after the root is refused by the reader.
    decoder.next()?;
    Ok(resource)
}

/// What was read never enters the error: it may be a body.
fn malformed(what: &str, at: u64) -> Error {
    Issue::new(Code::Structure).rule(format!("xml: {what}")).detail(format!("(octet {at})")).into()
}

fn unreadable(error: xml::Error) -> Error {
    match error.kind {
        xml::Kind::Size | xml::Kind::Text => Code::TooLarge.into(),
        kind => malformed(&kind.to_string(), error.at),
    }
}

struct Decoder<'a> {
    reader: Reader<'a>,
    /// The way from the root to here.
    path: Vec<Step>,
}

/// One element of the way.
#[derive(Clone, Copy)]
struct Step {
    name: &'static str,
    /// Its number in a list.
    index: Option<usize>,
}

/// The elements of one name that stand together. One that is no list becomes a member at once, those of a list
/// when all are read.
struct Run {
    name: &'static str,
    kind: Type,
    rank: u32,
    is_array: bool,
    values: Vec<Value>,
    /// What stands under `_name`.
    beside: Vec<Value>,
}

/// A primitive as JSON says it: the value, and what is said of it.
type Said = (Value, Option<Map<String, Value>>);

impl<'a> Decoder<'a> {
    fn next(&mut self) -> Result<Event<'a>, Error> {
        self.reader.next_event().map_err(unreadable)
    }

    fn refuse(&self, what: &'static str, at: u64) -> Error {
        let issue = Issue::new(Code::Element).rule("R4 xml").detail(format!("({what}, octet {at})"));
        let mut steps = self.path.iter();
        let Some(root) = steps.next() else { return issue.into() };
        let path = steps.fold(ElementPath::root(root.name), |path, step| {
            let path = path.child(step.name);
            step.index.map_or(path.clone(), |index| path.index(index))
        });
        issue.at(path).into()
    }

    /// The resource whose element just started; reads its end.
    fn resource(&mut self, element: &Element<'a>, depth: usize) -> Result<Value, Error> {
        let Some(kind) = Type::resource(element.name()) else {
            return Err(self.refuse("resource type", element.position()));
        };
        if self.path.is_empty() {
            self.path.push(Step { name: kind.name(), index: None });
        }
        for attribute in element.attributes() {
            let name = attribute.map_err(unreadable)?.name;
            // Where to find a schema is said to validators.
            if !name.starts_with("xsi:") {
                return Err(self.refuse("attribute", element.position()));
            }
        }
        let mut members = Map::new();
        members.insert("resourceType".to_owned(), Value::from(kind.name()));
        self.children(kind, &mut members, depth)?;
        Ok(Value::Object(members))
    }

    /// The children of the element just started, which is of this type; reads its end.
    fn children(&mut self, kind: Type, members: &mut Map<String, Value>, depth: usize) -> Result<(), Error> {
        if self.reader.ends_at_once() {
            return Ok(());
        }
        let mut run: Option<Run> = None;
        loop {
            let child = match self.next()? {
                Event::Start(child) => child,
                Event::Text(text) if text.chars().all(char::is_whitespace) => continue,
                Event::Text(_) => return Err(self.refuse("text", self.reader.position())),
                Event::End | Event::Eof => break,
            };
            if !run.as_ref().is_some_and(|run| run.is_array && run.name == child.name()) {
                let next = self.begin(kind, &child, run.as_ref())?;
                if let Some(before) = &mut run {
                    before.end(members);
                }
                run = Some(next);
            }
            if let Some(run) = &mut run {
                self.path.push(Step { name: run.name, index: run.is_array.then_some(run.values.len()) });
                self.item(run, &child, members, depth)?;
                self.path.pop();
            }
        }
        if let Some(run) = &mut run {
            run.end(members);
        }
        Ok(())
    }

    /// The first element of a name: what the definition says of it, after what stood before.
    fn begin(&self, kind: Type, child: &Element<'a>, before: Option<&Run>) -> Result<Run, Error> {
        let at = child.position();
        let found = kind.ranked(child.name()).filter(|_| !is_attribute(kind, child.name()));
        let Some((property, rank)) = found else { return Err(self.refuse("unknown element", at)) };
        let (Some(element), Some(of)) = (property.element(), property.kind()) else {
            return Err(self.refuse("unknown element", at));
        };
        match before {
            Some(before) if before.rank > rank => return Err(self.refuse("order of elements", at)),
            Some(before) if before.rank == rank => return Err(self.refuse("element twice", at)),
            _ => {}
        }
        let (values, beside) = (Vec::new(), Vec::new());
        Ok(Run { name: property.name(), kind: of, rank, is_array: element.is_array(), values, beside })
    }

    /// One element, added to those of its name; reads its end.
    fn item(
        &mut self,
        run: &mut Run,
        element: &Element<'a>,
        members: &mut Map<String, Value>,
        depth: usize,
    ) -> Result<(), Error> {
        let is_narrative = run.kind.kind() == Kind::Primitive(Primitive::Xhtml);
        if element.namespace != if is_narrative { Namespace::Xhtml } else { Namespace::Fhir } {
            return Err(self.refuse("namespace", element.position()));
        }
        // Each array is a level of JSON too.
        let depth = depth + 1 + usize::from(run.is_array);
        if depth > DEEPEST {
            return Err(malformed("nested too deep", element.position()));
        }
        let (value, beside) = match run.kind.kind() {
            Kind::Primitive(Primitive::Xhtml) => (self.narrative(element)?, None),
            Kind::Primitive(primitive) => self.primitive(run.kind, primitive, element, depth)?,
            Kind::Abstract => (self.inner(run.kind, element, depth)?, None),
            Kind::Complex | Kind::Backbone | Kind::Resource => (self.complex(run.kind, element, depth)?, None),
        };
        if !run.is_array {
            if !value.is_null() {
                members.insert(run.name.to_owned(), value);
            }
            if let Some(beside) = beside {
                members.insert(format!("_{}", run.name), Value::Object(beside));
            }
            return Ok(());
        }
        if let Some(beside) = beside {
            // Both lists are as long; the second begins to be where there is something to say.
            run.beside.resize(run.values.len(), Value::Null);
            run.beside.push(Value::Object(beside));
        }
        run.values.push(value);
        Ok(())
    }

    /// An element that holds a resource (`contained`, `Bundle.entry.resource`, `Parameters.parameter.resource`).
    fn inner(&mut self, kind: Type, element: &Element<'a>, depth: usize) -> Result<Value, Error> {
        if element.attributes().next().is_some() || kind.name() != "Resource" {
            return Err(self.refuse("attribute", element.position()));
        }
        let mut resource = None;
        loop {
            match self.next()? {
                Event::Start(inner) if inner.namespace != Namespace::Fhir => {
                    return Err(self.refuse("namespace", inner.position()));
                }
                Event::Start(inner) if resource.is_none() => resource = Some(self.resource(&inner, depth)?),
                Event::Start(inner) => return Err(self.refuse("element twice", inner.position())),
                Event::Text(text) if text.chars().all(char::is_whitespace) => {}
                Event::Text(_) => return Err(self.refuse("text", self.reader.position())),
                Event::End | Event::Eof => break,
            }
        }
        resource.ok_or_else(|| self.refuse("empty", element.position()))
    }

    /// An element with elements of its own.
    fn complex(&mut self, kind: Type, element: &Element<'a>, depth: usize) -> Result<Value, Error> {
        let mut members = Map::new();
        for attribute in element.attributes() {
            let attribute = attribute.map_err(unreadable)?;
            if !is_attribute(kind, attribute.name) {
                return Err(self.refuse("attribute", element.position()));
            }
            members.insert(attribute.name.to_owned(), Value::String(attribute.value.into_owned()));
        }
        self.children(kind, &mut members, depth)?;
        if members.is_empty() { Err(self.refuse("empty", element.position())) } else { Ok(Value::Object(members)) }
    }

    fn primitive(&mut self, kind: Type, of: Primitive, element: &Element<'a>, depth: usize) -> Result<Said, Error> {
        let (mut value, mut beside) = (Value::Null, Map::new());
        for attribute in element.attributes() {
            let attribute = attribute.map_err(unreadable)?;
            match attribute.name {
                "value" => value = value_of(of, attribute.value.into_owned()),
                "id" => drop(beside.insert("id".to_owned(), Value::String(attribute.value.into_owned()))),
                _ => return Err(self.refuse("attribute", element.position())),
            }
        }
        // A primitive type has the properties of its base: extensions, and the id that is an attribute.
        self.children(kind, &mut beside, depth)?;
        if value.is_null() && beside.is_empty() {
            return Err(self.refuse("empty", element.position()));
        }
        Ok((value, (!beside.is_empty()).then_some(beside)))
    }

    /// A narrative as it is written. Its string must mean the same by itself: a `div` that has its namespace from
    /// outside is given one, one with a prefix is not read.
    fn narrative(&mut self, element: &Element<'a>) -> Result<Value, Error> {
        let written = self.reader.verbatim(element).map_err(unreadable)?;
        if element.declares_default_namespace() {
            return Ok(Value::from(written));
        }
        match written.strip_prefix("<div") {
            Some(rest) if element.qualified_name() == "div" => {
                Ok(Value::from(format!("<div xmlns=\"http://www.w3.org/1999/xhtml\"{rest}")))
            }
            _ => Err(self.refuse("namespace prefix of the narrative", element.position())),
        }
    }
}

impl Run {
    /// Makes members of the elements of a list.
    fn end(&mut self, members: &mut Map<String, Value>) {
        let count = self.values.len();
        if self.values.iter().any(|value| !value.is_null()) {
            members.insert(self.name.to_owned(), Value::Array(std::mem::take(&mut self.values)));
        }
        if !self.beside.is_empty() {
            self.beside.resize(count, Value::Null);
            members.insert(format!("_{}", self.name), Value::Array(std::mem::take(&mut self.beside)));
        }
    }
}

/// The text of an attribute `value` as the JSON of its type; a string where it is none of it.
fn value_of(primitive: Primitive, text: String) -> Value {
    match primitive {
        Primitive::Boolean => match text.as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => Value::String(text),
        },
        Primitive::Decimal | Primitive::Integer | Primitive::PositiveInt | Primitive::UnsignedInt => {
            json::number(&text).map_or(Value::String(text), Value::Number)
        }
        _ => Value::String(text),
    }
}

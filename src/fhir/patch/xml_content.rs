//! FHIR elements in XML as JSON, by the definitions: what an XML patch adds (R4 `xml.html`, `json.html`).

use serde_json::{Map, Number, Value};

use super::Fault;
use crate::fhir::definition::{Kind, Primitive, Type};
use crate::xml::{self, Element, Reader};

/// Elements nested in what one operation adds.
const DEEPEST: usize = 32;

/// An element as read.
pub(super) struct Node {
    /// Its local name.
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Self>,
}

/// Why a node could not be read.
pub(super) enum Unread {
    /// It is not XML we read.
    Xml(xml::Error),
    /// It is nested too deep.
    Deep,
}

impl From<xml::Error> for Unread {
    fn from(error: xml::Error) -> Self {
        Self::Xml(error)
    }
}

impl Node {
    /// Reads the element just started.
    pub(super) fn read<'a>(reader: &mut Reader<'a>, element: &Element<'a>, depth: usize) -> Result<Self, Unread> {
        if depth > DEEPEST {
            return Err(Unread::Deep);
        }
        let mut attributes = Vec::new();
        for attribute in element.attributes() {
            let attribute = attribute?;
            attributes.push((attribute.name.to_owned(), attribute.value.into_owned()));
        }
        let mut children = Vec::new();
        reader.children(|reader, child| {
            children.push(Self::read(reader, child, depth + 1)?);
            Ok::<_, Unread>(())
        })?;
        Ok(Self { name: element.name().to_owned(), attributes, children })
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The element as JSON, being of this type.
    pub(super) fn json(&self, kind: Type) -> Result<Value, Fault> {
        if let Kind::Primitive(primitive) = kind.kind() {
            let text = self.attribute("value").filter(|_| self.children.is_empty());
            return primitive_of(primitive, text.ok_or(Fault::Inapplicable("primitive without a value"))?);
        }
        let mut members = Map::new();
        for (name, value) in &self.attributes {
            if !matches!(name.as_str(), "id" | "url") || kind.property(name).is_none() {
                return Err(Fault::Inapplicable("no such attribute"));
            }
            members.insert(name.clone(), Value::String(value.clone()));
        }
        for child in &self.children {
            let property = kind.property(&child.name).ok_or(Fault::Inapplicable("no such element"))?;
            let of = property.kind().filter(|of| of.kind() != Kind::Abstract);
            let value = child.json(of.ok_or(Fault::Inapplicable("no such element"))?)?;
            if property.element().is_some_and(|element| element.is_array()) {
                let list = members.entry(child.name.clone()).or_insert_with(|| Value::Array(Vec::new()));
                list.as_array_mut().ok_or(Fault::Inapplicable("no such element"))?.push(value);
            } else if members.insert(child.name.clone(), value).is_some() {
                return Err(Fault::Inapplicable("element twice"));
            }
        }
        Ok(Value::Object(members))
    }
}

/// The value of an attribute `value`, being of this primitive type.
pub(super) fn primitive_of(primitive: Primitive, text: &str) -> Result<Value, Fault> {
    let wrong = Fault::Inapplicable("value of another type");
    match primitive {
        Primitive::Boolean => text.parse().map(Value::Bool).ok().ok_or(wrong),
        Primitive::Integer | Primitive::PositiveInt | Primitive::UnsignedInt => {
            text.parse::<i64>().map(Value::from).ok().ok_or(wrong)
        }
        Primitive::Decimal => text.parse::<Number>().map(Value::Number).ok().ok_or(wrong),
        _ => Ok(Value::String(text.to_owned())),
    }
}

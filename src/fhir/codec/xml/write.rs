//! JSON into XML, in the order of the definitions (R4 `xml.html`).

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::entity::resolved;
use super::{FHIR, is_attribute};
use crate::error::{Code, Error, Issue};
use crate::fhir::definition::{Kind, Primitive, Type};
use crate::ids::ElementPath;
use crate::xml::Writer;

/// How the XML is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// On one line.
    Dense,
    /// Each element on a line of its own (`_pretty`).
    Indented,
}

/// Writes one resource. What the definitions do not know cannot be said in XML: [`Code::NotAcceptable`], with
/// the element.
pub fn write(resource: &Value, layout: Layout) -> Result<String, Error> {
    let writer = Writer::document();
    let mut encoder = Encoder(if layout == Layout::Indented { writer.indented() } else { writer });
    let (kind, members) = typed(resource).ok_or_else(|| unsaid("resourceType"))?;
    encoder.0.start(kind.name()).attribute("xmlns", FHIR);
    encoder.children(members, kind)?;
    Ok(encoder.0.finish())
}

fn unsaid(name: &str) -> Error {
    // The name of a member that no definition knows may be anything.
    let name = if name.bytes().all(|byte| byte.is_ascii_alphanumeric()) && name.len() < 64 { name } else { "?" };
    Issue::new(Code::NotAcceptable).rule("R4 xml").at(ElementPath::root(name)).into()
}

/// A resource and its type.
fn typed(resource: &Value) -> Option<(Type, &Map<String, Value>)> {
    let members = resource.as_object()?;
    Some((Type::resource(members.get("resourceType")?.as_str()?)?, members))
}

struct Encoder(Writer);

/// A member that is an element, and what is said of it under `_name`.
struct Member<'v> {
    name: &'v str,
    kind: Type,
    rank: u32,
    value: Option<&'v Value>,
    beside: Option<&'v Value>,
}

impl Encoder {
    /// The members that are elements, in their order.
    fn children(&mut self, members: &Map<String, Value>, kind: Type) -> Result<(), Error> {
        let mut all: Vec<Member<'_>> = Vec::with_capacity(members.len());
        for (key, value) in members {
            let (name, is_beside) = key.strip_prefix('_').map_or((key.as_str(), false), |name| (name, true));
            if is_attribute(kind, name) && !is_beside || key == "resourceType" && kind.kind() == Kind::Resource {
                continue;
            }
            let known = all.iter_mut().find(|known| known.name == name);
            let member = if let Some(known) = known {
                known
            } else {
                let (property, rank) = kind.ranked(name).ok_or_else(|| unsaid(name))?;
                let of = property.kind().filter(|_| !is_attribute(kind, name)).ok_or_else(|| unsaid(name))?;
                all.push(Member { name, kind: of, rank, value: None, beside: None });
                all.last_mut().ok_or_else(|| unsaid(name))?
            };
            *(if is_beside { &mut member.beside } else { &mut member.value }) = Some(value);
        }
        all.sort_by_key(|member| member.rank);
        all.iter().try_for_each(|member| self.member(member))
    }

    /// Each item of a member.
    fn member<'v>(&mut self, member: &Member<'v>) -> Result<(), Error> {
        let list = |value: Option<&Value>| value.and_then(Value::as_array).map(Vec::len);
        match (list(member.value), list(member.beside)) {
            (None, None) => self.item(member, member.value, member.beside),
            (values, besides) => {
                let count = values.unwrap_or_default().max(besides.unwrap_or_default());
                (0..count).try_for_each(|index| {
                    let at = |value: Option<&'v Value>| value.and_then(|value| value.get(index));
                    self.item(member, at(member.value), at(member.beside))
                })
            }
        }
    }

    fn item(&mut self, member: &Member<'_>, value: Option<&Value>, beside: Option<&Value>) -> Result<(), Error> {
        match (member.kind.kind(), value) {
            (Kind::Primitive(Primitive::Xhtml), Some(Value::String(div))) => {
                self.0.raw(&resolved(div));
                Ok(())
            }
            (Kind::Primitive(_), _) => self.primitive(member, value, beside),
            (Kind::Abstract, Some(resource)) => {
                let (kind, members) = typed(resource).ok_or_else(|| unsaid(member.name))?;
                self.0.start(member.name).start(kind.name());
                self.children(members, kind)?;
                self.0.end().end();
                Ok(())
            }
            (Kind::Complex | Kind::Backbone | Kind::Resource, Some(Value::Object(members))) => {
                self.0.start(member.name);
                self.attributes(members, member.kind)?;
                self.children(members, member.kind)?;
                self.0.end();
                Ok(())
            }
            _ => Err(unsaid(member.name)),
        }
    }

    fn primitive(&mut self, member: &Member<'_>, value: Option<&Value>, beside: Option<&Value>) -> Result<(), Error> {
        self.0.start(member.name);
        let said = beside.and_then(Value::as_object);
        if let Some(said) = said {
            self.attributes(said, member.kind)?;
        }
        match value {
            None | Some(Value::Null) => {}
            Some(value) => drop(self.0.attribute("value", &text(value).ok_or_else(|| unsaid(member.name))?)),
        }
        if let Some(said) = said {
            self.children(said, member.kind)?;
        }
        self.0.end();
        Ok(())
    }

    /// The members that are attributes, on the element just begun.
    fn attributes(&mut self, members: &Map<String, Value>, kind: Type) -> Result<(), Error> {
        for name in ["id", "url"] {
            if let Some(value) = members.get(name).filter(|_| is_attribute(kind, name)) {
                self.0.attribute(name, value.as_str().ok_or_else(|| unsaid(name))?);
            }
        }
        Ok(())
    }
}

/// A primitive as text: decimals with their digits.
fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Bool(_) | Value::Number(_) => Some(Cow::Owned(value.to_string())),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

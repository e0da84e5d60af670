//! XML Patch (RFC 5261) on a resource kept as JSON: add, replace and remove of elements and of the
//! attributes `value`, `url` and `id` (R4 `http.html#patch`).

use serde_json::Value;

use super::locate::{self, At, Path};
use super::tree::{Step, Tree};
use super::xml_content::{Node, Unread, primitive_of};
use super::xpath::{self, Selector};
use super::{Fault, MOST_BYTES, MOST_OPERATIONS, malformed, too_large};
use crate::error::Error;
use crate::fhir::definition::Kind;
use crate::xml::{self, Element, Event, Limits, Reader};

/// Bounds of an XML patch.
const LIMITS: Limits =
    Limits { depth: 64, attributes: 16, tag_bytes: 16 * 1024, name_bytes: 256, text_bytes: MOST_BYTES, bytes: 1 << 18 };

/// One operation.
pub(super) enum Operation {
    /// Elements into the one selected, or beside it.
    Add(Path, Spot, Vec<Node>),
    /// An attribute of the element selected.
    AddAttribute(Path, String, String),
    /// One element in the place of the one selected.
    Replace(Path, Node),
    /// The value of an attribute.
    ReplaceAttribute(Path, String, String),
    /// The element or the attribute selected.
    Remove(Selector),
}

/// Where what is added goes (RFC 5261 §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spot {
    /// After the children.
    Append,
    /// Before the children.
    Prepend,
    /// Before the element selected.
    Before,
    /// After the element selected.
    After,
}

/// Why a patch could not be read.
enum Unfit {
    Xml(xml::Error),
    Error(Error),
}

impl From<xml::Error> for Unfit {
    fn from(error: xml::Error) -> Self {
        Self::Xml(error)
    }
}

impl From<Error> for Unfit {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<Unread> for Unfit {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Xml(error) => Self::Xml(error),
            Unread::Deep => Self::Error(too_large()),
        }
    }
}

pub(super) fn read(bytes: &[u8]) -> Result<Vec<Operation>, Error> {
    all(bytes).map_err(|unfit| match unfit {
        Unfit::Xml(error) => malformed("XML 1.0").because(error),
        Unfit::Error(error) => error,
    })
}

fn all(bytes: &[u8]) -> Result<Vec<Operation>, Unfit> {
    let mut reader = Reader::new(bytes, LIMITS);
    match reader.next_event()? {
        Event::Start(root) if root.name() == "diff" => {}
        _ => return Err(malformed("RFC 5261 §4.1").into()),
    }
    let mut operations = Vec::new();
    reader.children(|reader, element| {
        if operations.len() >= MOST_OPERATIONS {
            return Err(Unfit::from(too_large()));
        }
        operations.push(operation(reader, element)?);
        Ok(())
    })?;
    match reader.next_event()? {
        Event::Eof => Ok(operations),
        _ => Err(malformed("RFC 5261 §4.1").into()),
    }
}

fn operation<'a>(reader: &mut Reader<'a>, element: &Element<'a>) -> Result<Operation, Unfit> {
    let wrong = || Unfit::from(malformed("RFC 5261 §4"));
    let selected = element.attribute("sel")?.and_then(|text| xpath::read(&text)).ok_or_else(wrong)?;
    let position = element.attribute("pos")?;
    let kind = element.attribute("type")?;
    let (nodes, text) = content(reader)?;
    Ok(match (element.name(), selected.attribute.clone(), kind) {
        ("add", None, Some(kind)) => {
            let name = kind.strip_prefix('@').filter(|name| matches!(*name, "value" | "url" | "id"));
            Operation::AddAttribute(selected.path, name.ok_or_else(wrong)?.to_owned(), text)
        }
        ("add", None, None) if !nodes.is_empty() => {
            let spot = match position.as_deref() {
                None => Spot::Append,
                Some("prepend") => Spot::Prepend,
                Some("before") => Spot::Before,
                Some("after") => Spot::After,
                Some(_) => return Err(wrong()),
            };
            Operation::Add(selected.path, spot, nodes)
        }
        ("replace", Some(attribute), None) if nodes.is_empty() => {
            Operation::ReplaceAttribute(selected.path, attribute, text)
        }
        ("replace", None, None) => {
            let mut nodes = nodes.into_iter();
            match (nodes.next(), nodes.next()) {
                (Some(only), None) => Operation::Replace(selected.path, only),
                _ => return Err(wrong()),
            }
        }
        ("remove", _, None) => Operation::Remove(selected),
        _ => return Err(wrong()),
    })
}

/// The elements and the text of an operation; reads its end.
fn content(reader: &mut Reader<'_>) -> Result<(Vec<Node>, String), Unfit> {
    let depth = reader.depth();
    let (mut nodes, mut text) = (Vec::new(), String::new());
    loop {
        match reader.next_event()? {
            Event::Start(element) => nodes.push(Node::read(reader, &element, 0)?),
            // All texts together are no longer than the body.
            Event::Text(piece) => text.push_str(&piece),
            Event::End if reader.depth() < depth => return Ok((nodes, text.trim().to_owned())),
            Event::End => {}
            Event::Eof => return Err(malformed("RFC 5261 §4").into()),
        }
    }
}

impl Operation {
    /// The elements of the resource it changes.
    pub(super) fn elements(&self) -> Vec<&str> {
        match self {
            Self::Add(path, _, nodes) => match path.element() {
                Some(element) => vec![element],
                None => nodes.iter().map(|node| node.name.as_str()).collect(),
            },
            Self::AddAttribute(path, name, _) | Self::ReplaceAttribute(path, name, _) => {
                vec![path.element().unwrap_or(name)]
            }
            Self::Replace(path, node) => vec![path.element().unwrap_or(&node.name)],
            Self::Remove(selected) => selected.path.element().into_iter().collect(),
        }
    }

    pub(super) fn apply(&self, tree: &mut Tree) -> Result<(), Fault> {
        match self {
            Self::Add(path, spot, nodes) => add(tree, path, *spot, nodes),
            Self::AddAttribute(path, name, text) => {
                let at = path.one(tree)?;
                let (key, is_array) = locate::member(at.kind, name, "")?;
                locate::add(tree, &at, &key, is_array, Value::String(text.clone()))
            }
            Self::Replace(path, node) => {
                let at = path.one(tree)?;
                if path.last_name() != Some(&node.name) {
                    return Err(Fault::Inapplicable("RFC 5261 §4.4: another element"));
                }
                let value = node.json(at.kind.ok_or(Fault::Inapplicable("no such element"))?)?;
                tree.replace(&at.place, value)
            }
            Self::ReplaceAttribute(path, name, text) => {
                if text.is_empty() {
                    return Err(Fault::Inapplicable("value missing"));
                }
                let (at, value) = attribute(tree, path, name, text)?;
                tree.replace(&at, value)
            }
            Self::Remove(Selector { path, attribute: None }) => {
                let at = path.one(tree)?;
                tree.prune(&at.place)
            }
            Self::Remove(Selector { path, attribute: Some(name) }) => {
                let (at, _) = attribute(tree, path, name, "")?;
                tree.prune(&at)
            }
        }
    }
}

/// The place of an attribute, and a text as its value: the attribute `value` is the primitive itself.
fn attribute(tree: &Tree, path: &Path, name: &str, text: &str) -> Result<(Vec<Step>, Value), Fault> {
    let At { mut place, kind } = path.one(tree)?;
    match kind.map(|kind| kind.kind()) {
        Some(Kind::Primitive(primitive)) if name == "value" => {
            let value = if text.is_empty() { Value::Null } else { primitive_of(primitive, text)? };
            Ok((place, value))
        }
        Some(Kind::Complex | Kind::Backbone | Kind::Resource) if name != "value" => {
            place.push(Step::Key(name.to_owned()));
            Ok((place, Value::String(text.to_owned())))
        }
        _ => Err(Fault::Inapplicable("no such attribute")),
    }
}

fn add(tree: &mut Tree, path: &Path, spot: Spot, nodes: &[Node]) -> Result<(), Fault> {
    if matches!(spot, Spot::Before | Spot::After) {
        return beside(tree, path, spot, nodes);
    }
    let at = path.one(tree)?;
    for (number, node) in nodes.iter().enumerate() {
        let (key, is_array) = locate::member(at.kind, &node.name, "")?;
        let of = at.kind.and_then(|kind| kind.property(&key)?.kind());
        let value = node.json(of.ok_or(Fault::Inapplicable("no such element"))?)?;
        if is_array && spot == Spot::Prepend {
            let list: Vec<Step> = at.place.iter().cloned().chain([Step::Key(key)]).collect();
            tree.push(&list, Some(number), value)?;
        } else {
            locate::add(tree, &at, &key, is_array, value)?;
        }
    }
    Ok(())
}

/// Beside the element selected: in its list where it is of its name, else into its parent, for the
/// order of elements of different names is the definition's.
fn beside(tree: &mut Tree, path: &Path, spot: Spot, nodes: &[Node]) -> Result<(), Fault> {
    let at = path.one(tree)?;
    let (last, list) = at.place.split_last().ok_or(Fault::Inapplicable("nothing stands beside the root"))?;
    let (Step::Index(index), Some((Step::Key(key), _))) = (last, list.split_last()) else {
        return Err(Fault::Inapplicable("RFC 5261 §4.3: no list"));
    };
    let first = if spot == Spot::After { index + 1 } else { *index };
    for (number, node) in nodes.iter().enumerate() {
        if node.name != *key {
            return Err(Fault::Inapplicable("RFC 5261 §4.3: another element"));
        }
        let value = node.json(at.kind.ok_or(Fault::Inapplicable("no such element"))?)?;
        tree.push(list, Some(first + number), value)?;
    }
    Ok(())
}

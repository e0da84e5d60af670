//! Thin typed readers over resources with French rules; they borrow, judge nothing and never fail
//! (MHD §1.3, PDSm §1.2, document-sharing §2, §3.3).

mod actor;
mod bundle;
pub mod directory;
mod document_reference;
mod list;
mod patient;
mod registers;

pub use actor::{Actor, ActorKind};
pub use bundle::{Bundle, Entry};
pub use document_reference::{Attachment, DocumentReference, Relation};
pub use list::{List, ListKind};
pub use patient::{Patient, Subject};

use serde_json::Value;

use crate::ids::BusinessIdentifier;

/// A code in a system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coding<'a> {
    /// The code system; empty where there is none.
    pub system: &'a str,
    /// The code; empty where there is none.
    pub code: &'a str,
    /// Its text, where given.
    pub display: Option<&'a str>,
}

/// The text of a member.
fn text<'a>(node: &'a Value, name: &str) -> Option<&'a str> {
    node.get(name).and_then(Value::as_str)
}

/// The items of a member, whether it stands alone or in an array; none where it is absent.
fn items<'a>(node: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    let list = match node.get(name) {
        Some(Value::Array(list)) => list.as_slice(),
        Some(single) => std::slice::from_ref(single),
        None => &[],
    };
    list.iter()
}

fn coding(node: &Value) -> Coding<'_> {
    Coding {
        system: text(node, "system").unwrap_or_default(),
        code: text(node, "code").unwrap_or_default(),
        display: text(node, "display"),
    }
}

/// All codings of a member that is a CodeableConcept or several.
fn codings<'a>(node: &'a Value, name: &str) -> Vec<Coding<'a>> {
    items(node, name).flat_map(|concept| items(concept, "coding")).map(coding).collect()
}

/// An Identifier that has a value.
fn identifier(node: &Value) -> Option<BusinessIdentifier> {
    let system = text(node, "system").unwrap_or_default().to_owned();
    Some(BusinessIdentifier { system, value: text(node, "value")?.to_owned() })
}

/// The value of an extension: the first member `value…` of the extension with this URL.
fn extension<'a>(node: &'a Value, url: &str) -> Option<&'a Value> {
    let extension = items(node, "extension").find(|extension| text(extension, "url") == Some(url))?;
    extension.as_object()?.iter().find(|(key, _)| key.starts_with("value")).map(|(_, value)| value)
}

/// The resource, if it is of this type.
fn of_type<'a>(resource: &'a Value, kind: &str) -> Option<&'a Value> {
    (text(resource, "resourceType") == Some(kind)).then_some(resource)
}

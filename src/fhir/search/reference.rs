//! References: `Type/id`, absolute URLs, logical identifiers (R4 search §reference).
//!
//! `Type/id`, an absolute URL of this server and a bare id with its type are one value, so that
//! all forms of a query have the same plan. Versions are left out.

use serde_json::Value;

use super::plan::Naming;
use super::token;
use crate::fhir::path::contained;

/// What stands before the token of a logical identifier, or of a contained resource's.
pub(super) const IDENTIFIER: &str = "identifier=";

/// The rows of a Reference, a canonical, a uri, or a whole resource.
pub(super) fn rows(resource: &Value, node: &Value, naming: &Naming<'_>, each: &mut dyn FnMut(String)) {
    if let Some(text) = node.as_str() {
        if let Some((url, _version)) = text.split_once('|') {
            each(url.to_owned());
        }
        return each(normal(text, naming));
    }
    if let (Some(kind), Some(id)) = (text_of(node, "resourceType"), text_of(node, "id")) {
        return each(format!("{kind}/{id}"));
    }
    if let Some(reference) = text_of(node, "reference")
        && !reference.starts_with('#')
    {
        each(normal(reference, naming));
    }
    identifiers(resource, node, DEPTH, &mut |identifier| {
        token::rows(identifier, naming, &mut |row| each(format!("{IDENTIFIER}{row}")));
    });
}

/// References followed inside a resource: a role, then its practitioner and its organization.
const DEPTH: u8 = 2;

/// The logical identifier of a reference and those of the contained resources it leads to.
fn identifiers(resource: &Value, reference: &Value, depth: u8, each: &mut dyn FnMut(&Value)) {
    if let Some(identifier) = reference.get("identifier") {
        each(identifier);
    }
    let Some((target, depth)) = contained(resource, reference).zip(depth.checked_sub(1)) else { return };
    match target.get("identifier") {
        Some(Value::Array(list)) => list.iter().for_each(&mut *each),
        Some(single) => each(single),
        None => {}
    }
    for next in ["practitioner", "organization"].into_iter().filter_map(|name| target.get(name)) {
        identifiers(resource, next, depth, each);
    }
}

fn text_of<'a>(node: &'a Value, name: &str) -> Option<&'a str> {
    node.get(name).and_then(Value::as_str)
}

/// A reference without its version, relative where it is to this server.
pub(super) fn normal(reference: &str, naming: &Naming<'_>) -> String {
    let path = reference.split_once("/_history/").map_or(reference, |(path, _version)| path);
    let own = path.strip_prefix(naming.base).filter(|_| !naming.base.is_empty());
    own.and_then(|rest| rest.strip_prefix('/')).unwrap_or(path).to_owned()
}

/// `Type/id`, where the text is of that form.
pub(super) fn typed(text: &str) -> Option<(&str, &str)> {
    let (kind, id) = text.split_once('/')?;
    let is_type =
        kind.starts_with(|first: char| first.is_ascii_uppercase()) && kind.bytes().all(|b| b.is_ascii_alphabetic());
    (is_type && is_id(id)).then_some((kind, id))
}

/// Whether a text may be a resource's id.
pub(super) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

/// Whether a text is an absolute URI.
pub(super) fn is_absolute(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, rest)| {
        !rest.is_empty()
            && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    })
}

//! What PDSm says in words only, each a function under the key the guide gives it (document-sharing T3, §1.2).
//!
//! Keys that a table can hold to (`constr-bind-type`, `constr-bind-format`...) are rows of `schemas/profiles`. A broken
//! one answers what was expected.

use serde_json::Value;

use crate::fhir::datatype::{Coding, Reference};

/// A name, what is expected, and the function that holds to it.
type Worded = (&'static str, &'static str, fn(&Value) -> bool);

/// What each asks, and the function that holds to it.
const WORDED: [Worded; 6] = [
    ("constr-bind-attachmenturl", "Binary/[id] | urn:uuid:", attachment_urls),
    ("constr-bind-relatesTo", "relatesTo replaces: max 1", one_replaced),
    ("constr-cdr-rempl", "relatesTo replaces: min 1", replacement_says_so),
    ("referenceIdList", "studyInstanceUID | order | accession", reference_id),
    ("submission-set-entry", "DocumentReference | List folder", members_are_documents),
    ("zero-hash", "SHA-1", hash_of_something),
];

/// The types of reference identifiers (JDV_J231).
const REFERENCE_IDS: [&str; 3] =
    ["urn:ihe:iti:xds:2016:studyInstanceUID", "urn:ihe:iti:xds:2013:order", "urn:ihe:iti:xds:2013:accession"];

/// SHA-1 of zero bytes.
const HASH_OF_NOTHING: &str = "2jmj7l5rSw0yVb/vlWAYkK/YBwk=";

/// The names known here.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    WORDED.iter().map(|(name, ..)| *name)
}

/// What was expected, where the value breaks the invariant of a name.
pub(super) fn broken(name: &str, value: &Value) -> Option<&'static str> {
    let (_, expected, holds) = WORDED.iter().find(|(known, ..)| *known == name)?;
    (!holds(value)).then_some(*expected)
}

fn list<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer).and_then(Value::as_str)
}

/// The fiches a bundle brings.
fn fiches(bundle: &Value) -> impl Iterator<Item = &Value> {
    let resources = list(bundle, "entry").filter_map(|entry| entry.get("resource"));
    resources.filter(|resource| text(resource, "/resourceType") == Some("DocumentReference"))
}

fn replaces(fiche: &Value) -> usize {
    list(fiche, "relatesTo").filter(|relation| text(relation, "/code") == Some("replaces")).count()
}

/// constr-bind-relatesTo: a flow that replaces names one document.
fn one_replaced(fiche: &Value) -> bool {
    replaces(fiche) <= 1
}

/// constr-cdr-rempl: a bundle that makes a fiche superseded brings the one that replaces it.
fn replacement_says_so(bundle: &Value) -> bool {
    let supersedes = list(bundle, "entry").any(|entry| text(entry, "/request/method") == Some("PATCH"));
    !supersedes || fiches(bundle).any(|fiche| replaces(fiche) > 0)
}

/// constr-bind-attachmenturl: what is added points to a Binary (or a document Bundle) by type and id, or by fullUrl.
fn attachment_urls(bundle: &Value) -> bool {
    let urls =
        fiches(bundle).flat_map(|fiche| list(fiche, "content")).filter_map(|content| text(content, "/attachment/url"));
    let names_document = |url: &str| match Reference::parse(url) {
        Some(Reference::Urn(_)) => true,
        Some(Reference::Relative { kind, .. } | Reference::Absolute { target: Some((kind, _)), .. }) => {
            matches!(kind, "Binary" | "Bundle")
        }
        _ => false,
    };
    urls.into_iter().all(names_document)
}

/// A related reference whose identifier is typed by a URN is of one of the three types of the DMP.
fn reference_id(related: &Value) -> bool {
    let kinds = related.pointer("/identifier/type").into_iter().flat_map(Coding::all_of);
    let mut urns = kinds.filter(|coding| coding.system == Some("urn:ietf:rfc:3986"));
    urns.all(|coding| coding.code.is_some_and(|code| REFERENCE_IDS.contains(&code)))
}

/// T13: the hash of zero bytes goes with size 0 alone.
fn hash_of_something(attachment: &Value) -> bool {
    let is_empty = attachment.get("size").and_then(Value::as_u64) == Some(0);
    text(attachment, "/hash") != Some(HASH_OF_NOTHING) || is_empty
}

/// A submission set that lists an entry of its own bundle lists a fiche or a folder, never itself.
fn members_are_documents(bundle: &Value) -> bool {
    let is_folder = |list: &Value| {
        list.get("code").into_iter().flat_map(Coding::all_of).any(|coding| coding.code == Some("folder"))
    };
    let entries = || list(bundle, "entry");
    let set = entries()
        .filter_map(|entry| entry.get("resource"))
        .find(|resource| text(resource, "/resourceType") == Some("List") && !is_folder(resource));
    let Some(set) = set else { return true };
    let members: Vec<&str> = list(set, "entry").filter_map(|item| text(item, "/item/reference")).collect();
    let listed = entries().filter(|entry| text(entry, "/fullUrl").is_some_and(|url| members.contains(&url)));
    listed.filter_map(|entry| entry.get("resource")).all(|resource| match text(resource, "/resourceType") {
        Some("DocumentReference") => true,
        Some("List") => is_folder(resource),
        _ => false,
    })
}

//! How a submission names what is already in the record: by id, by identifier, by a conditional
//! reference (R4 http.html#trules, references.html#logical; MHD §1.2).

use std::collections::HashMap;

use serde_json::Value;
use uuid::Uuid;

use crate::access::context::Context;
use crate::access::decide::{decide, is_author};
use crate::access::permit::{Permit, Verdict};
use crate::error::Error;
use crate::fhir::datatype::Reference;
use crate::fhir::search::{self, Naming, Options};
use crate::fhir::terminology::canonical_system;
use crate::ids::{BusinessIdentifier, LogicalId};
use crate::model::caller::Action;
use crate::model::document::{Document, DocumentStatus};
use crate::model::resource::ResourceType;
use crate::ops::resource::search::predicate;
use crate::rules::facts::{DocumentFacts, Facts, Naming as FactsNaming};
use crate::store::Tx;

/// What is named outside the submission.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Known {
    /// By the id that this server gave.
    Id(LogicalId),
    /// By a masterIdentifier, an entryUUID or another identifier.
    Identifier(BusinessIdentifier),
    /// By an id that is none of this server's: it names nothing.
    Nothing,
}

/// What a reference of a submission points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pointed {
    /// The entry of this fullUrl, or nothing.
    Within(String),
    /// Something that must be in the record already.
    Outside(Known),
}

/// Reads a Reference to a resource of type `kind`; `None` where it is of another type or of no form known.
pub(super) fn pointed(reference: &Value, kind: &str) -> Option<Pointed> {
    let id = |id: &str| Pointed::Outside(id.parse().map_or(Known::Nothing, Known::Id));
    match Reference::of(reference)? {
        Reference::Urn(urn) => Some(Pointed::Within(urn.to_owned())),
        Reference::Logical(identifier) => {
            let text = |name: &str| identifier.get(name).and_then(Value::as_str);
            let system = text("system").unwrap_or_default().to_owned();
            let value = text("value")?.to_owned();
            Some(Pointed::Outside(Known::Identifier(BusinessIdentifier { system, value })))
        }
        reference => named(reference, kind, id),
    }
}

fn named(reference: Reference<'_>, kind: &str, by_id: impl Fn(&str) -> Pointed) -> Option<Pointed> {
    match reference {
        Reference::Relative { kind: of, id, .. } | Reference::Absolute { target: Some((of, id)), .. } => {
            (of == kind).then(|| by_id(id))
        }
        Reference::Absolute { url, target: None } => Some(Pointed::Within(url.to_owned())),
        Reference::Conditional { kind: of, query } => {
            (of == kind).then(|| conditional(query)).flatten().map(Known::Identifier).map(Pointed::Outside)
        }
        Reference::Contained(_) | Reference::Urn(_) | Reference::Logical(_) => None,
    }
}

/// What `request.url` of a PATCH or PUT names.
pub(super) fn addressed(url: &str, kind: &str) -> Option<Known> {
    let by_id = |id: &str| Pointed::Outside(id.parse().map_or(Known::Nothing, Known::Id));
    match named(Reference::parse(url)?, kind, by_id)? {
        Pointed::Outside(known) => Some(known),
        Pointed::Within(_) => None,
    }
}

/// The one identifier of `identifier=system|value`; no other condition is known.
fn conditional(query: &str) -> Option<BusinessIdentifier> {
    let token = query.strip_prefix("identifier=").filter(|token| !token.contains(['&', ',']))?;
    let token = percent_decoded(token)?;
    let (system, value) = token.split_once('|')?;
    (!value.is_empty()).then(|| BusinessIdentifier { system: system.to_owned(), value: value.to_owned() })
}

/// Undoes `%7C` and its like (RFC 3986 §2.1).
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

/// Writes where each named thing is into the references of a resource that named it.
pub(super) fn settle(resource: &mut Value, found: &HashMap<Known, String>) {
    for (list, member, kind) in [
        ("relatesTo", "target", "DocumentReference"),
        ("entry", "item", "DocumentReference"),
        ("entry", "item", "List"),
    ] {
        let items = resource.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
        for reference in items.filter_map(|item| item.get_mut(member)) {
            let Some(Pointed::Outside(known)) = pointed(reference, kind) else { continue };
            if let (Some(place), Some(members)) = (found.get(&known), reference.as_object_mut()) {
                members.insert("reference".to_owned(), Value::String(place.clone()));
            }
        }
    }
}

/// What the record tells a caller of what is named.
pub(super) enum Lookup<T> {
    /// Nothing that he may know of.
    Absent,
    /// This.
    One(T),
    /// Several: a condition that does not tell which.
    Several,
}

impl<T> Lookup<T> {
    pub(super) fn of(mut found: Vec<T>) -> Self {
        match (found.pop(), found.is_empty()) {
            (None, _) => Self::Absent,
            (Some(one), true) => Self::One(one),
            (Some(_), false) => Self::Several,
        }
    }
}

/// Finds a fiche that the caller wrote or may read.
pub(super) fn find_fiche(
    tx: &mut Tx<'_>,
    ctx: &Context,
    permit: &Permit,
    facts: &Facts,
    known: &Known,
) -> Result<Lookup<Document>, Error> {
    let patient = permit.patient();
    let mut found = Vec::new();
    for id in ids(tx, ctx, permit, ResourceType::DocumentReference, known)? {
        found.extend(tx.fact_document(patient, id)?);
    }
    found.retain(|document| {
        document.status != DocumentStatus::Deleted
            && (is_own(ctx, document) || may_read(ctx, facts, std::slice::from_ref(document)))
    });
    Ok(Lookup::of(found))
}

/// Whether the caller wrote a document (EX_2.1-1140).
pub(super) fn is_own(ctx: &Context, document: &Document) -> bool {
    is_author(&ctx.caller, &document.persons, &document.structures)
}

/// Whether the caller may read these documents, all of them.
pub(super) fn may_read(ctx: &Context, facts: &Facts, documents: &[Document]) -> bool {
    let facts = Facts { naming: FactsNaming::Id, ..facts.clone() };
    let facts = facts.with_documents(documents.iter().map(DocumentFacts::from).collect());
    matches!(decide(ctx, Action::ReadDocument, &facts), Verdict::Permit(_))
}

/// The ids in this record of what is named, whoever may know of them; at most a few.
pub(super) fn ids(
    tx: &mut Tx<'_>,
    ctx: &Context,
    permit: &Permit,
    kind: ResourceType,
    known: &Known,
) -> Result<Vec<Uuid>, Error> {
    let patient = permit.patient();
    match known {
        Known::Nothing => Ok(Vec::new()),
        Known::Id(id) => Ok((id.shard == patient.into()).then_some(id.uuid).into_iter().collect()),
        Known::Identifier(identifier) => {
            if kind == ResourceType::DocumentReference
                && let Some(document) = tx.fact_document_by_identifier(patient, &identifier.digest())?
            {
                return Ok(vec![document.id]);
            }
            let naming = Naming { base: "", canonical_system: &canonical_system };
            let options = Options { strict: true, max_count: SEVERAL, now: ctx.at, naming };
            let token = format!("{}|{}", escaped(&identifier.system), escaped(&identifier.value));
            let pairs = [("identifier".to_owned(), token), ("_count".to_owned(), SEVERAL.to_string())];
            let search = search::parse(kind.name(), &pairs, &options).map_err(Error::many)?;
            let found = tx.search(permit, &predicate(&search, kind, patient))?;
            Ok(found.into_iter().map(|(resource, _)| resource.id).collect())
        }
    }
}

/// Of things that share an identifier no more than this are looked at.
const SEVERAL: u32 = 20;

/// A text as it stands in a search value (R4 search.html#escaping).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, ',' | '|' | '$' | '\\') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn identifier(system: &str, value: &str) -> Known {
        Known::Identifier(BusinessIdentifier { system: system.to_owned(), value: value.to_owned() })
    }

    #[test]
    fn each_way_to_name_a_fiche_is_read() {
        let read = |reference: Value| pointed(&reference, "DocumentReference");
        let urn = "urn:uuid:11111111-1111-4111-8111-111111111111";
        assert_eq!(read(json!({ "reference": urn })), Some(Pointed::Within(urn.to_owned())));
        let own = "28xjc43wv8efw-00000000000000000000000001";
        let id = Pointed::Outside(Known::Id(own.parse().unwrap()));
        for reference in [
            format!("DocumentReference/{own}"),
            format!("https://a.example/fhir/DocumentReference/{own}"),
            format!("DocumentReference/{own}/_history/2"),
        ] {
            assert_eq!(read(json!({ "reference": reference })), Some(id.clone()), "{reference}");
        }
        let named = Some(Pointed::Outside(identifier("urn:ietf:rfc:3986", "urn:oid:1.2")));
        assert_eq!(read(json!({ "identifier": { "system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2" } })), named);
        for query in ["urn:ietf:rfc:3986|urn:oid:1.2", "urn%3Aietf%3Arfc%3A3986%7Curn%3Aoid%3A1.2"] {
            assert_eq!(read(json!({ "reference": format!("DocumentReference?identifier={query}") })), named);
        }
        assert_eq!(read(json!({ "reference": "DocumentReference/x" })), Some(Pointed::Outside(Known::Nothing)));
        for foreign in ["List/x", "#x", "DocumentReference?status=current", "DocumentReference?identifier=%7", "x"] {
            assert_eq!(read(json!({ "reference": foreign })), None, "{foreign}");
        }
    }

    #[test]
    fn what_is_found_is_written_where_it_was_named() {
        let mut list = json!({ "entry": [{ "item": { "identifier": { "system": "s", "value": "v" } } }] });
        settle(&mut list, &HashMap::from([(identifier("s", "v"), "DocumentReference/a".to_owned())]));
        assert_eq!(list["entry"][0]["item"]["reference"], "DocumentReference/a");
        assert_eq!(list["entry"][0]["item"]["identifier"]["value"], "v");
    }
}

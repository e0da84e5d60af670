//! A fiche or a list as its reader sees it: what it points to and he does not see is left out, in
//! bodies and in searches alike (contract §8, "a hidden document"; document-sharing §1.2 relatesTo).

use std::collections::HashSet;

use serde_json::Value;
use uuid::Uuid;

use super::read::facts_about_list;
use super::sight;
use super::unseen::Unseen;
use crate::access::context::Context;
use crate::access::decide;
use crate::access::permit::Permit;
use crate::error::Error;
use crate::fhir::search::{self, Match, Term};
use crate::ids::{LogicalId, PatientKey};
use crate::model::document::Document;
use crate::model::resource::{ResourceType, StoredResource};
use crate::model::search::{Condition, Order, Predicate};
use crate::ops::resource::search::{by_ids, condition};
use crate::ops::resource::stamp::NAMING;
use crate::rules::facts::{DocumentFacts, Facts};
use crate::store::Tx;

const FICHE: &str = "DocumentReference";
/// What a search may ask of relations.
const RELATIONS: [&str; 3] = ["relatesto", "relation", "relationship"];
/// Hidden fiches asked for at once.
const CHUNK: usize = 200;
/// Fiches of one record that point to hidden ones.
const MOST: i64 = 100_000;

/// Who reads, and which record.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    /// The caller.
    pub(super) ctx: &'a Context,
    /// What is known of him and of the person.
    pub(super) facts: &'a Facts,
    /// The record.
    pub(super) patient: PatientKey,
}

impl Reader<'_> {
    /// A fiche or a list without what it points to and the reader does not see.
    pub(super) fn shown(
        &self,
        tx: &mut Tx<'_>,
        kind: ResourceType,
        mut found: StoredResource,
    ) -> Result<StoredResource, Error> {
        let (member, target) = if kind == ResourceType::List { ("entry", "item") } else { ("relatesTo", "target") };
        if std::str::from_utf8(&found.body).is_ok_and(|body| !body.contains(member)) {
            return Ok(found);
        }
        let Ok(mut body) = serde_json::from_slice::<Value>(&found.body) else { return Ok(found) };
        let Some(items) = body.get_mut(member).and_then(Value::as_array_mut) else { return Ok(found) };
        let mut kept = Vec::with_capacity(items.len());
        let before = items.len();
        for item in std::mem::take(items) {
            let place = item.get(target).and_then(|target| target.get("reference")).and_then(Value::as_str);
            if self.points_to_seen(tx, kind, place.unwrap_or_default())? {
                kept.push(item);
            }
        }
        if kept.len() == before {
            return Ok(found);
        }
        // An empty array is no FHIR.
        if let Some(members) = body.as_object_mut() {
            if kept.is_empty() {
                members.remove(member);
            } else {
                members.insert(member.to_owned(), Value::Array(kept));
            }
        }
        found.body = body.to_string().into_bytes();
        Ok(found)
    }

    /// The same, of each.
    pub(super) fn all_shown(
        &self,
        tx: &mut Tx<'_>,
        kind: ResourceType,
        found: Vec<StoredResource>,
    ) -> Result<Vec<StoredResource>, Error> {
        found.into_iter().map(|one| self.shown(tx, kind, one)).collect()
    }

    /// Whether a reference of a resource of this kind may be shown. A list does not show what was
    /// withdrawn; a relation with it tells no more than its own address does (410).
    fn points_to_seen(&self, tx: &mut Tx<'_>, kind: ResourceType, reference: &str) -> Result<bool, Error> {
        let bare = reference.split("/_history").next().unwrap_or_default();
        let Some((target, id)) = bare.split_once('/') else { return Ok(true) };
        let id = id.parse::<LogicalId>().ok().filter(|id| id.shard == self.patient.into());
        let Some(id) = id else { return Ok(true) };
        match target {
            FICHE => {
                let document = tx.fact_document(self.patient, id.uuid)?;
                let is_list = kind == ResourceType::List;
                Ok(document.is_none_or(|document| {
                    if is_list { sight::sees(self.ctx, self.facts, &document) } else { self.may_know(&document) }
                }))
            }
            "List" => Ok(facts_about_list(tx, self.ctx, self.patient, id.uuid)?.is_some()),
            _ => Ok(true),
        }
    }

    fn may_know(&self, document: &Document) -> bool {
        decide::sees(self.ctx, self.facts, &DocumentFacts::from(document))
    }

    /// What conditions on relations must not tell of.
    pub(super) fn relations(&self, tx: &mut Tx<'_>, permit: &Permit) -> Result<Relations, Error> {
        let hidden = self.hidden(tx)?;
        let unrelated = self.unrelated(tx, permit, &hidden)?;
        Ok(Relations { hidden, unrelated })
    }

    /// The references of the fiches of the record that the reader does not see.
    fn hidden(&self, tx: &mut Tx<'_>) -> Result<Vec<String>, Error> {
        let mut hidden = Vec::new();
        for id in Unseen::by(self.ctx, self.facts).fiches(tx, self.patient)? {
            let document = tx.fact_document(self.patient, id)?;
            if document.is_some_and(|document| !self.may_know(&document)) {
                hidden.push(format!("{FICHE}/{}", LogicalId::of_patient(self.patient, id)));
            }
        }
        Ok(hidden)
    }

    /// The fiches that have relations with hidden ones alone: to this reader they have none.
    fn unrelated(&self, tx: &mut Tx<'_>, permit: &Permit, hidden: &[String]) -> Result<Vec<Uuid>, Error> {
        let mut sources = HashSet::new();
        for chunk in hidden.chunks(CHUNK) {
            let Some(term) = search::condition(FICHE, "relatesto", &chunk.join(","), NAMING) else { continue };
            let predicate = Predicate {
                kind: ResourceType::DocumentReference,
                conditions: vec![condition(&term)],
                order: Order { parameter: None, descending: true },
                after: None,
                limit: MOST,
            };
            sources.extend(tx.fact_hits(self.patient, &predicate)?.into_iter().map(|(id, _)| id));
        }
        let sources: Vec<Uuid> = sources.into_iter().collect();
        let mut unrelated = Vec::new();
        for fiche in by_ids(tx, permit, ResourceType::DocumentReference, &sources, &[])? {
            let id = fiche.id;
            let shown: Value = serde_json::from_slice(&self.shown(tx, ResourceType::DocumentReference, fiche)?.body)
                .unwrap_or_default();
            if shown.get("relatesTo").is_none() {
                unrelated.push(id);
            }
        }
        Ok(unrelated)
    }
}

/// What of the relations of a record's fiches a reader does not see.
pub(super) struct Relations {
    /// References of the fiches that are not seen.
    hidden: Vec<String>,
    /// The fiches that have relations with those alone.
    unrelated: Vec<Uuid>,
}

impl Relations {
    /// Whether a term asks for relations.
    pub(super) fn concern(term: &Term) -> bool {
        let (Term::Index { parameter, .. } | Term::Missing { parameter, .. }) = term else { return false };
        RELATIONS.iter().filter_map(|code| search::find(FICHE, code)).any(|known| known.number == *parameter)
    }

    /// A term that cannot tell by its answer that a fiche has a relation with a hidden one.
    pub(super) fn condition(&self, term: &Term) -> Condition {
        let mut term = term.clone();
        let finds_without = match &mut term {
            Term::Index { any_of, negated, .. } => {
                any_of.retain(|value| *negated || !self.hidden.iter().any(|row| names(value, row)));
                *negated
            }
            Term::Missing { missing, .. } => *missing,
            _ => false,
        };
        let is_empty = matches!(&term, Term::Index { any_of, .. } if any_of.is_empty());
        let own = if is_empty { Condition::Never } else { condition(&term) };
        if self.unrelated.is_empty() {
            own
        } else if finds_without {
            Condition::Any(vec![own, Condition::Id(self.unrelated.clone())])
        } else {
            Condition::All(vec![own, Condition::NotId(self.unrelated.clone())])
        }
    }
}

/// Whether a value that a search asks for names this reference, alone or as the first part of a composite.
fn names(value: &Match, reference: &str) -> bool {
    let Match::Exact(value) = value else { return false };
    value.strip_prefix(reference).is_some_and(|rest| rest.is_empty() || rest.starts_with('$'))
}

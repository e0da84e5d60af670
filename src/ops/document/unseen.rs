//! What of a record a reader does not see in a search: hidden and withdrawn fiches, archived ones
//! unless asked for, and the lists that hold nothing else (contract §8; document-sharing T6, §7 42, 44).

use std::collections::HashSet;

use serde_json::Value;
use uuid::Uuid;

use super::sight;
use crate::access::context::Context;
use crate::access::permit::Permit;
use crate::error::Error;
use crate::fhir::search::{self, Search, Term};
use crate::ids::{LogicalId, PatientKey};
use crate::model::resource::{ResourceType, StoredResource};
use crate::model::search::{Condition, Order, Predicate};
use crate::ops::resource::search::condition;
use crate::ops::resource::stamp::NAMING;
use crate::rules::facts::Facts;
use crate::store::Tx;

/// Ids of hidden fiches asked for at once.
const CHUNK: usize = 200;
/// Hidden fiches, or lists that hold some, of one record.
const MOST: i64 = 100_000;

/// What of a record a reader does not see.
pub(super) struct Unseen {
    seen: Vec<Condition>,
}

impl Unseen {
    /// For the reader of these facts.
    pub(super) fn by(ctx: &Context, facts: &Facts) -> Self {
        Self { seen: sight::conditions(ctx, facts) }
    }

    /// The fiches of a record that are not seen: those that fail one of the conditions.
    pub(super) fn fiches(&self, tx: &mut Tx<'_>, patient: PatientKey) -> Result<HashSet<Uuid>, Error> {
        let mut unseen = HashSet::new();
        for condition in &self.seen {
            let predicate = whole(ResourceType::DocumentReference, vec![negation(condition)]);
            unseen.extend(tx.fact_hits(patient, &predicate)?.into_iter().map(|(id, _)| id));
        }
        Ok(unseen)
    }

    /// The lists of a record that hold nothing but fiches that are not seen, and the entries that
    /// the other lists must not show.
    pub(super) fn lists(&self, tx: &mut Tx<'_>, permit: &Permit) -> Result<UnseenLists, Error> {
        let patient = permit.patient();
        let fiches = self.fiches(tx, patient)?;
        let mut items: HashSet<String> = fiches.iter().map(|id| reference("DocumentReference", patient, *id)).collect();
        let mut holders: Vec<StoredResource> = Vec::new();
        let mut known = HashSet::new();
        let all: Vec<String> = items.iter().cloned().collect();
        for chunk in all.chunks(CHUNK) {
            let predicate = whole(ResourceType::List, asks("List", "item", &chunk.join(",")).into_iter().collect());
            let found = tx.search(permit, &predicate)?.into_iter().map(|(list, _)| list);
            holders.extend(found.filter(|list| known.insert(list.id)));
        }
        let mut lists = Vec::new();
        // A set may hold a folder that is not seen: once more for each level.
        loop {
            let is_unseen = |list: &StoredResource| {
                let entries = entries(&list.body);
                !entries.is_empty() && entries.iter().all(|entry| items.contains(entry))
            };
            let (gone, others): (Vec<_>, Vec<_>) = holders.into_iter().partition(is_unseen);
            if gone.is_empty() {
                return Ok(UnseenLists { lists, items });
            }
            items.extend(gone.iter().map(|list| reference("List", patient, list.id)));
            lists.extend(gone.iter().map(|list| list.id));
            holders = others;
        }
    }
}

/// What fulfils this condition not.
fn negation(condition: &Condition) -> Condition {
    let each = |conditions: &[Condition]| conditions.iter().map(negation).collect();
    match condition {
        Condition::Index { parameter, any_of, negated } => {
            Condition::Index { parameter: *parameter, any_of: any_of.clone(), negated: !negated }
        }
        Condition::Missing { parameter, missing } => Condition::Missing { parameter: *parameter, missing: !missing },
        Condition::Any(conditions) => Condition::All(each(conditions)),
        Condition::All(conditions) => Condition::Any(each(conditions)),
        Condition::Id(ids) => Condition::NotId(ids.clone()),
        Condition::NotId(ids) => Condition::Id(ids.clone()),
        // Nothing fulfils it, so all do that are not.
        Condition::Never => Condition::All(Vec::new()),
        // No reader's sight depends on when a fiche was changed.
        Condition::LastUpdated(_) => Condition::Never,
    }
}

/// What of the lists of a record a reader does not see.
pub(super) struct UnseenLists {
    /// Lists that are not there for him.
    pub(super) lists: Vec<Uuid>,
    /// Entries that are not there for him, as references.
    items: HashSet<String>,
}

impl UnseenLists {
    /// What a list must fulfil to be seen.
    pub(super) fn seen(&self) -> Vec<Condition> {
        if self.lists.is_empty() { Vec::new() } else { vec![Condition::NotId(self.lists.clone())] }
    }

    /// A term on entries that cannot tell by its answer that a hidden fiche stands in a list; nothing
    /// for another term.
    pub(super) fn condition(&self, term: &Term) -> Option<Condition> {
        let mut term = term.clone();
        let Term::Index { parameter: asked, any_of, negated: false } = &mut term else { return None };
        let item = search::find("List", "item").filter(|item| item.number == *asked && !self.items.is_empty())?;
        for unseen in &self.items {
            if let Some(Term::Index { any_of: rows, .. }) = search::condition("List", item.code, unseen, NAMING) {
                any_of.retain(|value| !rows.contains(value));
            }
        }
        Some(if any_of.is_empty() { Condition::Never } else { condition(&term) })
    }

    /// A list without the entries that are not seen.
    pub(super) fn without_entries(&self, mut list: StoredResource) -> StoredResource {
        if self.items.is_empty() || !entries(&list.body).iter().any(|entry| self.items.contains(entry)) {
            return list;
        }
        if let Ok(mut body) = serde_json::from_slice::<Value>(&list.body) {
            if let Some(entries) = body.get_mut("entry").and_then(Value::as_array_mut) {
                entries.retain(|entry| item(entry).is_none_or(|item| !self.items.contains(item)));
            }
            list.body = body.to_string().into_bytes();
        }
        list
    }
}

/// Archived resources come only when asked for, or when named one by one (document-sharing §7 42;
/// TD3.1b must find what TD3.3d is to unarchive).
pub(super) fn not_archived(search: &Search) -> Option<Condition> {
    if search.wants_archived() || search.names_one_by_one() {
        return None;
    }
    let term = search::condition(&search.kind, "isArchived:not", "true", NAMING)?;
    let is_asked = search.terms.contains(&term);
    (!is_asked).then(|| condition(&term))
}

/// All resources that fulfil conditions.
fn whole(kind: ResourceType, conditions: Vec<Condition>) -> Predicate {
    Predicate { kind, conditions, order: Order { parameter: None, descending: true }, after: None, limit: MOST }
}

/// What a parameter asks for by a value of a query.
fn asks(kind: &str, name: &str, value: &str) -> Option<Condition> {
    search::condition(kind, name, value, NAMING).map(|term| condition(&term))
}

fn reference(kind: &str, patient: PatientKey, id: Uuid) -> String {
    format!("{kind}/{}", LogicalId::of_patient(patient, id))
}

/// What a list holds, as references.
fn entries(body: &[u8]) -> Vec<String> {
    let list: Value = serde_json::from_slice(body).unwrap_or_default();
    let entries = list.get("entry").and_then(Value::as_array).into_iter().flatten();
    entries.filter_map(item).map(str::to_owned).collect()
}

fn item(entry: &Value) -> Option<&str> {
    entry.get("item")?.get("reference")?.as_str()
}

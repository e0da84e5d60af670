//! From a FHIR search to the predicate that the store runs, and the page it yields.

use std::collections::HashMap;

use crate::access::permit::Permit;
use crate::error::Error;
use crate::fhir::search::page::Position as Place;
use crate::fhir::search::{self, Search, Term};
use crate::ids::{PatientKey, ShardKey};
use crate::model::resource::{ResourceType, StoredResource};
use crate::model::search::{Condition, Interval, Match, Position, Predicate};
use crate::store::Tx;

use super::order;

/// Rows of a page where the client names no number.
pub const DEFAULT_COUNT: u32 = 50;
/// The largest page.
pub const LARGEST_COUNT: u32 = 500;

/// One page of a search within one record.
#[derive(Debug)]
pub struct Page {
    /// The record searched.
    pub patient: PatientKey,
    /// The matches of this page.
    pub matches: Vec<StoredResource>,
    /// How many match in all.
    pub total: i64,
    /// Where the next page starts, if there is one.
    pub next: Option<Place>,
}

/// Rows of a page.
pub(super) fn rows(search: &Search) -> usize {
    usize::try_from(search.count.unwrap_or(DEFAULT_COUNT).min(LARGEST_COUNT)).unwrap_or(usize::MAX)
}

/// Turns a search into the store's words, from its beginning on: one row more than a page holds, so
/// that the existence of a next page is known. An id of another record can match nothing.
pub fn predicate(search: &Search, kind: ResourceType, shard: impl Into<ShardKey>) -> Predicate {
    let shard = shard.into();
    Predicate {
        kind,
        conditions: search.terms.iter().map(|term| condition(term, shard)).collect(),
        order: order::keys(search).first().copied().unwrap_or(order::NEWEST_FIRST),
        after: None,
        limit: i64::try_from(rows(search)).unwrap_or(i64::MAX).saturating_add(1),
    }
}

/// Runs a search and cuts its page: by the store where one key orders it, else by all its keys.
///
/// # Errors
/// Those of the store.
pub fn run(
    tx: &mut Tx<'_>,
    permit: &Permit,
    search: &Search,
    predicate: &Predicate,
    after: Option<&Place>,
) -> Result<Page, Error> {
    let patient = permit.patient();
    let total = tx.count(permit, predicate)?;
    if search.wants_total_only() {
        return Ok(Page { patient, matches: Vec::new(), total, next: None });
    }
    if order::keys(search).len() > 1 {
        return order::run(tx, permit, search, predicate, after, total);
    }
    let after = after.map(|place| Position { value: place.values.first().copied().flatten(), id: place.id });
    let found = tx.search(permit, &Predicate { after, ..predicate.clone() })?;
    Ok(page(search, patient, found, total))
}

/// Cuts the surplus row off and says where the next page starts.
fn page(search: &Search, patient: PatientKey, mut found: Vec<(StoredResource, Option<i64>)>, total: i64) -> Page {
    let goes_on = found.len() > rows(search);
    found.truncate(rows(search));
    let next = found.last().filter(|_| goes_on).map(|(last, value)| Place { values: vec![*value], id: last.id });
    Page { patient, matches: found.into_iter().map(|(resource, _)| resource).collect(), total, next }
}

/// The resources of these ids that still fulfil `conditions`, in the order of the ids.
pub(crate) fn by_ids(
    tx: &mut Tx<'_>,
    permit: &Permit,
    kind: ResourceType,
    ids: &[uuid::Uuid],
    conditions: &[Condition],
) -> Result<Vec<StoredResource>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut conditions = conditions.to_vec();
    conditions.push(Condition::Id(ids.to_vec()));
    let limit = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    let predicate = Predicate { kind, conditions, order: order::NEWEST_FIRST, after: None, limit };
    let found = tx.search(permit, &predicate)?.into_iter();
    let mut found: HashMap<_, _> = found.map(|(resource, _)| (resource.id, resource)).collect();
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// One term in the store's words.
pub(crate) fn condition(term: &Term, shard: impl Into<ShardKey>) -> Condition {
    match term {
        Term::Id(ids) => {
            let shard = shard.into();
            let own: Vec<_> = ids.iter().filter_map(|id| shard.key_of(id)).collect();
            if own.is_empty() { Condition::Never } else { Condition::Id(own) }
        }
        Term::LastUpdated(intervals) => Condition::LastUpdated(intervals.iter().map(interval).collect()),
        Term::Index { parameter, any_of, negated } => {
            Condition::Index { parameter: *parameter, any_of: any_of.iter().map(matching).collect(), negated: *negated }
        }
        Term::Missing { parameter, missing } => Condition::Missing { parameter: *parameter, missing: *missing },
    }
}

/// One comparison in the store's words.
pub(crate) fn matching(value: &search::Match) -> Match {
    match value {
        search::Match::Exact(value) => Match::Exact(value.clone()),
        search::Match::Prefix(value) => Match::Prefix(value.clone()),
        search::Match::Suffix(value) => Match::Suffix(value.clone()),
        search::Match::Contains(part) => Match::Contains(part.clone()),
        search::Match::Interval(bounds) => Match::Interval(interval(bounds)),
    }
}

fn interval(bounds: &search::Interval) -> Interval {
    Interval { low_from: bounds.low_from, low_to: bounds.low_to, high_from: bounds.high_from, high_to: bounds.high_to }
}

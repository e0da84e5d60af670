//! From a FHIR search to the predicate that the store runs, and the page it yields.

use std::cmp::Ordering;
use std::collections::HashMap;

use crate::access::permit::Permit;
use crate::error::Error;
use crate::fhir::search::page::{Position as Place, Snapshot, Value};
use crate::fhir::search::{self, Search, Term};
use crate::ids::{PatientKey, ShardKey};
use crate::model::resource::{ResourceType, StoredResource};
use crate::model::search::{Condition, Interval, Match, Order, Position, Predicate, Subject};
use crate::store::Tx;

use super::scope::Scope;
use super::stamp::index;
use super::{order, resolve};

/// Rows of a page where the client names no number.
pub const DEFAULT_COUNT: u32 = 50;
/// The largest page.
pub const LARGEST_COUNT: u32 = 500;

/// Resources that may change between two pages of one search.
const CHANGED: i64 = 1_000;

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
/// that the existence of a next page is known. An id of another record can match nothing, and neither
/// can what leads out of the resource: that is [`resolved`]'s.
pub fn predicate(search: &Search, kind: ResourceType, shard: impl Into<ShardKey>) -> Predicate {
    let shard = shard.into();
    let conditions = search.terms.iter().map(|term| condition_in(term, shard)).collect();
    of_conditions(search, kind, conditions)
}

/// The same of any search, by what the caller may reach. `others` hold besides: they are in the
/// predicate too, after those of the search.
///
/// # Errors
/// [`Code::TooCostly`](crate::error::Code::TooCostly) where a condition leads to too much; those of the store.
pub fn resolved(
    tx: &mut Tx<'_>,
    scope: &dyn Scope,
    search: &Search,
    kind: ResourceType,
    others: Vec<Condition>,
) -> Result<Predicate, Error> {
    let mut conditions = resolve::conditions(tx, scope, kind, &search.terms, &others)?;
    conditions.extend(others);
    Ok(of_conditions(search, kind, conditions))
}

fn of_conditions(search: &Search, kind: ResourceType, conditions: Vec<Condition>) -> Predicate {
    let order = order::walked(&order::keys(search)).unwrap_or(order::NEWEST_FIRST);
    let limit = i64::try_from(rows(search)).unwrap_or(i64::MAX).saturating_add(1);
    Predicate { kind, conditions, order, after: None, limit }
}

/// Runs a search and cuts its page. `seen` are the conditions under which the caller sees a resource of
/// the type: the pages after the first show what it showed, as far as the caller still sees it.
///
/// # Errors
/// Those of the store; [`Code::TooCostly`](crate::error::Code::TooCostly) where too much is to be put in order, or has changed since
/// the first page.
pub fn run(
    tx: &mut Tx<'_>,
    permit: &Permit,
    search: &Search,
    predicate: &Predicate,
    seen: &[Condition],
    after: Option<&Place>,
) -> Result<Page, Error> {
    let patient = permit.patient();
    let snapshot = after.and_then(|after| after.snapshot);
    let total = match snapshot {
        Some(snapshot) => snapshot.total,
        None => tx.count(permit, predicate)?,
    };
    if search.wants_total_only() {
        return Ok(Page { patient, matches: Vec::new(), total, next: None });
    }
    let keys = order::keys(search);
    let former = match snapshot {
        Some(snapshot) => former(tx, permit, predicate, seen, &keys, snapshot)?,
        None => Vec::new(),
    };
    let mut predicate = predicate.clone();
    if let Some(snapshot) = snapshot.filter(|_| !former.is_empty()) {
        let until = Interval { low_to: Some(snapshot.at), ..Interval::default() };
        predicate.conditions.push(Condition::LastUpdated(vec![until]));
    }
    let former = former.into_iter().flatten();
    let mut found: Vec<(Place, Option<StoredResource>)> = former.map(|(place, kept)| (place, Some(kept))).collect();
    if order::walked(&keys).is_some() {
        predicate.after = after.map(|after| Position { value: after.number(), id: after.id });
        for (kept, value) in tx.search(permit, &predicate)? {
            let place = Place { values: vec![value.map(Value::Number)], id: kept.id, snapshot: None };
            found.push((place, Some(kept)));
        }
    } else {
        found.extend(order::rank(tx, permit, &predicate, &keys)?.into_iter().map(|place| (place, None)));
    }
    if let Some(after) = after {
        found.retain(|(place, _)| order::compare(place, after, &keys) == Ordering::Greater);
    }
    found.sort_by(|(one, _), (other, _)| order::compare(one, other, &keys));
    let goes_on = found.len() > rows(search);
    found.truncate(rows(search));
    let next = match found.last().filter(|_| goes_on) {
        Some((last, _)) => Some(next(tx, permit, &predicate, seen, last, (snapshot, total))?),
        None => None,
    };
    Ok(Page { patient, matches: whole(tx, permit, predicate.kind, found)?, total, next })
}

/// Where the next page starts, and what the first one saw.
fn next(
    tx: &mut Tx<'_>,
    permit: &Permit,
    predicate: &Predicate,
    seen: &[Condition],
    last: &Place,
    (snapshot, total): (Option<Snapshot>, i64),
) -> Result<Place, Error> {
    if snapshot.is_some() {
        return Ok(Place { snapshot, ..last.clone() });
    }
    let (kind, conditions) = (predicate.kind, seen.to_vec());
    let newest = Predicate { kind, conditions, order: order::NEWEST_FIRST, after: None, limit: 1 };
    let newest = tx.find_hits(permit, &newest)?.pop().and_then(|(_, at)| at);
    let snapshot = Snapshot { at: newest.unwrap_or(i64::MAX), total };
    Ok(Place { snapshot: Some(snapshot), ..last.clone() })
}

/// A version that the first page saw, with its place.
type Former = Option<(Place, StoredResource)>;

/// For each resource of the type that changed since the first page and that the caller still sees: the
/// version that the first page saw, if there was one and it matched.
fn former(
    tx: &mut Tx<'_>,
    permit: &Permit,
    predicate: &Predicate,
    seen: &[Condition],
    keys: &[Order],
    snapshot: Snapshot,
) -> Result<Vec<Former>, Error> {
    let since = Interval { low_from: Some(snapshot.at.saturating_add(1)), ..Interval::default() };
    let conditions = [seen, &[Condition::LastUpdated(vec![since])]].concat();
    let limit = CHANGED.saturating_add(1);
    let changed = Predicate { kind: predicate.kind, conditions, order: order::NEWEST_FIRST, after: None, limit };
    let changed = tx.find_hits(permit, &changed)?;
    if i64::try_from(changed.len()).unwrap_or(i64::MAX) > CHANGED {
        return Err(resolve::too_costly());
    }
    let mut former = Vec::with_capacity(changed.len());
    for (id, _) in changed {
        let version = tx.find_version_at(permit, predicate.kind, id, snapshot.at)?;
        former.push(version.and_then(|version| {
            let body: serde_json::Value = serde_json::from_slice(&version.body).ok()?;
            let rows = index(&body);
            let subject = Subject { id, updated_at: version.updated_at, rows: &rows };
            let matched = predicate.conditions.iter().all(|condition| condition.holds(&subject));
            matched.then(|| (order::place(keys, &version, &rows), version))
        }));
    }
    Ok(former)
}

/// The resources of a page: those that the store has not handed over yet are read now.
fn whole(
    tx: &mut Tx<'_>,
    permit: &Permit,
    kind: ResourceType,
    found: Vec<(Place, Option<StoredResource>)>,
) -> Result<Vec<StoredResource>, Error> {
    let missing: Vec<uuid::Uuid> = found.iter().filter(|(_, kept)| kept.is_none()).map(|(place, _)| place.id).collect();
    let mut read: HashMap<_, _> =
        by_ids(tx, permit, kind, &missing, &[])?.into_iter().map(|kept| (kept.id, kept)).collect();
    Ok(found.into_iter().filter_map(|(place, kept)| kept.or_else(|| read.remove(&place.id))).collect())
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

/// One term within a record or the directory in the store's words.
pub(crate) fn condition_in(term: &Term, shard: impl Into<ShardKey>) -> Condition {
    let Term::Id(ids) = term else { return condition(term) };
    let shard = shard.into();
    let own: Vec<_> = ids.iter().filter_map(|id| shard.key_of(id)).collect();
    if own.is_empty() { Condition::Never } else { Condition::Id(own) }
}

/// One term in the store's words, if it is about rows or the last update; nothing fulfils another.
pub(crate) fn condition(term: &Term) -> Condition {
    match term {
        Term::LastUpdated(intervals) => Condition::LastUpdated(intervals.iter().map(interval).collect()),
        Term::Index { parameter, any_of, negated } => {
            Condition::Index { parameter: *parameter, any_of: any_of.iter().map(matching).collect(), negated: *negated }
        }
        Term::Missing { parameter, missing } => Condition::Missing { parameter: *parameter, missing: *missing },
        Term::Any(inner) => {
            let mut all: Vec<Condition> = inner.iter().map(condition).collect();
            all.retain(|condition| *condition != Condition::Never);
            match all.pop() {
                None => Condition::Never,
                Some(only) if all.is_empty() => only,
                Some(last) => {
                    all.push(last);
                    Condition::Any(all)
                }
            }
        }
        Term::Id(_) | Term::Chain(_) | Term::Has(_) | Term::Tree(_) | Term::Read(_) => Condition::Never,
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
        search::Match::Measured(start, bounds) => Match::Measured(start.clone(), interval(bounds)),
    }
}

fn interval(bounds: &search::Interval) -> Interval {
    Interval { low_from: bounds.low_from, low_to: bounds.low_to, high_from: bounds.high_from, high_to: bounds.high_to }
}

//! From a FHIR search to the predicate that the store runs, and the page it yields.

use std::str::FromStr as _;

use crate::fhir::search::{self, Search, Term};
use crate::ids::{LogicalId, PatientKey};
use crate::model::resource::{ResourceType, StoredResource};
use crate::model::search::{Condition, Interval, Match, Order, Position, Predicate};

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
    pub next: Option<Position>,
}

/// The predicate of a search within the record of `patient`, one row more than the page holds so
/// that the existence of a next page is known.
pub(super) fn rows(search: &Search) -> i64 {
    i64::from(search.count.unwrap_or(DEFAULT_COUNT).min(LARGEST_COUNT))
}

/// Turns a search into the store's words. An id of another record can match nothing.
pub fn predicate(search: &Search, kind: ResourceType, patient: PatientKey, after: Option<Position>) -> Predicate {
    let order = match search.sort {
        Some(sort) => Order { parameter: sort.parameter, descending: sort.descending },
        None => Order { parameter: None, descending: true },
    };
    Predicate {
        kind,
        conditions: search.terms.iter().map(|term| condition(term, patient)).collect(),
        order,
        after,
        limit: rows(search).saturating_add(1),
    }
}

/// Cuts the surplus row off and says where the next page starts.
pub fn page(search: &Search, patient: PatientKey, mut found: Vec<(StoredResource, Option<i64>)>, total: i64) -> Page {
    let size = usize::try_from(rows(search)).unwrap_or(usize::MAX);
    let goes_on = found.len() > size;
    found.truncate(size);
    let next = if goes_on { found.last().map(|(last, value)| Position { value: *value, id: last.id }) } else { None };
    Page { patient, matches: found.into_iter().map(|(resource, _)| resource).collect(), total, next }
}

fn condition(term: &Term, patient: PatientKey) -> Condition {
    match term {
        Term::Id(ids) => {
            let own = ids.iter().filter_map(|id| LogicalId::from_str(id).ok());
            let own: Vec<_> = own.filter(|id| id.shard == patient.into()).map(|id| id.uuid).collect();
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
        search::Match::Interval(bounds) => Match::Interval(interval(bounds)),
    }
}

fn interval(bounds: &search::Interval) -> Interval {
    Interval { low_from: bounds.low_from, low_to: bounds.low_to, high_from: bounds.high_from, high_to: bounds.high_to }
}

//! An order by several keys (R4 search §sort): the store tells the values of each key, the page is
//! put in order here. The cost is that of the matches, never of the record's bodies.

use std::cmp::Ordering;
use std::collections::HashMap;

use uuid::Uuid;

use crate::access::permit::Permit;
use crate::error::Error;
use crate::fhir::search::Search;
use crate::fhir::search::page::Position as Place;
use crate::model::search::{Order, Predicate};
use crate::store::Tx;

use super::search::{Page, by_ids, rows};

/// The order where none is asked.
pub(super) const NEWEST_FIRST: Order = Order { parameter: None, descending: true };

/// Matches that are put in order; a record of more is read in the order of its first key.
const MOST: i64 = 100_000;

/// The keys of a search, by their weight.
pub(super) fn keys(search: &Search) -> Vec<Order> {
    search.sort.iter().map(|sort| Order { parameter: sort.parameter, descending: sort.descending }).collect()
}

pub(super) fn run(
    tx: &mut Tx<'_>,
    permit: &Permit,
    search: &Search,
    predicate: &Predicate,
    after: Option<&Place>,
    total: i64,
) -> Result<Page, Error> {
    let keys = keys(search);
    let mut ranked = rank(tx, permit, predicate, &keys)?;
    ranked.sort_by(|one, other| compare(one, other, &keys));
    if let Some(after) = after {
        ranked.retain(|place| compare(place, after, &keys) == Ordering::Greater);
    }
    let goes_on = ranked.len() > rows(search);
    ranked.truncate(rows(search));
    let ids: Vec<Uuid> = ranked.iter().map(|place| place.id).collect();
    let matches = by_ids(tx, permit, predicate.kind, &ids, &[])?;
    Ok(Page { patient: permit.patient(), matches, total, next: ranked.pop().filter(|_| goes_on) })
}

/// Every match with the values of all keys.
fn rank(tx: &mut Tx<'_>, permit: &Permit, predicate: &Predicate, keys: &[Order]) -> Result<Vec<Place>, Error> {
    let mut values: HashMap<Uuid, Vec<Option<i64>>> = HashMap::new();
    for order in keys {
        let predicate = Predicate { order: *order, after: None, limit: MOST, ..predicate.clone() };
        for (id, value) in tx.find_hits(permit, &predicate)? {
            values.entry(id).or_default().push(value);
        }
    }
    Ok(values.into_iter().map(|(id, values)| Place { values, id }).collect())
}

/// Resources without a value come last, whatever the direction; what is equal stands by id.
fn compare(one: &Place, other: &Place, keys: &[Order]) -> Ordering {
    let by_keys = keys.iter().zip(one.values.iter().zip(&other.values)).map(|(key, (one, other))| match (one, other) {
        (Some(one), Some(other)) if key.descending => other.cmp(one),
        (Some(one), Some(other)) => one.cmp(other),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    });
    by_keys.fold(Ordering::Equal, Ordering::then).then_with(|| one.id.cmp(&other.id))
}

//! The order of a search and its places (R4 search §sort). One key of dates or `_lastUpdated` is
//! walked by the index; for others the store tells the values of each match and they are put in order
//! here: the cost is that of the matches, never of the record's bodies.

use std::cmp::Ordering;
use std::collections::HashMap;

use uuid::Uuid;

use super::resolve::too_costly;
use crate::access::permit::Permit;
use crate::error::Error;
use crate::fhir::search::page::{Position as Place, Value};
use crate::fhir::search::{Kind, Search, by_number};
use crate::model::resource::{IndexRow, StoredResource};
use crate::model::search::{Order, Predicate};
use crate::store::Tx;

/// The order where none is asked.
pub(super) const NEWEST_FIRST: Order = Order { parameter: None, descending: true };

/// Matches that are put in order.
const MOST: i64 = 100_000;
/// Rows of one key among them.
const MOST_ROWS: i64 = 400_000;

/// The keys of a search, by their weight; where none is asked, the newest come first.
pub(super) fn keys(search: &Search) -> Vec<Order> {
    let keys: Vec<Order> =
        search.sort.iter().map(|sort| Order { parameter: sort.parameter, descending: sort.descending }).collect();
    if keys.is_empty() { vec![NEWEST_FIRST] } else { keys }
}

/// The key that the store's index walks by itself.
pub(super) fn walked(keys: &[Order]) -> Option<Order> {
    let [key] = keys else { return None };
    key.parameter.is_none_or(is_date).then_some(*key)
}

fn is_date(parameter: i32) -> bool {
    by_number(parameter).is_some_and(|parameter| parameter.kind == Kind::Date)
}

/// What a row weighs in the order of its parameter.
fn weight(parameter: i32, value: &str, low: i64) -> Value {
    match by_number(parameter).map(|parameter| parameter.kind) {
        Some(Kind::Date | Kind::Number | Kind::Quantity) => Value::Number(low),
        _ => Value::Text(value.to_owned()),
    }
}

/// Of several values the greatest counts going down, the least going up.
fn better(descending: bool, known: Option<Value>, value: Value) -> Value {
    match known {
        Some(known) if descending => known.max(value),
        Some(known) => known.min(value),
        None => value,
    }
}

/// The place of one version of a resource.
pub(super) fn place(keys: &[Order], found: &StoredResource, rows: &[IndexRow]) -> Place {
    let value = |key: &Order| match key.parameter {
        None => Some(Value::Number(found.updated_at.as_microsecond())),
        Some(parameter) => rows
            .iter()
            .filter(|row| row.parameter == parameter)
            .fold(None, |known, row| Some(better(key.descending, known, weight(parameter, &row.value, row.low)))),
    };
    Place { values: keys.iter().map(value).collect(), id: found.id, snapshot: None }
}

/// Every match with the values of all keys.
pub(super) fn rank(
    tx: &mut Tx<'_>,
    permit: &Permit,
    predicate: &Predicate,
    keys: &[Order],
) -> Result<Vec<Place>, Error> {
    let whole = Predicate { order: NEWEST_FIRST, after: None, limit: MOST, ..predicate.clone() };
    let found = tx.find_hits(permit, &whole)?;
    if i64::try_from(found.len()).unwrap_or(i64::MAX) >= MOST {
        return Err(too_costly());
    }
    let mut columns: Vec<HashMap<Uuid, Value>> = Vec::with_capacity(keys.len());
    for key in keys {
        let mut column: HashMap<Uuid, Value> = HashMap::new();
        match key.parameter {
            None => {
                let updated = found.iter().filter_map(|(id, at)| Some((*id, Value::Number((*at)?))));
                column.extend(updated);
            }
            Some(parameter) => {
                let rows = Predicate { limit: MOST_ROWS, ..whole.clone() };
                for row in tx.find_values(permit, &rows, parameter)? {
                    let value = weight(parameter, &row.value, row.low);
                    let known = column.remove(&row.id);
                    column.insert(row.id, better(key.descending, known, value));
                }
            }
        }
        columns.push(column);
    }
    let place = |(id, _): &(Uuid, Option<i64>)| {
        let values = columns.iter_mut().map(|column| column.remove(id)).collect();
        Place { values, id: *id, snapshot: None }
    };
    Ok(found.iter().map(place).collect())
}

/// Resources without a value come last, whatever the direction; what is equal stands by id: in the
/// direction of the one key that the store walks, else upwards.
pub(super) fn compare(one: &Place, other: &Place, keys: &[Order]) -> Ordering {
    let by_keys = keys.iter().zip(one.values.iter().zip(&other.values)).map(|(key, (one, other))| match (one, other) {
        (Some(one), Some(other)) if key.descending => other.cmp(one),
        (Some(one), Some(other)) => one.cmp(other),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    });
    let is_downwards = walked(keys).is_some_and(|key| key.descending);
    let by_id = || if is_downwards { other.id.cmp(&one.id) } else { one.id.cmp(&other.id) };
    by_keys.fold(Ordering::Equal, Ordering::then).then_with(by_id)
}

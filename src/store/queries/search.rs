//! Searches: a `model::search::Predicate` as SQL (limits §7: every sub-query names the record).
//!
//! A search runs in two steps. The first finds a page of ids by narrow indexes alone and never reads
//! a body; each condition is a set of ids (`id IN (SELECT ..)`) of the same record. The second reads
//! the bodies of that page by primary key.

use std::collections::HashMap;

use diesel::BoxableExpression;
use diesel::dsl::{max, min};
use diesel::prelude::*;
use diesel::sql_types::{Binary, Bool};
use uuid::Uuid;

use super::super::{Conn, Db, dialect};
use super::resource::{Row, to_resource};
use crate::access::permit::Permit;
use crate::ids::PatientKey;
use crate::model::resource::StoredResource;
use crate::model::search::{Condition, Interval, Match, Predicate};
use crate::store::cached::Cached;
use crate::store::error::Result;
use crate::store::records::FoundValue;
use crate::store::rows;
use crate::store::schema::{resource, search_index};

/// An id with its sort value.
type Hit = (Vec<u8>, Option<i64>);
/// A test of one index row.
type Test<'a> = Box<dyn BoxableExpression<search_index::table, Db, SqlType = Bool> + 'a>;

/// A test of one resource.
type Holds<'a> = Box<dyn BoxableExpression<resource::table, Db, SqlType = Bool> + 'a>;

/// A condition as a set of ids.
enum Set<'a> {
    Indexed(search_index::BoxedQuery<'a, Db, Binary>),
    NotIndexed(search_index::BoxedQuery<'a, Db, Binary>),
    Kept(resource::BoxedQuery<'a, Db, Binary>),
    Others(Vec<&'a [u8]>),
}

/// Narrows a query by sets of ids, whichever table its `id` is of.
macro_rules! narrow {
    ($query:ident, $id:expr, $sets:expr) => {
        for set in $sets {
            $query = match set {
                Set::Indexed(ids) => $query.filter($id.eq_any(ids)),
                Set::NotIndexed(ids) => $query.filter($id.ne_all(ids)),
                Set::Kept(ids) => $query.filter($id.eq_any(ids)),
                Set::Others(ids) => $query.filter($id.ne_all(ids)),
            };
        }
    };
}

/// Most conditions of a search that stays prepared: more of them come in too many forms.
const FEW: usize = 5;

/// Runs a search, prepared for ever where its text is one of few.
macro_rules! run {
    ($query:expr, $predicate:expr, $conn:expr) => {{
        let query = $query;
        let rows = if is_plain($predicate) { Cached(query).load($conn) } else { query.load($conn) };
        rows.map_err(crate::store::Error::from)
    }};
}

/// What of the record a search looks at.
#[derive(Clone, Copy)]
struct Scope {
    pt: i64,
    kind: i16,
}

pub(in crate::store) fn search(
    conn: &mut Conn,
    permit: &Permit,
    predicate: &Predicate,
) -> Result<Vec<(StoredResource, Option<i64>)>> {
    let scope = Scope { pt: permit.shard().get(), kind: predicate.kind.number() };
    let hits = hits(conn, scope, predicate)?;
    bodies(conn, scope, hits)
}

pub(in crate::store) fn fact_hits(
    conn: &mut Conn,
    patient: PatientKey,
    predicate: &Predicate,
) -> Result<Vec<(Uuid, Option<i64>)>> {
    ids(conn, Scope { pt: patient.get(), kind: predicate.kind.number() }, predicate)
}

pub(in crate::store) fn find_hits(
    conn: &mut Conn,
    permit: &Permit,
    predicate: &Predicate,
) -> Result<Vec<(Uuid, Option<i64>)>> {
    ids(conn, Scope { pt: permit.shard().get(), kind: predicate.kind.number() }, predicate)
}

fn ids(conn: &mut Conn, scope: Scope, predicate: &Predicate) -> Result<Vec<(Uuid, Option<i64>)>> {
    let hits = hits(conn, scope, predicate)?.into_iter();
    hits.map(|(id, value)| Ok((rows::uuid(&id, "search_index", "id")?, value))).collect()
}

/// The rows of one parameter of whatever a search finds.
pub(in crate::store) fn find_values(
    conn: &mut Conn,
    permit: &Permit,
    predicate: &Predicate,
    parameter: i32,
) -> Result<Vec<FoundValue>> {
    let scope = Scope { pt: permit.shard().get(), kind: predicate.kind.number() };
    let Some(sets) = sets(scope, predicate) else { return Ok(Vec::new()) };
    let mut query = indexed(scope, parameter)
        .select((search_index::id, search_index::value, search_index::low, search_index::high))
        .limit(predicate.limit)
        .into_boxed::<Db>();
    narrow!(query, search_index::id, sets);
    let found: Vec<(Vec<u8>, String, i64, i64)> = query.load(conn)?;
    let value = |(id, value, low, high): (Vec<u8>, String, i64, i64)| {
        Ok(FoundValue { id: rows::uuid(&id, "search_index", "id")?, value, low, high })
    };
    found.into_iter().map(value).collect()
}

fn hits(conn: &mut Conn, scope: Scope, predicate: &Predicate) -> Result<Vec<Hit>> {
    match predicate.order.parameter {
        None => by_update(conn, scope, predicate),
        Some(parameter) => by_parameter(conn, scope, predicate, parameter),
    }
}

pub(in crate::store) fn count(conn: &mut Conn, permit: &Permit, predicate: &Predicate) -> Result<i64> {
    let scope = Scope { pt: permit.shard().get(), kind: predicate.kind.number() };
    let Some(sets) = sets(scope, predicate) else { return Ok(0) };
    let mut query = kept(scope).select(diesel::dsl::count_star()).into_boxed::<Db>();
    narrow!(query, resource::id, sets);
    Ok(query.get_result(conn)?)
}

/// Whether the text of a search is one of few.
fn is_plain(predicate: &Predicate) -> bool {
    predicate.conditions.len() <= FEW && predicate.conditions.iter().all(|condition| is_single(condition, false))
}

/// Whether a condition is written in one of few ways. What a reader does not see (codes, within all) differs
/// by profession and tie, not by request.
fn is_single(condition: &Condition, within_all: bool) -> bool {
    match condition {
        Condition::Index { any_of, .. } => {
            any_of.len() <= 1 || within_all && any_of.iter().all(|value| matches!(value, Match::Prefix(_)))
        }
        Condition::Id(ids) | Condition::NotId(ids) => ids.len() == 1,
        Condition::LastUpdated(intervals) => intervals.len() == 1,
        Condition::Missing { .. } | Condition::Never => true,
        Condition::Any(inner) => inner.iter().all(|condition| is_single(condition, false)),
        Condition::All(inner) => inner.iter().all(|condition| is_single(condition, true)),
    }
}

fn by_update(conn: &mut Conn, scope: Scope, predicate: &Predicate) -> Result<Vec<Hit>> {
    let Some(sets) = sets(scope, predicate) else { return Ok(Vec::new()) };
    let is_descending = predicate.order.descending;
    let mut query = kept(scope).select((resource::id, resource::updated_at)).into_boxed::<Db>();
    narrow!(query, resource::id, sets);
    if let Some(after) = &predicate.after {
        let id = after.id.as_bytes().as_slice();
        let at = after.value.unwrap_or(if is_descending { i64::MIN } else { i64::MAX });
        let tie = resource::updated_at.eq(at);
        query = if is_descending {
            query.filter(resource::updated_at.lt(at).or(tie.and(resource::id.lt(id))))
        } else {
            query.filter(resource::updated_at.gt(at).or(tie.and(resource::id.gt(id))))
        };
    }
    query = if is_descending {
        query.order((resource::updated_at.desc(), resource::id.desc()))
    } else {
        query.order((resource::updated_at.asc(), resource::id.asc()))
    };
    let hits: Vec<(Vec<u8>, i64)> = run!(query.limit(predicate.limit), predicate, conn)?;
    Ok(hits.into_iter().map(|(id, at)| (id, Some(at))).collect())
}

/// Resources with a value first, in its order; those without one after them, by id.
fn by_parameter(conn: &mut Conn, scope: Scope, predicate: &Predicate, parameter: i32) -> Result<Vec<Hit>> {
    let is_past_values = predicate.after.is_some_and(|after| after.value.is_none());
    let mut hits = if is_past_values { Vec::new() } else { with_value(conn, scope, predicate, parameter)? };
    let room = predicate.limit - i64::try_from(hits.len()).unwrap_or(i64::MAX);
    if room > 0 {
        hits.extend(without_value(conn, scope, predicate, parameter, room)?);
    }
    Ok(hits)
}

/// A resource with several values is sorted by its greatest going down, by its least going up.
fn with_value(conn: &mut Conn, scope: Scope, predicate: &Predicate, parameter: i32) -> Result<Vec<Hit>> {
    let Some(sets) = sets(scope, predicate) else { return Ok(Vec::new()) };
    let rows = indexed(scope, parameter).group_by(search_index::id);
    let after = predicate.after.and_then(|after| Some((after.value?, after.id)));
    if predicate.order.descending {
        let value = || max(search_index::low);
        let mut query = rows.select((search_index::id, value())).into_boxed::<Db>();
        narrow!(query, search_index::id, sets);
        if let Some((at, id)) = after {
            let tie = value().eq(at).and(search_index::id.lt(id.into_bytes()));
            query = query.having(value().lt(at).or(tie));
        }
        let query = query.order((value().desc(), search_index::id.desc())).limit(predicate.limit);
        run!(query, predicate, conn)
    } else {
        let value = || min(search_index::low);
        let mut query = rows.select((search_index::id, value())).into_boxed::<Db>();
        narrow!(query, search_index::id, sets);
        if let Some((at, id)) = after {
            let tie = value().eq(at).and(search_index::id.gt(id.into_bytes()));
            query = query.having(value().gt(at).or(tie));
        }
        let query = query.order((value().asc(), search_index::id.asc())).limit(predicate.limit);
        run!(query, predicate, conn)
    }
}

fn without_value(conn: &mut Conn, scope: Scope, predicate: &Predicate, parameter: i32, room: i64) -> Result<Vec<Hit>> {
    let Some(sets) = sets(scope, predicate) else { return Ok(Vec::new()) };
    let valued = indexed(scope, parameter).select(search_index::id);
    let mut query = kept(scope).filter(resource::id.ne_all(valued)).select(resource::id).into_boxed::<Db>();
    narrow!(query, resource::id, sets);
    let after = predicate.after.filter(|after| after.value.is_none()).map(|after| after.id.into_bytes());
    query = match (after, predicate.order.descending) {
        (Some(id), true) => query.filter(resource::id.lt(id)),
        (Some(id), false) => query.filter(resource::id.gt(id)),
        (None, _) => query,
    };
    query = if predicate.order.descending { query.order(resource::id.desc()) } else { query.order(resource::id.asc()) };
    let ids: Vec<Vec<u8>> = run!(query.limit(room), predicate, conn)?;
    Ok(ids.into_iter().map(|id| (id, None)).collect())
}

/// The resources of a page, in the order of its hits.
fn bodies(conn: &mut Conn, scope: Scope, hits: Vec<Hit>) -> Result<Vec<(StoredResource, Option<i64>)>> {
    if hits.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<&[u8]> = hits.iter().map(|(id, _value)| id.as_slice()).collect();
    let query = kept(scope).filter(resource::id.eq_any(ids)).select((
        resource::id,
        resource::version,
        resource::body,
        resource::updated_at,
    ));
    // One text for each length of a page: few enough to stay prepared.
    let rows: Vec<Row> = Cached(query).load(conn)?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in rows {
        let kept = to_resource(row)?;
        found.insert(kept.id, kept);
    }
    hits.into_iter()
        .filter_map(|(id, value)| match rows::uuid(&id, "search_index", "id") {
            Ok(id) => found.remove(&id).map(|kept| Ok((kept, value))),
            Err(error) => Some(Err(error)),
        })
        .collect()
}

/// The current resources of the scope.
#[diesel::dsl::auto_type(no_type_alias)]
fn kept(scope: Scope) -> _ {
    let (pt, kind): (i64, i16) = (scope.pt, scope.kind);
    resource::table.filter(resource::pt.eq(pt)).filter(resource::kind.eq(kind)).filter(resource::is_deleted.eq(false))
}

/// The index rows of one parameter in the scope.
#[diesel::dsl::auto_type(no_type_alias)]
fn indexed(scope: Scope, parameter: i32) -> _ {
    let (pt, kind): (i64, i16) = (scope.pt, scope.kind);
    search_index::table
        .filter(search_index::pt.eq(pt))
        .filter(search_index::kind.eq(kind))
        .filter(search_index::parameter.eq(parameter))
}

/// The conditions as sets of ids; nothing if no resource can fulfil them.
fn sets(scope: Scope, predicate: &Predicate) -> Option<Vec<Set<'_>>> {
    let mut sets = Vec::with_capacity(predicate.conditions.len());
    for condition in &predicate.conditions {
        match condition {
            Condition::Never => return None,
            Condition::Any(_) | Condition::All(_) => {
                let ids = kept(scope).filter(holds(scope, condition)).select(resource::id).into_boxed();
                sets.push(Set::Kept(ids));
            }
            Condition::Id(ids) => {
                let ids: Vec<&[u8]> = ids.iter().map(|id| id.as_bytes().as_slice()).collect();
                sets.push(Set::Kept(kept(scope).filter(resource::id.eq_any(ids)).select(resource::id).into_boxed()));
            }
            Condition::NotId(ids) => sets.push(Set::Others(ids.iter().map(|id| id.as_bytes().as_slice()).collect())),
            Condition::LastUpdated(intervals) => sets.push(Set::Kept(updated_in(scope, intervals)?)),
            Condition::Index { parameter, any_of, negated } => {
                let Some(test) = any(any_of) else {
                    if *negated {
                        continue;
                    }
                    return None;
                };
                let ids = indexed(scope, *parameter).filter(test).select(search_index::id).into_boxed();
                sets.push(if *negated { Set::NotIndexed(ids) } else { Set::Indexed(ids) });
            }
            Condition::Missing { parameter, missing } => {
                let ids = indexed(scope, *parameter).select(search_index::id).into_boxed();
                sets.push(if *missing { Set::NotIndexed(ids) } else { Set::Indexed(ids) });
            }
        }
    }
    Some(sets)
}

/// A condition as a test of one resource, for what cannot be written as one set of ids.
fn holds(scope: Scope, condition: &Condition) -> Holds<'_> {
    match condition {
        Condition::Never => Box::new(false.into_sql::<Bool>()),
        Condition::Id(ids) => Box::new(resource::id.eq_any(keys(ids))),
        Condition::NotId(ids) => Box::new(resource::id.ne_all(keys(ids))),
        Condition::LastUpdated(intervals) => match updated(intervals) {
            Some(test) => test,
            None => Box::new(false.into_sql::<Bool>()),
        },
        Condition::Index { parameter, any_of, negated } => match any(any_of) {
            None => Box::new(negated.into_sql::<Bool>()),
            Some(test) => {
                let ids = indexed(scope, *parameter).filter(test).select(search_index::id).into_boxed();
                if *negated { Box::new(resource::id.ne_all(ids)) } else { Box::new(resource::id.eq_any(ids)) }
            }
        },
        Condition::Missing { parameter, missing } => {
            let ids = indexed(scope, *parameter).select(search_index::id).into_boxed();
            if *missing { Box::new(resource::id.ne_all(ids)) } else { Box::new(resource::id.eq_any(ids)) }
        }
        Condition::Any(inner) => {
            let tests = inner.iter().map(|condition| holds(scope, condition));
            tests.reduce(|one, other| Box::new(one.or(other))).unwrap_or_else(|| Box::new(false.into_sql::<Bool>()))
        }
        Condition::All(inner) => {
            let tests = inner.iter().map(|condition| holds(scope, condition));
            tests.reduce(|one, other| Box::new(one.and(other))).unwrap_or_else(|| Box::new(true.into_sql::<Bool>()))
        }
    }
}

fn keys(ids: &[Uuid]) -> Vec<&[u8]> {
    ids.iter().map(|id| id.as_bytes().as_slice()).collect()
}

fn updated_in(scope: Scope, intervals: &[Interval]) -> Option<resource::BoxedQuery<'static, Db, Binary>> {
    Some(kept(scope).filter(updated(intervals)?).select(resource::id).into_boxed())
}

fn updated(intervals: &[Interval]) -> Option<Holds<'static>> {
    intervals
        .iter()
        .map(|interval| -> Holds<'static> {
            // An instant is its own first and last microsecond.
            let from = interval.low_from.max(interval.high_from).unwrap_or(i64::MIN);
            let to = interval.low_to.unwrap_or(i64::MAX).min(interval.high_to.unwrap_or(i64::MAX));
            Box::new(resource::updated_at.between(from, to))
        })
        .reduce(|one, other| Box::new(one.or(other)))
}

/// Whether an index row passes one of the tests; nothing if there is no test.
fn any(tests: &[Match]) -> Option<Test<'_>> {
    let exact: Vec<&str> = tests
        .iter()
        .filter_map(|test| match test {
            Match::Exact(value) => Some(value.as_str()),
            Match::Prefix(_) | Match::Suffix(_) | Match::Contains(_) | Match::Interval(_) | Match::Measured(..) => None,
        })
        .collect();
    let exact: Option<Test<'_>> = match exact.as_slice() {
        [] => None,
        [value] => Some(Box::new(search_index::value.eq(*value))),
        _ => Some(Box::new(search_index::value.eq_any(exact))),
    };
    let others = tests.iter().filter_map(|test| -> Option<Test<'_>> {
        match test {
            Match::Exact(_) => None,
            Match::Prefix(prefix) => Some(starts_with(prefix)),
            Match::Suffix(end) => Some(Box::new(dialect::ends_with(end))),
            Match::Contains(part) => Some(Box::new(search_index::value.like(anywhere(part)).escape('\\'))),
            Match::Interval(interval) => Some(stands(*interval)),
            Match::Measured(prefix, interval) => Some(Box::new(starts_with(prefix).and(stands(*interval)))),
        }
    });
    exact.into_iter().chain(others).reduce(|one, other| Box::new(one.or(other)))
}

fn starts_with(prefix: &str) -> Test<'_> {
    match successor(prefix) {
        Some(end) => Box::new(search_index::value.ge(prefix).and(search_index::value.lt(end))),
        None => Box::new(search_index::value.ge(prefix)),
    }
}

/// All four bounds are always written, so that the text is always the same.
fn stands(Interval { low_from, low_to, high_from, high_to }: Interval) -> Test<'static> {
    Box::new(
        search_index::low
            .between(low_from.unwrap_or(i64::MIN), low_to.unwrap_or(i64::MAX))
            .and(search_index::high.between(high_from.unwrap_or(i64::MIN), high_to.unwrap_or(i64::MAX))),
    )
}

/// The pattern of a text that stands anywhere.
fn anywhere(part: &str) -> String {
    let mut pattern = String::with_capacity(part.len() + 2);
    pattern.push('%');
    for letter in part.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

/// The least text, by bytes, that is greater than every text of this prefix; nothing for a prefix of
/// greatest characters, or an empty one.
fn successor(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        // Between U+D7FF and U+E000 there are no characters.
        let next = if last == '\u{D7FF}' { Some('\u{E000}') } else { char::from_u32(u32::from(last) + 1) };
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

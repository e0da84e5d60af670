//! Versions of resources, deletions among them: one resource's, or all of one type on a shard
//! (R4 `http.html#history`). What was deleted stands as a version without a body.

use diesel::prelude::*;
use jiff::Timestamp;
use uuid::Uuid;

use super::super::{Conn, Db};
use super::resource::{Row, to_resource};
use crate::access::permit::Permit;
use crate::clock::to_micros;
use crate::model::resource::{ResourceType, StoredResource};
use crate::store::error::Result;
use crate::store::records::{ChangeFilter, ResourceState};
use crate::store::rows;
use crate::store::schema::{resource, resource_history};

pub(in crate::store) fn find_state(
    conn: &mut Conn,
    permit: &Permit,
    kind: ResourceType,
    id: Uuid,
) -> Result<Option<ResourceState>> {
    let row: Option<(i32, i64, bool)> = resource::table
        .find((permit.shard().get(), kind.number(), id.as_bytes()))
        .select((resource::version, resource::updated_at, resource::is_deleted))
        .get_result(conn)
        .optional()?;
    Ok(row.map(|(version, updated_at, is_deleted)| ResourceState {
        version,
        updated_at: rows::instant(updated_at),
        is_deleted,
    }))
}

/// The rows of one of the two tables that a filter asks for, before they are put in order.
macro_rules! asked {
    ($table:ident, $scope:expr, $id:expr, $filter:expr) => {{
        let (pt, kind): (i64, i16) = $scope;
        let filter: &ChangeFilter = $filter;
        let mut query = $table::table
            .filter($table::pt.eq(pt))
            .filter($table::kind.eq(kind))
            .filter($table::updated_at.ge(micros(filter.since, i64::MIN)))
            .filter($table::updated_at.le(micros(filter.until, i64::MAX)))
            .into_boxed::<Db>();
        if let Some(id) = $id {
            query = query.filter($table::id.eq(id));
        }
        query
    }};
}

/// The same, newest first, after the place where the page before ended, cut at the limit.
macro_rules! page {
    ($table:ident, $scope:expr, $id:expr, $filter:expr, $conn:expr) => {{
        let id: Option<Vec<u8>> = $id;
        let filter: &ChangeFilter = $filter;
        let of_one = id.is_some();
        let mut query = asked!($table, $scope, id, filter);
        if let Some(before) = &filter.before {
            let (at, version) = (to_micros(before.at), before.version);
            let key = before.id.into_bytes().to_vec();
            query = if of_one {
                query.filter($table::version.lt(version))
            } else {
                let same = $table::id.eq(key.clone()).and($table::version.lt(version));
                let later = $table::updated_at.eq(at).and($table::id.lt(key).or(same));
                query.filter($table::updated_at.lt(at).or(later))
            };
        }
        let query = if of_one {
            query.order($table::version.desc())
        } else {
            query.order(($table::updated_at.desc(), $table::id.desc(), $table::version.desc()))
        };
        query
            .limit(filter.limit)
            .select(($table::id, $table::version, $table::body, $table::updated_at))
            .load::<Row>($conn)?
    }};
}

pub(in crate::store) fn list_changes(
    conn: &mut Conn,
    permit: &Permit,
    kind: ResourceType,
    id: Option<Uuid>,
    filter: &ChangeFilter,
) -> Result<Vec<StoredResource>> {
    let scope = (permit.shard().get(), kind.number());
    let key = || id.map(|id| id.into_bytes().to_vec());
    let current = page!(resource, scope, key(), filter, conn);
    let older = page!(resource_history, scope, key(), filter, conn);
    let mut found = current.into_iter().chain(older).map(to_resource).collect::<Result<Vec<_>>>()?;
    if id.is_some() {
        found.sort_by_key(|change| std::cmp::Reverse(change.version));
    } else {
        found.sort_by_key(|change| std::cmp::Reverse((change.updated_at, change.id, change.version)));
    }
    found.truncate(usize::try_from(filter.limit).unwrap_or(0));
    Ok(found)
}

pub(in crate::store) fn count_changes(
    conn: &mut Conn,
    permit: &Permit,
    kind: ResourceType,
    id: Option<Uuid>,
    filter: &ChangeFilter,
) -> Result<i64> {
    let scope = (permit.shard().get(), kind.number());
    let key = || id.map(|id| id.into_bytes().to_vec());
    let current: i64 = asked!(resource, scope, key(), filter).count().get_result(conn)?;
    let older: i64 = asked!(resource_history, scope, key(), filter).count().get_result(conn)?;
    Ok(current + older)
}

fn micros(at: Option<Timestamp>, otherwise: i64) -> i64 {
    at.map_or(otherwise, to_micros)
}

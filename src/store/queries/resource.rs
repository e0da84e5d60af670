//! Resources: the current version with its index rows, and the older ones.

use diesel::prelude::*;
use jiff::Timestamp;
use uuid::Uuid;

use super::super::Conn;
use super::super::dialect;
use crate::access::permit::Permit;
use crate::clock::to_micros;
use crate::ids::{LogicalId, PatientKey, ShardKey};
use crate::model::resource::{IndexRow, NewResource, ResourceType, StoredResource};
use crate::store::cached::Cached;
use crate::store::compress::{self, Kind};
use crate::store::error::{Error, Result};
use crate::store::records::{KeyedResource, ResourceKey, VersionFilter};
use crate::store::rows;
use crate::store::schema::{resource, resource_history, search_index};

/// Columns of a version as it is read: id, version, body, instant.
pub(super) type Row = (Vec<u8>, i32, Vec<u8>, i64);

pub(in crate::store) fn put_resource(conn: &mut Conn, permit: &Permit, new: &NewResource) -> Result<()> {
    let pt = permit.shard().get();
    let is_kept = if new.version > 1 { replace(conn, pt, new)? } else { insert(conn, pt, new)? };
    if !is_kept {
        return Err(Error::Conflict { table: "resource" });
    }
    dialect::put_index_rows(conn, pt, new.kind.number(), new.id, &new.index)
}

fn insert(conn: &mut Conn, pt: i64, new: &NewResource) -> Result<bool> {
    let body = compress::pack(Kind::Resource, &new.body);
    let statement = diesel::insert_into(resource::table)
        .values((
            resource::pt.eq(pt),
            resource::kind.eq(new.kind.number()),
            resource::id.eq(new.id.as_bytes()),
            resource::version.eq(new.version),
            resource::updated_at.eq(to_micros(new.updated_at)),
            resource::is_deleted.eq(false),
            resource::body.eq(&body),
        ))
        .on_conflict_do_nothing();
    Ok(Cached(statement).execute(conn)? > 0)
}

/// Moves the version before to history and puts the new one in its place, unless another version
/// came between.
fn replace(conn: &mut Conn, pt: i64, new: &NewResource) -> Result<bool> {
    let kind = new.kind.number();
    if !shelve(conn, pt, kind, new.id, new.version - 1)? {
        return Ok(false);
    }
    let body = compress::pack(Kind::Resource, &new.body);
    let statement = diesel::update(resource::table.find((pt, kind, new.id.as_bytes()))).set((
        resource::version.eq(new.version),
        resource::updated_at.eq(to_micros(new.updated_at)),
        resource::is_deleted.eq(false),
        resource::body.eq(&body),
    ));
    Cached(statement).execute(conn)?;
    unindex(conn, pt, kind, new.id, &new.former)?;
    Ok(true)
}

/// Copies the current version to history; false if it is not `version`, or was copied by whoever is
/// faster: PostgreSQL finds that out when the other commits.
fn shelve(conn: &mut Conn, pt: i64, kind: i16, id: Uuid, version: i32) -> Result<bool> {
    let current = resource::table.find((pt, kind, id.as_bytes())).filter(resource::version.eq(version)).select((
        resource::pt,
        resource::kind,
        resource::id,
        resource::version,
        resource::updated_at,
        resource::body,
    ));
    let statement = current.insert_into(resource_history::table).into_columns((
        resource_history::pt,
        resource_history::kind,
        resource_history::id,
        resource_history::version,
        resource_history::updated_at,
        resource_history::body,
    ));
    // PostgreSQL answers a racer who shelved it first by "run again" only under this clause.
    Ok(Cached(statement.on_conflict_do_nothing()).execute(conn)? > 0)
}

/// Takes the rows of a version out, each by its whole key: there is no second order by resource.
fn unindex(conn: &mut Conn, pt: i64, kind: i16, id: Uuid, former: &[IndexRow]) -> Result<()> {
    for row in former {
        let key = (pt, kind, row.parameter, row.value.as_str(), row.low, row.high, id.as_bytes().as_slice());
        Cached(diesel::delete(search_index::table.find(key))).execute(conn)?;
    }
    Ok(())
}

pub(in crate::store) fn withdraw_resource(
    conn: &mut Conn,
    permit: &Permit,
    kind: ResourceType,
    id: Uuid,
    former: &[IndexRow],
    at: Timestamp,
) -> Result<bool> {
    let (pt, kind) = (permit.shard().get(), kind.number());
    let current: Option<i32> = resource::table
        .find((pt, kind, id.as_bytes()))
        .filter(resource::is_deleted.eq(false))
        .select(resource::version)
        .get_result(conn)
        .optional()?;
    let Some(version) = current else { return Ok(false) };
    shelve(conn, pt, kind, id, version)?;
    let statement = diesel::update(resource::table.find((pt, kind, id.as_bytes()))).set((
        resource::version.eq(version + 1),
        resource::updated_at.eq(to_micros(at)),
        resource::is_deleted.eq(true),
        resource::body.eq(Vec::<u8>::new()),
    ));
    Cached(statement).execute(conn)?;
    unindex(conn, pt, kind, id, former)?;
    Ok(true)
}

pub(in crate::store) fn fact_resource_exists(
    conn: &mut Conn,
    patient: PatientKey,
    kind: ResourceType,
    id: Uuid,
) -> Result<bool> {
    let row =
        resource::table.find((patient.get(), kind.number(), id.as_bytes())).filter(resource::is_deleted.eq(false));
    Ok(diesel::select(diesel::dsl::exists(row)).get_result(conn)?)
}

pub(in crate::store) fn fact_listed_fiches(conn: &mut Conn, patient: PatientKey, list: Uuid) -> Result<Vec<Uuid>> {
    let body: Option<Vec<u8>> = resource::table
        .find((patient.get(), ResourceType::List.number(), list.as_bytes()))
        .filter(resource::is_deleted.eq(false))
        .select(resource::body)
        .get_result(conn)
        .optional()?;
    let Some(body) = body else { return Ok(Vec::new()) };
    let list: serde_json::Value = serde_json::from_slice(&unpacked(body)?)
        .map_err(|_unreadable| Error::Inconsistent { table: "resource", column: "body" })?;
    let entries = list.get("entry").and_then(serde_json::Value::as_array).into_iter().flatten();
    let references = entries.filter_map(|entry| entry.get("item")?.get("reference")?.as_str());
    let ids =
        references.filter_map(|reference| reference.strip_prefix("DocumentReference/")?.parse::<LogicalId>().ok());
    Ok(ids.filter(|id| id.shard == patient.into()).map(|id| id.uuid).collect())
}

pub(in crate::store) fn find_resource(
    conn: &mut Conn,
    permit: &Permit,
    kind: ResourceType,
    id: Uuid,
) -> Result<Option<StoredResource>> {
    let row: Option<Row> = resource::table
        .find((permit.shard().get(), kind.number(), id.as_bytes()))
        .filter(resource::is_deleted.eq(false))
        .select((resource::id, resource::version, resource::body, resource::updated_at))
        .get_result(conn)
        .optional()?;
    row.map(to_resource).transpose()
}

pub(in crate::store) fn find_version(
    conn: &mut Conn,
    permit: &Permit,
    kind: ResourceType,
    id: Uuid,
    version: i32,
) -> Result<Option<StoredResource>> {
    let current = find_resource(conn, permit, kind, id)?;
    if current.as_ref().is_some_and(|current| current.version == version) {
        return Ok(current);
    }
    let row: Option<Row> = resource_history::table
        .find((permit.shard().get(), kind.number(), id.as_bytes(), version))
        .select((resource_history::id, resource_history::version, resource_history::body, resource_history::updated_at))
        .get_result(conn)
        .optional()?;
    row.map(to_resource).transpose()
}

/// The version that was current at an instant: the newest of those made until then.
pub(in crate::store) fn find_version_at(
    conn: &mut Conn,
    permit: &Permit,
    kind: ResourceType,
    id: Uuid,
    at: i64,
) -> Result<Option<StoredResource>> {
    let current = find_resource(conn, permit, kind, id)?;
    if current.as_ref().is_some_and(|current| to_micros(current.updated_at) <= at) {
        return Ok(current);
    }
    let row: Option<Row> = resource_history::table
        .filter(resource_history::pt.eq(permit.shard().get()))
        .filter(resource_history::kind.eq(kind.number()))
        .filter(resource_history::id.eq(id.as_bytes()))
        .filter(resource_history::updated_at.le(at))
        .order(resource_history::version.desc())
        .select((resource_history::id, resource_history::version, resource_history::body, resource_history::updated_at))
        .first(conn)
        .optional()?;
    row.map(to_resource).transpose()
}

pub(in crate::store) fn list_versions(
    conn: &mut Conn,
    permit: &Permit,
    kind: ResourceType,
    id: Uuid,
    filter: &VersionFilter,
) -> Result<Vec<StoredResource>> {
    let since = filter.since.map_or(i64::MIN, to_micros);
    let before = filter.before.unwrap_or(i32::MAX);
    let older = resource_history::table
        .filter(resource_history::pt.eq(permit.shard().get()))
        .filter(resource_history::kind.eq(kind.number()))
        .filter(resource_history::id.eq(id.as_bytes()))
        .filter(resource_history::version.lt(before))
        .filter(resource_history::updated_at.ge(since))
        .order(resource_history::version.desc())
        .limit(filter.limit)
        .select((
            resource_history::id,
            resource_history::version,
            resource_history::body,
            resource_history::updated_at,
        ));
    let older: Vec<Row> = Cached(older).load(conn)?;
    let Some(current) = find_resource(conn, permit, kind, id)? else { return Ok(Vec::new()) };
    let is_asked = current.version < before && to_micros(current.updated_at) >= since;
    let mut found = Vec::with_capacity(older.len() + 1);
    found.extend(Some(current).filter(|_| is_asked));
    for row in older {
        found.push(to_resource(row)?);
    }
    found.truncate(usize::try_from(filter.limit).unwrap_or(0));
    Ok(found)
}

pub(in crate::store) fn count_versions(
    conn: &mut Conn,
    permit: &Permit,
    kind: ResourceType,
    id: Uuid,
    since: Option<Timestamp>,
) -> Result<i64> {
    let since = since.map_or(i64::MIN, to_micros);
    let older = resource_history::table
        .filter(resource_history::pt.eq(permit.shard().get()))
        .filter(resource_history::kind.eq(kind.number()))
        .filter(resource_history::id.eq(id.as_bytes()))
        .filter(resource_history::updated_at.ge(since))
        .count();
    let older: i64 = Cached(older).get_result(conn)?;
    let Some(current) = find_resource(conn, permit, kind, id)? else { return Ok(0) };
    Ok(older + i64::from(to_micros(current.updated_at) >= since))
}

pub(super) fn to_resource((id, version, body, updated_at): Row) -> Result<StoredResource> {
    let (id, updated_at) = (rows::uuid(&id, "resource", "id")?, rows::instant(updated_at));
    Ok(StoredResource { id, version, body: unpacked(body)?, updated_at })
}

fn unpacked(body: Vec<u8>) -> Result<Vec<u8>> {
    compress::unpack(body).map_err(|_unreadable| Error::Inconsistent { table: "resource", column: "body" })
}

/// The rows of a resource, once the index was emptied.
pub(in crate::store) fn put_index(conn: &mut Conn, key: ResourceKey, index: &[IndexRow]) -> Result<()> {
    dialect::put_index_rows(conn, key.pt.get(), key.kind.number(), key.id, index)
}

/// Empties the search index of every record.
pub(in crate::store) fn clear_index(conn: &mut Conn) -> Result<()> {
    diesel::delete(search_index::table).execute(conn)?;
    Ok(())
}

/// Columns of a resource with its key.
type Keyed = (i64, i16, Vec<u8>, i32, Vec<u8>, i64);

/// The current resources of all records in the order of their keys, after one.
pub(in crate::store) fn list_resources(
    conn: &mut Conn,
    after: Option<ResourceKey>,
    limit: i64,
) -> Result<Vec<KeyedResource>> {
    let mut query = resource::table
        .filter(resource::is_deleted.eq(false))
        .select((resource::pt, resource::kind, resource::id, resource::version, resource::body, resource::updated_at))
        .order((resource::pt.asc(), resource::kind.asc(), resource::id.asc()))
        .limit(limit)
        .into_boxed();
    if let Some(ResourceKey { pt, kind, id }) = after {
        let (pt, kind, id) = (pt.get(), kind.number(), id.into_bytes());
        let later = resource::pt.gt(pt);
        let later = BoolExpressionMethods::or(later, resource::kind.gt(kind));
        let later = BoolExpressionMethods::or(
            later,
            BoolExpressionMethods::and(resource::kind.eq(kind), resource::id.gt(id.to_vec())),
        );
        query = query.filter(resource::pt.ge(pt)).filter(later);
    }
    let found: Vec<Keyed> = query.load(conn)?;
    found
        .into_iter()
        .map(|(pt, kind, id, version, body, updated_at)| {
            let kind = rows::word(ResourceType::from_number(kind), "resource", "kind")?;
            let resource = to_resource((id, version, body, updated_at))?;
            let key = ResourceKey { pt: ShardKey::from_stored(pt), kind, id: resource.id };
            Ok(KeyedResource { key, resource })
        })
        .collect()
}

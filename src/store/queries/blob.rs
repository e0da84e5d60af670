//! The encrypted bytes of documents, beside the row or in a file.

use diesel::prelude::*;
use uuid::Uuid;

use super::super::Conn;
use crate::access::permit::Permit;
use crate::ids::ShardKey;
use crate::model::document::{Blob, BlobPlace};
use crate::store::cached::Cached;
use crate::store::error::{Error, Result};
use crate::store::records::{BlobFile, WrappedKey};
use crate::store::rows;
use crate::store::schema::blob;

type Row = (String, i64, Vec<u8>, Vec<u8>, Vec<u8>, Option<Vec<u8>>, Option<Vec<u8>>);

pub(in crate::store) fn put_blob(conn: &mut Conn, permit: &Permit, kept: &Blob) -> Result<()> {
    let content = match &kept.place {
        BlobPlace::Inline(bytes) => Some(bytes.as_slice()),
        BlobPlace::File => None,
    };
    let statement = diesel::insert_into(blob::table)
        .values((
            blob::pt.eq(permit.shard().get()),
            blob::id.eq(kept.id.as_bytes()),
            blob::content_type.eq(&kept.content_type),
            blob::size.eq(kept.size),
            blob::sha1.eq(&kept.sha1),
            blob::sha256.eq(&kept.sha256),
            blob::wrapped_key.eq(&kept.wrapped_key),
            blob::content.eq(content),
        ))
        .on_conflict_do_nothing();
    if Cached(statement).execute(conn)? == 0 {
        return Err(Error::Conflict { table: "blob" });
    }
    Ok(())
}

pub(in crate::store) fn put_shared_blob(conn: &mut Conn, permit: &Permit, kept: &Blob, source: Uuid) -> Result<()> {
    // Its key is the source's: there is one wrapped key for one run of bytes.
    let statement = diesel::insert_into(blob::table)
        .values((
            blob::pt.eq(permit.shard().get()),
            blob::id.eq(kept.id.as_bytes()),
            blob::content_type.eq(&kept.content_type),
            blob::size.eq(kept.size),
            blob::sha1.eq(&kept.sha1),
            blob::sha256.eq(&kept.sha256),
            blob::wrapped_key.eq(&[][..]),
            blob::origin.eq(source.as_bytes()),
        ))
        .on_conflict_do_nothing();
    if Cached(statement).execute(conn)? == 0 {
        return Err(Error::Conflict { table: "blob" });
    }
    Ok(())
}

pub(in crate::store) fn find_same_bytes(conn: &mut Conn, permit: &Permit, sha256: &[u8; 32]) -> Result<Option<Uuid>> {
    // Two of one instant may both have kept theirs: any will do.
    let query = blob::table
        .filter(blob::pt.eq(permit.shard().get()))
        .filter(blob::sha256.eq(sha256.as_slice()))
        .filter(blob::origin.is_null())
        .select(blob::id)
        .limit(1);
    let found: Option<Vec<u8>> = query.get_result(conn).optional()?;
    found.map(|id| rows::uuid(&id, "blob", "id")).transpose()
}

pub(in crate::store) fn find_blob(conn: &mut Conn, permit: &Permit, id: Uuid) -> Result<Option<Blob>> {
    let pt = permit.shard().get();
    let row: Option<Row> = blob::table
        .find((pt, id.as_bytes()))
        .select((
            blob::content_type,
            blob::size,
            blob::sha1,
            blob::sha256,
            blob::wrapped_key,
            blob::content,
            blob::origin,
        ))
        .get_result(conn)
        .optional()?;
    let Some((content_type, size, sha1, sha256, own_key, own_content, origin)) = row else { return Ok(None) };
    let (sealed_as, wrapped_key, content) = match origin {
        None => (id, own_key, own_content),
        Some(origin) => {
            let source: Option<(Vec<u8>, Option<Vec<u8>>)> = blob::table
                .find((pt, &origin))
                .select((blob::wrapped_key, blob::content))
                .get_result(conn)
                .optional()?;
            let (key, content) = source.ok_or(Error::Inconsistent { table: "blob", column: "origin" })?;
            (rows::uuid(&origin, "blob", "origin")?, key, content)
        }
    };
    Ok(Some(Blob {
        patient: permit.patient(),
        id,
        sealed_as,
        content_type,
        size,
        sha1: rows::array(&sha1, "blob", "sha1")?,
        sha256: rows::array(&sha256, "blob", "sha256")?,
        wrapped_key,
        place: content.map_or(BlobPlace::File, BlobPlace::Inline),
    }))
}

pub(in crate::store) fn list_blob_files(conn: &mut Conn, after: Option<BlobFile>, limit: i64) -> Result<Vec<BlobFile>> {
    // Keys are never negative, and no UUID of ours is all zeros.
    let (pt, id) = after.map_or((-1, Uuid::nil()), |file| (file.pt.get(), file.id));
    let rows: Vec<(i64, Vec<u8>)> = blob::table
        .filter(blob::content.is_null())
        .filter(blob::origin.is_null())
        .filter(blob::pt.ge(pt))
        .filter(blob::pt.gt(pt).or(blob::id.gt(id.as_bytes())))
        .order((blob::pt, blob::id))
        .limit(limit)
        .select((blob::pt, blob::id))
        .load(conn)?;
    rows.into_iter()
        .map(|(pt, id)| Ok(BlobFile { pt: ShardKey::from_stored(pt), id: rows::uuid(&id, "blob", "id")? }))
        .collect()
}

pub(in crate::store) fn list_wrapped_keys(
    conn: &mut Conn,
    after: Option<BlobFile>,
    limit: i64,
) -> Result<Vec<WrappedKey>> {
    let (pt, id) = after.map_or((-1, Uuid::nil()), |file| (file.pt.get(), file.id));
    let rows: Vec<(i64, Vec<u8>, Vec<u8>)> = blob::table
        .filter(blob::origin.is_null())
        .filter(blob::pt.ge(pt))
        .filter(blob::pt.gt(pt).or(blob::id.gt(id.as_bytes())))
        .order((blob::pt, blob::id))
        .limit(limit)
        .select((blob::pt, blob::id, blob::wrapped_key))
        .load(conn)?;
    rows.into_iter()
        .map(|(pt, id, wrapped)| {
            let place = BlobFile { pt: ShardKey::from_stored(pt), id: rows::uuid(&id, "blob", "id")? };
            Ok(WrappedKey { place, wrapped })
        })
        .collect()
}

pub(in crate::store) fn put_wrapped_key(conn: &mut Conn, before: &WrappedKey, wrapped: &[u8]) -> Result<bool> {
    let row = blob::table
        .find((before.place.pt.get(), before.place.id.as_bytes()))
        .filter(blob::wrapped_key.eq(&before.wrapped));
    Ok(Cached(diesel::update(row).set(blob::wrapped_key.eq(wrapped))).execute(conn)? > 0)
}

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

type Row = (String, i64, Vec<u8>, Vec<u8>, Vec<u8>, Option<Vec<u8>>);

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

pub(in crate::store) fn find_blob(conn: &mut Conn, permit: &Permit, id: Uuid) -> Result<Option<Blob>> {
    let row: Option<Row> = blob::table
        .find((permit.shard().get(), id.as_bytes()))
        .select((blob::content_type, blob::size, blob::sha1, blob::sha256, blob::wrapped_key, blob::content))
        .get_result(conn)
        .optional()?;
    row.map(|(content_type, size, sha1, sha256, wrapped_key, content)| {
        Ok(Blob {
            patient: permit.patient(),
            id,
            content_type,
            size,
            sha1: rows::array(&sha1, "blob", "sha1")?,
            sha256: rows::array(&sha256, "blob", "sha256")?,
            wrapped_key,
            place: content.map_or(BlobPlace::File, BlobPlace::Inline),
        })
    })
    .transpose()
}

pub(in crate::store) fn list_blob_files(conn: &mut Conn, after: Option<BlobFile>, limit: i64) -> Result<Vec<BlobFile>> {
    // Keys are never negative, and no UUID of ours is all zeros.
    let (pt, id) = after.map_or((-1, Uuid::nil()), |file| (file.pt.get(), file.id));
    let rows: Vec<(i64, Vec<u8>)> = blob::table
        .filter(blob::content.is_null())
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

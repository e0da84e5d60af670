//! Enrolled software, the assertions it has used up, and the steps of the web channel.

use diesel::prelude::*;
use jiff::Timestamp;

use super::super::Conn;
use crate::clock::to_micros;
use crate::ids::{Digest256, NationalId, StructureId};
use crate::model::directory::ClientSoftware;
use crate::store::cached::Cached;
use crate::store::error::{Error, Result};
use crate::store::rows;
use crate::store::schema::{assertion_used, client, existence_step};

#[derive(Queryable)]
struct Row {
    id: String,
    structure: String,
    subject_dn: Option<String>,
    fingerprint: Option<String>,
    name: String,
    version: String,
    homologation: Option<String>,
    profiles: String,
    scopes: String,
    suspended_at: Option<i64>,
}

pub(in crate::store) fn put_client(conn: &mut Conn, kept: &ClientSoftware) -> Result<()> {
    // Asked first: a unique violation would end PostgreSQL's transaction.
    let taken: i64 = client::table
        .filter(client::id.ne(&kept.id))
        .filter(
            client::subject_dn.eq(kept.subject_dn.as_deref()).or(client::fingerprint.eq(kept.fingerprint.as_deref())),
        )
        .count()
        .get_result(conn)?;
    if taken > 0 {
        return Err(Error::Conflict { table: "client" });
    }
    let profiles = rows::list(&kept.profiles, "client", "profiles")?;
    let scopes = rows::list(&kept.scopes, "client", "scopes")?;
    let rest = (
        client::structure.eq(kept.structure.as_str()),
        client::subject_dn.eq(kept.subject_dn.as_deref()),
        client::fingerprint.eq(kept.fingerprint.as_deref()),
        client::name.eq(&kept.name),
        client::version.eq(&kept.version),
        client::homologation.eq(kept.homologation.as_deref()),
        client::profiles.eq(&profiles),
        client::scopes.eq(&scopes),
        client::suspended_at.eq(kept.suspended_at.map(to_micros)),
    );
    let statement = diesel::insert_into(client::table)
        .values((client::id.eq(&kept.id), rest))
        .on_conflict(client::id)
        .do_update()
        .set(rest);
    statement.execute(conn)?;
    Ok(())
}

pub(in crate::store) fn list_clients(conn: &mut Conn) -> Result<Vec<ClientSoftware>> {
    let rows: Vec<Row> = client::table.order(client::id).load(conn)?;
    rows.into_iter().map(to_client).collect()
}

pub(in crate::store) fn fact_is_enrolled(conn: &mut Conn, id: &str) -> Result<bool> {
    let suspended: Option<Option<i64>> =
        client::table.find(id).select(client::suspended_at).get_result(conn).optional()?;
    Ok(matches!(suspended, Some(None)))
}

pub(in crate::store) fn find_client(conn: &mut Conn, id: &str) -> Result<Option<ClientSoftware>> {
    let row: Option<Row> = client::table.find(id).get_result(conn).optional()?;
    row.map(to_client).transpose()
}

pub(in crate::store) fn find_client_by_certificate(
    conn: &mut Conn,
    subject_dn: &str,
    fingerprint: &str,
) -> Result<Option<ClientSoftware>> {
    let by_fingerprint: Option<Row> =
        client::table.filter(client::fingerprint.eq(fingerprint)).get_result(conn).optional()?;
    let row = match by_fingerprint {
        Some(row) => Some(row),
        None => client::table.filter(client::subject_dn.eq(subject_dn)).get_result(conn).optional()?,
    };
    row.map(to_client).transpose()
}

pub(in crate::store) fn suspend_client(conn: &mut Conn, id: &str, at: Option<Timestamp>) -> Result<bool> {
    let changed =
        diesel::update(client::table.find(id)).set(client::suspended_at.eq(at.map(to_micros))).execute(conn)?;
    Ok(changed > 0)
}

pub(in crate::store) fn put_existence_step(
    conn: &mut Conn,
    person: &NationalId,
    patient: &Digest256,
    at: Timestamp,
    since: Timestamp,
) -> Result<()> {
    let old = existence_step::table
        .filter(existence_step::person.eq(person.as_str()))
        .filter(existence_step::at.lt(to_micros(since)));
    Cached(diesel::delete(old)).execute(conn)?;
    let statement = diesel::insert_into(existence_step::table)
        .values((
            existence_step::person.eq(person.as_str()),
            existence_step::patient.eq(&patient.0),
            existence_step::at.eq(to_micros(at)),
        ))
        .on_conflict((existence_step::person, existence_step::patient))
        .do_update()
        .set(existence_step::at.eq(to_micros(at)));
    Cached(statement).execute(conn)?;
    Ok(())
}

pub(in crate::store) fn fact_existence_step(
    conn: &mut Conn,
    person: &NationalId,
    patient: &Digest256,
) -> Result<Option<Timestamp>> {
    let query = existence_step::table.find((person.as_str(), patient.0.as_slice())).select(existence_step::at);
    let at: Option<i64> = Cached(query).get_result(conn).optional()?;
    Ok(at.map(rows::instant))
}

pub(in crate::store) fn use_assertion(
    conn: &mut Conn,
    structure: &StructureId,
    jti: &str,
    expires_at: Timestamp,
) -> Result<bool> {
    let statement = diesel::insert_into(assertion_used::table)
        .values((
            assertion_used::structure.eq(structure.as_str()),
            assertion_used::jti.eq(jti),
            assertion_used::expires_at.eq(to_micros(expires_at)),
        ))
        .on_conflict_do_nothing();
    Ok(Cached(statement).execute(conn)? > 0)
}

pub(in crate::store) fn purge_assertions(conn: &mut Conn, now: Timestamp) -> Result<usize> {
    let expired = assertion_used::table.filter(assertion_used::expires_at.lt(to_micros(now)));
    Ok(diesel::delete(expired).execute(conn)?)
}

fn to_client(row: Row) -> Result<ClientSoftware> {
    let structure =
        row.structure.parse().map_err(|_form| Error::Inconsistent { table: "client", column: "structure" })?;
    Ok(ClientSoftware {
        id: row.id,
        structure,
        subject_dn: row.subject_dn,
        fingerprint: row.fingerprint,
        name: row.name,
        version: row.version,
        homologation: row.homologation,
        profiles: rows::unlist(&row.profiles, "client", "profiles")?,
        scopes: rows::unlist(&row.scopes, "client", "scopes")?,
        suspended_at: row.suspended_at.map(rows::instant),
    })
}

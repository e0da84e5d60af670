//! Traces, their chains and the seals over them.

use diesel::prelude::*;
use uuid::Uuid;

use super::super::Conn;
use crate::access::permit::Permit;
use crate::clock::to_micros;
use crate::ids::ShardKey;
use crate::model::audit::{AuditRecord, ChainedRecord};
use crate::store::cached::Cached;
use crate::store::chain;
use crate::store::compress::{self, Kind};
use crate::store::error::{Error, Result};
use crate::store::records::{AuditFilter, ChainRow, Head, Seal};
use crate::store::rows;
use crate::store::schema::{audit, audit_chain, audit_seal, audit_unsealed};

#[derive(Queryable)]
struct Row {
    pt: i64,
    sequence: i64,
    id: Vec<u8>,
    at: i64,
    act: String,
    actor_person: Option<String>,
    actor_structure: Option<String>,
    body: Vec<u8>,
    previous: Vec<u8>,
    hash: Vec<u8>,
}

/// Traces of one unit stand on one chain, but for few: each run of a chain moves its head once.
pub(in crate::store) fn append_audits(conn: &mut Conn, records: &[AuditRecord]) -> Result<()> {
    records.chunk_by(|one, next| one.chain == next.chain).try_for_each(|run| append_run(conn, run))
}

fn append_run(conn: &mut Conn, run: &[AuditRecord]) -> Result<()> {
    let Some(first) = run.first() else { return Ok(()) };
    let pt = first.chain.get();
    let length = i64::try_from(run.len()).unwrap_or(i64::MAX);
    let (last, mut head, sealed) = advance(conn, pt, length)?;
    let before = last.saturating_sub(length);
    for (record, sequence) in run.iter().zip(before.saturating_add(1)..) {
        head = append(conn, record, sequence, &head)?;
    }
    Cached(diesel::update(audit_chain::table.find(pt)).set(audit_chain::head.eq(&head))).execute(conn)?;
    // Only the first link after a seal has to say that the chain waits for the next one.
    if sealed == before {
        let statement =
            diesel::insert_into(audit_unsealed::table).values(audit_unsealed::pt.eq(pt)).on_conflict_do_nothing();
        Cached(statement).execute(conn)?;
    }
    Ok(())
}

/// Adds one link after `previous`; answers its hash.
fn append(conn: &mut Conn, record: &AuditRecord, sequence: i64, previous: &[u8; 32]) -> Result<[u8; 32]> {
    let (pt, at) = (record.chain.get(), to_micros(record.at));
    let body = chain::body(record)?;
    let hash = chain::link(previous, pt, sequence, at, &body);
    let statement = diesel::insert_into(audit::table).values((
        audit::pt.eq(pt),
        audit::sequence.eq(sequence),
        audit::id.eq(record.id.as_bytes()),
        audit::at.eq(at),
        audit::act.eq(chain::act(record.act)?),
        audit::actor_person.eq(record.actor.person.as_deref()),
        audit::actor_structure.eq(record.actor.structure.as_deref()),
        audit::body.eq(compress::pack(Kind::Trace, &body)),
        audit::previous.eq(previous),
        audit::hash.eq(&hash),
    ));
    Cached(statement).execute(conn)?;
    Ok(hash)
}

/// Takes the next numbers of a chain: the last of them, the head so far, what is sealed. The update locks the chain's row, so that on every back end the
/// writers of one record follow each other.
fn advance(conn: &mut Conn, pt: i64, by: i64) -> Result<(i64, [u8; 32], i64)> {
    for _attempt in 0..2 {
        let statement = diesel::update(audit_chain::table.find(pt))
            .set(audit_chain::sequence.eq(audit_chain::sequence + by))
            .returning((audit_chain::sequence, audit_chain::head, audit_chain::sealed));
        let row: Option<(i64, Vec<u8>, i64)> = Cached(statement).get_result(conn).optional()?;
        if let Some((sequence, head, sealed)) = row {
            return Ok((sequence, rows::array(&head, "audit_chain", "head")?, sealed));
        }
        let genesis = chain::genesis();
        let statement = diesel::insert_into(audit_chain::table)
            .values((
                audit_chain::pt.eq(pt),
                audit_chain::sequence.eq(by),
                audit_chain::head.eq(&genesis),
                audit_chain::sealed.eq(0),
            ))
            .on_conflict_do_nothing();
        if Cached(statement).execute(conn)? > 0 {
            return Ok((by, genesis, 0));
        }
        // Another server has just begun the chain: now there is a row to be locked.
    }
    Err(Error::Conflict { table: "audit_chain" })
}

pub(in crate::store) fn list_audit(
    conn: &mut Conn,
    permit: &Permit,
    filter: &AuditFilter,
) -> Result<Vec<ChainedRecord>> {
    let mut query = audit::table
        .filter(audit::pt.eq(permit.shard().get()))
        .order(audit::sequence.desc())
        .limit(filter.limit)
        .select((audit::sequence, audit::body))
        .into_boxed();
    if let Some(before) = filter.before {
        query = query.filter(audit::sequence.lt(before));
    }
    if let Some(from) = filter.from {
        query = query.filter(audit::at.ge(to_micros(from)));
    }
    if let Some(until) = filter.until {
        query = query.filter(audit::at.le(to_micros(until)));
    }
    if let Some(person) = &filter.person {
        query = query.filter(audit::actor_person.eq(person));
    }
    if let Some(structure) = &filter.structure {
        query = query.filter(audit::actor_structure.eq(structure));
    }
    let rows: Vec<(i64, Vec<u8>)> = query.load(conn)?;
    rows.into_iter().map(to_record).collect()
}

pub(in crate::store) fn find_audit(conn: &mut Conn, permit: &Permit, id: Uuid) -> Result<Option<ChainedRecord>> {
    let row: Option<(i64, Vec<u8>)> = audit::table
        .filter(audit::pt.eq(permit.shard().get()))
        .filter(audit::id.eq(id.as_bytes()))
        .select((audit::sequence, audit::body))
        .get_result(conn)
        .optional()?;
    row.map(to_record).transpose()
}

fn to_record((sequence, body): (i64, Vec<u8>)) -> Result<ChainedRecord> {
    Ok(ChainedRecord { sequence, record: chain::record(&unpacked(body)?)? })
}

fn unpacked(body: Vec<u8>) -> Result<Vec<u8>> {
    compress::unpack(body).map_err(|_unreadable| Error::Inconsistent { table: "audit", column: "body" })
}

pub(in crate::store) fn list_chains(conn: &mut Conn, after: Option<ShardKey>, limit: i64) -> Result<Vec<Head>> {
    let rows: Vec<(i64, i64, Vec<u8>)> = audit_chain::table
        .filter(audit_chain::pt.gt(after.map_or(-1, ShardKey::get)))
        .order(audit_chain::pt)
        .limit(limit)
        .select((audit_chain::pt, audit_chain::sequence, audit_chain::head))
        .load(conn)?;
    rows.into_iter().map(to_head).collect()
}

pub(in crate::store) fn list_chain(conn: &mut Conn, chain: ShardKey, after: i64, limit: i64) -> Result<Vec<ChainRow>> {
    let rows: Vec<Row> = audit::table
        .filter(audit::pt.eq(chain.get()))
        .filter(audit::sequence.gt(after))
        .order(audit::sequence)
        .limit(limit)
        .load(conn)?;
    rows.into_iter().map(to_link).collect()
}

pub(in crate::store) fn list_unsealed(conn: &mut Conn, limit: i64) -> Result<Vec<Head>> {
    let rows: Vec<(i64, i64, Vec<u8>)> = audit_unsealed::table
        .inner_join(audit_chain::table.on(audit_chain::pt.eq(audit_unsealed::pt)))
        .order(audit_unsealed::pt)
        .limit(limit)
        .select((audit_chain::pt, audit_chain::sequence, audit_chain::head))
        .load(conn)?;
    rows.into_iter().map(to_head).collect()
}

pub(in crate::store) fn find_last_seal(conn: &mut Conn) -> Result<Option<Seal>> {
    let row: Option<(i64, i64, String, Vec<u8>)> =
        audit_seal::table.order(audit_seal::id.desc()).first(conn).optional()?;
    Ok(row.map(to_seal))
}

pub(in crate::store) fn list_seals(conn: &mut Conn, after: i64, limit: i64) -> Result<Vec<Seal>> {
    let rows: Vec<(i64, i64, String, Vec<u8>)> =
        audit_seal::table.filter(audit_seal::id.gt(after)).order(audit_seal::id).limit(limit).load(conn)?;
    Ok(rows.into_iter().map(to_seal).collect())
}

pub(in crate::store) fn put_seal(conn: &mut Conn, seal: &Seal, heads: &[Head]) -> Result<()> {
    let statement = diesel::insert_into(audit_seal::table)
        .values((
            audit_seal::id.eq(seal.id),
            audit_seal::sealed_at.eq(to_micros(seal.sealed_at)),
            audit_seal::payload.eq(&seal.payload),
            audit_seal::signature.eq(&seal.signature),
        ))
        .on_conflict_do_nothing();
    if Cached(statement).execute(conn)? == 0 {
        return Err(Error::Conflict { table: "audit_seal" });
    }
    for head in heads {
        let chain = audit_chain::table.find(head.pt.get());
        Cached(diesel::update(chain).set(audit_chain::sealed.eq(head.sequence))).execute(conn)?;
        Cached(diesel::delete(audit_unsealed::table.find(head.pt.get()))).execute(conn)?;
    }
    Ok(())
}

fn to_head((pt, sequence, head): (i64, i64, Vec<u8>)) -> Result<Head> {
    Ok(Head { pt: ShardKey::from_stored(pt), sequence, hash: rows::array(&head, "audit_chain", "head")? })
}

fn to_seal((id, sealed_at, payload, signature): (i64, i64, String, Vec<u8>)) -> Seal {
    Seal { id, sealed_at: rows::instant(sealed_at), payload, signature }
}

fn to_link(row: Row) -> Result<ChainRow> {
    Ok(ChainRow {
        pt: ShardKey::from_stored(row.pt),
        sequence: row.sequence,
        id: rows::uuid(&row.id, "audit", "id")?,
        at: row.at,
        act: row.act,
        person: row.actor_person,
        structure: row.actor_structure,
        body: unpacked(row.body)?,
        previous: rows::array(&row.previous, "audit", "previous")?,
        hash: rows::array(&row.hash, "audit", "hash")?,
    })
}

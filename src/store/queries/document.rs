//! Documents: the columns of a fiche that rules and duplicates look at.

use diesel::prelude::*;
use jiff::Timestamp;
use uuid::Uuid;

use super::super::Conn;
use crate::access::permit::Permit;
use crate::clock::to_micros;
use crate::ids::{Digest256, PatientKey};
use crate::model::document::{Document, DocumentStatus};
use crate::store::cached::Cached;
use crate::store::error::{Error, Result};
use crate::store::rows;
use crate::store::schema::{document, document_identifier};

#[derive(Queryable)]
struct Row {
    pt: i64,
    id: Vec<u8>,
    binary_id: Vec<u8>,
    submission: Vec<u8>,
    unique_id: Vec<u8>,
    status: String,
    type_code: String,
    labels: String,
    persons: String,
    structures: String,
    sha1: Vec<u8>,
    size: i64,
    _created_at: i64,
}

pub(in crate::store) fn put_document(
    conn: &mut Conn,
    permit: &Permit,
    kept: &Document,
    created_at: Timestamp,
) -> Result<()> {
    let pt = permit.shard().get();
    claim_identifier(conn, pt, kept)?;
    let labels = rows::list(&kept.labels, "document", "labels")?;
    let persons = rows::list(&kept.persons, "document", "persons")?;
    let structures = rows::list(&kept.structures, "document", "structures")?;
    let rest = (
        document::binary_id.eq(kept.binary.as_bytes()),
        document::submission.eq(kept.submission.as_bytes()),
        document::unique_id.eq(&kept.unique_id.0),
        document::status.eq(kept.status.name()),
        document::type_code.eq(&kept.type_code),
        document::labels.eq(&labels),
        document::persons.eq(&persons),
        document::structures.eq(&structures),
        document::sha1.eq(&kept.sha1),
        document::size.eq(kept.size),
    );
    let key = (document::pt.eq(pt), document::id.eq(kept.id.as_bytes()));
    let statement = diesel::insert_into(document::table)
        .values((key, rest, document::created_at.eq(to_micros(created_at))))
        .on_conflict((document::pt, document::id))
        .do_update()
        .set(rest);
    Cached(statement).execute(conn)?;
    Ok(())
}

/// Takes the masterIdentifier for this document, unless it has it already.
fn claim_identifier(conn: &mut Conn, pt: i64, kept: &Document) -> Result<()> {
    let statement = diesel::insert_into(document_identifier::table)
        .values((
            document_identifier::digest.eq(&kept.unique_id.0),
            document_identifier::pt.eq(pt),
            document_identifier::id.eq(kept.id.as_bytes()),
        ))
        .on_conflict_do_nothing();
    if Cached(statement).execute(conn)? > 0 {
        return Ok(());
    }
    let holder: Vec<u8> = document_identifier::table
        .find((kept.unique_id.0.as_slice(), pt))
        .select(document_identifier::id)
        .get_result(conn)?;
    if holder == kept.id.as_bytes() { Ok(()) } else { Err(Error::Conflict { table: "document_identifier" }) }
}

pub(in crate::store) fn fact_document(conn: &mut Conn, patient: PatientKey, id: Uuid) -> Result<Option<Document>> {
    let row: Option<Row> = document::table.find((patient.get(), id.as_bytes())).get_result(conn).optional()?;
    row.map(to_document).transpose()
}

pub(in crate::store) fn fact_documents(conn: &mut Conn, patient: PatientKey) -> Result<Vec<Document>> {
    let rows: Vec<Row> = document::table.filter(document::pt.eq(patient.get())).order(document::id).load(conn)?;
    rows.into_iter().map(to_document).collect()
}

pub(in crate::store) fn fact_document_by_identifier(
    conn: &mut Conn,
    patient: PatientKey,
    digest: &Digest256,
) -> Result<Option<Document>> {
    let id: Option<Vec<u8>> = document_identifier::table
        .find((digest.0.as_slice(), patient.get()))
        .select(document_identifier::id)
        .get_result(conn)
        .optional()?;
    match id {
        Some(id) => fact_document(conn, patient, rows::uuid(&id, "document_identifier", "id")?),
        None => Ok(None),
    }
}

pub(in crate::store) fn fact_records_of_identifier(conn: &mut Conn, digest: &Digest256) -> Result<Vec<PatientKey>> {
    let keys: Vec<i64> = document_identifier::table
        .filter(document_identifier::digest.eq(digest.0.as_slice()))
        .order(document_identifier::pt)
        .select(document_identifier::pt)
        .load(conn)?;
    Ok(keys.into_iter().map(PatientKey::from_bits).collect())
}

pub(in crate::store) fn fact_binary_document(
    conn: &mut Conn,
    patient: PatientKey,
    binary: Uuid,
) -> Result<Option<Document>> {
    let row: Option<Row> = document::table
        .filter(document::pt.eq(patient.get()))
        .filter(document::binary_id.eq(binary.as_bytes()))
        .get_result(conn)
        .optional()?;
    row.map(to_document).transpose()
}

pub(in crate::store) fn fact_documents_of_submission(
    conn: &mut Conn,
    patient: PatientKey,
    submission: Uuid,
) -> Result<Vec<Document>> {
    let rows: Vec<Row> = document::table
        .filter(document::pt.eq(patient.get()))
        .filter(document::submission.eq(submission.as_bytes()))
        .order(document::id)
        .load(conn)?;
    rows.into_iter().map(to_document).collect()
}

fn to_document(row: Row) -> Result<Document> {
    Ok(Document {
        patient: PatientKey::from_bits(row.pt),
        id: rows::uuid(&row.id, "document", "id")?,
        binary: rows::uuid(&row.binary_id, "document", "binary_id")?,
        submission: rows::uuid(&row.submission, "document", "submission")?,
        unique_id: Digest256(rows::array(&row.unique_id, "document", "unique_id")?),
        status: rows::word(DocumentStatus::from_name(&row.status), "document", "status")?,
        type_code: row.type_code,
        labels: rows::unlist(&row.labels, "document", "labels")?,
        persons: rows::unlist(&row.persons, "document", "persons")?,
        structures: rows::unlist(&row.structures, "document", "structures")?,
        sha1: rows::array(&row.sha1, "document", "sha1")?,
        size: row.size,
    })
}

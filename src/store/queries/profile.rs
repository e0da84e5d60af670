//! Persons, their identifiers, and the ties professionals have with their records.

use diesel::prelude::*;

use super::super::Conn;
use crate::clock::to_micros;
use crate::ids::{Ins, NationalId, PatientKey};
use crate::model::directory::{Delegation, DelegationKind, Relation, RelationKind};
use crate::model::profile::{Closure, Contact, Profile, RecordState, SpaceState, Traits};
use crate::store::cached::Cached;
use crate::store::error::{Error, Result};
use crate::store::rows;
use crate::store::schema::{delegation, patient_identifier, profile, relation};

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = profile, treat_none_as_null = true)]
struct Row {
    pt: i64,
    space: String,
    record: String,
    ins_system: String,
    ins_value: String,
    family: String,
    given: String,
    all_given: String,
    gender: String,
    birth_on: Option<String>,
    birth_place: String,
    activation_email: Option<String>,
    assurance_maladie_email: Option<String>,
    postal_address: Option<String>,
    informed_on: Option<String>,
    closed_on: Option<String>,
    closure_motive: Option<String>,
    closure_reason: Option<String>,
    closure_author: Option<String>,
    version: i32,
    updated_at: i64,
}

pub(in crate::store) fn fact_patient_by_identifier(
    conn: &mut Conn,
    system: &str,
    value: &str,
) -> Result<Option<PatientKey>> {
    let pt: Option<i64> =
        patient_identifier::table.find((system, value)).select(patient_identifier::pt).get_result(conn).optional()?;
    Ok(pt.map(PatientKey::from_bits))
}

pub(in crate::store) fn fact_patient(conn: &mut Conn, ins: &Ins) -> Result<Option<PatientKey>> {
    fact_patient_by_identifier(conn, &ins.system(), ins.value())
}

pub(in crate::store) fn fact_profile(conn: &mut Conn, patient: PatientKey) -> Result<Option<Profile>> {
    let row: Option<Row> = profile::table.find(patient.get()).get_result(conn).optional()?;
    row.map(to_profile).transpose()
}

pub(in crate::store) fn count_profiles(conn: &mut Conn) -> Result<i64> {
    Ok(profile::table.count().get_result(conn)?)
}

pub(in crate::store) fn put_profile(conn: &mut Conn, kept: &Profile) -> Result<()> {
    put_identifier(conn, kept.key, &kept.ins.system(), kept.ins.value())?;
    let row = to_row(kept);
    diesel::insert_into(profile::table).values(&row).on_conflict(profile::pt).do_update().set(&row).execute(conn)?;
    Ok(())
}

pub(in crate::store) fn put_identifier(conn: &mut Conn, patient: PatientKey, system: &str, value: &str) -> Result<()> {
    let statement = diesel::insert_into(patient_identifier::table)
        .values((
            patient_identifier::system.eq(system),
            patient_identifier::value.eq(value),
            patient_identifier::pt.eq(patient.get()),
        ))
        .on_conflict_do_nothing();
    let is_new = Cached(statement).execute(conn)? > 0;
    if !is_new && fact_patient_by_identifier(conn, system, value)? != Some(patient) {
        return Err(Error::Conflict { table: "patient_identifier" });
    }
    Ok(())
}

pub(in crate::store) fn put_relation(conn: &mut Conn, kept: &Relation) -> Result<()> {
    let until_at = kept.until_at.map(to_micros);
    diesel::insert_into(relation::table)
        .values((
            relation::pt.eq(kept.patient.get()),
            relation::professional.eq(kept.professional.as_str()),
            relation::kind.eq(kept.kind.name()),
            relation::from_at.eq(to_micros(kept.from_at)),
            relation::until_at.eq(until_at),
        ))
        .on_conflict((relation::pt, relation::professional, relation::kind, relation::from_at))
        .do_update()
        .set(relation::until_at.eq(until_at))
        .execute(conn)?;
    Ok(())
}

pub(in crate::store) fn fact_relations(
    conn: &mut Conn,
    patient: PatientKey,
    professional: &NationalId,
) -> Result<Vec<Relation>> {
    let rows: Vec<(String, i64, Option<i64>)> = relation::table
        .filter(relation::pt.eq(patient.get()))
        .filter(relation::professional.eq(professional.as_str()))
        .order((relation::kind, relation::from_at))
        .select((relation::kind, relation::from_at, relation::until_at))
        .load(conn)?;
    rows.into_iter()
        .map(|(kind, from_at, until_at)| {
            Ok(Relation {
                patient,
                professional: professional.clone(),
                kind: rows::word(RelationKind::from_name(&kind), "relation", "kind")?,
                from_at: rows::instant(from_at),
                until_at: until_at.map(rows::instant),
            })
        })
        .collect()
}

pub(in crate::store) fn put_delegation(conn: &mut Conn, kept: &Delegation) -> Result<()> {
    let until_at = kept.until_at.map(to_micros);
    diesel::insert_into(delegation::table)
        .values((
            delegation::pt.eq(kept.patient.get()),
            delegation::delegate.eq(kept.delegate.get()),
            delegation::kind.eq(kept.kind.name()),
            delegation::from_at.eq(to_micros(kept.from_at)),
            delegation::until_at.eq(until_at),
        ))
        .on_conflict((delegation::pt, delegation::delegate, delegation::kind, delegation::from_at))
        .do_update()
        .set(delegation::until_at.eq(until_at))
        .execute(conn)?;
    Ok(())
}

pub(in crate::store) fn fact_delegations(
    conn: &mut Conn,
    patient: PatientKey,
    delegate: PatientKey,
) -> Result<Vec<Delegation>> {
    let rows: Vec<(String, i64, Option<i64>)> = delegation::table
        .filter(delegation::pt.eq(patient.get()))
        .filter(delegation::delegate.eq(delegate.get()))
        .order((delegation::kind, delegation::from_at))
        .select((delegation::kind, delegation::from_at, delegation::until_at))
        .load(conn)?;
    rows.into_iter()
        .map(|(kind, from_at, until_at)| {
            Ok(Delegation {
                patient,
                delegate,
                kind: rows::word(DelegationKind::from_name(&kind), "delegation", "kind")?,
                from_at: rows::instant(from_at),
                until_at: until_at.map(rows::instant),
            })
        })
        .collect()
}

fn to_row(kept: &Profile) -> Row {
    let closure = kept.closure.as_ref();
    Row {
        pt: kept.key.get(),
        space: kept.space.name().to_owned(),
        record: kept.record.name().to_owned(),
        ins_system: kept.ins.system(),
        ins_value: kept.ins.value().to_owned(),
        family: kept.traits.family.clone(),
        given: kept.traits.given.clone(),
        all_given: kept.traits.all_given.clone(),
        gender: kept.traits.gender.clone(),
        birth_on: kept.traits.birth_on.map(|on| on.to_string()),
        birth_place: kept.traits.birth_place.clone(),
        activation_email: kept.contact.activation_email.clone(),
        assurance_maladie_email: kept.contact.assurance_maladie_email.clone(),
        postal_address: kept.contact.postal_address.clone(),
        informed_on: kept.informed_on.map(|on| on.to_string()),
        closed_on: closure.map(|closure| closure.on.to_string()),
        closure_motive: closure.map(|closure| closure.motive.clone()),
        closure_reason: closure.and_then(|closure| closure.reason.clone()),
        closure_author: closure.and_then(|closure| closure.author.clone()),
        version: kept.version,
        updated_at: to_micros(kept.updated_at),
    }
}

fn to_profile(row: Row) -> Result<Profile> {
    let date = |text: Option<String>, column| text.map(|text| rows::date(&text, "profile", column)).transpose();
    let closure = match (date(row.closed_on, "closed_on")?, row.closure_motive) {
        (Some(on), Some(motive)) => {
            Some(Closure { on, motive, reason: row.closure_reason, author: row.closure_author })
        }
        (None, None) => None,
        _ => return Err(Error::Inconsistent { table: "profile", column: "closed_on" }),
    };
    Ok(Profile {
        key: PatientKey::from_bits(row.pt),
        space: rows::word(SpaceState::from_name(&row.space), "profile", "space")?,
        record: rows::word(RecordState::from_name(&row.record), "profile", "record")?,
        ins: rows::word(Ins::parse(&row.ins_system, &row.ins_value).ok(), "profile", "ins_value")?,
        traits: Traits {
            family: row.family,
            given: row.given,
            all_given: row.all_given,
            gender: row.gender,
            birth_on: date(row.birth_on, "birth_on")?,
            birth_place: row.birth_place,
        },
        contact: Contact {
            activation_email: row.activation_email,
            assurance_maladie_email: row.assurance_maladie_email,
            postal_address: row.postal_address,
        },
        informed_on: date(row.informed_on, "informed_on")?,
        closure,
        updated_at: rows::instant(row.updated_at),
        version: row.version,
    })
}

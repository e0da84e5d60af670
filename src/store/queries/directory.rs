//! Structures, professionals and their exercises.

use diesel::prelude::*;

use super::super::Conn;
use crate::ids::{NationalId, StructureId};
use crate::model::directory::{Exercise, Professional, Structure};
use crate::store::cached::Cached;
use crate::store::error::{Error, Result};
use crate::store::schema::{exercise, professional, structure};

type StructureRow = (String, String, String);
type ProfessionalRow = (String, String, String, String, Option<String>, bool);

pub(in crate::store) fn put_structure(conn: &mut Conn, kept: &Structure) -> Result<()> {
    let rest = (structure::name.eq(&kept.name), structure::sector.eq(&kept.sector));
    let statement = diesel::insert_into(structure::table)
        .values((structure::id.eq(kept.id.as_str()), rest))
        .on_conflict(structure::id)
        .do_update()
        .set(rest);
    Cached(statement).execute(conn)?;
    Ok(())
}

pub(in crate::store) fn find_structure(conn: &mut Conn, id: &StructureId) -> Result<Option<Structure>> {
    let row: Option<StructureRow> = structure::table.find(id.as_str()).get_result(conn).optional()?;
    row.map(to_structure).transpose()
}

pub(in crate::store) fn put_professional(conn: &mut Conn, kept: &Professional) -> Result<()> {
    let rest = (
        professional::family.eq(&kept.family),
        professional::given.eq(&kept.given),
        professional::profession.eq(&kept.profession),
        professional::speciality.eq(kept.speciality.as_deref()),
        professional::may_regulate.eq(kept.may_regulate),
    );
    let statement = diesel::insert_into(professional::table)
        .values((professional::id.eq(kept.id.as_str()), rest))
        .on_conflict(professional::id)
        .do_update()
        .set(rest);
    Cached(statement).execute(conn)?;
    Ok(())
}

pub(in crate::store) fn put_exercise(
    conn: &mut Conn,
    professional: &NationalId,
    structure: &StructureId,
    situation: &str,
) -> Result<()> {
    let statement = diesel::insert_into(exercise::table)
        .values((
            exercise::professional.eq(professional.as_str()),
            exercise::structure.eq(structure.as_str()),
            exercise::situation.eq(situation),
        ))
        .on_conflict_do_nothing();
    Cached(statement).execute(conn)?;
    Ok(())
}

pub(in crate::store) fn find_professional(conn: &mut Conn, id: &NationalId) -> Result<Option<Professional>> {
    let row: Option<ProfessionalRow> = professional::table.find(id.as_str()).get_result(conn).optional()?;
    row.map(to_professional).transpose()
}

pub(in crate::store) fn remove_exercise(
    conn: &mut Conn,
    professional: &NationalId,
    structure: &StructureId,
    situation: &str,
) -> Result<()> {
    let key = (professional.as_str(), structure.as_str(), situation);
    Cached(diesel::delete(exercise::table.find(key))).execute(conn)?;
    Ok(())
}

pub(in crate::store) fn find_exercises(conn: &mut Conn, id: &NationalId) -> Result<Vec<Exercise>> {
    let rows: Vec<(ProfessionalRow, StructureRow, String)> = exercise::table
        .inner_join(professional::table.on(professional::id.eq(exercise::professional)))
        .inner_join(structure::table.on(structure::id.eq(exercise::structure)))
        .filter(exercise::professional.eq(id.as_str()))
        .order((exercise::structure, exercise::situation))
        .select((professional::all_columns, structure::all_columns, exercise::situation))
        .load(conn)?;
    rows.into_iter()
        .map(|(professional, structure, situation)| {
            Ok(Exercise {
                professional: to_professional(professional)?,
                structure: to_structure(structure)?,
                situation,
            })
        })
        .collect()
}

fn to_structure((id, name, sector): StructureRow) -> Result<Structure> {
    let id = id.parse().map_err(|_form| Error::Inconsistent { table: "structure", column: "id" })?;
    Ok(Structure { id, name, sector })
}

fn to_professional(row: ProfessionalRow) -> Result<Professional> {
    let (id, family, given, profession, speciality, may_regulate) = row;
    let id = id.parse().map_err(|_form| Error::Inconsistent { table: "professional", column: "id" })?;
    Ok(Professional { id, family, given, profession, speciality, may_regulate })
}

//! The directory as FR Core and the Annuaire Santé write it: professionals, structures, exercises
//! (document-sharing §3.3, mes-rules §3.5).

use serde_json::Value;

use super::{items, registers, text};
use crate::fhir::datatype::DateTime;
use crate::ids::{NationalId, StructureId};

/// The part of a code system's URL that names professions.
const PROFESSION: &str = "G15";
/// What names specialities.
const SPECIALITY: &str = "R38";
/// What names activity sectors.
const SECTOR: &str = "R02";

/// What a Practitioner says of a professional.
#[derive(Clone, PartialEq, Eq)]
pub struct Professional {
    /// His national id.
    pub id: NationalId,
    /// Family name.
    pub family: String,
    /// First given name.
    pub given: String,
    /// Profession, TRE_G15.
    pub profession: Option<String>,
    /// Savoir-faire, TRE_R38.
    pub speciality: Option<String>,
}

/// What an Organization says of a structure.
#[derive(Clone, PartialEq, Eq)]
pub struct Structure {
    /// Its national ids: one for each register that knows it.
    pub ids: Vec<StructureId>,
    /// Name.
    pub name: String,
    /// Activity sector, TRE_R02; empty where none is told.
    pub sector: String,
}

/// What a PractitionerRole says of an exercise.
#[derive(Clone, PartialEq, Eq)]
pub struct Exercise {
    /// The professional.
    pub practitioner: Option<Pointer<NationalId>>,
    /// The structure.
    pub organization: Option<Pointer<StructureId>>,
    /// Identifier of the situation of exercise.
    pub situation: Option<String>,
    /// Profession exercised, TRE_G15.
    pub profession: Option<String>,
    /// Savoir-faire exercised, TRE_R38.
    pub speciality: Option<String>,
    /// Whether it goes on.
    pub is_active: bool,
    /// Until when; text of the period's end, where there is one that can be read.
    pub until: Option<jiff::Timestamp>,
}

/// Whom an element points to: by the id of a resource, or by a national id.
#[derive(Clone, PartialEq, Eq)]
pub enum Pointer<T> {
    /// `Type/id`: the id.
    Resource(String),
    /// By its number in a register.
    Register(T),
}

/// Reads a Practitioner; `None` where it has no national id or no name.
pub fn professional(resource: &Value) -> Option<Professional> {
    let id = items(resource, "identifier").find_map(registers::person)?;
    let name = items(resource, "name").find(|name| text(name, "family").is_some())?;
    let given = items(name, "given").find_map(Value::as_str).unwrap_or_default();
    let codes = || items(resource, "qualification").filter_map(|qualification| qualification.get("code"));
    Some(Professional {
        id,
        family: text(name, "family")?.to_owned(),
        given: given.to_owned(),
        profession: codes().find_map(|code| coded(code, PROFESSION)),
        speciality: codes().find_map(|code| coded(code, SPECIALITY)),
    })
}

/// Reads an Organization; `None` where it has no national id or no name.
pub fn structure(resource: &Value) -> Option<Structure> {
    let mut ids: Vec<StructureId> = items(resource, "identifier").filter_map(registers::structure).collect();
    ids.sort_unstable();
    ids.dedup();
    let sector = items(resource, "type").find_map(|code| coded(code, SECTOR)).unwrap_or_default();
    let name = text(resource, "name")?.to_owned();
    (!ids.is_empty()).then_some(Structure { ids, name, sector })
}

/// Reads a PractitionerRole.
pub fn exercise(resource: &Value) -> Exercise {
    let numbered = items(resource, "identifier").find_map(|identifier| text(identifier, "value"));
    let end = resource.get("period").and_then(|period| text(period, "end"));
    Exercise {
        practitioner: pointer(resource, "practitioner", "Practitioner", registers::person),
        organization: pointer(resource, "organization", "Organization", registers::structure),
        situation: numbered.or_else(|| text(resource, "id")).map(str::to_owned),
        profession: items(resource, "code").find_map(|code| coded(code, PROFESSION)),
        speciality: items(resource, "specialty").find_map(|code| coded(code, SPECIALITY)),
        is_active: resource.get("active").and_then(Value::as_bool).unwrap_or(true),
        until: end.and_then(DateTime::parse).and_then(DateTime::interval).map(|interval| interval.end),
    }
}

fn pointer<T>(resource: &Value, name: &str, kind: &str, read: impl Fn(&Value) -> Option<T>) -> Option<Pointer<T>> {
    let pointing = resource.get(name)?;
    let id = text(pointing, "reference").and_then(|reference| {
        let (head, id) = reference.rsplit_once('/')?;
        (head == kind || head.ends_with(&format!("/{kind}"))).then_some(id)
    });
    id.map(|id| Pointer::Resource(id.to_owned()))
        .or_else(|| pointing.get("identifier").and_then(read).map(Pointer::Register))
}

/// The code of a concept whose system bears the name of a French table.
fn coded(concept: &Value, table: &str) -> Option<String> {
    let of_table = |coding: &&Value| {
        text(coding, "system").is_some_and(|system| {
            system.contains(&format!("TRE_{table}-")) || system.contains(&format!("TRE-{table}-"))
        })
    };
    items(concept, "coding").find(of_table).and_then(|coding| text(coding, "code")).map(str::to_owned)
}

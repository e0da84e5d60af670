//! One resource of the directory kept by the operator's own hand, and what it says of a professional, a
//! structure or an exercise kept beside it.

use jiff::Timestamp;
use serde_json::Value;

use crate::access::permit::Permit;
use crate::access::resource::by_operator;
use crate::error::{Code, Error, Issue};
use crate::fhir::validate::{Conformance, Mode};
use crate::fhir::view::directory::{self, Pointer};
use crate::ids::{ElementPath, NationalId, ShardKey, StructureId};
use crate::model::directory::{Professional, Structure};
use crate::model::resource::ResourceType;
use crate::ops::resource::draft::Draft;
use crate::ops::resource::reach::is_directory;
use crate::ops::resource::write::{Version, keep, parsed};
use crate::store::Tx;

/// What became of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Became {
    /// It is new.
    Made,
    /// Another version of it is current now.
    Changed,
    /// It was there already, word for word.
    Unchanged,
}

/// Reads a resource that is to stand in the directory.
///
/// # Errors
/// What keeps it from standing there: another type, no id, what validation finds.
pub fn read(body: Value) -> Result<Draft, Error> {
    let kind = body.get("resourceType").and_then(Value::as_str).and_then(ResourceType::from_name);
    let Some(kind) = kind.filter(|kind| is_directory(*kind)) else {
        return Err(Issue::new(Code::NotSupported).at(ElementPath::root("resourceType")).rule("contract §7").into());
    };
    let draft = Draft::read(kind, body, &Mode { mode: Conformance::Lenient, ..Mode::default() })?;
    if draft.id().is_none() {
        let path = ElementPath::root(kind.name()).child("id");
        return Err(Issue::new(Code::Missing).at(path).rule("espace import").into());
    }
    Ok(draft)
}

/// Keeps a resource, unless it stands there word for word, and what it says to whoever gives tokens.
///
/// # Errors
/// 422 where it points to what is not there; 409 where another id has its key; those of the store.
pub fn put(tx: &mut Tx<'_>, draft: &Draft, at: Timestamp) -> Result<Became, Error> {
    let permit = by_operator(ShardKey::DIRECTORY);
    let id = draft.id().ok_or(Code::Internal)?;
    let key = ShardKey::DIRECTORY.key_of(id).ok_or(Code::Internal)?;
    let state = tx.find_state(&permit, draft.kind(), key)?;
    let before = tx.find_resource(&permit, draft.kind(), key)?;
    let known = before.as_ref().map(parsed).transpose()?;
    if known.as_ref().is_some_and(|known| known.get("id").and_then(Value::as_str) != Some(id)) {
        return Err(Issue::new(Code::Conflict).rule("id-collision").into());
    }
    register(tx, &permit, draft.body(), draft.kind(), at)?;
    if known.is_some_and(|known| bare(known) == bare(draft.body().clone())) {
        return Ok(Became::Unchanged);
    }
    let version = state.map_or(1, |state| state.version.saturating_add(1));
    let body = draft.body().clone();
    let new = Version { kind: draft.kind(), key, id, body, version, before: before.as_ref() };
    keep(tx, &permit, at, new)?;
    Ok(if before.is_some() { Became::Changed } else { Became::Made })
}

/// What a resource says, without what the server that keeps it says of it.
fn bare(mut body: Value) -> Value {
    if let Some(meta) = body.get_mut("meta").and_then(Value::as_object_mut) {
        meta.shift_remove("versionId");
        meta.shift_remove("lastUpdated");
        if meta.is_empty()
            && let Some(members) = body.as_object_mut()
        {
            members.shift_remove("meta");
        }
    }
    body
}

fn register(tx: &mut Tx<'_>, permit: &Permit, body: &Value, kind: ResourceType, at: Timestamp) -> Result<(), Error> {
    match kind {
        ResourceType::Practitioner => match directory::professional(body) {
            Some(told) => put_professional(tx, told),
            None => Ok(()),
        },
        ResourceType::Organization => {
            let Some(told) = directory::structure(body) else { return Ok(()) };
            for id in told.ids {
                tx.put_structure(&Structure { id, name: told.name.clone(), sector: told.sector.clone() })?;
            }
            Ok(())
        }
        ResourceType::PractitionerRole => put_exercise(tx, permit, body, at),
        _ => Ok(()),
    }
}

/// A professional as he is told of; what the directory does not tell stays as it was.
fn put_professional(tx: &mut Tx<'_>, told: directory::Professional) -> Result<(), Error> {
    let known = tx.find_professional(&told.id)?;
    let directory::Professional { id, family, given, profession, speciality } = told;
    tx.put_professional(&Professional {
        id,
        family,
        given,
        profession: profession.or_else(|| known.as_ref().map(|known| known.profession.clone())).unwrap_or_default(),
        speciality: speciality.or_else(|| known.as_ref().and_then(|known| known.speciality.clone())),
        may_regulate: known.is_some_and(|known| known.may_regulate),
    })
}

/// An exercise, begun or ended. One that names nobody, or no structure, is kept as a resource alone.
fn put_exercise(tx: &mut Tx<'_>, permit: &Permit, body: &Value, at: Timestamp) -> Result<(), Error> {
    let told = directory::exercise(body);
    let (Some(practitioner), Some(organization)) = (&told.practitioner, &told.organization) else { return Ok(()) };
    let unknown = |name: &str| {
        let path = ElementPath::root("PractitionerRole").child(name);
        Error::from(Issue::new(Code::ReferenceTarget).at(path).rule("espace import"))
    };
    let professional = of_practitioner(tx, permit, practitioner)?.ok_or_else(|| unknown("practitioner"))?;
    let structures = of_organization(tx, permit, organization)?;
    if structures.is_empty() {
        return Err(unknown("organization"));
    }
    if told.profession.is_some() || told.speciality.is_some() {
        complete(tx, &professional, &told)?;
    }
    let situation = told.situation.unwrap_or_default();
    let goes_on = told.is_active && told.until.is_none_or(|until| until >= at);
    for structure in structures {
        if goes_on {
            tx.put_exercise(&professional, &structure, &situation)?;
        } else {
            tx.remove_exercise(&professional, &structure, &situation)?;
        }
    }
    Ok(())
}

/// The profession that an exercise tells of somebody whose own resource told none.
fn complete(tx: &mut Tx<'_>, professional: &NationalId, told: &directory::Exercise) -> Result<(), Error> {
    let Some(known) = tx.find_professional(professional)? else { return Ok(()) };
    let profession = if known.profession.is_empty() { told.profession.clone() } else { None };
    let speciality = if known.speciality.is_none() { told.speciality.clone() } else { None };
    if profession.is_none() && speciality.is_none() {
        return Ok(());
    }
    tx.put_professional(&Professional {
        profession: profession.unwrap_or(known.profession),
        speciality: speciality.or(known.speciality),
        ..known
    })
}

fn of_practitioner(
    tx: &mut Tx<'_>,
    permit: &Permit,
    pointer: &Pointer<NationalId>,
) -> Result<Option<NationalId>, Error> {
    let id = match pointer {
        Pointer::Register(id) => Some(id.clone()),
        Pointer::Resource(id) => pointed(tx, permit, ResourceType::Practitioner, id)?
            .and_then(|body| directory::professional(&body))
            .map(|told| told.id),
    };
    match id {
        Some(id) if tx.find_professional(&id)?.is_some() => Ok(Some(id)),
        _ => Ok(None),
    }
}

fn of_organization(
    tx: &mut Tx<'_>,
    permit: &Permit,
    pointer: &Pointer<StructureId>,
) -> Result<Vec<StructureId>, Error> {
    match pointer {
        Pointer::Register(id) => Ok(tx.find_structure(id)?.map(|known| known.id).into_iter().collect()),
        Pointer::Resource(id) => {
            let body = pointed(tx, permit, ResourceType::Organization, id)?;
            Ok(body.and_then(|body| directory::structure(&body)).map(|told| told.ids).unwrap_or_default())
        }
    }
}

fn pointed(tx: &mut Tx<'_>, permit: &Permit, kind: ResourceType, id: &str) -> Result<Option<Value>, Error> {
    let Some(key) = ShardKey::DIRECTORY.key_of(id) else { return Ok(None) };
    tx.find_resource(permit, kind, key)?.map(|kept| parsed(&kept)).transpose()
}

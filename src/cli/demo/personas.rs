//! The personas of contract §5, read from `schemas/demo`, and what a first start puts into the store.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _, civil};

pub use super::table::DemoFault;
use super::table::{Row, rows};
use crate::ids::{Ins, NationalId, PatientKey, StructureId};
use crate::model::caller::CallerClass;
use crate::model::directory::{
    ClientSoftware, Delegation, DelegationKind, Exercise, Professional, Relation, RelationKind, Structure,
};
use crate::model::profile::{Closure, Contact, Profile, RecordState, SpaceState, Traits};
use crate::rules::gate;

/// A person of the demonstration. Dates are relative to the first start.
#[derive(Debug, Clone)]
pub struct Persona {
    /// The name used on the command line.
    pub name: String,
    /// The record's key.
    pub key: PatientKey,
    /// The INS.
    pub ins: Ins,
    /// The space axis.
    pub space: SpaceState,
    /// The record axis.
    pub record: RecordState,
    /// Identity traits.
    pub traits: Traits,
    /// Known addresses.
    pub contact: Contact,
    /// How many days before the first start the notice was sent.
    pub informed_days_ago: Option<i32>,
    /// How many days before the first start, and why, the record was closed.
    pub closed: Option<(i32, String, Option<String>)>,
    /// The name of the legal representative.
    pub represented_by: Option<String>,
    /// The name of the person this one cares for.
    pub carer_of: Option<String>,
}

/// A structure and the name of its certificate.
#[derive(Debug, Clone)]
pub struct DemoStructure {
    /// The name used on the command line, and of the certificate.
    pub name: String,
    /// The structure.
    pub structure: Structure,
}

/// A professional with his exercise.
#[derive(Debug, Clone)]
pub struct DemoProfessional {
    /// The name used on the command line.
    pub name: String,
    /// The name of the structure of his exercise.
    pub structure: String,
    /// The exercise.
    pub exercise: Exercise,
}

/// Software to enrol, by the name of its certificate: subject DN and fingerprint are the caller's to fill in.
#[derive(Debug, Clone)]
pub struct DemoClient {
    /// The name of the certificate.
    pub certificate: String,
    /// The enrolment, without a certificate yet.
    pub software: ClientSoftware,
}

/// A tie between a professional and a persona, in days relative to the first start.
#[derive(Debug, Clone)]
struct Tie {
    patient: PatientKey,
    professional: NationalId,
    kind: RelationKind,
    from_days: i64,
    until_days: Option<i64>,
}

/// The demonstration data.
#[derive(Debug, Clone)]
pub struct Demo {
    /// The persons.
    pub personas: Vec<Persona>,
    /// The structures.
    pub structures: Vec<DemoStructure>,
    /// The professionals.
    pub professionals: Vec<DemoProfessional>,
    /// The software.
    pub clients: Vec<DemoClient>,
    ties: Vec<Tie>,
}

/// What a first start puts into the store.
#[derive(Debug, Clone)]
pub struct Seed {
    /// The persons.
    pub profiles: Vec<Profile>,
    /// The structures.
    pub structures: Vec<Structure>,
    /// The exercises, each with its professional.
    pub exercises: Vec<Exercise>,
    /// The ties between professionals and records.
    pub relations: Vec<Relation>,
    /// Who acts in whose name on the patient side.
    pub delegations: Vec<Delegation>,
    /// The software.
    pub clients: Vec<DemoClient>,
}

impl Demo {
    /// Reads the tables; an error names file, line and column.
    pub fn load() -> Result<Self, DemoFault> {
        let personas = read("personas", include_str!("../../../schemas/demo/personas.csv"), persona)?;
        let structures = read("structures", include_str!("../../../schemas/demo/structures.csv"), structure)?;
        let people = read("professionals", include_str!("../../../schemas/demo/professionals.csv"), professional)?;
        let professionals = read("exercises", include_str!("../../../schemas/demo/exercises.csv"), |row| {
            exercise(row, &people, &structures)
        })?;
        let ties =
            read("relations", include_str!("../../../schemas/demo/relations.csv"), |row| tie(row, &personas, &people))?;
        let clients =
            read("clients", include_str!("../../../schemas/demo/clients.csv"), |row| client(row, &structures))?;
        Ok(Self { personas, structures, professionals, clients, ties })
    }

    /// The person of a name.
    pub fn persona(&self, name: &str) -> Option<&Persona> {
        self.personas.iter().find(|persona| persona.name == name)
    }

    /// The professional of a name, with his structure.
    pub fn professional(&self, name: &str) -> Option<&DemoProfessional> {
        self.professionals.iter().find(|professional| professional.name == name)
    }

    /// The structure of a name.
    pub fn structure(&self, name: &str) -> Option<&DemoStructure> {
        self.structures.iter().find(|structure| structure.name == name)
    }

    /// What a first start at `now` puts into the store.
    pub fn seed(&self, now: Timestamp) -> Seed {
        Seed {
            profiles: self.personas.iter().map(|persona| persona.profile(now)).collect(),
            structures: self.structures.iter().map(|named| named.structure.clone()).collect(),
            exercises: self.professionals.iter().map(|named| named.exercise.clone()).collect(),
            relations: self.ties.iter().map(|tie| tie.relation(now)).collect(),
            delegations: self.delegations(now),
            clients: self.clients.clone(),
        }
    }
}

impl Demo {
    /// Representatives and carers since the first notice; a minor is represented until his majority.
    fn delegations(&self, now: Timestamp) -> Vec<Delegation> {
        let key = |name: &Option<String>| Some(self.persona(name.as_deref()?)?.key);
        let since = |persona: &Persona| {
            let days = i64::from(persona.informed_days_ago.unwrap_or_default());
            now.checked_sub(SignedDuration::from_hours(24 * days)).unwrap_or(now)
        };
        let represented = self.personas.iter().filter_map(|persona| {
            let (patient, delegate) = (persona.key, key(&persona.represented_by)?);
            let (kind, from_at) = (DelegationKind::LegalRepresentation, since(persona));
            Some(Delegation { patient, delegate, kind, from_at, until_at: majority(persona) })
        });
        let cared_for = self.personas.iter().filter_map(|persona| {
            let (patient, delegate) = (key(&persona.carer_of)?, persona.key);
            let (kind, from_at) = (DelegationKind::Caregiving, since(persona));
            Some(Delegation { patient, delegate, kind, from_at, until_at: None })
        });
        represented.chain(cared_for).collect()
    }
}

/// Midnight of the eighteenth birthday, Paris.
fn majority(persona: &Persona) -> Option<Timestamp> {
    let on = persona.traits.birth_on?.checked_add(18.years()).ok()?;
    let zone = TimeZone::get("Europe/Paris").unwrap_or(TimeZone::UTC);
    Some(on.to_zoned(zone).ok()?.timestamp())
}

impl Persona {
    /// The person as a first start at `now` knows him.
    pub fn profile(&self, now: Timestamp) -> Profile {
        let closure = self.closed.as_ref().map(|(days, motive, reason)| Closure {
            on: days_ago(now, *days),
            motive: motive.clone(),
            reason: reason.clone(),
            author: None,
        });
        Profile {
            key: self.key,
            space: self.space,
            record: self.record,
            ins: self.ins.clone(),
            traits: self.traits.clone(),
            contact: self.contact.clone(),
            informed_on: self.informed_days_ago.map(|days| days_ago(now, days)),
            closure,
            updated_at: now,
            version: 1,
        }
    }
}

impl Tie {
    fn relation(&self, now: Timestamp) -> Relation {
        let shifted = |days: i64| now.checked_add(SignedDuration::from_hours(24 * days)).unwrap_or(now);
        Relation {
            patient: self.patient,
            professional: self.professional.clone(),
            kind: self.kind,
            from_at: shifted(self.from_days),
            until_at: self.until_days.map(shifted),
        }
    }
}

/// A civil date of Paris, some days before `now`.
fn days_ago(now: Timestamp, days: i32) -> civil::Date {
    let today = now.to_zoned(TimeZone::get("Europe/Paris").unwrap_or(TimeZone::UTC)).date();
    today.checked_sub(days.days()).unwrap_or(today)
}

fn read<T>(
    file: &'static str,
    text: &str,
    each: impl Fn(&Row<'_>) -> Result<T, DemoFault>,
) -> Result<Vec<T>, DemoFault> {
    rows(file, text).iter().map(each).collect()
}

fn persona(row: &Row<'_>) -> Result<Persona, DemoFault> {
    let system = row.text("ins_system")?;
    let closed: Option<i32> = row.parsed("closed_days_ago")?;
    let (motive, reason) = (row.text("closure_motive")?.to_owned(), row.optional("closure_reason")?);
    Ok(Persona {
        name: row.required("name")?,
        key: row.required("key")?,
        ins: row.found("ins", |text| Ins::parse(system, text).ok())?,
        space: row.found("space", SpaceState::from_name)?,
        record: row.found("record", RecordState::from_name)?,
        traits: Traits {
            family: row.required("family")?,
            given: row.required("given")?,
            all_given: row.required("all_given")?,
            gender: row.required("gender")?,
            birth_on: row.parsed("birth_on")?,
            birth_place: row.required("birth_place")?,
        },
        contact: Contact {
            activation_email: row.optional("activation_email")?,
            assurance_maladie_email: row.optional("assurance_maladie_email")?,
            postal_address: row.optional("postal_address")?,
        },
        informed_days_ago: row.parsed("informed_days_ago")?,
        closed: closed.map(|days| (days, motive, reason)),
        represented_by: row.optional("represented_by")?,
        carer_of: row.optional("carer_of")?,
    })
}

fn structure(row: &Row<'_>) -> Result<DemoStructure, DemoFault> {
    let id: StructureId = row.required("id")?;
    let structure = Structure { id, name: row.required("label")?, sector: row.required("sector")? };
    Ok(DemoStructure { name: row.required("name")?, structure })
}

fn professional(row: &Row<'_>) -> Result<(String, Professional), DemoFault> {
    let professional = Professional {
        id: row.found("rpps", |rpps| NationalId::from_rpps(rpps).ok())?,
        family: row.required("family")?,
        given: row.required("given")?,
        profession: row.required("profession")?,
        speciality: row.optional("speciality")?,
        may_regulate: row.text("may_regulate")? == "yes",
    };
    Ok((row.required("name")?, professional))
}

fn exercise(
    row: &Row<'_>,
    people: &[(String, Professional)],
    structures: &[DemoStructure],
) -> Result<DemoProfessional, DemoFault> {
    let (name, professional) = row.found("professional", |name| people.iter().find(|(known, _)| known == name))?;
    let place = row.found("structure", |name| structures.iter().find(|known| known.name == name))?;
    let exercise = Exercise {
        professional: professional.clone(),
        structure: place.structure.clone(),
        situation: row.required("situation")?,
    };
    Ok(DemoProfessional { name: name.clone(), structure: place.name.clone(), exercise })
}

fn tie(row: &Row<'_>, personas: &[Persona], people: &[(String, Professional)]) -> Result<Tie, DemoFault> {
    let (_, professional) = row.found("professional", |name| people.iter().find(|(known, _)| known == name))?;
    Ok(Tie {
        patient: row.found("patient", |name| personas.iter().find(|known| known.name == name))?.key,
        professional: professional.id.clone(),
        kind: row.found("kind", RelationKind::from_name)?,
        from_days: row.required("from_days")?,
        until_days: row.parsed("until_days")?,
    })
}

fn client(row: &Row<'_>, structures: &[DemoStructure]) -> Result<DemoClient, DemoFault> {
    let place = row.found("structure", |name| structures.iter().find(|known| known.name == name))?;
    let certificate: String = row.required("certificate")?;
    let profiles: Vec<String> = row.words("profiles")?.into_iter().map(str::to_owned).collect();
    let mut scopes = Vec::new();
    for word in row.words("classes")? {
        let class = row.found("classes", |_| CallerClass::from_name(word))?;
        scopes.extend(gate::allowed_scopes(class, &profiles));
    }
    scopes.sort_unstable();
    scopes.dedup();
    let software = ClientSoftware {
        id: format!("dev-{certificate}"),
        structure: place.structure.id.clone(),
        subject_dn: None,
        fingerprint: None,
        name: row.required("name")?,
        version: row.required("version")?,
        homologation: row.optional("homologation")?,
        profiles,
        scopes,
        suspended_at: None,
    };
    Ok(DemoClient { certificate, software })
}

//! The directory of the demonstration as resources: FR Core shapes with the identifiers of the French
//! registers (document-sharing §2, §3.3; mes-rules §8), and the care teams.

use serde_json::{Value, json};

use super::personas::Seed;
use crate::ids::{LogicalId, PatientKey, StructureKind};
use crate::model::directory::{Exercise, Professional, Relation, RelationKind, Structure};

const CORE: &str = "https://hl7.fr/ig/fhir/core/StructureDefinition";
const IDENTIFIER_TYPES: &str = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203";
const PROFESSIONS: &str = "https://mos.esante.gouv.fr/NOS/TRE_G15-ProfessionSante/FHIR/TRE-G15-ProfessionSante";
const SPECIALITIES: &str = "https://mos.esante.gouv.fr/NOS/TRE_R38-SpecialiteOrdinale/FHIR/TRE-R38-SpecialiteOrdinale";
const SECTORS: &str = "https://mos.esante.gouv.fr/NOS/TRE_R02-SecteurActivite/FHIR/TRE-R02-SecteurActivite";

/// Professionals, structures and exercises, each before what points to it.
pub(super) fn resources(seed: &Seed) -> Vec<Value> {
    let structures = seed.structures.iter().map(organization);
    let people = seed.exercises.iter().map(|exercise| practitioner(&exercise.professional));
    let roles = seed.exercises.iter().map(role);
    structures.chain(people).chain(roles).collect()
}

/// `Practitioner.id` of a professional.
fn practitioner_id(professional: &Professional) -> String {
    format!("ps-{}", professional.id)
}

fn organization_id(structure: &Structure) -> String {
    format!("st-{}", structure.id)
}

fn identifier(code: &str, system: &str, value: &str) -> Value {
    json!({
        "use": "official",
        "type": { "coding": [{ "system": IDENTIFIER_TYPES, "code": code }] },
        "system": system,
        "value": value,
    })
}

fn practitioner(professional: &Professional) -> Value {
    let mut identifiers = vec![identifier("IDNPS", "urn:oid:1.2.250.1.71.4.2.1", professional.id.as_str())];
    if let Some(rpps) = professional.id.rpps() {
        identifiers.push(identifier("RPPS", "https://rpps.esante.gouv.fr", rpps));
    }
    let qualified = |system: &str, code: &str| json!({ "code": { "coding": [{ "system": system, "code": code }] } });
    let mut qualifications = vec![qualified(PROFESSIONS, &professional.profession)];
    qualifications.extend(professional.speciality.iter().map(|code| qualified(SPECIALITIES, code)));
    json!({
        "resourceType": "Practitioner",
        "id": practitioner_id(professional),
        "meta": { "profile": [format!("{CORE}/fr-core-practitioner")] },
        "identifier": identifiers,
        "active": true,
        "name": [{ "use": "official", "family": professional.family, "given": [professional.given] }],
        "qualification": qualifications,
    })
}

fn organization(structure: &Structure) -> Value {
    let number = structure.id.as_str().get(1..).unwrap_or_default();
    let register = match structure.id.kind() {
        StructureKind::Finess => Some(identifier("FINEG", "https://finess.esante.gouv.fr", number)),
        StructureKind::Siren => Some(identifier("SIREN", "https://sirene.fr", number)),
        StructureKind::Siret => Some(identifier("SIRET", "https://sirene.fr", number)),
        StructureKind::AdeliPractice | StructureKind::RppsPractice => None,
    };
    let national = identifier("IDNST", "urn:oid:1.2.250.1.71.4.2.2", structure.id.as_str());
    let identifiers: Vec<Value> = std::iter::once(national).chain(register).collect();
    json!({
        "resourceType": "Organization",
        "id": organization_id(structure),
        "meta": { "profile": [format!("{CORE}/fr-core-organization")] },
        "identifier": identifiers,
        "active": true,
        "type": [{ "coding": [{ "system": SECTORS, "code": structure.sector }] }],
        "name": structure.name,
    })
}

fn role(exercise: &Exercise) -> Value {
    let professional = &exercise.professional;
    let concept = |system: &str, code: &str| json!({ "coding": [{ "system": system, "code": code }] });
    let mut role = json!({
        "resourceType": "PractitionerRole",
        "id": exercise.situation,
        "meta": { "profile": [format!("{CORE}/fr-core-practitioner-role")] },
        "identifier": [{ "use": "official", "system": "https://rpps.esante.gouv.fr/situation-exercice", "value": exercise.situation }],
        "active": true,
        "practitioner": { "reference": format!("Practitioner/{}", practitioner_id(professional)) },
        "organization": { "reference": format!("Organization/{}", organization_id(&exercise.structure)) },
        "code": [concept(PROFESSIONS, &professional.profession)],
    });
    if let (Some(code), Some(members)) = (&professional.speciality, role.as_object_mut()) {
        members.insert("specialty".to_owned(), json!([concept(SPECIALITIES, code)]));
    }
    role
}

/// The care team of a person, if there is one: its id and what it says.
pub(super) fn care_team(seed: &Seed, patient: PatientKey, uuid: uuid::Uuid) -> Option<(LogicalId, Value)> {
    let is_member = |relation: &&Relation| relation.patient == patient && relation.kind == RelationKind::CareTeam;
    let member = |relation: &Relation| {
        let exercise = seed.exercises.iter().find(|exercise| exercise.professional.id == relation.professional)?;
        let named = format!("{} {}", exercise.professional.given, exercise.professional.family);
        Some(json!({
            "member": { "reference": format!("PractitionerRole/{}", exercise.situation), "display": named },
            "period": { "start": relation.from_at.to_string() },
        }))
    };
    let relations: Vec<&Relation> = seed.relations.iter().filter(is_member).collect();
    let first = relations.iter().map(|relation| relation.from_at).min()?;
    let id = LogicalId::of_patient(patient, uuid);
    let participants: Vec<Value> = relations.into_iter().filter_map(member).collect();
    let team = json!({
        "resourceType": "CareTeam",
        "id": id.to_string(),
        "identifier": [{ "system": "urn:ietf:rfc:3986", "value": format!("urn:uuid:{uuid}") }],
        "name": "Équipe de soins",
        "status": "active",
        "subject": { "reference": format!("Patient/{patient}") },
        "period": { "start": first.to_string() },
        "participant": participants,
    });
    Some((id, team))
}

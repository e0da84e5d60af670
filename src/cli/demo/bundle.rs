//! `espace demo bundle`: a fresh Provide Document Bundle around a small CDA of our own.

use clap::Args;
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::personas::{Demo, DemoProfessional, Persona};
use crate::cda::{
    Authenticator, Author, Code, Content, Header, Identifier, Name, Organization, Patient, Section, ServiceEvent,
    TEMPLATES_NOTE, TEMPLATES_UNSTRUCTURED, Time, compose,
};
use crate::cli::{Failure, output};
use crate::clock::{Clock as _, SystemClock};
use crate::fhir::terminology;
use crate::ids::{IdSource, SystemIds};
use crate::ihe::mhd::{Pack, Publication, class_of, provide_bundle};

/// Print a fresh ITI-65 bundle around a small CDA of our own
#[derive(Debug, Args)]
pub(super) struct Bundle {
    /// Whose record it is for
    #[arg(long, value_name = "PERSONA", default_value = "dominique")]
    patient: String,
    /// Its author
    #[arg(long = "as", value_name = "PERSONA", default_value = "dr-martin")]
    author: String,
}

impl Bundle {
    /// Prints the bundle.
    pub(super) fn run(self) -> Result<(), Failure> {
        let demo = Demo::load().map_err(|error| Failure::from_error("demo personas", &error))?;
        let unknown = |name: &str| Failure::Usage(format!("no persona is called {name}"));
        let patient = demo.persona(&self.patient).ok_or_else(|| unknown(&self.patient))?;
        let author = demo.professional(&self.author).ok_or_else(|| unknown(&self.author))?;
        let document = Document::note(SystemClock.now());
        let bundle = demo_bundle(&document, patient, author, &SystemIds::default())?;
        output::emit(bundle.to_string().as_bytes());
        Ok(())
    }
}

/// What a demo document says.
#[derive(Debug, Clone)]
pub struct Document {
    /// typeCode: system OID, code, label.
    pub kind: (&'static str, &'static str, &'static str),
    /// title.
    pub title: String,
    /// When it was written and the act took place.
    pub at: Timestamp,
    /// One paragraph of text; absent for a PDF.
    pub text: String,
    /// The bytes of a PDF, for an unstructured document.
    pub pdf: Option<Vec<u8>>,
}

impl Document {
    /// A consultation report of one paragraph.
    pub fn note(at: Timestamp) -> Self {
        Self {
            kind: ("2.16.840.1.113883.6.1", "11488-4", "CR ou fiche de consultation ou de visite"),
            title: "Compte rendu de consultation".to_owned(),
            at,
            text: "Consultation de suivi. Examen sans particularité. Document de démonstration.".to_owned(),
            pdf: None,
        }
    }

    /// A level 1 document around a PDF: a hospital stay report.
    pub fn pdf(at: Timestamp, pdf: Vec<u8>) -> Self {
        Self {
            kind: ("2.16.840.1.113883.6.1", "34112-3", "CR hospitalier"),
            title: "Compte rendu d'hospitalisation".to_owned(),
            pdf: Some(pdf),
            ..Self::note(at)
        }
    }
}

/// A Provide Document Bundle of one document by `author` for the record of `patient`.
pub fn demo_bundle(
    document: &Document,
    patient: &Persona,
    author: &DemoProfessional,
    ids: &dyn IdSource,
) -> Result<Value, Failure> {
    let header = header(document, patient, author, ids);
    let cda = if let Some(bytes) = &document.pdf {
        compose(&header, &Content::File { media_type: "application/pdf", bytes })
    } else {
        let section = Section {
            code: Code::new("51848-0", "2.16.840.1.113883.6.1", "Évaluation"),
            title: document.title.clone(),
            paragraphs: vec![document.text.clone()],
        };
        compose(&header, &Content::Sections(&[section]))
    };
    let publication = Publication {
        header: &header,
        bytes: cda.as_bytes(),
        content_type: "text/xml",
        subject: &patient.ins,
        at: document.at,
        source_oid: "1.2.250.1.999.1.1.1",
        pack: Pack::Pdsm,
        flags: &[],
        author: None,
        replaces: None,
        class_of: &class_of,
    };
    provide_bundle(&publication, ids).map_err(|error| Failure::from_error("demo bundle", &error))
}

fn header(document: &Document, patient: &Persona, author: &DemoProfessional, ids: &dyn IdSource) -> Header {
    let unique = ids.uuid(document.at);
    let (system, code, label) = document.kind;
    let time = Time::of(document.at);
    let templates = if document.pdf.is_some() { &TEMPLATES_UNSTRUCTURED[..] } else { &TEMPLATES_NOTE[..] };
    let exercise = &author.exercise;
    let organization = Organization {
        id: Some(Identifier::new("1.2.250.1.71.4.2.2", exercise.structure.id.as_str())),
        name: Some(exercise.structure.name.clone()),
    };
    let id = Identifier::new("1.2.250.1.71.4.2.1", exercise.professional.id.as_str());
    let name = Name {
        family: Some(exercise.professional.family.clone()),
        given: vec![exercise.professional.given.clone()],
        ..Name::default()
    };
    Header {
        template_ids: templates.iter().map(|template| Identifier::root(*template)).collect(),
        id: Some(Identifier::root(oid_of(unique))),
        set_id: Some(Identifier::root(oid_of(unique))),
        version: Some("1".to_owned()),
        code: Some(Code::new(code, system, label)),
        title: Some(document.title.clone()),
        effective_time: Some(time.clone()),
        confidentiality: Some(Code::new("N", "2.16.840.1.113883.5.25", "Normal")),
        language: Some("fr-FR".to_owned()),
        patient: patient_of(patient),
        authors: vec![Author {
            time: Some(time.clone()),
            id: Some(id.clone()),
            person: Some(name.clone()),
            organization: Some(organization.clone()),
            ..Author::default()
        }],
        custodian: Some(organization.clone()),
        legal_authenticator: Some(Authenticator {
            time: Some(time.clone()),
            id: Some(id.clone()),
            person: Some(name),
            organization: Some(organization),
            ..Authenticator::default()
        }),
        service_event: Some(ServiceEvent {
            low: Some(time.clone()),
            high: Some(time),
            practice_setting: Some(Code::new("AMBULATOIRE", "1.2.250.1.213.1.1.4.9", "Ambulatoire")),
            performer: Some(id),
            ..ServiceEvent::default()
        }),
        facility: Some(Code::new(
            &exercise.structure.sector,
            "1.2.250.1.71.4.2.4",
            sector_label(exercise.structure.sector.as_str()),
        )),
        ..Header::default()
    }
}

fn sector_label(code: &str) -> &'static str {
    let system = "https://mos.esante.gouv.fr/NOS/TRE_R02-SecteurActivite/FHIR/TRE-R02-SecteurActivite";
    terminology::display(system, code).unwrap_or_default()
}

fn patient_of(persona: &Persona) -> Patient {
    let traits = &persona.traits;
    let gender = match traits.gender.as_str() {
        "female" => Code::new("F", "2.16.840.1.113883.5.1", "Féminin"),
        "male" => Code::new("M", "2.16.840.1.113883.5.1", "Masculin"),
        _ => Code::new("UN", "2.16.840.1.113883.5.1", "Inconnu"),
    };
    Patient {
        ids: vec![Identifier::new(persona.ins.domain().oid(), persona.ins.value())],
        birth_family: Some(traits.family.clone()),
        birth_given: Some(traits.given.clone()),
        given_names: Some(traits.all_given.clone()),
        used_family: Some(traits.family.clone()),
        used_given: Some(traits.given.clone()),
        gender: Some(gender),
        birth_time: traits.birth_on.map(Time::on),
        birth_place: Some(traits.birth_place.clone()),
        birth_city: None,
    }
}

/// The OID of a UUID (ITU-T X.667): `2.25.` and its number.
fn oid_of(uuid: Uuid) -> String {
    format!("2.25.{}", uuid.as_u128())
}

//! Who acts in the stories, and what they leave.

use std::sync::Arc;

use espace::access::context::Context;
use espace::access::identity::{Caller, Certificate, Person};
use espace::access::permit::Permit;
use espace::error::Language;
use espace::ids::{Digest256, Ins, PatientKey, RequestId};
use espace::model::audit::{Act, Actor, AuditRecord, Entity};
use espace::model::caller::{Action, AuthMode, CallerClass, Purpose};
use espace::model::document::{Blob, BlobPlace, Document, DocumentStatus};
use espace::model::notification::{Channel, Notification, NotifiedEvent};
use espace::model::profile::{Contact, Profile, RecordState, SpaceState, Traits};
use espace::model::resource::{IndexRow, NewResource, ResourceType};
use jiff::Timestamp;
use uuid::Uuid;

pub(super) const MARIE: PatientKey = PatientKey::from_bits(1_001);
pub(super) const PAUL: PatientKey = PatientKey::from_bits(2_002);
pub(super) const DOCTOR: &str = "801234567897";

/// Noon of the demonstration day, `seconds` later.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_795_341_600 + seconds).unwrap()
}

pub(super) fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

pub(super) fn permit(patient: PatientKey) -> Permit {
    Permit::assumed(patient, Action::ProvideDocument)
}

pub(super) fn context() -> Arc<Context> {
    let structure = "401234567897001".parse().unwrap();
    let certificate = Certificate {
        fingerprint: [7; 32],
        subject: "CN=cabinet".to_owned(),
        issuer: vec![1],
        serial: vec![2],
        structure: None,
        common_name: "cabinet".to_owned(),
        der: vec![],
    };
    let person = Person {
        id: DOCTOR.parse().unwrap(),
        name: "Martin".to_owned(),
        profession: "10".to_owned(),
        roles: vec![],
        habilitation: espace::rules::habilitation::Habilitation::built_in("10"),
        may_regulate: false,
    };
    let caller = Caller {
        certificate: Arc::new(certificate),
        class: CallerClass::ProfessionalDirect,
        structure,
        structure_name: "Cabinet".to_owned(),
        person: Some(person),
        patient: None,
        record: None,
        auth_mode: Some(AuthMode::Direct),
        scopes: vec![],
        client_id: "cabinet".to_owned(),
        software: "test 1".to_owned(),
        token_id: "token".to_owned(),
    };
    Arc::new(Context {
        caller,
        purpose: Purpose::Normal,
        reason: None,
        request_id: RequestId::minted(id(1)),
        at: at(0),
        address: None,
        language: Language::French,
    })
}

pub(super) fn trace(patient: PatientKey, number: u128) -> AuditRecord {
    AuditRecord {
        id: id(number),
        chain: patient.into(),
        at: at(i64::try_from(number).unwrap_or_default()),
        act: Act::ProvideDocumentBundle,
        outcome: "0".to_owned(),
        refusal: None,
        rule: None,
        actor: Actor { person: Some(DOCTOR.to_owned()), ..Actor::default() },
        purpose: "normal".to_owned(),
        reason: None,
        request_id: "request".to_owned(),
        entities: vec![Entity { reference: format!("Patient/{patient}") }],
        query: None,
    }
}

pub(super) fn profile(patient: PatientKey, ins: &str) -> Profile {
    Profile {
        key: patient,
        space: SpaceState::Activated,
        record: RecordState::Attached,
        ins: Ins::parse("1.2.250.1.213.1.4.10", ins).unwrap(),
        traits: Traits {
            family: "DURAND".to_owned(),
            birth_on: Some("1979-03-05".parse().unwrap()),
            ..Traits::default()
        },
        contact: Contact { activation_email: Some("marie@exemple.fr".to_owned()), ..Contact::default() },
        informed_on: None,
        closure: None,
        updated_at: at(0),
        version: 1,
    }
}

pub(super) fn document(patient: PatientKey, number: u128) -> Document {
    let mut unique_id = [0; 32];
    unique_id[..16].copy_from_slice(id(number).as_bytes());
    Document {
        patient,
        id: id(number),
        binary: id(number + 1_000_000),
        submission: id(5_000_000),
        unique_id: Digest256(unique_id),
        status: DocumentStatus::Current,
        type_code: "http://loinc.org|34133-9".to_owned(),
        labels: vec!["N".to_owned()],
        persons: vec![DOCTOR.to_owned()],
        structures: vec!["401234567897001".to_owned()],
        sha1: [3; 20],
        size: 42,
    }
}

pub(super) fn blob(patient: PatientKey, number: u128, place: BlobPlace) -> Blob {
    Blob {
        patient,
        id: id(number),
        sealed_as: id(number),
        content_type: "application/pdf".to_owned(),
        size: 42,
        sha1: [3; 20],
        sha256: [4; 32],
        wrapped_key: vec![5; 60],
        place,
    }
}

pub(super) fn notification(number: u128, event: u128) -> Notification {
    Notification {
        id: id(number),
        event_id: id(event),
        event: NotifiedEvent::DocumentAdded,
        channel: Channel::ActivationEmail,
        created_at: at(0),
    }
}

pub(super) fn token(parameter: i32, value: &str) -> IndexRow {
    IndexRow { parameter, value: value.to_owned(), low: 0, high: 0 }
}

pub(super) fn day(parameter: i32, low: i64, high: i64) -> IndexRow {
    IndexRow { parameter, value: String::new(), low, high }
}

pub(super) fn fiche(number: u128, version: i32, index: Vec<IndexRow>) -> NewResource {
    NewResource {
        kind: ResourceType::DocumentReference,
        id: id(number),
        version,
        body: format!("{{\"id\":\"{number}\",\"v\":{version}}}").into_bytes(),
        updated_at: at(i64::try_from(number).unwrap() * 10 + i64::from(version)),
        index,
        former: vec![],
    }
}

/// A later version, with the rows of the one before.
pub(super) fn revised(number: u128, version: i32, former: Vec<IndexRow>, index: Vec<IndexRow>) -> NewResource {
    NewResource { former, ..fiche(number, version, index) }
}

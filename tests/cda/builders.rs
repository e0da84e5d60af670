//! Headers for tests.

use espace::cda::{
    Authenticator, Author, Code, Header, Identifier, Name, Organization, Patient, ServiceEvent, TEMPLATES_NOTE, Time,
};

/// A complete header: a consultation note of dr-martin about `dominique`.
pub(crate) fn header() -> Header {
    let at = Time::parse("20261122100000+0100");
    let doctor = Identifier::new("1.2.250.1.71.4.2.1", "801234567897");
    let person = Name {
        family: Some("MARTIN".into()),
        given: vec!["Anne".into()],
        prefix: Some("MME".into()),
        suffix: Some("DR".into()),
    };
    let practice = Organization {
        id: Some(Identifier::new("1.2.250.1.71.4.2.2", "401234567897001")),
        name: Some("Cabinet <Martin> & \"fils\"".into()),
    };
    let specialty = Code::new("G15_10/SM26", "1.2.250.1.213.1.1.4.5", "Médecin - Qualifié en Médecine Générale (SM)");
    let author = Author {
        time: at.clone(),
        function: Some(Code::new("PCP", "2.16.840.1.113883.5.88", "Médecin traitant")),
        id: Some(doctor.clone()),
        specialty: Some(specialty.clone()),
        person: Some(person.clone()),
        device: None,
        organization: Some(practice.clone()),
    };
    let act = Code::new("11429006", "2.16.840.1.113883.6.96", "consultation");
    Header {
        template_ids: TEMPLATES_NOTE.into_iter().map(Identifier::root).collect(),
        id: Some(Identifier::root("1.2.250.1.999.1.1.1234")),
        set_id: Some(Identifier::root("1.2.250.1.999.1.2.1234")),
        version: Some("1".into()),
        code: Some(Code::new("11488-4", "2.16.840.1.113883.6.1", "CR ou fiche de consultation ou de visite")),
        title: Some("Compte rendu de consultation".into()),
        effective_time: at.clone(),
        confidentiality: Some(Code::new("N", "2.16.840.1.113883.5.25", "Normal")),
        language: Some("fr-FR".into()),
        patient: patient(),
        authors: vec![author],
        custodian: Some(practice.clone()),
        legal_authenticator: Some(Authenticator {
            time: at.clone(),
            id: Some(doctor.clone()),
            specialty: Some(specialty),
            person: Some(person),
            organization: Some(practice),
        }),
        service_event: Some(ServiceEvent {
            code: Some(act.clone()),
            low: at,
            high: Time::parse("20261122103000+0100"),
            practice_setting: Some(Code::new("AMBULATOIRE", "1.2.250.1.213.1.1.4.9", "Ambulatoire")),
            performer: Some(doctor),
        }),
        event_codes: vec![act],
        facility: Some(Code::new("SA07", "1.2.250.1.71.4.2.4", "Cabinet individuel")),
        orders: vec![Identifier::new("1.2.250.1.213.1.1.9", "2014123456789")],
        replaces: Some(Identifier::new("1.2.250.1.999.1.1", "1233")),
        ..Header::default()
    }
}

pub(crate) fn patient() -> Patient {
    Patient {
        ids: vec![Identifier::new("1.2.250.1.213.1.4.10", "279035121518989")],
        birth_family: Some("PAT-TROIS".into()),
        birth_given: Some("DOMINIQUE".into()),
        given_names: Some("DOMINIQUE MARIE-LOUISE".into()),
        used_family: Some("PAT-TROIS".into()),
        used_given: Some("DOMINIQUE".into()),
        gender: Some(Code::new("F", "2.16.840.1.113883.5.1", "Féminin")),
        birth_time: Time::parse("19790328"),
        birth_place: Some("51215".into()),
        birth_city: Some("DOMPREMY".into()),
    }
}

//! The demonstration data against contract §5.

use std::collections::BTreeSet;
use std::path::Path;

use espace::ids::InsDomain;
use espace::model::caller::CallerClass;
use espace::model::directory::RelationKind;
use espace::rules::gate::allowed_scopes;
use espace::rules::status::is_possible;

use super::callers::{demo, now};

/// Name, INS, space, record.
const CONTRACT: [(&str, &str, &str, &str); 15] = [
    ("dominique", "279035121518989", "activated", "attached"),
    ("cree-mail", "153067505600148", "auto-created", "attached"),
    ("cree-papier", "239124410900226", "auto-created", "attached"),
    ("oppose", "180036311300305", "opposed", "none"),
    ("oppose-dmp", "168097211300457", "opposed", "former-open"),
    ("informe", "295086912300401", "informed", "none"),
    ("ancien-dmp", "266085935000918", "informed", "former-open"),
    ("non-informe", "101039935000560", "uninformed", "none"),
    ("suspendu", "172115935000223", "suspended", "attached"),
    ("ferme", "249033306300695", "closed", "closed"),
    ("mineur", "212057511500721", "auto-created", "attached"),
    ("decede", "130013155500813", "deceased-closed", "closed"),
    ("aidant", "185071305501193", "activated", "attached"),
    ("temporaire", "", "activated", "attached"),
    ("corse", "", "activated", "attached"),
];

#[test]
fn personas_are_those_of_the_contract() {
    let demo = demo();
    assert_eq!(demo.personas.len(), CONTRACT.len());
    for (name, ins, space, record) in CONTRACT {
        let persona = demo.persona(name).unwrap();
        assert_eq!((persona.space.name(), persona.record.name()), (space, record), "{name}");
        assert!(is_possible(persona.space, persona.record), "{name}");
        assert!(ins.is_empty() || persona.ins.value() == ins, "{name}");
    }
}

#[test]
fn every_ins_is_valid_and_agrees_with_the_traits() {
    for persona in demo().personas {
        let (name, ins) = (&persona.name, &persona.ins);
        assert!(ins.key_is_valid(), "{name}");
        let domain = if name == "temporaire" { InsDomain::Nia } else { InsDomain::Test };
        assert_eq!(ins.domain(), domain, "{name}");
        let birth = persona.traits.birth_on.unwrap();
        assert_eq!(ins.value().get(1..5).unwrap(), format!("{:02}{:02}", birth.year() % 100, birth.month()), "{name}");
        assert_eq!(ins.value().get(5..10).unwrap(), persona.traits.birth_place, "{name}");
        let gender = if matches!(ins.value().as_bytes()[0], b'1' | b'7') { "male" } else { "female" };
        assert_eq!(persona.traits.gender, gender, "{name}");
        assert!(persona.traits.all_given.starts_with(&persona.traits.given), "{name}");
        assert!(birth < now().to_zoned(jiff::tz::TimeZone::UTC).date(), "{name}");
    }
}

#[test]
fn keys_and_names_are_unique() {
    let demo = demo();
    let keys: BTreeSet<_> = demo.personas.iter().map(|persona| persona.key).collect();
    let ins: BTreeSet<_> = demo.personas.iter().map(|persona| persona.ins.value().to_owned()).collect();
    assert_eq!((keys.len(), ins.len()), (demo.personas.len(), demo.personas.len()));
    let ids: BTreeSet<_> = demo.professionals.iter().map(|known| known.exercise.professional.id.clone()).collect();
    assert_eq!(ids.len(), 9);
    let situations: BTreeSet<_> = demo.professionals.iter().map(|known| known.exercise.situation.clone()).collect();
    assert_eq!(situations.len(), demo.professionals.len());
}

#[test]
fn dominique_is_the_patient_of_the_published_samples() {
    let demo = demo();
    let dominique = demo.persona("dominique").unwrap();
    assert_eq!(dominique.traits.family, "PAT-TROIS");
    assert_eq!(dominique.traits.all_given, "DOMINIQUE MARIE-LOUISE");
    assert_eq!(dominique.traits.birth_place, "51215");
    assert!(dominique.contact.activation_email.is_some());
    assert_ne!(dominique.contact.activation_email, dominique.contact.assurance_maladie_email);
    assert_eq!(demo.persona("mineur").unwrap().represented_by.as_deref(), Some("dominique"));
    assert_eq!(demo.persona("aidant").unwrap().carer_of.as_deref(), Some("dominique"));
}

#[test]
fn contacts_are_what_each_state_supposes() {
    let demo = demo();
    let contact = |name: &str| demo.persona(name).unwrap().contact.clone();
    assert!(contact("cree-mail").assurance_maladie_email.is_some());
    assert_eq!(contact("cree-papier").assurance_maladie_email, None);
    assert!(contact("cree-papier").postal_address.is_some());
    assert_eq!(contact("non-informe"), espace::model::profile::Contact::default());
}

#[test]
fn dates_are_relative_to_the_first_start_in_civil_days_of_paris() {
    let demo = demo();
    let late = "2026-11-22T23:30:00Z".parse().unwrap();
    let informed = |at| demo.persona("informe").unwrap().profile(at).informed_on.unwrap().to_string();
    assert_eq!(informed(now()), "2026-11-12");
    assert_eq!(informed(late), "2026-11-13", "it is already the next day in Paris");
    let closure = demo.persona("ferme").unwrap().profile(now()).closure.unwrap();
    assert_eq!((closure.on.to_string().as_str(), closure.motive.as_str()), ("2026-09-23", "patient-demande"));
    assert!(closure.reason.is_some());
}

#[test]
fn professionals_work_where_the_contract_says() {
    let demo = demo();
    let place = |name: &str| demo.professional(name).unwrap().structure.clone();
    assert_eq!(place("dr-martin"), "cabinet");
    for name in ["dr-petit", "dr-externe", "inf-leroy", "dent-moreau", "pharm-garcia", "reg-roux"] {
        assert_eq!(place(name), "hopital", "{name}");
    }
    assert_eq!((place("bio-laurent").as_str(), place("as-durand").as_str()), ("labo", "esms"));
    let id = |name: &str| demo.professional(name).unwrap().exercise.professional.id.to_string();
    assert_eq!((id("dr-martin").as_str(), id("bio-laurent").as_str()), ("801234567897", "801234534765"));
    let regulating = demo.professionals.iter().filter(|known| known.exercise.professional.may_regulate);
    assert_eq!(regulating.map(|known| known.name.as_str()).collect::<Vec<_>>(), ["reg-roux"]);
}

#[test]
fn ties_are_those_of_the_contract() {
    let demo = demo();
    let seed = demo.seed(now());
    let in_force = |patient: &str, professional: &str| {
        let key = demo.persona(patient).unwrap().key;
        let id = &demo.professional(professional).unwrap().exercise.professional.id;
        let mine = seed.relations.iter().filter(|relation| relation.patient == key && relation.professional == *id);
        mine.filter(|relation| relation.is_in_force(now())).map(|relation| relation.kind).collect::<Vec<_>>()
    };
    for patient in ["cree-mail", "cree-papier", "ancien-dmp", "mineur"] {
        assert_eq!(in_force(patient, "dr-martin"), [RelationKind::TreatingPhysician], "{patient}");
    }
    assert_eq!(in_force("dominique", "dr-martin"), [RelationKind::TreatingPhysician, RelationKind::CareTeam]);
    assert_eq!(in_force("dominique", "dr-petit"), [RelationKind::CareTeam]);
    assert_eq!(in_force("dominique", "inf-leroy"), [RelationKind::CareTeam]);
    assert_eq!(in_force("dominique", "dent-moreau"), [RelationKind::Authorisation]);
    for name in ["pharm-garcia", "dr-externe", "as-durand", "reg-roux", "bio-laurent"] {
        assert_eq!(in_force("dominique", name), [], "{name}");
    }
    assert_eq!(seed.relations.len(), 10);
}

#[test]
fn every_certificate_of_a_client_is_enrolled_with_the_scopes_the_gate_opens() {
    let demo = demo();
    let names: Vec<&str> = demo.clients.iter().map(|client| client.certificate.as_str()).collect();
    let expected = ["cabinet", "hopital", "labo", "esms", "webps", "portail", "assurance-maladie", "catalogue-app"];
    assert_eq!(names, expected);
    let cabinet = &demo.clients[0].software;
    for class in [CallerClass::ProfessionalDirect, CallerClass::ProfessionalIndirect, CallerClass::Structure] {
        for scope in allowed_scopes(class, &cabinet.profiles) {
            assert!(cabinet.scopes.contains(&scope), "{scope}");
        }
    }
    assert_eq!(demo.clients[5].software.profiles, ["portail"]);
    assert!(
        demo.clients[5].software.scopes.iter().all(|scope| scope.starts_with("patient/") || scope.starts_with("ITI-"))
    );
}

#[test]
#[expect(clippy::disallowed_macros, reason = "a skipped check is said aloud")]
fn structures_carry_the_units_of_the_certificates() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("certs/pki.toml");
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("SKIPPED: certs/pki.toml is not here");
        return;
    };
    let pki: toml::Value = text.parse::<toml::Table>().unwrap().into();
    for client in pki["client"].as_array().unwrap() {
        let name = client["name"].as_str().unwrap();
        if let Some(known) = demo().structure(name) {
            assert_eq!(client["unit"].as_str(), Some(known.structure.id.as_str()), "{name}");
        }
    }
}

//! Views: what the rules read in a fiche, a list, a bundle.

use espace::fhir::view::{ActorKind, Bundle, DocumentReference, List, ListKind, Patient, Subject};
use serde_json::json;

use super::fiche::{fiche, submission_set};
use crate::support::shared::sample;

#[test]
fn a_fiche_tells_its_authors_by_their_national_ids() {
    let resource = fiche();
    let view = DocumentReference::new(&resource).unwrap();
    let authors = view.authors();
    assert_eq!((authors.len(), authors[0].kind, authors[0].is_contained), (1, ActorKind::Professional, true));
    assert_eq!(authors[0].persons[0].as_str(), "801234567897");
    assert_eq!(authors[0].structures[0].as_str(), "401234567897001");
    assert_eq!(view.authenticator().unwrap().persons, authors[0].persons);
    let custodian = view.custodian().unwrap();
    assert_eq!((custodian.kind, custodian.structures[0].as_str()), (ActorKind::Organization, "1750803447"));
}

#[test]
fn a_fiche_tells_its_metadata() {
    let resource = fiche();
    let view = DocumentReference::new(&resource).unwrap();
    assert_eq!(view.master_identifier().unwrap().value, "urn:oid:1.2.250.1.999.1");
    assert_eq!(view.identifiers().len(), 1);
    assert_eq!((view.status(), view.types()[0].code, view.categories()[0].code), (Some("current"), "11488-4", "10"));
    assert_eq!(view.subject(), Some(Subject::Id("0000000000042")));
    assert_eq!(view.security_labels()[0].code, "N");
    let attachment = view.attachment().unwrap();
    assert_eq!((attachment.content_type(), attachment.size()), (Some("text/xml"), Some(80)));
    assert_eq!((attachment.hash(), attachment.data()), (Some("A/hMRrv6Y15BjSM8kMLidrz+mHc="), None));
    assert_eq!((attachment.title(), attachment.language()), (Some("Compte rendu"), Some("fr-FR")));
    assert_eq!(attachment.creation(), Some("2026-06-11T23:30:00+02:00"));
    assert!(attachment.url().unwrap().starts_with("Binary/"));
    assert_eq!(view.format().unwrap().code, "urn:ihe:pcc:xds-ms:2007");
    assert_eq!(view.period(), (Some("2026-06-10T08:00:00+02:00"), None));
    assert_eq!((view.events()[0].code, view.facility_types()[0].code), ("DEQP003", "SA07"));
    assert_eq!((view.practice_settings()[0].code, view.is_archived()), ("AMBULATOIRE", Some(false)));
    assert_eq!(view.source_patient_ins()[0].value(), "279035121518989");
    assert_eq!(view.relations()[0].code, "replaces");
}

#[test]
fn a_list_tells_its_kind_and_its_source() {
    let resource = submission_set();
    let view = List::new(&resource).unwrap();
    assert_eq!(view.kind(), Some(ListKind::SubmissionSet));
    assert_eq!(view.source().unwrap().persons[0].as_str(), "801234567897");
    assert_eq!(view.author_organization().unwrap().structures[0].as_str(), "318751275100020");
    assert_eq!((view.designation_types()[0].code, view.source_id().unwrap().value.as_str()), ("04", "urn:oid:1.2.3.4"));
    assert_eq!((view.entries(), view.intended_recipients().len()), (vec!["DocumentReference/d1"], 1));
    let Some(Subject::Identifier(identifier)) = view.subject() else { panic!("an identifier") };
    assert_eq!(
        (identifier.system.as_str(), identifier.value.as_str()),
        ("urn:oid:1.2.250.1.213.1.4.10", "279035121518989")
    );
    assert!(!format!("{:?}", view.subject()).contains("279035"));
}

#[test]
fn every_form_of_a_subject_is_told_apart() {
    let subject = |reference: serde_json::Value| {
        json!({ "resourceType": "DocumentReference", "subject": reference,
                "contained": [{ "resourceType": "Patient", "id": "p", "identifier": [
                    { "system": "urn:oid:1.9", "value": "ipp" },
                    { "system": "urn:oid:1.2.250.1.213.1.4.10", "value": "279035121518989" }] }] })
    };
    let of = |reference| format!("{:?}", DocumentReference::new(&subject(reference)).unwrap().subject());
    assert_eq!(of(json!({ "reference": "Patient/a/_history/2" })), "Some(Id(***))");
    assert_eq!(of(json!({ "reference": "https://h/fhir/Patient/a" })), "Some(Id(***))");
    assert_eq!(of(json!({ "reference": "urn:uuid:0" })), "Some(Urn(***))");
    assert_eq!(of(json!({ "identifier": { "system": "s", "value": "v" } })), "Some(Identifier(***))");
    assert_eq!(of(json!({ "reference": "Device/d" })), "Some(Other(***))");
    assert_eq!(of(json!({})), "None");
    let contained = subject(json!({ "reference": "#p" }));
    let Some(Subject::Identifier(ins)) = DocumentReference::new(&contained).unwrap().subject() else {
        panic!("contained")
    };
    assert_eq!(ins.value, "279035121518989");
}

#[test]
fn circular_references_end() {
    let resource = json!({ "resourceType": "DocumentReference", "author": [{ "reference": "#a" }, { "reference": "Practitioner/x" }],
        "contained": [{ "resourceType": "PractitionerRole", "id": "a", "practitioner": { "reference": "#a" },
                        "organization": { "reference": "#a" } }] });
    let authors = DocumentReference::new(&resource).unwrap().authors();
    assert!(authors[0].persons.is_empty() && authors[0].is_contained);
    assert_eq!((authors[1].kind, authors[1].references[0]), (ActorKind::Professional, "Practitioner/x"));
}

#[test]
fn a_view_is_of_its_own_type_only() {
    let resource = fiche();
    assert!(List::new(&resource).is_none() && Bundle::new(&resource).is_none() && Patient::new(&resource).is_none());
}

#[test]
fn the_published_bundle_of_pdsm_reads_through_its_views() {
    let Some(bytes) = sample("samples/pdsm/Bundle-example-td2-iti65-lot-soumission.json") else { return };
    let resource = serde_json::from_slice(&bytes).unwrap();
    let bundle = Bundle::new(&resource).unwrap();
    assert_eq!((bundle.kind(), bundle.profiles().len()), (Some("transaction"), 1));
    let methods: Vec<_> = bundle.entries().map(|entry| (entry.method(), entry.url(), entry.resource_type())).collect();
    assert_eq!(methods[1], (Some("POST"), Some("DocumentReference"), Some("DocumentReference")));
    let list = List::new(bundle.entries().next().unwrap().resource().unwrap()).unwrap();
    let fiche = bundle.entry(list.entries()[0]).unwrap();
    let fiche = DocumentReference::new(fiche.resource().unwrap()).unwrap();
    assert_eq!(fiche.authors()[0].persons[0].as_str(), "899700218896");
}

//! The patient clause: one form whatever the client wrote (MHD §1.4, §1.5; pains 2).

use espace::error::Code;
use espace::fhir::search::{PatientClause, Search};

use super::read;

fn search(query: &str) -> Search {
    read("DocumentReference", query, true).unwrap_or_else(|issues| panic!("{query}: {issues:?}"))
}

#[test]
fn every_form_of_an_id_is_one_clause_and_no_term() {
    for query in [
        "patient=0000000000042",
        "patient=Patient/0000000000042",
        "patient:Patient=0000000000042",
        "patient=https://localhost:8443/fhir/Patient/0000000000042",
        "patient=https://other.example.org/r4/Patient/0000000000042",
        "subject=0000000000042",
        "subject=Patient/0000000000042",
        "subject:Patient=0000000000042",
        "patient=0000000000042&subject=Patient/0000000000042",
    ] {
        let search = search(query);
        assert_eq!(search.patient, Some(PatientClause::Id("0000000000042".to_owned())), "{query}");
        assert!(search.terms.is_empty() && search.applied.is_empty(), "{query}");
    }
}

#[test]
fn every_form_of_an_identifier_is_one_clause() {
    let expected = PatientClause::Identifier {
        system: "urn:oid:1.2.250.1.213.1.4.10".to_owned(),
        value: "279035121518989".to_owned(),
    };
    for name in ["patient.identifier", "patient:identifier", "subject.identifier", "subject:Patient.identifier"] {
        let search = search(&format!("{name}=urn:oid:1.2.250.1.213.1.4.10|279035121518989"));
        assert_eq!(search.patient, Some(expected.clone()), "{name}");
        assert!(!format!("{search:?}").contains("279035"));
    }
    let patient = read("Patient", "identifier=urn:oid:1.2.250.1.213.1.4.10|279035121518989", true).unwrap();
    assert_eq!(patient.patient, Some(expected));
    assert!(patient.has("identifier"));
}

#[test]
fn names_given_are_told_to_the_caller() {
    let search = search("patient.identifier=urn:oid:1|2&status=current");
    assert!(search.has("patient.identifier") && search.has("status") && !search.has("patient"));
}

#[test]
fn a_patient_in_another_form_is_refused() {
    for query in [
        "patient=",
        "patient=Patient/a,Patient/b",
        "patient=Patient/a&patient=Patient/b",
        "patient=Practitioner/a",
        "patient=279 035",
        "patient:missing=true",
        "patient.name=x",
        "patient.identifier=279035121518989",
        "patient.identifier=urn:oid:1|",
        "patient.identifier=urn:oid:1|2,urn:oid:1|3",
        "patient:Device=a",
    ] {
        let issues = read("DocumentReference", query, false).expect_err(query);
        assert_eq!(issues[0].code, Code::UnsupportedParameter, "{query}");
        assert!(!format!("{issues:?}").contains("279"), "{query}");
    }
}

#[test]
fn a_subject_that_is_no_patient_is_a_condition_like_others() {
    let search = search("subject=Device/d");
    assert_eq!((search.patient, search.terms.len()), (None, 1));
}

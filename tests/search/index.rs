//! Index rows of resources (spec/fhir-r4.md §3; pains 1).

use espace::fhir::search::{Kind, all, by_number, find, index, of, stored_targets, targets};
use serde_json::json;

use super::fiche::{fiche, submission_set};
use super::{NAMING, is_found, read};
use crate::support::shared::sample;

fn shown(resource: &serde_json::Value) -> String {
    let line = |entry: espace::fhir::search::IndexEntry| {
        let code = by_number(entry.parameter).unwrap().code;
        if entry.low == 0 && entry.high == 0 {
            format!("{code} {}", entry.value)
        } else {
            format!("{code} {}..{}", entry.low, entry.high)
        }
    };
    index(resource, &NAMING).into_iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_rows_of_a_fiche_are_these() {
    insta::assert_snapshot!(shown(&fiche()));
}

#[test]
fn rows_are_sorted_and_stand_once() {
    let entries = index(&fiche(), &NAMING);
    assert!(entries.is_sorted() && entries.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn the_record_is_not_repeated_in_rows_of_patient() {
    let patient = find("DocumentReference", "patient").unwrap().number;
    assert!(index(&fiche(), &NAMING).iter().all(|entry| entry.parameter != patient));
}

#[test]
fn a_long_value_is_found_by_its_whole_and_not_by_its_beginning() {
    let long = "x".repeat(300);
    let resource = json!({ "resourceType": "List", "identifier": [{ "system": "urn:s", "value": long }] });
    let entries = index(&resource, &NAMING);
    assert!(entries.iter().all(|entry| entry.value.len() <= 255));
    assert!(is_found(&entries, &read("List", &format!("identifier=urn:s|{long}"), true).unwrap()));
    assert!(!is_found(&entries, &read("List", &format!("identifier=urn:s|{long}y"), true).unwrap()));
}

#[test]
fn choices_casts_and_questions_of_other_types_are_walked() {
    for (resource, query) in [
        (
            json!({ "resourceType": "Observation", "valueCodeableConcept": { "coding": [{ "code": "a" }] } }),
            "value-concept=a",
        ),
        (json!({ "resourceType": "Observation", "valueString": "Été" }), "value-string=ete"),
        (json!({ "resourceType": "Observation", "effectiveInstant": "2026-06-12T10:00:00Z" }), "date=2026-06-12"),
        (
            json!({ "resourceType": "Observation", "valueQuantity": { "value": 5.40, "unit": "mg" } }),
            "value-quantity=5.4",
        ),
        (json!({ "resourceType": "Observation", "valueQuantity": { "value": 120 } }), "value-quantity=gt119.9"),
        (json!({ "resourceType": "Patient", "deceasedDateTime": "2026-01-01" }), "deceased=true"),
        (json!({ "resourceType": "Patient", "deceasedBoolean": false }), "deceased=false"),
        (json!({ "resourceType": "Patient" }), "deceased=false"),
        (json!({ "resourceType": "Patient", "active": true }), "active=true"),
        (json!({ "resourceType": "Patient", "telecom": [{ "system": "phone", "value": "01" }] }), "phone=01"),
        (
            json!({ "resourceType": "Patient", "name": [{ "family": "Pat-Trois", "given": ["Dominique"] }] }),
            "name=pat t",
        ),
        (json!({ "resourceType": "Patient", "address": [{ "city": "Niort" }] }), "address=NIORT"),
        (
            json!({ "resourceType": "Bundle", "entry": [{ "resource": { "resourceType": "Composition", "id": "c" } }] }),
            "composition=Composition/c",
        ),
        (
            json!({ "resourceType": "RiskAssessment", "prediction": [{ "probabilityDecimal": 0.25 }] }),
            "probability=0.25",
        ),
        (
            json!({ "resourceType": "AuditEvent", "agent": [{ "who": { "identifier": { "system": "urn:s", "value": "v" } } }] }),
            "agent.identifier=urn:s|v",
        ),
        (
            json!({ "resourceType": "Appointment", "participant": [{ "actor": { "reference": "Practitioner/p" } }] }),
            "practitioner=p",
        ),
        (json!({ "resourceType": "Goal", "startDate": "2026-06-12" }), "start-date=2026-06-12"),
        (
            json!({ "resourceType": "Library", "relatedArtifact": [{ "type": "depends-on", "resource": "http://a|1" }] }),
            "depends-on=http://a",
        ),
        (
            json!({ "resourceType": "Observation", "code": { "coding": [{ "code": "c" }] },
                 "valueCodeableConcept": { "coding": [{ "code": "v" }] } }),
            "code-value-concept=c$v",
        ),
        (json!({ "resourceType": "Practitioner", "identifier": [{ "value": "no-system" }] }), "identifier=|no-system"),
    ] {
        let kind = resource["resourceType"].as_str().unwrap();
        let search = read(kind, query, true).unwrap_or_else(|issues| panic!("{kind}?{query}: {issues:?}"));
        assert!(is_found(&index(&resource, &NAMING), &search), "{kind}?{query}");
    }
}

#[test]
fn a_role_of_another_type_is_not_found_under_a_narrowed_parameter() {
    let resource =
        json!({ "resourceType": "Appointment", "participant": [{ "actor": { "reference": "Location/l" } }] });
    let practitioner = find("Appointment", "practitioner").unwrap().number;
    assert!(index(&resource, &NAMING).iter().all(|entry| entry.parameter != practitioner));
}

#[test]
fn the_targets_of_an_include_are_references_alone() {
    let parameter = |code| find("DocumentReference", code).unwrap();
    assert_eq!(targets(&fiche(), parameter("subject"), &NAMING), ["Patient/0000000000042"]);
    assert_eq!(targets(&fiche(), parameter("patient"), &NAMING), ["Patient/0000000000042"]);
    assert!(targets(&fiche(), parameter("author"), &NAMING).is_empty());
}

#[test]
fn what_is_stored_points_to_the_same_as_what_is_read_whole() {
    let mut observation = json!({ "resourceType": "Observation", "subject": { "reference": "Patient/p" },
        "performer": [{ "reference": "Practitioner/a" }], "device": { "reference": "Device/d" } });
    observation["extension"] = json!([{ "url": "u", "valueReference": { "reference": "Group/g" } }]);
    let mut seen = 0;
    for resource in [fiche(), submission_set(), observation] {
        let body = resource.to_string().into_bytes();
        let kind = resource["resourceType"].as_str().unwrap();
        for parameter in of(kind).iter().filter(|parameter| parameter.kind == Kind::Reference) {
            let whole = targets(&resource, parameter, &NAMING);
            assert_eq!(stored_targets(&body, &[parameter], &NAMING), whole, "{kind}:{}", parameter.code);
            seen += whole.len();
        }
    }
    assert!(seen > 8, "{seen}");
}

#[test]
fn anything_else_than_a_resource_has_no_rows_and_no_panic() {
    for value in [
        json!(null),
        json!([]),
        json!("x"),
        json!({}),
        json!({ "resourceType": "Nothing" }),
        json!({ "resourceType": 3 }),
    ] {
        assert!(index(&value, &NAMING).is_empty(), "{value}");
    }
    for parameter in all() {
        let name = parameter.resource;
        index(&json!({ "resourceType": name, "meta": 1, "identifier": { "value": {} }, "contained": "x" }), &NAMING);
    }
}

#[test]
fn every_published_sample_is_found_by_its_identifier() {
    let mut found = 0;
    for name in [
        "mhd/Bundle-ex-comprehensiveProvideDocumentBundleSimple.json",
        "pdsm/Bundle-example-td2-iti65-lot-soumission.json",
    ] {
        let Some(bytes) = sample(&format!("samples/{name}")) else { return };
        let bundle: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        for entry in bundle["entry"].as_array().unwrap() {
            let resource = &entry["resource"];
            let Some(value) = resource["masterIdentifier"]["value"].as_str() else { continue };
            let search = read("DocumentReference", &format!("identifier={value}&status=current"), true).unwrap();
            assert!(is_found(&index(resource, &NAMING), &search), "{name} {value}");
            found += 1;
        }
    }
    assert!(found >= 2);
}

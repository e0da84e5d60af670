//! What PDSm says in words is held to, under the key the guide gives it (document-sharing T3).

use std::collections::BTreeSet;

use espace::fhir::definition::profile::{Constraint, Profile};
use espace::fhir::validate::{self, Mode};
use serde_json::{Value, json};

use super::profiles::{CI_SIS, LENIENT, STRICT, lot, seeded};

/// Every key of the guide's own profiles.
const KEYS: [&str; 12] = [
    "constr-bind-ProducteurDoc",
    "constr-bind-ProducteurDoc-simplified",
    "constr-bind-attachmenturl",
    "constr-bind-category",
    "constr-bind-context-event",
    "constr-bind-designationtype",
    "constr-bind-format",
    "constr-bind-relatesTo",
    "constr-bind-relatesToTarget",
    "constr-bind-securityLabel",
    "constr-bind-type",
    "constr-cdr-rempl",
];

fn every_rule() -> impl Iterator<Item = espace::fhir::definition::profile::Rule> {
    Profile::all()
        .flat_map(|url| [1, 2].into_iter().filter_map(|pack| Profile::find(url, pack)))
        .flat_map(Profile::rules)
}

#[test]
fn t3_every_invariant_that_pdsm_only_words_is_a_rule_under_its_key() {
    let rules: BTreeSet<&str> = every_rule().map(|rule| rule.rule).collect();
    for key in KEYS {
        assert!(rules.contains(key), "{key}");
    }
    let named: BTreeSet<&str> = validate::worded().collect();
    let used: BTreeSet<&str> = every_rule()
        .filter_map(|rule| match rule.constraint {
            Constraint::Invariant(name) => Some(name),
            _ => None,
        })
        .collect();
    assert_eq!(used, named, "a rule names a function that is not there, or a function no rule names");
}

/// The rules a lot breaks: errors, then warnings.
fn broken(resource: &Value, mode: Mode) -> [Vec<String>; 2] {
    let profile = resource.pointer("/meta/profile/0").unwrap().as_str().unwrap();
    let issues = validate::profile(resource, profile, &mode);
    [false, true].map(|warnings| {
        let told = issues.iter().filter(|issue| issue.is_warning == warnings);
        told.map(|issue| issue.rule.clone().unwrap().into_owned()).collect()
    })
}

#[test]
fn each_worded_invariant_refuses_in_strict_and_warns_elsewhere() {
    let coded = |system: &str, code: &str| json!({"coding": [{"system": system, "code": code}]});
    let replaces = |id: &str| json!({"code": "replaces", "target": {"reference": format!("DocumentReference/{id}")}});
    let document = "/entry/1/resource";
    let related = json!([{"identifier": {"value": "1", "type": coded("urn:ietf:rfc:3986", "urn:x")}}]);
    let of_practice = "urn:oid:1.2.250.1.213.1.1.4.9";
    for (pointer, value, key) in [
        (format!("{document}/relatesTo"), json!(null), "constr-cdr-rempl"),
        (format!("{document}/relatesTo"), json!([replaces("x"), replaces("y")]), "constr-bind-relatesTo"),
        (
            format!("{document}/content/0/attachment/url"),
            json!("https://example.org/a.pdf"),
            "constr-bind-attachmenturl",
        ),
        (format!("{document}/content/0/format"), json!({"system": "urn:x", "code": "y"}), "constr-bind-format"),
        (format!("{document}/context/facilityType"), coded(of_practice, "AMBULATOIRE"), "constr-bind-ProducteurDoc"),
        (format!("{document}/context/related"), related, "PDSm 1.2 context.related"),
        (format!("{document}/securityLabel"), json!([coded("urn:x", "N")]), "constr-bind-securityLabel"),
        (
            "/entry/0/extension/0/valueCodeableConcept".replace("/entry/0", "/entry/0/resource"),
            coded("urn:x", "07"),
            "constr-bind-designationtype",
        ),
        (
            "/entry/0/resource/entry/0/item/reference".to_owned(),
            json!("urn:uuid:1"),
            "PDSm 1.2 submissionset entry.item",
        ),
    ] {
        let key = key.to_owned();
        let lot = seeded(&pointer, value);
        assert!(broken(&lot, STRICT)[0].contains(&key), "{key} {:?}", broken(&lot, STRICT));
        for mode in [CI_SIS, LENIENT] {
            let [errors, warnings] = broken(&lot, mode);
            assert!(!errors.contains(&key) && warnings.contains(&key), "{key} {mode:?} {errors:?} {warnings:?}");
        }
    }
    assert_eq!(broken(&lot(), STRICT)[0], Vec::<String>::new());
}

#[test]
fn an_event_of_another_terminology_and_a_recipient_of_another_type_are_told() {
    let event = json!([{"coding": [{"system": "http://loinc.org", "code": "18719-5"}]}]);
    let lot = seeded("/entry/1/resource/context/event", event);
    assert_eq!(broken(&lot, STRICT), [Vec::new(), vec!["constr-bind-context-event".to_owned()]]);
    assert_eq!(broken(&lot, CI_SIS), [Vec::<String>::new(), Vec::new()]);
    let url = "https://profiles.ihe.net/ITI/MHD/StructureDefinition/ihe-intendedRecipient";
    let recipient = |target: &str| json!({"url": url, "valueReference": {"reference": target}});
    let lot = seeded("/entry/0/resource/extension/-", recipient("Appointment/1"));
    assert_eq!(broken(&lot, STRICT)[0], ["MHD 1.3 intendedRecipient"]);
    let lot = seeded("/entry/0/resource/extension/-", recipient("Practitioner/1"));
    assert_eq!(broken(&lot, STRICT)[0], Vec::<String>::new());
}

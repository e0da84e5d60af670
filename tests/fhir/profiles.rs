//! Profiles: the published samples pass as their mode says, seeded errors do not (document-sharing §1.2, ihe §1.2-1.3).

use espace::fhir::codec::json;
use espace::fhir::validate::{self, Conformance, Mode, Pdsm};
use serde_json::{Value, json};

use crate::support::shared::{sample, shared, skipped};

pub(super) const PDSM: &str = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/";
pub(super) const MHD: &str = "https://profiles.ihe.net/ITI/MHD/StructureDefinition/";

pub(super) const LENIENT: Mode = Mode { mode: Conformance::Lenient, pdsm: Pdsm::V311 };
pub(super) const CI_SIS: Mode = Mode { mode: Conformance::CiSis, pdsm: Pdsm::V311 };
pub(super) const STRICT: Mode = Mode { mode: Conformance::Strict, pdsm: Pdsm::V311 };

/// Errors, then warnings, as `code path`.
pub(super) fn told(resource: &Value, mode: Mode) -> (Vec<String>, Vec<String>) {
    let canonical = resource.pointer("/meta/profile/0").and_then(Value::as_str).expect("a profile");
    assert!(validate::knows(canonical), "{canonical}");
    let mut issues = validate::structural(resource);
    issues.extend(validate::profile(resource, canonical, &mode));
    let (warnings, errors): (Vec<_>, Vec<_>) = issues.iter().partition(|issue| issue.is_warning);
    let show = |issues: Vec<&espace::error::Issue>| {
        let show = |issue: &espace::error::Issue| format!("{} {}", issue.code.row().name, issue.path.as_ref().unwrap());
        issues.into_iter().map(show).collect::<Vec<_>>()
    };
    (show(errors), show(warnings))
}

const SAMPLES: [&str; 6] = [
    "samples/mhd/Bundle-ex-comprehensiveProvideDocumentBundleSimple.json",
    "samples/mhd/Bundle-ex-comprehensiveProvideDocumentBundleReplace.json",
    "samples/mhd/Bundle-ex-minimalProvideDocumentBundleSimple.json",
    "samples/pdsm/Bundle-example-td2-iti65-lot-soumission.json",
    "samples/pdsm/Bundle-example-td2-1-remplacement.json",
    "samples/pdsm/DocumentReference-example-td2-iti105-publication-simplifiee.json",
];

/// What a sample is told in each mode: nothing but warnings in the two that are not strict.
#[test]
fn published_samples_pass_ci_sis_and_lenient_modes_with_warnings_only() {
    for file in SAMPLES {
        let Some(bytes) = sample(file) else { return };
        let resource = json::parse(&bytes).unwrap();
        for mode in [LENIENT, CI_SIS] {
            assert_eq!(told(&resource, mode).0, Vec::<String>::new(), "{file} {mode:?}");
        }
        let (errors, warnings) = told(&resource, STRICT);
        assert_eq!(errors.is_empty(), !file.contains("Bundle-example-td2"), "{file}: {errors:?} {warnings:?}");
    }
}

#[test]
fn every_published_sample_is_sound_of_structure() {
    for folder in ["mhd", "pdsm", "balp", "pcf"] {
        let Some(shared) = shared() else { return skipped("samples") };
        for file in std::fs::read_dir(shared.join("samples").join(folder)).unwrap() {
            let path = file.unwrap().path();
            let resource = json::parse(&std::fs::read(&path).unwrap()).unwrap();
            let errors: Vec<_> =
                validate::structural(&resource).into_iter().filter(|issue| !issue.is_warning).collect();
            assert_eq!(errors, [], "{}", path.display());
        }
    }
}

#[test]
fn t2_the_published_lot_breaks_strict_rules_and_no_lenient_one() {
    let Some(bytes) = sample(SAMPLES[3]) else { return };
    let (errors, warnings) = told(&json::parse(&bytes).unwrap(), STRICT);
    assert_eq!(
        errors,
        [
            "code-invalide Bundle.entry[0].resource.extension[0].valueCodeableConcept",
            "reference Bundle.entry[0].resource.source",
            "code-invalide Bundle.entry[1].resource.category",
            "code-invalide Bundle.entry[1].resource.context.facilityType",
            "reference Bundle.entry[1].resource.author[0]",
        ]
    );
    assert!(warnings.contains(&"element-manquant Bundle.entry[1].resource.custodian".to_owned()));
    assert_eq!(told(&json::parse(&bytes).unwrap(), LENIENT).0, Vec::<String>::new());
}

pub(super) fn lot() -> Value {
    let list_type = "https://profiles.ihe.net/ITI/MHD/CodeSystem/MHDlistTypes";
    let text = |text: &str| json!({"text": text});
    let coded = |system: &str, code: &str| json!({"coding": [{"system": system, "code": code}]});
    let role = json!({"resourceType": "PractitionerRole", "id": "role"});
    let nos = "https://mos.esante.gouv.fr/NOS/";
    json!({
        "resourceType": "Bundle", "meta": {"profile": [format!("{PDSM}pdsm-comprehensive-provide-document-bundle|3.1.1")]},
        "type": "transaction",
        "entry": [
            {"fullUrl": "urn:uuid:1", "request": {"method": "POST", "url": "List"}, "resource": {
                "resourceType": "List", "contained": [role], "status": "current", "mode": "working",
                "extension": [
                    {"url": format!("{MHD}ihe-designationType"),
                     "valueCodeableConcept": coded(&format!("{nos}TRE_R209-TypeActivite/FHIR/TRE-R209-TypeActivite"), "07")},
                    {"url": format!("{MHD}ihe-sourceId"), "valueIdentifier": {"value": "urn:oid:1.2.3"}}],
                "code": coded(list_type, "submissionset"), "subject": {"reference": "Patient/1"},
                "identifier": [{"use": "usual", "system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.9"}],
                "date": "2026-06-12T10:00:00Z", "source": {"reference": "#role"},
                "entry": [{"item": {"reference": "urn:uuid:2"}}]}},
            {"fullUrl": "urn:uuid:2", "request": {"method": "POST", "url": "DocumentReference"}, "resource": {
                "resourceType": "DocumentReference",
                "contained": [role, {"resourceType": "Patient", "id": "p"}, {"resourceType": "Organization", "id": "o", "name": "Cabinet"}],
                "masterIdentifier": {"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.3"}, "status": "current",
                "type": coded("http://loinc.org", "11488-4"),
                "category": [coded("urn:oid:1.2.250.1.213.1.1.4.1", "10")],
                "subject": {"reference": "Patient/1"}, "date": "2026-06-12T10:00:00Z", "author": [{"reference": "#role"}],
                "relatesTo": [{"code": "replaces", "target": {"reference": "DocumentReference/x"}}],
                "authenticator": {"reference": "#role"}, "custodian": {"reference": "#o"},
                "securityLabel": [coded("http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "N")],
                "content": [{
                    "attachment": {"contentType": "text/xml", "language": "fr-FR", "url": "urn:uuid:3", "size": 1,
                        "hash": "A/hMRrv6Y15BjSM8kMLidrz+mHc=", "title": "CR", "creation": "2026-06-12"},
                    "format": {"system": "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode",
                        "code": "urn:ihe:iti:xds-sd:pdf:2008"}}],
                "context": {"period": {"start": "2026-06-12"}, "sourcePatientInfo": {"reference": "#p"},
                    "facilityType": coded("urn:oid:1.2.250.1.71.4.2.4", "SA07"),
                    "practiceSetting": coded("urn:oid:1.2.250.1.213.1.1.4.9", "AMBULATOIRE")}}},
            {"fullUrl": "urn:uuid:3", "request": {"method": "POST", "url": "Binary"},
             "resource": {"resourceType": "Binary", "contentType": "text/xml", "data": "YQ=="}},
            {"fullUrl": "urn:uuid:4", "request": {"method": "PATCH", "url": "DocumentReference/x"}, "resource": {
                "resourceType": "Parameters", "parameter": [{"name": "operation", "part": [
                    {"name": "type", "valueCode": "replace"}, {"name": "path", "valueString": "DocumentReference.status"},
                    {"name": "value", "valueCode": "superseded"}]}]}}
        ],
        "link": [{"relation": "self", "url": text("x")["text"]}]
    })
}

/// The lot with one thing put, or taken away by null.
pub(super) fn seeded(pointer: &str, value: Value) -> Value {
    let mut resource = lot();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match resource.pointer_mut(parent).unwrap_or_else(|| panic!("{parent}")) {
        Value::Array(items) if key == "-" => items.push(value),
        Value::Array(items) if value.is_null() => drop(items.remove(key.parse().unwrap())),
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
        Value::Object(map) if value.is_null() => drop(map.shift_remove(key)),
        Value::Object(map) => drop(map.insert(key.to_owned(), value)),
        _ => panic!("{pointer}"),
    }
    resource
}

#[test]
fn a_sound_lot_passes_strict_mode_under_both_packs() {
    for pdsm in [Pdsm::V311, Pdsm::Main] {
        let (errors, warnings) = told(&lot(), Mode { mode: Conformance::Strict, pdsm });
        assert_eq!((errors, warnings), (Vec::new(), Vec::new()), "{pdsm:?}");
    }
}

#[test]
fn each_breach_of_a_profile_is_found_at_its_place_and_weighs_what_the_table_says() {
    let (list, document) = ("/entry/0/resource", "/entry/1/resource");
    let coded = |system: &str, code: &str| json!({"coding": [{"system": system, "code": code}]});
    let snomed = coded("http://snomed.info/sct", "1");
    for (at, key, value, heavy, strict) in [
        (document, "masterIdentifier", json!(null), true, "element-manquant masterIdentifier"),
        (document, "docStatus", json!("final"), true, "profil docStatus"),
        (document, "status", json!("entered-in-error"), true, "code-invalide status"),
        (document, "authenticator", json!(null), true, "element-manquant authenticator"),
        (document, "authenticator", json!({"reference": "Practitioner/1"}), true, "profil authenticator"),
        (document, "author", json!([{"reference": "PractitionerRole/1"}]), true, "profil author[0]"),
        (document, "securityLabel", json!(null), true, "element-manquant securityLabel"),
        (document, "content/0/attachment/data", json!("YQ=="), true, "profil content[0].attachment.data"),
        (document, "content/0/attachment/hash", json!(null), true, "element-manquant content[0].attachment.hash"),
        (
            document,
            "content/0/attachment/language",
            json!(null),
            true,
            "element-manquant content[0].attachment.language",
        ),
        (document, "content/0/attachment/url", json!("urn:uuid:9"), true, "lot-incomplet content[0].attachment.url"),
        (document, "context/period/start", json!(null), true, "element-manquant context.period.start"),
        (document, "context/facilityType", snomed.clone(), false, "code-invalide context.facilityType"),
        (document, "type", snomed.clone(), true, "code-invalide type"),
        (document, "type", coded("http://loinc.org", "0-0"), false, "code-invalide type"),
        (document, "category", json!([snomed]), true, "code-invalide category[0]"),
        (document, "category", json!([coded("urn:oid:1.2.250.1.213.1.1.4.1", "42")]), false, "code-invalide category"),
        (
            document,
            "identifier",
            json!([{"use": "official", "system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2"}]),
            false,
            "profil identifier[0].value",
        ),
        (list, "extension/1", json!(null), true, "element-manquant extension"),
        (list, "subject", json!(null), true, "element-manquant subject"),
        (list, "source", json!({"reference": "Device/1"}), true, "profil source"),
        (list, "mode", json!("snapshot"), true, "profil mode"),
        (list, "identifier/0/value", json!("urn:uuid:1"), false, "profil identifier[0].value"),
        (list, "entry/0/item/reference", json!("Patient/1"), true, "reference entry[0].item"),
        (list, "encounter", json!({"reference": "Encounter/1"}), true, "profil encounter"),
    ] {
        let resource = seeded(&format!("{at}/{key}"), value.clone());
        let entry = if at == list { "entry[0]" } else { "entry[1]" };
        let (code, path) = strict.split_once(' ').unwrap();
        let expected = format!("{code} Bundle.{entry}.resource.{path}");
        let (errors, _) = told(&resource, STRICT);
        assert!(errors.contains(&expected), "{key} = {value}: {errors:?}");
        let (errors, warnings) = told(&resource, CI_SIS);
        assert_eq!(errors.contains(&expected), heavy, "{key} = {value} in ci-sis: {errors:?}");
        assert!(heavy || warnings.contains(&expected), "{key} = {value} in ci-sis: {warnings:?}");
    }
}

#[test]
fn a_bundle_admits_only_the_entries_of_its_profile() {
    let post = |resource: Value| json!({"fullUrl": "urn:uuid:9", "resource": resource, "request": {"method": "POST", "url": "X"}});
    let patient = json!({"resourceType": "Patient"});
    for (pointer, value, expected) in [
        ("/entry/-", post(json!({"resourceType": "Basic", "code": {"text": "x"}})), "entree-etrangere Bundle.entry[4]"),
        ("/entry/-", lot()["entry"][0].clone(), "entree-etrangere Bundle.entry[4]"),
        ("/entry/0/request/method", json!("PUT"), "entree-etrangere Bundle.entry[0].request.method"),
        ("/entry/1/request", json!(null), "entree-etrangere Bundle.entry[1].request.method"),
        ("/entry/2/request/method", json!("DELETE"), "entree-etrangere Bundle.entry[2].request.method"),
        ("/entry/0", json!(null), "lot-incomplet Bundle.entry"),
        ("/entry/2", json!(null), "lot-incomplet Bundle.entry[1].resource.content[0].attachment.url"),
        (
            "/entry/3/resource/parameter/0/part/2/valueCode",
            json!("current"),
            "profil Bundle.entry[3].resource.parameter",
        ),
        ("/type", json!("batch"), "profil Bundle.type"),
    ] {
        let (errors, _) = told(&seeded(pointer, value.clone()), CI_SIS);
        assert!(errors.contains(&expected.to_owned()), "{pointer} = {value}: {errors:?}");
    }
    for entry in [
        post(patient.clone()),
        json!({"request": {"method": "GET", "url": "Patient?identifier=a|b"}}),
        json!({"resource": patient, "request": {"method": "PUT", "url": "Patient/1"}}),
    ] {
        assert_eq!(told(&seeded("/entry/-", entry.clone()), STRICT).0, Vec::<String>::new(), "{entry}");
    }
}

#[test]
fn a_fhir_document_has_neither_hash_nor_size() {
    let document = json!({"resourceType": "Bundle", "type": "document", "identifier": {"system": "urn:x", "value": "x"},
        "timestamp": "2026-06-12T10:00:00Z", "entry": [{"fullUrl": "urn:uuid:5", "resource": {
            "resourceType": "Composition", "status": "final", "type": {"text": "CR"}, "date": "2026", "title": "CR",
            "author": [{"reference": "Practitioner/1"}]}}]});
    let mut resource = seeded("/entry/2/resource", document);
    assert_eq!(
        told(&resource, CI_SIS).0,
        [
            "profil Bundle.entry[1].resource.content[0].attachment.hash",
            "profil Bundle.entry[1].resource.content[0].attachment.size"
        ]
    );
    let attachment = resource.pointer_mut("/entry/1/resource/content/0/attachment").unwrap().as_object_mut().unwrap();
    attachment.shift_remove("hash");
    attachment.shift_remove("size");
    assert_eq!(told(&resource, CI_SIS).0, Vec::<String>::new());
}

#[test]
fn t1_the_packs_differ_in_custodian_date_and_authenticator() {
    let main = Mode { mode: Conformance::Strict, pdsm: Pdsm::Main };
    let at = |name: &str| format!("Bundle.entry[1].resource.{name}");
    let without = |name: &str| seeded(&format!("/entry/1/resource/{name}"), Value::Null);
    assert_eq!(told(&without("authenticator"), main).0, Vec::<String>::new());
    assert_eq!(told(&without("authenticator"), STRICT).0, [format!("element-manquant {}", at("authenticator"))]);
    for (name, alone) in [("custodian", Some("profil Bundle.entry[1].resource")), ("date", None)] {
        // The organisation that only the custodian pointed to is left contained for nothing: dom-3.
        let alone: Vec<String> = alone.into_iter().map(str::to_owned).collect();
        let missing = vec![format!("element-manquant {}", at(name))];
        assert_eq!(told(&without(name), main).0, [alone.clone(), missing.clone()].concat());
        assert_eq!(told(&without(name), STRICT), (alone, missing));
    }
}

#[test]
fn t5_identifiers_are_told_apart_by_type_or_by_use() {
    let kind = |code: &str| {
        let system = "https://profiles.ihe.net/ITI/MHD/CodeSystem/IHE.MHD.MHDIdentifierType";
        json!({"coding": [{"system": system, "code": code}]})
    };
    let uuid = json!({"type": kind("entryUUID"), "use": "usual", "system": "urn:ietf:rfc:3986", "value": "urn:uuid:1"});
    assert_eq!(told(&seeded("/entry/0/resource/identifier/-", uuid), STRICT).0, Vec::<String>::new());
    let second = json!({"type": kind("uniqueId"), "system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2"});
    assert_eq!(
        told(&seeded("/entry/0/resource/identifier/-", second), STRICT).0,
        ["profil Bundle.entry[0].resource.identifier"]
    );
}

#[test]
fn a_profile_nobody_knows_has_nothing_to_say() {
    assert!(!validate::knows("urn:x") && validate::knows(&format!("{MHD}IHE.MHD.Comprehensive.ProvideBundle|4.2.3")));
    assert!(validate::profile(&lot(), "urn:x", &STRICT).is_empty());
}

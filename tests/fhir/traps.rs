//! The traps of document-sharing §0 where validation handles them, each by its number; T1, T2 and T5 stand in
//! profiles.rs, T3 in wording.rs.

use espace::fhir::terminology;
use espace::fhir::validate::{self, Conformance};
use espace::fhir::view::DocumentReference;
use espace::ids::{NationalId, StructureId, StructureKind};
use serde_json::{Value, json};

use super::profiles::{CI_SIS, LENIENT, PDSM, STRICT, lot, seeded, told};

const DOCUMENT: &str = "/entry/1/resource";

#[test]
fn t4_a_uuid_as_unique_id_of_a_set_refuses_in_strict_and_warns_elsewhere() {
    let lot = seeded("/entry/0/resource/identifier/0/value", json!("urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"));
    let at = "profil Bundle.entry[0].resource.identifier[0].value".to_owned();
    assert_eq!(told(&lot, STRICT).0, std::slice::from_ref(&at));
    for mode in [CI_SIS, LENIENT] {
        let (errors, warnings) = told(&lot, mode);
        assert_eq!((errors, warnings.contains(&at)), (Vec::new(), true), "{mode:?}");
    }
}

#[test]
fn t6_nobody_creates_a_fiche_that_is_deleted_already() {
    let lot = seeded("/entry/1/resource/status", json!("entered-in-error"));
    for mode in [STRICT, CI_SIS, LENIENT] {
        assert_eq!(told(&lot, mode).0, ["code-invalide Bundle.entry[1].resource.status"], "{mode:?}");
    }
}

#[test]
fn t7_the_creation_of_the_attachment_is_asked_for_the_date_of_the_fiche_is_not() {
    let without = |name: &str| told(&seeded(&format!("{DOCUMENT}/{name}"), Value::Null), CI_SIS).0;
    let at = "element-manquant Bundle.entry[1].resource.content[0].attachment.creation";
    assert_eq!(without("content/0/attachment/creation"), [at]);
    assert_eq!(without("date"), Vec::<String>::new());
}

#[test]
fn t8_a_fiche_may_carry_the_entry_uuid_of_each_version() {
    let uuid =
        |last: u8| json!({"use": "official", "system": "urn:ietf:rfc:3986", "value": format!("urn:uuid:{last}")});
    let lot = seeded("/entry/1/resource/identifier", json!([uuid(1), uuid(2)]));
    assert_eq!(told(&lot, STRICT).0, Vec::<String>::new());
}

#[test]
fn t11_the_misspelt_system_of_visibility_is_understood() {
    let misspelt =
        "https://mos.esante.gouv.fr/NOS/TRE_A07-StatusVisibiliteDocument/FHIR/TRE-A07-StatusVisibiliteDocument";
    for code in ["N", "MASQUE_PS", "INVISIBLE_PATIENT"] {
        let label = json!([{"coding": [{"system": misspelt, "code": code}]}]);
        let lot = seeded("/entry/1/resource/securityLabel", label);
        assert_eq!(told(&lot, STRICT), (Vec::new(), Vec::new()), "{code}");
        assert!(terminology::is_member("JDV_J58-ConfidentialityCode-DMP", misspelt, code), "{code}");
    }
    assert!(!terminology::is_member("JDV_J58-ConfidentialityCode-DMP", misspelt, "X"));
}

#[test]
fn t12_three_media_types_of_a_cda_are_accepted() {
    for media in ["text/xml", "application/xml", "application/xslt+xml"] {
        let lot = seeded("/entry/1/resource/content/0/attachment/contentType", json!(media));
        assert_eq!(told(&lot, STRICT).0, Vec::<String>::new(), "{media}");
    }
}

#[test]
fn t13_the_hash_of_nothing_goes_with_size_zero_alone() {
    let mut lot = seeded("/entry/1/resource/content/0/attachment/hash", json!("2jmj7l5rSw0yVb/vlWAYkK/YBwk="));
    for mode in [STRICT, CI_SIS] {
        assert_eq!(told(&lot, mode).0, ["empreinte Bundle.entry[1].resource.content[0].attachment.hash"], "{mode:?}");
    }
    *lot.pointer_mut("/entry/1/resource/content/0/attachment/size").unwrap() = json!(0);
    assert_eq!(told(&lot, STRICT).0, Vec::<String>::new());
}

#[test]
fn t16_a_professional_may_be_told_by_a_structure_and_its_internal_id() {
    for id in ["801234567897", "0123456789", "3750100125/1453", "4123456789/AB12", "601234567897/7"] {
        assert_eq!(id.parse::<NationalId>().map(|id| id.to_string()), Ok(id.to_owned()), "{id}");
    }
    for id in
        ["3750100125", "3750100125/", "/1453", "2750100125/1", "3750100125/14/53", "3750 100125/1", "901234567897"]
    {
        assert!(id.parse::<NationalId>().is_err(), "{id}");
    }
    let author = |value: &str| {
        json!({"resourceType": "DocumentReference", "author": [{"reference": "#a"}], "contained": [
            {"resourceType": "Practitioner", "id": "a",
             "identifier": [{"system": "urn:oid:1.2.250.1.71.4.2.1", "value": value}]}]})
    };
    for (value, read) in [("3750100125/1453", "3750100125/1453"), ("801234567897/12", "801234567897")] {
        let fiche = author(value);
        let persons: Vec<String> = DocumentReference::new(&fiche)
            .unwrap()
            .authors()
            .iter()
            .flat_map(|actor| actor.persons.iter().map(ToString::to_string))
            .collect();
        assert_eq!(persons, [read]);
    }
}

/// The CDA side stands in tests/ihe/cda_rules.rs.
#[test]
fn t17_the_key_of_an_ins_binds_in_production_domains_and_warns_in_those_of_test() {
    let patient = |domain: u8, value: &str| {
        json!({"resourceType": "Patient",
            "identifier": [{"system": format!("urn:oid:1.2.250.1.213.1.4.{domain}"), "value": value}]})
    };
    for (domain, value, mode, expected) in [
        (8, "223042545611404", Conformance::CiSis, Some(false)),
        (9, "223042545611404", Conformance::Strict, Some(false)),
        (8, "not an ins", Conformance::CiSis, Some(false)),
        (8, "223042545611404", Conformance::Lenient, Some(true)),
        (10, "223042545611404", Conformance::Strict, Some(true)),
        (11, "223042545611404", Conformance::Strict, Some(true)),
        (8, "279035121518989", Conformance::Strict, None),
        (2, "223042545611404", Conformance::Strict, None),
    ] {
        let bundle =
            json!({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient(domain, value)}]});
        let issues = validate::identities(&bundle, mode);
        assert_eq!(issues.first().map(|issue| issue.is_warning), expected, "{domain} {value} {mode:?}");
        if let Some(issue) = issues.first() {
            let told = format!("{issue:?}");
            assert!(told.contains("Bundle.entry[0].resource.identifier[0].value") && !told.contains(value), "{told}");
        }
    }
}

#[test]
fn t18_structures_have_the_prefixes_0_to_4_and_no_other() {
    for (id, kind) in [
        ("0123456789", StructureKind::AdeliPractice),
        ("1750803447", StructureKind::Finess),
        ("2123456789", StructureKind::Siren),
        ("312345678901234", StructureKind::Siret),
        ("401234567897001", StructureKind::RppsPractice),
    ] {
        assert_eq!(id.parse::<StructureId>().map(|id| id.kind()), Ok(kind), "{id}");
    }
    for id in ["5123456789", "8123456789", "750803447", "12345678", "31234567890123"] {
        assert!(id.parse::<StructureId>().is_err(), "{id}");
    }
}

#[test]
fn the_lot_of_these_tests_names_the_profile_of_pdsm() {
    assert!(lot()["meta"]["profile"][0].as_str().unwrap().starts_with(PDSM));
}

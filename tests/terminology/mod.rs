//! Code tables: every spelling of a system reaches the same codes (document-sharing §5).

mod library;
mod loading;

use std::collections::BTreeSet;

use espace::fhir::terminology::{
    canonical_system, canonical_system_of, class_of_type, display, is_member, value_set, value_sets,
};

const TYPES: &str = "https://mos.esante.gouv.fr/NOS/JDV_J66-TypeCode-DMP/FHIR/JDV-J66-TypeCode-DMP";
const CONFIDENTIALITY: &str = "JDV_J08-XdsConfidentialityCode-CISIS";
const MISSPELT: &str =
    "https://mos.esante.gouv.fr/NOS/TRE_A07-StatusVisibiliteDocument/FHIR/TRE-A07-StatusVisibiliteDocument";
const VISIBILITY: &str =
    "https://mos.esante.gouv.fr/NOS/TRE_A07-StatutVisibiliteDocument/FHIR/TRE-A07-StatutVisibiliteDocument";

fn rows(file: &str) -> Vec<Vec<String>> {
    let text =
        std::fs::read_to_string(format!("{}/schemas/terminology/{file}.csv", env!("CARGO_MANIFEST_DIR"))).unwrap();
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

#[test]
fn every_code_is_a_member_under_its_oid_and_under_its_url() {
    let spellings: Vec<(String, String)> = rows("codesystem-oid-map")
        .into_iter()
        .filter(|row| !row[1].is_empty())
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    let mut tried = 0;
    for set in value_sets() {
        for coding in set.codings() {
            assert!(set.contains(coding.system, coding.code), "{} {}", set.name, coding.code);
            for (oid, _) in spellings.iter().filter(|(_, url)| url == coding.system) {
                assert!(set.contains(oid, coding.code), "{} {}", set.name, coding.code);
                assert!(set.contains(&format!("urn:oid:{oid}"), coding.code), "{} {}", set.name, coding.code);
                tried += 1;
            }
        }
    }
    assert!(tried > 500, "{tried}");
}

#[test]
fn every_line_of_every_file_is_a_member_as_written() {
    for set in rows("value-sets") {
        let known = value_set(&set[1]).unwrap();
        let lines = rows(&set[0]);
        for row in &lines {
            assert!(known.contains(&row[0], &row[1]), "{} {}", set[1], row[1]);
        }
        let distinct: BTreeSet<_> =
            lines.iter().map(|row| (canonical_system(&row[0]).unwrap(), row[1].clone())).collect();
        assert_eq!(known.codings().count(), distinct.len(), "{}", set[1]);
    }
}

#[test]
fn value_sets_have_the_published_numbers_of_codes() {
    for (name, count) in [
        ("JDV_J06-XdsClassCode-CISIS", 13),
        ("JDV_J57-ClassCode-DMP", 12),
        ("JDV_J07-XdsTypeCode-CISIS", 114),
        ("JDV_J66-TypeCode-DMP", 108),
        ("JDV_J04-XdsPracticeSettingCode-CISIS", 12),
        ("JDV_J08-XdsConfidentialityCode-CISIS", 6),
        ("JDV_J61-HealthcareFacilityTypeCode-DMP", 68),
    ] {
        assert_eq!(value_set(name).unwrap().codings().count(), count, "{name}");
    }
}

#[test]
fn a_value_set_is_found_by_name_url_version_and_oid() {
    for id in [TYPES, "JDV_J66-TypeCode-DMP", "1.2.250.1.213.1.1.5.7", "urn:oid:1.2.250.1.213.1.1.5.7"] {
        assert_eq!(value_set(id).unwrap().name, "JDV_J66-TypeCode-DMP");
    }
    assert!(value_set(&format!("{TYPES}|20240927")).is_some());
    assert!(value_set("").is_none());
    assert!(value_set("JDV_J13").is_none());
    assert!(!is_member("JDV_J13", "http://loinc.org", "11502-2"));
}

#[test]
fn loinc_is_the_same_system_under_each_of_its_names() {
    for system in ["http://loinc.org", "urn:oid:2.16.840.1.113883.6.1", "2.16.840.1.113883.6.1"] {
        assert_eq!(canonical_system(system), Some("http://loinc.org"));
        assert!(is_member(TYPES, system, "11502-2"));
    }
    assert!(!is_member(TYPES, "http://loinc.org", "51851-4"), "not a type of the DMP");
    assert!(is_member("JDV_J07-XdsTypeCode-CISIS", "http://loinc.org", "51851-4"));
    assert_eq!(canonical_system("http://snomed.info/sct"), None);
}

#[test]
fn confidentiality_is_known_in_its_hl7_form_and_under_the_misspelt_system() {
    for system in [
        "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
        "urn:oid:2.16.840.1.113883.5.25",
        "https://mos.esante.gouv.fr/NOS/TRE_A08-HL7Confidentiality/FHIR/TRE-A08-HL7Confidentiality",
        MISSPELT,
    ] {
        assert!(is_member(CONFIDENTIALITY, system, "N"), "{system}");
    }
    assert_eq!(canonical_system(MISSPELT), Some(VISIBILITY));
    assert!(is_member(CONFIDENTIALITY, MISSPELT, "MASQUE_PS"));
    assert_ne!(canonical_system_of(MISSPELT, "N"), canonical_system_of(MISSPELT, "MASQUE_PS"));
    assert!(!is_member(CONFIDENTIALITY, VISIBILITY, "N"), "only the misspelt system is forgiven");
}

#[test]
fn every_type_of_the_dmp_has_a_class_of_the_dmp() {
    for coding in value_set(TYPES).unwrap().codings() {
        let class = class_of_type(coding.system, coding.code).unwrap();
        // The signature's class is a URN; all others are of TRE_A03.
        let system = if coding.code == "E1762" { "URN" } else { "urn:oid:1.2.250.1.213.1.1.4.1" };
        assert!(is_member("JDV_J57-ClassCode-DMP", system, class), "{}", coding.code);
    }
    assert_eq!(class_of_type("urn:oid:2.16.840.1.113883.6.1", "60591-5"), Some("11"));
    assert_eq!(class_of_type("http://loinc.org", "51851-4"), None);
    assert_eq!(class_of_type("urn:oid:1.2.250.1.213.1.1.4.12", "ATTEST-RESID"), Some("95"));
}

#[test]
fn codes_have_their_french_label() {
    assert_eq!(display("http://loinc.org", "11502-2"), Some("CR d'examens biologiques"));
    assert_eq!(display("2.16.840.1.113883.5.25", "N"), Some("Normal"));
    assert_eq!(display("http://loinc.org", "0"), None);
}

#[test]
fn copies_that_lack_codes_say_so() {
    let incomplete: Vec<_> = value_sets().iter().filter(|set| !set.is_complete).map(|set| set.name).collect();
    assert_eq!(incomplete, ["JDV_J10-XdsFormatCode-CISIS", "JDV_J65-SubjectRole-DMP"]);
}

//! Code systems and value sets as one library: every code by every name of its system (pains 17).

use espace::fhir::terminology::{self, Library, Standing, canonical_system, oid_of, value_sets};
use espace::ihe::fhir_system;

#[test]
fn every_french_code_is_found_by_the_url_and_by_the_oid_of_its_system() {
    let library = Library::built_in();
    let mut with_oid = 0;
    for set in value_sets() {
        for coding in set.codings() {
            let (system, concept) = library.concept(coding.system, coding.code).unwrap();
            assert_eq!(
                concept.display("fr"),
                terminology::display(coding.system, coding.code).unwrap(),
                "{}",
                coding.code
            );
            let Some(oid) = oid_of(coding.system) else { continue };
            with_oid += 1;
            for name in [oid.to_owned(), format!("urn:oid:{oid}")] {
                assert_eq!(library.concept(&name, coding.code).unwrap().0.url, system.url, "{name} {}", coding.code);
                assert_eq!(library.set(set.url).unwrap().standing(&name, coding.code), Standing::Current);
            }
        }
    }
    assert!(with_oid > 1000, "{with_oid}");
}

#[test]
fn the_way_from_oid_to_url_and_back_is_one() {
    for oid in ["1.2.250.1.213.1.1.4.1", "1.2.250.1.213.1.1.4.12", "2.16.840.1.113883.6.1", "1.3.6.1.4.1.19376.1.2.3"] {
        assert_eq!(oid_of(canonical_system(oid).unwrap()), Some(oid));
        assert_eq!(oid_of(&fhir_system(oid)), Some(oid));
    }
    assert_eq!(oid_of("http://snomed.info/sct"), None);
}

#[test]
fn the_code_systems_of_r4_are_found_by_oid_and_have_displays_and_versions() {
    let library = Library::built_in();
    let (system, concept) = library.concept("http://hl7.org/fhir/administrative-gender", "female").unwrap();
    assert_eq!((&*system.version, system.is_complete, concept.display("fr")), ("4.0.1", true, "Female"));
    let by_oid = library.system(&format!("urn:oid:{}", system.oid)).unwrap();
    assert_eq!(by_oid.url, system.url);
    let nameless = library.systems().flat_map(|system| system.concepts.values());
    assert_eq!(nameless.filter(|concept| concept.display("en").is_empty()).count(), 0);
    // Every code of a set of R4 is a code of a system that is here.
    for set in library.sets() {
        for member in &set.members {
            assert!(library.concept(&member.system, &member.code).is_some(), "{} {}", set.url, member.code);
        }
    }
}

#[test]
fn confidentiality_under_its_hl7_name_is_a_code_of_the_french_set() {
    let set = Library::built_in().set("JDV_J08-XdsConfidentialityCode-CISIS").unwrap();
    for system in ["http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "2.16.840.1.113883.5.25"] {
        assert_eq!(set.standing(system, "N"), Standing::Current, "{system}");
        assert_eq!(set.standing(system, "nothing"), Standing::Absent, "{system}");
    }
}

//! Subjects as IGC-Santé writes them (mes-rules §9.1) and as RFC 4514 renders them.

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

use espace::access::certificate::DEV_UNIT;
use espace::access::identity::Certificate;

fn certificate(subject: &[(DnType, &str)]) -> Certificate {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = DistinguishedName::new();
    for (kind, value) in subject {
        params.distinguished_name.push(kind.clone(), *value);
    }
    let key = KeyPair::generate().unwrap();
    Certificate::from_der(params.self_signed(&key).unwrap().der()).unwrap()
}

#[test]
fn an_igc_sante_organisation_is_the_structure_of_its_unit() {
    let org = certificate(&[
        (DnType::CountryName, "FR"),
        (DnType::StateOrProvinceName, "Paris (75)"),
        (DnType::OrganizationName, "AGENCE DU NUMERIQUE EN SANTE, \"ANS\""),
        (DnType::OrganizationalUnitName, "318751275100020"),
        (DnType::CommonName, "api.example"),
    ]);
    assert_eq!(
        org.subject,
        "CN=api.example,OU=318751275100020,O=AGENCE DU NUMERIQUE EN SANTE\\, \\\"ANS\\\",ST=Paris (75),C=FR"
    );
    assert_eq!(org.structure.unwrap().as_str(), "318751275100020");
    assert_eq!(org.common_name, "api.example");
}

#[test]
fn a_person_is_no_structure() {
    let person = certificate(&[
        (DnType::CountryName, "FR"),
        (DnType::CustomDnType(vec![2, 5, 4, 12]), "Médecin"),
        (DnType::CommonName, "801234567897"),
    ]);
    assert_eq!(person.structure, None);
    assert_eq!(person.subject, "CN=801234567897,2.5.4.12=#0c084dc3a9646563696e,C=FR");
}

#[test]
fn several_units_name_a_structure_only_if_one_does() {
    // rcgen keeps one value per type: the second unit goes in under its number.
    let second = || DnType::CustomDnType(vec![2, 5, 4, 11]);
    let unit = DnType::OrganizationalUnitName;
    let with_service = certificate(&[(unit.clone(), "1750803447"), (second(), "0002 187512751")]);
    assert_eq!(with_service.structure.unwrap().as_str(), "1750803447");
    assert_eq!(certificate(&[(unit, "1750803447"), (second(), "1120459876")]).structure, None);
}

#[test]
fn only_a_dev_certificate_bears_the_marker() {
    assert!(Certificate::is_dev(&certificate(&[(DnType::OrganizationalUnitName, DEV_UNIT)]).der));
    assert!(!Certificate::is_dev(&certificate(&[(DnType::OrganizationalUnitName, "1750803447")]).der));
}

//! Every search parameter of ITI-66 and ITI-67, and of the table as a whole (pains 15).

use espace::fhir::path::Expression;
use espace::fhir::search::{Kind, all, find, index, of};

use serde_json::json;

use super::fiche::{fiche, submission_set};
use super::{NAMING, is_found, read};

/// Parameter, a value that finds the fiche, one that does not. MHD §1.5 and PDSm §1.3.
const ITI_67: &[(&str, &str, &str)] = &[
    ("author.given", "hel", "marie"),
    ("author.family", "MARTIN LEFEVRE", "durand"),
    ("author.identifier", "urn:oid:1.2.250.1.71.4.2.1|801234567897", "urn:oid:1.2.250.1.71.4.2.1|899700218896"),
    ("author:identifier", "401234567897001", "801234567890"),
    ("author:PractitionerRole.name", "MARTIN", "durand"),
    ("author:PractitionerRole.family", "martin", "hel"),
    ("author:PractitionerRole.practitioner.given", "hel", "martin"),
    ("author:PractitionerRole.name:exact", "Hélène", "Helene"),
    ("author.family:exact", "Martin-Lefèvre", "Martin-Lefevre"),
    ("author.family:exact", "Durand,Martin-Lefèvre", "Martin"),
    ("author.family:contains", "LEFÈVRE", "lefebvre"),
    ("author.family:missing", "false", "true"),
    ("authenticator", "Practitioner/x,PractitionerRole/y", "Practitioner/x"),
    ("category", "urn:oid:1.2.250.1.213.1.1.4.1|10", "urn:oid:1.2.250.1.213.1.1.4.1|11"),
    ("category", "https://mos.esante.gouv.fr/NOS/TRE_A03-ClasseDocument/FHIR/TRE-A03-ClasseDocument|10", "|10"),
    ("creation", "ge2026-06-11", "lt2026-06-11"),
    ("date", "2026-06-12", "gt2026-06-12"),
    ("event", "DEQP003", "DEQP004"),
    ("facility", "urn:oid:1.2.250.1.71.4.2.4|SA07", "urn:oid:1.2.250.1.71.4.2|"),
    ("facility", "urn:oid:1.2.250.1.71.4.2.4|", "SA"),
    ("format", "urn:ihe:pcc:xds-ms:2007", "urn:ihe:iti:xds:2017:mimeTypeSufficient"),
    ("identifier", "urn:ietf:rfc:3986|urn:oid:1.2.250.1.999.1", "urn:oid:1.2.250.1.999.2"),
    ("identifier", "urn:uuid:0195a0c0-0000-7000-8000-000000000001", "|urn:oid:1.2.250.1.999.1"),
    ("isArchived", "false", "true"),
    ("isArchived:not", "true", "false"),
    ("isArchived:missing", "false", "true"),
    ("period", "ge2026-07-01", "le2026-06-09"),
    ("period-start", "2026-06-10", "2026-06-11"),
    ("period-end:missing", "true", "false"),
    ("related.identifier", "urn:oid:1.2.3|ACC-1", "urn:oid:1.2.3|ACC-2"),
    ("relatesTo", "DocumentReference/0000000000042-01g00000000000000000000000", "DocumentReference/other"),
    ("relatesto", "0000000000042-01g00000000000000000000000", "other"),
    ("relation", "replaces", "appends"),
    (
        "relationship",
        "DocumentReference/0000000000042-01g00000000000000000000000$replaces",
        "DocumentReference/x$replaces",
    ),
    ("security-label", "N", "R"),
    ("setting", "AMBULATOIRE", "SAMU"),
    ("status", "current", "superseded"),
    ("status:not", "superseded", "current,superseded"),
    ("type", "http://loinc.org|11488-4", "http://loinc.org|34133-9"),
    ("type", "urn:oid:2.16.840.1.113883.6.1|11488-4,x", "urn:oid:1.2.3|11488-4"),
    ("contenttype", "text/xml", "application/pdf"),
    ("custodian.identifier", "https://finess.esante.gouv.fr|750803447", "750803448"),
    ("description", "compte rendu de", "rendu"),
    ("description:contains", "rendu", "rendus"),
    ("description:exact", "Compte rendu de consultation", "compte rendu de consultation"),
    ("authenticator:identifier", "urn:oid:1.2.250.1.71.4.2.1|801234567897", "801234567890"),
    ("related:identifier", "ACC-1", "urn:oid:1.2.4|ACC-1"),
    (
        "location",
        "https://localhost:8443/fhir/Binary/0000000000042-01h00000000000000000000001",
        "https://localhost:8443/Binary/0",
    ),
    ("language", "fr-FR", "en"),
    ("location", "Binary/0000000000042-01h00000000000000000000001", "Binary/0"),
    ("_tag", "https://example.org/etiquette|essai", "autre"),
    (
        "_profile",
        "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-comprehensive-document-reference",
        "https://x",
    ),
];

const ITI_66: &[(&str, &str, &str)] = &[
    ("code", "submissionset", "folder"),
    ("date", "ge2026-06-12", "lt2026-06-12"),
    ("designationType", "urn:oid:1.2.250.1.213.2.2|04", "urn:oid:1.2.250.1.213.2.2|05"),
    ("identifier", "urn:oid:1.2.250.1.999.2", "urn:oid:1.2.250.1.999.1"),
    ("source.given", "zoe", "paul"),
    ("source.family", "petit", "grand"),
    ("source.identifier", "https://rpps.esante.gouv.fr|01234567897", "01234567890"),
    ("source:Practitioner.name", "petit", "grand"),
    ("source:Practitioner.given", "ZOE", "petit"),
    ("source:Practitioner.family:contains", "eti", "eta"),
    ("authorOrg.name", "cabinet", "hopital"),
    ("authorOrg:identifier", "18751275100020", "https://sirene.fr|1"),
    ("title:contains", "12 juin", "13 juin"),
    ("title:exact", "Envoi du 12 juin", "envoi du 12 juin"),
    ("designationType:not", "05", "04"),
    ("sourceId", "urn:oid:1.2.3.4", "urn:oid:1.2.3.5"),
    ("status", "current", "retired"),
    ("isArchived", "true", "false"),
    ("title", "envoi", "juin"),
    ("authorOrg.identifier", "https://sirene.fr|18751275100020", "18751275100021"),
    ("item", "DocumentReference/d1", "DocumentReference/d2"),
];

fn holds(kind: &str, resource: &serde_json::Value, table: &[(&str, &str, &str)]) {
    let entries = index(resource, &NAMING);
    for (name, finds, misses) in table {
        let found = read(kind, &format!("{name}={finds}"), true).unwrap_or_else(|issues| panic!("{name}: {issues:?}"));
        let missed =
            read(kind, &format!("{name}={misses}"), true).unwrap_or_else(|issues| panic!("{name}: {issues:?}"));
        assert_eq!(found.applied, [((*name).to_owned(), (*finds).to_owned())]);
        // A contained author is no resource of its own: the reference itself finds nothing.
        let is_reference_to_contained = *name == "authenticator";
        assert_eq!(is_found(&entries, &found), !is_reference_to_contained, "{name}={finds} must find it");
        assert!(!is_found(&entries, &missed), "{name}={misses} must not find it");
    }
}

#[test]
fn every_parameter_of_iti_67_finds_the_fiche_and_only_by_its_value() {
    holds("DocumentReference", &fiche(), ITI_67);
}

#[test]
fn every_parameter_of_iti_66_finds_the_submission_set_and_only_by_its_value() {
    holds("List", &submission_set(), ITI_66);
}

#[test]
fn a_chain_through_a_type_looks_at_contained_resources_of_that_type_alone() {
    let role = json!({ "resourceType": "PractitionerRole", "id": "r", "practitioner": { "reference": "#p" }, "extension": [{
        "url": "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-practitionerrole-name",
        "valueHumanName": { "family": "Usage", "given": ["Anne"] }
    }] });
    let practitioner = json!({ "resourceType": "Practitioner", "id": "p", "name": [{ "family": "Naissance" }] });
    let patient =
        json!({ "resourceType": "Patient", "id": "h", "name": [{ "family": "Personne", "given": ["Paul"] }] });
    let list = |source: &str| {
        json!({ "resourceType": "List", "contained": [role, practitioner, patient],
        "source": { "reference": source } })
    };
    for (source, query, found) in [
        ("#r", "source:PractitionerRole.name=usage", true),
        ("#r", "source:PractitionerRole.name=naissance", true),
        ("#r", "source:PractitionerRole.family=anne", false),
        ("#r", "source:PractitionerRole.practitioner.family=naissance", true),
        ("#r", "source:Practitioner.family=naissance", false),
        ("#r", "source:Patient.family=usage", false),
        ("#p", "source:Practitioner.family=naissance", true),
        ("#p", "source:PractitionerRole.family=naissance", false),
        ("#h", "source:Patient.given=paul", true),
        ("#h", "source:Patient.name=PERSONNE", true),
        ("#h", "source:Practitioner.name=personne", false),
        ("#h", "source.family=personne", true),
    ] {
        let search = read("List", query, true).unwrap();
        assert_eq!(is_found(&index(&list(source), &NAMING), &search), found, "{source} {query}");
    }
}

#[test]
fn what_bears_no_flag_is_not_archived() {
    let bare = index(&json!({ "resourceType": "List", "status": "current" }), &NAMING);
    for (query, found) in [
        ("isArchived=false", true),
        ("isArchived=true", false),
        ("isArchived=true,false", true),
        ("isArchived:not=false", false),
        ("isArchived:missing=true", true),
    ] {
        assert_eq!(is_found(&bare, &read("List", query, true).unwrap()), found, "{query}");
    }
}

#[test]
fn every_parameter_that_mhd_demands_is_in_the_table() {
    for code in [
        "author.given",
        "author.family",
        "category",
        "creation",
        "date",
        "event",
        "facility",
        "format",
        "identifier",
        "patient",
        "period",
        "related",
        "security-label",
        "setting",
        "status",
        "type",
    ] {
        assert!(find("DocumentReference", code).is_some(), "{code}");
    }
    for code in
        ["address", "date", "agent", "entity", "entity-type", "entity-role", "source", "type", "subtype", "outcome"]
    {
        assert!(find("AuditEvent", code).is_some(), "{code}");
    }
}

#[test]
fn every_expression_of_the_table_compiles() {
    for parameter in all().iter().filter(|parameter| parameter.kind != Kind::Special) {
        let compiled = Expression::compile(parameter.expression);
        assert!(compiled.is_ok(), "{}.{}: {:?}", parameter.resource, parameter.code, compiled.err());
        assert!(!parameter.datatypes.is_empty(), "{}.{}", parameter.resource, parameter.code);
    }
}

#[test]
fn stored_numbers_never_move() {
    for (resource, code, number) in [
        ("DocumentReference", "type", 523),
        ("DocumentReference", "creation", 1707),
        ("List", "code", 865),
        ("List", "authorOrg", 1719),
        ("DocumentReference", "author:PractitionerRole.name", 1726),
        ("List", "authorOrg.name", 1738),
        ("Resource", "_tag", 1462),
    ] {
        assert_eq!(find(resource, code).map(|parameter| parameter.number), Some(number), "{resource}.{code}");
    }
    assert_eq!(of("DocumentReference").len(), 41);
    assert_eq!(of("Binary").len(), 0);
}

#[test]
fn every_patient_parameter_without_rows_is_read_as_the_patient_clause() {
    let patients: Vec<_> =
        all().iter().filter(|parameter| parameter.code == "patient" && parameter.kind == Kind::Reference).collect();
    assert!(patients.len() > 60);
    for parameter in patients {
        let search = read(parameter.resource, "patient=Patient/p", true).unwrap();
        assert!(search.patient.is_some() && search.terms.is_empty(), "{}", parameter.resource);
    }
}

#[test]
fn every_known_parameter_is_honoured_or_refused_never_ignored() {
    for parameter in all() {
        for value in ["a", "1", "2026", "http://a|b", "Patient/p", "a$b"] {
            if let Ok(search) = read(parameter.resource, &format!("{}={value}", parameter.code), false) {
                let asks = !search.terms.is_empty() || search.patient.is_some();
                assert!(asks && search.has(parameter.code), "{}.{}={value}", parameter.resource, parameter.code);
            }
        }
    }
}

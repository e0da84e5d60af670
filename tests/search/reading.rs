//! What is looked up in the resource itself, and modifiers of tokens and URIs (R4 search §modifiers, §text).

use espace::fhir::search::{Match, Term, index};
use serde_json::{Value, json};

use super::fiche::fiche;
use super::{NAMING, is_found, read};

fn holds(resource: &Value, query: &str) -> bool {
    let kind = resource["resourceType"].as_str().unwrap();
    let search = read(kind, query, true).unwrap_or_else(|issues| panic!("{query}: {issues:?}"));
    let [Term::Read(reading)] = search.terms.as_slice() else { panic!("{query}: {:?}", search.terms) };
    reading.holds(resource, &NAMING)
}

#[test]
fn texts_beside_codes_narratives_and_whole_contents_are_looked_up() {
    let mut fiche = fiche();
    fiche["type"]["text"] = json!("Compte rendu d'imagerie");
    fiche["category"][0]["coding"][0]["display"] = json!("Élément de synthèse");
    fiche["identifier"][0]["type"] = json!({ "text": "Entrée", "coding": [{ "system": "urn:t", "code": "EU" }] });
    fiche["text"] =
        json!({ "status": "generated", "div": "<div xmlns=\"x\"><p>Fracture du <b>poignet</b> gauche</p></div>" });
    let uuid = "urn:uuid:0195a0c0-0000-7000-8000-000000000001";
    for (query, found) in [
        ("type:text=compte".to_owned(), true),
        ("type:text=imagerie".to_owned(), false),
        ("category:text=ELEMENT,autre".to_owned(), true),
        ("identifier:text=entree".to_owned(), true),
        (format!("identifier:of-type=urn:t|EU|{uuid}"), true),
        (format!("identifier:of-type=urn:t|XX|{uuid},urn:t|EU|{uuid}"), true),
        (format!("identifier:of-type=urn:u|EU|{uuid}"), false),
        ("identifier:of-type=urn:t|EU|other".to_owned(), false),
        ("_text=fracture POIGNET".to_owned(), true),
        ("_text=fracture genou".to_owned(), false),
        ("_text=genou,poignet".to_owned(), true),
        ("_text=div".to_owned(), false),
        ("_text=consultation".to_owned(), false),
        ("_content=consultation".to_owned(), true),
        ("_content=hélène lefevre".to_owned(), true),
        ("_content=gauche".to_owned(), true),
        ("_content=loinc".to_owned(), false),
    ] {
        assert_eq!(holds(&fiche, &query), found, "{query}");
    }
}

#[test]
fn what_is_looked_up_is_never_shown() {
    let search = read("DocumentReference", "_content=durand&type:text=secret", true).unwrap();
    let shown = format!("{:?}", search.terms);
    assert!(!shown.contains("durand") && !shown.contains("secret"), "{shown}");
}

#[test]
fn a_code_is_in_a_value_set_or_not() {
    let found = |query: &str| is_found(&index(&fiche(), &NAMING), &read("DocumentReference", query, true).unwrap());
    let classes = "JDV_J06-XdsClassCode-CISIS";
    assert!(found(&format!("category:in={classes}")) && !found(&format!("category:not-in={classes}")));
    assert!(!found(&format!("format:in={classes}")) && found(&format!("format:not-in={classes}")));
    let oid = "urn:oid:1.2.250.1.213.1.1.4.1|10";
    assert!(found(&format!("category:below={oid}")) && found(&format!("category:above={oid}")), "one level");
}

#[test]
fn a_uri_is_found_below_and_above_a_level() {
    let definition = json!({
        "resourceType": "StructureDefinition",
        "url": "http://acme.example/fhir/StructureDefinition/x",
        "baseDefinition": "http://acme.example/fhir/StructureDefinition/base|1.2.3",
    });
    let found =
        |query: &str| is_found(&index(&definition, &NAMING), &read("StructureDefinition", query, true).unwrap());
    for (query, expected) in [
        ("url:below=http://acme.example/fhir", true),
        ("url:below=http://acme.example/fhir/", true),
        ("url:below=http://acme.example/fh", false),
        ("url:above=http://acme.example/fhir/StructureDefinition/x/_history/5", true),
        ("url:above=http://acme.example/fhir/StructureDefinition", false),
        ("base=http://acme.example/fhir/StructureDefinition/base", true),
        ("base:below=http://acme.example/fhir/StructureDefinition/base|1.2", true),
        ("base:below=http://acme.example/fhir/StructureDefinition/base|1.3", false),
        ("base:above=http://acme.example/fhir/StructureDefinition/base|1.2.3", true),
    ] {
        assert_eq!(found(query), expected, "{query}");
    }
    let search = read("StructureDefinition", "url:above=http://a.example/b/c", true).unwrap();
    let [Term::Index { any_of, .. }] = search.terms.as_slice() else { panic!("{:?}", search.terms) };
    assert!(any_of.contains(&Match::Exact("http://a.example/b".to_owned())));
    assert!(!any_of.contains(&Match::Exact("http:/".to_owned())), "the scheme is no level");
}

//! Quantities with their units, and composites that end in one, a date or a text (R4 search §quantity, §composite).

use espace::fhir::search::index;
use serde_json::{Value, json};

use super::{NAMING, is_found, read};

const UCUM: &str = "http://unitsofmeasure.org";

fn weight(value: f64, unit: &str, code: &str) -> Value {
    json!({
        "resourceType": "Observation",
        "code": { "coding": [{ "system": "http://loinc.org", "code": "29463-7" }] },
        "valueQuantity": { "value": value, "unit": unit, "system": UCUM, "code": code },
    })
}

fn finds(resource: &Value, query: &str) -> bool {
    let search = read("Observation", query, true).unwrap_or_else(|issues| panic!("{query}: {issues:?}"));
    is_found(&index(resource, &NAMING), &search)
}

#[test]
fn a_quantity_is_found_by_its_number_in_its_unit_or_in_any() {
    let weight = weight(70.5, "kilo", "kg");
    for (query, found) in [
        ("value-quantity=70.5", true),
        ("value-quantity=70", false),
        ("value-quantity=71", true),
        ("value-quantity=70.5|http://unitsofmeasure.org|kg", true),
        ("value-quantity=70500|http://unitsofmeasure.org|g", true),
        ("value-quantity=gt70499|http://unitsofmeasure.org|g", true),
        ("value-quantity=gt70500|http://unitsofmeasure.org|g", false),
        ("value-quantity=70.5|http://unitsofmeasure.org|g", false),
        ("value-quantity=70500000000", false),
        ("value-quantity=70.5||kg", true),
        ("value-quantity=70.5||kilo", true),
        ("value-quantity=70.5||g", false),
        ("value-quantity=70.5|https://other.example|kg", false),
        ("value-quantity=1,70500|http://unitsofmeasure.org|g", true),
        ("value-quantity=ap68|http://unitsofmeasure.org|kg", true),
        ("value-quantity=ne70.5|http://unitsofmeasure.org|kg", false),
        ("value-quantity=sa70|http://unitsofmeasure.org|kg", true),
        ("value-quantity=eb70|http://unitsofmeasure.org|kg", false),
        ("value-quantity:missing=false", true),
        ("combo-value-quantity=le70.5||kg", true),
    ] {
        assert_eq!(finds(&weight, query), found, "{query}");
    }
    for query in ["value-quantity=5|mg", "value-quantity=5||", "value-quantity=|x|mg", "value-quantity=5|a|b|c"] {
        assert!(read("Observation", query, false).is_err(), "{query}");
    }
}

#[test]
fn a_composite_takes_both_parts_of_one_repetition() {
    let mut pressure = weight(70.5, "kg", "kg");
    let part = |code: &str, value: f64| {
        json!({
            "code": { "coding": [{ "system": "http://loinc.org", "code": code }] },
            "valueQuantity": { "value": value, "system": UCUM, "code": "mm[Hg]" },
        })
    };
    pressure["component"] = json!([part("8480-6", 120.0), part("8462-4", 80.0)]);
    for (query, found) in [
        ("code-value-quantity=29463-7$70.5", true),
        ("code-value-quantity=http://loinc.org|29463-7$gt70||kg", true),
        ("code-value-quantity=29463-7$70.5|http://unitsofmeasure.org|kg", true),
        ("code-value-quantity=29463-7$70.5|http://unitsofmeasure.org|g", false),
        ("code-value-quantity=29463$70.5", false),
        ("component-code-value-quantity=8480-6$gt100", true),
        ("component-code-value-quantity=8462-4$gt100", false),
        ("component-code-value-quantity=8462-4$gt100,8480-6$120", true),
        ("combo-code-value-quantity=8462-4$80|http://unitsofmeasure.org|mm[Hg]", true),
    ] {
        assert_eq!(finds(&pressure, query), found, "{query}");
    }
    let dated = json!({ "resourceType": "Observation", "code": { "coding": [{ "code": "a" }] }, "valuePeriod": { "start": "2026-03-01", "end": "2026-03-05" } });
    assert!(finds(&dated, "code-value-date=a$ge2026-03-02") && !finds(&dated, "code-value-date=a$gt2026-03-05"));
    assert!(!finds(&dated, "code-value-date=b$ge2026-03-02"));
    let text =
        json!({ "resourceType": "Observation", "code": { "coding": [{ "code": "a" }] }, "valueString": "Très élevé" });
    assert!(finds(&text, "code-value-string=a$tres") && !finds(&text, "code-value-string=a$eleve"));
    for query in ["code-value-quantity=a$b", "code-value-quantity=a", "code-value-date=a$x", "code-value-string=a$"] {
        assert!(read("Observation", query, false).is_err(), "{query}");
    }
}

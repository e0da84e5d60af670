//! The operator's own search parameters: what is taken, what is refused (R4 searchparameter.html).

use espace::fhir::search::custom::{CustomError, read};
use espace::fhir::search::{Kind, all};
use serde_json::{Value, json};

fn parameter(code: &str, base: &str, expression: &str) -> Value {
    json!({
        "resourceType": "SearchParameter", "url": format!("https://example.org/SearchParameter/{base}-{code}"),
        "code": code, "base": [base], "type": "token", "expression": expression,
    })
}

fn refused(change: impl FnOnce(&mut Value)) -> CustomError {
    let mut resource = parameter("docstatus", "DocumentReference", "DocumentReference.docStatus");
    change(&mut resource);
    read(&[resource]).expect_err("taken")
}

#[test]
fn a_parameter_is_taken_for_each_of_its_types_under_a_number_that_stays() {
    let mut both = parameter("mode", "List", "List.mode | DocumentReference.docStatus");
    both["base"] = json!(["List", "DocumentReference"]);
    let bundle = json!({ "resourceType": "Bundle", "entry": [{ "resource": both }] });
    let other = parameter("docstatus", "DocumentReference", "DocumentReference.docStatus");
    let taken = read(&[bundle.clone(), other.clone()]).unwrap();
    let told: Vec<_> = taken.iter().map(|known| (known.resource, known.code, known.expression)).collect();
    assert_eq!(
        told,
        [
            ("List", "mode", "List.mode"),
            ("DocumentReference", "mode", "DocumentReference.docStatus"),
            ("DocumentReference", "docstatus", "DocumentReference.docStatus"),
        ]
    );
    assert!(taken.iter().all(|known| known.kind == Kind::Token));
    let alone = read(&[other]).unwrap();
    assert_eq!(alone[0].number, taken[2].number, "whatever else is loaded");
    assert!(all().iter().all(|known| known.number < 1_000_000), "those of the table are others");
}

#[test]
fn what_cannot_be_taken_is_refused_by_name() {
    assert_eq!(refused(|it| it["resourceType"] = json!("Patient")), CustomError::Element("resourceType"));
    assert_eq!(refused(|it| it["url"] = json!("")), CustomError::Element("url"));
    assert_eq!(refused(|it| it["code"] = json!("_mine")), CustomError::Element("code"));
    assert_eq!(refused(|it| it["code"] = json!("a.b")), CustomError::Element("code"));
    assert_eq!(refused(|it| it["base"] = json!(["Resource"])), CustomError::Element("base"));
    assert_eq!(refused(|it| it["base"] = json!([])), CustomError::Element("base"));
    assert_eq!(refused(|it| it["type"] = json!("special")), CustomError::Kind("special".to_owned()));
    assert_eq!(refused(|it| it["code"] = json!("status")), CustomError::Taken("DocumentReference.status".to_owned()));
    let told = refused(|it| it["expression"] = json!("DocumentReference.docStatus.lower()")).to_string();
    assert!(told.starts_with("expression of `docstatus`"), "{told}");
    let told = refused(|it| it["expression"] = json!("DocumentReference.relatesTo.target.identifier"));
    assert_eq!(told, CustomError::Pointing("docstatus".to_owned()));
    let twice = parameter("docstatus", "DocumentReference", "DocumentReference.docStatus");
    assert!(matches!(read(&[twice.clone(), twice]), Err(CustomError::Taken(_))));
}

//! Parts of a resource: `_summary` and `_elements` (R4 search §summary, §elements).

use espace::fhir::search::{Summary, subset};
use serde_json::Value;

use super::fiche::{fiche, submission_set};

fn names(resource: &Value) -> Vec<&str> {
    resource.as_object().unwrap().keys().map(String::as_str).collect()
}

fn is_tagged(resource: &Value) -> bool {
    let tags = resource["meta"]["tag"].as_array();
    tags.is_some_and(|tags| tags.iter().any(|tag| tag["code"] == "SUBSETTED"))
}

#[test]
fn the_whole_stays_as_it_is() {
    assert_eq!(subset(fiche(), Summary::Whole, &[]), fiche());
    assert!(!is_tagged(&fiche()));
}

#[test]
fn elements_keep_what_is_asked_and_what_is_mandatory() {
    let elements = ["type".to_owned(), "author".to_owned()];
    let part = subset(fiche(), Summary::Whole, &elements);
    assert_eq!(names(&part), ["resourceType", "id", "meta", "status", "type", "author", "content", "contained"]);
    assert!(is_tagged(&part));
    assert_eq!(part["meta"]["tag"].as_array().unwrap().len(), 2, "tags of its own stay");
    let ids: Vec<_> = part["contained"].as_array().unwrap().iter().map(|c| c["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["role", "martin"], "what the author leads to, and not the person it is about");
    let list = subset(submission_set(), Summary::Whole, &["entry".to_owned()]);
    assert_eq!(names(&list), ["resourceType", "status", "mode", "entry", "meta"]);
}

#[test]
fn a_summary_holds_the_elements_that_r4_marks() {
    let list = subset(submission_set(), Summary::Summary, &[]);
    assert_eq!(
        names(&list),
        ["resourceType", "status", "mode", "title", "code", "subject", "date", "source", "contained", "meta"]
    );
    let part = subset(fiche(), Summary::Summary, &[]);
    for kept in ["masterIdentifier", "type", "content", "context", "securityLabel"] {
        assert!(part.get(kept).is_some(), "{kept}");
    }
    assert!(part.get("authenticator").is_none() && part.get("extension").is_none() && is_tagged(&part));
}

#[test]
fn text_and_data_are_the_two_halves() {
    let mut resource = fiche();
    resource["text"] = serde_json::json!({ "status": "generated", "div": "<div/>" });
    let text = subset(resource.clone(), Summary::Text, &[]);
    assert_eq!(names(&text), ["resourceType", "id", "meta", "status", "content", "text"]);
    let data = subset(resource, Summary::Data, &[]);
    assert!(data.get("text").is_none() && data.get("type").is_some() && is_tagged(&data));
}

#[test]
fn a_summary_goes_down_to_the_elements_that_r4_marks_and_keeps_what_a_type_needs() {
    let patient = serde_json::json!({
        "resourceType": "Patient",
        "language": "fr",
        "extension": [{ "url": "urn:x", "valueCode": "y" }],
        "modifierExtension": [{ "url": "urn:m", "valueCode": "z" }],
        "identifier": [{ "id": "i", "use": "official", "extension": [{ "url": "urn:x", "valueCode": "y" }], "value": "1" }],
        "_gender": { "id": "g" },
        "gender": "female",
        "maritalStatus": { "text": "M" },
        "deceasedBoolean": false,
        "contact": [{ "name": { "text": "C" } }],
        "link": [{ "other": { "reference": "Patient/2" }, "type": "refer" }],
    });
    let part = subset(patient.clone(), Summary::Summary, &[]);
    assert_eq!(
        names(&part),
        ["resourceType", "modifierExtension", "identifier", "_gender", "gender", "deceasedBoolean", "link", "meta"]
    );
    assert_eq!(part["modifierExtension"], patient["modifierExtension"], "an extension is one with its value");
    assert_eq!(part["identifier"][0], serde_json::json!({ "id": "i", "use": "official", "value": "1" }));
    assert!(is_tagged(&part));
    let attachment = &subset(fiche(), Summary::Summary, &[])["content"][0]["attachment"];
    assert!(attachment.get("contentType").is_some() && attachment.get("data").is_none());
    let choice = subset(patient.clone(), Summary::Whole, &["deceased".to_owned()]);
    assert_eq!(choice["deceasedBoolean"], false, "asked for by the name of the choice");
    let again = subset(part.clone(), Summary::Summary, &[]);
    assert_eq!(again, part, "a part of a part is tagged once");
}

#[test]
fn what_is_of_no_known_type_and_references_in_circles_stay_whole_and_end() {
    let nothing = serde_json::json!({ "resourceType": "Nothing", "gender": "female" });
    assert_eq!(subset(nothing.clone(), Summary::Summary, &[]), nothing);
    let circle = serde_json::json!({ "resourceType": "List", "source": { "reference": "#a" }, "contained": [
        { "id": "a", "x": { "reference": "#b" } }, { "id": "b", "x": { "reference": "#a" } }, { "id": "c" }] });
    let part = subset(circle, Summary::Summary, &[]);
    assert_eq!(part["contained"].as_array().unwrap().len(), 2);
    assert_eq!(subset(Value::Null, Summary::Text, &[]), Value::Null);
}

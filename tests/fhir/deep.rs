//! A whole body judged: the published samples of IHE against R4 and the definitions they name (R4 `validation.html`).

use espace::fhir::codec::json;
use espace::fhir::validate::Mode;
use espace::fhir::validate::deep::Whole;
use espace::fhir::validate::package::Package;
use serde_json::json;

use crate::support::shared::{shared, skipped};

/// What is wrong with a published sample: its file, code and place, and why it is.
const EXCEPTIONS: &[(&str, &str, &str)] = &[];

#[test]
fn packages_of_ihe_load_and_their_own_samples_pass_but_for_known_defects() {
    let Some(shared) = shared() else { return skipped("packages") };
    let mut package = Package::default();
    for folder in ["ihe.iti.mhd", "ihe.iti.balp", "ihe.iti.pcf"] {
        for file in std::fs::read_dir(shared.join("packages").join(folder)).unwrap() {
            package.add(json::parse(&std::fs::read(file.unwrap().path()).unwrap()).unwrap());
        }
    }
    package.finish();
    assert_eq!(package.len(), 63, "profiles");
    let whole = Whole { package: &package, mode: Mode::default(), ..Whole::default() };
    let (mut judged, mut found) = (0, Vec::new());
    for folder in ["mhd", "balp", "pcf"] {
        for file in std::fs::read_dir(shared.join("samples").join(folder)).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let report = whole.judge(&json::parse(&std::fs::read(&path).unwrap()).unwrap());
            assert!(report.has_profile && report.unknown.is_empty(), "{name}: {:?}", report.unknown);
            let errors = report.issues.iter().filter(|issue| !issue.is_warning);
            found.extend(errors.map(|issue| {
                let place = issue.path.as_ref().map(ToString::to_string).unwrap_or_default();
                (name.clone(), format!("{} {place}", issue.code.row().name))
            }));
            judged += 1;
        }
    }
    assert!(judged >= 12, "{judged} samples");
    let known: Vec<_> = EXCEPTIONS.iter().map(|(name, issue, _)| ((*name).to_owned(), (*issue).to_owned())).collect();
    found.sort();
    assert_eq!(found, known);
}

#[test]
fn what_is_said_of_a_place_is_said_once() {
    let url = "https://example.org/StructureDefinition/twice";
    let mut package = Package::default();
    package.add(json!({"resourceType": "StructureDefinition", "url": url, "name": "Twice", "type": "Basic",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Basic",
        "differential": {"element": [
            {"id": "Basic.code", "path": "Basic.code", "min": 1},
            {"id": "Basic.subject", "path": "Basic.subject", "min": 1}]}}));
    package.finish();
    let resource = json!({"resourceType": "Basic", "meta": {"profile": [url, url]}});
    let report = Whole { package: &package, profile: Some(url), ..Whole::default() }.judge(&resource);
    let told: Vec<_> = report.issues.iter().map(|issue| issue.path.as_ref().unwrap().as_str()).collect();
    assert_eq!(told, ["Basic.code", "Basic.subject"]);
}

#[test]
fn expressions_ask_for_value_sets_profiles_references_types_and_containers() {
    let (asking, asked, set) = ("https://example.org/asking", "https://example.org/asked", "https://example.org/set");
    let profile = |url: &str, element: serde_json::Value| {
        json!({"resourceType": "StructureDefinition", "url": url, "name": "P", "type": "Basic",
            "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Basic", "differential": {"element": element}})
    };
    let constraint =
        |key: &str, expression: &str| json!({"key": key, "severity": "error", "human": key, "expression": expression});
    let mut package = Package::default();
    package.add(json!({"resourceType": "ValueSet", "url": set,
        "compose": {"include": [{"system": "urn:s", "concept": [{"code": "a"}]}]}}));
    package.add(profile(
        asked,
        json!([
        {"id": "Basic", "path": "Basic", "constraint": [constraint("itself", &format!("conformsTo('{asked}')"))]},
        {"id": "Basic.identifier", "path": "Basic.identifier", "min": 1}]),
    ));
    package.add(profile(
        asking,
        json!([
        {"id": "Basic", "path": "Basic", "constraint": [
            constraint("profile", &format!("conformsTo('{asked}')")),
            constraint("target", "subject.resolve().gender = 'male'"),
            constraint("nothing", "subject.display.exists()")]},
        {"id": "Basic.code", "path": "Basic.code", "constraint": [
            constraint("set", &format!("memberOf('{set}')")),
            constraint("type", "$this is CodeableConcept and %resource is Basic")]},
        {"id": "Basic.contained", "path": "Basic.contained", "constraint": [
            constraint("container", "%context.gender.exists() and %rootResource is Basic")]}]),
    ));
    package.finish();
    let told = |code: &str, gender: &str, more: serde_json::Value| {
        let mut resource = json!({"resourceType": "Basic", "code": {"coding": [{"system": "urn:s", "code": code}]},
            "contained": [{"resourceType": "Patient", "id": "p", "gender": gender}],
            "subject": {"reference": "#p", "display": "x"}});
        resource.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let issues = Whole { package: &package, profile: Some(asking), ..Whole::default() }.judge(&resource).issues;
        issues.into_iter().map(|issue| issue.detail.unwrap_or_default()).collect::<Vec<_>>()
    };
    let identifier = json!({"identifier": [{"value": "1"}]});
    assert_eq!(told("a", "male", identifier.clone()), Vec::<String>::new());
    assert_eq!(told("b", "female", json!({})), ["(profile)", "(target)", "(set)"]);
    let quiet = json!({"identifier": [{"value": "1"}], "subject": {"reference": "#p"}});
    assert_eq!(told("a", "male", quiet), ["(nothing)"]);
}

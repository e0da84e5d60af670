//! Profiles of a package: the published samples pass their own definitions, seeded errors do not (R4 `profiling.html`).

use espace::fhir::codec::json;
use espace::fhir::validate::package::Package;
use serde_json::{Value, json};

use crate::support::shared::{sample, shared, skipped};

/// IHE's definitions; `None`, said aloud, where they are absent.
fn published() -> Option<Package> {
    let Some(shared) = shared() else {
        skipped("packages");
        return None;
    };
    let mut package = Package::default();
    for folder in ["ihe.iti.mhd", "ihe.iti.balp", "ihe.iti.pcf"] {
        for file in std::fs::read_dir(shared.join("packages").join(folder)).unwrap() {
            package.add(json::parse(&std::fs::read(file.unwrap().path()).unwrap()).unwrap());
        }
    }
    package.finish();
    Some(package)
}

/// Errors, as `rule path`.
fn errors(package: &Package, resource: &Value, profile: &str) -> Vec<String> {
    let issues = package.judge(resource, profile);
    let errors = issues.iter().filter(|issue| !issue.is_warning);
    errors.map(|issue| format!("{} {}", issue.rule.as_ref().unwrap(), issue.path.as_ref().unwrap())).collect()
}

#[test]
fn published_samples_pass_the_definitions_they_name() {
    let Some(package) = published() else { return };
    let mut judged = 0;
    for folder in ["mhd", "balp", "pcf"] {
        for file in std::fs::read_dir(shared().unwrap().join("samples").join(folder)).unwrap() {
            let path = file.unwrap().path();
            let resource = json::parse(&std::fs::read(&path).unwrap()).unwrap();
            for profile in resource.pointer("/meta/profile").and_then(Value::as_array).into_iter().flatten() {
                let profile = profile.as_str().unwrap();
                assert!(package.knows(profile), "{profile}");
                assert_eq!(errors(&package, &resource, profile), Vec::<String>::new(), "{}", path.display());
                judged += 1;
            }
        }
    }
    assert!(judged >= 9, "{judged} samples");
}

#[test]
fn what_is_broken_in_a_published_bundle_is_found_at_its_place() {
    let Some(package) = published() else { return };
    let bytes = sample("samples/mhd/Bundle-ex-comprehensiveProvideDocumentBundleSimple.json").unwrap();
    let sound = json::parse(&bytes).unwrap();
    let profile = sound.pointer("/meta/profile/0").unwrap().as_str().unwrap().to_owned();
    let place = |kind: &str| {
        let entries = sound["entry"].as_array().unwrap();
        entries.iter().position(|entry| entry["resource"]["resourceType"] == kind).unwrap()
    };
    let (list, document) = (place("List"), place("DocumentReference"));
    for (at, name, value, expected) in [
        (document, "masterIdentifier", Value::Null, "masterIdentifier"),
        (document, "docStatus", json!("final"), "docStatus"),
        (document, "status", json!("entered-in-error"), "status"),
        (document, "securityLabel", Value::Null, "securityLabel"),
        (list, "mode", json!("snapshot"), "mode"),
        (list, "date", Value::Null, "date"),
        (list, "extension", Value::Null, "extension"),
    ] {
        let mut bundle = sound.clone();
        let resource = bundle["entry"][at]["resource"].as_object_mut().unwrap();
        if value.is_null() {
            drop(resource.shift_remove(name));
        } else {
            drop(resource.insert(name.to_owned(), value));
        }
        let path = format!("Bundle.entry[{at}].resource.{expected}");
        let found = errors(&package, &bundle, &profile);
        assert!(found.iter().any(|error| error.ends_with(&path)), "{name}: {found:?}");
    }
    let mut bundle = sound.clone();
    bundle["entry"].as_array_mut().unwrap().push(json!({"fullUrl": "urn:uuid:x",
        "resource": {"resourceType": "Basic", "code": {"text": "x"}}, "request": {"method": "POST", "url": "Basic"}}));
    let last = sound["entry"].as_array().unwrap().len();
    let found = errors(&package, &bundle, &profile);
    assert!(found.iter().any(|error| error.ends_with(&format!("Bundle.entry[{last}]"))), "closed slicing: {found:?}");
}

const OURS: &str = "https://example.org/StructureDefinition/";

fn element(id: &str, more: Value) -> Value {
    let mut element = json!({"id": id, "path": id.split(':').next().unwrap()});
    element.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    element
}

/// The differential.
fn strict_elements() -> Vec<Value> {
    vec![
        element(
            "Patient.extension",
            json!({"slicing": {"discriminator": [{"type": "value", "path": "url"}], "rules": "open"}}),
        ),
        element(
            "Patient.extension:colour",
            json!({"min": 1, "max": "1",
                "type": [{"code": "Extension", "profile": [format!("{OURS}colour")]}]}),
        ),
        element(
            "Patient.name",
            json!({"min": 1, "max": "2",
                "slicing": {"discriminator": [{"type": "value", "path": "use"}], "rules": "closed"}}),
        ),
        element("Patient.name:official", json!({"min": 1, "max": "1"})),
        element("Patient.name:official.use", json!({"min": 1, "patternCode": "official"})),
        element("Patient.name:official.family", json!({"min": 1})),
        element("Patient.gender", json!({"fixedCode": "female"})),
        element(
            "Patient.maritalStatus",
            json!({"binding": {"strength": "required", "valueSet": format!("{OURS}some")}}),
        ),
        element("Patient.deceased[x]", json!({"max": "0"})),
    ]
}

/// A differential upon a snapshot, and an extension.
fn definitions() -> [Value; 3] {
    let definition = |name: &str, kind: &str, base: &str, form: &str, elements: Vec<Value>| {
        json!({"resourceType": "StructureDefinition", "url": format!("{OURS}{name}"), "name": name, "type": kind,
            "baseDefinition": base, form: {"element": elements}})
    };
    let r4 = |kind: &str| format!("http://hl7.org/fhir/StructureDefinition/{kind}");
    [
        definition(
            "base",
            "Patient",
            &r4("Patient"),
            "snapshot",
            vec![
                element("Patient", json!({})),
                element("Patient.birthDate", json!({"min": 1, "max": "1"})),
                element("Patient.name", json!({"min": 0, "max": "*"})),
            ],
        ),
        definition("strict", "Patient", &format!("{OURS}base|1"), "differential", strict_elements()),
        definition(
            "colour",
            "Extension",
            &r4("Extension"),
            "differential",
            vec![
                element("Extension.url", json!({"fixedUri": format!("{OURS}colour")})),
                element(
                    "Extension.value[x]",
                    json!({"min": 1, "type": [{"code": "code"}],
                "binding": {"strength": "required", "valueSet": format!("{OURS}some")}}),
                ),
            ],
        ),
    ]
}

/// A package of our own: definitions, a value set upon a code system.
fn ours() -> Package {
    let mut package = Package::default();
    let terms = [
        json!({"resourceType": "ValueSet", "url": format!("{OURS}some"), "compose": {
            "include": [{"system": "urn:colours"}], "exclude": [{"system": "urn:colours", "concept": [{"code": "grey"}]}]}}),
        json!({"resourceType": "CodeSystem", "url": "urn:colours", "content": "complete", "concept": [
            {"code": "red", "concept": [{"code": "crimson"}]}, {"code": "grey"}]}),
    ];
    for resource in definitions().into_iter().chain(terms) {
        assert!(package.add(resource));
    }
    assert!(!package.add(json!({"resourceType": "Patient"})));
    package.finish();
    package
}

fn sound() -> Value {
    json!({"resourceType": "Patient", "birthDate": "1979", "gender": "female",
        "name": [{"use": "official", "family": "X"}],
        "extension": [{"url": format!("{OURS}colour"), "valueCode": "crimson"}]})
}

#[test]
fn each_kind_of_constraint_of_a_package_is_held_to() {
    let package = ours();
    let strict = format!("{OURS}strict|1.0");
    assert_eq!((package.len(), errors(&package, &sound(), &strict)), (3, Vec::new()));
    let coded = |code: &str| json!({"coding": [{"system": "urn:colours", "code": code}]});
    for (name, value, expected) in [
        ("birthDate", Value::Null, "strict Patient.birthDate Patient.birthDate"),
        ("gender", json!("male"), "strict Patient.gender Patient.gender"),
        ("deceasedBoolean", json!(true), "strict Patient.deceased[x] Patient.deceased"),
        ("extension", Value::Null, "strict Patient.extension:colour Patient.extension"),
        (
            "extension",
            json!([{"url": format!("{OURS}colour"), "valueCode": "grey"}]),
            "colour Extension.value[x] Patient.extension[0].value",
        ),
        (
            "extension",
            json!([{"url": format!("{OURS}colour")}]),
            "colour Extension.value[x] Patient.extension[0].value",
        ),
        ("maritalStatus", coded("blue"), "strict Patient.maritalStatus Patient.maritalStatus"),
        ("name", json!([{"use": "official"}]), "strict Patient.name:official.family Patient.name[0].family"),
        ("name", json!([{"use": "official", "family": "X"}, {"use": "usual"}]), "strict Patient.name Patient.name[1]"),
        ("name", json!([{"use": "usual"}]), "strict Patient.name:official Patient.name"),
    ] {
        let mut resource = sound();
        let map = resource.as_object_mut().unwrap();
        if value.is_null() {
            drop(map.shift_remove(name));
        } else {
            drop(map.insert(name.to_owned(), value.clone()));
        }
        let found = errors(&package, &resource, &strict);
        assert!(found.contains(&expected.to_owned()), "{name} = {value}: {found:?}");
    }
    let mut resource = sound();
    resource["maritalStatus"] = coded("red");
    assert_eq!(errors(&package, &resource, &strict), Vec::<String>::new());
    assert_eq!(errors(&package, &json!({"resourceType": "Basic"}), &strict), ["strict Patient Basic"]);
    assert!(package.judge(&sound(), "urn:x").is_empty());
}

#[test]
fn profiles_that_lead_to_themselves_come_to_an_end() {
    let url = format!("{OURS}circle");
    let mut package = Package::default();
    package.add(json!({"resourceType": "StructureDefinition", "url": url, "name": "circle", "type": "Patient",
        "baseDefinition": url, "differential": {"element": [
            {"id": "Patient.contained", "path": "Patient.contained", "type": [{"code": "Patient", "profile": [url]}]}]}}));
    package.finish();
    let mut resource = json!({"resourceType": "Patient"});
    for _ in 0..40 {
        resource = json!({"resourceType": "Patient", "contained": [resource]});
    }
    assert_eq!(errors(&package, &resource, &url), Vec::<String>::new());
}

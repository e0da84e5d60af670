//! All invariants of R4 are held to, by their expressions and by the shorter ways alike (R4 `conformance-rules.html`).

use std::collections::BTreeSet;

use espace::error::Issue;
use espace::fhir::definition::{Type, invariants};
use espace::fhir::path::Query;
use espace::fhir::validate::{self, Options};
use serde_json::{Map, Value, json};

/// Invariants the walk itself holds to, which `structural.rs` shows.
const BY_THE_WALK: [&str; 5] = ["dom-2", "ele-1", "ref-1", "txt-1", "txt-2"];
/// As it is published, it asks whether truth values exist, which they always do.
const UNBREAKABLE: &str = "eld-11";
/// Stated of an element whose type states it already.
const REPEATED: [&str; 2] = ["Element.extension", "Extension.extension"];

fn set(object: Value, key: &str, value: Value) -> Value {
    let mut map: Map<String, Value> = object.as_object().cloned().unwrap_or_default();
    map.insert(key.to_owned(), value);
    Value::Object(map)
}

/// A resource that holds an object of a type, or at the path of a backbone.
fn resource_with(path: &str, object: Value) -> Value {
    let (kind, rest) = path.split_once('.').map_or((path, None), |(kind, rest)| (kind, Some(rest)));
    let mut object = object;
    let mut owners: Vec<(String, &str)> = Vec::new();
    let mut owner = kind.to_owned();
    for step in rest.into_iter().flat_map(|rest| rest.split('.')) {
        owners.push((owner.clone(), step));
        owner = format!("{owner}.{step}");
    }
    for (owner, step) in owners.into_iter().rev() {
        let element = Type::named(&owner).and_then(|owner| owner.property(step)?.element()).expect(path);
        object = set(json!({}), step, if element.is_array() { json!([object]) } else { object });
    }
    match kind {
        "DomainResource" => set(object, "resourceType", json!("Basic")),
        "ElementDefinition" => {
            json!({"resourceType": "StructureDefinition", "differential": {"element": [object]}})
        }
        kind if Type::resource(kind).is_some() => set(object, "resourceType", json!(kind)),
        "Extension" => json!({"resourceType": "Basic", "extension": [object]}),
        kind => {
            let parameter = set(json!({"name": "x"}), &format!("value{kind}"), object);
            json!({"resourceType": "Parameters", "parameter": [parameter]})
        }
    }
}

/// What is told of invariants: key, place and weight.
fn told(issues: &[Issue]) -> BTreeSet<(String, String, bool)> {
    let row = |issue: &Issue| {
        let key = issue.rule.as_deref().filter(|rule| *rule != "R4")?;
        Some((key.to_owned(), issue.path.as_ref()?.to_string(), issue.is_warning))
    };
    issues.iter().filter_map(row).collect()
}

/// What breaks each invariant, by key and path.
fn broken() -> Vec<(String, String, Value)> {
    let written = include_str!("broken.ndjson").lines().map(|line| {
        let row: Value = serde_json::from_str(line).expect(line);
        (row[0].as_str().unwrap().to_owned(), row[1].as_str().unwrap().to_owned(), row[2].clone())
    });
    let named = invariants().filter(|rule| rule.expression.starts_with("name.matches("));
    let named = named.map(|rule| (rule.key.to_owned(), rule.path.to_owned(), json!({"name": "no name of a class"})));
    written.chain(named).collect()
}

#[test]
fn every_invariant_is_held_to_and_its_expression_is_read() {
    let held: BTreeSet<(&str, &str)> = validate::invariants().collect();
    let mut count = 0;
    for invariant in invariants() {
        let by_walk = BY_THE_WALK.contains(&invariant.key);
        assert_ne!(held.contains(&(invariant.path, invariant.key)), by_walk, "{}", invariant.key);
        let query = Query::compile(invariant.expression);
        let query = query.unwrap_or_else(|error| panic!("{}: {error}: {}", invariant.key, invariant.expression));
        assert_eq!(Query::compile(&query.to_string()), Ok(query), "{}", invariant.key);
        count += 1;
    }
    assert!(count > 240, "{count}");
}

#[test]
fn every_invariant_can_be_broken_and_the_shorter_ways_tell_what_the_expressions_do() {
    let mut shown = BTreeSet::new();
    for (key, path, object) in broken() {
        let resource = resource_with(&path, object);
        let short = told(&validate::advised(&resource, Options::default()));
        let plain = told(&validate::by_expressions_alone(&resource));
        let rule = invariants().find(|rule| rule.key == key).expect(&key);
        assert!(
            short.iter().any(|(found, _, is_warning)| *found == key && *is_warning == rule.is_warning),
            "{key} of {path} is not told: {short:?} {resource}"
        );
        assert_eq!(short, plain, "{key}: {resource}");
        shown.insert((key, path));
    }
    for invariant in invariants().filter(|rule| !BY_THE_WALK.contains(&rule.key) && !REPEATED.contains(&rule.path)) {
        if invariant.key == UNBREAKABLE {
            continue;
        }
        let of_key = |(key, path): &(String, String)| {
            *key == invariant.key && (*path == invariant.path || invariant.path.starts_with(path.as_str()))
        };
        let is_shown = shown.iter().any(of_key);
        assert!(is_shown, "nothing breaks {} of {}", invariant.key, invariant.path);
    }
}

#[test]
fn advice_is_given_where_it_is_asked_for_only() {
    let patient = json!({"resourceType": "Patient"});
    assert!(validate::structural(&patient).is_empty());
    let advice = validate::advised(&patient, Options::default());
    assert_eq!(told(&advice), BTreeSet::from([("dom-6".to_owned(), "Patient".to_owned(), true)]));
}

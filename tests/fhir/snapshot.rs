//! Snapshots made here say what the published ones say (R4 `profiling.html#snapshot`; BALP as IHE publishes it).

use std::collections::BTreeMap;

use espace::fhir::codec::json;
use espace::fhir::validate::package::snapshot;
use serde_json::{Value, json};

use crate::support::shared::{shared, skipped};

/// The definitions of a package by their URLs.
fn definitions(folders: &[&str]) -> Option<BTreeMap<String, Value>> {
    let Some(shared) = shared() else {
        skipped("packages");
        return None;
    };
    let mut all = BTreeMap::new();
    for folder in folders {
        for file in std::fs::read_dir(shared.join("packages").join(folder)).unwrap() {
            let resource = json::parse(&std::fs::read(file.unwrap().path()).unwrap()).unwrap();
            if resource["resourceType"] == "StructureDefinition" {
                all.insert(resource["url"].as_str().unwrap().to_owned(), resource);
            }
        }
    }
    Some(all)
}

/// What a snapshot asks of an element, without texts and without what R4's own tables do not hold.
fn asked(element: &Value) -> Value {
    let mut asked = json!({});
    for (key, value) in element.as_object().unwrap() {
        let is_kept = ["path", "sliceName", "min", "max", "contentReference"].contains(&key.as_str())
            || key.starts_with("fixed")
            || key.starts_with("pattern");
        if is_kept {
            let text = value.as_str().map(|text| text.rsplit_once('#').map_or(text, |(_, target)| target));
            asked[key] = text.map_or_else(|| value.clone(), Value::from);
        }
    }
    let types = element["type"].as_array().into_iter().flatten();
    // The system types of FHIRPath stand for R4's own.
    let types = types.filter(|kind| !kind["code"].as_str().unwrap().contains("fhirpath"));
    let sorted = |list: &Value| {
        let mut all: Vec<&str> = list.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        all.sort_unstable();
        // The base of the tool that made them had targets of its own.
        all.retain(|url| {
            !["/Resource", "/Subscription", "/Bot", "/ClientApplication"].iter().any(|end| url.ends_with(end))
        });
        json!(all)
    };
    let types: Vec<Value> = types
        .filter(|kind| !matches!(kind["code"].as_str(), Some("uri" | "id" | "string")))
        .map(|kind| json!([kind["code"], sorted(&kind["profile"]), sorted(&kind["targetProfile"])]))
        .collect();
    // A canonical's targets are not held to.
    let is_canonical = types.iter().any(|kind| kind[0] == "canonical");
    if !types.is_empty() && !is_canonical {
        asked["type"] = json!(types);
    }
    let strength = element["binding"]["strength"].as_str();
    if let (Some(strength @ ("required" | "extensible")), Some(set)) =
        (strength, element["binding"]["valueSet"].as_str())
    {
        asked["binding"] = json!([strength, set.split('|').next()]);
    }
    if element["slicing"]["rules"] == "closed" {
        asked["closed"] = json!(true);
    }
    asked
}

fn by_id(elements: &[Value]) -> BTreeMap<&str, Value> {
    elements.iter().map(|element| (element["id"].as_str().unwrap(), asked(element))).collect()
}

#[test]
fn snapshots_of_balp_are_made_again_as_they_were_published() {
    let Some(all) = definitions(&["ihe.iti.balp"]) else { return };
    let (mut compared, mut differing) = (0, Vec::new());
    for (url, definition) in &all {
        let published = definition["snapshot"]["element"].as_array().unwrap();
        let made = snapshot::generate(definition, &|url| all.get(url.split('|').next()?)).expect(url);
        let (made, published) = (by_id(&made), by_id(published));
        let missing: Vec<_> = published.keys().filter(|id| !made.contains_key(*id)).collect();
        let own = url.rsplit('/').next().unwrap();
        differing.extend(missing.iter().map(|id| format!("{own} lacks {id}")));
        for (id, asked) in published.iter().filter(|(id, _)| made.contains_key(*id)) {
            if &made[id] != asked {
                differing.push(format!("{own} {id}: {} for {asked}", made[id]));
            }
            compared += 1;
        }
        let more: Vec<_> = made.keys().filter(|id| !published.contains_key(*id)).collect();
        differing.extend(more.iter().map(|id| format!("{own} has besides {id}")));
    }
    assert_eq!(differing, Vec::<String>::new());
    assert!(compared > 2_000, "{compared} elements");
}

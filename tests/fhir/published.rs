//! Our tables of MHD say what IHE's published definitions say: min, max, fixed values and aggregation (ihe §1.2-1.3).

use espace::fhir::definition::profile::{Constraint, Profile, Rule, discriminators};
use serde_json::Value;

use crate::support::shared::sample;

const MHD: &str = "https://profiles.ihe.net/ITI/MHD/StructureDefinition/";

const PROFILES: [&str; 10] = [
    "IHE.MHD.Minimal.DocumentReference",
    "IHE.MHD.UnContained.Comprehensive.DocumentReference",
    "IHE.MHD.Comprehensive.DocumentReference",
    "IHE.MHD.SimplifiedPublish.DocumentReference",
    "IHE.MHD.List",
    "IHE.MHD.Minimal.SubmissionSet",
    "IHE.MHD.UnContained.Comprehensive.SubmissionSet",
    "IHE.MHD.Comprehensive.SubmissionSet",
    "IHE.MHD.Minimal.Folder",
    "IHE.MHD.Comprehensive.Folder",
];

/// `List.extension:designationType` as our tables write it.
fn path_of(id: &str) -> String {
    let (_, path) = id.split_once('.').expect("not the root");
    let step = |step: &str| step.split_once(':').map_or(step.to_owned(), |(name, slice)| format!("{name}[{slice}]"));
    path.split('.').map(step).collect::<Vec<_>>().join(".")
}

fn is_not_root(element: &&Value) -> bool {
    element["id"].as_str().unwrap().contains('.')
}

/// What the definition asks of an element, as constraints of ours.
fn asked(element: &Value) -> Vec<Constraint> {
    let mut asked = Vec::new();
    if let Some(min) = element["min"].as_u64().filter(|min| *min > 0) {
        asked.push(Constraint::Min(u16::try_from(min).unwrap()));
    }
    if let Some(max) = element["max"].as_str().and_then(|max| max.parse().ok()) {
        asked.push(Constraint::Max(max));
    }
    for name in ["patternCode", "fixedCode", "fixedUri"] {
        asked.extend(element[name].as_str().map(|text| Constraint::Fixed(text.to_owned().leak())));
    }
    if element["type"][0]["aggregation"][0] == "contained" {
        asked.push(Constraint::Contained);
    }
    asked
}

fn holds(rules: &[Rule], path: &str, wanted: Constraint) -> bool {
    rules.iter().any(|rule| rule.path == path && rule.constraint == wanted)
}

#[test]
fn mhd_tables_hold_every_cardinality_fixed_value_and_aggregation_published() {
    for name in PROFILES {
        let Some(bytes) = sample(&format!("packages/ihe.iti.mhd/StructureDefinition-{name}.json")) else { return };
        let definition: Value = serde_json::from_slice(&bytes).unwrap();
        let rules: Vec<Rule> = Profile::find(&format!("{MHD}{name}"), 1).expect(name).rules().collect();
        for element in definition["differential"]["element"].as_array().unwrap().iter().filter(is_not_root) {
            let path = path_of(element["id"].as_str().unwrap());
            for wanted in asked(element) {
                // The sum of the slices' minima, told slice by slice.
                let is_sum = path == "extension" && matches!(wanted, Constraint::Min(_));
                assert!(is_sum || holds(&rules, &path, wanted), "{name}: {path} {wanted:?}");
            }
        }
    }
}

#[test]
fn tables_ask_nothing_that_no_definition_asks() {
    let mut published: Vec<(String, Constraint)> = Vec::new();
    for name in PROFILES {
        let Some(bytes) = sample(&format!("packages/ihe.iti.mhd/StructureDefinition-{name}.json")) else { return };
        let definition: Value = serde_json::from_slice(&bytes).unwrap();
        for element in definition["differential"]["element"].as_array().unwrap().iter().filter(is_not_root) {
            let path = path_of(element["id"].as_str().unwrap());
            published.extend(asked(element).into_iter().map(|wanted| (path.clone(), wanted)));
        }
    }
    for name in PROFILES {
        for rule in Profile::find(&format!("{MHD}{name}"), 1).expect(name).rules() {
            let comparable = matches!(rule.constraint, Constraint::Min(_) | Constraint::Max(_) | Constraint::Contained);
            // What a profile of Identifier asks stands in its own definition.
            let of_identifier = rule.path.starts_with("masterIdentifier.") || rule.path.starts_with("identifier[");
            let known = published.iter().any(|(path, wanted)| path == rule.path && *wanted == rule.constraint);
            assert!(!comparable || of_identifier || known, "{name}: {} {:?}", rule.path, rule.constraint);
        }
    }
}

#[test]
fn every_slice_a_rule_names_has_its_discriminators() {
    for canonical in Profile::all() {
        for rule in [1, 2].into_iter().filter_map(|pack| Profile::find(canonical, pack)).flat_map(Profile::rules) {
            for step in rule.path.split('.') {
                let slice = step.strip_suffix(']').and_then(|step| step.split_once('[')).map(|(_, slice)| slice);
                assert!(slice.is_none_or(|slice| discriminators(slice).is_some()), "{canonical}: {step}");
            }
        }
    }
}

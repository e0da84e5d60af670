//! The HL7 FHIRPath suite for R4, all of it; what fails is listed with its reason (FHIRPath N1).

use std::collections::{BTreeMap, BTreeSet};

use espace::fhir::codec::json;
use espace::fhir::path::{Environment, Item, Query};
use serde_json::Value;

/// The list of what fails may only shrink.
const MOST_FAILING: usize = 22;
/// Cases of the suite: none may get lost.
const CASES: usize = 1055;

struct Suite {
    inputs: BTreeMap<String, Value>,
    now: jiff::Zoned,
}

fn folder() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fhir/path-suite")
}

impl Suite {
    fn new() -> Self {
        let read = |entry: std::io::Result<std::fs::DirEntry>| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, json::parse(&std::fs::read(entry.path()).unwrap()).unwrap())
        };
        let inputs = std::fs::read_dir(folder().join("input")).unwrap().map(read).collect();
        Self { inputs, now: "2026-07-01T10:30:00.125+02:00[Europe/Paris]".parse().unwrap() }
    }

    /// What is wrong with the answer to a case.
    fn fault(&self, case: &Value) -> Option<String> {
        let text = |name: &str| case[name].as_str();
        let expression = text("expression").unwrap();
        let is_invalid = text("invalid").is_some();
        let input = text("input").map_or(&Value::Null, |name| &self.inputs[name]);
        let found = self.answer(case, expression, input);
        match (found, is_invalid) {
            (Err(_), true) => None,
            (Err(error), false) => Some(error),
            (Ok(_), true) => Some("an error is expected".to_owned()),
            (Ok(found), false) => compared(case, found),
        }
    }

    fn answer<'v>(&'v self, case: &Value, expression: &str, input: &'v Value) -> Result<Vec<Item<'v>>, String> {
        let query = Query::compile(expression).map_err(|error| error.to_string())?;
        let printed = query.to_string();
        assert_eq!(Query::compile(&printed).as_ref(), Ok(&query), "{expression}: printed as {printed}");
        let environment = Environment::of(input).at(self.now.clone()).strict();
        let focus = match case["context"].as_str() {
            Some(context) => Query::compile(context).unwrap().run(&environment, input, None).unwrap(),
            None => Query::compile("$this").unwrap().run(&environment, input, None).unwrap(),
        };
        query.run_on(&environment, &focus).map_err(|error| error.to_string())
    }
}

fn compared(case: &Value, found: Vec<Item<'_>>) -> Option<String> {
    let told: Vec<String> = found.iter().map(|item| item.text().unwrap_or_else(|| item.json().to_string())).collect();
    if case["predicate"] == true {
        let is_true = told.first().is_some_and(|text| told.len() > 1 || text != "false");
        let expected = case["outputs"][0][1] == "true";
        return (is_true != expected).then(|| format!("found {told:?}"));
    }
    let expected = case["outputs"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut expected: Vec<(String, String)> = expected
        .iter()
        .map(|output| (output[0].as_str().unwrap().to_owned(), output[1].as_str().unwrap().to_owned()))
        .collect();
    let mut found: Vec<(String, String)> =
        found.iter().zip(told).map(|(item, text)| (format!("{item:?}"), text)).collect();
    if case["ordered"] == false {
        expected.sort_by(|a, b| a.1.cmp(&b.1));
        found.sort_by(|a, b| a.1.cmp(&b.1));
    }
    let agrees = |((kind, text), (wanted, expected)): (&(String, String), &(String, String))| {
        let expected = expected.strip_prefix("@T").or_else(|| expected.strip_prefix('@')).unwrap_or(expected);
        let kind = kind.to_lowercase();
        let of_kind = wanted.is_empty() || kind.ends_with(&format!(".{})", wanted.to_lowercase()));
        let numbers = || Some((text.parse::<f64>().ok()? - expected.parse::<f64>().ok()?).abs() < 1e-12);
        of_kind && (text == expected || numbers() == Some(true))
    };
    let all = found.len() == expected.len() && found.iter().zip(&expected).all(agrees);
    (!all).then(|| format!("found {found:?}"))
}

#[test]
fn the_suite_is_answered_as_it_expects_but_where_the_list_says_why() {
    let suite = Suite::new();
    let cases = std::fs::read_to_string(folder().join("cases.ndjson")).unwrap();
    let cases: Vec<Value> = cases.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(cases.len(), CASES);
    let mut faults = BTreeMap::new();
    for case in &cases {
        if let Some(fault) = suite.fault(case) {
            faults.insert(case["id"].as_str().unwrap().to_owned(), format!("{} {fault}", case["expression"]));
        }
    }
    let listed = std::fs::read_to_string(folder().join("failing.csv")).unwrap();
    let listed: BTreeSet<String> =
        listed.lines().skip(1).map(|line| line.split_once(',').expect("a case and its reason").0.to_owned()).collect();
    let anew: Vec<_> = faults.iter().filter(|(case, _)| !listed.contains(*case)).collect();
    assert!(anew.is_empty(), "{} fail that are not listed: {anew:#?}", anew.len());
    let no_more: Vec<_> = listed.iter().filter(|case| !faults.contains_key(*case)).collect();
    assert!(no_more.is_empty(), "these pass, take them off the list: {no_more:?}");
    assert!(listed.len() <= MOST_FAILING, "the list may only shrink: {}", listed.len());
}

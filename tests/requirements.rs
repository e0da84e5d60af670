//! The form of conformance/requirements/*.csv (conformance/README.md, "The requirement lists").
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

const HEADER: [&str; 6] = ["id", "level", "source", "text", "state", "proof"];
const LEVELS: [&str; 7] = ["shall", "shall-not", "should", "may", "option", "law", "house"];
const STATES: [&str; 2] = ["delivered", "later"];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("conformance/requirements")
}

/// The records of a CSV text with RFC 4180 quoting, each with its line number.
fn records(text: &str) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    let (mut line, mut start) = (1, 1);
    let (mut record, mut cell, mut is_quoted) = (Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        line += usize::from(c == '\n');
        match c {
            '"' if is_quoted && chars.next_if_eq(&'"').is_some() => cell.push('"'),
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => record.push(std::mem::take(&mut cell)),
            '\n' if !is_quoted => {
                record.push(std::mem::take(&mut cell));
                found.push((start, std::mem::take(&mut record)));
                start = line;
            }
            c => cell.push(c),
        }
    }
    assert!(!is_quoted && cell.is_empty() && record.is_empty(), "the last record is not closed");
    found
}

/// What is wrong with one record, in words.
fn faults(record: &[String]) -> Vec<String> {
    let [id, level, source, text, state, proof] = record else {
        return vec![format!("{} cells instead of 6", record.len())];
    };
    let mut wrong = Vec::new();
    if !is_id(id) {
        wrong.push(format!("`{id}` is not an id like MHD-65-01"));
    }
    if !LEVELS.contains(&level.as_str()) {
        wrong.push(format!("{id}: unknown level `{level}`"));
    }
    if !STATES.contains(&state.as_str()) {
        wrong.push(format!("{id}: unknown state `{state}`"));
    }
    if source.trim().is_empty() {
        wrong.push(format!("{id}: no source"));
    }
    if text.trim().len() < 20 || text.contains('\n') {
        wrong.push(format!("{id}: the text is not a sentence on one line"));
    }
    wrong.extend(proof.split_whitespace().filter_map(unproven).map(|why| format!("{id}: {why}")));
    wrong
}

/// `WORD-WORD-NN`: capitals and digits, at least two parts, the last one a number.
fn is_id(id: &str) -> bool {
    let parts: Vec<&str> = id.split('-').collect();
    let is_word = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    parts.len() >= 2
        && parts.iter().all(is_word)
        && parts.last().is_some_and(|last| last.chars().all(|c| c.is_ascii_digit()))
}

/// Why `tests/room/file.rs` or `tests/room/file.rs::test_name` proves nothing.
fn unproven(proof: &str) -> Option<String> {
    let (file, test) = proof.split_once("::").map_or((proof, None), |(file, test)| (file, Some(test)));
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file);
    let Ok(code) = fs::read_to_string(&path) else {
        return Some(format!("its proof `{file}` does not exist"));
    };
    let test = test?;
    (!code.contains(&format!("fn {test}("))).then(|| format!("its proof `{file}` has no test `{test}`"))
}

fn lists() -> BTreeMap<String, Vec<(usize, Vec<String>)>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        found.insert(name, records(&fs::read_to_string(&path).unwrap()));
    }
    found
}

#[test]
fn every_requirement_is_well_formed_and_its_proof_exists() {
    let mut wrong = Vec::new();
    for (name, records) in lists() {
        let header = records.first().map(|(_, header)| header.as_slice()).unwrap_or_default();
        assert!(header.iter().eq(HEADER.iter()), "{name}: the header is {header:?}");
        assert!(records.len() > 1, "{name} is empty");
        for (line, record) in records.iter().skip(1) {
            wrong.extend(faults(record).into_iter().map(|why| format!("{name}:{line}: {why}")));
        }
    }
    assert!(wrong.is_empty(), "requirements:\n  {}", wrong.join("\n  "));
}

#[test]
fn no_requirement_id_is_given_twice() {
    let mut seen = BTreeSet::new();
    for (name, records) in lists() {
        for (line, record) in records.iter().skip(1) {
            let id = record.first().cloned().unwrap_or_default();
            assert!(seen.insert(id.clone()), "{name}:{line}: {id} is given twice");
        }
    }
}

#[test]
fn the_six_lists_of_the_first_delivery_are_there() {
    let names: Vec<String> = lists().into_keys().collect();
    for name in ["audit.csv", "mes.csv", "mhd.csv", "pdsm.csv", "rest.csv", "tls-tokens.csv"] {
        assert!(names.iter().any(|found| found == name), "{name} is missing");
    }
}

#[test]
fn a_malformed_requirement_is_told() {
    let record = |line: &str| records(line).remove(0).1;
    let good = "MHD-65-01,shall,MHD 1.2,\"A sentence, long enough, with \"\"quotes\"\".\",delivered,\n";
    assert_eq!(faults(&record(good)), Vec::<String>::new());
    for (from, to) in [
        ("MHD-65-01", "mhd-65"),
        (",shall,", ",must,"),
        ("delivered", "soon"),
        ("MHD 1.2", ""),
        ("delivered,", "delivered,tests/nowhere.rs"),
        ("delivered,", "delivered,tests/requirements.rs::no_such_test"),
        ("delivered,", "delivered,tests/requirements.rs::a_malformed_requirement_is_told tests/nowhere.rs"),
    ] {
        assert_eq!(faults(&record(&good.replace(from, to))).len(), 1, "{to}");
    }
}

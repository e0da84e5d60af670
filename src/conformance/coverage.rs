//! Which requirements of `conformance/requirements/*.csv` have a script (its README, "The requirement lists").

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::script::Script;
use super::suite::Files;

/// A requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// Its list, `mhd`.
    pub list: String,
    /// Its id.
    pub id: String,
    /// Level.
    pub level: String,
    /// Where it comes from.
    pub source: String,
    /// What is required.
    pub text: String,
    /// Whether it is delivered.
    pub is_delivered: bool,
}

/// Every requirement, in the order of the lists.
pub fn requirements(files: &Files) -> Vec<Requirement> {
    let mut found = Vec::new();
    for (path, bytes) in
        files.under("requirements/").filter(|(path, _)| Path::new(path).extension().is_some_and(|kind| kind == "csv"))
    {
        let list = path.trim_start_matches("requirements/").trim_end_matches(".csv");
        for record in records(&String::from_utf8_lossy(bytes)).into_iter().skip(1) {
            if let [id, level, source, text, state, _proof] = record.as_slice() {
                found.push(Requirement {
                    list: list.to_owned(),
                    id: id.clone(),
                    level: level.clone(),
                    source: source.clone(),
                    text: text.clone(),
                    is_delivered: state == "delivered",
                });
            }
        }
    }
    found
}

/// The tests (`SUITE/SCRIPT: test`) that claim each requirement.
pub fn claims(scripts: &[Script]) -> BTreeMap<&str, Vec<String>> {
    let mut claims: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for script in scripts {
        for test in &script.tests {
            for id in &test.requirements {
                claims.entry(id).or_default().push(format!("{}: {}", script.path, test.name));
            }
        }
    }
    claims
}

/// What is claimed and is no requirement.
pub fn unknown(files: &Files, scripts: &[Script]) -> Vec<String> {
    let known: BTreeSet<String> = requirements(files).into_iter().map(|requirement| requirement.id).collect();
    claims(scripts).into_keys().filter(|id| !known.contains(*id)).map(str::to_owned).collect()
}

/// The suites with their scripts and tests, then each list of requirements with what proves it.
pub fn page(files: &Files, scripts: &[Script]) -> String {
    let mut lines = Vec::new();
    let suites: BTreeSet<&str> = scripts.iter().map(Script::suite).collect();
    for suite in suites {
        lines.push(suite.to_owned());
        for script in scripts.iter().filter(|script| script.suite() == suite) {
            lines.push(format!("  {} ({} tests): {}", script.name, script.tests.len(), script.title));
        }
    }
    let (claims, requirements) = (claims(scripts), requirements(files));
    let lists: BTreeSet<&str> = requirements.iter().map(|requirement| requirement.list.as_str()).collect();
    lines.push(String::new());
    for list in lists {
        let delivered: Vec<_> = requirements.iter().filter(|row| row.list == list && row.is_delivered).collect();
        let proven = delivered.iter().filter(|row| claims.contains_key(row.id.as_str())).count();
        let later = requirements.iter().filter(|row| row.list == list && !row.is_delivered).count();
        lines.push(format!(
            "{list}: {proven} of {} delivered requirements have a script; {later} come later",
            delivered.len()
        ));
        for row in requirements.iter().filter(|row| row.list == list) {
            let proofs = claims.get(row.id.as_str());
            let mark = match (proofs.is_some(), row.is_delivered) {
                (true, _) => "+",
                (false, true) => "-",
                (false, false) => "later",
            };
            lines.push(format!("  {mark:<5} {} [{}; {}] {}", row.id, row.level, row.source, row.text));
            lines.extend(proofs.into_iter().flatten().map(|proof| format!("        {proof}")));
        }
    }
    lines.join("\n")
}

/// The records of a CSV text with RFC 4180 quoting.
fn records(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let (mut record, mut cell, mut is_quoted) = (Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(letter) = chars.next() {
        match letter {
            '"' if is_quoted && chars.next_if_eq(&'"').is_some() => cell.push('"'),
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => record.push(std::mem::take(&mut cell)),
            '\n' if !is_quoted => {
                record.push(std::mem::take(&mut cell));
                found.push(std::mem::take(&mut record));
            }
            letter => cell.push(letter),
        }
    }
    found
}

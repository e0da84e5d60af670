//! Every published R4 example is judged; the files flagged are known by name (spec/fhir-r4 §1, §4.6).
//!
//! `ESPACE_FHIR_EXAMPLES` names the unpacked `package/` folder of npm `hl7.fhir.r4.examples` 4.0.1.
#![expect(clippy::disallowed_macros, reason = "on demand, a sweep tells what it found")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use espace::error::Issue;
use espace::fhir::codec::json;
use espace::fhir::validate::{self, Options};
use serde_json::Value;

use crate::support::shared::skipped;

/// The shorter ways of invariants tell what their expressions do.
fn shortcuts_agree(name: &str, resource: &Value) {
    let told = |issues: Vec<Issue>| -> BTreeSet<String> {
        issues.iter().map(|issue| format!("{:?} {:?} {}", issue.rule, issue.path, issue.is_warning)).collect()
    };
    let plain = told(validate::by_expressions_alone(resource));
    assert_eq!(told(validate::advised(resource, Options::default())), plain, "{name}");
}

/// The list of files may only shrink.
const MOST_FLAGGED: usize = 29;

fn flagged_in(files: &[PathBuf]) -> BTreeSet<String> {
    let mut flagged = BTreeSet::new();
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        let bytes = std::fs::read(file).unwrap();
        let issues = match json::parse(&bytes) {
            Ok(resource) => validate::structural(&resource),
            Err(error) => error.issues().to_vec(),
        };
        if let Ok(resource) = json::parse(&bytes) {
            shortcuts_agree(name, &resource);
        }
        if let Some(issue) = issues.iter().find(|issue| !issue.is_warning) {
            if std::env::var_os("ESPACE_FHIR_EXAMPLES_VERBOSE").is_some() {
                println!("{name}: {:?} {:?} {:?} {:?}", issue.code, issue.rule, issue.path, issue.detail);
            }
            flagged.insert(name.to_owned());
        }
    }
    flagged
}

/// The resources of the package, in order; `None`, said aloud, where it is absent.
pub(super) fn files() -> Option<Vec<PathBuf>> {
    let Some(folder) = std::env::var_os("ESPACE_FHIR_EXAMPLES") else {
        skipped("the folder ESPACE_FHIR_EXAMPLES names");
        return None;
    };
    let is_resource =
        |path: &PathBuf| path.extension().is_some_and(|end| end == "json") && !path.ends_with("package.json");
    let mut files: Vec<_> = std::fs::read_dir(Path::new(&folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(is_resource);
    files.retain(|path| !path.file_name().unwrap().to_str().unwrap().starts_with('.'));
    files.sort();
    assert!(files.len() > 5000, "the whole package: {} files", files.len());
    Some(files)
}

#[test]
fn published_examples_are_flagged_only_where_their_defects_are_known() {
    let Some(files) = files() else { return };
    let (first, second) = files.split_at(files.len() / 2);
    let flagged = std::thread::scope(|scope| {
        let other = scope.spawn(|| flagged_in(second));
        let mut flagged = flagged_in(first);
        flagged.extend(other.join().unwrap());
        flagged
    });
    let known: BTreeSet<String> = include_str!("flagged.csv")
        .lines()
        .skip(1)
        .map(|line| line.split_once(',').expect("a file and its defect").0.to_owned())
        .collect();
    assert!(known.len() <= MOST_FLAGGED, "{} files", known.len());
    let anew: Vec<_> = flagged.difference(&known).collect();
    assert!(anew.is_empty(), "flagged anew: {anew:?}");
    let no_more: Vec<_> = known.difference(&flagged).collect();
    assert!(no_more.is_empty(), "no longer flagged, to be taken off the list: {no_more:?}");
}

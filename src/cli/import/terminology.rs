//! `espace import --terminology`: a newer edition of value sets and code systems, without another build (contract §2;
//! document-sharing §5).
//!
//! Each becomes a file of the folder of packages, which servers read when they start. A code that an edition names no
//! more is kept as retired: documents that were written with it stay valid, new ones are warned.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::cli::{Failure, output, package};
use crate::clock::{Clock as _, SystemClock};
use crate::fhir::codec::json;
use crate::fhir::conformance::id_of;
use crate::fhir::terminology::expand::{self, Entry};
use crate::fhir::terminology::{self, Library};
use crate::fhir::validate::package::Package;

/// Sets lead to sets: as deep as expansion goes.
const DEEPEST: usize = 8;

/// Takes the value sets and code systems of a file in: a ValueSet, a CodeSystem, a Bundle of them, or a table
/// (`system,code,display`) that is named like one of our sets.
pub(super) fn run(file: &Path, packages: &Path) -> Result<(), Failure> {
    let shown = file.display().to_string();
    let resources = resources(file, &shown)?;
    if resources.is_empty() {
        return Err(Failure::Failed(format!("{shown} holds no ValueSet and no CodeSystem")));
    }
    let known = package::read(Some(packages), &[])?;
    let mut newer = Package::default();
    for resource in &resources {
        newer.add(resource.clone());
    }
    std::fs::create_dir_all(packages).map_err(|error| Failure::from_error(&packages.display().to_string(), &error))?;
    for resource in resources {
        let text = |name: &str| resource.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (kind, url) = (text("resourceType"), text("url"));
        let (kept, said) = if kind == "ValueSet" {
            edition(&resource, &url, newer.terms(), known.terms())?
        } else {
            let count = newer.terms().system(&url).map_or(0, |system| system.concepts().len());
            (resource.clone(), format!("{count} codes"))
        };
        write(packages, &format!("{kind}-{}.json", id_of(&url)), &kept)?;
        output::say(&format!("{url}: {said}"));
    }
    output::say(&format!("kept in {}; servers read it when they start", packages.display()));
    Ok(())
}

/// The value sets and code systems of a file.
fn resources(file: &Path, shown: &str) -> Result<Vec<Value>, Failure> {
    let bytes = std::fs::read(file).map_err(|error| Failure::from_error(shown, &error))?;
    if file.extension().is_some_and(|end| end.eq_ignore_ascii_case("csv")) {
        return table(file, &bytes, shown).map(|set| vec![set]);
    }
    let resource = json::parse(&bytes).map_err(|error| Failure::from_error(shown, &error))?;
    let entries = resource.get("entry").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let inner: Vec<Value> = entries.iter().filter_map(|entry| entry.get("resource").cloned()).collect();
    let all = if inner.is_empty() { vec![resource] } else { inner };
    let is_term = |resource: &Value| {
        let kind = resource.get("resourceType").and_then(Value::as_str);
        matches!(kind, Some("ValueSet" | "CodeSystem")) && resource.get("url").is_some_and(Value::is_string)
    };
    Ok(all.into_iter().filter(is_term).collect())
}

/// A table of ours as a ValueSet: of the set whose name the file bears.
fn table(file: &Path, bytes: &[u8], shown: &str) -> Result<Value, Failure> {
    let failed = |why: &str| Failure::Failed(format!("{shown}: {why}"));
    let name = file.file_stem().map(|name| name.to_string_lossy().replace('_', "-")).unwrap_or_default();
    let set = terminology::value_sets().iter().find(|set| set.name.replace('_', "-") == name);
    let set = set.ok_or_else(|| failed("no value set of ours is called so"))?;
    let text = std::str::from_utf8(bytes).map_err(|_error| failed("not UTF-8"))?;
    let mut lines = text.lines().map(cells);
    let header = lines.next().unwrap_or_default();
    let place = |name: &str| header.iter().position(|cell| cell == name);
    let (Some(system), Some(code)) = (place("system"), place("code")) else {
        return Err(failed("its first line names no columns `system` and `code`"));
    };
    let display = place("display");
    let mut concepts = Vec::new();
    for line in lines.filter(|line| line.iter().any(|cell| !cell.is_empty())) {
        let cell = |place: usize| line.get(place).filter(|cell| !cell.is_empty());
        let (Some(system), Some(code)) = (cell(system), cell(code)) else {
            return Err(failed("a line without system or code"));
        };
        let mut one = json!({ "system": system, "code": code });
        if let (Some(one), Some(display)) = (one.as_object_mut(), display.and_then(cell)) {
            one.insert("display".to_owned(), display.as_str().into());
        }
        concepts.push(one);
    }
    Ok(json!({"resourceType": "ValueSet", "url": set.url, "name": set.name.replace('-', "_"), "status": "active",
        "expansion": {"timestamp": SystemClock.now().to_string(), "contains": concepts}}))
}

/// The cells of a line of CSV, quoted or not (RFC 4180).
fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut is_quoted) = (vec![String::new()], false);
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if is_quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cells.last_mut().into_iter().for_each(|cell| cell.push('"'));
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => cells.push(String::new()),
            letter => cells.last_mut().into_iter().for_each(|cell| cell.push(letter)),
        }
    }
    cells
}

/// The new edition of a set, with the codes that it names no more: what is kept, and what is said of it.
fn edition(set: &Value, url: &str, newer: &Library, known: &Library) -> Result<(Value, String), Failure> {
    let failed = |why: expand::Unlisted| Failure::Failed(format!("{url}: {why}"));
    let now = expand::entries(newer, url, None, DEEPEST).map_err(failed)?;
    let before = expand::entries(known, url, None, DEEPEST).unwrap_or_default();
    let built_in = expand::entries(built_in_tables(), url, None, DEEPEST).unwrap_or_default();
    let is_in = |all: &[Entry<'_>], one: &Entry<'_>| {
        all.iter().any(|known| known.code == one.code && terminology::is_same_system(known.system, one.system))
    };
    let mut retired: Vec<Entry<'_>> = Vec::new();
    for old in before.iter().chain(&built_in) {
        if !is_in(&now, old) && !is_in(&retired, old) {
            retired.push(*old);
        }
    }
    let new = now.iter().filter(|one| !is_in(&before, one)).count();
    let listed = now.iter().map(|one| entry(one, one.is_retired)).chain(retired.iter().map(|one| entry(one, true)));
    let mut kept = set.clone();
    if let Some(kept) = kept.as_object_mut() {
        kept.shift_remove("compose");
        let at = SystemClock.now().to_string();
        let expansion = json!({"timestamp": at, "total": now.len(), "contains": listed.collect::<Vec<_>>()});
        kept.insert("expansion".to_owned(), expansion);
    }
    Ok((kept, format!("{} codes, {new} new, {} retired", now.len(), retired.len())))
}

/// The built-in tables alone.
fn built_in_tables() -> &'static Library {
    Package::none().terms()
}

fn entry(one: &Entry<'_>, is_retired: bool) -> Value {
    let mut made = Map::new();
    made.insert("system".to_owned(), one.system.into());
    if is_retired {
        made.insert("inactive".to_owned(), true.into());
    }
    made.insert("code".to_owned(), one.code.into());
    made.extend(one.display.map(|display| ("display".to_owned(), display.into())));
    Value::Object(made)
}

/// Writes a file whole or not at all: a server may start meanwhile.
fn write(folder: &Path, name: &str, resource: &Value) -> Result<(), Failure> {
    let (made, place) = (folder.join(format!(".{name}")), folder.join(name));
    let failed = |error: std::io::Error| Failure::from_error(&place.display().to_string(), &error);
    std::fs::write(&made, resource.to_string()).map_err(failed)?;
    std::fs::rename(&made, &place).map_err(failed)
}

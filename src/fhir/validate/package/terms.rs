//! The value sets of a package, as far as they can be listed (R4 `valueset.html#compose`).

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::bare;
use crate::fhir::datatype::Coding;
use crate::fhir::terminology;

/// Sets may include sets: no deeper than this.
const DEEPEST: usize = 8;
/// No code system is nested deeper.
const DEEPEST_CONCEPT: usize = 40;

#[derive(Default)]
pub(super) struct Terms {
    systems: HashMap<String, HashSet<String>>,
    sets: HashMap<String, Value>,
}

/// What a text, a Coding or a CodeableConcept says.
type Said<'v> = (Option<&'v str>, &'v str);

impl Terms {
    pub(super) fn add_set(&mut self, url: String, resource: &Value) {
        self.sets.insert(url, resource.clone());
    }

    /// Only a system that holds all its codes can tell.
    pub(super) fn add_system(&mut self, url: String, resource: &Value) {
        if resource.get("content").and_then(Value::as_str) == Some("complete") {
            let mut codes = HashSet::new();
            concepts(resource, &mut codes, DEEPEST_CONCEPT);
            self.systems.insert(url, codes);
        }
    }

    /// Whether a coded value is in a set; `None` where nothing here can tell, or nothing is coded.
    pub(super) fn has(&self, set: &str, value: &Value) -> Option<bool> {
        let said = said(value);
        if said.is_empty() {
            return None;
        }
        let found: Vec<Option<bool>> = said.iter().map(|said| self.member(bare(set), *said, DEEPEST)).collect();
        if found.contains(&Some(true)) {
            return Some(true);
        }
        found.iter().all(Option::is_some).then_some(false)
    }

    fn member(&self, set: &str, said: Said<'_>, depth: usize) -> Option<bool> {
        let Some(resource) = self.sets.get(set).filter(|_| depth > 0) else {
            let known = terminology::value_set(set).filter(|known| known.is_complete)?;
            return said.0.map(|system| known.contains(system, said.1));
        };
        let parts = |name: &str| resource.pointer(&format!("/compose/{name}")).and_then(Value::as_array);
        if let Some(listed) = resource.pointer("/expansion/contains").and_then(Value::as_array) {
            return Some(listed.iter().any(|one| Coding::of(one).is_some_and(|coding| agrees(coding, said))));
        }
        let any = |name: &str| {
            let mut all_told = true;
            for part in parts(name).into_iter().flatten() {
                match self.part(part, said, depth) {
                    Some(true) => return Some(true),
                    Some(false) => {}
                    None => all_told = false,
                }
            }
            all_told.then_some(false)
        };
        if any("exclude")? { Some(false) } else { any("include") }
    }

    /// One include or exclude: a system, whole or by its codes, and the sets a code must be in as well.
    fn part(&self, part: &Value, said: Said<'_>, depth: usize) -> Option<bool> {
        if part.get("filter").is_some() {
            return None;
        }
        for set in part.get("valueSet").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            if !self.member(bare(set), said, depth - 1)? {
                return Some(false);
            }
        }
        let Some(system) = part.get("system").and_then(Value::as_str) else { return Some(true) };
        if said.0.is_some_and(|said| said != system) {
            return Some(false);
        }
        match part.get("concept").and_then(Value::as_array) {
            Some(listed) => Some(listed.iter().any(|one| one.get("code").and_then(Value::as_str) == Some(said.1))),
            None => self.systems.get(system).map(|codes| codes.contains(said.1)),
        }
    }
}

fn agrees(coding: Coding<'_>, said: Said<'_>) -> bool {
    coding.code == Some(said.1) && said.0.is_none_or(|system| coding.system == Some(system))
}

fn said(value: &Value) -> Vec<Said<'_>> {
    if let Some(code) = value.as_str() {
        return vec![(None, code)];
    }
    let own = Coding::of(value).filter(|coding| coding.code.is_some());
    let all = own.into_iter().chain(Coding::all_of(value));
    all.filter_map(|coding| Some((coding.system, coding.code?))).collect()
}

fn concepts(holder: &Value, codes: &mut HashSet<String>, depth: usize) {
    if depth == 0 {
        return;
    }
    for concept in holder.get("concept").and_then(Value::as_array).into_iter().flatten() {
        codes.extend(concept.get("code").and_then(Value::as_str).map(str::to_owned));
        concepts(concept, codes, depth - 1);
    }
}

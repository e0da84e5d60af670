//! Code systems and value sets read from outside, over the French tables and those of R4 (R4 `valueset.html`).

mod compose;
mod system;

use std::collections::HashMap;

use serde_json::Value;

use self::system::System;
use crate::fhir::datatype::Coding;
use crate::fhir::definition;

/// Sets may include sets: no deeper than this.
pub(super) const DEEPEST: usize = 8;

/// Whether a code is in a value set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Membership {
    /// It is.
    In,
    /// It was, and is to be used no more.
    Retired,
    /// It is not.
    Out,
    /// Nothing here can tell.
    Untold,
}

/// What a text, a Coding or a CodeableConcept says: a system, where one is named, and a code.
pub(super) type Said<'v> = (Option<&'v str>, &'v str);

/// Definitions of terms read from outside; what they do not name, the French tables and those of R4 tell.
#[derive(Default)]
pub struct Library {
    systems: HashMap<String, System>,
    sets: HashMap<String, Value>,
}

impl Library {
    /// Takes a ValueSet in; the last of a URL stands.
    pub fn add_set(&mut self, url: &str, resource: Value) {
        self.sets.insert(url.to_owned(), resource);
    }

    /// Takes a CodeSystem in; one without concepts says nothing, and leaves what is known.
    pub fn add_system(&mut self, url: &str, resource: &Value) {
        let system = System::read(url, resource);
        if !system.concepts().is_empty() {
            self.systems.insert(url.to_owned(), system);
        }
    }

    /// The code system of a URL, by any spelling of it.
    pub fn system(&self, url: &str) -> Option<&System> {
        let url = bare(url);
        self.systems.get(url).or_else(|| self.systems.get(super::canonical_system(url)?))
    }

    /// The ValueSet of a URL, as it was read.
    pub fn set(&self, url: &str) -> Option<&Value> {
        self.sets.get(bare(url))
    }

    /// Every code system, by URL.
    pub fn systems(&self) -> impl Iterator<Item = (&str, &System)> {
        self.systems.iter().map(|(url, system)| (url.as_str(), system))
    }

    /// Every ValueSet, by URL.
    pub fn sets(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.sets.iter().map(|(url, set)| (url.as_str(), set))
    }

    /// Whether a coded value is in a set: a code, a Coding, or one at least of the codings of a CodeableConcept.
    pub fn has(&self, set: &str, value: &Value) -> Membership {
        let said = said(value);
        if said.is_empty() {
            return Membership::Untold;
        }
        let mut all = Membership::Out;
        for said in said {
            match self.member(set, said, DEEPEST) {
                Membership::In => return Membership::In,
                Membership::Retired => all = Membership::Retired,
                Membership::Untold if all == Membership::Out => all = Membership::Untold,
                _ => {}
            }
        }
        all
    }

    /// Whether a code is in a set.
    pub fn holds(&self, set: &str, system: Option<&str>, code: &str) -> Membership {
        self.member(set, (system, code), DEEPEST)
    }

    pub(super) fn member(&self, set: &str, said: Said<'_>, depth: usize) -> Membership {
        let set = bare(set);
        let built_in = || built_in(set, said);
        let Some(resource) = self.sets.get(set).filter(|_| depth > 0) else { return built_in() };
        match compose::member(self, resource, said, depth) {
            // A set that replaces one of ours retires what it does not name any more.
            Membership::Out if built_in() == Membership::In => Membership::Retired,
            Membership::Untold => built_in(),
            told => told,
        }
    }
}

/// What the French tables, then those of R4, tell.
fn built_in(set: &str, said: Said<'_>) -> Membership {
    if let Some(known) = super::value_set(set) {
        let Some(system) = said.0 else { return Membership::Untold };
        return match known.contains(system, said.1) {
            true => Membership::In,
            false if known.is_complete => Membership::Out,
            false => Membership::Untold,
        };
    }
    match definition::ValueSet::find(set).filter(|set| set.is_listed()) {
        Some(known) if known.has(said.0, said.1) => Membership::In,
        Some(_) => Membership::Out,
        None => Membership::Untold,
    }
}

/// A canonical URL without its version.
pub(super) fn bare(canonical: &str) -> &str {
    canonical.split_once('|').map_or(canonical, |(url, _)| url)
}

fn said(value: &Value) -> Vec<Said<'_>> {
    if let Some(code) = value.as_str() {
        return vec![(None, code)];
    }
    let own = Coding::of(value).filter(|coding| coding.code.is_some());
    let all = own.into_iter().chain(Coding::all_of(value));
    all.filter_map(|coding| Some((coding.system, coding.code?))).collect()
}

//! Definitions that come with packages: profiles, value sets, code systems (R4 `profiling.html`).
//!
//! A profile without a snapshot gets one ([`snapshot`]); each is then a tree of what it asks, held to by `judge`:
//! cardinality, types, fixed values and patterns, slices by every discriminator, bindings, targets of references,
//! profiles of types, aggregation, lengths and bounds, expressions.

mod element;
mod judge;
mod relief;
mod slicing;
pub mod snapshot;
mod tree;

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::Value;

pub(super) use self::element::R4;
pub(super) use self::judge::Judge;
use self::tree::Definition;
use self::tree::Node;
use super::path::Path;
use super::reference::Scope;
use crate::error::Issue;
use crate::fhir::definition::Type;
use crate::fhir::terminology::packaged::Library;

/// Longest chain of profiles, each of which derives from the next.
const LONGEST_CHAIN: usize = 16;

/// Definitions read from outside: profiles, value sets, code systems, and what else is published of a kind that we serve.
#[derive(Default)]
pub struct Package {
    raw: HashMap<String, Value>,
    others: Vec<Value>,
    profiles: HashMap<String, Definition>,
    terms: Library,
}

impl std::fmt::Debug for Package {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Package").field("profiles", &self.profiles.len()).finish_non_exhaustive()
    }
}

impl Package {
    /// No definitions: our own tables stand alone.
    pub fn none() -> &'static Self {
        static NONE: LazyLock<Package> = LazyLock::new(Package::default);
        &NONE
    }

    /// Takes a resource in; whatever is no definition is left aside. Answers whether it was taken.
    pub fn add(&mut self, mut resource: Value) -> bool {
        let text = |name: &str| resource.get(name).and_then(Value::as_str).map(str::to_owned);
        let (Some(kind), Some(url)) = (text("resourceType"), text("url")) else { return false };
        // Narratives are half of what packages weigh, and nobody reads them here.
        resource.as_object_mut().map(|map| map.shift_remove("text"));
        match kind.as_str() {
            "StructureDefinition" => drop(self.raw.insert(url, resource)),
            "ValueSet" => self.terms.add_set(&url, resource),
            "CodeSystem" => {
                self.terms.add_system(&url, &resource);
                self.others.push(resource);
            }
            "SearchParameter" | "OperationDefinition" | "CapabilityStatement" => self.others.push(resource),
            _ => return false,
        }
        true
    }

    /// Makes the profiles ready, once all is taken in: each is built upon the one it derives from.
    pub fn finish(&mut self) {
        let mut names: Vec<String> = self.raw.keys().cloned().collect();
        names.sort();
        for url in &names {
            self.complete(url, LONGEST_CHAIN);
        }
        let built = names.iter().filter_map(|url| Some((url.clone(), self.build(url)?)));
        self.profiles = built.collect();
    }

    /// How many profiles are ready.
    pub fn len(&self) -> usize {
        self.profiles.len()
    }

    /// Whether no profile is ready.
    pub fn is_empty(&self) -> bool {
        self.profiles.is_empty()
    }

    /// Whether a profile is ready (a `|version` is ignored).
    pub fn knows(&self, canonical: &str) -> bool {
        self.profile(canonical).is_some()
    }

    /// Its terms, over those of our tables.
    pub const fn terms(&self) -> &Library {
        &self.terms
    }

    /// Its StructureDefinitions, each with its snapshot.
    pub fn structures(&self) -> impl Iterator<Item = &Value> {
        self.raw.values()
    }

    /// Its CodeSystems, SearchParameters, OperationDefinitions and CapabilityStatements.
    pub fn others(&self) -> impl Iterator<Item = &Value> {
        self.others.iter()
    }

    /// Judges a resource by a profile of the package; an unknown profile has nothing to say.
    pub fn judge(&self, resource: &Value, canonical: &str) -> Vec<Issue> {
        let Some(profile) = self.profile(canonical) else { return Vec::new() };
        let kind = resource.get("resourceType").and_then(Value::as_str).and_then(Type::resource);
        let mut judge = Judge::new(self, Scope::default());
        judge.root(profile, resource, &Path::root(kind.map_or("Resource", Type::name)));
        judge.finish().0
    }

    pub(super) fn profile(&self, canonical: &str) -> Option<&Definition> {
        self.profiles.get(bare(canonical))
    }

    /// Gives a profile its snapshot, and before that the one it derives from; a package may lack that one.
    fn complete(&mut self, url: &str, depth: usize) {
        let Some(raw) = self.raw.get(url) else { return };
        if depth == 0 || raw.pointer("/snapshot/element").and_then(Value::as_array).is_some_and(|all| !all.is_empty()) {
            return;
        }
        if let Some(base) = raw.get("baseDefinition").and_then(Value::as_str).map(|base| bare(base).to_owned()) {
            self.complete(&base, depth - 1);
        }
        let elements = self.raw.get(url).and_then(|raw| snapshot::generate(raw, &|url| self.raw.get(bare(url))));
        if let (Some(elements), Some(Value::Object(raw))) = (elements, self.raw.get_mut(url)) {
            raw.insert("snapshot".to_owned(), serde_json::json!({ "element": elements }));
        }
    }

    /// Compiles a profile: its snapshot, where there is one, else what it says itself.
    fn build(&self, url: &str) -> Option<Definition> {
        let raw = self.raw.get(url)?;
        let text = |name: &str| raw.get(name).and_then(Value::as_str);
        let listed = |form: &str| raw.pointer(&format!("/{form}/element")).and_then(Value::as_array);
        let (kind, name) = (text("type")?.to_owned(), text("name").unwrap_or(url).to_owned());
        let mut root = Node::named(&kind);
        let snapshot = listed("snapshot").filter(|elements| !elements.is_empty());
        root.lay(snapshot.or_else(|| listed("differential")).map(Vec::as_slice).unwrap_or_default());
        if let Some(kind) = Type::named(&kind) {
            relief::relieve(&mut root, kind);
        }
        Some(Definition { url: url.to_owned(), kind, name, root })
    }
}

/// A canonical URL without its version.
fn bare(canonical: &str) -> &str {
    canonical.split_once('|').map_or(canonical, |(url, _)| url)
}

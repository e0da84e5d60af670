//! Profiles that come with a package of definitions, read when they are asked for (R4 `profiling.html`).
//!
//! Held to: cardinality, fixed values and patterns, slices (value, pattern, type, profile, exists), bindings to value
//! sets the package can list, profiles of types, aggregation. Expressions are not evaluated, but for `startsWith('…')`.

mod judge;
mod terms;
mod tree;

use std::collections::HashMap;

use serde_json::Value;

use self::judge::Judge;
use self::terms::Terms;
use self::tree::{Definition, Node};
use super::path::Path;
use crate::error::Issue;
use crate::fhir::definition::Type;

/// Longest chain of profiles, each of which derives from the next.
const LONGEST_CHAIN: usize = 16;

/// Definitions read from outside: profiles, value sets, code systems.
#[derive(Default)]
pub struct Package {
    raw: HashMap<String, Value>,
    profiles: HashMap<String, Definition>,
    terms: Terms,
}

impl Package {
    /// Takes a resource in; whatever is neither a StructureDefinition, a ValueSet nor a CodeSystem is left aside.
    /// Answers whether it was taken.
    pub fn add(&mut self, resource: Value) -> bool {
        let text = |name: &str| resource.get(name).and_then(Value::as_str).map(str::to_owned);
        let (Some(kind), Some(url)) = (text("resourceType"), text("url")) else { return false };
        match kind.as_str() {
            "StructureDefinition" => drop(self.raw.insert(url, resource)),
            "ValueSet" => self.terms.add_set(url, &resource),
            "CodeSystem" => self.terms.add_system(url, &resource),
            _ => return false,
        }
        true
    }

    /// Makes the profiles ready, once all is taken in: each is built upon the one it derives from.
    pub fn finish(&mut self) {
        let mut names: Vec<&String> = self.raw.keys().collect();
        names.sort();
        let built = names.into_iter().filter_map(|url| Some((url.clone(), self.build(url, LONGEST_CHAIN)?)));
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

    /// Judges a resource by a profile of the package; an unknown profile has nothing to say.
    pub fn judge(&self, resource: &Value, canonical: &str) -> Vec<Issue> {
        let Some(profile) = self.profile(canonical) else { return Vec::new() };
        let kind = resource.get("resourceType").and_then(Value::as_str).and_then(Type::resource);
        let mut judge = Judge::new(self);
        judge.root(profile, resource, &Path::root(kind.map_or("Resource", Type::name)));
        judge.into_issues()
    }

    fn profile(&self, canonical: &str) -> Option<&Definition> {
        self.profiles.get(bare(canonical))
    }

    /// A snapshot stands for itself; a differential is laid over its base, as far as the package holds it.
    fn build(&self, url: &str, depth: usize) -> Option<Definition> {
        let raw = self.raw.get(url)?;
        let text = |name: &str| raw.get(name).and_then(Value::as_str);
        let listed = |form: &str| raw.pointer(&format!("/{form}/element")).and_then(Value::as_array);
        let (kind, name) = (text("type")?.to_owned(), text("name").unwrap_or(url).to_owned());
        let mut root = Node::named(&kind);
        if let Some(elements) = listed("snapshot").filter(|elements| !elements.is_empty()) {
            root.lay(elements);
        } else {
            let base = text("baseDefinition").map(bare).filter(|_| depth > 0);
            if let Some(base) = base.and_then(|base| self.build(base, depth - 1)) {
                root = base.root;
            }
            root.lay(listed("differential").map(Vec::as_slice).unwrap_or_default());
        }
        Some(Definition { kind, name, root })
    }
}

/// A canonical URL without its version.
fn bare(canonical: &str) -> &str {
    canonical.split_once('|').map_or(canonical, |(url, _)| url)
}

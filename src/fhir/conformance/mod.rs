//! The definitions that are obeyed here, as resources: those of packages, and those our own tables make
//! (R4 `conformance-module.html`, contract §7).

mod made;
mod operation;
mod profile;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::definition;
use super::search;
use super::terminology;
use super::validate::package::Package;

/// The types of definitions, with the search parameters of each besides `_id`.
pub const TYPES: &[(&str, &[&str])] = &[
    ("CapabilityStatement", BY_NAME),
    ("CodeSystem", &["identifier", "name", "status", "system", "title", "url", "version"]),
    ("OperationDefinition", &["code", "name", "status", "title", "url", "version"]),
    ("SearchParameter", &["base", "code", "name", "status", "type", "url", "version"]),
    ("StructureDefinition", &["base", "name", "status", "title", "type", "url", "version"]),
    ("ValueSet", &["identifier", "name", "status", "title", "url", "version"]),
];
const BY_NAME: &[&str] = &["name", "status", "title", "url", "version"];

/// One definition: ready, or to be made of our tables when it is asked for.
enum Source {
    Published(Arc<Value>),
    FrenchSet(&'static terminology::ValueSet),
    FrenchSystem(&'static str),
    R4Set(definition::ValueSet),
    Profile(definition::profile::Profile),
    Operation(&'static operation::Operation),
    /// One of a URL may be for many types.
    Parameters(Vec<&'static search::Parameter>),
}

/// Every definition, by type and id.
#[derive(Default)]
pub struct Catalogue(BTreeMap<&'static str, BTreeMap<String, Source>>);

impl std::fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Catalogue")
    }
}

impl Catalogue {
    /// The definitions of our tables and, over them, those of packages; of search parameters those that are served.
    pub fn new(package: &Package, is_served: &dyn Fn(&search::Parameter) -> bool) -> Self {
        let mut catalogue = Self::default();
        let listed = definition::ValueSet::all().filter(|set| set.is_listed() && set.url().contains(':'));
        for set in listed.filter(|set| terminology::value_set(set.url()).is_none()) {
            catalogue.add("ValueSet", set.url(), Source::R4Set(set));
        }
        for set in terminology::value_sets() {
            catalogue.add("ValueSet", set.url, Source::FrenchSet(set));
        }
        for system in terminology::systems() {
            catalogue.add("CodeSystem", system, Source::FrenchSystem(system));
        }
        let mut parameters: BTreeMap<&str, Vec<&'static search::Parameter>> = BTreeMap::new();
        for parameter in search::all().iter().filter(|one| !one.url.is_empty() && is_served(one)) {
            parameters.entry(parameter.url).or_default().push(parameter);
        }
        for (url, parameters) in parameters {
            catalogue.add("SearchParameter", url, Source::Parameters(parameters));
        }
        for canonical in definition::profile::Profile::all() {
            // Of the two packs of PDSm, the one in force by default.
            if let Some(known) = definition::profile::Profile::find(canonical, 1) {
                catalogue.add("StructureDefinition", canonical, Source::Profile(known));
            }
        }
        for operation in &operation::OPERATIONS {
            catalogue.add("OperationDefinition", operation.url, Source::Operation(operation));
        }
        let sets = package.terms().sets().map(|(_, set)| set);
        for published in package.structures().chain(package.others()).chain(sets) {
            let text = |name: &str| published.get(name).and_then(Value::as_str);
            let kind = TYPES.iter().find(|(kind, _)| text("resourceType") == Some(kind));
            if let (Some((kind, _)), Some(url)) = (kind, text("url")) {
                catalogue.add(kind, url, Source::Published(Arc::clone(published)));
            }
        }
        catalogue
    }

    /// Adds a resource that the server makes of itself.
    #[must_use]
    pub fn with(mut self, kind: &'static str, url: &str, resource: Value) -> Self {
        self.add(kind, url, Source::Published(Arc::new(resource)));
        self
    }

    /// A definition takes the place of another of the same id: packages come last.
    fn add(&mut self, kind: &'static str, url: &str, source: Source) {
        self.0.entry(kind).or_default().insert(id_of(url), source);
    }

    /// The definition of an id.
    pub fn read(&self, kind: &str, id: &str) -> Option<Value> {
        let (id, source) = self.0.get(kind)?.get_key_value(id)?;
        Some(source.render(id))
    }

    /// The canonical URL of the definition of an id.
    pub fn url(&self, kind: &str, id: &str) -> Option<String> {
        self.read(kind, id)?.get("url")?.as_str().map(str::to_owned)
    }

    /// The definitions of a type for which every parameter holds: each a name and the values one of which is wanted.
    pub fn search(&self, kind: &str, wanted: &[(String, Vec<String>)]) -> Vec<Value> {
        let all = self.0.get(kind).into_iter().flatten();
        // What the id or the URL tells need not be made to be passed over.
        let may_hold = |(id, source): &(&String, &Source)| {
            wanted.iter().all(|(name, values)| match name.as_str() {
                "_id" => values.contains(id),
                "url" | "system" => values.iter().any(|value| is_url(source.url(), value)),
                _ => true,
            })
        };
        let made = all.filter(may_hold).map(|(id, source)| source.render(id));
        made.filter(|resource| wanted.iter().all(|(name, values)| holds(resource, name, values))).collect()
    }
}

/// The id of a definition: the end of its URL, as far as an id may hold it.
pub fn id_of(url: &str) -> String {
    let end = url.rsplit(['/', ':']).next().unwrap_or(url);
    let kept: String =
        end.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).take(64).collect();
    if kept.is_empty() { "x".to_owned() } else { kept }
}

/// Whether a URL is the one wanted, by any spelling of a code system.
fn is_url(url: &str, wanted: &str) -> bool {
    let bare = wanted.split_once('|').map_or(wanted, |(url, _)| url);
    url == bare || terminology::is_same_system(url, bare)
}

fn holds(resource: &Value, name: &str, values: &[String]) -> bool {
    let text = |name: &str| resource.get(name).and_then(Value::as_str).unwrap_or_default();
    let begins = |known: &str, wanted: &str| known.to_lowercase().starts_with(&wanted.to_lowercase());
    let code = |wanted: &str| wanted.rsplit('|').next().unwrap_or(wanted).to_owned();
    values.iter().any(|wanted| match name {
        "_id" => text("id") == wanted,
        "url" | "system" => {
            let version = wanted.split_once('|').map(|(_, version)| version);
            is_url(text("url"), wanted) && version.is_none_or(|version| text("version") == version)
        }
        "name" | "title" => begins(text(name), wanted),
        "identifier" => {
            let listed = resource.get("identifier").and_then(Value::as_array).into_iter().flatten();
            let mut values = listed.filter_map(|one| one.get("value")?.as_str());
            values.any(|value| value == code(wanted))
        }
        // Of a StructureDefinition what it derives from, of a SearchParameter the types it is for.
        "base" => {
            let listed = resource.get("base").and_then(Value::as_array).into_iter().flatten();
            text("baseDefinition") == wanted || listed.filter_map(Value::as_str).any(|base| base == code(wanted))
        }
        _ => text(name) == code(wanted),
    })
}

impl Source {
    fn url(&self) -> &str {
        match self {
            Self::Published(resource) => resource.get("url").and_then(Value::as_str).unwrap_or_default(),
            Self::FrenchSet(set) => set.url,
            Self::FrenchSystem(system) => system,
            Self::R4Set(set) => set.url(),
            Self::Profile(profile) => profile.canonical(),
            Self::Operation(operation) => operation.url,
            Self::Parameters(all) => all.first().map(|parameter| parameter.url).unwrap_or_default(),
        }
    }

    fn render(&self, id: &str) -> Value {
        match self {
            Self::Published(resource) => {
                let mut resource = resource.as_ref().clone();
                if let Some(map) = resource.as_object_mut() {
                    map.insert("id".to_owned(), id.into());
                }
                resource
            }
            Self::FrenchSet(set) => made::french_set(set, id),
            Self::FrenchSystem(system) => made::french_system(system, id),
            Self::R4Set(set) => made::r4_set(*set, id),
            Self::Profile(profile) => profile::definition(*profile, id),
            Self::Operation(operation) => operation.definition(id),
            Self::Parameters(all) => made::search_parameter(all, id),
        }
    }
}

//! The conformance resources of a server, each found by what stands at its head and written when it is
//! read (contract §7).

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::fhir::conformance::{DATE, code_system, id_of, profile, search_parameter, structure, value_set};
use crate::fhir::definition::profile::{Listed, Profile, listed};
use crate::fhir::definition::{Kind, Type};
use crate::fhir::operation::{self, OPERATIONS};
use crate::fhir::search::{self, IndexEntry, Naming};
use crate::fhir::terminology::{Library, canonical_system};
use crate::fhir::validate::{Conformance, Mode, Pdsm};

/// One resource.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its logical id.
    pub id: String,
    /// Its canonical URL.
    pub url: String,
    /// What it is found by.
    pub(super) rows: Vec<IndexEntry>,
    source: Source,
}

/// What a resource is written from.
#[derive(Debug, Clone)]
enum Source {
    Given(Value),
    Type(Type),
    Profile(&'static Listed, Profile),
    Set,
    System,
}

/// All of them, by type and id.
#[derive(Debug)]
pub struct Catalogue {
    library: Arc<Library>,
    level: usize,
    entries: BTreeMap<&'static str, Vec<Entry>>,
}

impl Catalogue {
    /// The catalogue of a server that says `statement` of itself and holds profiles to `mode`.
    pub fn new(library: Arc<Library>, statement: &Value, mode: Mode) -> Self {
        let level = match mode.mode {
            Conformance::Strict => 0,
            Conformance::CiSis => 1,
            Conformance::Lenient => 2,
        };
        let mut made = Self { library: Arc::clone(&library), level, entries: BTreeMap::new() };
        made.add("CapabilityStatement", statement.clone(), Source::Given(statement.clone()));
        for operation in OPERATIONS.iter().chain([&operation::VALIDATE]) {
            let resource = operation_definition(operation);
            made.add("OperationDefinition", search_parameter::head(&resource), Source::Given(resource));
        }
        for rows in declared(statement).values() {
            if let Some(resource) = search_parameter::resource(rows) {
                made.add("SearchParameter", search_parameter::head(&resource), Source::Given(resource));
            }
        }
        for kind in Type::all().filter(|kind| kind.kind() != Kind::Backbone) {
            made.add("StructureDefinition", structure::head(kind), Source::Type(kind));
        }
        let (pack, name) = match mode.pdsm {
            Pdsm::V311 => (1, "3.1.1"),
            Pdsm::Main => (2, "main"),
        };
        for known in listed().iter().filter(|known| ["", name].contains(&known.pack)) {
            if let Some(found) = Profile::find(known.canonical, pack) {
                made.add("StructureDefinition", profile::head(known), Source::Profile(known, found));
            }
        }
        for system in library.systems() {
            made.add("CodeSystem", code_system::head(system), Source::System);
        }
        // A code system taken whole, or an association, is no value set of its own.
        let is_set = |url: &str| library.system(url).is_none_or(|system| system.url != url) && !url.contains("/ASS");
        for set in library.sets().filter(|set| set.is_listed && is_set(&set.url)) {
            made.add("ValueSet", value_set::head(set), Source::Set);
        }
        for entries in made.entries.values_mut() {
            distinguish(entries);
        }
        made
    }

    fn add(&mut self, kind: &'static str, head: Value, source: Source) {
        let naming = Naming { base: "", canonical_system: &canonical_system };
        let text = |name: &str| head.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let url = text("url");
        let id = Some(text("id")).filter(|id| !id.is_empty()).unwrap_or_else(|| id_of(&url));
        let rows = search::index(&head, &naming);
        self.entries.entry(kind).or_default().push(Entry { id, url, rows, source });
    }

    /// The resources of a type, by id.
    pub fn of(&self, kind: &str) -> &[Entry] {
        self.entries.get(kind).map(Vec::as_slice).unwrap_or_default()
    }

    /// The resource of a type and an id.
    pub fn entry(&self, kind: &str, id: &str) -> Option<&Entry> {
        let entries = self.of(kind);
        entries.binary_search_by(|entry| entry.id.as_str().cmp(id)).ok().and_then(|place| entries.get(place))
    }

    /// A resource as it is sent.
    pub fn resource(&self, entry: &Entry) -> Value {
        let mut resource = match &entry.source {
            Source::Given(resource) => resource.clone(),
            Source::Type(kind) => structure::resource(*kind),
            Source::Profile(known, rules) => profile::resource(known, *rules, self.level),
            Source::Set => {
                self.library.set(&entry.url).map(|set| value_set::resource(set, &self.library)).unwrap_or_default()
            }
            Source::System => self.library.system(&entry.url).map(code_system::resource).unwrap_or_default(),
        };
        if let Some(members) = resource.as_object_mut() {
            members.insert("id".to_owned(), json!(entry.id));
        }
        resource
    }
}

/// Ids must differ within a type: what shares one gets a number, in the order of the tables.
fn distinguish(entries: &mut [Entry]) {
    let mut taken = HashSet::new();
    for entry in entries.iter_mut() {
        let stem: String = entry.id.chars().take(60).collect();
        let mut number = 1_u32;
        while !taken.insert(entry.id.clone()) {
            number = number.saturating_add(1);
            entry.id = format!("{stem}-{number}");
        }
    }
    entries.sort_by(|one, other| one.id.cmp(&other.id));
}

/// The rows of the search parameters that the statement declares, by URL.
fn declared(statement: &Value) -> BTreeMap<&'static str, Vec<&'static search::Parameter>> {
    let mut rows: BTreeMap<&str, Vec<&search::Parameter>> = BTreeMap::new();
    let rest = statement.pointer("/rest/0/resource").and_then(Value::as_array);
    for resource in rest.into_iter().flatten() {
        let kind = resource.get("type").and_then(Value::as_str).unwrap_or_default();
        let named = resource.get("searchParam").and_then(Value::as_array).into_iter().flatten();
        for name in named.filter_map(|parameter| parameter.get("name")?.as_str()) {
            let known = search::find(kind, name).filter(|known| !known.url.is_empty());
            if let Some(known) = known {
                let rows = rows.entry(known.url).or_default();
                if !rows.contains(&known) {
                    rows.push(known);
                }
            }
        }
    }
    rows
}

fn operation_definition(operation: &operation::Operation) -> Value {
    let mut resource = json!({
        "resourceType": "OperationDefinition",
        "id": format!("{}-{}", operation.kind, operation.name),
        "url": operation.url,
        "name": crate::fhir::conformance::name_of(operation.url),
        "title": operation.title,
        "status": "active",
        "date": DATE,
        "publisher": "espace",
    });
    if let (Some(members), Value::Object(more)) = (resource.as_object_mut(), operation.definition()) {
        members.extend(more);
    }
    resource
}

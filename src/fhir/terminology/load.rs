//! What an operator puts in the place of committed tables, without a rebuild: a CSV, a ValueSet, a
//! CodeSystem, or a Bundle of them (contract §2, `espace import --terminology`).
//!
//! A code that the committed set has and the new one lacks is retired, not unknown: documents that bear
//! it stay good, new ones are warned.

use std::collections::BTreeMap;

use serde_json::Value;

use super::csv;
use super::inline::{self, Fault, MOST_CODES};
use super::library::{Concept, Designation, Library, Member, Origin, Set, System, Text, machine_name};

/// Concepts are nested no deeper.
const DEEPEST: usize = 40;

/// What a file holds.
#[derive(Debug)]
pub enum Loaded {
    /// A code system.
    System(System),
    /// A value set.
    Set(Set),
}

/// What changed by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What was loaded.
    pub url: String,
    /// Its codes.
    pub codes: usize,
    /// Codes that were not there before.
    pub added: usize,
    /// Codes that are there no more, or are marked so.
    pub retired: usize,
}

/// Why a file cannot be used, in words an operator can act on.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Neither CSV nor JSON.
    #[error("expected a .csv or .json file")]
    Kind,
    /// JSON that cannot be read.
    #[error("not JSON: {0}")]
    Json(String),
    /// A row of CSV at fault.
    #[error("line {0}: {1}")]
    Row(usize, &'static str),
    /// A CSV is named after the set it replaces.
    #[error("no value set is called {0}: a CSV replaces the set whose name it bears (JDV_J66-TypeCode-DMP.csv)")]
    Unnamed(String),
    /// A resource that is no terminology, or lacks what it must have.
    #[error("expected a ValueSet, a CodeSystem or a Bundle of them, with {0}")]
    Resource(&'static str),
    /// A set that names what is not known.
    #[error("unknown or incomplete: {0}")]
    Unknown(String),
    /// A set that is chosen by a filter.
    #[error("codes chosen by a filter cannot be listed: import the expansion")]
    Filter,
    /// More codes than are kept.
    #[error("more than {MOST_CODES} codes")]
    TooMany,
}

impl From<Fault> for LoadError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Shape(what) => Self::Resource(what),
            Fault::UnknownSet(url) | Fault::UnknownSystem(url) => Self::Unknown(url),
            Fault::Filter => Self::Filter,
            Fault::TooMany => Self::TooMany,
        }
    }
}

impl Library {
    /// Reads a file by its name and its text.
    pub fn read(&self, file: &str, text: &str) -> Result<Vec<Loaded>, LoadError> {
        let (stem, extension) = file.rsplit_once('.').ok_or(LoadError::Kind)?;
        match extension.to_ascii_lowercase().as_str() {
            "csv" => Ok(vec![Loaded::Set(self.table(stem, text)?)]),
            "json" => {
                let resource = crate::fhir::codec::json::parse(text.as_bytes());
                self.resources(&resource.map_err(|error| LoadError::Json(error.to_string()))?)
            }
            _ => Err(LoadError::Kind),
        }
    }

    /// Takes what was read, in the place of what bears the same URL.
    pub fn load(&mut self, loaded: Loaded) -> Change {
        match loaded {
            Loaded::System(system) => self.load_system(system),
            Loaded::Set(set) => self.load_set(set),
        }
    }

    fn load_system(&mut self, mut system: System) -> Change {
        let codes = system.concepts.len();
        let before = self.system(&system.url).map(|before| (before.url.clone(), before.concepts.clone()));
        let (url, before) = before.unwrap_or_else(|| (system.url.clone(), BTreeMap::new()));
        let added = system.concepts.keys().filter(|code| !before.contains_key(*code)).count();
        for (code, concept) in before {
            system.concepts.entry(code).or_insert(Concept { is_retired: true, ..concept });
        }
        let retired = system.concepts.values().filter(|concept| concept.is_retired).count();
        // All else knows the system by this name.
        system.url = url;
        let change = Change { url: system.url.to_string(), codes, added, retired };
        self.put_system(system);
        change
    }

    fn load_set(&mut self, mut set: Set) -> Change {
        let codes = set.members.len();
        let before = self.set(&set.url).or_else(|| self.set(&set.name)).cloned();
        let has = |members: &[Member], one: &Member| {
            members.iter().any(|member| member.system == one.system && member.code == one.code)
        };
        let mut added = codes;
        if let Some(before) = before {
            added = set.members.iter().filter(|member| !has(&before.members, member)).count();
            let gone = before.members.into_iter().filter(|member| !has(&set.members, member));
            let gone: Vec<Member> = gone.map(|member| Member { is_retired: true, ..member }).collect();
            set.members.extend(gone);
            set.url = before.url;
            if set.oid.is_empty() {
                set.oid = before.oid;
            }
            self.mark_replaced(&set.url);
        }
        let retired = set.members.iter().filter(|member| member.is_retired).count();
        let change = Change { url: set.url.to_string(), codes, added, retired };
        for member in set.members.iter().filter(|member| !member.display.is_empty()) {
            self.note(member);
        }
        self.put_set(set);
        change
    }

    /// A code that its system did not know yet can be looked up as well.
    fn note(&mut self, member: &Member) {
        let Some(system) = self.system(&member.system) else { return };
        if system.concepts.contains_key(&member.code) {
            return;
        }
        let mut system = system.clone();
        let name = Designation { language: "fr".into(), text: member.display.clone() };
        let concept = Concept { designations: vec![name], is_retired: member.is_retired };
        system.concepts.insert(member.code.clone(), concept);
        self.put_system(system);
    }

    /// A table `system,code,display` and, where it is there, `status` (`active` or `retired`).
    fn table(&self, stem: &str, text: &str) -> Result<Set, LoadError> {
        let stem = stem.split('.').next().unwrap_or_default();
        let known = self.set(stem).ok_or_else(|| LoadError::Unnamed(stem.to_owned()))?;
        let mut rows = csv::rows(text).map_err(|line| LoadError::Row(line, "a stray quote"))?.into_iter();
        let header = rows.next().unwrap_or_default();
        let names: Vec<&str> = header.iter().map(|name| name.trim()).collect();
        if !matches!(names.as_slice(), ["system", "code", "display"] | ["system", "code", "display", "status"]) {
            return Err(LoadError::Row(1, "the columns are system,code,display and, if wanted, status"));
        }
        let mut members = Vec::new();
        for (row, line) in rows.zip(2..) {
            members.push(self.member(row).map_err(|fault| LoadError::Row(line, fault))?);
            if members.len() > MOST_CODES {
                return Err(LoadError::TooMany);
            }
        }
        if members.is_empty() {
            return Err(LoadError::Row(1, "the table is empty"));
        }
        Ok(Set { members, origin: Origin::Operator, is_complete: true, is_listed: true, ..known.clone() })
    }

    fn member(&self, row: Vec<String>) -> Result<Member, &'static str> {
        let mut cells = row.into_iter();
        let (Some(system), Some(code)) = (cells.next(), cells.next()) else { return Err("a system and a code") };
        if system.is_empty() || code.is_empty() {
            return Err("a system and a code");
        }
        let display = cells.next().unwrap_or_default();
        let is_retired = match cells.next().as_deref() {
            None | Some("" | "active") => false,
            Some("retired") => true,
            Some(_) => return Err("the status is active or retired"),
        };
        let known = super::canonical_system_of(&system, &code).map(Text::from);
        let known = known.or_else(|| self.system(&system).map(|known| known.url.clone()));
        Ok(Member { system: known.unwrap_or(system.into()), code: code.into(), display: display.into(), is_retired })
    }

    fn resources(&self, resource: &Value) -> Result<Vec<Loaded>, LoadError> {
        match resource.get("resourceType").and_then(Value::as_str) {
            Some("CodeSystem") => Ok(vec![Loaded::System(system(resource)?)]),
            Some("ValueSet") => {
                let set = inline::compile(resource, self)?;
                if set.url.is_empty() { Err(LoadError::Resource("a url")) } else { Ok(vec![Loaded::Set(set)]) }
            }
            Some("Bundle") => {
                // Code systems first: the sets may take them whole.
                let mut known = self.clone();
                let mut all = Vec::new();
                for kind in ["CodeSystem", "ValueSet"] {
                    let of_kind = inline::list(resource, "entry").filter_map(|entry| entry.get("resource"));
                    let of_kind = of_kind.filter(|one| one.get("resourceType").and_then(Value::as_str) == Some(kind));
                    for one in of_kind {
                        for read in known.resources(one)? {
                            if let Loaded::System(system) = &read {
                                known.load_system(system.clone());
                            }
                            all.push(read);
                        }
                    }
                }
                if all.is_empty() { Err(LoadError::Resource("entries")) } else { Ok(all) }
            }
            _ => Err(LoadError::Resource("a resourceType")),
        }
    }
}

fn system(resource: &Value) -> Result<System, LoadError> {
    let text = |name: &str| resource.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let url = text("url");
    if url.is_empty() {
        return Err(LoadError::Resource("a url"));
    }
    let mut found = BTreeMap::new();
    concepts(resource, &text("language"), &mut found, DEEPEST)?;
    Ok(System {
        oid: inline::oid(resource).into(),
        name: Some(text("name")).filter(|name| !name.is_empty()).unwrap_or_else(|| machine_name(&url)).into(),
        title: text("title").into(),
        version: text("version").into(),
        url: url.into(),
        origin: Origin::Operator,
        is_complete: text("content") == "complete",
        concepts: found,
    })
}

fn concepts(holder: &Value, language: &str, into: &mut BTreeMap<Text, Concept>, depth: usize) -> Result<(), LoadError> {
    if depth == 0 {
        return Err(LoadError::TooMany);
    }
    for concept in inline::list(holder, "concept") {
        let text = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).map(str::to_owned);
        let Some(code) = text(concept, "code") else { return Err(LoadError::Resource("a code in each concept")) };
        let own = text(concept, "display").map(|text| (language.to_owned(), text));
        let others = inline::list(concept, "designation");
        let others = others.filter_map(|one| Some((text(one, "language").unwrap_or_default(), text(one, "value")?)));
        let named = own.into_iter().chain(others);
        let designations = named.map(|(language, text)| Designation { language: language.into(), text: text.into() });
        into.insert(code.into(), Concept { designations: designations.collect(), is_retired: is_retired(concept) });
        if into.len() > MOST_CODES {
            return Err(LoadError::TooMany);
        }
        concepts(concept, language, into, depth - 1)?;
    }
    Ok(())
}

/// By the properties R4 names for it (`codesystem-concept-properties.html`).
fn is_retired(concept: &Value) -> bool {
    inline::list(concept, "property").any(|property| {
        let code = property.get("code").and_then(Value::as_str).unwrap_or_default();
        let value = |name: &str| property.get(name);
        match code {
            "inactive" => value("valueBoolean") == Some(&Value::Bool(true)),
            "status" => value("valueCode")
                .and_then(Value::as_str)
                .is_some_and(|word| matches!(word, "retired" | "inactive" | "deprecated")),
            "retirementDate" | "deprecationDate" => true,
            _ => false,
        }
    })
}

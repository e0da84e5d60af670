//! One code system under all the names it is met with: FHIR URL, OID, aliases (`schemas/terminology`).

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use super::blob::rows;

#[derive(Default)]
pub(crate) struct Spellings {
    /// Any name of a system → its FHIR URL.
    canonical: HashMap<String, String>,
    /// FHIR URL → name, and the one code it is for where it is for one only.
    names: HashMap<String, BTreeSet<(String, String)>>,
}

impl Spellings {
    pub(crate) fn read(terminology: &Path) -> Self {
        let mut spellings = Self::default();
        let map = rows(&terminology.join("codesystem-oid-map.csv"), &["oid", "fhir_system", "name", "source"]);
        for row in map.iter().filter(|row| !row[1].is_empty()) {
            spellings.add(&as_system(&row[0]), "", &row[1]);
        }
        for row in rows(&terminology.join("system-aliases.csv"), &["alias", "code", "system", "source"]) {
            spellings.add(&as_system(&row[0]), &row[1], &row[2]);
        }
        spellings
    }

    fn add(&mut self, name: &str, code: &str, system: &str) {
        if code.is_empty() {
            self.canonical.insert(name.to_owned(), system.to_owned());
        }
        self.names.entry(system.to_owned()).or_default().insert((name.to_owned(), code.to_owned()));
    }

    /// Every name under which a code of a system may come; without a code, the names that are for all.
    pub(crate) fn of(&self, system: &str, code: &str) -> Vec<String> {
        let canonical = self.canonical.get(system).map_or(system, String::as_str);
        let others = self.names.get(canonical).into_iter().flatten();
        let others = others.filter(|(_, only)| only.is_empty() || only == code).map(|(name, _)| name.clone());
        let mut all: BTreeSet<String> = others.collect();
        all.extend([canonical.to_owned(), system.to_owned()]);
        all.into_iter().collect()
    }
}

/// An OID as FHIR writes it.
fn as_system(name: &str) -> String {
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("urn:oid:{name}") } else { name.to_owned() }
}

//! Code systems and value sets of the CI-SIS and the DMP (document-sharing §5): membership, class
//! of a type, display; every system is accepted as OID, as URN or as FHIR URL.

mod csv;
pub mod expand;
mod inline;
mod library;
mod load;
pub mod lookup;
pub mod packaged;
mod r4;

pub(in crate::fhir) use library::machine_name;
pub use library::{Concept, Designation, Library, Member, Origin, Set, Standing, System};
pub use load::{Change, LoadError, Loaded};

include!(concat!(env!("OUT_DIR"), "/terminology.rs"));

/// Whether two spellings name one code system.
pub fn is_same_system(one: &str, other: &str) -> bool {
    one == other || canonical_system(one).is_some_and(|canonical| canonical_system(other) == Some(canonical))
}

/// Every spelling known of a code system, with its canonical form: OID, URN, URL, aliases.
pub fn spellings() -> impl Iterator<Item = (&'static str, &'static str)> {
    ALIASES.iter().filter_map(|(alias, place)| Some((*alias, *SYSTEMS.get(*place)?)))
}

/// Every code of a system of the French tables, in the order of codes; none of a system not known there.
pub fn codes_of(system: &str) -> impl Iterator<Item = &'static Coding> {
    let system = canonical_system(system).unwrap_or_default();
    let start = CODINGS.partition_point(|coding| coding.system < system);
    CODINGS.iter().skip(start).take_while(move |coding| coding.system == system)
}

/// Every code system of which the French tables hold codes.
pub fn systems() -> impl Iterator<Item = &'static str> {
    SYSTEMS.iter().copied().filter(|system| codes_of(system).next().is_some())
}

/// A code of a code system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coding {
    /// The canonical system.
    pub system: &'static str,
    /// The code.
    pub code: &'static str,
    /// Its French label.
    pub display: &'static str,
}

/// A value set (or a code system taken whole).
#[derive(Debug, Clone, Copy)]
pub struct ValueSet {
    /// Its name: `JDV_J66-TypeCode-DMP`.
    pub name: &'static str,
    /// Its canonical URL.
    pub url: &'static str,
    /// Its OID, empty where none was published.
    pub oid: &'static str,
    /// Whether our copy holds all its codes: where it does not, absence proves nothing.
    pub is_complete: bool,
    members: &'static [usize],
}

impl ValueSet {
    /// Its codes, by system and code.
    pub fn codings(&self) -> impl Iterator<Item = &'static Coding> {
        self.members.iter().filter_map(|place| CODINGS.get(*place))
    }

    /// Whether a code belongs to it; the system may be spelt in any known way.
    pub fn contains(&self, system: &str, code: &str) -> bool {
        place_of(system, code).is_some_and(|place| self.members.binary_search(&place).is_ok())
    }
}

/// The canonical form of a code system: its FHIR URL where one exists, else its URN. Accepts
/// `urn:oid:X`, the bare OID, the URL, and the aliases of `system-aliases.csv`.
pub fn canonical_system(system: &str) -> Option<&'static str> {
    let found = ALIASES.binary_search_by(|(alias, _)| (*alias).cmp(system)).ok()?;
    let (_, place) = ALIASES.get(found)?;
    SYSTEMS.get(*place).copied()
}

/// The OID of a canonical system, where one is known: the way back from FHIR to CDA and XDS.
pub fn oid_of(system: &str) -> Option<&'static str> {
    let is_oid = |alias: &str| alias.contains('.') && alias.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let place = SYSTEMS.binary_search(&system).ok()?;
    ALIASES.iter().find(|(alias, of)| *of == place && is_oid(alias)).map(|(alias, _)| *alias)
}

/// Every code system that a French table names, with the title it has there.
pub(super) fn titles() -> impl Iterator<Item = (&'static str, &'static str)> {
    TITLES.iter().filter_map(|(place, title)| Some((*SYSTEMS.get(*place)?, *title)))
}

/// The canonical system of one coding: as [`canonical_system`], but for codes that a published
/// example puts under a foreign, misspelt system.
pub fn canonical_system_of(system: &str, code: &str) -> Option<&'static str> {
    let misplaced = MISPLACED.iter().find(|(alias, known, _)| *alias == system && *known == code);
    misplaced.map_or_else(|| canonical_system(system), |(_, _, place)| SYSTEMS.get(*place).copied())
}

/// All value sets.
pub fn value_sets() -> &'static [ValueSet] {
    VALUE_SETS
}

/// The value set of a name, a canonical URL (its version after `|` is not looked at) or an OID.
pub fn value_set(id: &str) -> Option<&'static ValueSet> {
    let id = id.split('|').next().unwrap_or_default();
    let id = id.strip_prefix("urn:oid:").unwrap_or(id);
    VALUE_SETS.iter().find(|set| !id.is_empty() && (set.url == id || set.name == id || set.oid == id))
}

/// The canonical URL of the set that a file of `schemas/terminology` holds.
pub(super) fn value_set_of_file(file: &str) -> Option<&'static str> {
    let stem = file.split('.').next().unwrap_or_default();
    let is_same = |name: &str| name.bytes().map(|byte| if byte == b'-' { b'_' } else { byte }).eq(stem.bytes());
    VALUE_SETS.iter().find(|set| is_same(set.name)).map(|set| set.url)
}

/// Whether a code belongs to a value set; false where the set is unknown.
pub fn is_member(set: &str, system: &str, code: &str) -> bool {
    value_set(set).is_some_and(|set| set.contains(system, code))
}

/// The class of a type of document in the DMP (ASS_X16): a code of TRE_A03, but for the
/// signature (`E1762`), whose class is a URN of TRE_A10.
pub fn class_of_type(system: &str, code: &str) -> Option<&'static str> {
    let system = canonical_system_of(system, code)?;
    let found = CLASSES.binary_search_by(|(known, kind, _)| (*known, *kind).cmp(&(system, code))).ok()?;
    CLASSES.get(found).map(|(_, _, class)| *class)
}

/// The formatCode of a CDA: that of its level 1 content where a template demands one, of its model,
/// or the one for documents of no model (JDV_J60). `media_type` is that of a level 1 body, else empty.
pub fn format_of<'a>(templates: impl Iterator<Item = &'a str> + Clone, media_type: &str) -> Option<&'static Coding> {
    let of = |wanted: &str| {
        let row = FORMATS
            .iter()
            .find(|(template, media, _)| *media == wanted && templates.clone().any(|known| known == *template));
        row.map(|(.., coding)| coding)
    };
    let is_level_one = FORMATS
        .iter()
        .any(|(template, media, _)| !media.is_empty() && templates.clone().any(|known| known == *template));
    let found = if is_level_one { of(media_type).filter(|_| !media_type.is_empty()) } else { of("") };
    found.or_else(|| FORMATS.iter().find(|(template, ..)| *template == "*").map(|(.., coding)| coding))
}

/// The French label of a code.
pub fn display(system: &str, code: &str) -> Option<&'static str> {
    CODINGS.get(place_of(system, code)?).map(|coding| coding.display)
}

fn place_of(system: &str, code: &str) -> Option<usize> {
    let system = canonical_system_of(system, code)?;
    CODINGS.binary_search_by(|coding| (coding.system, coding.code).cmp(&(system, code))).ok()
}

//! What a server knows of code systems and value sets: the committed tables, its own error codes, and
//! what the operator put in their place (contract §7; R4 `codesystem.html`, `valueset.html`).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use super::{canonical_system, canonical_system_of, oid_of, r4, titles, value_sets};
use crate::error::{self, Language};
use crate::fhir::definition;

/// Text of a table, or of what an operator loaded.
pub(super) type Text = Cow<'static, str>;

/// Where something comes from: who publishes it, in which language it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// HL7's definitions of R4, in English.
    R4,
    /// The French tables (`schemas/terminology`), in French.
    French,
    /// This server: the codes of its refusals, in both.
    Server,
    /// A file that the operator imported.
    Operator,
}

/// What a code is called in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Designation {
    /// `fr`, `en`; empty where it is not said.
    pub language: Text,
    /// The words.
    pub text: Text,
}

/// A code of a code system.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Concept {
    /// What it is called, the system's own language first.
    pub designations: Vec<Designation>,
    /// No longer for new documents.
    pub is_retired: bool,
}

/// A code system, or the part of it that is known here.
#[derive(Debug, Clone)]
pub struct System {
    /// Its canonical URL.
    pub url: Text,
    /// Its OID, empty where none is known.
    pub oid: Text,
    /// Its name for machines.
    pub name: Text,
    /// Its name for people.
    pub title: Text,
    /// Its version, empty where none is known.
    pub version: Text,
    /// Who publishes it.
    pub origin: Origin,
    /// Whether all its codes are here: where they are not, absence proves nothing.
    pub is_complete: bool,
    /// Its codes.
    pub concepts: BTreeMap<Text, Concept>,
}

/// A code of a value set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// The system of the code, canonical.
    pub system: Text,
    /// The code.
    pub code: Text,
    /// What the set calls it, empty where it leaves that to the system.
    pub display: Text,
    /// No longer for new documents.
    pub is_retired: bool,
}

/// A value set.
#[derive(Debug, Clone)]
pub struct Set {
    /// Its canonical URL.
    pub url: Text,
    /// Its OID, empty where none is known.
    pub oid: Text,
    /// Its name for machines.
    pub name: Text,
    /// Its name for people.
    pub title: Text,
    /// Its version, empty where none is known.
    pub version: Text,
    /// Who publishes it.
    pub origin: Origin,
    /// Whether all its codes are here.
    pub is_complete: bool,
    /// Whether its codes can be listed at all.
    pub is_listed: bool,
    /// Its codes, by system and code.
    pub members: Vec<Member>,
}

/// How a code stands to a value set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A code of the set.
    Current,
    /// A code the set once had: good on old documents, not on new ones.
    Retired,
    /// No code of the set.
    Absent,
}

/// Code systems and value sets: what a server has of its own, over the committed tables.
#[derive(Debug, Clone, Default)]
pub struct Library {
    /// What lies beneath; nothing where these are the committed tables themselves.
    base: Option<&'static LazyLock<Library>>,
    systems: BTreeMap<Text, System>,
    sets: BTreeMap<Text, Set>,
    /// Another name of a set (its name, its OID) -> its URL.
    names: HashMap<String, Text>,
    /// OID -> system, for those the French tables do not name.
    oids: HashMap<Text, Text>,
    /// The sets that an operator's files stand for.
    replaced: BTreeSet<Text>,
}

static BUILT_IN: LazyLock<Library> = LazyLock::new(Library::build);

impl Concept {
    /// What it is called, in a language (`fr`, `en-GB`) where it has a name in it, else in its own.
    pub fn display(&self, language: &str) -> &str {
        let wanted = primary(language);
        let fitting = self.designations.iter().find(|one| !wanted.is_empty() && primary(&one.language) == wanted);
        fitting.or_else(|| self.designations.first()).map(|one| &*one.text).unwrap_or_default()
    }

    /// Takes another name, unless it has one in that language.
    fn name(&mut self, language: &'static str, text: &'static str) {
        if !text.is_empty() && !self.designations.iter().any(|one| one.language == language) {
            self.designations.push(Designation { language: language.into(), text: text.into() });
        }
    }
}

/// `fr` of `fr-FR`.
fn primary(language: &str) -> &str {
    language.split('-').next().unwrap_or_default()
}

impl Set {
    /// How a code stands to the set; the system may be spelt in any known way.
    pub fn standing(&self, system: &str, code: &str) -> Standing {
        let found = self.find(system, code);
        let found =
            found.or_else(|| self.find(canonical_system_of(system, code).filter(|name| *name != system)?, code));
        match found {
            None => Standing::Absent,
            Some(member) if member.is_retired => Standing::Retired,
            Some(_) => Standing::Current,
        }
    }

    fn find(&self, system: &str, code: &str) -> Option<&Member> {
        let place = self.members.binary_search_by(|one| (&*one.system, &*one.code).cmp(&(system, code))).ok()?;
        self.members.get(place)
    }

    /// The only system that the set takes this code from.
    pub fn system_of(&self, code: &str) -> Option<&str> {
        let mut found = self.members.iter().filter(|member| member.code == code).map(|member| &*member.system);
        let first = found.next();
        first.filter(|_| found.next().is_none())
    }
}

impl Library {
    /// The committed tables.
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// A library over the committed tables, which are read when they are first needed.
    pub fn over_built_in() -> Self {
        Self { base: Some(&BUILT_IN), ..Self::default() }
    }

    /// What lies beneath.
    fn base(&self) -> Option<&'static Self> {
        self.base.map(|base| &**base)
    }

    /// The same with the codes of this server's refusals, under its own base.
    pub fn of_server(mut self, base: &str) -> Self {
        let mut concepts: BTreeMap<Text, Concept> = BTreeMap::new();
        for row in error::Code::ALL.iter().map(|code| code.row()) {
            let concept = concepts.entry(row.name.into()).or_default();
            concept.name("fr", row.text(Language::French));
            concept.name("en", row.text(Language::English));
        }
        self.put_system(System {
            url: format!("{base}/CodeSystem/mes-error").into(),
            oid: "".into(),
            name: "MesError".into(),
            title: "Refus de ce serveur".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            origin: Origin::Server,
            is_complete: true,
            concepts,
        });
        self
    }

    /// Every code system.
    pub fn systems(&self) -> impl Iterator<Item = &System> {
        let beneath = self.base().into_iter().flat_map(|base| base.systems.values());
        self.systems.values().chain(beneath.filter(|system| !self.systems.contains_key(&system.url)))
    }

    /// Every value set.
    pub fn sets(&self) -> impl Iterator<Item = &Set> {
        let beneath = self.base().into_iter().flat_map(|base| base.sets.values());
        self.sets.values().chain(beneath.filter(|set| !self.sets.contains_key(&set.url)))
    }

    /// The code system of a URL, a URN, an OID, or another spelling that documents use.
    pub fn system(&self, name: &str) -> Option<&System> {
        let name = name.split('|').next().unwrap_or_default();
        let exact = |name: &str| self.systems.get(name).or_else(|| self.base()?.systems.get(name));
        let own = exact(name).or_else(|| exact(canonical_system(name)?));
        own.or_else(|| {
            let oid = name.strip_prefix("urn:oid:").unwrap_or(name);
            exact(self.oids.get(oid).or_else(|| self.base()?.oids.get(oid))?)
        })
    }

    /// The value set of a URL (its `|version` apart), a name, or an OID.
    pub fn set(&self, id: &str) -> Option<&Set> {
        let id = id.split('|').next().unwrap_or_default();
        let exact = |id: &str| self.sets.get(id).or_else(|| self.base()?.sets.get(id));
        exact(id).or_else(|| {
            let name = key(id.strip_prefix("urn:oid:").unwrap_or(id));
            exact(self.names.get(&*name).or_else(|| self.base()?.names.get(&*name))?)
        })
    }

    /// Whether an operator's file stands in the place of a committed set.
    pub fn replaces(&self) -> bool {
        !self.replaced.is_empty()
    }

    /// The set that an operator's file put in the place of a committed one.
    pub fn replacement(&self, name: &str) -> Option<&Set> {
        // Files bear the name of a set, and what part of it they hold after a point.
        let name = name.split('.').next().unwrap_or_default();
        if !self.replaces() {
            return None;
        }
        self.set(name).filter(|set| self.replaced.contains(&set.url))
    }

    /// What a code is, and in which system.
    pub fn concept(&self, system: &str, code: &str) -> Option<(&System, &Concept)> {
        let of = |name: &str| {
            let system = self.system(name)?;
            Some((system, system.concepts.get(code)?))
        };
        of(system).or_else(|| of(canonical_system_of(system, code)?))
    }

    /// What a member of a set is called.
    pub fn display<'a>(&'a self, member: &'a Member, language: &str) -> &'a str {
        let known = self.concept(&member.system, &member.code).map(|(_, concept)| concept.display(language));
        let known = known.filter(|display| !display.is_empty());
        if member.display.is_empty() { known.unwrap_or_default() } else { &member.display }
    }

    pub(super) fn put_system(&mut self, system: System) {
        if !system.oid.is_empty() {
            self.oids.insert(system.oid.clone(), system.url.clone());
        }
        self.systems.insert(system.url.clone(), system);
    }

    pub(super) fn put_set(&mut self, mut set: Set) {
        set.members.sort();
        set.members.dedup_by(|next, kept| (&next.system, &next.code) == (&kept.system, &kept.code));
        for name in [&set.name, &set.oid].into_iter().filter(|name| !name.is_empty()) {
            self.names.insert(key(name).into_owned(), set.url.clone());
        }
        self.sets.insert(set.url.clone(), set);
    }

    /// Notes that a set is the operator's.
    pub(super) fn mark_replaced(&mut self, url: &Text) {
        self.replaced.insert(url.clone());
    }

    fn build() -> Self {
        let mut library = Self::default();
        for known in r4::systems() {
            library.put_system(of_r4(known));
        }
        for (url, title) in titles() {
            library.french_system(url, title);
        }
        for set in value_sets() {
            for coding in set.codings() {
                let system = library.french_system(coding.system, "");
                let concept = system.concepts.entry(coding.code.into()).or_default();
                concept.name("fr", coding.display);
            }
            library.french_set(set);
        }
        library.systems.retain(|_, system| !system.concepts.is_empty());
        for set in definition::ValueSet::all().filter(|set| set.url().starts_with("http")) {
            library.put_set(set_of_r4(set));
        }
        library
    }

    fn french_system(&mut self, url: &'static str, title: &'static str) -> &mut System {
        let system = self.systems.entry(url.into()).or_insert_with(|| System {
            url: url.into(),
            oid: "".into(),
            name: machine_name(url).into(),
            title: "".into(),
            version: "".into(),
            origin: Origin::French,
            is_complete: false,
            concepts: BTreeMap::new(),
        });
        // What HL7's package does not say of a system, the French map may.
        if system.oid.is_empty() {
            system.oid = oid_of(url).unwrap_or_default().into();
        }
        if system.title.is_empty() {
            system.title = title.into();
        }
        system
    }

    fn french_set(&mut self, set: &super::ValueSet) {
        // A code system taken whole stands among the value sets too.
        if let Some(system) = self.systems.get_mut(set.url) {
            system.is_complete = set.is_complete;
        }
        let member = |coding: &super::Coding| Member {
            system: coding.system.into(),
            code: coding.code.into(),
            display: coding.display.into(),
            is_retired: false,
        };
        self.put_set(Set {
            url: set.url.into(),
            oid: set.oid.into(),
            name: set.name.into(),
            title: set.name.into(),
            version: "".into(),
            origin: Origin::French,
            is_complete: set.is_complete,
            is_listed: true,
            members: set.codings().map(member).collect(),
        });
    }
}

fn of_r4(known: &r4::R4System) -> System {
    let mut concepts: BTreeMap<Text, Concept> = BTreeMap::new();
    for (code, display) in known.concepts {
        concepts.entry((*code).into()).or_default().name("en", display);
    }
    System {
        url: known.url.into(),
        oid: known.oid.into(),
        name: machine_name(if known.name.is_empty() { known.url } else { known.name }).into(),
        title: known.title.into(),
        version: known.version.into(),
        origin: Origin::R4,
        is_complete: known.is_complete,
        concepts,
    }
}

fn set_of_r4(set: definition::ValueSet) -> Set {
    let member = |(system, code): (&'static str, &'static str)| Member {
        system: system.into(),
        code: code.into(),
        display: "".into(),
        is_retired: false,
    };
    Set {
        url: set.url().into(),
        oid: "".into(),
        name: machine_name(set.url()).into(),
        title: "".into(),
        version: "4.0.1".into(),
        origin: Origin::R4,
        is_complete: set.is_listed(),
        is_listed: set.is_listed(),
        members: set.codes().map(member).collect(),
    }
}

/// The form in which names are compared: files write `_` where the ANS writes `-`.
fn key(name: &str) -> Cow<'_, str> {
    if name.contains('_') { name.replace('_', "-").into() } else { name.into() }
}

/// A name for machines (R4 `vsd-0`): the end of a URL or any other text, made of letters, digits and `_`.
pub(in crate::fhir) fn machine_name(text: &str) -> String {
    let tail = text.rsplit(['/', '#']).find(|part| !part.is_empty()).unwrap_or_default();
    let plain = tail.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' });
    let mut name: String = plain.take(200).collect();
    match name.chars().next() {
        Some(first) if first.is_ascii_alphabetic() => {
            if let Some(first) = name.get_mut(..1) {
                first.make_ascii_uppercase();
            }
        }
        _ => name.insert_str(0, "N_"),
    }
    name
}

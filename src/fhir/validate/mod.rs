//! Validation of a resource: its structure by the R4 tables, then its profile (R4 `validation.html`).

mod binding;
pub mod deep;
mod expression;
mod identity;
mod invariant;
pub mod package;
mod path;
mod primitive;
mod profile;
mod provide;
mod reference;
mod walk;
mod wording;
mod written;

use std::hash::{Hash, Hasher};

use serde_json::Value;

use self::invariant::Manner;
use self::package::Package;
use self::path::Path;
use self::reference::Scope;
use self::walk::Walk;
use crate::error::Issue;
use crate::fhir::definition::Type;
use crate::fhir::terminology::{Library, Set};

/// How strictly a profile is held to (contract §7, `conformance.mode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Conformance {
    /// Everything the profile says refuses.
    Strict,
    /// French practice: what the CI-SIS leaves open warns. The default.
    #[default]
    CiSis,
    /// The official examples pass, with warnings.
    Lenient,
}

/// Which of the two PDSm packs applies (document-sharing T1, `conformance.pdsm`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Pdsm {
    /// Tag 3.1.1 of 2026-01-15. The default; what `main` adds only warns.
    #[default]
    V311,
    /// The guide's main branch of 2026-06-30.
    Main,
}

/// What a profile is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Mode {
    /// How strictly.
    pub mode: Conformance,
    /// Under which PDSm pack.
    pub pdsm: Pdsm,
    /// The value sets that stand in the place of the committed ones.
    pub replaced: Replaced,
}

impl Mode {
    /// The committed value sets, held to so strictly under this pack.
    pub const fn of(mode: Conformance, pdsm: Pdsm) -> Self {
        Self { mode, pdsm, replaced: Replaced(None) }
    }
}

/// The value sets of an operator (`espace import --terminology`); none by default.
#[derive(Debug, Clone, Copy, Default)]
pub struct Replaced(Option<&'static Library>);

impl Replaced {
    /// Those of a library, which is then kept as long as the process: it is read once, at the start.
    pub fn of(library: &Library) -> Self {
        Self(library.replaces().then(|| &*Box::leak(Box::new(library.clone()))))
    }

    /// Whether any set is the operator's.
    const fn is_any(self) -> bool {
        self.0.is_some()
    }

    /// The set that stands in the place of a committed one.
    fn set(self, name: &str) -> Option<&'static Set> {
        self.0?.replacement(name)
    }
}

impl PartialEq for Replaced {
    fn eq(&self, other: &Self) -> bool {
        match (self.0, other.0) {
            (None, None) => true,
            (Some(one), Some(other)) => std::ptr::eq(one, other),
            _ => false,
        }
    }
}

impl Eq for Replaced {}

impl Hash for Replaced {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.map(std::ptr::from_ref).hash(state);
    }
}

/// What a structural check may take for granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Options {
    /// Large `data` were cut out while streaming: exactly `#data:<n>` stands in their place.
    pub data_was_cut: bool,
}

/// Judges a resource, whatever its type, by the R4 definitions. Empty: nothing to say.
pub fn structural(resource: &Value) -> Vec<Issue> {
    structural_with(resource, Options::default())
}

/// [`structural`], with options.
pub fn structural_with(resource: &Value, options: Options) -> Vec<Issue> {
    judge(resource, options, Manner::default())
}

/// [`structural`], and the good advice that R4 gives beyond what it asks for (a narrative in every resource).
pub fn advised(resource: &Value, options: Options) -> Vec<Issue> {
    judge(resource, options, Manner { advises: true, ..Manner::default() })
}

/// [`advised`], every invariant by its expression alone: what the shorter ways are compared with.
pub fn by_expressions_alone(resource: &Value) -> Vec<Issue> {
    judge(resource, Options::default(), Manner { is_plain: true, advises: true })
}

fn judge(resource: &Value, options: Options, manner: Manner) -> Vec<Issue> {
    let mut walk = Walk::new(options, manner);
    walk.root(resource);
    walk.issues
}

/// The invariants of R4 that [`structural`] holds to by their expression: where they are stated, and key.
pub fn invariants() -> impl Iterator<Item = (&'static str, &'static str)> {
    invariant::keys()
}

/// What profiles say in words only and a function of ours holds to: the names a rule may use.
pub fn worded() -> impl Iterator<Item = &'static str> {
    wording::names()
}

/// Judges the INS of a resource, wherever they stand: [`structural`] knows nothing of them.
pub fn identities(resource: &Value, mode: Conformance) -> Vec<Issue> {
    identity::judge(resource, mode)
}

/// Whether rules are known for a profile's canonical URL (a `|version` is ignored).
pub fn knows(canonical: &str) -> bool {
    profile::find(canonical, Mode::default()).is_some()
}

/// Judges a resource by a profile, after [`structural`]; an unknown profile has nothing to say.
///
/// The profile of a Provide Document Bundle judges its entries too, each by the profile of its slot.
pub fn profile(resource: &Value, canonical: &str, mode: &Mode) -> Vec<Issue> {
    profile_with(resource, canonical, mode, Package::none())
}

/// [`profile()`], where the profiles of packages come before ours.
pub fn profile_with(resource: &Value, canonical: &str, mode: &Mode, package: &Package) -> Vec<Issue> {
    if package.knows(canonical) {
        return package.judge(resource, canonical);
    }
    let Some(profile) = profile::find(canonical, *mode) else { return Vec::new() };
    let kind = resource.get("resourceType").and_then(Value::as_str).and_then(Type::resource);
    let root = Path::root(kind.map_or("Resource", Type::name));
    let frame = profile::Frame { mode: *mode, package, scope: Scope::default(), is_contained: false };
    profile::judge(resource, profile, frame, &root).0
}

//! Who may do what with the types that the generic operations serve (contract §8, "who reads what is
//! not a document"): `resource-gate.csv` before the body is read, `resource-access.csv` once the ties to
//! the record are known.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::Tie;
use super::gate::{self, GateRefusal};
use super::law;
use super::registry::{self, Interaction};
use super::status::Ruled;
use super::table::Axis as _;
use crate::model::caller::CallerClass;
use crate::model::profile::states;
use crate::model::resource::ResourceType;

/// What opens an interaction to a class of callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// Whether the class may come at all.
    pub allowed: bool,
    /// Whether the token must hold a scope of the type.
    pub scoped: bool,
    /// Profiles of the enrolled software, any one of which opens it; empty where none is needed.
    pub profiles: &'static [&'static str],
}

states! {
    /// How much of the resources of a type is read.
    Reach {
        /// All of them.
        Whole = "whole",
        /// None.
        Nothing = "nothing",
    }
}

/// What a caller who holds a tie may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// What he reads.
    pub read: Reach,
    /// Whether he writes.
    pub write: bool,
}

impl Access {
    const NONE: Self = Self { read: Reach::Nothing, write: false };

    const fn opens(self, writes: bool) -> bool {
        if writes { self.write } else { matches!(self.read, Reach::Whole) }
    }
}

/// Whether a caller may pass: its class, then what its software is enrolled for, then its token.
///
/// # Errors
/// Why the gate stays shut.
pub fn allows(
    kind: ResourceType,
    interaction: Interaction,
    class: CallerClass,
    scopes: &[impl AsRef<str>],
    profiles: &[impl AsRef<str>],
) -> Result<(), GateRefusal> {
    let cell = [kind.place(), interaction.place(), class.place()];
    let row = law::RESOURCE_GATE.find(cell).ok_or(GateRefusal::Class("none"))?;
    let is_served = registry::generic(kind).is_some_and(|served| served.serves(interaction));
    if !row.outcome.allowed || !is_served {
        return Err(GateRefusal::Class(row.rule));
    }
    if !row.outcome.is_open_to(profiles) {
        return Err(GateRefusal::Profile(row.rule));
    }
    let required = scope(kind, interaction, class);
    if row.outcome.scoped && !scopes.iter().any(|granted| gate::covers(granted.as_ref(), &required)) {
        return Err(GateRefusal::Scope(row.rule));
    }
    Ok(())
}

/// The letters of the scopes of these types that a token of a class may hold, by context and type.
pub(super) fn scopes(
    class: CallerClass,
    profiles: &[impl AsRef<str>],
) -> BTreeMap<(&'static str, &'static str), BTreeSet<char>> {
    let mut letters: BTreeMap<_, BTreeSet<char>> = BTreeMap::new();
    for served in registry::REGISTRY {
        let Some(kind) = served.generic else { continue };
        for interaction in served.interactions {
            let row = law::RESOURCE_GATE.find([kind.place(), interaction.place(), class.place()]);
            if row.is_some_and(|row| row.outcome.allowed && row.outcome.is_open_to(profiles)) {
                letters.entry((context(class), kind.name())).or_default().insert(interaction.letter());
            }
        }
    }
    letters
}

/// On whose behalf a class acts, as scopes say it.
const fn context(class: CallerClass) -> &'static str {
    match class {
        CallerClass::ProfessionalDirect | CallerClass::ProfessionalIndirect => "user",
        CallerClass::Patient => "patient",
        CallerClass::Structure | CallerClass::AssuranceMaladie | CallerClass::Service => "system",
    }
}

/// The scope that an interaction asks for.
fn scope(kind: ResourceType, interaction: Interaction, class: CallerClass) -> String {
    format!("{}/{}.{}", context(class), kind.name(), interaction.letter())
}

impl Admission {
    fn is_open_to(&self, profiles: &[impl AsRef<str>]) -> bool {
        self.profiles.is_empty() || profiles.iter().any(|profile| self.profiles.contains(&profile.as_ref()))
    }
}

/// Whether a caller who holds these ties reads, or writes, the resources of a type; one tie that opens is
/// enough, and the absence of ties is one. The rule that spoke comes with the answer.
pub fn opens(kind: ResourceType, class: CallerClass, ties: &[Tie], writes: bool) -> Ruled<bool> {
    let judged = ties.iter().copied().chain([Tie::None]).map(|tie| {
        let cell = [kind.place(), class.place(), tie.place()];
        let ruled = Ruled::of(law::RESOURCE_ACCESS.find(cell), Access::NONE);
        Ruled { outcome: ruled.outcome.opens(writes), rule: ruled.rule }
    });
    judged.max_by_key(|ruled| ruled.outcome).unwrap_or(Ruled { outcome: false, rule: "none" })
}

//! Membership and expansion of a ValueSet by its expansion or its compose (R4 `valueset.html#compose`).

use serde_json::Value;

use super::system::{Concept, System};
use super::{Library, Membership, Said};
use crate::fhir::terminology::{codes_of, is_same_system};

/// Whether a code is in a ValueSet; what it says of nothing cannot be told.
pub(super) fn member(library: &Library, set: &Value, said: Said<'_>, depth: usize) -> Membership {
    if let Some(listed) = set.pointer("/expansion/contains").and_then(Value::as_array) {
        return contained(listed, said, depth).unwrap_or(Membership::Out);
    }
    let any = |name: &str| {
        let mut all = Membership::Out;
        for part in parts(set, name) {
            match self::part(library, part, said, depth) {
                Membership::Out => {}
                Membership::Untold => all = Membership::Untold,
                found => return found,
            }
        }
        all
    };
    match any("exclude") {
        Membership::In | Membership::Retired => Membership::Out,
        Membership::Untold => Membership::Untold,
        Membership::Out => any("include"),
    }
}

fn parts<'v>(set: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    let listed = set.get("compose").and_then(|compose| compose.get(name)).and_then(Value::as_array);
    listed.into_iter().flatten()
}

/// The code in an expansion, however deep.
fn contained(listed: &[Value], said: Said<'_>, depth: usize) -> Option<Membership> {
    listed.iter().find_map(|one| {
        let text = |name: &str| one.get(name).and_then(Value::as_str);
        let is_flagged = |name: &str| one.get(name).and_then(Value::as_bool) == Some(true);
        let is_it = text("code") == Some(said.1) && agrees(said.0, text("system")) && !is_flagged("abstract");
        if is_it {
            return Some(if is_flagged("inactive") { Membership::Retired } else { Membership::In });
        }
        let below = one.get("contains").and_then(Value::as_array).filter(|_| depth > 0)?;
        contained(below, said, depth - 1)
    })
}

/// Whether the system said, if one is, is the system meant.
fn agrees(said: Option<&str>, system: Option<&str>) -> bool {
    said.is_none_or(|said| system.is_some_and(|system| is_same_system(said, system)))
}

/// One include or exclude: a system, whole, by its codes or by filters, and the sets a code must be in as well.
fn part(library: &Library, part: &Value, said: Said<'_>, depth: usize) -> Membership {
    let list = |name: &str| part.get(name).and_then(Value::as_array).map(Vec::as_slice);
    let mut found = Membership::In;
    for set in list("valueSet").into_iter().flatten().filter_map(Value::as_str) {
        match library.member(set, said, depth - 1) {
            Membership::In => {}
            Membership::Retired => found = Membership::Retired,
            other => return other,
        }
    }
    let Some(system) = part.get("system").and_then(Value::as_str) else { return found };
    if !agrees(said.0, Some(system)) {
        return Membership::Out;
    }
    if let Some(listed) = list("concept") {
        let is_listed = listed.iter().any(|one| one.get("code").and_then(Value::as_str) == Some(said.1));
        return if is_listed { retired(library.system(system), said.1, found) } else { Membership::Out };
    }
    let Some(known) = library.system(system) else {
        // Of a system of the French tables we hold what the value sets use: presence proves, absence does not.
        let is_known = list("filter").is_none() && codes_of(system).any(|coding| coding.code == said.1);
        return if is_known { found } else { Membership::Untold };
    };
    let filters = list("filter").unwrap_or_default();
    match known.concept(said.1) {
        Some(concept) => {
            match filters.iter().map(|filter| passes(known, concept, filter)).collect::<Option<Vec<bool>>>() {
                Some(all) if all.iter().all(|passes| *passes) => retired(Some(known), said.1, found),
                Some(_) => Membership::Out,
                None => Membership::Untold,
            }
        }
        None if known.is_complete => Membership::Out,
        None => Membership::Untold,
    }
}

fn retired(system: Option<&System>, code: &str, found: Membership) -> Membership {
    match system.and_then(|system| system.concept(code)) {
        Some(concept) if concept.is_retired => Membership::Retired,
        _ => found,
    }
}

/// Whether a concept passes a filter; `None` where the filter is of a kind not read here.
fn passes(system: &System, concept: &Concept, filter: &Value) -> Option<bool> {
    let text = |name: &str| filter.get(name).and_then(Value::as_str);
    let (property, operator, value) = (text("property")?, text("op")?, text("value")?);
    match (property, operator) {
        ("concept" | "code", "is-a") => Some(system.is_a(&concept.code, value)),
        ("concept" | "code", "descendent-of") => Some(concept.code != value && system.is_a(&concept.code, value)),
        ("concept" | "code", "is-not-a") => Some(!system.is_a(&concept.code, value)),
        ("concept" | "code", "in") => Some(value.split(',').any(|one| one.trim() == concept.code)),
        ("concept" | "code", "not-in") => Some(value.split(',').all(|one| one.trim() != concept.code)),
        ("concept" | "code", "=") => Some(concept.code == value),
        ("parent", "=") => Some(concept.parent.as_deref() == Some(value)),
        _ => None,
    }
}

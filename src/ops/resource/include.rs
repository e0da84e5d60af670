//! `_include` and `_revinclude` (R4 search §include): what the matches point to and what points to
//! them, as the caller sees it, round by round where `:iterate` is asked.

use std::collections::HashSet;

use uuid::Uuid;

use super::resolve::too_costly;
use super::scope::{Scope, stored_type};
use super::search::by_ids;
use super::stamp::NAMING;
use crate::error::Error;
use crate::fhir::search::{Include, Search, stored_targets};
use crate::model::resource::{ResourceType, StoredResource};
use crate::model::search::{Condition, Match, Predicate};
use crate::store::Tx;

use super::order::NEWEST_FIRST;

/// Resources included in one page.
pub const INCLUDED: usize = 1_000;
/// Rounds of `:iterate`.
const ROUNDS: usize = 6;

/// A resource that is sent beside the matches.
#[derive(Debug, Clone)]
pub struct Included {
    /// Its type.
    pub kind: ResourceType,
    /// Its FHIR id.
    pub id: String,
    /// Itself.
    pub resource: StoredResource,
}

/// What one page includes: nothing twice, nothing that matches already, nothing that the caller does
/// not see.
///
/// # Errors
/// [`crate::error::Code::TooCostly`] beyond [`INCLUDED`] resources; those of the store.
pub fn included(
    tx: &mut Tx<'_>,
    scope: &dyn Scope,
    search: &Search,
    kind: ResourceType,
    matches: &[StoredResource],
) -> Result<Vec<Included>, Error> {
    if search.includes.is_empty() && search.reverse_includes.is_empty() || matches.is_empty() {
        return Ok(Vec::new());
    }
    let mut known: HashSet<(i16, Uuid)> = matches.iter().map(|found| (kind.number(), found.id)).collect();
    let mut frontier: Vec<(ResourceType, StoredResource)> = matches.iter().map(|found| (kind, found.clone())).collect();
    let mut all: Vec<Included> = Vec::new();
    for round in 0..ROUNDS {
        let found = one_round(tx, scope, search, &frontier, round > 0, &mut known)?;
        if found.is_empty() {
            return Ok(all);
        }
        if all.len() + found.len() > INCLUDED {
            return Err(too_costly());
        }
        frontier = found.iter().map(|one| (one.kind, one.resource.clone())).collect();
        all.extend(found);
    }
    let more = one_round(tx, scope, search, &frontier, true, &mut known)?;
    if more.is_empty() { Ok(all) } else { Err(too_costly()) }
}

fn one_round(
    tx: &mut Tx<'_>,
    scope: &dyn Scope,
    search: &Search,
    frontier: &[(ResourceType, StoredResource)],
    again: bool,
    known: &mut HashSet<(i16, Uuid)>,
) -> Result<Vec<Included>, Error> {
    let asked = |include: &&Include| !again || include.iterates;
    let mut wanted: Vec<(ResourceType, Uuid)> = Vec::new();
    let forward: Vec<&Include> = search.includes.iter().filter(asked).collect();
    if !forward.is_empty() {
        pointed_to(scope, &forward, frontier, &mut |kind, id| {
            if known.insert((kind.number(), id)) {
                wanted.push((kind, id));
            }
        });
    }
    for include in search.reverse_includes.iter().filter(asked) {
        for (kind, id) in pointing(tx, scope, include, frontier)? {
            if known.insert((kind.number(), id)) {
                wanted.push((kind, id));
            }
        }
    }
    if wanted.len() > INCLUDED {
        return Err(too_costly());
    }
    let mut found = Vec::with_capacity(wanted.len());
    for kind in ResourceType::ALL {
        let ids: Vec<Uuid> = wanted.iter().filter(|(of, _)| of == kind).map(|(_, id)| *id).collect();
        let Some(permit) = scope.permit(*kind).filter(|_| !ids.is_empty()) else { continue };
        let seen = scope.seen(tx, *kind)?;
        let mut resources = Vec::new();
        for resource in by_ids(tx, permit, *kind, &ids, &seen)? {
            resources.push(scope.shown(tx, *kind, resource)?);
        }
        let keys: Vec<Uuid> = resources.iter().map(|resource| resource.id).collect();
        let names = scope.ids(tx, *kind, &keys)?;
        found.extend(resources.into_iter().zip(names).map(|(resource, id)| Included { kind: *kind, id, resource }));
    }
    Ok(found)
}

/// What the resources of a round point to.
fn pointed_to(
    scope: &dyn Scope,
    includes: &[&Include],
    frontier: &[(ResourceType, StoredResource)],
    each: &mut dyn FnMut(ResourceType, Uuid),
) {
    for (kind, found) in frontier {
        let own: Vec<&&Include> = includes.iter().filter(|include| include.source == kind.name()).collect();
        if own.is_empty() {
            continue;
        }
        for include in own {
            for reference in stored_targets(&found.body, &include.parameters, &NAMING) {
                let Some((name, id)) = reference.split_once('/') else { continue };
                let is_wanted = include.target.as_deref().is_none_or(|wanted| wanted == name);
                let place = stored_type(name).filter(|_| is_wanted);
                if let Some((kind, id)) = place.and_then(|kind| Some((kind, scope.key(kind, id)?))) {
                    each(kind, id);
                }
            }
        }
    }
}

/// What points to the resources of a round.
fn pointing(
    tx: &mut Tx<'_>,
    scope: &dyn Scope,
    include: &Include,
    frontier: &[(ResourceType, StoredResource)],
) -> Result<Vec<(ResourceType, Uuid)>, Error> {
    let Some(source) = stored_type(include.source) else { return Ok(Vec::new()) };
    let Some(permit) = scope.permit(source) else { return Ok(Vec::new()) };
    let mut places = Vec::new();
    for kind in ResourceType::ALL {
        if include.target.as_deref().is_some_and(|target| target != kind.name()) {
            continue;
        }
        let of_kind = frontier.iter().filter(|(of, _)| of == kind);
        let ids: Vec<Uuid> = of_kind.map(|(_, found)| found.id).collect();
        if !ids.is_empty() {
            let names = scope.ids(tx, *kind, &ids)?;
            places.extend(names.into_iter().map(|id| Match::Exact(format!("{}/{id}", kind.name()))));
        }
    }
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for parameter in &include.parameters {
        let asked = Condition::Index { parameter: parameter.number, any_of: places.clone(), negated: false };
        let mut conditions = vec![asked];
        conditions.extend(scope.seen(tx, source)?);
        let limit = i64::try_from(INCLUDED).unwrap_or(i64::MAX).saturating_add(1);
        let predicate = Predicate { kind: source, conditions, order: NEWEST_FIRST, after: None, limit };
        found.extend(tx.find_hits(permit, &predicate)?.into_iter().map(|(id, _)| (source, id)));
    }
    Ok(found)
}

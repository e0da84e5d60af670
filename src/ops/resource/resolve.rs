//! Conditions that lead elsewhere, made into conditions on the resource searched: chains, `_has`,
//! trees, and what is read in the resource itself (R4 search §chaining, §has).
//!
//! Each step is a search of its own under the caller's sight of its type ([`Scope`]), by the index, in
//! the same snapshot; its hits become the values of the next. All of them are bounded.

use std::collections::BTreeSet;

use serde_json::Value;
use uuid::Uuid;

use super::order::NEWEST_FIRST;
use super::scope::{Scope, stored_type};
use super::search::{by_ids, condition};
use super::stamp::{NAMING, index};
use crate::access::permit::Permit;
use crate::error::{Code, Error, Issue};
use crate::fhir::search::{self, Chain, Has, Parameter, Reading, Term, Tree};
use crate::model::resource::{ResourceType, StoredResource};
use crate::model::search::{Condition, Match, Predicate, Subject};
use crate::store::Tx;

/// Resources that one step of a chain, of `_has` or of a tree may lead to.
pub const LED_TO: i64 = 2_000;
/// Resources that are read through for what has no rows, after all other conditions.
pub const READ_THROUGH: i64 = 2_000;
/// Levels of a tree.
const LEVELS: usize = 12;
/// Resources read at once.
const CHUNK: usize = 200;

/// A search that would take more work than one may.
pub(crate) fn too_costly() -> Error {
    Issue::new(Code::TooCostly).rule("R4 search").into()
}

/// What a term comes to.
enum Test {
    /// A condition on rows.
    Rows(Condition),
    /// To be looked up in the resource.
    Read(Reading),
    /// Contained resources to be followed, each type with what one of it must be.
    Contained { parameter: &'static Parameter, targets: Vec<(&'static str, Test)> },
    /// One of these.
    Any(Vec<Test>),
}

/// The terms of a search on a type as conditions. `others` are the further conditions of that search.
pub(crate) fn conditions(
    tx: &mut Tx<'_>,
    scope: &dyn Scope,
    kind: ResourceType,
    terms: &[Term],
    others: &[Condition],
) -> Result<Vec<Condition>, Error> {
    let (mut conditions, mut reads) = (Vec::with_capacity(terms.len()), Vec::new());
    for term in terms {
        match test(tx, scope, kind, term)? {
            Test::Rows(condition) => conditions.push(condition),
            read => reads.push(read),
        }
    }
    if !reads.is_empty() {
        let narrowed = [conditions.as_slice(), others].concat();
        conditions.push(read_through(tx, scope, kind, narrowed, &reads)?);
    }
    Ok(conditions)
}

/// What the caller sees of a type that fulfils a term.
fn seen(tx: &mut Tx<'_>, scope: &dyn Scope, kind: ResourceType, term: &Term) -> Result<Vec<Condition>, Error> {
    let mut all = scope.seen(tx, kind)?;
    let own = conditions(tx, scope, kind, std::slice::from_ref(term), &all)?;
    all.splice(0..0, own);
    Ok(all)
}

fn test(tx: &mut Tx<'_>, scope: &dyn Scope, kind: ResourceType, term: &Term) -> Result<Test, Error> {
    match term {
        Term::Any(inner) => {
            let tests = inner.iter().map(|term| test(tx, scope, kind, term)).collect::<Result<Vec<_>, _>>()?;
            Ok(any(tests))
        }
        Term::Chain(chain) => follow(tx, scope, chain),
        Term::Has(has) => Ok(Test::Rows(pointed_at(tx, scope, kind, has)?)),
        Term::Tree(tree) => Ok(Test::Rows(in_tree(tx, scope, tree)?)),
        Term::Read(reading) => Ok(Test::Read(reading.clone())),
        Term::Id(ids) => {
            let ids: Vec<Uuid> = ids.iter().filter_map(|id| scope.key(kind, id)).collect();
            Ok(Test::Rows(if ids.is_empty() { Condition::Never } else { Condition::Id(ids) }))
        }
        Term::Index { .. } | Term::Missing { .. } | Term::LastUpdated(_) => {
            let own = scope.leaf(tx, kind, term)?;
            Ok(Test::Rows(own.unwrap_or_else(|| condition(term))))
        }
    }
}

/// One of several, as rows say it if all of them do; what nothing fulfils is left out.
fn any(tests: Vec<Test>) -> Test {
    let mut left: Vec<Test> = tests.into_iter().filter(|test| !matches!(test, Test::Rows(Condition::Never))).collect();
    match left.pop() {
        None => Test::Rows(Condition::Never),
        Some(only) if left.is_empty() => only,
        Some(last) => {
            left.push(last);
            let rows = |test: &Test| match test {
                Test::Rows(condition) => Some(condition.clone()),
                _ => None,
            };
            let all: Option<Vec<Condition>> = left.iter().map(rows).collect();
            all.map_or(Test::Any(left), |all| Test::Rows(Condition::Any(all)))
        }
    }
}

/// A chain: the stored resources it may lead to, and the contained ones.
fn follow(tx: &mut Tx<'_>, scope: &dyn Scope, chain: &Chain) -> Result<Test, Error> {
    let (mut places, mut targets) = (BTreeSet::new(), Vec::new());
    for (name, term) in &chain.targets {
        if let Some(kind) = stored_type(name) {
            places.extend(places_of(tx, scope, kind, term)?);
        }
        if chain.contained {
            targets.push((*name, within(tx, scope, term)?));
        }
    }
    let stored = Test::Rows(pointing_to(chain.parameter, places));
    if targets.is_empty() {
        return Ok(stored);
    }
    Ok(any(vec![stored, Test::Contained { parameter: chain.parameter, targets }]))
}

/// What a contained resource must be; its own references may leave the container.
fn within(tx: &mut Tx<'_>, scope: &dyn Scope, term: &Term) -> Result<Test, Error> {
    Ok(match term {
        Term::Chain(chain) => follow(tx, scope, &Chain { contained: true, ..chain.clone() })?,
        Term::Any(inner) => any(inner.iter().map(|term| within(tx, scope, term)).collect::<Result<Vec<_>, _>>()?),
        Term::Read(reading) => Test::Read(reading.clone()),
        Term::Tree(tree) => Test::Rows(in_tree(tx, scope, tree)?),
        Term::Index { .. } | Term::Missing { .. } => Test::Rows(condition(term)),
        // A contained resource has no address: nothing points to it, and it has no instant.
        Term::Id(_) | Term::LastUpdated(_) | Term::Has(_) => Test::Rows(Condition::Never),
    })
}

/// The references (`Type/id`) of what the caller sees of a type that fulfils a term.
fn places_of(tx: &mut Tx<'_>, scope: &dyn Scope, kind: ResourceType, term: &Term) -> Result<Vec<String>, Error> {
    let Some(permit) = scope.permit(kind) else { return Ok(Vec::new()) };
    let conditions = seen(tx, scope, kind, term)?;
    let found = hits(tx, permit, kind, conditions, LED_TO)?;
    let ids = scope.ids(tx, kind, &found)?;
    Ok(ids.into_iter().map(|id| format!("{}/{id}", kind.name())).collect())
}

fn pointing_to(parameter: &Parameter, places: impl IntoIterator<Item = String>) -> Condition {
    let any_of: Vec<Match> = places.into_iter().map(Match::Exact).collect();
    if any_of.is_empty() {
        return Condition::Never;
    }
    Condition::Index { parameter: parameter.number, any_of, negated: false }
}

/// What resources of another type point to, as the ids of the type searched.
fn pointed_at(tx: &mut Tx<'_>, scope: &dyn Scope, kind: ResourceType, has: &Has) -> Result<Condition, Error> {
    let Some(source) = stored_type(has.kind) else { return Ok(Condition::Never) };
    let Some(permit) = scope.permit(source) else { return Ok(Condition::Never) };
    let conditions = seen(tx, scope, source, &has.term)?;
    let limit = LED_TO.saturating_add(1);
    let predicate = Predicate { kind: source, conditions, order: NEWEST_FIRST, after: None, limit };
    let values = tx.find_values(permit, &predicate, has.parameter.number)?;
    if values.len() > usize::try_from(LED_TO).unwrap_or(usize::MAX) {
        return Err(too_costly());
    }
    let ids: BTreeSet<Uuid> = values.iter().filter_map(|found| place(scope, kind, &found.value)).collect();
    Ok(if ids.is_empty() { Condition::Never } else { Condition::Id(ids.into_iter().collect()) })
}

/// The key of a reference to a resource of a type.
fn place(scope: &dyn Scope, kind: ResourceType, reference: &str) -> Option<Uuid> {
    let (name, id) = reference.split_once('/')?;
    (name == kind.name()).then(|| scope.key(kind, id))?
}

/// References into a tree: from its root down to every part, or up to the top.
fn in_tree(tx: &mut Tx<'_>, scope: &dyn Scope, tree: &Tree) -> Result<Condition, Error> {
    let mut places = BTreeSet::from([tree.root.clone()]);
    let kind = tree.root.split('/').next().and_then(stored_type);
    let Some((kind, permit)) = kind.and_then(|kind| Some((kind, scope.permit(kind)?))) else {
        return Ok(pointing_to(tree.parameter, places));
    };
    let mut level: Vec<String> = places.iter().cloned().collect();
    for _ in 0..LEVELS {
        let next = if tree.down {
            let parts = pointing_to(tree.part_of, level);
            let conditions = [vec![parts], scope.seen(tx, kind)?].concat();
            let found = hits(tx, permit, kind, conditions, LED_TO)?;
            let ids = scope.ids(tx, kind, &found)?;
            ids.into_iter().map(|id| format!("{}/{id}", kind.name())).collect::<Vec<_>>()
        } else {
            let keys: Vec<Uuid> = level.iter().filter_map(|reference| place(scope, kind, reference)).collect();
            let seen = scope.seen(tx, kind)?;
            let conditions = [vec![Condition::Id(keys)], seen].concat();
            let predicate = Predicate { kind, conditions, order: NEWEST_FIRST, after: None, limit: LED_TO };
            let values = tx.find_values(permit, &predicate, tree.part_of.number)?;
            values.into_iter().map(|found| found.value).collect()
        };
        level = next.into_iter().filter(|reference| places.insert(reference.clone())).collect();
        if level.is_empty() {
            return Ok(pointing_to(tree.parameter, places));
        }
    }
    Err(too_costly())
}

/// The ids a search finds, unless they are more than `most`.
fn hits(
    tx: &mut Tx<'_>,
    permit: &Permit,
    kind: ResourceType,
    conditions: Vec<Condition>,
    most: i64,
) -> Result<Vec<Uuid>, Error> {
    let limit = most.saturating_add(1);
    let predicate = Predicate { kind, conditions, order: NEWEST_FIRST, after: None, limit };
    let found = tx.find_hits(permit, &predicate)?;
    if found.len() > usize::try_from(most).unwrap_or(usize::MAX) {
        return Err(too_costly());
    }
    Ok(found.into_iter().map(|(id, _)| id).collect())
}

/// The resources that pass what must be read in them, of those that pass all the rest.
fn read_through(
    tx: &mut Tx<'_>,
    scope: &dyn Scope,
    kind: ResourceType,
    narrowed: Vec<Condition>,
    reads: &[Test],
) -> Result<Condition, Error> {
    let Some(permit) = scope.permit(kind) else { return Ok(Condition::Never) };
    let candidates = hits(tx, permit, kind, narrowed, READ_THROUGH)?;
    let mut passing = Vec::new();
    for chunk in candidates.chunks(CHUNK) {
        for found in by_ids(tx, permit, kind, chunk, &[])? {
            let id = found.id;
            let shown = scope.shown(tx, kind, found)?;
            if passes(&shown, reads) {
                passing.push(id);
            }
        }
    }
    Ok(if passing.is_empty() { Condition::Never } else { Condition::Id(passing) })
}

fn passes(found: &StoredResource, reads: &[Test]) -> bool {
    let Ok(body) = serde_json::from_slice::<Value>(&found.body) else { return false };
    reads.iter().all(|test| holds(test, found, &body, &body))
}

/// Whether a resource, or one contained in it, is so. `container` is the resource as it is kept.
fn holds(test: &Test, kept: &StoredResource, container: &Value, resource: &Value) -> bool {
    match test {
        Test::Rows(condition) => {
            let rows = index(resource);
            condition.holds(&Subject { id: kept.id, updated_at: kept.updated_at, rows: &rows })
        }
        Test::Read(reading) => reading.holds(resource, &NAMING),
        Test::Any(tests) => tests.iter().any(|test| holds(test, kept, container, resource)),
        Test::Contained { parameter, targets } => {
            let found = search::contained_targets(container, resource, parameter);
            found.into_iter().any(|target| {
                let name = target.get("resourceType").and_then(Value::as_str).unwrap_or_default();
                targets.iter().any(|(kind, test)| *kind == name && holds(test, kept, container, target))
            })
        }
    }
}

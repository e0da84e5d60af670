//! FHIR search of what is not a document: in the directory, or in the record of who is named (R4
//! `search.html`, contract §8).

use std::collections::HashSet;
use std::sync::Arc;

use uuid::Uuid;

use crate::access::context::Context;
use crate::access::permit::Permit;
use crate::error::Error;
use crate::fhir::search::page::Position;
use crate::fhir::search::{Naming, Search, targets};
use crate::fhir::terminology::canonical_system;
use crate::ids::PatientKey;
use crate::model::audit::Act;
use crate::model::resource::ResourceType;
use crate::ops::Service;
use crate::ops::consult::{Consulted, consult};
use crate::ops::facts::Named;
use crate::ops::trace::Trace;
use crate::store::Tx;

use super::reach::{self, Kept, Reached, is_directory};
use super::search::{Page, by_ids, predicate, run};
use super::write::parsed;

/// What is searched for.
#[derive(Debug)]
pub struct Query {
    /// The type.
    pub kind: ResourceType,
    /// Whose record; nobody's in the directory.
    pub person: Option<Named>,
    /// The search.
    pub search: Search,
    /// Where the page before ended.
    pub after: Option<Position>,
    /// The query as it is traced.
    pub traced: String,
}

/// A page of what was found.
#[derive(Debug)]
pub struct Found {
    /// The record searched; none in the directory.
    pub patient: Option<PatientKey>,
    /// The matches of this page.
    pub matches: Vec<Kept>,
    /// What they point to, as far as it was asked for.
    pub included: Vec<(ResourceType, Kept)>,
    /// How many match in all.
    pub total: i64,
    /// Where the next page starts, if there is one.
    pub next: Option<Position>,
}

/// Searches a type.
///
/// # Errors
/// The neutral refusal where the caller may not read the record that he names.
pub async fn find(service: &Service, ctx: Arc<Context>, query: Query) -> Result<Found, Error> {
    let trace = Trace::of(&ctx, service.ids.uuid(ctx.at), Act::SearchResources).query(query.traced.clone());
    consult(service, "resource.search", ctx, trace, move |tx, ctx, trace| load(tx, ctx, &query, trace)).await
}

fn load(tx: &mut Tx<'_>, ctx: &Context, query: &Query, trace: Trace) -> Result<Consulted<Found>, Error> {
    let (reached, trace) = reach::by_person(tx, ctx, query.kind, query.person.as_ref(), false, trace)?;
    let Reached { permit, facts } = match reached {
        Ok(reached) => reached,
        Err(denial) => return Ok(Consulted::Refused { denial, trace }),
    };
    let predicate = predicate(&query.search, query.kind, permit.shard());
    let page = run(tx, &permit, &query.search, &predicate, query.after.as_ref())?;
    let included = if is_directory(query.kind) { follow(tx, &permit, query, &page)? } else { Vec::new() };
    let Page { matches, total, next, .. } = page;
    let matches = matches.into_iter().map(Kept::of).collect::<Result<_, _>>()?;
    let value = Found { patient: permit.shard().patient(), matches, included, total, next };
    Ok(Consulted::Done { permit, facts: Box::new(facts), value, trace })
}

/// What `_include` names within the directory, each once, none that matches already.
fn follow(tx: &mut Tx<'_>, permit: &Permit, query: &Query, page: &Page) -> Result<Vec<(ResourceType, Kept)>, Error> {
    let naming = Naming { base: "", canonical_system: &canonical_system };
    let mut known: HashSet<(i16, Uuid)> = page.matches.iter().map(|found| (query.kind.number(), found.id)).collect();
    let mut wanted: Vec<(ResourceType, Uuid)> = Vec::new();
    for include in &query.search.includes {
        for found in &page.matches {
            for target in targets(&parsed(found)?, include.parameter, &naming) {
                let Some((kind, id)) = target.split_once('/') else { continue };
                let Some(kind) = ResourceType::from_name(kind).filter(|kind| is_directory(*kind)) else { continue };
                let Some(key) = permit.shard().key_of(id) else { continue };
                let is_wanted = include.target.as_deref().is_none_or(|wanted| wanted == kind.name());
                if is_wanted && known.insert((kind.number(), key)) {
                    wanted.push((kind, key));
                }
            }
        }
    }
    let mut included = Vec::new();
    for kind in ResourceType::ALL {
        let keys: Vec<Uuid> = wanted.iter().filter(|(of, _)| of == kind).map(|(_, key)| *key).collect();
        for found in by_ids(tx, permit, *kind, &keys, &[])? {
            included.push((*kind, Kept::of(found)?));
        }
    }
    Ok(included)
}

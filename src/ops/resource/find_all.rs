//! FHIR search of several types of the directory at once (R4 `http.html#search`): one type after the
//! other, each newest first.

use std::sync::Arc;

use crate::access::context::Context;
use crate::error::{Code, Error};
use crate::fhir::search::Search;
use crate::fhir::search::page::Position;
use crate::model::audit::Act;
use crate::model::resource::ResourceType;
use crate::ops::Service;
use crate::ops::consult::{Consulted, consult};
use crate::ops::trace::Trace;
use crate::store::Tx;

use super::reach::{self, Kept, Reached};
use super::search::{resolved, run};
use super::within::Within;

/// Where a page ended: in the search of this number, after a position, or before its beginning.
pub type Place = (usize, Option<Position>);

/// What is searched for.
#[derive(Debug)]
pub struct Query {
    /// The search of each type.
    pub searches: Vec<(ResourceType, Search)>,
    /// Rows of the page; 0 asks for the total alone.
    pub count: u32,
    /// Where the page before ended.
    pub after: Option<Place>,
    /// The query as it is traced.
    pub traced: String,
}

/// A page of what was found.
#[derive(Debug)]
pub struct Found {
    /// The matches of this page.
    pub matches: Vec<(ResourceType, Kept)>,
    /// How many match in all.
    pub total: i64,
    /// Where the next page starts, if there is one.
    pub next: Option<Place>,
}

/// Searches types of the directory.
///
/// # Errors
/// The neutral refusal where the caller may not read one of them.
pub async fn find_all(service: &Service, ctx: Arc<Context>, query: Query) -> Result<Found, Error> {
    let trace = Trace::of(&ctx, service.ids.uuid(ctx.at), Act::SearchResources).query(query.traced.clone());
    consult(service, "resource.search-all", ctx, trace, move |tx, ctx, trace| load(tx, ctx, &query, trace)).await
}

fn load(tx: &mut Tx<'_>, ctx: &Context, query: &Query, mut trace: Trace) -> Result<Consulted<Found>, Error> {
    let mut found = Found { matches: Vec::new(), total: 0, next: None };
    let (first, start) = query.after.clone().unwrap_or((0, None));
    let mut room = query.count;
    let mut opened = None;
    for (place, (kind, search)) in query.searches.iter().enumerate() {
        let (reached, traced) = reach::by_person(tx, ctx, *kind, None, false, trace)?;
        trace = traced;
        let Reached { permit, facts } = match reached {
            Ok(reached) => reached,
            Err(denial) => return Ok(Consulted::Refused { denial, trace }),
        };
        let wanted = if place < first { 0 } else { room };
        let mut search = search.clone();
        search.count = Some(wanted);
        let after = start.as_ref().filter(|_| place == first);
        let scope = Within { permit: &permit, kind: *kind };
        let predicate = resolved(tx, &scope, &search, *kind, Vec::new())?;
        let page = run(tx, &permit, &search, &predicate, &[], after)?;
        found.total += page.total;
        room = room.saturating_sub(u32::try_from(page.matches.len()).unwrap_or(u32::MAX));
        // A page that is full ends in this type, or before the next one that has something.
        let is_left = wanted == 0 && place >= first && page.total > 0 && query.count > 0;
        let next = page.next.map(|next| (place, Some(next))).or_else(|| is_left.then_some((place, None)));
        found.next = found.next.or(next);
        for resource in page.matches {
            found.matches.push((*kind, Kept::of(resource)?));
        }
        opened = Some((permit, facts));
    }
    let (permit, facts) = opened.ok_or(Code::Required)?;
    Ok(Consulted::Done { permit, facts: Box::new(facts), value: found, trace })
}

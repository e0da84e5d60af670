//! FHIR search of what is not a document: in the directory, or in the record of who is named (R4
//! `search.html`, contract §8).

use std::sync::Arc;

use crate::access::context::Context;
use crate::error::Error;
use crate::fhir::search::Search;
use crate::fhir::search::page::Position;
use crate::ids::PatientKey;
use crate::model::audit::Act;
use crate::model::resource::ResourceType;
use crate::ops::Service;
use crate::ops::consult::{Consulted, consult};
use crate::ops::facts::Named;
use crate::ops::trace::Trace;
use crate::store::Tx;

use super::include::included;
use super::reach::{self, Kept, Reached};
use super::search::{Page, resolved, run};
use super::within::Within;

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

/// Searches within a transaction.
pub(super) fn load(tx: &mut Tx<'_>, ctx: &Context, query: &Query, trace: Trace) -> Result<Consulted<Found>, Error> {
    let (reached, trace) = reach::by_person(tx, ctx, query.kind, query.person.as_ref(), false, trace)?;
    let Reached { permit, facts } = match reached {
        Ok(reached) => reached,
        Err(denial) => return Ok(Consulted::Refused { denial, trace }),
    };
    let scope = Within { permit: &permit, kind: query.kind };
    let predicate = resolved(tx, &scope, &query.search, query.kind, Vec::new())?;
    let page = run(tx, &permit, &query.search, &predicate, &[], query.after.as_ref())?;
    let included = included(tx, &scope, &query.search, query.kind, &page.matches)?.into_iter();
    let included = included
        .map(|one| Ok((one.kind, Kept { id: one.id, resource: one.resource })))
        .collect::<Result<_, Error>>()?;
    let Page { matches, total, next, .. } = page;
    let matches = matches.into_iter().map(Kept::of).collect::<Result<_, _>>()?;
    let value = Found { patient: permit.shard().patient(), matches, included, total, next };
    Ok(Consulted::Done { permit, facts: Box::new(facts), value, trace })
}

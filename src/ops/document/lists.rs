//! ITI-66 Find Document Lists: submission sets and folders of one record (MHD §1.4, PDSm §1.3).

use std::sync::Arc;

use crate::access::context::Context;
use crate::access::decide::decide;
use crate::error::Error;
use crate::model::audit::Act;
use crate::model::caller::Action;
use crate::model::resource::ResourceType;
use crate::model::search::Condition;
use crate::ops::consult::{Consulted, consult};
use crate::ops::resource::include::included;
use crate::ops::resource::scope::Scope as _;
use crate::ops::resource::search::{resolved, run};
use crate::ops::trace::Trace;
use crate::ops::{Service, facts};
use crate::store::Tx;

use super::find::{Found, Query, permitted, person, shown};
use super::pointing::Reader;
use super::reach::Reach;
use super::unseen::not_archived;

/// Lists the submission sets and folders of a record, to who may list its documents. A list of
/// nothing but hidden documents is not there; of another, the hidden entries are not.
pub async fn find(service: &Service, ctx: Arc<Context>, query: Query) -> Result<Found, Error> {
    let trace = Trace::of(&ctx, service.ids.uuid(ctx.at), Act::FindDocumentLists).query(query.traced.clone());
    let tell_traits = service.settings.tell_traits;
    consult(service, "list.find", ctx, trace, move |tx, ctx, trace| search(tx, ctx, &query, trace, tell_traits)).await
}

fn search(
    tx: &mut Tx<'_>,
    ctx: &Context,
    query: &Query,
    trace: Trace,
    tell_traits: bool,
) -> Result<Consulted<Found>, Error> {
    let facts = facts::of_person(tx, ctx, &query.patient)?;
    let trace = trace.by(&facts);
    let trace = facts.profile.as_ref().map_or(trace.clone(), |profile| trace.on(profile.key.into()));
    let permit = match permitted(decide(ctx, Action::FindDocuments, &facts)) {
        Ok(permit) => permit,
        Err(denial) => return Ok(Consulted::Refused { denial, trace }),
    };
    let kind = ResourceType::List;
    let reach = Reach::of(Reader { ctx, facts: &facts, patient: permit.patient() }, &permit);
    let seen = reach.seen(tx, kind)?;
    let mut others: Vec<Condition> = not_archived(&query.search).into_iter().collect();
    others.extend(seen.iter().cloned());
    let predicate = resolved(tx, &reach, &query.search, kind, others)?;
    let mut page = run(tx, &permit, &query.search, &predicate, &seen, query.after.as_ref())?;
    page.matches = shown(tx, &reach, kind, page.matches)?;
    let patient = person(tx, ctx, &permit, &facts, &query.search, &page, tell_traits)?;
    let included = included(tx, &reach, &query.search, kind, &page.matches)?;
    let value = Found { page, patient, included };
    Ok(Consulted::Done { permit, facts: Box::new(facts), value, trace })
}

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
use crate::ops::resource::search::{predicate, run};
use crate::ops::trace::Trace;
use crate::ops::{Service, facts};
use crate::store::Tx;

use super::find::{Found, Query, permitted, person};
use super::include::follow;
use super::pointing::Reader;
use super::unseen::{Unseen, not_archived};

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
    let unseen = Unseen::by(ctx, &facts);
    let lists = unseen.lists(tx, &permit)?;
    let blind = lists.blind(&query.search);
    let mut predicate = predicate(&blind, ResourceType::List, permit.patient());
    predicate.conditions.extend(not_archived(&query.search, permit.patient()));
    if !lists.lists.is_empty() {
        predicate.conditions.push(Condition::NotId(lists.lists.clone()));
    }
    let mut page = run(tx, &permit, &query.search, &predicate, query.after.as_ref())?;
    page.matches = page.matches.into_iter().map(|list| lists.without_entries(list)).collect();
    let patient = person(tx, ctx, &permit, &facts, &query.search, &page, tell_traits)?;
    let kind = ResourceType::List;
    let included = follow(tx, &permit, &query.search, kind, &page, unseen.conditions(), &lists.lists)?;
    let reader = Reader { ctx, facts: &facts, patient: permit.patient() };
    let shown = included.into_iter().map(|(kind, found)| {
        let is_list = kind == ResourceType::List;
        Ok((kind, if is_list { lists.without_entries(found) } else { reader.shown(tx, kind, found)? }))
    });
    let value = Found { page, patient, included: shown.collect::<Result<_, Error>>()? };
    Ok(Consulted::Done { permit, facts: Box::new(facts), value, trace })
}

//! ITI-67 Find Document References: a search within one record (MHD §1.5).

use std::sync::Arc;

use crate::access::context::Context;
use crate::access::decide::decide;
use crate::access::permit::Verdict;
use crate::error::Error;
use crate::fhir::search::Search;
use crate::model::audit::Act;
use crate::model::caller::Action;
use crate::model::resource::ResourceType;
use crate::model::search::Position;
use crate::ops::Service;
use crate::ops::consult::{Consulted, consult};
use crate::ops::facts::{self, Named};
use crate::ops::resource::search::{Page, page, predicate};
use crate::ops::trace::Trace;
use crate::store::Tx;

/// What a search of documents is made of.
#[derive(Debug, Clone)]
pub struct Query {
    /// Whose record.
    pub patient: Named,
    /// What is searched.
    pub search: Search,
    /// Where the page before ended.
    pub after: Option<Position>,
    /// The query as it is traced: no INS.
    pub traced: String,
}

/// Lists the documents of a record. Whoever may not consult it, or names a record that is not open,
/// gets one and the same refusal (contract §8).
pub async fn find(service: &Service, ctx: Arc<Context>, query: Query) -> Result<Page, Error> {
    let trace = Trace::of(&ctx, service.ids.uuid(ctx.at), Act::FindDocumentReferences).query(query.traced.clone());
    consult(service, "document.find", ctx, trace, move |tx, ctx, trace| search(tx, ctx, &query, trace)).await
}

fn search(tx: &mut Tx<'_>, ctx: &Context, query: &Query, trace: Trace) -> Result<Consulted<Page>, Error> {
    let facts = facts::of_person(tx, ctx, &query.patient)?;
    let trace = facts.profile.as_ref().map_or(trace.clone(), |profile| trace.on(profile.key.into()));
    let permit = match decide(ctx, Action::FindDocuments, &facts) {
        Verdict::Permit(permit) => permit,
        Verdict::Deny(denial) => return Ok(Consulted::Refused { denial, trace }),
    };
    let patient = permit.patient();
    let predicate = predicate(&query.search, ResourceType::DocumentReference, patient, query.after);
    let total = tx.count(&permit, &predicate)?;
    let found = if query.search.wants_total_only() { Vec::new() } else { tx.search(&permit, &predicate)? };
    let value = page(&query.search, patient, found, total);
    Ok(Consulted::Done { permit, facts: Box::new(facts), value, trace })
}

//! ITI-67 Find Document References: a search within one record (MHD §1.5).

use std::sync::Arc;

use uuid::Uuid;

use super::sight;
use crate::access::context::Context;
use crate::access::decide::{decide, is_author, tells_closure_reason};
use crate::access::permit::{Denial, Permit, Verdict};
use crate::error::{Code, Error};
use crate::fhir::search::{Include, Search};
use crate::model::audit::Act;
use crate::model::caller::Action;
use crate::model::document::Document;
use crate::model::resource::ResourceType;
use crate::model::search::{Condition, Position};
use crate::ops::Service;
use crate::ops::consult::{Consulted, consult};
use crate::ops::facts::{self, Named};
use crate::ops::profile::exists::{Record, record};
use crate::ops::resource::search::{Page, page, predicate};
use crate::ops::trace::Trace;
use crate::rules::facts::{DocumentFacts, Facts};
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
    /// Whether the caller may at most find documents of his own, by their identifiers (TD3.1b).
    pub own_only: bool,
    /// The query as it is traced: no INS.
    pub traced: String,
}

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// The fiches.
    pub page: Page,
    /// Their person, where `_include` asks for it.
    pub patient: Option<Record>,
}

/// Lists the documents of a record. Whoever may not consult it, or names a record that is not open,
/// gets one and the same refusal (contract §8); but who names documents of his own by their
/// identifiers finds them (TD3.1b).
pub async fn find(service: &Service, ctx: Arc<Context>, query: Query) -> Result<Found, Error> {
    let trace = Trace::of(&ctx, service.ids.uuid(ctx.at), Act::FindDocumentReferences).query(query.traced.clone());
    let tell_traits = service.settings.tell_traits;
    consult(service, "document.find", ctx, trace, move |tx, ctx, trace| search(tx, ctx, &query, trace, tell_traits))
        .await
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
    let named = named_documents(tx, &facts, query)?;
    let (permit, facts, only) = match open(ctx, query, facts, &named) {
        Ok(opened) => opened,
        Err(denial) => return Ok(Consulted::Refused { denial, trace }),
    };
    let patient = permit.patient();
    let mut predicate = predicate(&query.search, ResourceType::DocumentReference, patient, query.after);
    sight::narrow(ctx, &facts, &mut predicate);
    predicate.conditions.extend(only.map(Condition::Id));
    let total = tx.count(&permit, &predicate)?;
    let found = if query.search.wants_total_only() { Vec::new() } else { tx.search(&permit, &predicate)? };
    let page = page(&query.search, patient, found, total);
    let person = if includes_patient(&query.search) && !page.matches.is_empty() {
        let profile = tx.fact_profile(patient)?;
        profile.map(|profile| record(profile, tells_closure_reason(ctx, &facts), tell_traits))
    } else {
        None
    };
    let value = Found { page, patient: person };
    Ok(Consulted::Done { permit, facts: Box::new(facts), value, trace })
}

/// The documents of the record that the search names one by one.
fn named_documents(tx: &mut Tx<'_>, facts: &Facts, query: &Query) -> Result<Vec<Document>, Error> {
    let Some(profile) = &facts.profile else { return Ok(Vec::new()) };
    let mut named: Vec<Document> = Vec::new();
    for identifier in query.search.identifiers() {
        let found = tx.fact_document_by_identifier(profile.key, &identifier.digest())?;
        named.extend(found.filter(|found| named.iter().all(|known| known.id != found.id)));
    }
    Ok(named)
}

type Opened = (Permit, Facts, Option<Vec<Uuid>>);

/// The whole record to who may consult it, else only those of the documents named that are his own.
/// What of the others exists is not told: they count as unknown.
fn open(ctx: &Context, query: &Query, facts: Facts, named: &[Document]) -> Result<Opened, Denial> {
    let is_own = |document: &&Document| is_author(&ctx.caller, &document.persons, &document.structures);
    let own: Vec<&Document> = named.iter().filter(is_own).collect();
    let whole = if query.own_only {
        Err(Denial::new(Code::Forbidden, "MES-005"))
    } else {
        permitted(decide(ctx, Action::FindDocuments, &facts))
    };
    if own.is_empty() || (own.len() < named.len() && whole.is_ok()) {
        return whole.map(|permit| (permit, facts, None));
    }
    let facts = facts.with_documents(own.iter().map(|document| DocumentFacts::from(*document)).collect());
    let permit = permitted(decide(ctx, Action::FindDocuments, &facts))?;
    Ok((permit, facts, Some(own.iter().map(|document| document.id).collect())))
}

fn permitted(verdict: Verdict) -> Result<Permit, Denial> {
    match verdict {
        Verdict::Permit(permit) => Ok(permit),
        Verdict::Deny(denial) => Err(denial),
    }
}

/// Whether the person is wanted beside the fiches. Every other reference of a fiche is contained.
fn includes_patient(search: &Search) -> bool {
    let is_patient = |include: &Include| {
        matches!(include.parameter.code, "patient" | "subject")
            && include.target.as_deref().is_none_or(|target| target == "Patient")
    };
    search.includes.iter().any(is_patient)
}

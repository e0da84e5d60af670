//! ITI-67 Find Document References: a search within one record (MHD §1.5).

use std::sync::Arc;

use uuid::Uuid;

use super::pointing::Reader;
use super::sight;
use crate::access::context::Context;
use crate::access::decide::{decide, is_author, tells_closure_reason};
use crate::access::permit::{Denial, Permit, Verdict};
use crate::error::{Code, Error};
use crate::fhir::search::page::Position;
use crate::fhir::search::{Include, Search};
use crate::ids::PatientKey;
use crate::model::audit::Act;
use crate::model::caller::Action;
use crate::model::document::Document;
use crate::model::resource::{ResourceType, StoredResource};
use crate::model::search::{Condition, Order, Predicate};
use crate::ops::Service;
use crate::ops::consult::{Consulted, consult};
use crate::ops::facts::{self, Named};
use crate::ops::profile::exists::{Record, record};
use crate::ops::resource::include::{Included, included};
use crate::ops::resource::scope::Scope as _;
use crate::ops::resource::search::{Page, condition, resolved, run};
use crate::ops::trace::Trace;
use crate::rules::facts::{DocumentFacts, Facts};
use crate::store::Tx;

use super::reach::Reach;
use super::unseen::not_archived;

/// What a search of documents or of lists is made of.
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
    /// The fiches or the lists.
    pub page: Page,
    /// Their person, where `_include` asks for it.
    pub patient: Option<Record>,
    /// What else `_include` asks for: nothing that matches already, nothing hidden.
    pub included: Vec<Included>,
}

/// Most documents that one search may name by their identifiers.
const NAMED: i64 = 200;

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
    let named = named_in(tx, &facts, &query.search)?;
    let (permit, facts, only) = match open(ctx, query, facts, &named) {
        Ok(opened) => opened,
        Err(denial) => return Ok(Consulted::Refused { denial, trace }),
    };
    let kind = ResourceType::DocumentReference;
    let reach = Reach::of(Reader { ctx, facts: &facts, patient: permit.patient() }, &permit);
    let seen = sight::conditions(ctx, &facts);
    let mut others = sight::besides(&seen, &query.search);
    others.extend(not_archived(&query.search));
    others.extend(only.map(Condition::Id));
    let predicate = resolved(tx, &reach, &query.search, kind, others)?;
    let mut page = run(tx, &permit, &query.search, &predicate, &seen, query.after.as_ref())?;
    page.matches = shown(tx, &reach, kind, page.matches)?;
    let patient = person(tx, ctx, &permit, &facts, &query.search, &page, tell_traits)?;
    let included = included(tx, &reach, &query.search, kind, &page.matches)?;
    let value = Found { page, patient, included };
    Ok(Consulted::Done { permit, facts: Box::new(facts), value, trace })
}

/// Each as its reader sees it.
pub(super) fn shown(
    tx: &mut Tx<'_>,
    reach: &Reach<'_>,
    kind: ResourceType,
    found: Vec<StoredResource>,
) -> Result<Vec<StoredResource>, Error> {
    found.into_iter().map(|one| reach.shown(tx, kind, one)).collect()
}

/// The person, where `_include` asks for it beside something found.
pub(super) fn person(
    tx: &mut Tx<'_>,
    ctx: &Context,
    permit: &Permit,
    facts: &Facts,
    search: &Search,
    page: &Page,
    tell_traits: bool,
) -> Result<Option<Record>, Error> {
    if page.matches.is_empty() || !includes_patient(search) {
        return Ok(None);
    }
    let profile = tx.fact_profile(permit.patient())?;
    Ok(profile.map(|profile| record(profile, tells_closure_reason(ctx, facts), tell_traits)))
}

/// The documents of the record that the search names one by one, by masterIdentifier or entryUUID,
/// with its system or without.
fn named_in(tx: &mut Tx<'_>, facts: &Facts, search: &Search) -> Result<Vec<Document>, Error> {
    facts.profile.as_ref().map_or_else(|| Ok(Vec::new()), |profile| named_documents(tx, profile.key, search))
}

/// The same, in a record.
pub(super) fn named_documents(tx: &mut Tx<'_>, patient: PatientKey, search: &Search) -> Result<Vec<Document>, Error> {
    let terms = search.identifier_terms();
    if terms.is_empty() {
        return Ok(Vec::new());
    }
    let predicate = Predicate {
        kind: ResourceType::DocumentReference,
        conditions: terms.iter().map(condition).collect(),
        order: Order { parameter: None, descending: true },
        after: None,
        limit: NAMED,
    };
    let mut named = Vec::new();
    for (id, _) in tx.fact_hits(patient, &predicate)? {
        named.extend(tx.fact_document(patient, id)?);
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

pub(super) fn permitted(verdict: Verdict) -> Result<Permit, Denial> {
    match verdict {
        Verdict::Permit(permit) => Ok(permit),
        Verdict::Deny(denial) => Err(denial),
    }
}

/// Whether the person is wanted beside what is found.
fn includes_patient(search: &Search) -> bool {
    let is_patient = |include: &Include| {
        include.source == search.kind
            && include.parameters.iter().any(|parameter| matches!(parameter.code, "patient" | "subject"))
            && include.target.as_deref().is_none_or(|target| target == "Patient")
    };
    search.includes.iter().any(is_patient)
}

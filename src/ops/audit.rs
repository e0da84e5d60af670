//! ITI-81 Retrieve ATNA Audit Event and read of one trace: whose traces a caller reads is MES-084.

use std::sync::Arc;

use jiff::Timestamp;

use crate::access::context::Context;
use crate::access::decide::{decide, trace_scope};
use crate::access::permit::{Denial, Verdict};
use crate::error::{Code, Error};
use crate::fhir::search::Term;
use crate::ids::{LogicalId, PatientKey};
use crate::ihe::audit::{Server, balp};
use crate::model::audit::{Act, ChainedRecord};
use crate::model::caller::Action;
use crate::model::search::Subject;
use crate::rules::facts::Facts;
use crate::rules::traces::Traces;
use crate::store::{AuditFilter, Settled, Tx};

use super::Service;
use super::document::sight::Known;
use super::facts::{self, Named};
use super::resource::resolve::too_costly;
use super::resource::search::condition;
use super::resource::stamp::{NAMING, index};
use super::trace::Trace;

/// Traces that one page may have to look through.
const READ: usize = 20_000;
/// Traces read at once where not all of them are asked for.
const BATCH: i64 = 500;

/// Which traces are asked for.
#[derive(Debug, Clone)]
pub struct Query {
    /// Whose record.
    pub patient: Named,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Not after.
    pub until: Option<Timestamp>,
    /// Below this number of the chain.
    pub before: Option<i64>,
    /// What else a trace must be, as its reader is shown it.
    pub terms: Vec<Term>,
    /// Where the view of a trace says that it is from.
    pub server: Server,
    /// Traces a page.
    pub count: i64,
    /// The query as it is traced: no INS.
    pub traced: String,
}

/// A page of traces, newest first.
#[derive(Debug)]
pub struct Traced {
    /// The record.
    pub patient: PatientKey,
    /// The traces.
    pub records: Vec<ChainedRecord>,
    /// Where the next page starts.
    pub next: Option<i64>,
}

/// Lists the traces of a record.
pub async fn find(service: &Service, ctx: Arc<Context>, query: Query) -> Result<Traced, Error> {
    let trace = Trace::of(&ctx, service.ids.uuid(ctx.at), Act::RetrieveAuditEvent).query(query.traced.clone());
    let settled = service.store.read("audit.find", Arc::clone(&ctx), move |tx| list(tx, &ctx, &query, trace.clone()));
    settled.await?.into_result()
}

fn list(tx: &mut Tx<'_>, ctx: &Context, query: &Query, trace: Trace) -> Result<Settled<Traced>, Error> {
    if let Err(denial) = facts::enrolment(tx, ctx)? {
        return Ok(Settled::refused(denial, trace.refused(&denial)));
    }
    let facts = facts::of_person(tx, ctx, &query.patient)?;
    let trace = trace.by(&facts);
    let trace = facts.profile.as_ref().map_or(trace.clone(), |profile| trace.on(profile.key.into()));
    let permit = match decide(ctx, Action::ReadAudit, &facts) {
        Verdict::Permit(permit) => permit,
        Verdict::Deny(denial) => return Ok(Settled::refused(denial, trace.refused(&denial))),
    };
    let (person, structure) = own_only(ctx, &facts);
    let limit = query.count.saturating_add(1).max(if query.terms.is_empty() { 0 } else { BATCH });
    let mut filter =
        AuditFilter { from: query.from, until: query.until, person, structure, before: query.before, limit };
    let known = Known::of(tx, ctx, &facts, permit.patient())?;
    let size = usize::try_from(query.count).unwrap_or(usize::MAX);
    let (mut records, mut read) = (Vec::new(), 0);
    // What is hidden makes no line and no gap: the page is filled from what comes before.
    while records.len() <= size {
        if read >= READ {
            return Err(too_costly());
        }
        let found = tx.list_audit(&permit, &filter)?;
        let Some(last) = found.last().map(|last| last.sequence) else { break };
        filter.before = Some(last);
        let shown: Vec<ChainedRecord> = found.into_iter().filter_map(|chained| shown(&known, chained)).collect();
        // What is hidden does not count: by its number no refusal may be told.
        read += shown.len();
        records.extend(shown.into_iter().filter(|chained| is_asked(query, chained)));
    }
    let goes_on = records.len() > size;
    records.truncate(size);
    let next = if goes_on { records.last().map(|last| last.sequence) } else { None };
    let records = records.into_iter().map(unnumbered).collect();
    Ok(Settled::done(Traced { patient: permit.patient(), records, next }, trace.done(permit.rule())))
}

/// Whether a trace is as the search wants it, judged on the view its reader is shown: what the view does
/// not tell, no condition tells.
fn is_asked(query: &Query, chained: &ChainedRecord) -> bool {
    if query.terms.is_empty() {
        return true;
    }
    let event = balp(&unnumbered(chained.clone()), &query.server);
    let rows = index(&event);
    let subject = Subject { id: chained.record.id, updated_at: chained.record.at, rows: &rows };
    query.terms.iter().all(|term| match term {
        Term::Read(reading) => reading.holds(&event, &NAMING),
        Term::Id(ids) => ids.iter().any(|id| event.get("id").and_then(serde_json::Value::as_str) == Some(id.as_str())),
        term => condition(term).holds(&subject),
    })
}

fn shown(known: &Known, chained: ChainedRecord) -> Option<ChainedRecord> {
    let record = known.shown(chained.record)?;
    Some(ChainedRecord { record, ..chained })
}

/// A trace without its number in the chain: a gap would tell of what the reader does not see. Who
/// checks chains has `espace audit`.
fn unnumbered(chained: ChainedRecord) -> ChainedRecord {
    ChainedRecord { sequence: 0, ..chained }
}

/// Reads one trace.
pub async fn read(service: &Service, ctx: Arc<Context>, id: &str) -> Result<(PatientKey, ChainedRecord), Error> {
    let mut trace = Trace::of(&ctx, service.ids.uuid(ctx.at), Act::ReadAuditEvent);
    let id = id.parse::<LogicalId>().ok();
    if let Some(id) = id {
        trace = trace.touching(format!("AuditEvent/{id}"));
    }
    let settled = service.store.read("audit.read", Arc::clone(&ctx), move |tx| load(tx, &ctx, id, trace.clone()));
    settled.await?.into_result()
}

fn load(
    tx: &mut Tx<'_>,
    ctx: &Context,
    id: Option<LogicalId>,
    trace: Trace,
) -> Result<Settled<(PatientKey, ChainedRecord)>, Error> {
    let refuse = |trace: Trace, denial: Denial| Ok(Settled::refused(denial, trace.refused(&denial)));
    if let Err(denial) = facts::enrolment(tx, ctx)? {
        return refuse(trace, denial);
    }
    let unknown = facts::told(tx, ctx, Denial::new(Code::NotFound, "unknown-resource"))?;
    let Some((patient, uuid)) = id.and_then(|id| Some((id.shard.patient()?, id.uuid))) else {
        return refuse(trace, unknown);
    };
    let facts = facts::of_record(tx, ctx, patient)?;
    let permit = match decide(ctx, Action::ReadAudit, &facts) {
        Verdict::Permit(permit) => permit,
        Verdict::Deny(denial) => return refuse(trace, denial),
    };
    let trace = trace.by(&facts).on(patient.into());
    let (person, structure) = own_only(ctx, &facts);
    let is_readable = |found: &ChainedRecord| {
        let actor = &found.record.actor;
        person.as_ref().is_none_or(|own| actor.person.as_ref() == Some(own))
            && structure.as_ref().is_none_or(|own| actor.structure.as_ref() == Some(own))
    };
    let known = Known::of(tx, ctx, &facts, patient)?;
    match tx.find_audit(&permit, uuid)?.filter(is_readable).and_then(|found| shown(&known, found)).map(unnumbered) {
        Some(found) => Ok(Settled::done((patient, found), trace.done(permit.rule()))),
        None => refuse(trace, unknown),
    }
}

/// Whose acts alone the caller sees: nobody's in particular, his own, or his structure's.
fn own_only(ctx: &Context, facts: &Facts) -> (Option<String>, Option<String>) {
    match (trace_scope(ctx, facts), &ctx.caller.person) {
        (Traces::Whole, _) => (None, None),
        (_, Some(person)) => (Some(person.id.to_string()), None),
        (_, None) => (None, Some(ctx.caller.structure.to_string())),
    }
}

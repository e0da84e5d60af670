//! Where the resource of a request is, and whether the caller reaches it: in the directory by his class,
//! in a record by his ties (contract §8). Unknown, foreign and not allowed are one answer.

use uuid::Uuid;

use crate::access::context::Context;
use crate::access::permit::{Denial, Permit, Verdict};
use crate::access::resource::{decide_directory, decide_record};
use crate::error::{Code, Error};
use crate::fhir::search::Search;
use crate::ids::{LogicalId, ShardKey};
use crate::model::resource::{ResourceType, StoredResource};
use crate::model::search::Predicate;
use crate::ops::facts::{self, Named};
use crate::ops::trace::Trace;
use crate::rules::facts::Facts;
use crate::rules::registry::{self, Place};
use crate::store::Tx;

use super::order::NEWEST_FIRST;
use super::search::resolved;
use super::update::Target;
use super::within::Within;

/// The answer for what is not there.
pub(super) const UNKNOWN: Denial = Denial::new(Code::NotFound, "unknown-resource");
/// The answer for what was deleted, to who could read it.
pub(super) const GONE: Denial = Denial::new(Code::Gone, "deleted-resource");
/// The answer for a person who is not there, or whom the caller may not know of.
pub(super) const NOBODY: Denial = Denial::new(Code::Forbidden, "unknown-person");

/// What a caller reaches.
pub(super) struct Reached {
    /// The proof.
    pub(super) permit: Permit,
    /// What is known of the person; of nobody in the directory.
    pub(super) facts: Facts,
}

/// A decision, with the trace on the chain it belongs to.
pub(super) type Reach<T> = (Result<T, Denial>, Trace);

/// Whether resources of a type live in the directory.
pub(crate) fn is_directory(kind: ResourceType) -> bool {
    registry::generic(kind).is_some_and(|served| served.place == Place::Directory)
}

/// Reaches a resource by its id: what opens its shard, and its key there. Whether it is there is not
/// looked at.
pub(super) fn by_id(
    tx: &mut Tx<'_>,
    ctx: &Context,
    kind: ResourceType,
    id: &str,
    writes: bool,
    trace: Trace,
) -> Result<Reach<(Reached, Uuid)>, Error> {
    if is_directory(kind) {
        let Some(key) = ShardKey::DIRECTORY.key_of(id) else { return Ok((Err(UNKNOWN), trace)) };
        return Ok((directory(ctx, kind, writes).map(|reached| (reached, key)), trace));
    }
    let own = id.parse::<LogicalId>().ok().and_then(|id| Some((id.shard.patient()?, id.uuid)));
    let Some((patient, key)) = own else { return Ok((Err(UNKNOWN), trace)) };
    let facts = facts::of_record(tx, ctx, patient)?;
    // Traced on the record where it is, or was, there: who reads what was deleted reads the record too.
    let (reached, is_there) = match decide_record(ctx, kind, writes, &facts) {
        Verdict::Permit(permit) => {
            let is_there = tx.find_state(&permit, kind, key)?.is_some();
            (Ok(permit), is_there)
        }
        Verdict::Deny(denial) => (Err(denial), tx.fact_resource_exists(patient, kind, key)?),
    };
    let trace = if is_there { trace.by(&facts).on(patient.into()) } else { trace };
    Ok((reached.map(|permit| (Reached { permit, facts }, key)), trace))
}

/// Reaches what a request that names no id is about: the directory, or the record of who is named. On the
/// patient side the record of the token stands for who is not named.
pub(super) fn by_person(
    tx: &mut Tx<'_>,
    ctx: &Context,
    kind: ResourceType,
    named: Option<&Named>,
    writes: bool,
    trace: Trace,
) -> Result<Reach<Reached>, Error> {
    if is_directory(kind) {
        return Ok((directory(ctx, kind, writes), trace));
    }
    let own = ctx.caller.record.clone().map(Named::Ins);
    let Some(named) = named.or(own.as_ref()) else { return Ok((Err(NOBODY), trace)) };
    let facts = facts::of_person(tx, ctx, named)?;
    let trace = match &facts.profile {
        Some(profile) => trace.by(&facts).on(profile.key.into()),
        None => trace,
    };
    let reached = match decide_record(ctx, kind, writes, &facts) {
        Verdict::Permit(permit) => Ok(Reached { permit, facts }),
        Verdict::Deny(denial) => Err(denial),
    };
    Ok((reached, trace))
}

fn directory(ctx: &Context, kind: ResourceType, writes: bool) -> Result<Reached, Denial> {
    match decide_directory(ctx, kind, writes) {
        Verdict::Permit(permit) => Ok(Reached { permit, facts: Facts::of_id(None) }),
        Verdict::Deny(denial) => Err(denial),
    }
}

/// The keys of what criteria find, two at most: none, one, or several is all that a condition asks. Two
/// writers that find none do not both go on: their traces meet on one chain, and one of them runs again.
pub(super) fn matches(
    tx: &mut Tx<'_>,
    permit: &Permit,
    kind: ResourceType,
    criteria: &Search,
) -> Result<Vec<Uuid>, Error> {
    let resolved = resolved(tx, &Within { permit, kind }, criteria, kind, Vec::new())?;
    let predicate = Predicate { limit: 2, order: NEWEST_FIRST, after: None, ..resolved };
    Ok(tx.find_hits(permit, &predicate)?.into_iter().map(|(key, _)| key).collect())
}

/// The one resource that criteria find. Several are refused (R4 `http.html#cond-update`).
pub(super) fn only(
    tx: &mut Tx<'_>,
    permit: &Permit,
    kind: ResourceType,
    criteria: &Search,
) -> Result<Result<Option<Uuid>, Denial>, Error> {
    let found = matches(tx, permit, kind, criteria)?;
    Ok(match found.as_slice() {
        [] => Ok(None),
        [only] => Ok(Some(*only)),
        _ => Err(Denial::new(Code::PreconditionFailed, "R4 http#cond-update")),
    })
}

/// Reaches the resource that a write names, by its id or by criteria that it alone fulfils.
pub(super) fn target(
    tx: &mut Tx<'_>,
    ctx: &Context,
    kind: ResourceType,
    target: &Target,
    trace: Trace,
) -> Result<Reach<(Reached, Uuid)>, Error> {
    match target {
        Target::Id(id) => by_id(tx, ctx, kind, id, true, trace),
        Target::Matching { person, criteria } => {
            let (reached, trace) = by_person(tx, ctx, kind, person.as_ref(), true, trace)?;
            let reached = match reached {
                Ok(reached) => reached,
                Err(denial) => return Ok((Err(denial), trace)),
            };
            let found = only(tx, &reached.permit, kind, criteria)?;
            Ok((found.and_then(|found| found.ok_or(UNKNOWN)).map(|key| (reached, key)), trace))
        }
    }
}

/// A resource of the generic operations, with its id as it is written.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Its id.
    pub id: String,
    /// A version of it.
    pub resource: StoredResource,
}

impl Kept {
    /// A stored resource; its id stands in its body.
    pub(in crate::ops) fn of(resource: StoredResource) -> Result<Self, Error> {
        #[derive(serde::Deserialize)]
        struct Named {
            id: String,
        }
        let named: Named =
            serde_json::from_slice(&resource.body).map_err(|cause| Error::from(Code::Internal).because(cause))?;
        Ok(Self { id: named.id, resource })
    }

    /// `Type/id/_history/version`: what a trace says was touched.
    pub(super) fn reference(&self, kind: ResourceType) -> String {
        format!("{}/{}/_history/{}", kind.name(), self.id, self.resource.version)
    }
}

//! FHIR create, conditional where criteria are given (R4 `http.html#create`, `#ccreate`).

use std::sync::Arc;

use uuid::Uuid;

use crate::access::context::Context;
use crate::error::{Code, Error};
use crate::fhir::search::Search;
use crate::ids::{LogicalId, directory_id};
use crate::model::audit::Act;
use crate::ops::Service;
use crate::ops::facts::Named;
use crate::ops::trace::Trace;
use crate::store::Tx;

use super::draft::Draft;
use super::reach::{self, Kept, Reached, is_directory};
use super::write::{Version, Written, keep, write};

/// A resource to be created.
#[derive(Debug)]
pub struct New {
    /// What it says.
    pub draft: Draft,
    /// Whose record it belongs to; nobody's in the directory.
    pub person: Option<Named>,
    /// `If-None-Exist`: criteria that nothing may fulfil.
    pub unless: Option<Search>,
}

/// What became of it.
#[derive(Debug)]
pub enum Created {
    /// It was made.
    Made(Kept),
    /// One was there that fulfils the criteria; nothing was changed.
    Existing(Kept),
}

/// Creates a resource, unless there is one that fulfils the criteria.
///
/// # Errors
/// Refusals of the caller, 412 where several fulfil the criteria.
pub async fn create(service: &Service, ctx: Arc<Context>, new: New) -> Result<Created, Error> {
    let trace = Trace::of(&ctx, service.ids.uuid(ctx.at), Act::CreateResource);
    let uuid = service.ids.uuid(ctx.at);
    write(service, "resource.create", ctx, trace, move |tx, ctx, trace| make(tx, ctx, &new, uuid, trace)).await
}

/// Creates it within a transaction, under an id made of `uuid`.
pub(super) fn make(
    tx: &mut Tx<'_>,
    ctx: &Context,
    new: &New,
    uuid: Uuid,
    trace: Trace,
) -> Result<Written<Created>, Error> {
    let kind = new.draft.kind();
    let (reached, trace) = reach::by_person(tx, ctx, kind, new.person.as_ref(), true, trace)?;
    let Reached { permit, .. } = match reached {
        Ok(reached) => reached,
        Err(denial) => return Ok(Written::Refused { denial, trace }),
    };
    if let Some(criteria) = &new.unless {
        let found = match reach::only(tx, &permit, kind, criteria)? {
            Ok(found) => found,
            Err(denial) => return Ok(Written::Refused { denial, trace }),
        };
        if let Some(key) = found {
            let resource = tx.find_resource(&permit, kind, key)?.ok_or(Code::Internal)?;
            let kept = Kept::of(resource)?;
            let trace = trace.touching(kept.reference(kind));
            return Ok(Written::Done { value: Created::Existing(kept), rule: permit.rule(), trace });
        }
    }
    let (id, key) = if is_directory(kind) {
        let id = directory_id(uuid);
        let key = permit.shard().key_of(&id).ok_or(Code::Internal)?;
        (id, key)
    } else {
        (LogicalId { shard: permit.shard(), uuid }.to_string(), uuid)
    };
    let body = new.draft.body().clone();
    let kept = keep(tx, &permit, ctx.at, Version { kind, key, id: &id, body, version: 1, before: None })?;
    let trace = trace.touching(kept.reference(kind));
    Ok(Written::Done { value: Created::Made(kept), rule: permit.rule(), trace })
}

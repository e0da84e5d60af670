//! FHIR delete by id or by criteria (R4 `http.html#delete`, `#cdelete`): the versions before are kept,
//! reads answer 410 from then on, and whoever deletes again is told the same.

use std::sync::Arc;

use crate::access::context::Context;
use crate::error::Error;
use crate::model::audit::Act;
use crate::model::resource::ResourceType;
use crate::ops::Service;
use crate::ops::trace::Trace;
use crate::store::Tx;

use super::reach::{self, Kept, Reached, UNKNOWN};
use super::stamp::index;
use super::update::{Target, matches_version};
use super::write::{Written, parsed, write};

/// A resource to be deleted.
#[derive(Debug)]
pub struct Delete {
    /// The type.
    pub kind: ResourceType,
    /// Which one.
    pub target: Target,
    /// `If-Match`: the versions one of which must be the current one.
    pub if_match: Option<Vec<i32>>,
}

/// Deletes a resource; answers the version of its deletion, where it was there at all.
///
/// # Errors
/// Refusals of the caller, 412 where several fulfil the criteria.
pub async fn delete(service: &Service, ctx: Arc<Context>, asked: Delete) -> Result<Option<i32>, Error> {
    let trace = Trace::of(&ctx, service.ids.uuid(ctx.at), Act::DeleteResource);
    write(service, "resource.delete", ctx, trace, move |tx, ctx, trace| remove(tx, ctx, &asked, trace)).await
}

/// Deletes it within a transaction.
pub(super) fn remove(
    tx: &mut Tx<'_>,
    ctx: &Context,
    asked: &Delete,
    trace: Trace,
) -> Result<Written<Option<i32>>, Error> {
    let kind = asked.kind;
    let (found, trace) = reach::target(tx, ctx, kind, &asked.target, trace)?;
    let (Reached { permit, .. }, key) = match found {
        Ok(found) => found,
        // Nothing fulfils the criteria: there is nothing to delete (R4 http#cdelete).
        Err(UNKNOWN) if matches!(asked.target, Target::Matching { .. }) => {
            return Ok(Written::Done { value: None, rule: "R4 http#cdelete", trace });
        }
        Err(denial) => return Ok(Written::Refused { denial, trace }),
    };
    let current = tx.find_resource(&permit, kind, key)?;
    let version = current.as_ref().map(|current| current.version);
    if let Err(denial) = matches_version(asked.if_match.as_deref(), version) {
        return Ok(Written::Refused { denial, trace });
    }
    let Some(current) = current else {
        let state = tx.find_state(&permit, kind, key)?;
        return Ok(Written::Done { value: state.map(|state| state.version), rule: permit.rule(), trace });
    };
    let rows = index(&parsed(&current)?);
    let kept = Kept::of(current)?;
    tx.withdraw_resource(&permit, kind, key, &rows, ctx.at)?;
    let trace = trace.touching(format!("{}/{}", kind.name(), kept.id));
    Ok(Written::Done { value: Some(kept.resource.version.saturating_add(1)), rule: permit.rule(), trace })
}

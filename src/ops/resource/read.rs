//! FHIR read and vread of what is not a document (R4 `http.html#read`, `#vread`).

use std::sync::Arc;

use crate::access::context::Context;
use crate::error::Error;
use crate::model::audit::Act;
use crate::model::resource::ResourceType;
use crate::ops::Service;
use crate::ops::consult::{Consulted, consult};
use crate::ops::trace::Trace;
use crate::store::Tx;

use super::reach::{self, GONE, Kept, Reached, UNKNOWN};

/// What is to be read.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The type.
    pub kind: ResourceType,
    /// Its id, as given.
    pub id: &'a str,
    /// The version; the current one where none is named.
    pub version: Option<i32>,
}

/// Reads the current version, or the one named.
///
/// # Errors
/// 404 where it is not there or not for this caller; 410 where it was deleted.
pub async fn read(service: &Service, ctx: Arc<Context>, asked: Asked<'_>) -> Result<Kept, Error> {
    let Asked { kind, id, version } = asked;
    let named = version.map_or_else(String::new, |version| format!("/_history/{version}"));
    let mut trace = Trace::of(&ctx, service.ids.uuid(ctx.at), Act::ReadResource);
    if crate::ids::is_fhir_id(id) {
        trace = trace.touching(format!("{}/{id}{named}", kind.name()));
    }
    let id = id.to_owned();
    consult(service, "resource.read", ctx, trace, move |tx, ctx, trace| load(tx, ctx, kind, &id, version, trace)).await
}

/// Reads it within a transaction.
pub(super) fn load(
    tx: &mut Tx<'_>,
    ctx: &Context,
    kind: ResourceType,
    id: &str,
    version: Option<i32>,
    trace: Trace,
) -> Result<Consulted<Kept>, Error> {
    let (reached, trace) = reach::by_id(tx, ctx, kind, id, false, trace)?;
    let (Reached { permit, facts }, key) = match reached {
        Ok(reached) => reached,
        Err(denial) => return Ok(Consulted::Refused { denial, trace }),
    };
    let Some(state) = tx.find_state(&permit, kind, key)? else {
        return Ok(Consulted::Refused { denial: UNKNOWN, trace });
    };
    let found = match version {
        None => tx.find_resource(&permit, kind, key)?,
        Some(version) => tx.find_version(&permit, kind, key, version)?,
    };
    // A version without a body is a deletion.
    let found = found.filter(|found| !found.body.is_empty());
    let is_deletion = version.is_none_or(|version| version <= state.version && version > 0);
    let Some(found) = found else {
        let denial = if is_deletion { GONE } else { UNKNOWN };
        return Ok(Consulted::Refused { denial, trace });
    };
    let kept = Kept::of(found)?;
    if kept.id != id {
        return Ok(Consulted::Refused { denial: UNKNOWN, trace });
    }
    Ok(Consulted::Done { permit, facts: Box::new(facts), value: kept, trace })
}

//! FHIR patch of what is not a document, in any of the four forms (R4 `http.html#patch`).

use std::sync::Arc;

use crate::access::context::Context;
use crate::error::{Code, Error, Issue};
use crate::fhir::patch::Patch as Change;
use crate::fhir::validate::Mode;
use crate::ids::ElementPath;
use crate::model::audit::Act;
use crate::model::resource::ResourceType;
use crate::ops::Service;
use crate::ops::trace::Trace;
use crate::store::Tx;
use serde_json::Value;

use super::draft::{Draft, is_about};
use super::reach::{self, Kept, Reached, UNKNOWN};
use super::update::{Target, matches_version};
use super::write::{Version, Written, keep, parsed, write};

/// A resource to be patched.
#[derive(Debug)]
pub struct Patch {
    /// The type.
    pub kind: ResourceType,
    /// Which one.
    pub target: Target,
    /// What is to be changed.
    pub change: Change,
    /// `If-Match`: the versions one of which must be the current one.
    pub if_match: Option<Vec<i32>>,
    /// How strictly the result is held to its profiles.
    pub mode: Mode,
}

/// Patches a resource. The result is judged as an update would be.
///
/// # Errors
/// Refusals of the caller, 404 where criteria find nothing, 412 of concurrency, 422 of the content.
pub async fn patch(service: &Service, ctx: Arc<Context>, base: Arc<str>, asked: Patch) -> Result<Kept, Error> {
    let trace = Trace::of(&ctx, service.ids.uuid(ctx.at), Act::PatchResource);
    write(service, "resource.patch", ctx, trace, move |tx, ctx, trace| change(tx, ctx, &base, &asked, trace)).await
}

/// Patches it within a transaction.
pub(super) fn change(
    tx: &mut Tx<'_>,
    ctx: &Context,
    base: &str,
    asked: &Patch,
    trace: Trace,
) -> Result<Written<Kept>, Error> {
    let kind = asked.kind;
    let (found, trace) = reach::target(tx, ctx, kind, &asked.target, trace)?;
    let (Reached { permit, facts }, key) = match found {
        Ok(found) => found,
        Err(denial) => return Ok(Written::Refused { denial, trace }),
    };
    let state = tx.find_state(&permit, kind, key)?;
    let Some(before) = tx.find_resource(&permit, kind, key)? else {
        let denial = state.map_or(UNKNOWN, |_deleted| reach::GONE);
        return Ok(Written::Refused { denial, trace });
    };
    let before = Kept::of(before)?;
    let trace = trace.touching(format!("{}/{}", kind.name(), before.id));
    if let Err(denial) = matches_version(asked.if_match.as_deref(), Some(before.resource.version)) {
        return Ok(Written::Refused { denial, trace });
    }
    let draft = match apply(asked, &before) {
        Ok(draft) => draft,
        Err(error) => return Ok(Written::Failed { error, trace }),
    };
    let names_another = facts
        .profile
        .as_ref()
        .is_some_and(|profile| !is_about(kind, draft.body(), &profile.key.to_string(), base, &profile.identifiers));
    if names_another {
        let error = Issue::new(Code::PatientDiffers).at(ElementPath::root(kind.name())).rule("contract §7");
        return Ok(Written::Failed { error: error.into(), trace });
    }
    let version = before.resource.version.saturating_add(1);
    let body = draft.body().clone();
    let new = Version { kind, key, id: &before.id, body, version, before: Some(&before.resource) };
    let kept = keep(tx, &permit, ctx.at, new)?;
    Ok(Written::Done { value: kept, rule: permit.rule(), trace })
}

/// The resource as patched: still of its type and of its id.
fn apply(asked: &Patch, before: &Kept) -> Result<Draft, Error> {
    let after = asked.change.apply(&parsed(&before.resource)?)?;
    if after.get("id").and_then(Value::as_str) != Some(before.id.as_str()) {
        return Err(Issue::new(Code::PatchFailed).at(ElementPath::root("id")).rule("R4 http#patch").into());
    }
    Draft::read(asked.kind, after, &asked.mode)
}

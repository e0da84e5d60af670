//! What the entries of a transaction turn out to be called: by conditional creates and updates that find
//! a resource, and by references that are criteria (R4 `http.html#trules`).

use std::collections::HashMap;

use serde_json::Value;

use super::Halt;
use super::plan::{Condition, Plan, Ready, Step};
use crate::access::context::Context;
use crate::access::permit::{Denial, Permit};
use crate::error::{Code, Error, Issue};
use crate::fhir::bundle::rewrite;
use crate::fhir::search::Search;
use crate::ids::PatientKey;
use crate::model::resource::ResourceType;
use crate::ops::facts::{self, Named};
use crate::ops::resource::reach::{self, Kept, Reached};
use crate::ops::resource::update::Target;
use crate::ops::trace::Trace;
use crate::store::Tx;

/// The names that have changed, by what they were so far.
pub(super) type Names = HashMap<String, String>;

/// Finds out what an entry whose name is not certain is called.
pub(super) fn identify(
    tx: &mut Tx<'_>,
    ctx: &Context,
    step: &Step,
    trace: Trace,
    names: &mut Names,
) -> Result<(), Halt> {
    let (kind, person, criteria) = match &step.ask {
        Ready::Create(new) => match &new.unless {
            Some(criteria) => (new.draft.kind(), new.person.as_ref(), criteria),
            None => return Ok(()),
        },
        Ready::Update(update) => match &update.target {
            Target::Matching { person, criteria } => (update.draft.kind(), person.as_ref(), &**criteria),
            Target::Id(_) => return Ok(()),
        },
        Ready::Patch(..) | Ready::Other(_) => return Ok(()),
    };
    let number = step.number;
    let (reached, trace) = reach::by_person(tx, ctx, kind, person, true, trace)?;
    let refuse = |denial| Halt::Refused { number, denial, trace: Box::new(trace.clone()) };
    let Reached { permit, .. } = reached.map_err(refuse)?;
    let found = found(tx, &permit, kind, criteria)?.map_err(refuse)?;
    if let (Some(name), Some(found)) = (&step.name, found) {
        names.insert(name.clone(), found);
    }
    Ok(())
}

/// `Type/id` of the one resource that criteria find.
fn found(
    tx: &mut Tx<'_>,
    permit: &Permit,
    kind: ResourceType,
    criteria: &Search,
) -> Result<Result<Option<String>, Denial>, Error> {
    let key = match reach::only(tx, permit, kind, criteria)? {
        Ok(Some(key)) => key,
        Ok(None) => return Ok(Ok(None)),
        Err(denial) => return Ok(Err(denial)),
    };
    let kept = Kept::of(tx.find_resource(permit, kind, key)?.ok_or(Code::Internal)?)?;
    Ok(Ok(Some(format!("{}/{}", kind.name(), kept.id))))
}

/// Resolves every reference by criteria that entries hold, each once.
pub(super) fn resolve(
    tx: &mut Tx<'_>,
    ctx: &Context,
    plan: &Plan,
    trace: impl Fn(&Step) -> Trace,
    names: &mut Names,
) -> Result<(), Halt> {
    for (text, condition) in &plan.conditions {
        let found = match condition {
            Condition::Person(named) => {
                names.extend(person(tx, plan.patient, named)?.map(|name| (text.clone(), name)));
                continue;
            }
            Condition::Matching(kind, search, named) => matching(tx, ctx, plan, (*kind, search, named.as_ref()))?,
        };
        let found = match found {
            Ok(Some(found)) => found,
            refused => {
                // It is told of the first entry that asks for it.
                let Some(step) = plan.steps.iter().find(|step| step.has_conditions && holds(step, text)) else {
                    continue;
                };
                let (number, trace) = (step.number, Box::new(trace(step)));
                return Err(match refused {
                    Err(denial) => Halt::Refused { number, denial, trace },
                    Ok(_) => Halt::Failed { number, error: unknown(), trace },
                });
            }
        };
        names.insert(text.clone(), found);
    }
    Ok(())
}

pub(super) fn unknown() -> Error {
    Issue::new(Code::ReferenceTarget).rule("R4 http#trules").into()
}

/// The person of the transaction, and nobody else. A reference to another stays as it is until the entry
/// is decided upon: whether somebody is known is told to nobody before.
fn person(tx: &mut Tx<'_>, patient: Option<PatientKey>, named: &Named) -> Result<Option<String>, Error> {
    let Some(patient) = patient else { return Ok(None) };
    let is_own = facts::locate(tx, named)? == Some(patient);
    Ok(is_own.then(|| format!("Patient/{patient}")))
}

fn matching(
    tx: &mut Tx<'_>,
    ctx: &Context,
    plan: &Plan,
    (kind, search, named): (ResourceType, &Search, Option<&Named>),
) -> Result<Result<Option<String>, Denial>, Error> {
    let own = plan.patient.map(Named::Key);
    let named = named.or(own.as_ref());
    let nowhere = Trace::of(ctx, uuid::Uuid::nil(), crate::model::audit::Act::SearchResources);
    match reach::by_person(tx, ctx, kind, named, false, nowhere)?.0 {
        Ok(Reached { permit, .. }) => found(tx, &permit, kind, search),
        Err(denial) => Ok(Err(denial)),
    }
}

/// Whether a resource as it is about to be kept still holds a reference by criteria.
pub(super) fn is_unresolved(plan: &Plan, body: &Value) -> bool {
    let mut body = body.clone();
    let mut is_held = false;
    rewrite::rename(&mut body, &mut |_place, name| {
        is_held |= plan.conditions.contains_key(name);
        None
    });
    is_held
}

/// Whether a step holds a reference of this text.
fn holds(step: &Step, text: &str) -> bool {
    let mut body = match &step.ask {
        Ready::Create(new) => new.draft.body().clone(),
        Ready::Update(update) => update.draft.body().clone(),
        Ready::Patch(_, super::Changes::Parameters(parameters)) => parameters.clone(),
        Ready::Patch(..) | Ready::Other(_) => return false,
    };
    let mut is_held = false;
    rewrite::rename(&mut body, &mut |_place, name| {
        is_held |= name == text;
        None
    });
    is_held
}

/// A resource with the names that its neighbours have now.
pub(super) fn renamed(body: &Value, names: &Names) -> Value {
    let mut body = body.clone();
    rewrite::rename(&mut body, &mut |_place, name| names.get(name).cloned());
    body
}

//! FHIR update by id or by criteria (R4 `http.html#update`, `#cond-update`).

use std::sync::Arc;

use uuid::Uuid;

use crate::access::context::Context;
use crate::access::permit::{Denial, Permit};
use crate::error::{Code, Error, Issue};
use crate::fhir::search::Search;
use crate::ids::{ElementPath, LogicalId, directory_id};
use crate::model::audit::Act;
use crate::model::resource::ResourceType;
use crate::ops::Service;
use crate::ops::facts::Named;
use crate::ops::trace::Trace;
use crate::rules::facts::Facts;
use crate::rules::registry;
use crate::store::Tx;

use super::draft::{Draft, is_about};
use super::reach::{self, Kept, Reached, UNKNOWN, is_directory};
use super::write::{Version, Written, keep, write};

/// Which resource a write is about.
#[derive(Debug, Clone)]
pub enum Target {
    /// The one of this id.
    Id(String),
    /// The one that fulfils criteria.
    Matching {
        /// Whose record is searched; nobody's in the directory.
        person: Option<Named>,
        /// The criteria.
        criteria: Box<Search>,
    },
}

/// A resource to be updated.
#[derive(Debug)]
pub struct Update {
    /// Which one.
    pub target: Target,
    /// What it says from now on.
    pub draft: Draft,
    /// `If-Match`: the versions one of which must be the current one.
    pub if_match: Option<Vec<i32>>,
}

/// What became of it.
#[derive(Debug)]
pub struct Updated {
    /// The version that is current now.
    pub kept: Kept,
    /// Whether there was none before, or it had been deleted.
    pub is_new: bool,
}

/// Updates a resource; makes it where the registry and R4's table of conditions say so.
///
/// # Errors
/// Refusals of the caller, 400 where ids differ, 409 and 412 of concurrency.
pub async fn update(service: &Service, ctx: Arc<Context>, base: Arc<str>, asked: Update) -> Result<Updated, Error> {
    let trace = Trace::of(&ctx, service.ids.uuid(ctx.at), Act::UpdateResource);
    let fresh = service.ids.uuid(ctx.at);
    write(service, "resource.update", ctx, trace, move |tx, ctx, trace| revise(tx, ctx, &base, &asked, fresh, trace))
        .await
}

/// Updates it within a transaction; what it makes has an id made of `fresh`, unless the client chose one.
pub(super) fn revise(
    tx: &mut Tx<'_>,
    ctx: &Context,
    base: &str,
    asked: &Update,
    fresh: Uuid,
    trace: Trace,
) -> Result<Written<Updated>, Error> {
    let (place, trace) = place(tx, ctx, asked.draft.kind(), asked, fresh, trace)?;
    match place {
        Ok(place) => settle(tx, ctx, base, asked, place, trace),
        Err(Stop::Denied(denial)) => Ok(Written::Refused { denial, trace }),
        Err(Stop::Wrong(error)) => Ok(Written::Failed { error, trace }),
    }
}

/// Where a version goes.
struct Spot {
    permit: Permit,
    facts: Facts,
    key: Uuid,
    id: String,
    /// Whether the server chose the id: it may be made wherever create is served.
    is_chosen: bool,
}

/// Why there is none.
enum Stop {
    Denied(Denial),
    Wrong(Error),
}

fn place(
    tx: &mut Tx<'_>,
    ctx: &Context,
    kind: ResourceType,
    asked: &Update,
    fresh: Uuid,
    trace: Trace,
) -> Result<(Result<Spot, Stop>, Trace), Error> {
    match &asked.target {
        Target::Id(id) => {
            let (reached, trace) = reach::by_id(tx, ctx, kind, id, true, trace)?;
            let spot = reached.map(|(Reached { permit, facts }, key)| Spot {
                permit,
                facts,
                key,
                id: id.clone(),
                is_chosen: false,
            });
            Ok((spot.map_err(Stop::Denied), trace))
        }
        Target::Matching { person, criteria } => {
            let (reached, trace) = reach::by_person(tx, ctx, kind, person.as_ref(), true, trace)?;
            let Reached { permit, facts } = match reached {
                Ok(reached) => reached,
                Err(denial) => return Ok((Err(Stop::Denied(denial)), trace)),
            };
            let found = match reach::only(tx, &permit, kind, criteria)? {
                Ok(found) => found,
                Err(denial) => return Ok((Err(Stop::Denied(denial)), trace)),
            };
            let given = asked.draft.id();
            let shard = permit.shard();
            Ok(match (found, given) {
                (Some(key), _) => {
                    let id = Kept::of(tx.find_resource(&permit, kind, key)?.ok_or(Code::Internal)?)?.id;
                    let differs = given.is_some_and(|given| given != id);
                    if differs {
                        (Err(Stop::Wrong(id_differs())), trace)
                    } else {
                        (Ok(Spot { permit, facts, key, id, is_chosen: false }), trace)
                    }
                }
                (None, Some(given)) => match shard.key_of(given) {
                    Some(key) => (Ok(Spot { permit, facts, key, id: given.to_owned(), is_chosen: false }), trace),
                    None => (Err(Stop::Wrong(id_differs())), trace),
                },
                (None, None) => {
                    let id = if is_directory(kind) {
                        directory_id(fresh)
                    } else {
                        LogicalId { shard, uuid: fresh }.to_string()
                    };
                    let key = shard.key_of(&id).ok_or(Code::Internal)?;
                    (Ok(Spot { permit, facts, key, id, is_chosen: true }), trace)
                }
            })
        }
    }
}

fn settle(
    tx: &mut Tx<'_>,
    ctx: &Context,
    base: &str,
    asked: &Update,
    spot: Spot,
    trace: Trace,
) -> Result<Written<Updated>, Error> {
    let kind = asked.draft.kind();
    let Spot { permit, facts, key, id, is_chosen } = spot;
    let trace = trace.touching(format!("{}/{id}", kind.name()));
    if let Some(profile) = &facts.profile {
        let about = is_about(kind, asked.draft.body(), &profile.key.to_string(), base, &profile.identifiers);
        if !about {
            let error = Issue::new(Code::PatientDiffers).at(ElementPath::root(kind.name())).rule("contract §7");
            return Ok(Written::Failed { error: error.into(), trace });
        }
    }
    let state = tx.find_state(&permit, kind, key)?;
    let current = state.filter(|state| !state.is_deleted);
    if let Err(denial) = matches_version(asked.if_match.as_deref(), current.map(|current| current.version)) {
        return Ok(Written::Refused { denial, trace });
    }
    let may_make = is_chosen || registry::generic(kind).is_some_and(|served| served.update_creates);
    // Deleted and never there are one to who may not make it.
    if current.is_none() && !may_make {
        return Ok(Written::Refused { denial: UNKNOWN, trace });
    }
    let before = match current {
        Some(_) => tx.find_resource(&permit, kind, key)?,
        None => None,
    };
    if let Some(before) = &before
        && Kept::of(before.clone())?.id != id
    {
        return Ok(Written::Refused { denial: Denial::new(Code::Conflict, "id-collision"), trace });
    }
    let version = state.map_or(1, |state| state.version.saturating_add(1));
    let body = asked.draft.body().clone();
    let kept = keep(tx, &permit, ctx.at, Version { kind, key, id: &id, body, version, before: before.as_ref() })?;
    Ok(Written::Done { value: Updated { kept, is_new: current.is_none() }, rule: permit.rule(), trace })
}

/// `If-Match` against the current version; one that is not there matches nothing.
pub(super) fn matches_version(if_match: Option<&[i32]>, current: Option<i32>) -> Result<(), Denial> {
    let holds = if_match.is_none_or(|named| current.is_some_and(|current| named.contains(&current)));
    if holds { Ok(()) } else { Err(Denial::new(Code::PreconditionFailed, "R4 http#concurrency")) }
}

/// The id of the body is not that of what is to be updated.
pub(super) fn id_differs() -> Error {
    Issue::new(Code::Value).at(ElementPath::root("id")).rule("R4 http#update").into()
}

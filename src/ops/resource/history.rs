//! FHIR history of what is not a document: of one resource, of a type of the directory, of the whole
//! directory; deletions stand in it (R4 `http.html#history`).

use std::sync::Arc;

use jiff::Timestamp;

use crate::access::context::Context;
use crate::access::permit::{Denial, Permit};
use crate::error::{Code, Error};
use crate::model::audit::Act;
use crate::model::resource::{ResourceType, StoredResource};
use crate::ops::Service;
use crate::ops::consult::{Consulted, consult};
use crate::ops::trace::Trace;
use crate::rules::registry;
use crate::store::{ChangeFilter, ChangePlace, Tx};

use super::reach::{self, Kept, Reached, UNKNOWN};

/// Whose history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// One resource, by its id as given.
    One(ResourceType, String),
    /// All of a type.
    Type(ResourceType),
    /// All types of the directory.
    Directory,
}

/// Which versions.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Of what.
    pub subject: Subject,
    /// Made at this instant or later.
    pub since: Option<Timestamp>,
    /// Current at some time between these, ends included (`_at`, of one resource).
    pub at: Option<(Timestamp, Timestamp)>,
    /// Where the page before ended.
    pub before: Option<Place>,
    /// Versions on a page; 0 asks for their number alone.
    pub count: u32,
}

/// The place of a version in a history, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The type.
    pub kind: ResourceType,
    /// The version among those of its type.
    pub change: ChangePlace,
}

/// One version.
#[derive(Debug)]
pub struct Change {
    /// The type.
    pub kind: ResourceType,
    /// The version; of a deletion the body is empty.
    pub kept: Kept,
}

impl Change {
    /// Whether it is a deletion.
    pub fn is_deletion(&self) -> bool {
        self.kept.resource.body.is_empty()
    }

    /// Its place.
    pub fn place(&self) -> Place {
        let resource = &self.kept.resource;
        let change = ChangePlace { at: resource.updated_at, id: resource.id, version: resource.version };
        Place { kind: self.kind, change }
    }
}

/// A page of versions.
#[derive(Debug)]
pub struct History {
    /// The versions, newest first.
    pub changes: Vec<Change>,
    /// How many there are in all.
    pub total: i64,
    /// Whether there are older ones than those of this page.
    pub goes_on: bool,
}

/// Reads a page of a history.
///
/// # Errors
/// 404 where the resource was never there or is not for this caller.
pub async fn history(service: &Service, ctx: Arc<Context>, asked: Asked) -> Result<History, Error> {
    let mut trace = Trace::of(&ctx, service.ids.uuid(ctx.at), act(&asked.subject));
    if let Subject::One(kind, id) = &asked.subject
        && crate::ids::is_fhir_id(id)
    {
        trace = trace.touching(format!("{}/{id}", kind.name()));
    }
    consult(service, "resource.history", ctx, trace, move |tx, ctx, trace| load(tx, ctx, &asked, trace)).await
}

/// What such a reading is called in a trace.
pub(super) const fn act(subject: &Subject) -> Act {
    match subject {
        Subject::One(..) => Act::ResourceHistory,
        Subject::Type(_) | Subject::Directory => Act::TypeHistory,
    }
}

/// Reads a page within a transaction.
pub(super) fn load(tx: &mut Tx<'_>, ctx: &Context, asked: &Asked, trace: Trace) -> Result<Consulted<History>, Error> {
    let (kinds, key, reached, trace) = match &asked.subject {
        Subject::One(kind, id) => {
            let (reached, trace) = reach::by_id(tx, ctx, *kind, id, false, trace)?;
            match reached {
                Ok((reached, key)) => (vec![*kind], Some((id.as_str(), key)), Ok(reached), trace),
                Err(denial) => (Vec::new(), None, Err(denial), trace),
            }
        }
        Subject::Type(kind) => {
            let (reached, trace) = reach::by_person(tx, ctx, *kind, None, false, trace)?;
            (vec![*kind], None, reached, trace)
        }
        Subject::Directory => {
            let kinds: Vec<_> = registry::directories().collect();
            let first = kinds.first().copied().ok_or(Code::Internal)?;
            let (reached, trace) = reach::by_person(tx, ctx, first, None, false, trace)?;
            (kinds, None, reached, trace)
        }
    };
    let Reached { permit, facts } = match reached {
        Ok(reached) => reached,
        Err(denial) => return Ok(Consulted::Refused { denial, trace }),
    };
    match page(tx, &permit, asked, &kinds, key)? {
        Ok(value) => Ok(Consulted::Done { permit, facts: Box::new(facts), value, trace }),
        Err(denial) => Ok(Consulted::Refused { denial, trace }),
    }
}

fn page(
    tx: &mut Tx<'_>,
    permit: &Permit,
    asked: &Asked,
    kinds: &[ResourceType],
    one: Option<(&str, uuid::Uuid)>,
) -> Result<Result<History, Denial>, Error> {
    let size = usize::try_from(asked.count).unwrap_or(usize::MAX);
    let limit = if size == 0 { 0 } else { i64::from(asked.count) + 1 };
    let whole = ChangeFilter { since: asked.since, until: asked.at.map(|(_, end)| end), before: None, limit };
    let (mut total, mut found) = (0, Vec::new());
    for kind in kinds {
        total += tx.count_changes(permit, *kind, one.map(|(_, key)| key), &whole)?;
        let filter = ChangeFilter { before: asked.before.map(|place| before(*kind, place)), ..whole };
        let changes = tx.list_changes(permit, *kind, one.map(|(_, key)| key), &filter)?;
        found.extend(changes.into_iter().map(|change| (*kind, change)));
    }
    if let Some((_, key)) = one
        && let Some(kind) = kinds.first()
        && tx.find_state(permit, *kind, key)?.is_none()
    {
        return Ok(Err(UNKNOWN));
    }
    if one.is_none() {
        found.sort_by_key(|(kind, change)| {
            std::cmp::Reverse((change.updated_at, kind.number(), change.id, change.version))
        });
    }
    if let Some((start, _)) = asked.at {
        // The version that was current when the period began is the last one that counts.
        let counted = found.iter().position(|(_, change)| change.updated_at <= start).map_or(found.len(), |at| at + 1);
        found.truncate(counted);
        total = i64::try_from(found.len()).unwrap_or(i64::MAX);
    }
    let goes_on = found.len() > size;
    found.truncate(size);
    let mut changes = Vec::with_capacity(found.len());
    for (kind, change) in found {
        changes.push(Change { kind, kept: named(tx, permit, kind, change, one.map(|(id, _)| id))? });
    }
    Ok(Ok(History { changes, total, goes_on }))
}

/// A version with its id: a deletion has it from the version before.
fn named(
    tx: &mut Tx<'_>,
    permit: &Permit,
    kind: ResourceType,
    change: StoredResource,
    id: Option<&str>,
) -> Result<Kept, Error> {
    if let Some(id) = id {
        return Ok(Kept { id: id.to_owned(), resource: change });
    }
    if !change.body.is_empty() {
        return Kept::of(change);
    }
    let before = tx.find_version(permit, kind, change.id, change.version.saturating_sub(1))?.ok_or(Code::Internal)?;
    Ok(Kept { id: Kept::of(before)?.id, resource: change })
}

/// The place of a history of several types, among the versions of one of them.
fn before(kind: ResourceType, place: Place) -> ChangePlace {
    let same = place.change;
    match kind.number().cmp(&place.kind.number()) {
        std::cmp::Ordering::Equal => same,
        // Types of a lower number come after it at the same instant, those of a higher one before it.
        std::cmp::Ordering::Less => ChangePlace { id: uuid::Uuid::max(), version: i32::MAX, ..same },
        std::cmp::Ordering::Greater => ChangePlace { id: uuid::Uuid::nil(), version: 0, ..same },
    }
}

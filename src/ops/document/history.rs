//! FHIR history of one fiche or submission set: its versions, newest first, to whoever may read it
//! (R4 `http.html#history`, contract §8). Type and system history are another matter.

use std::sync::Arc;

use jiff::Timestamp;

use super::pointing::Reader;
use super::read::{Admitted, Readable, UNKNOWN, admit};
use crate::access::context::Context;
use crate::error::Error;
use crate::ids::LogicalId;
use crate::model::audit::Act;
use crate::model::resource::StoredResource;
use crate::ops::Service;
use crate::ops::consult::{Consulted, consult};
use crate::ops::trace::Trace;
use crate::store::{Tx, VersionFilter};

/// Which versions of what.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Which kind of thing.
    pub what: Readable,
    /// Its id, as given.
    pub id: &'a str,
    /// Made at this instant or later.
    pub since: Option<Timestamp>,
    /// Below this version: where the page before ended.
    pub before: Option<i32>,
    /// Versions on a page; 0 asks for their number alone.
    pub count: u32,
    /// Whether the caller's software is enrolled to feed only: it reads back what its user wrote.
    pub own_only: bool,
}

/// A page of versions.
#[derive(Debug)]
pub struct History {
    /// The versions, newest first.
    pub versions: Vec<StoredResource>,
    /// How many there are in all.
    pub total: i64,
    /// Whether there are older ones than those of this page.
    pub goes_on: bool,
}

/// Reads a page of the history of one resource.
pub async fn history(service: &Service, ctx: Arc<Context>, asked: Asked<'_>) -> Result<History, Error> {
    let Asked { what, id, since, before, count, own_only } = asked;
    let mut trace = Trace::of(&ctx, service.ids.uuid(ctx.at), act(what));
    let id = id.parse::<LogicalId>().ok();
    if let Some(id) = id {
        trace = trace.touching(format!("{}/{id}", what.kind().name()));
    }
    let size = i64::from(count);
    // One more than the page holds tells whether there is another page.
    let limit = if size == 0 { 0 } else { size + 1 };
    let filter = VersionFilter { since, before, limit };
    let wanted = Wanted { what, id, own_only, filter };
    let mut found: History =
        consult(service, "document.history", ctx, trace, move |tx, ctx, trace| load(tx, ctx, wanted, trace)).await?;
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    found.goes_on = found.versions.len() > size;
    found.versions.truncate(size);
    Ok(found)
}

const fn act(what: Readable) -> Act {
    match what {
        Readable::Fiche => Act::DocumentReferenceHistory,
        Readable::Submission => Act::ListHistory,
    }
}

/// The same, its id read.
#[derive(Clone, Copy)]
struct Wanted {
    what: Readable,
    id: Option<LogicalId>,
    own_only: bool,
    filter: VersionFilter,
}

fn load(tx: &mut Tx<'_>, ctx: &Context, wanted: Wanted, trace: Trace) -> Result<Consulted<History>, Error> {
    let Wanted { what, id, own_only, filter } = wanted;
    let (admission, trace) = admit(tx, ctx, what, id, own_only, trace)?;
    let Admitted { permit, facts, id } = match admission {
        Ok(admitted) => admitted,
        Err(denial) => return Ok(Consulted::Refused { denial, trace }),
    };
    if tx.count_versions(&permit, what.kind(), id, None)? == 0 {
        return Ok(Consulted::Refused { denial: UNKNOWN, trace });
    }
    let versions = tx.list_versions(&permit, what.kind(), id, &filter)?;
    let versions = Reader { ctx, facts: &facts, patient: permit.patient() }.all_shown(tx, what.kind(), versions)?;
    let total = tx.count_versions(&permit, what.kind(), id, filter.since)?;
    let value = History { versions, total, goes_on: false };
    Ok(Consulted::Done { permit, facts: Box::new(facts), value, trace })
}

//! FHIR transaction of what is not a document: all of its interactions in one unit of work, or none
//! (R4 `http.html#transaction`; one record or the directory, spec/limits §7).
//!
//! What can be known without the store is done before (`plan`): new ids, references to them, the
//! validation of every resource. Inside the unit each interaction is the very operation that serves it
//! alone (`run`), in R4's order.

mod known;
mod plan;
mod run;

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::access::context::Context;
use crate::access::permit::Denial;
use crate::error::{Code, Error, Issue};
use crate::fhir::bundle::request::located;
use crate::fhir::patch::Form;
use crate::fhir::search::Search;
use crate::ids::PatientKey;
use crate::model::audit::{Act, AuditRecord};
use crate::model::resource::ResourceType;
use crate::ops::Service;
use crate::ops::facts::{self, Named};
use crate::ops::trace::Trace;
use crate::rules::registry::Interaction;
use crate::store::{Settled, Tx};

use super::delete::Delete;
use super::find::{Found, Query};
use super::history::{Asked as Listing, History};
use super::reach::Kept;
use super::update::Target;

pub use plan::{Criteria, Plan, Reading, named, plan};

/// An interaction of a transaction.
#[derive(Debug)]
pub struct Entry {
    /// Its number in the bundle, from 0.
    pub number: usize,
    /// What the other entries call it.
    pub full_url: Option<String>,
    /// What is asked.
    pub ask: Ask,
}

/// What an entry asks. What it holds may be personal: `Debug` tells the interaction and the type.
pub enum Ask {
    /// Create, unless there is one that fulfils the criteria.
    Create {
        /// The type.
        kind: ResourceType,
        /// The resource as sent.
        body: Value,
        /// `ifNoneExist`.
        unless: Option<Box<Search>>,
    },
    /// Update.
    Update {
        /// The type.
        kind: ResourceType,
        /// Which one.
        target: Target,
        /// The resource as sent.
        body: Value,
        /// `ifMatch`.
        if_match: Option<Vec<i32>>,
    },
    /// Patch.
    Patch {
        /// The type.
        kind: ResourceType,
        /// Which one.
        target: Target,
        /// What is to be changed.
        changes: Changes,
        /// `ifMatch`.
        if_match: Option<Vec<i32>>,
    },
    /// Delete.
    Delete(Delete),
    /// Read or vread.
    Read {
        /// The type.
        kind: ResourceType,
        /// Its id, unjudged.
        id: String,
        /// The version; the current one where none is named.
        version: Option<i32>,
    },
    /// Search of a type.
    Search(Box<Query>),
    /// History of a resource or of a type.
    History(ResourceType, Listing),
}

/// A patch as it stands in a bundle.
pub enum Changes {
    /// FHIRPath Patch.
    Parameters(Value),
    /// Another form, wrapped in a Binary. References in it are not renamed.
    Wrapped(Form, Vec<u8>),
}

impl std::fmt::Debug for Ask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.interaction().name(), self.kind().name())
    }
}

impl Ask {
    /// The type it is about.
    pub const fn kind(&self) -> ResourceType {
        match self {
            Self::Create { kind, .. }
            | Self::Update { kind, .. }
            | Self::Patch { kind, .. }
            | Self::Read { kind, .. }
            | Self::History(kind, _) => *kind,
            Self::Delete(asked) => asked.kind,
            Self::Search(query) => query.kind,
        }
    }

    /// What it is alone.
    pub const fn interaction(&self) -> Interaction {
        match self {
            Self::Create { .. } => Interaction::Create,
            Self::Update { .. } => Interaction::Update,
            Self::Patch { .. } => Interaction::Patch,
            Self::Delete(_) => Interaction::Delete,
            Self::Read { version: None, .. } => Interaction::Read,
            Self::Read { version: Some(_), .. } => Interaction::Vread,
            Self::Search(_) => Interaction::SearchType,
            Self::History(_, listing) => match listing.subject {
                super::history::Subject::One(..) => Interaction::HistoryInstance,
                super::history::Subject::Type(_) | super::history::Subject::Directory => Interaction::HistoryType,
            },
        }
    }

    /// What it is called in a trace.
    pub const fn act(&self) -> Act {
        match self {
            Self::Create { .. } => Act::CreateResource,
            Self::Update { .. } => Act::UpdateResource,
            Self::Patch { .. } => Act::PatchResource,
            Self::Delete(_) => Act::DeleteResource,
            Self::Read { .. } => Act::ReadResource,
            Self::Search(_) => Act::SearchResources,
            Self::History(_, listing) => super::history::act(&listing.subject),
        }
    }
}

/// What became of an entry.
#[derive(Debug)]
pub enum Done {
    /// A version was made, or, by a conditional create, found.
    Kept {
        /// The type.
        kind: ResourceType,
        /// The version.
        kept: Kept,
        /// Whether there was none before.
        is_new: bool,
        /// What was tolerated.
        warnings: Vec<Issue>,
    },
    /// It is deleted, in the version named, where it was there at all.
    Deleted(Option<i32>),
    /// It was read.
    Read(ResourceType, Kept),
    /// A page of what was found.
    Found(Box<Found>),
    /// A page of versions.
    Listed(History),
}

/// Whose record a transaction is about, as far as it says so: of nobody's in the directory.
///
/// # Errors
/// Those of the store.
pub async fn locate(service: &Service, named: Option<Named>) -> Result<Option<PatientKey>, Error> {
    match named {
        None => Ok(None),
        Some(Named::Key(key)) => Ok(Some(key)),
        named @ Some(Named::Ins(_)) => {
            let find = move |tx: &mut Tx<'_>| match &named {
                Some(named) => facts::locate(tx, named),
                None => Ok(None),
            };
            service.store.system_read("transaction.locate", find).await
        }
    }
}

/// Why nothing was done.
enum Halt {
    /// An entry was refused.
    Refused { number: usize, denial: Denial, trace: Box<Trace> },
    /// What an entry asks cannot be done with what is there.
    Failed { number: usize, error: Error, trace: Box<Trace> },
    /// The store failed.
    Broken(Error),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

impl From<Code> for Halt {
    fn from(code: Code) -> Self {
        Self::Broken(code.into())
    }
}

/// The refusal of the whole, and its trace.
type Refusal = (Error, AuditRecord);

/// Does all that was planned, or nothing; answers in the order of the bundle.
///
/// # Errors
/// The one refusal, told of the entry that it is about; its trace alone is kept.
pub async fn transact(service: &Service, ctx: Arc<Context>, plan: Plan) -> Result<Vec<Done>, Error> {
    let refused: Arc<Mutex<Option<Refusal>>> = Arc::default();
    let every_access = service.settings.notify_every_access;
    let work = {
        let (ctx, refused) = (Arc::clone(&ctx), Arc::clone(&refused));
        move |tx: &mut Tx<'_>| match run::all(tx, &ctx, &plan, every_access) {
            Ok((value, audits)) => Ok(Settled::AllDone { value, audits }),
            Err(Halt::Broken(error)) => Err(error),
            Err(halt) => {
                let refusal = told(tx, &ctx, &plan, halt)?;
                *refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal);
                // What was done before it goes: the trace of the refusal follows in a unit of its own.
                Err(Code::Conflict.into())
            }
        }
    };
    let settled = service.store.write("resource.transaction", Arc::clone(&ctx), work).await;
    let refusal = refused.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (settled, refusal) {
        (Err(_undone), Some((error, audit))) => {
            let trace = move |_tx: &mut Tx<'_>| Ok(Settled::done((), audit.clone()));
            service.store.write("transaction.refused", ctx, trace).await?.into_result()?;
            Err(error)
        }
        (settled, _) => settled?.into_result(),
    }
}

/// A refusal as the caller is told it, with its trace.
fn told(tx: &mut Tx<'_>, ctx: &Context, plan: &Plan, halt: Halt) -> Result<Refusal, Error> {
    match halt {
        Halt::Refused { number, denial, trace } => {
            let denial = facts::told(tx, ctx, denial)?;
            Ok((located(number, plan.kind(number), denial.into()), trace.refused(&denial)))
        }
        Halt::Failed { number, error, trace } => {
            let rule = error.issues().first().and_then(|issue| issue.rule.clone());
            let audit = trace.failed(error.code(), rule.as_deref());
            Ok((located(number, plan.kind(number), error), audit))
        }
        Halt::Broken(error) => Err(error),
    }
}

//! FHIR read and vread of a fiche or of a submission set by id. Unknown, foreign, hidden and not
//! allowed are one answer (contract §8).

use std::sync::Arc;

use uuid::Uuid;

use super::pointing::Reader;
use super::sight;
use crate::access::context::Context;
use crate::access::decide::{decide, is_author};
use crate::access::permit::{Denial, Permit, Verdict};
use crate::error::{Code, Error};
use crate::ids::{LogicalId, PatientKey};
use crate::model::audit::Act;
use crate::model::caller::Action;
use crate::model::document::Document;
use crate::model::resource::{ResourceType, StoredResource};
use crate::ops::consult::{Consulted, consult};
use crate::ops::trace::Trace;
use crate::ops::{Service, facts};
use crate::rules::facts::{DocumentFacts, Facts};
use crate::store::Tx;

/// Which kind of thing is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readable {
    /// DocumentReference.
    Fiche,
    /// List.
    Submission,
}

impl Readable {
    pub(super) const fn kind(self) -> ResourceType {
        match self {
            Self::Fiche => ResourceType::DocumentReference,
            Self::Submission => ResourceType::List,
        }
    }

    const fn act(self) -> Act {
        match self {
            Self::Fiche => Act::ReadDocumentReference,
            Self::Submission => Act::ReadList,
        }
    }
}

/// What is to be read.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Which kind of thing.
    pub what: Readable,
    /// Its id, as given.
    pub id: &'a str,
    /// The version; the current one where none is named.
    pub version: Option<i32>,
    /// Whether the caller's software is enrolled to feed only: it reads back what its user wrote.
    pub own_only: bool,
}

/// Reads the current version, or the one named.
pub async fn read(service: &Service, ctx: Arc<Context>, asked: Asked<'_>) -> Result<StoredResource, Error> {
    let Asked { what, id, version, own_only } = asked;
    let mut trace = Trace::of(&ctx, service.ids.uuid(ctx.at), what.act());
    let id = id.parse::<LogicalId>().ok();
    if let Some(id) = id {
        let version = version.map_or_else(String::new, |version| format!("/_history/{version}"));
        trace = trace.touching(format!("{}/{id}{version}", what.kind().name()));
    }
    let wanted = Wanted { what, id, version, own_only };
    consult(service, "document.read", ctx, trace, move |tx, ctx, trace| load(tx, ctx, wanted, trace)).await
}

/// The same, its id read.
#[derive(Clone, Copy)]
struct Wanted {
    what: Readable,
    id: Option<LogicalId>,
    version: Option<i32>,
    own_only: bool,
}

fn load(tx: &mut Tx<'_>, ctx: &Context, wanted: Wanted, trace: Trace) -> Result<Consulted<StoredResource>, Error> {
    let Wanted { what, id, version, own_only } = wanted;
    let (admission, trace) = admit(tx, ctx, what, id, own_only, trace)?;
    let Admitted { permit, facts, id } = match admission {
        Ok(admitted) => admitted,
        Err(denial) => return Ok(Consulted::Refused { denial, trace }),
    };
    let found = match version {
        None => tx.find_resource(&permit, what.kind(), id)?,
        Some(version) => tx.find_version(&permit, what.kind(), id, version)?,
    };
    Ok(match found {
        Some(value) => {
            let value = Reader { ctx, facts: &facts, patient: permit.patient() }.shown(tx, what.kind(), value)?;
            Consulted::Done { permit, facts: Box::new(facts), value, trace }
        }
        None => Consulted::Refused { denial: UNKNOWN, trace },
    })
}

/// The answer for what is not there.
pub(super) const UNKNOWN: Denial = Denial::new(Code::NotFound, "unknown-resource");

/// Who may read a resource, all its versions alike.
pub(super) struct Admitted {
    /// The proof.
    pub(super) permit: Permit,
    /// What is known of the person.
    pub(super) facts: Facts,
    /// The resource, within the record.
    pub(super) id: Uuid,
}

/// Decides whether the caller may read a resource that he names by its id. The trace comes back on
/// the chain of the record, if there is one.
pub(super) fn admit(
    tx: &mut Tx<'_>,
    ctx: &Context,
    what: Readable,
    id: Option<LogicalId>,
    own_only: bool,
    trace: Trace,
) -> Result<(Result<Admitted, Denial>, Trace), Error> {
    let Some((patient, id)) = id.and_then(|id| Some((id.shard.patient()?, id.uuid))) else {
        return Ok((Err(UNKNOWN), trace));
    };
    let facts = match what {
        Readable::Fiche => match tx.fact_document(patient, id)? {
            Some(document) => Some(facts::of_document(tx, ctx, patient, &[document])?),
            None => None,
        },
        Readable::Submission => facts_about_list(tx, ctx, patient, id)?,
    };
    let Some(facts) = facts else { return Ok((Err(UNKNOWN), trace)) };
    let trace = trace.by(&facts).on(patient.into());
    let is_own = |document: &DocumentFacts| is_author(&ctx.caller, &document.persons, &document.structures);
    if own_only && (facts.documents.is_empty() || !facts.documents.iter().all(is_own)) {
        return Ok((Err(UNKNOWN), trace));
    }
    let admission = match decide(ctx, Action::ReadDocument, &facts) {
        Verdict::Permit(permit) => Ok(Admitted { permit, facts, id }),
        Verdict::Deny(denial) => Err(denial),
    };
    Ok((admission, trace))
}

/// What is known of the person and of the authors of a list's documents; `None` where there is no such
/// list for this reader: all that it holds is hidden from him.
pub(super) fn facts_about_list(
    tx: &mut Tx<'_>,
    ctx: &Context,
    patient: PatientKey,
    id: Uuid,
) -> Result<Option<Facts>, Error> {
    let facts = facts::of_document(tx, ctx, patient, &[])?;
    let submitted = tx.fact_documents_of_submission(patient, id)?;
    // A folder, and a submission set of nothing but what was there, came with no document; another
    // set may list beside its own what was there.
    let is_shown = |document: &Document| sight::sees(ctx, &facts, document);
    let mut documents = submitted;
    if !documents.iter().any(is_shown) {
        for listed in tx.fact_listed_fiches(patient, id)? {
            documents.extend(tx.fact_document(patient, listed)?);
        }
    }
    let is_bare = documents.is_empty();
    let (shown, hidden): (Vec<_>, Vec<_>) = documents.into_iter().partition(is_shown);
    // Of a list that shows nothing, what was withdrawn tells whether it is gone or unknown.
    let named: Vec<&Document> = if shown.is_empty() {
        hidden.iter().filter(|document| sight::was_seen(ctx, &facts, document)).collect()
    } else {
        shown.iter().collect()
    };
    let is_there = is_bare && tx.fact_resource_exists(patient, ResourceType::List, id)?;
    if named.is_empty() && !is_there {
        return Ok(None);
    }
    let named = named.into_iter().map(DocumentFacts::from).collect();
    Ok(Some(facts.with_documents(named)))
}

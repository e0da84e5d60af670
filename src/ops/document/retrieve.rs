//! ITI-68 Retrieve Document: the bytes of a document, after the trace of their reading is durable
//! (MHD §1.6).

use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use crate::access::context::Context;
use crate::access::decide::decide;
use crate::access::permit::{Denial, Permit, Verdict};
use crate::error::{Code, Error};
use crate::fhir::view::DocumentReference;
use crate::ids::LogicalId;
use crate::model::audit::Act;
use crate::model::caller::Action;
use crate::model::document::Blob;
use crate::model::resource::ResourceType;
use crate::ops::consult::{Consulted, consult};
use crate::ops::trace::Trace;
use crate::ops::{Service, facts};
use crate::store::Tx;

/// What a document is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentType {
    /// `Binary/id`.
    Binary,
    /// `Bundle/id`: a FHIR document.
    Bundle,
}

impl DocumentType {
    const fn name(self) -> &'static str {
        match self {
            Self::Binary => "Binary",
            Self::Bundle => "Bundle",
        }
    }
}

/// Finds the bytes of a document; the caller decrypts and sends them.
pub async fn retrieve(service: &Service, ctx: Arc<Context>, what: DocumentType, id: &str) -> Result<Blob, Error> {
    let mut trace = Trace::of(&ctx, service.ids.uuid(ctx.at), Act::RetrieveDocument);
    let id = id.parse::<LogicalId>().ok();
    if let Some(id) = id {
        trace = trace.touching(format!("{}/{id}", what.name()));
    }
    consult(service, "document.retrieve", ctx, trace, move |tx, ctx, trace| load(tx, ctx, what, id, trace)).await
}

fn load(
    tx: &mut Tx<'_>,
    ctx: &Context,
    what: DocumentType,
    id: Option<LogicalId>,
    trace: Trace,
) -> Result<Consulted<Blob>, Error> {
    let unknown = |trace| Consulted::Refused { denial: Denial::new(Code::NotFound, "unknown-resource"), trace };
    let Some((patient, binary)) = id.and_then(|id| Some((id.shard.patient()?, id.uuid))) else {
        return Ok(unknown(trace));
    };
    let Some(document) = tx.fact_binary_document(patient, binary)? else { return Ok(unknown(trace)) };
    let fiche = LogicalId::of_patient(patient, document.id);
    let trace = trace.on(patient.into()).touching(format!("DocumentReference/{fiche}"));
    let facts = facts::of_document(tx, ctx, patient, std::slice::from_ref(&document))?;
    let trace = trace.by(&facts);
    let permit = match decide(ctx, Action::RetrieveDocument, &facts) {
        Verdict::Permit(permit) => permit,
        Verdict::Deny(denial) => return Ok(Consulted::Refused { denial, trace }),
    };
    if what == DocumentType::Bundle && !is_fhir_document(tx, &permit, document.id)? {
        return Ok(unknown(trace));
    }
    Ok(match tx.find_blob(&permit, binary)? {
        Some(value) => Consulted::Done { permit, facts: Box::new(facts), value, trace },
        None => unknown(trace),
    })
}

/// Whether the document of a fiche is a FHIR document: its attachment says `Bundle/id`.
fn is_fhir_document(tx: &mut Tx<'_>, permit: &Permit, fiche: Uuid) -> Result<bool, Error> {
    let Some(fiche) = tx.find_resource(permit, ResourceType::DocumentReference, fiche)? else { return Ok(false) };
    let fiche: Value =
        serde_json::from_slice(&fiche.body).map_err(|error| Error::from(Code::Internal).because(error))?;
    let attachment = DocumentReference::new(&fiche).and_then(|fiche| fiche.attachment());
    Ok(attachment.and_then(|attachment| attachment.url()).is_some_and(|url| url.starts_with("Bundle/")))
}

//! ITI-68 Retrieve Document: the bytes of a document, after the trace of their reading is durable
//! (MHD §1.6).

use std::sync::Arc;

use crate::access::context::Context;
use crate::access::decide::decide;
use crate::access::permit::{Denial, Verdict};
use crate::error::{Code, Error};
use crate::ids::LogicalId;
use crate::model::audit::Act;
use crate::model::caller::Action;
use crate::model::document::Blob;
use crate::ops::consult::{Consulted, consult};
use crate::ops::trace::Trace;
use crate::ops::{Service, facts};
use crate::store::Tx;

/// Finds the bytes of a document; the caller decrypts and sends them.
pub async fn retrieve(service: &Service, ctx: Arc<Context>, id: &str) -> Result<Blob, Error> {
    let mut trace = Trace::of(&ctx, service.ids.uuid(ctx.at), Act::RetrieveDocument);
    let id = id.parse::<LogicalId>().ok();
    if let Some(id) = id {
        trace = trace.touching(format!("Binary/{id}"));
    }
    consult(service, "document.retrieve", ctx, trace, move |tx, ctx, trace| load(tx, ctx, id, trace)).await
}

fn load(tx: &mut Tx<'_>, ctx: &Context, id: Option<LogicalId>, trace: Trace) -> Result<Consulted<Blob>, Error> {
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
    Ok(match tx.find_blob(&permit, binary)? {
        Some(value) => Consulted::Done { permit, facts: Box::new(facts), value, trace },
        None => unknown(trace),
    })
}

//! One write of what is not a document: what is refused, and what is wrong with the content, leaves its
//! trace and nothing else (contract §8).

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::access::context::Context;
use crate::access::permit::{Denial, Permit};
use crate::error::{Code, Error};
use crate::model::resource::{NewResource, ResourceType, StoredResource};
use crate::ops::trace::Trace;
use crate::ops::{Service, facts};
use crate::store::{Settled, Tx};

use super::reach::Kept;
use super::stamp::{index, restamp};

/// How a write ended inside its transaction.
pub(super) enum Written<T> {
    /// Done, under a rule.
    Done {
        /// What it yields.
        value: T,
        /// The rule that allowed it.
        rule: &'static str,
        /// Its trace.
        trace: Trace,
    },
    /// Refused.
    Refused {
        /// Why.
        denial: Denial,
        /// Its trace.
        trace: Trace,
    },
    /// What is asked cannot be done with what is there.
    Failed {
        /// What is wrong.
        error: Error,
        /// Its trace.
        trace: Trace,
    },
}

/// Runs a write in one transaction, unless the software has been suspended meanwhile.
pub(super) async fn write<T: Send + 'static>(
    service: &Service,
    name: &'static str,
    ctx: Arc<Context>,
    trace: Trace,
    act: impl Fn(&mut Tx<'_>, &Context, Trace) -> Result<Written<T>, Error> + Send + 'static,
) -> Result<T, Error> {
    let settled = service.store.write(name, Arc::clone(&ctx), move |tx| {
        if let Err(denial) = facts::enrolment(tx, &ctx)? {
            return Ok(Settled::refused(denial, trace.clone().refused(&denial)));
        }
        Ok(match act(tx, &ctx, trace.clone())? {
            Written::Done { value, rule, trace } => Settled::done(Ok(value), trace.done(rule)),
            Written::Refused { denial, trace } => {
                let denial = facts::told(tx, &ctx, denial)?;
                Settled::refused(denial, trace.refused(&denial))
            }
            Written::Failed { error, trace } => {
                let rule = error.issues().first().and_then(|issue| issue.rule.clone());
                let audit = trace.failed(error.code(), rule.as_deref());
                Settled::done(Err(error), audit)
            }
        })
    });
    // What is wrong with the content is an answer, not a rollback: its trace is kept.
    settled.await?.into_result()?
}

/// A version about to be kept.
pub(crate) struct Version<'a> {
    /// The type.
    pub(crate) kind: ResourceType,
    /// Its key on the shard.
    pub(crate) key: uuid::Uuid,
    /// Its id as it is written.
    pub(crate) id: &'a str,
    /// What it says.
    pub(crate) body: Value,
    /// Its number.
    pub(crate) version: i32,
    /// The current version, where there is one that was not deleted.
    pub(crate) before: Option<&'a StoredResource>,
}

/// Keeps a version with its index rows.
pub(crate) fn keep(tx: &mut Tx<'_>, permit: &Permit, at: Timestamp, new: Version<'_>) -> Result<Kept, Error> {
    let Version { kind, key, id, body, version, before } = new;
    let former = match before {
        Some(before) => index(&parsed(before)?),
        None => Vec::new(),
    };
    let body = restamp(body, id, version, at);
    let rows = index(&body);
    let body = serde_json::to_vec(&body).map_err(|cause| Error::from(Code::Internal).because(cause))?;
    let new = NewResource { kind, id: key, version, body, updated_at: at, index: rows, former };
    tx.put_resource(permit, &new)?;
    let resource = StoredResource { id: key, version, body: new.body, updated_at: at };
    Ok(Kept { id: id.to_owned(), resource })
}

/// What a stored version says.
pub(crate) fn parsed(resource: &StoredResource) -> Result<Value, Error> {
    serde_json::from_slice(&resource.body).map_err(|cause| Error::from(Code::Internal).because(cause))
}

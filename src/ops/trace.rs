//! From a context and a decision to the trace that is stored.

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::Service;
use crate::access::context::Context;
use crate::access::permit::Denial;
use crate::error::{AuditOutcome, Code, Error};
use crate::ids::{ShardKey, StructureKey};
use crate::model::audit::{Act, Actor, AuditRecord, Entity};
use crate::model::caller::CallerClass;
use crate::rules::facts::Facts;
use crate::store::Settled;

/// A trace in the making: what is known of the act before it is decided.
#[derive(Debug, Clone)]
pub struct Trace {
    record: AuditRecord,
}

impl Trace {
    /// The trace of an act by the caller of `ctx`, until a patient is named on the chain of his
    /// structure.
    pub fn of(ctx: &Context, id: Uuid, act: Act) -> Self {
        Self {
            record: AuditRecord {
                id,
                chain: StructureKey::of(&ctx.caller.structure).into(),
                at: ctx.at,
                act,
                outcome: AuditOutcome::Success.code().to_owned(),
                refusal: None,
                rule: None,
                actor: actor(ctx),
                purpose: ctx.purpose.name().to_owned(),
                reason: ctx.reason.clone(),
                request_id: ctx.request_id.to_string(),
                entities: Vec::new(),
                query: None,
            },
        }
    }

    /// Moves the trace to the chain of a record.
    pub fn on(mut self, chain: ShardKey) -> Self {
        self.record.chain = chain;
        self
    }

    /// Names who acts on the patient side, once it is known: the record of the person connected.
    pub fn by(mut self, facts: &Facts) -> Self {
        if let (Some(patient), Some(connected)) = (&mut self.record.actor.patient, facts.connected) {
            *patient = connected.to_string();
        }
        self
    }

    /// Names what was touched: `Type/id`.
    pub fn touching(mut self, reference: impl Into<String>) -> Self {
        self.record.entities.push(Entity { reference: reference.into() });
        self
    }

    /// Keeps the query, already freed of INS.
    pub fn query(mut self, query: impl Into<String>) -> Self {
        self.record.query = Some(query.into());
        self
    }

    /// The trace's id: also the id of the event that notices come from.
    pub const fn id(&self) -> Uuid {
        self.record.id
    }

    /// When the act took place.
    pub const fn at(&self) -> Timestamp {
        self.record.at
    }

    /// The act was allowed under `rule` and done.
    pub fn done(mut self, rule: &str) -> AuditRecord {
        self.record.rule = Some(rule.to_owned());
        self.record
    }

    /// The act was refused.
    pub fn refused(self, denial: &Denial) -> AuditRecord {
        self.failed(denial.code, Some(denial.rule))
    }

    /// The act failed: outcome 4 or 8 and the catalogue code.
    pub fn failed(mut self, code: Code, rule: Option<&str>) -> AuditRecord {
        let row = code.row();
        row.audit.code().clone_into(&mut self.record.outcome);
        self.record.refusal = Some(row.name.to_owned());
        self.record.rule = rule.map(str::to_owned);
        self.record
    }
}

fn actor(ctx: &Context) -> Actor {
    let caller = &ctx.caller;
    Actor {
        person: caller.person.as_ref().map(|person| person.id.to_string()),
        name: caller.person.as_ref().map(|person| person.name.clone()),
        roles: caller.person.as_ref().map(|person| person.roles.clone()).unwrap_or_default(),
        patient: (caller.class == CallerClass::Patient).then(|| "self".to_owned()),
        structure: Some(caller.structure.to_string()),
        structure_name: Some(caller.structure_name.clone()),
        software: Some(caller.software.clone()),
        auth_mode: caller.auth_mode.map(|mode| mode.name().to_owned()),
        token: Some(caller.token_id.clone()),
        address: ctx.address.map(|address| address.to_string()),
    }
}

/// Leaves the trace of a refusal that no operation decided, and answers it.
pub async fn denied<T: Send + 'static>(
    service: &Service,
    ctx: &Arc<Context>,
    act: Act,
    denial: Denial,
) -> Result<T, Error> {
    let record = Trace::of(ctx, service.ids.uuid(ctx.at), act).refused(&denial);
    let settled = service
        .store
        .write("trace.denied", Arc::clone(ctx), move |_tx| Ok(Settled::<T>::refused(denial, record.clone())));
    settled.await?.into_result()
}

/// Leaves the trace of an access token that was made (ITI-71), on the chain of the structure it speaks
/// for; `query` is the request without proofs. Nothing is read: the trace alone is appended.
pub async fn granted(service: &Service, ctx: Context, query: &str) -> Result<(), Error> {
    let record = Trace::of(&ctx, service.ids.uuid(ctx.at), Act::GetAccessToken).query(query).done("ITI-71");
    let settled = service.store.read("token.granted", Arc::new(ctx), move |_tx| Ok(Settled::done((), record.clone())));
    settled.await?.into_result()
}

/// Leaves the trace of an input that could not be accepted.
pub async fn failed(service: &Service, ctx: &Arc<Context>, act: Act, error: &Error) -> Result<(), Error> {
    let rule = error.issues().first().and_then(|issue| issue.rule.clone());
    let record = Trace::of(ctx, service.ids.uuid(ctx.at), act).failed(error.code(), rule.as_deref());
    let settled =
        service.store.write("trace.failed", Arc::clone(ctx), move |_tx| Ok(Settled::done((), record.clone())));
    settled.await?.into_result()
}

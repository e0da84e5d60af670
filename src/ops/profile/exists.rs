//! TD0.2: whether a person has a record, and nothing more (MES-045, MES-048; contract §8).

use std::sync::Arc;

use crate::access::context::Context;
use crate::access::decide::{decide, tells_closure_reason};
use crate::access::permit::{Denial, Verdict};
use crate::error::{Code, Error};
use crate::ids::{Ins, PatientKey};
use crate::model::audit::Act;
use crate::model::caller::Action;
use crate::model::profile::{Closure, Profile, RecordState, Traits};
use crate::ops::Service;
use crate::ops::consult::{Consulted, consult};
use crate::ops::facts::{self, Named};
use crate::ops::profile::step;
use crate::ops::trace::Trace;
use crate::store::{Settled, Tx};

/// What TD0.2 tells of a record that exists.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Patient.id.
    pub key: PatientKey,
    /// The INS, as the server knows it.
    pub ins: Ins,
    /// Whether it is open.
    pub is_open: bool,
    /// Whether it is attached to an opened space.
    pub is_attached: bool,
    /// The closure, its reason only for those who may know it.
    pub closure: Option<Closure>,
    /// Name, gender and birth date, only where the operator lets them be told.
    pub traits: Option<Traits>,
    /// Last change.
    pub updated_at: jiff::Timestamp,
    /// Version.
    pub version: i32,
}

/// Answers an existence test. `None` is the neutral absence: opposed, uninformed, informed, erased
/// and unknown alike.
pub async fn exists(service: &Service, ctx: Arc<Context>, ins: Ins) -> Result<Option<Record>, Error> {
    let trace = Trace::of(&ctx, service.ids.uuid(ctx.at), Act::ExistenceTest);
    let tell_traits = service.settings.tell_traits;
    let named = Named::Ins(ins);
    let settled = service
        .store
        .read("profile.exists", Arc::clone(&ctx), move |tx| test(tx, &ctx, &named, trace.clone(), tell_traits));
    settled.await?.into_result()
}

/// The same for the web channel, whose feeds must follow an existence test: the step is noted in the
/// transaction of the trace.
pub async fn exists_first(service: &Service, ctx: Arc<Context>, ins: Ins) -> Result<Option<Record>, Error> {
    let trace = Trace::of(&ctx, service.ids.uuid(ctx.at), Act::ExistenceTest);
    let tell_traits = service.settings.tell_traits;
    let named = Named::Ins(ins.clone());
    let settled = service.store.write("profile.exists_first", Arc::clone(&ctx), move |tx| {
        let settled = test(tx, &ctx, &named, trace.clone(), tell_traits)?;
        if let Settled::Done { .. } = &settled {
            step::note(tx, &ctx, &ins)?;
        }
        Ok(settled)
    });
    settled.await?.into_result()
}

fn test(
    tx: &mut Tx<'_>,
    ctx: &Context,
    named: &Named,
    trace: Trace,
    tell_traits: bool,
) -> Result<Settled<Option<Record>>, Error> {
    if let Err(denial) = facts::enrolment(tx, ctx)? {
        return Ok(Settled::refused(denial, trace.refused(&denial)));
    }
    let facts = facts::of_person(tx, ctx, named)?;
    let trace = facts.profile.as_ref().map_or(trace.clone(), |profile| trace.on(profile.key.into()));
    match decide(ctx, Action::ExistenceTest, &facts) {
        Verdict::Permit(permit) => {
            let profile = tx.fact_profile(permit.patient())?.ok_or(Code::Internal)?;
            let with_reason = tells_closure_reason(ctx, &facts);
            Ok(Settled::done(Some(record(profile, with_reason, tell_traits)), trace.done(permit.rule())))
        }
        Verdict::Deny(denial) if denial.code == Code::NoRecord => Ok(Settled::done(None, trace.done(denial.rule))),
        Verdict::Deny(denial) => Ok(Settled::refused(denial, trace.refused(&denial))),
    }
}

/// What TD0.2, a read or an `_include` tells of a person.
pub(in crate::ops) fn record(profile: Profile, with_reason: bool, tell_traits: bool) -> Record {
    let closure = profile.closure.filter(|_| profile.record == RecordState::Closed);
    Record {
        key: profile.key,
        ins: profile.ins,
        is_open: profile.record != RecordState::Closed,
        is_attached: profile.record == RecordState::Attached,
        closure: closure.map(|closure| Closure { reason: closure.reason.filter(|_| with_reason), ..closure }),
        traits: tell_traits.then_some(profile.traits),
        updated_at: profile.updated_at,
        version: profile.version,
    }
}

/// FHIR read of a Patient by id: for who may read the record.
pub async fn read(service: &Service, ctx: Arc<Context>, id: &str) -> Result<Record, Error> {
    let mut trace = Trace::of(&ctx, service.ids.uuid(ctx.at), Act::ReadPatient);
    let key = id.parse::<PatientKey>().ok();
    if let Some(key) = key {
        trace = trace.touching(format!("Patient/{key}"));
    }
    let tell_traits = service.settings.tell_traits;
    consult(service, "profile.read", ctx, trace, move |tx, ctx, trace| {
        let unknown = |trace| Consulted::Refused { denial: Denial::new(Code::NotFound, "unknown-resource"), trace };
        let Some(key) = key else { return Ok(unknown(trace)) };
        let facts = facts::of_record(tx, ctx, key)?;
        let Some(profile) = tx.fact_profile(key)? else { return Ok(unknown(trace)) };
        let trace = trace.on(key.into());
        match decide(ctx, Action::ReadPatient, &facts) {
            Verdict::Deny(denial) => Ok(Consulted::Refused { denial, trace }),
            Verdict::Permit(permit) => {
                let value = record(profile, tells_closure_reason(ctx, &facts), tell_traits);
                Ok(Consulted::Done { permit, facts: Box::new(facts), value, trace })
            }
        }
    })
    .await
}

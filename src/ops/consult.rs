//! A consultation: traced like every read, and on the first one by an accessor also notified
//! (MES-081), which needs the writer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::document::sight::may_tell;
use super::trace::Trace;
use super::{Service, facts};
use crate::access::context::Context;
use crate::access::permit::{Denial, Permit};
use crate::error::{Code, Error};
use crate::model::caller::{CallerClass, Purpose};
use crate::model::notification::{Notification, NotifiedEvent};
use crate::rules::facts::Facts;
use crate::rules::notification::channel;
use crate::store::{Settled, Tx};

/// What a consultation came to, inside its transaction.
pub(crate) enum Consulted<T> {
    /// Allowed and done.
    Done {
        /// The proof.
        permit: Permit,
        /// What was known of the person.
        facts: Box<Facts>,
        /// What was read.
        value: T,
        /// The trace to keep.
        trace: Trace,
    },
    /// Refused.
    Refused {
        /// Why.
        denial: Denial,
        /// The trace to keep.
        trace: Trace,
    },
}

/// Runs `act` on a reader; the first time this accessor opens the record (or always, where every
/// access is notified), runs it on the writer instead, so that the notice commits with the trace.
pub(crate) async fn consult<T: Send + 'static>(
    service: &Service,
    name: &'static str,
    ctx: Arc<Context>,
    trace: Trace,
    act: impl Act<T>,
) -> Result<T, Error> {
    let work = Arc::new((act, trace));
    let must_notify = Arc::new(AtomicBool::new(false));
    let every_access = service.settings.notify_every_access;
    let read = {
        let (work, ctx, must_notify) = (Arc::clone(&work), Arc::clone(&ctx), Arc::clone(&must_notify));
        move |tx: &mut Tx<'_>| match attempt(tx, &ctx, &work.1, &work.0)? {
            Consulted::Refused { denial, trace } => Ok(Settled::refused(denial, trace.refused(&denial))),
            Consulted::Done { permit, facts, value, trace } => {
                if counts(&ctx, &permit, &facts)
                    && (every_access
                        || is_emergency(&ctx)
                        || !tx.fact_has_accessed(permit.patient(), &ctx.caller.accessor())?)
                {
                    must_notify.store(true, Ordering::Release);
                    // Leaves this snapshot without a trace: the same act follows on the writer.
                    return Err(Code::Conflict.into());
                }
                Ok(Settled::done(value, trace.done(permit.rule())))
            }
        }
    };
    match service.store.read(name, Arc::clone(&ctx), read).await {
        Err(_) if must_notify.load(Ordering::Acquire) => {}
        other => return other?.into_result(),
    }
    let notice_id = service.ids.uuid(ctx.at);
    let write = {
        let ctx = Arc::clone(&ctx);
        move |tx: &mut Tx<'_>| match attempt(tx, &ctx, &work.1, &work.0)? {
            Consulted::Refused { denial, trace } => Ok(Settled::refused(denial, trace.refused(&denial))),
            Consulted::Done { permit, facts, value, trace } => {
                notify(tx, &ctx, (&permit, &facts), (notice_id, trace.id()), every_access)?;
                Ok(Settled::done(value, trace.done(permit.rule())))
            }
        }
    };
    service.store.write(name, ctx, write).await?.into_result()
}

fn is_emergency(ctx: &Context) -> bool {
    ctx.purpose != Purpose::Normal
}

/// What the person is told of an access, and the event it belongs to. All that is done with one emergency
/// token is one access: the person hears of each, not of every page that was turned.
fn told(ctx: &Context, trace: Uuid) -> (NotifiedEvent, Uuid) {
    if !is_emergency(ctx) {
        return (NotifiedEvent::FirstAccess, trace);
    }
    let digest = Sha256::digest(&ctx.caller.token_id);
    (NotifiedEvent::EmergencyAccess, digest.first_chunk().map_or(trace, |bytes| Uuid::from_bytes(*bytes)))
}

/// Notes an access and queues the notice of a first one, or of one in an emergency; `ids` are those of the
/// notice and of the trace.
pub(crate) fn notify(
    tx: &mut Tx<'_>,
    ctx: &Context,
    (permit, facts): (&Permit, &Facts),
    (id, trace): (Uuid, Uuid),
    every_access: bool,
) -> Result<(), Error> {
    let counts = counts(ctx, permit, facts);
    let is_first = counts && tx.record_first_access(permit, &ctx.caller.accessor(), ctx.at)?;
    let (event, event_id) = told(ctx, trace);
    let profile = facts.profile.as_ref();
    let channel = profile.and_then(|profile| channel(event, profile).outcome);
    let is_told = is_first || every_access || (counts && is_emergency(ctx));
    if let Some(channel) = channel.filter(|_| is_told) {
        tx.put_notifications(permit, &[Notification { id, event_id, event, channel, created_at: ctx.at }])?;
    }
    Ok(())
}

/// Whether an access counts as one that the person hears of (MES-081): a professional's or a structure's,
/// and not one to nothing but what is still hidden from the person. The directory is nobody's.
fn counts(ctx: &Context, permit: &Permit, facts: &Facts) -> bool {
    if permit.shard().patient().is_none() {
        return false;
    }
    let profile = facts.profile.as_ref();
    let channel = profile.and_then(|profile| channel(NotifiedEvent::FirstAccess, profile).outcome);
    let concerns = channel.is_none() || may_tell(&facts.documents, channel);
    ctx.caller.class != CallerClass::Patient && concerns
}

/// The act, unless the software has been suspended meanwhile.
fn attempt<T>(tx: &mut Tx<'_>, ctx: &Context, trace: &Trace, act: &impl Act<T>) -> Result<Consulted<T>, Error> {
    match facts::enrolment(tx, ctx)? {
        Ok(()) => match act(tx, ctx, trace.clone())? {
            Consulted::Refused { denial, trace } => {
                Ok(Consulted::Refused { denial: facts::told(tx, ctx, denial)?, trace })
            }
            done @ Consulted::Done { .. } => Ok(done),
        },
        Err(denial) => Ok(Consulted::Refused { denial, trace: trace.clone() }),
    }
}

/// What a consultation does inside its transaction. It may run twice.
pub(crate) trait Act<T>:
    Fn(&mut Tx<'_>, &Context, Trace) -> Result<Consulted<T>, Error> + Send + Sync + 'static
{
}

impl<T, F> Act<T> for F where F: Fn(&mut Tx<'_>, &Context, Trace) -> Result<Consulted<T>, Error> + Send + Sync + 'static {}

//! A unit of work: one closure, one transaction, one visit to one thread, one answer (house rules §7).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;

use super::Tx;
use crate::error::{Code, Error};

/// What a thread of the store is asked to do.
pub(super) trait Unit: Send {
    /// The operation's name, for logs and metrics.
    fn name(&self) -> &'static str;
    /// What its transaction must guarantee.
    fn isolation(&self) -> Isolation;
    /// Takes the unit to be run; false if its caller has given up, and then nothing may run.
    fn claim(&self) -> bool;
    /// Runs the closure within a transaction. It may be run again after a rollback.
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), Error>;
    /// Answers the caller, once the transaction is durable or has left no trace.
    fn settle(self: Box<Self>, outcome: Result<(), Error>);
}

/// What the transaction of a unit must guarantee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Isolation {
    /// One snapshot, nothing written.
    Read,
    /// One snapshot, and no other writer of the same record in between.
    Write,
    /// The closure judges nothing it read: a trace appended, a key taken.
    Append,
}

/// A unit as it waits.
pub(super) type Job = Box<dyn Unit>;

const WAITING: u8 = 0;
const TAKEN: u8 = 1;
const ABANDONED: u8 = 2;

/// Whether the unit still waits, is taken, or was given up: whoever changes it first, wins.
#[derive(Debug, Clone)]
struct Claim(Arc<AtomicU8>);

impl Claim {
    fn change(&self, to: u8) -> bool {
        self.0.compare_exchange(WAITING, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

struct Work<T, F> {
    name: &'static str,
    isolation: Isolation,
    closure: F,
    value: Option<T>,
    reply: oneshot::Sender<Settlement<T, F>>,
    claim: Claim,
}

/// The answer, and the closure with all it holds: what the caller's thread has made is dropped there.
/// Given back one by one by another thread, its pieces cost more than the work they were made for.
type Settlement<T, F> = (Result<T, Error>, F);

/// The caller's end of a unit.
pub(super) struct Ticket<T, F> {
    claim: Claim,
    reply: oneshot::Receiver<Settlement<T, F>>,
}

/// A closure as a unit, and the ticket on which its answer comes.
pub(super) fn work<T, F>(name: &'static str, isolation: Isolation, closure: F) -> (Job, Ticket<T, F>)
where
    T: Send + 'static,
    F: Fn(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
{
    let (sender, receiver) = oneshot::channel();
    let claim = Claim(Arc::new(AtomicU8::new(WAITING)));
    let job = Work { name, isolation, closure, value: None, reply: sender, claim: claim.clone() };
    (Box::new(job), Ticket { claim, reply: receiver })
}

impl<T, F> Unit for Work<T, F>
where
    T: Send,
    F: Fn(&mut Tx<'_>) -> Result<T, Error> + Send,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn isolation(&self) -> Isolation {
        self.isolation
    }

    fn claim(&self) -> bool {
        self.claim.change(TAKEN)
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let _span = tracing::debug_span!("store.tx", name = self.name).entered();
        let closure = &self.closure;
        // A closure that panics fails alone: its transaction is rolled back, its neighbours go on.
        let outcome = catch_unwind(AssertUnwindSafe(|| closure(tx))).unwrap_or_else(|_payload| {
            tracing::error!(unit = self.name, "a unit of work panicked");
            Err(Code::Internal.into())
        });
        self.value = Some(tx.conclude(outcome)?);
        Ok(())
    }

    fn settle(self: Box<Self>, outcome: Result<(), Error>) {
        let Self { value, reply, closure, .. } = *self;
        let answer = outcome.and_then(|()| value.ok_or_else(|| Code::Internal.into()));
        // A caller that has gone away needs no answer.
        drop(reply.send((answer, closure)));
    }
}

impl<T, F> Ticket<T, F> {
    /// The answer. A unit that no thread took within `patience` is given up and has written nothing.
    pub(super) async fn wait(mut self, patience: Duration) -> Result<T, Error> {
        let answer = match tokio::time::timeout(patience, &mut self.reply).await {
            Ok(answer) => answer,
            Err(_elapsed) if self.claim.change(ABANDONED) => return Err(super::Error::Busy.into()),
            Err(_elapsed) => (&mut self.reply).await,
        };
        answer.map_or_else(|_closed| Err(super::Error::Gone.into()), |(answer, _closure)| answer)
    }
}

/// A caller that stops to wait takes back what no thread has begun.
impl<T, F> Drop for Ticket<T, F> {
    fn drop(&mut self) {
        self.claim.change(ABANDONED);
    }
}

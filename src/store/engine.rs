//! What both back ends share: the queue before a thread, and what is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::config::Config;
use super::error::{Error, Result};
use super::unit::{Isolation, Job};
use crate::clock::Stopwatch;
use crate::ids::IdSource;

/// What the threads need to know.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) config: Config,
    pub(super) counters: Arc<Counters>,
    pub(super) ids: Arc<dyn IdSource>,
}

/// The bounded queue before the threads that run units.
#[derive(Clone)]
pub(super) struct Queue(Sender<Job>);

impl Queue {
    /// A queue of at most `length` waiting units, and the end its threads take from.
    pub(super) fn new(length: usize) -> (Self, Receiver<Job>) {
        let (sender, receiver) = bounded(length);
        (Self(sender), receiver)
    }

    /// Hands a unit over, unless the queue is full.
    pub(super) fn push(&self, job: Job) -> Result<()> {
        self.0.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => Error::Busy,
            TrySendError::Disconnected(_) => Error::Gone,
        })
    }

    /// How many units wait.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Counts since the start, for metrics and tests.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) commits: AtomicU64,
    pub(super) units: AtomicU64,
    pub(super) failures: AtomicU64,
    pub(super) retries: AtomicU64,
    pub(super) busy: AtomicU64,
}

impl Counters {
    pub(super) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// Starts a named thread of the store.
pub(super) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn(run).map(drop).map_err(|error| Error::Lost(Box::new(error)))
}

/// Reports a unit that held its transaction for longer than the budget.
pub(super) fn report(job: &Job, ran: Stopwatch, budget: Duration) {
    let ran = ran.elapsed();
    if ran > budget && job.isolation() != Isolation::Append {
        tracing::warn!(unit = job.name(), ran_ms = ran.as_millis(), "a unit held its transaction for too long");
    }
}

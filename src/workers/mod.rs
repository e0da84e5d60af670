//! Background work: idempotent, periodic, stopped in order.

mod clock_keeper;
mod collector;
mod purger;
mod seal_key;
mod sealer;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use clock_keeper::{CLOCK_SETTING, keep_ahead};
pub use seal_key::{SealKey, SealKeyError};

use crate::clock::Clocks;
use crate::ops::Service;

/// What background work needs.
#[derive(Debug, Clone)]
pub struct Works {
    /// The operations.
    pub service: Service,
    /// The clocks.
    pub clocks: Clocks,
    /// Signs the heads of chains.
    pub seal_key: Arc<SealKey>,
    /// How often heads are signed.
    pub seal_every: Duration,
    /// Whether the domain clock is a development one, whose position is kept.
    pub keeps_clock: bool,
}

/// Workers at work.
#[derive(Debug)]
pub struct Running {
    works: Works,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

/// How often the position of a development clock is kept.
const CLOCK_EVERY: Duration = Duration::from_secs(10);
/// How often files that no row names are looked for.
const COLLECT_EVERY: Duration = Duration::from_hours(1);

/// How often assertions that have expired are forgotten.
const PURGE_EVERY: Duration = Duration::from_mins(10);

/// Starts every worker. Must be called inside a tokio runtime.
pub fn start(works: Works) -> Running {
    let (stop, stopped) = watch::channel(false);
    let mut tasks = Vec::new();
    let sealing = works.clone();
    tasks.push(tokio::spawn(every(works.seal_every, stopped.clone(), move || {
        let works = sealing.clone();
        async move { sealer::seal(&works).await }
    })));
    let collecting = works.clone();
    tasks.push(tokio::spawn(every(COLLECT_EVERY, stopped.clone(), move || {
        let works = collecting.clone();
        async move { collector::collect(&works).await }
    })));
    let purging = works.clone();
    tasks.push(tokio::spawn(every(PURGE_EVERY, stopped.clone(), move || {
        let works = purging.clone();
        async move { purger::purge(&works).await }
    })));
    if works.keeps_clock {
        let keeping = works.clone();
        tasks.push(tokio::spawn(every(CLOCK_EVERY, stopped, move || {
            let works = keeping.clone();
            async move { clock_keeper::keep(&works.service.store, keep_ahead(works.clocks.domain.now())).await }
        })));
    }
    Running { works, stop, tasks }
}

impl Running {
    /// Stops the workers; the heads are signed and the clock kept one last time.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            if task.await.is_err() {
                tracing::error!("a worker had ended by a panic");
            }
        }
        sealer::seal(&self.works).await;
        if self.works.keeps_clock {
            clock_keeper::keep(&self.works.service.store, self.works.clocks.domain.now()).await;
        }
    }
}

async fn every<F, W>(period: Duration, mut stopped: watch::Receiver<bool>, work: W)
where
    W: Fn() -> F,
    F: Future<Output = ()>,
{
    loop {
        // The first round waits too: a start has better things to do.
        if tokio::time::timeout(period, stopped.changed()).await.is_ok() {
            return;
        }
        work().await;
    }
}

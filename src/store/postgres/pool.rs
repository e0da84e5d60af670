//! The threads that run units on PostgreSQL: one connection each, one transaction at a time, run
//! again when two transactions met, connected again when the server was lost.

use std::time::Duration;

use crossbeam_channel::Receiver;
use diesel::Connection as _;
use diesel::connection::{CacheSize, SimpleConnection as _};

use super::{Conn, Connector};
use crate::clock::Stopwatch;
use crate::error::Error;
use crate::store::engine::{self, Counters, Queue, Settings};
use crate::store::error::{self, Fatality};
use crate::store::tx::Tx;
use crate::store::unit::{Isolation, Job};

/// How often a unit is run before its caller is told that the store is busy.
const ATTEMPTS: u32 = 24;
/// After so many units the prepared statements are dropped (see `sqlite::reader`).
const CACHE_LIFE: u32 = 4096;

pub(super) fn start(connector: &Connector, settings: &Settings) -> error::Result<Queue> {
    let (queue, jobs) = Queue::new(settings.config.queue);
    for number in 0..settings.config.pool {
        let mut worker = Worker { connector: connector.clone(), settings: settings.clone(), conn: None, units: 0 };
        let jobs = jobs.clone();
        engine::spawn(&format!("store-postgres-{number}"), move || worker.serve(&jobs))?;
    }
    Ok(queue)
}

struct Worker {
    connector: Connector,
    settings: Settings,
    conn: Option<Conn>,
    units: u32,
}

/// How one run of a unit ended.
enum Ending {
    /// Durable, or nothing to keep.
    Done,
    /// Refused by its closure or by a statement; nothing is kept.
    Failed(Error),
    /// It met another transaction; nothing is kept.
    Contended(Error),
    /// The connection was lost before the commit was asked for; nothing is kept.
    Lost(Error),
}

impl Worker {
    fn serve(&mut self, jobs: &Receiver<Job>) {
        for mut job in jobs {
            if !job.claim() {
                continue;
            }
            let outcome = self.run(&mut job);
            let counters = &self.settings.counters;
            Counters::add(if outcome.is_ok() { &counters.units } else { &counters.failures });
            job.settle(outcome);
        }
    }

    fn run(&mut self, job: &mut Job) -> Result<(), Error> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.run_once(job) {
                Ending::Done => return Ok(()),
                Ending::Failed(error) => return Err(error),
                Ending::Contended(error) if attempt >= ATTEMPTS => return Err(error),
                Ending::Contended(_) => self.back_off(attempt),
                Ending::Lost(error) => {
                    self.conn = None;
                    // An idle connection may have been cut long ago: one more try on a new one.
                    if attempt > 1 {
                        return Err(error);
                    }
                }
            }
            Counters::add(&self.settings.counters.retries);
        }
    }

    fn run_once(&mut self, job: &mut Job) -> Ending {
        // One round trip; nothing is left to the session, which a connection pooler may share.
        let begin = match job.isolation() {
            Isolation::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Isolation::Write => "BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL synchronous_commit = on",
            Isolation::Append => "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit = on",
        };
        let budget = self.settings.config.budget();
        let conn = match self.connection() {
            Ok(conn) => conn,
            Err(fault) => return Ending::Lost(fault.into()),
        };
        if let Err(fault) = conn.batch_execute(begin) {
            return Ending::Lost(error::Error::from(fault).into());
        }
        let ran = Stopwatch::start();
        let mut tx = Tx::postgres(conn);
        let outcome = job.run(&mut tx);
        let fatality = tx.fatality();
        engine::report(job, ran, budget);
        match outcome {
            Ok(()) => match conn.batch_execute("COMMIT").map_err(error::Error::from) {
                Ok(()) => {
                    Counters::add(&self.settings.counters.commits);
                    Ending::Done
                }
                Err(fault @ error::Error::Contended(_)) => Ending::Contended(fault.into()),
                // Nobody can say whether the commit took place: to run again could do it twice.
                Err(fault) => {
                    self.conn = None;
                    Ending::Failed(Error::from(crate::error::Code::Internal).because(fault))
                }
            },
            Err(error) => {
                if fatality == Some(Fatality::Lost) || conn.batch_execute("ROLLBACK").is_err() {
                    return Ending::Lost(error);
                }
                if fatality == Some(Fatality::Contended) { Ending::Contended(error) } else { Ending::Failed(error) }
            }
        }
    }

    fn connection(&mut self) -> error::Result<&mut Conn> {
        self.units += 1;
        if self.units >= CACHE_LIFE {
            self.units = 0;
            if let Some(conn) = &mut self.conn {
                conn.set_prepared_statement_cache_size(CacheSize::Disabled);
                conn.set_prepared_statement_cache_size(CacheSize::Unbounded);
            }
        }
        if self.conn.is_none() {
            self.conn = Some(self.connector.connect()?);
        }
        self.conn.as_mut().ok_or(error::Error::Gone)
    }

    /// Waits a random time that grows with the attempts: those who met must not meet again.
    fn back_off(&self, attempt: u32) {
        let mut random = [0_u8; 2];
        self.settings.ids.fill(&mut random);
        let ceiling = 2_u64 << attempt.min(5);
        let tenths = u64::from(u16::from_le_bytes(random)) % (ceiling * 10);
        Connector::pause(Duration::from_micros(200 + tenths * 100));
    }
}

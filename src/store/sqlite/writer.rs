//! The thread that owns the only writing connection: it takes the units that wait, runs each in a
//! savepoint, makes all durable by one commit, then answers all (house rules §7, group commit).

use crossbeam_channel::{Receiver, RecvTimeoutError};
use diesel::connection::SimpleConnection as _;

use super::Conn;
use crate::clock::Stopwatch;
use crate::error::Error;
use crate::store::engine::{self, Counters, Queue, Settings};
use crate::store::error::{self, Fatality};
use crate::store::tx::Tx;
use crate::store::unit::Job;

/// After so long without work the log is copied back into the database.
const IDLE: std::time::Duration = std::time::Duration::from_secs(1);

pub(super) fn start(conn: Conn, settings: &Settings) -> error::Result<Queue> {
    let (queue, jobs) = Queue::new(settings.config.queue);
    let mut writer = Writer { conn, settings: settings.clone(), is_dirty: true };
    engine::spawn("store-writer", move || writer.serve(&jobs))?;
    Ok(queue)
}

struct Writer {
    conn: Conn,
    settings: Settings,
    is_dirty: bool,
}

impl Writer {
    fn serve(&mut self, jobs: &Receiver<Job>) {
        let mut batch = Vec::with_capacity(self.settings.config.batch);
        loop {
            match jobs.recv_timeout(IDLE) {
                Ok(job) => batch.push(job),
                Err(RecvTimeoutError::Timeout) => {
                    self.checkpoint();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let room = self.settings.config.batch.saturating_sub(batch.len());
            batch.extend(jobs.try_iter().take(room));
            self.run(&mut batch);
        }
        self.checkpoint();
    }

    /// Runs a batch: whatever happens, each of its units is answered.
    fn run(&mut self, batch: &mut Vec<Job>) {
        if let Err(fault) = self.conn.batch_execute("BEGIN IMMEDIATE") {
            refuse(batch.drain(..), &error::Error::from(fault));
            return;
        }
        let mut done: Vec<Job> = Vec::with_capacity(batch.len());
        let mut waiting = batch.drain(..);
        let mut broken = None;
        for mut job in waiting.by_ref() {
            if !job.claim() {
                continue;
            }
            match self.run_one(&mut job) {
                Ok(Ok(())) => done.push(job),
                Ok(Err(error)) => {
                    Counters::add(&self.settings.counters.failures);
                    job.settle(Err(error));
                }
                Err(fault) => {
                    done.push(job);
                    broken = Some(fault);
                    break;
                }
            }
        }
        // A full disk may have ended the transaction on its own: then nothing after it may run.
        let outcome = match broken {
            Some(fault) => Err(fault),
            None => self.conn.batch_execute("COMMIT").map_err(error::Error::from),
        };
        match outcome {
            Ok(()) => {
                self.is_dirty = true;
                Counters::add(&self.settings.counters.commits);
                for job in done {
                    Counters::add(&self.settings.counters.units);
                    job.settle(Ok(()));
                }
            }
            Err(fault) => {
                tracing::error!(fault = %describe(&fault), units = done.len(), "a batch was rolled back");
                drop(self.conn.batch_execute("ROLLBACK"));
                refuse(done.into_iter().chain(waiting), &fault);
            }
        }
    }

    /// Runs one unit in its savepoint: its own outcome, or a fault that ends the whole batch.
    fn run_one(&mut self, job: &mut Job) -> error::Result<Result<(), Error>> {
        self.conn.batch_execute("SAVEPOINT unit")?;
        let ran = Stopwatch::start();
        let mut tx = Tx::sqlite(&mut self.conn);
        let outcome = job.run(&mut tx);
        let is_lost = tx.fatality() == Some(Fatality::Lost);
        engine::report(job, ran, self.settings.config.budget());
        if is_lost {
            return Err(error::Error::Busy);
        }
        let ending = if outcome.is_ok() { "RELEASE unit" } else { "ROLLBACK TO unit; RELEASE unit" };
        self.conn.batch_execute(ending)?;
        Ok(outcome)
    }

    fn checkpoint(&mut self) {
        if self.is_dirty {
            // Readers may be in its way; then the next idle moment will do.
            self.is_dirty = self.conn.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)").is_err();
        }
    }
}

fn refuse(jobs: impl Iterator<Item = Job>, fault: &error::Error) {
    for job in jobs {
        job.settle(Err(Error::from(fault.code())));
    }
}

fn describe(fault: &error::Error) -> String {
    let cause = std::error::Error::source(fault).map(ToString::to_string).unwrap_or_default();
    format!("{fault}: {cause}")
}

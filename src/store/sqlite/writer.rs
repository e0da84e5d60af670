//! The thread that owns the only writing connection: it takes the units that wait, runs them in one
//! transaction, makes all durable by one commit, then answers all (house rules §7, group commit).
//!
//! A savepoint for each unit would make SQLite keep a copy of every page the unit touches. Units fail
//! seldom and may be run again, so the first run has none; where one fails, all are rolled back and run
//! again, each in a savepoint of its own.

use crossbeam_channel::{Receiver, RecvTimeoutError};
use diesel::connection::SimpleConnection as _;

use super::Conn;
use crate::clock::Stopwatch;
use crate::error::Error;
use crate::store::engine::{self, Counters, Queue, Settings};
use crate::store::error;
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
        let jobs: Vec<Job> = batch.drain(..).filter(|job| job.claim()).collect();
        if jobs.is_empty() {
            return;
        }
        let mut jobs = self.attempt_all(jobs);
        while !jobs.is_empty() {
            jobs = self.attempt(jobs);
        }
    }

    /// Runs units in one transaction without savepoints and answers them. Where one fails, none has
    /// run: all come back, unless it was alone.
    fn attempt_all(&mut self, mut jobs: Vec<Job>) -> Vec<Job> {
        if let Err(fault) = self.conn.batch_execute("BEGIN IMMEDIATE") {
            refuse(jobs, &fault.into());
            return Vec::new();
        }
        let failure = jobs.iter_mut().find_map(|job| self.run_unit(job).err());
        if let Some(error) = failure {
            // SQLite may have rolled back on its own: then there is nothing to undo.
            drop(self.conn.batch_execute("ROLLBACK"));
            if jobs.len() > 1 {
                return jobs;
            }
            if let Some(job) = jobs.pop() {
                Counters::add(&self.settings.counters.failures);
                job.settle(Err(error));
            }
            return Vec::new();
        }
        self.commit(jobs);
        Vec::new()
    }

    /// Runs units in one transaction, each in a savepoint, and answers them. A unit that ends the transaction itself (SQLite
    /// rolls all back when the disk is full) is answered alone; the others come back to be run again.
    fn attempt(&mut self, jobs: Vec<Job>) -> Vec<Job> {
        if let Err(fault) = self.conn.batch_execute("BEGIN IMMEDIATE") {
            refuse(jobs, &fault.into());
            return Vec::new();
        }
        let mut done: Vec<Job> = Vec::with_capacity(jobs.len());
        let mut waiting = jobs.into_iter();
        while let Some(mut job) = waiting.next() {
            let (outcome, is_open) = self.run_one(&mut job);
            match outcome {
                Ok(()) if is_open => done.push(job),
                Ok(()) => refuse([job], &error::Error::Gone),
                Err(error) => {
                    Counters::add(&self.settings.counters.failures);
                    job.settle(Err(error));
                }
            }
            if !is_open {
                // If it was the savepoint alone that failed, the transaction is still there.
                drop(self.conn.batch_execute("ROLLBACK"));
                return done.into_iter().chain(waiting).collect();
            }
        }
        self.commit(done);
        Vec::new()
    }

    /// Makes what the units did durable, and answers them.
    fn commit(&mut self, done: Vec<Job>) {
        match self.conn.batch_execute("COMMIT") {
            Ok(()) => {
                self.is_dirty = true;
                Counters::add(&self.settings.counters.commits);
                for job in done {
                    Counters::add(&self.settings.counters.units);
                    job.settle(Ok(()));
                }
            }
            Err(fault) => {
                tracing::error!(%fault, units = done.len(), "a batch could not be committed");
                drop(self.conn.batch_execute("ROLLBACK"));
                refuse(done, &fault.into());
            }
        }
    }

    fn run_unit(&mut self, job: &mut Job) -> Result<(), Error> {
        let ran = Stopwatch::start();
        let outcome = job.run(&mut Tx::sqlite(&mut self.conn));
        engine::report(job, ran, self.settings.config.budget());
        outcome
    }

    /// Runs one unit in its savepoint: its outcome, and whether the transaction is still open.
    fn run_one(&mut self, job: &mut Job) -> (Result<(), Error>, bool) {
        if let Err(fault) = self.conn.batch_execute("SAVEPOINT unit") {
            return (Err(error::Error::from(fault).into()), false);
        }
        let outcome = self.run_unit(job);
        let ending = if outcome.is_ok() { "RELEASE unit" } else { "ROLLBACK TO unit; RELEASE unit" };
        let is_open = self.conn.batch_execute(ending).is_ok();
        (outcome, is_open)
    }

    fn checkpoint(&mut self) {
        if self.is_dirty {
            // Readers may be in its way; then the next idle moment will do.
            self.is_dirty = self.conn.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)").is_err();
        }
    }
}

fn refuse(jobs: impl IntoIterator<Item = Job>, fault: &error::Error) {
    for job in jobs {
        job.settle(Err(Error::from(fault.code())));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::error::Code;
    use crate::ids::SeededIds;
    use crate::store::config::Config;
    use crate::store::unit::{Isolation, work};

    #[tokio::test]
    async fn a_full_disk_refuses_what_does_not_fit_and_keeps_the_rest() {
        let path = std::env::temp_dir().join(format!("espace-full-{}.sqlite", std::process::id()));
        let patience = std::time::Duration::from_secs(5);
        let mut conn = super::super::connect(&path, patience).unwrap();
        crate::store::migrate::migrate_sqlite(&mut conn).unwrap();
        conn.batch_execute("PRAGMA max_page_count = 120").unwrap();
        let settings = Settings {
            config: Config::default(),
            counters: Arc::new(Counters::default()),
            ids: Arc::new(SeededIds::new(1)),
        };
        let queue = start(conn, &settings).unwrap();
        let mut tickets = Vec::new();
        for (name, length) in [("small", 10), ("large", 4_000_000), ("other", 10)] {
            let put = move |tx: &mut Tx<'_>| tx.put_setting(name, &"x".repeat(length));
            let (job, ticket) = work(name, Isolation::Write, put);
            queue.push(job).unwrap();
            tickets.push(ticket);
        }
        let mut outcomes = Vec::new();
        for ticket in tickets {
            outcomes.push(ticket.wait(patience).await.map_err(|error| error.code()));
        }
        assert_eq!(outcomes, [Ok(()), Err(Code::Internal), Ok(())]);
        let read = |tx: &mut Tx<'_>| Ok((tx.find_setting("small")?.is_some(), tx.find_setting("large")?.is_some()));
        let (job, ticket) = work("read", Isolation::Write, read);
        queue.push(job).unwrap();
        assert_eq!(ticket.wait(patience).await.unwrap(), (true, false));
        for suffix in ["", "-wal", "-shm"] {
            drop(std::fs::remove_file(format!("{}{suffix}", path.display())));
        }
    }
}

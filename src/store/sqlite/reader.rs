//! The threads that read: each unit sees one snapshot and can write nothing.

use std::path::Path;

use crossbeam_channel::Receiver;
use diesel::Connection as _;
use diesel::connection::{CacheSize, SimpleConnection as _};
use diesel::{RunQueryDsl as _, sql_query};

use super::Conn;
use crate::clock::Stopwatch;
use crate::store::cached::Cached;
use crate::store::engine::{self, Counters, Queue, Settings};
use crate::store::error::{self, Error};
use crate::store::tx::Tx;
use crate::store::unit::Job;

/// After so many units the prepared statements are dropped: searches come in many forms, and a
/// caller who tries them all must not fill the memory.
const CACHE_LIFE: u32 = 4096;

pub(super) fn start(path: &Path, settings: &Settings) -> error::Result<Queue> {
    let (queue, jobs) = Queue::new(settings.config.queue);
    for number in 0..settings.config.readers {
        let mut conn = super::connect(path, settings.config.ticket())?;
        // Each trace changes the database, and at each change SQLite unmaps all it had mapped: a reader
        // that maps pays for that at nearly every request.
        conn.batch_execute("PRAGMA query_only = ON; PRAGMA mmap_size = 0")?;
        let mut reader = Reader { conn, settings: settings.clone(), units: 0 };
        let jobs = jobs.clone();
        engine::spawn(&format!("store-reader-{number}"), move || reader.serve(&jobs))?;
    }
    Ok(queue)
}

struct Reader {
    conn: Conn,
    settings: Settings,
    units: u32,
}

impl Reader {
    fn serve(&mut self, jobs: &Receiver<Job>) {
        for mut job in jobs {
            if !job.claim() {
                continue;
            }
            self.units += 1;
            if self.units >= CACHE_LIFE {
                self.units = 0;
                self.conn.set_prepared_statement_cache_size(CacheSize::Disabled);
                self.conn.set_prepared_statement_cache_size(CacheSize::Unbounded);
            }
            if let Err(fault) = Cached(sql_query("BEGIN")).execute(&mut self.conn) {
                job.settle(Err(Error::from(fault).into()));
                continue;
            }
            let ran = Stopwatch::start();
            let outcome = job.run(&mut Tx::sqlite(&mut self.conn));
            engine::report(&job, ran, self.settings.config.budget());
            // There is nothing to keep; a snapshot left open would hold the log back.
            if Cached(sql_query("ROLLBACK")).execute(&mut self.conn).is_err() {
                tracing::error!(unit = job.name(), "a snapshot could not be closed");
            }
            let counters = &self.settings.counters;
            Counters::add(if outcome.is_ok() { &counters.units } else { &counters.failures });
            job.settle(outcome);
        }
    }
}

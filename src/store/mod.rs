//! The storage seam: one query source for SQLite and PostgreSQL (house rules §4.5-9, §7).
//!
//! A unit of work is a closure: it runs in one transaction on one thread of the store, reads facts,
//! decides, writes, and settles with a value or a refusal, each with its trace. The store appends the
//! trace in the same transaction, so nothing commits without one, and answers only once the commit is
//! durable. `tx.rs` lists the verbs; that list is the storage contract.
//!
//! The statements behind the verbs are written once, in `queries/`, and compiled twice: `sqlite/` and
//! `postgres/` each load that folder for their own connection type (twin compilation).

pub mod blob;
mod cached;
mod chain;
mod compress;
mod config;
mod engine;
mod error;
pub mod keyfile;
mod migrate;
mod postgres;
mod records;
mod rows;
mod schema;
mod sqlite;
mod tx;
mod unit;
mod verify;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use tokio::sync::oneshot;

pub use self::config::Config;
pub use self::error::Error;
pub use self::migrate::MigrationStatus;
pub use self::records::{
    AuditFilter, BlobFile, ChainRow, ChangeFilter, ChangePlace, FoundValue, Head, KeyedResource, OutboxItem,
    ResourceKey, ResourceState, Seal, VersionFilter,
};
pub use self::tx::Tx;
pub use self::verify::{Anchors, Finding, Report, verify_chain};

use self::config::Target;
use self::engine::{Counters, Queue, Settings};
use self::unit::{Isolation, work};
use crate::access::context::Context;
use crate::access::permit::Denial;
use crate::error::Error as Outward;
use crate::ids::IdSource;
use crate::model::audit::AuditRecord;

/// Rows a verification reads at a time.
const PAGE: i64 = 512;

/// How a unit of work ended. Both ways commit, and neither without its trace.
#[derive(Debug)]
pub enum Settled<T> {
    /// It was done.
    Done {
        /// What it yields.
        value: T,
        /// Its trace.
        audit: AuditRecord,
    },
    /// Several acts were done, all or none.
    AllDone {
        /// What they yield.
        value: T,
        /// The trace of each, in their order; at least one.
        audits: Vec<AuditRecord>,
    },
    /// It was refused; only the trace is to be kept.
    Refused {
        /// The refusal.
        denial: Denial,
        /// Its trace.
        audit: AuditRecord,
    },
}

impl<T> Settled<T> {
    /// It was done.
    pub const fn done(value: T, audit: AuditRecord) -> Self {
        Self::Done { value, audit }
    }

    /// It was refused.
    pub const fn refused(denial: Denial, audit: AuditRecord) -> Self {
        Self::Refused { denial, audit }
    }

    /// Its traces.
    pub const fn audits(&self) -> &[AuditRecord] {
        match self {
            Self::Done { audit, .. } | Self::Refused { audit, .. } => std::slice::from_ref(audit),
            Self::AllDone { audits, .. } => audits.as_slice(),
        }
    }

    /// The value, or the refusal as an error.
    pub fn into_result(self) -> Result<T, Outward> {
        match self {
            Self::Done { value, .. } | Self::AllDone { value, .. } => Ok(value),
            Self::Refused { denial, .. } => Err(denial.into()),
        }
    }
}

/// What the store has done since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statistics {
    /// Durable commits.
    pub commits: u64,
    /// Units of work that succeeded.
    pub units: u64,
    /// Units that failed and left nothing.
    pub failures: u64,
    /// Runs repeated because transactions met or a connection was lost.
    pub retries: u64,
    /// Units refused because no thread was free in time.
    pub busy: u64,
    /// Units that wait to be written.
    pub waiting: usize,
}

/// An opened database. Cheap to clone; the threads end with the last clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    writes: Queue,
    reads: Queue,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("config", &self.inner.settings.config).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens a database for service. One with pending or unknown migrations is refused.
    pub async fn open(config: Config, ids: Arc<dyn IdSource>) -> Result<Self, Error> {
        apart(move || {
            config.check()?;
            migrate::status(&config)?.check()?;
            let settings = Settings { config, counters: Arc::new(Counters::default()), ids };
            let (writes, reads) = match settings.config.target()? {
                Target::Sqlite(path) => sqlite::open(&path, &settings)?,
                Target::Postgres(url) => {
                    let queue = postgres::open(postgres::Connector::new(&url, &settings.config)?, &settings)?;
                    (queue.clone(), queue)
                }
            };
            Ok(Self { inner: Arc::new(Inner { settings, writes, reads }) })
        })
        .await
    }

    /// Applies the pending migrations of a database and makes the file of SQLite where there is none.
    /// A database of a later release is refused.
    pub async fn migrate(config: &Config) -> Result<MigrationStatus, Error> {
        let config = config.clone();
        apart(move || migrate::migrate(&config)).await
    }

    /// Which migrations a database has seen, and which this program knows.
    pub async fn migration_status(config: &Config) -> Result<MigrationStatus, Error> {
        let config = config.clone();
        apart(move || migrate::status(&config)).await
    }

    /// Runs a unit that writes. `Err` leaves nothing; `Done` and `Refused` commit together with their
    /// trace, and the answer comes when they are durable. `name` labels logs and metrics.
    pub async fn write<T, F>(&self, name: &'static str, ctx: Arc<Context>, f: F) -> Result<Settled<T>, Outward>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<Settled<T>, Outward> + Send + 'static,
    {
        tracing::trace!(unit = name, request_id = %ctx.request_id, "write");
        self.run(name, Isolation::Write, move |tx| {
            let settled = f(tx)?;
            tx.append_audits(settled.audits())?;
            Ok(settled)
        })
        .await
    }

    /// Runs a unit on one snapshot, then has its trace written; the answer comes when the trace is
    /// durable. What was read but not traced is never handed out.
    pub async fn read<T, F>(&self, name: &'static str, ctx: Arc<Context>, f: F) -> Result<Settled<T>, Outward>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<Settled<T>, Outward> + Send + 'static,
    {
        tracing::trace!(unit = name, request_id = %ctx.request_id, "read");
        let settled = self.run(name, Isolation::Read, f).await?;
        let records = settled.audits().to_vec();
        self.run(name, Isolation::Append, move |tx| tx.append_audits(&records)).await?;
        Ok(settled)
    }

    /// Runs a unit that writes without a trace: directory, enrolment, used assertions, workers.
    pub async fn system<T, F>(&self, name: &'static str, f: F) -> Result<T, Outward>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, Outward> + Send + 'static,
    {
        self.run(name, Isolation::Write, f).await
    }

    /// Runs a unit on one snapshot without a trace.
    pub async fn system_read<T, F>(&self, name: &'static str, f: F) -> Result<T, Outward>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, Outward> + Send + 'static,
    {
        self.run(name, Isolation::Read, f).await
    }

    /// Seals up to `limit` chains that grew since they were sealed; answers how many. `sign` signs
    /// the text of the seal with a key that lives elsewhere.
    pub async fn seal<S>(&self, at: Timestamp, limit: i64, sign: S) -> Result<usize, Outward>
    where
        S: Fn(&str) -> Result<Vec<u8>, Outward> + Send + 'static,
    {
        self.system("audit.seal", move |tx| {
            let heads = tx.list_unsealed(limit)?;
            if heads.is_empty() {
                return Ok(0);
            }
            let previous = tx.find_last_seal()?;
            let payload = chain::seal_payload(previous.as_ref(), &heads);
            let signature = sign(&payload)?;
            let id = previous.map_or(1, |seal| seal.id + 1);
            tx.put_seal(&Seal { id, sealed_at: at, payload, signature }, &heads)?;
            Ok(heads.len())
        })
        .await
    }

    /// Walks every chain and every seal; `is_signed` judges the signature of a seal. Traces written
    /// meanwhile are left for the next time.
    pub async fn verify_audit(&self, is_signed: impl Fn(&Seal) -> bool) -> Result<Report, Outward> {
        let mut report = Report::default();
        let mut anchors = Anchors::new();
        let mut last = 0;
        loop {
            let seals = self.system_read("audit.seals", move |tx| tx.list_seals(last, PAGE)).await?;
            let Some(end) = seals.last() else { break };
            last = end.id;
            for seal in &seals {
                report.seals += 1;
                anchors.add(seal, is_signed(seal));
            }
        }
        report.findings.extend_from_slice(anchors.findings());
        let mut known = BTreeSet::new();
        let mut after = None;
        loop {
            let heads = self.system_read("audit.chains", move |tx| tx.list_chains(after, PAGE)).await?;
            let Some(end) = heads.last() else { break };
            after = Some(end.pt);
            for head in &heads {
                known.insert(head.pt);
                self.verify_one(head, &anchors, &mut report).await?;
            }
        }
        report.findings.extend(anchors.gone(&known));
        Ok(report)
    }

    async fn verify_one(&self, head: &Head, anchors: &Anchors, report: &mut Report) -> Result<(), Outward> {
        let mut walk = verify::Walk::new(head, anchors);
        let (pt, mut last) = (head.pt, 0);
        loop {
            let links = self.system_read("audit.chain", move |tx| tx.list_chain(pt, last, PAGE)).await?;
            let Some(end) = links.last() else { break };
            last = end.sequence;
            for link in links.iter().filter(|link| link.sequence <= head.sequence) {
                report.links += 1;
                walk.step(link);
            }
        }
        report.chains += 1;
        report.findings.extend(walk.finish());
        Ok(())
    }

    /// What the store has done since it was opened.
    pub fn statistics(&self) -> Statistics {
        let counters = &self.inner.settings.counters;
        Statistics {
            commits: counters.commits.load(Ordering::Relaxed),
            units: counters.units.load(Ordering::Relaxed),
            failures: counters.failures.load(Ordering::Relaxed),
            retries: counters.retries.load(Ordering::Relaxed),
            busy: counters.busy.load(Ordering::Relaxed),
            waiting: self.inner.writes.len(),
        }
    }

    async fn run<T, F>(&self, name: &'static str, isolation: Isolation, f: F) -> Result<T, Outward>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, Outward> + Send + 'static,
    {
        let queue = if isolation == Isolation::Read { &self.inner.reads } else { &self.inner.writes };
        let (job, ticket) = work(name, isolation, f);
        let outcome = match queue.push(job) {
            Ok(()) => ticket.wait(self.inner.settings.config.ticket()).await,
            Err(fault) => Err(fault.into()),
        };
        if outcome.as_ref().is_err_and(|error| error.code() == crate::error::Code::Busy) {
            Counters::add(&self.inner.settings.counters.busy);
        }
        outcome
    }
}

/// Runs blocking work on a thread of its own.
async fn apart<T: Send + 'static>(f: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    let (sender, receiver) = oneshot::channel();
    engine::spawn("store-open", move || drop(sender.send(f())))?;
    receiver.await.unwrap_or(Err(Error::Gone))
}

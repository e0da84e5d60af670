//! SQLite: one thread that writes, with a group commit, and some that read (house rules §7).

#[cfg(test)]
mod plans;
mod reader;
mod writer;

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};

use super::engine::{Queue, Settings};
use super::error::{Error, Result};

/// The connection for which `queries/` is compiled here.
pub(super) type Conn = SqliteConnection;
/// Its back end.
pub(super) type Db = diesel::sqlite::Sqlite;

#[path = "../queries/dialect_sqlite.rs"]
pub(super) mod dialect;
#[path = "../queries/mod.rs"]
pub(super) mod queries;

/// The queues of an opened database: where writes go, and where reads go.
pub(super) fn open(path: &Path, settings: &Settings) -> Result<(Queue, Queue)> {
    // The writer comes first: its connection turns write-ahead logging on.
    let writes = writer::start(connect(path, settings.config.ticket())?, settings)?;
    let reads = reader::start(path, settings)?;
    Ok((writes, reads))
}

/// Makes the file where there is none, readable by its owner only; SQLite gives its log the same mode.
pub(super) fn create(path: &Path) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true).mode(0o600);
    options.open(path).map(drop).map_err(|error| Error::Lost(Box::new(error)))
}

/// A connection with the settings all of ours share.
///
/// `patience` is for the other processes that may hold the lock: a command, a backup.
pub(super) fn connect(path: &Path, patience: Duration) -> Result<Conn> {
    let url = path.to_str().ok_or_else(|| Error::Config("the path of the database is not UTF-8".to_owned()))?;
    let mut conn = Conn::establish(url).map_err(|error| Error::Lost(Box::new(error)))?;
    conn.batch_execute(&format!("PRAGMA busy_timeout = {}", patience.as_millis()))?;
    conn.batch_execute(
        // A fiche, a trace, most of a document then fit a page; it is set when the file is made.
        "PRAGMA page_size = 16384;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -16384;
         PRAGMA mmap_size = 268435456;
         PRAGMA journal_size_limit = 67108864;
         PRAGMA wal_autocheckpoint = 4000;",
    )?;
    Ok(conn)
}

//! The schema: both trees of `migrations/` are embedded, and a database of another version is refused.

use std::time::Duration;

use diesel::migration::{MigrationSource, MigrationVersion};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::config::{Config, Target};
use super::error::{Error, Result};
use super::postgres::Connector;
use super::sqlite;

/// How long a migration waits for whoever else writes.
const PATIENCE: Duration = Duration::from_secs(30);
const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Which migrations a database has seen, and which this program knows, both in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Applied to the database.
    pub applied: Vec<String>,
    /// Known to this program.
    pub known: Vec<String>,
}

impl MigrationStatus {
    /// Known but not yet applied.
    pub fn pending(&self) -> Vec<&str> {
        self.known.iter().filter(|version| !self.applied.contains(version)).map(String::as_str).collect()
    }

    /// Applied but not known: by a later release.
    pub fn unknown(&self) -> Vec<&str> {
        self.applied.iter().filter(|version| !self.known.contains(version)).map(String::as_str).collect()
    }

    /// Refuses what this program cannot serve.
    pub(super) fn check(&self) -> Result<()> {
        if let Some(version) = self.unknown().first() {
            return Err(Error::Schema(format!("migration {version} is of a later release than this program")));
        }
        if let Some(version) = self.pending().first() {
            return Err(Error::Schema(format!("migration {version} is pending; run `espace migrate up`")));
        }
        Ok(())
    }
}

/// Applies what is pending; nothing if the database knows more than this program.
pub(super) fn migrate(config: &Config) -> Result<MigrationStatus> {
    match config.target()? {
        Target::Sqlite(path) => {
            sqlite::create(&path)?;
            migrate_sqlite(&mut sqlite::connect(&path, PATIENCE)?)
        }
        Target::Postgres(url) => run(&mut Connector::new(&url, config)?.connect()?, || POSTGRES),
    }
}

/// Applies what is pending to an open database of SQLite.
pub(super) fn migrate_sqlite(conn: &mut sqlite::Conn) -> Result<MigrationStatus> {
    run(conn, || SQLITE)
}

/// What a database has seen. To ask does not make a file where there is none.
pub(super) fn status(config: &Config) -> Result<MigrationStatus> {
    match config.target()? {
        Target::Sqlite(path) if !path.exists() => {
            Ok(MigrationStatus { applied: Vec::new(), known: known::<sqlite::Db>(SQLITE)? })
        }
        Target::Sqlite(path) => read(&mut sqlite::connect(&path, PATIENCE)?, || SQLITE),
        Target::Postgres(url) => read(&mut Connector::new(&url, config)?.connect()?, || POSTGRES),
    }
}

fn run<C, DB>(conn: &mut C, tree: fn() -> EmbeddedMigrations) -> Result<MigrationStatus>
where
    DB: diesel::backend::Backend,
    C: MigrationHarness<DB>,
    EmbeddedMigrations: MigrationSource<DB>,
{
    let before = read(conn, tree)?;
    if !before.unknown().is_empty() {
        before.check()?;
    }
    conn.run_pending_migrations(tree()).map_err(Error::Migration)?;
    read(conn, tree)
}

fn read<C, DB>(conn: &mut C, tree: fn() -> EmbeddedMigrations) -> Result<MigrationStatus>
where
    DB: diesel::backend::Backend,
    C: MigrationHarness<DB>,
    EmbeddedMigrations: MigrationSource<DB>,
{
    let mut applied: Vec<String> =
        conn.applied_migrations().map_err(Error::Migration)?.iter().map(MigrationVersion::to_string).collect();
    applied.sort_unstable();
    Ok(MigrationStatus { applied, known: known::<DB>(tree())? })
}

fn known<DB>(tree: EmbeddedMigrations) -> Result<Vec<String>>
where
    DB: diesel::backend::Backend,
    EmbeddedMigrations: MigrationSource<DB>,
{
    let migrations = MigrationSource::<DB>::migrations(&tree).map_err(Error::Migration)?;
    let mut known: Vec<String> = migrations.iter().map(|migration| migration.name().version().to_string()).collect();
    known.sort_unstable();
    Ok(known)
}

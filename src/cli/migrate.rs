//! `espace migrate`: the database schema (contract §2).

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::{Failure, output, runtime, search_parameters};
use crate::config::Config;
use crate::ids::SystemIds;
use crate::ops::resource::reindex::reindex;
use crate::store::{MigrationStatus, Store};

/// Bring the database schema up to date, or look at it
#[derive(Debug, Args)]
pub(super) struct Migrate {
    /// What to do
    #[arg(value_enum, default_value_t = What::Up)]
    what: What,
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    /// Apply what is pending
    Up,
    /// Say what is applied and what is known
    Status,
    /// Exit 3 unless the schema is the one this program knows
    Check,
}

/// Applies what is pending; where rows are kept in another form since, fills the search index anew.
async fn up(config: &Config) -> Result<MigrationStatus, Failure> {
    search_parameters::install(config)?;
    let failed = |error: &crate::store::Error| Failure::from_error("the database", error);
    let status = Store::migrate(&config.store).await.map_err(|error| failed(&error))?;
    let store = Store::open(config.store.clone(), Arc::new(SystemIds::default())).await;
    let store = store.map_err(|error| failed(&error))?;
    let read = reindex(&store).await.map_err(|error| Failure::from_error("the search index", &error))?;
    if read > 0 {
        output::say(&format!("indexed: {read}"));
    }
    Ok(status)
}

impl Migrate {
    /// Migrates or looks.
    pub(super) fn run(self) -> Result<(), Failure> {
        let config = runtime::configuration(self.config.as_deref())?;
        let failed = |error: crate::store::Error| Failure::from_error("the database", &error);
        let status = match self.what {
            What::Up => runtime::block_on(up(&config))??,
            What::Status | What::Check => runtime::block_on(Store::migration_status(&config.store))?.map_err(failed)?,
        };
        output::say(&format!("applied: {}", status.applied.join(" ")));
        output::say(&format!("known:   {}", status.known.join(" ")));
        if matches!(self.what, What::Check) && (!status.pending().is_empty() || !status.unknown().is_empty()) {
            Err(Failure::Problems)
        } else {
            Ok(())
        }
    }
}

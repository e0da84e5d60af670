//! `espace migrate`: the database schema (contract §2).

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Failure, output, runtime};
use crate::store::Store;

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

impl Migrate {
    /// Migrates or looks.
    pub(super) fn run(self) -> Result<(), Failure> {
        let config = runtime::configuration(self.config.as_deref())?;
        let failed = |error: crate::store::Error| Failure::from_error("the database", &error);
        let status = match self.what {
            What::Up => runtime::block_on(Store::migrate(&config.store))?.map_err(failed)?,
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

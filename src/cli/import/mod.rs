//! `espace import`: newer editions of value sets and code systems (contract §2).

mod terminology;

use std::path::PathBuf;

use clap::Args;

use super::{Failure, runtime};

/// Import a newer edition of value sets and code systems
#[derive(Debug, Args)]
pub(super) struct Import {
    /// A ValueSet, a CodeSystem or a Bundle of them in JSON, or a table (.csv) named like one of our value sets
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Replace French value sets: codes that the file names no more are retired
    #[arg(long)]
    terminology: bool,
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Import {
    /// Imports the file.
    pub(super) fn run(self) -> Result<(), Failure> {
        if !self.terminology {
            let text = "`espace import` without `--terminology` comes with a later delivery; see CHANGELOG.md";
            return Err(Failure::Usage(text.to_owned()));
        }
        let config = runtime::configuration(self.config.as_deref())?;
        terminology::run(&self.file, &config.conformance.packages)
    }
}

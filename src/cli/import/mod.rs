//! `espace import`: what an operator brings in from files (contract §2).

pub(super) mod terminology;

use std::path::PathBuf;

use clap::Args;

use super::Failure;
use super::place::Place;

/// Import terminology; resources: a later delivery
#[derive(Debug, Args)]
pub(super) struct Import {
    #[command(flatten)]
    place: Place,
    /// Value sets or code systems that replace the committed ones from the next start on
    #[arg(long, value_name = "FILE.csv|FILE.json", num_args = 1..)]
    terminology: Vec<PathBuf>,
    /// Resources: a later delivery
    #[arg(value_name = "FILE")]
    resources: Vec<PathBuf>,
}

impl Import {
    /// Imports.
    pub(super) fn run(self) -> Result<(), Failure> {
        if !self.resources.is_empty() || self.terminology.is_empty() {
            return Err(Failure::Usage(
                "`espace import FILE` comes with a later delivery; see CHANGELOG.md".to_owned(),
            ));
        }
        terminology::import(&self.place.configuration()?.conformance.terminology, &self.terminology)
    }
}

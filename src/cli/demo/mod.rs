//! Demonstration data of a development server (contract §5), and `espace demo`.

mod bundle;
mod directory;
pub mod personas;
pub mod seed;
mod table;

use clap::{Args, Subcommand};

use super::Failure;

pub use bundle::{Document, demo_bundle};

/// Demo documents
#[derive(Debug, Args)]
pub(super) struct Demo {
    #[command(subcommand)]
    command: DemoCommand,
}

#[derive(Debug, Subcommand)]
enum DemoCommand {
    /// Print a fresh ITI-65 bundle around a small CDA of our own
    Bundle(bundle::Bundle),
}

impl Demo {
    /// Prints what is asked for.
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.command {
            DemoCommand::Bundle(bundle) => bundle.run(),
        }
    }
}

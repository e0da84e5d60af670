//! `espace bench`: the load driver and the fixed parts of the limits (contract §2, docs/PERFORMANCE.md).

mod begin;
mod control;
mod drive;
mod fill;
mod load;
mod parts;
mod process;
mod template;
mod wire;

use clap::{Args, Subcommand};

use super::{Failure, output, runtime};

/// Load driver, and the fixed parts of the limits
#[derive(Debug, Args)]
pub(super) struct Bench {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Load a server over mutual TLS and report rate, latency and its CPU time per operation
    Run(Box<drive::Run>),
    /// Serve nothing but bytes: the control that a server is held against
    Control(control::Control),
    /// Fill a development database with synthetic persons and their fiches
    Fill(fill::Fill),
    /// Measure the fixed parts of the limits, here and now
    Parts(parts::Parts),
}

impl Bench {
    /// Runs.
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Run(run) => {
                let report = runtime::block_on(run.measure())??;
                output::say(&if run.json { report.json() } else { report.text() });
                Ok(())
            }
            Command::Control(control) => control.serve(),
            Command::Fill(fill) => fill.run(),
            Command::Parts(parts) => parts.run(),
        }
    }
}

//! `espace rules`: the decision tables as the server reads them.

use clap::{Args, ValueEnum};

use super::{Failure, output};
use crate::rules::print;

/// The decision tables as the server reads them
#[derive(Debug, Args)]
pub(super) struct Rules {
    /// What to do
    #[arg(value_enum, default_value_t = What::Print)]
    what: What,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    /// Print every table
    Print,
    /// Exit 3 where a cell is covered by no row or by two
    Check,
}

impl Rules {
    /// Prints or checks.
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.what {
            What::Print => output::emit(print::print().as_bytes()),
            What::Check => {
                let problems = print::check();
                for problem in &problems {
                    output::say(problem);
                }
                if !problems.is_empty() {
                    return Err(Failure::Problems);
                }
                output::say("every cell is covered by exactly one row");
            }
        }
        Ok(())
    }
}

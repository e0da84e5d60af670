//! Commands of the contract that a later delivery brings: they say so, and exit 2.

use clap::Args;

use super::Failure;

/// Arrives with a later delivery: says so and exits 2.
#[derive(Debug, Args)]
pub(super) struct Later {
    /// Accepted for the command to come, and not looked at yet.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    rest: Vec<String>,
}

impl Later {
    /// Says that the command is not there yet.
    pub(super) fn run(self, name: &str) -> Result<(), Failure> {
        drop(self.rest);
        Err(Failure::Usage(format!("`espace {name}` comes with a later delivery; see CHANGELOG.md")))
    }
}

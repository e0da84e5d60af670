//! `espace bench`: the load driver and the fixed parts of the limits.

use clap::Args;

use super::Failure;

/// Load driver, and the fixed parts of the limits
#[derive(Debug, Args)]
pub(super) struct Bench {}

impl Bench {
    /// Runs.
    pub(super) fn run(self) -> Result<(), Failure> {
        Err(Failure::Usage("`espace bench` comes with a later delivery; see CHANGELOG.md".to_owned()))
    }
}

//! What came of a run: lines for people, JUnit for machines, a page in French, FHIR TestReports.

mod html;
mod junit;
mod test_report;
mod text;

pub use html::html;
pub use junit::junit;
pub use test_report::json;
pub use text::{summary, text};

use super::run::{Outcome, ScriptResult};

/// How many tests ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// As it should be, warnings included.
    pub passed: usize,
    /// Not as it should be.
    pub failed: usize,
    /// Could not be tried.
    pub errors: usize,
    /// Not played.
    pub skipped: usize,
}

/// Counts the tests of scripts.
pub fn counts(results: &[ScriptResult]) -> Counts {
    let mut counts = Counts::default();
    for test in results.iter().flat_map(|result| &result.tests) {
        match test.outcome() {
            Outcome::Pass | Outcome::Warning => counts.passed += 1,
            Outcome::Fail => counts.failed += 1,
            Outcome::Error => counts.errors += 1,
            Outcome::Skip => counts.skipped += 1,
        }
    }
    counts
}

/// Whether anything is not as it should be, setup and teardown included.
pub fn has_problems(results: &[ScriptResult]) -> bool {
    results.iter().any(|result| result.outcome().is_bad())
}

//! The report as lines: one per test, and what went wrong below it.

use super::{Outcome, ScriptResult, counts};

/// The lines of a script.
pub fn text(result: &ScriptResult) -> String {
    let mut lines = vec![format!("{} ({})", result.title, result.path)];
    for test in &result.tests {
        lines.push(format!("  {:<7} {}", test.outcome().code(), test.name));
        if test.outcome() != Outcome::Pass {
            lines.push(format!("          {}", test.message()));
        }
    }
    let around = result.setup.iter().map(|step| ("setup", step)).chain(result.teardown.iter().map(|s| ("teardown", s)));
    for (phase, step) in around.filter(|(_, step)| step.outcome > Outcome::Pass) {
        lines.push(format!("  {:<7} {phase}: {}: {}", step.outcome.code(), step.what, step.message));
    }
    lines.join("\n")
}

/// The last line.
pub fn summary(results: &[ScriptResult]) -> String {
    let counts = counts(results);
    format!(
        "{} scripts: {} tests passed, {} failed, {} could not be tried, {} skipped",
        results.len(),
        counts.passed,
        counts.failed,
        counts.errors,
        counts.skipped
    )
}

//! The report as JUnit XML: a script is a testsuite, a test is a testcase.

use super::{Outcome, ScriptResult};
use crate::conformance::run::{Step, TestResult};
use crate::xml::Writer;

/// The XML document.
pub fn junit(results: &[ScriptResult]) -> String {
    let mut writer = Writer::document();
    writer.start("testsuites").attribute("name", "espace conformance");
    for result in results {
        let count = |outcome: Outcome| result.tests.iter().filter(|test| test.outcome() == outcome).count().to_string();
        writer
            .start("testsuite")
            .attribute("name", &result.path)
            .attribute("timestamp", &result.began)
            .attribute("tests", &result.tests.len().to_string())
            .attribute("failures", &count(Outcome::Fail))
            .attribute("errors", &count(Outcome::Error))
            .attribute("skipped", &count(Outcome::Skip));
        for test in &result.tests {
            case(&mut writer, result, test);
        }
        phase(&mut writer, result, "setup", &result.setup);
        phase(&mut writer, result, "teardown", &result.teardown);
        writer.end();
    }
    writer.end();
    writer.finish()
}

fn case(writer: &mut Writer, result: &ScriptResult, test: &TestResult) {
    let class = result.path.trim_end_matches(".json").replace('/', ".");
    writer
        .start("testcase")
        .attribute("classname", &class)
        .attribute("name", &test.name)
        .attribute("time", &format!("{:.3}", test.took.as_secs_f64()));
    if !test.requirements.is_empty() {
        writer.start("properties");
        for id in &test.requirements {
            writer.empty("property", &[("name", Some("requirement")), ("value", Some(id))]);
        }
        writer.end();
    }
    told(writer, test.outcome(), &test.message());
    writer.end();
}

/// A setup or teardown that went wrong is a case of its own, so that nobody overlooks it.
fn phase(writer: &mut Writer, result: &ScriptResult, name: &str, steps: &[Step]) {
    if let Some(step) = steps.iter().find(|step| step.outcome.is_bad()) {
        let class = result.path.trim_end_matches(".json").replace('/', ".");
        writer.start("testcase").attribute("classname", &class).attribute("name", name);
        told(writer, step.outcome, &format!("{}: {}", step.what, step.message));
        writer.end();
    }
}

fn told(writer: &mut Writer, outcome: Outcome, message: &str) {
    match outcome {
        Outcome::Pass => {}
        Outcome::Skip => drop(writer.empty("skipped", &[("message", Some(message))])),
        Outcome::Warning => drop(writer.leaf("system-out", message)),
        Outcome::Fail => drop(writer.empty("failure", &[("message", Some(message))])),
        Outcome::Error => drop(writer.empty("error", &[("message", Some(message))])),
    }
}

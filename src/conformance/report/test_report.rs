//! The report as FHIR TestReports, one per script, in a Bundle (FHIR R4 `testreport.html`).

use serde_json::{Value, json};

use super::{Outcome, ScriptResult};
use crate::conformance::run::Step;

/// A collection of TestReports.
pub fn json(target: &str, results: &[ScriptResult]) -> Value {
    let entries: Vec<Value> = results.iter().map(|result| json!({ "resource": report(target, result) })).collect();
    json!({ "resourceType": "Bundle", "type": "collection", "entry": entries })
}

fn report(target: &str, result: &ScriptResult) -> Value {
    let played = result.tests.iter().filter(|test| test.outcome() != Outcome::Skip).count();
    let good = result.tests.iter().filter(|test| matches!(test.outcome(), Outcome::Pass | Outcome::Warning)).count();
    let mut report = json!({
        "resourceType": "TestReport",
        "name": result.name,
        "status": "completed",
        "testScript": { "reference": result.url, "display": result.path },
        "result": if result.outcome().is_bad() || played == 0 { "fail" } else { "pass" },
        "score": percent(good, result.tests.len()),
        "tester": "espace conformance",
        "issued": result.began,
        "participant": [
            { "type": "test-engine", "uri": "urn:espace:conformance", "display": "espace conformance" },
            { "type": "server", "uri": target },
        ],
    });
    let tests: Vec<Value> = result
        .tests
        .iter()
        .map(|test| json!({ "name": test.name, "description": test.description, "action": actions(&test.steps) }))
        .collect();
    put(&mut report, "setup", &result.setup);
    if let Some(members) = report.as_object_mut().filter(|_| !tests.is_empty()) {
        members.insert("test".to_owned(), Value::from(tests));
    }
    // A teardown has operations alone.
    let teardown: Vec<Step> = result.teardown.iter().filter(|step| step.is_operation).cloned().collect();
    put(&mut report, "teardown", &teardown);
    report
}

fn put(report: &mut Value, phase: &str, steps: &[Step]) {
    if let Some(members) = report.as_object_mut().filter(|_| !steps.is_empty()) {
        members.insert(phase.to_owned(), json!({ "action": actions(steps) }));
    }
}

fn actions(steps: &[Step]) -> Vec<Value> {
    let action = |step: &Step| {
        let mut told = json!({ "result": step.outcome.code() });
        let message = format!("{}: {}", step.what, step.message);
        let message = if step.message.is_empty() { step.what.as_str() } else { message.as_str() };
        if let Some(members) = told.as_object_mut().filter(|_| !message.is_empty()) {
            members.insert("message".to_owned(), Value::from(message));
        }
        json!({ (if step.is_operation { "operation" } else { "assert" }): told })
    };
    steps.iter().map(action).collect()
}

fn percent(good: usize, all: usize) -> Value {
    Value::from((good * 100).checked_div(all).unwrap_or(0))
}

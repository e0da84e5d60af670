//! The black-box runner: its scripts against a server in this process, and against answers gone wrong.

mod altered;
mod reports;
mod scripts;

use std::collections::BTreeMap;

use espace::cli::conformance::{Credentials, Network};
use espace::conformance::run::{ScriptResult, play};
use espace::conformance::script::Script;
use espace::conformance::suite::Files;
use espace::conformance::target::Target;

use crate::support::server::TestServer;

/// The server as the runner reaches it.
fn network(server: &TestServer) -> Network {
    let file = |name: &str| server.certs.path().join(name);
    let credentials = Credentials {
        certificate: file("cabinet.pem"),
        key: file("cabinet.key"),
        ca: file("ca.pem"),
        folder: server.certs.path().to_owned(),
        tokens: None,
    };
    Network::new(&server.base(), credentials).unwrap()
}

/// What the scripts call by name.
fn environment(files: &Files) -> BTreeMap<String, String> {
    serde_json::from_slice(files.get("environment.json").unwrap()).unwrap()
}

/// The embedded scripts.
fn embedded() -> (Files, Vec<Script>) {
    let files = Files::embedded();
    let scripts = files.scripts().unwrap_or_else(|faults| panic!("{faults:#?}"));
    (files, scripts)
}

/// Plays scripts.
async fn played<T: Target>(target: &T, files: &Files, scripts: &[Script]) -> Vec<ScriptResult> {
    let environment = environment(files);
    let mut results = Vec::new();
    for script in scripts {
        results.push(play(target, files, script, &environment).await);
    }
    results
}

/// One line for each test that did not pass.
fn problems(results: &[ScriptResult]) -> Vec<String> {
    let mut lines = Vec::new();
    for result in results {
        for step in result.setup.iter().chain(&result.teardown).filter(|step| step.outcome.code() != "pass") {
            lines.push(format!("{}: {}: {}", result.path, step.what, step.message));
        }
        for test in result.tests.iter().filter(|test| test.outcome().code() != "pass") {
            lines.push(format!("{}: {}: {} {}", result.path, test.name, test.outcome().code(), test.message()));
        }
    }
    lines
}

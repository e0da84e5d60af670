//! Plays scripts: setup, tests, teardown (FHIR R4 `testscript.html` §execution).

use std::collections::BTreeMap;
use std::time::Duration;

use super::assertion::judge;
use super::operation::request;
use super::scope::{Exchange, Scope};
use super::script::{Action, Check, Operation, Origin, Script, Test};
use super::suite::Files;
use super::target::{NoAnswer, Target, origin_of};
use crate::clock::Stopwatch;

/// How something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// As it should be.
    Pass,
    /// Not done, because what it needs is not there.
    Skip,
    /// Not as it should be, which is only a warning.
    Warning,
    /// Not as it should be.
    Fail,
    /// It could not be tried.
    Error,
}

impl Outcome {
    /// The code of `http://hl7.org/fhir/report-action-result-codes`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Skip => "skip",
            Self::Warning => "warning",
            Self::Fail => "fail",
            Self::Error => "error",
        }
    }

    /// Whether the run is not a success because of it.
    pub const fn is_bad(self) -> bool {
        matches!(self, Self::Fail | Self::Error)
    }
}

/// An action that was played.
#[derive(Debug, Clone)]
pub struct Step {
    /// Whether it sent something.
    pub is_operation: bool,
    /// What it is, in words.
    pub what: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why.
    pub message: String,
}

/// A test that was played.
#[derive(Debug, Clone)]
pub struct TestResult {
    /// Its name.
    pub name: String,
    /// What it shows.
    pub description: String,
    /// The requirements that it proves.
    pub requirements: Vec<String>,
    /// Its actions.
    pub steps: Vec<Step>,
    /// Time, in seconds and parts.
    pub took: Duration,
}

impl TestResult {
    /// How it ended: as its worst step.
    pub fn outcome(&self) -> Outcome {
        worst(&self.steps)
    }

    /// The message of the first step that is not good.
    pub fn message(&self) -> String {
        let bad = self.steps.iter().find(|step| step.outcome == self.outcome());
        bad.map(|step| format!("{}: {}", step.what, step.message)).unwrap_or_default()
    }
}

/// A script that was played.
#[derive(Debug, Clone)]
pub struct ScriptResult {
    /// Its file.
    pub path: String,
    /// Its URL.
    pub url: String,
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// When it began, RFC 3339.
    pub began: String,
    /// Its setup.
    pub setup: Vec<Step>,
    /// Its tests.
    pub tests: Vec<TestResult>,
    /// Its teardown.
    pub teardown: Vec<Step>,
}

impl ScriptResult {
    /// The folder it stands in.
    pub fn suite(&self) -> &str {
        self.path.split_once('/').map_or("", |(suite, _)| suite)
    }

    /// How it ended: as the worst of its parts.
    pub fn outcome(&self) -> Outcome {
        let tests = self.tests.iter().map(TestResult::outcome).max().unwrap_or(Outcome::Pass);
        tests.max(worst(&self.setup)).max(worst(&self.teardown))
    }
}

fn worst(steps: &[Step]) -> Outcome {
    steps.iter().map(|step| step.outcome).max().unwrap_or(Outcome::Pass)
}

/// Plays one script.
pub async fn play<T: Target>(
    target: &T,
    files: &Files,
    script: &Script,
    environment: &BTreeMap<String, String>,
) -> ScriptResult {
    let chance = |bytes: &mut [u8]| target.chance(bytes);
    let mut scope = Scope::new(files, script, environment, &chance);
    scope.given.insert("base".to_owned(), target.base().to_owned());
    scope.given.insert("origin".to_owned(), origin_of(target.base()).to_owned());
    let mut player = Player { target, script, scope };
    let mut result = ScriptResult {
        path: script.path.clone(),
        url: script.url.clone(),
        name: script.name.clone(),
        title: script.title.clone(),
        began: target.now(),
        setup: Vec::new(),
        tests: Vec::new(),
        teardown: Vec::new(),
    };
    result.setup = player.identities().await;
    let ready = worst(&result.setup);
    if ready == Outcome::Pass {
        result.setup.extend(player.created().await);
        result.setup.extend(player.actions(&script.setup).await);
    }
    let is_ready = worst(&result.setup) <= Outcome::Warning && ready == Outcome::Pass;
    for test in &script.tests {
        result.tests.push(if is_ready { player.test(test).await } else { untried(test, &result.setup) });
    }
    if ready == Outcome::Pass {
        result.teardown = player.actions(&script.teardown).await;
        result.teardown.extend(player.deleted().await);
    }
    result
}

/// A test that was not played because the setup did not end well.
fn untried(test: &Test, setup: &[Step]) -> TestResult {
    let why = setup.iter().find(|step| step.outcome > Outcome::Pass).map(|step| step.message.clone());
    let step = Step {
        is_operation: false,
        what: "setup".to_owned(),
        outcome: Outcome::Skip,
        message: why.unwrap_or_default(),
    };
    TestResult {
        name: test.name.clone(),
        description: test.description.clone(),
        requirements: test.requirements.clone(),
        steps: vec![step],
        took: Duration::ZERO,
    }
}

struct Player<'a, T> {
    target: &'a T,
    script: &'a Script,
    scope: Scope<'a>,
}

impl<T: Target> Player<'_, T> {
    /// Tokens of everybody who has one; said only where one cannot be had.
    async fn identities(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        for origin in self.script.origins.iter().filter(|origin| origin.persona.is_some()) {
            let (outcome, message) = match self.target.token(origin).await {
                Ok(token) => {
                    self.scope.given.insert(format!("token:{}", origin.index), token);
                    continue;
                }
                Err(NoAnswer::NoIdentity(why)) => (Outcome::Skip, why),
                Err(error) => (Outcome::Error, error.to_string()),
            };
            let what = format!("token of {}", origin.persona.as_deref().unwrap_or_default());
            steps.push(Step { is_operation: true, what, outcome, message });
        }
        steps
    }

    async fn test(&mut self, test: &Test) -> TestResult {
        let watch = Stopwatch::start();
        let steps = self.actions(&test.actions).await;
        TestResult {
            name: test.name.clone(),
            description: test.description.clone(),
            requirements: test.requirements.clone(),
            steps,
            took: watch.elapsed(),
        }
    }

    /// Plays actions in turn. After a failure the answer is still judged, and nothing more is sent.
    async fn actions(&mut self, actions: &[Action]) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        let mut is_over = false;
        for (number, action) in actions.iter().enumerate() {
            let is_bad = steps.iter().any(|step| step.outcome.is_bad());
            let is_operation = matches!(action, Action::Operation(_));
            is_over |= is_bad && is_operation;
            if is_over {
                let message = "an action before it failed".to_owned();
                steps.push(Step { is_operation, what: words(action), outcome: Outcome::Skip, message });
                continue;
            }
            let (outcome, message) = match action {
                Action::Operation(operation) => {
                    let may_refuse = matches!(actions.get(number + 1), Some(Action::Assert(next)) if next.checks.contains(&Check::HandshakeRefused));
                    match self.send(operation, may_refuse).await {
                        Ok(()) => (Outcome::Pass, String::new()),
                        Err(NoAnswer::NoIdentity(why)) => (Outcome::Skip, why),
                        Err(error) => (Outcome::Error, error.to_string()),
                    }
                }
                Action::Assert(assert) => match judge(assert, &self.scope, &self.script.profiles) {
                    Ok(()) => (Outcome::Pass, String::new()),
                    Err(why) if assert.warning_only => (Outcome::Warning, why),
                    Err(why) => (Outcome::Fail, why),
                },
            };
            let stops = matches!(action, Action::Assert(assert) if assert.stop_on_fail);
            is_over = outcome == Outcome::Error || outcome == Outcome::Skip || (stops && outcome == Outcome::Fail);
            steps.push(Step { is_operation, what: words(action), outcome, message });
        }
        steps
    }

    async fn send(&mut self, operation: &Operation, may_refuse: bool) -> Result<(), NoAnswer> {
        let nobody = Origin::default();
        let index = operation.origin.unwrap_or(1);
        let who = self.script.origins.iter().find(|origin| origin.index == index);
        if who.is_none() && (operation.origin.is_some() || !self.script.origins.is_empty()) {
            return Err(NoAnswer::Failed(format!("there is no origin {index}")));
        }
        let request = request(operation, &self.scope, self.target.base()).map_err(NoAnswer::Failed)?;
        let answer = self.target.exchange(who.unwrap_or(&nobody), &request).await;
        let exchange = Exchange { request, answer };
        let names = [&operation.response_id, &operation.request_id];
        for id in names.into_iter().flatten() {
            self.scope.exchanges.insert(id.clone(), exchange.clone());
        }
        let ended = match &exchange.answer {
            Ok(_) => Ok(()),
            Err(NoAnswer::Refused(_)) if may_refuse => Ok(()),
            Err(error) => Err(error.clone()),
        };
        self.scope.last = Some(exchange);
        ended
    }

    /// Fixtures that are created before the setup.
    async fn created(&mut self) -> Vec<Step> {
        let mut actions = Vec::new();
        for fixture in self.script.fixtures.iter().filter(|fixture| fixture.autocreate) {
            let kind = self.scope.source(&fixture.id).ok();
            let kind = kind.as_ref().and_then(|body| body.get("resourceType")).and_then(serde_json::Value::as_str);
            let resource = kind.map(str::to_owned);
            actions.push(Action::Operation(Box::new(Operation {
                kind: Some("create".to_owned()),
                resource,
                source_id: Some(fixture.id.clone()),
                response_id: Some(format!("{}-created", fixture.id)),
                ..Operation::default()
            })));
        }
        self.actions(&actions).await
    }

    /// Fixtures that are deleted after the teardown.
    async fn deleted(&mut self) -> Vec<Step> {
        let mut actions = Vec::new();
        for fixture in self.script.fixtures.iter().filter(|fixture| fixture.autodelete && fixture.autocreate) {
            let created = self.scope.exchanges.get(&format!("{}-created", fixture.id));
            let location = created.and_then(|exchange| exchange.answer.as_ref().ok()?.header("location"));
            let url = location.map(|url| url.split("/_history/").next().unwrap_or(url).to_owned());
            actions.push(Action::Operation(Box::new(Operation {
                kind: Some("delete".to_owned()),
                url,
                ..Operation::default()
            })));
        }
        self.actions(&actions).await
    }
}

/// What an action is, in words.
fn words(action: &Action) -> String {
    match action {
        Action::Operation(operation) => {
            let told = operation.label.as_ref().or(operation.description.as_ref());
            let kind = operation.kind.as_deref().or(operation.method.as_deref()).unwrap_or_default();
            let place = operation.url.as_deref().or(operation.resource.as_deref()).unwrap_or_default();
            told.cloned().unwrap_or_else(|| format!("{kind} {place}").trim_end().to_owned())
        }
        Action::Assert(assert) => {
            let told = assert.label.as_ref().or(assert.description.as_ref());
            told.cloned().unwrap_or_else(|| "assert".to_owned())
        }
    }
}

//! The scripts: well-formed, true to the demonstration, and green against a server in this process.

use std::collections::BTreeSet;

use espace::conformance::coverage;
use espace::conformance::parse::ScriptFault;
use espace::conformance::script::Script;
use espace::error::Issue;
use espace::fhir::codec::json;

use super::{embedded, environment, network, played, problems};
use crate::support::db::block_on;
use crate::support::server::TestServer;

#[test]
fn every_script_is_green_against_a_server_in_this_process() {
    block_on(async {
        let server = TestServer::start().await;
        let (files, scripts) = embedded();
        let results = played(&network(&server), &files, &scripts).await;
        let problems = problems(&results);
        assert!(problems.is_empty(), "{}", problems.join("\n"));
        assert!(results.iter().map(|result| result.tests.len()).sum::<usize>() > 200);
        // Played again on what the first time left: nothing depends on an empty record.
        let again = played(&network(&server), &files, &scripts).await;
        assert_eq!(super::problems(&again), Vec::<String>::new());
        crate::story::traces_are_whole(&server).await;
    });
}

#[test]
fn every_script_is_a_valid_test_script_with_a_name_of_its_own() {
    let (files, scripts) = embedded();
    let mut urls = BTreeSet::new();
    for script in &scripts {
        let resource = json::parse(files.get(&script.path).unwrap()).unwrap();
        let faults = espace::fhir::validate::structural(&resource);
        // A fixture is a file beside the script, not a resource of a server.
        let is_file = |issue: &Issue| format!("{:?}", issue.path).contains(".resource.reference");
        let faults: Vec<_> = faults.into_iter().filter(|issue| !issue.is_warning && !is_file(issue)).collect();
        assert_eq!(faults, [], "{}", script.path);
        assert!(urls.insert(script.url.clone()), "{} is given twice", script.url);
        let fixtures: BTreeSet<_> = script.fixtures.iter().map(|fixture| &fixture.id).collect();
        assert_eq!(fixtures.len(), script.fixtures.len(), "{}: a fixture's id is given twice", script.path);
        let names: BTreeSet<_> = script.tests.iter().map(|test| &test.name).collect();
        assert_eq!(names.len(), script.tests.len(), "{}: a test's name is given twice", script.path);
    }
}

#[test]
fn every_requirement_that_a_script_claims_is_one_and_is_delivered() {
    let (files, scripts) = embedded();
    assert_eq!(coverage::unknown(&files, &scripts), Vec::<String>::new());
    let claims = coverage::claims(&scripts);
    let later: Vec<_> = coverage::requirements(&files)
        .into_iter()
        .filter(|row| !row.is_delivered && claims.contains_key(row.id.as_str()))
        .map(|row| row.id)
        .collect();
    assert_eq!(later, Vec::<String>::new(), "claimed by a script and said to come later");
}

#[test]
fn every_fixture_file_is_there_and_none_is_left_over() {
    let (files, scripts) = embedded();
    let used: BTreeSet<&str> =
        scripts.iter().flat_map(|script| &script.fixtures).map(|fixture| fixture.file.as_str()).collect();
    let there: BTreeSet<&str> = files.under("fixtures/").map(|(path, _)| path).collect();
    assert_eq!(used, there);
}

#[test]
fn the_environment_is_that_of_the_demonstration() {
    let (files, _) = embedded();
    let environment = environment(&files);
    let demo = espace::cli::demo::personas::Demo::load().unwrap();
    for persona in &demo.personas {
        assert_eq!(environment[&format!("ins.{}", persona.name)], persona.ins.value());
    }
    for professional in &demo.professionals {
        let id = professional.exercise.professional.id.to_string();
        assert_eq!(environment[&format!("id.{}", professional.name)], id);
    }
    for structure in &demo.structures {
        assert_eq!(environment[&format!("structure.{}", structure.name)], structure.structure.id.to_string());
    }
}

fn parsed(script: &str) -> Result<Script, ScriptFault> {
    Script::parse("suite/script.json", script.as_bytes())
}

#[test]
fn what_is_not_played_is_refused_and_never_passed_over() {
    let whole = |assert: &str| {
        format!(
            r#"{{"resourceType":"TestScript","url":"urn:x","name":"X","title":"x","status":"active","test":[
            {{"name":"t","description":"d","action":[{{"assert":{{{assert}"warningOnly":false}}}}]}}]}}"#
        )
    };
    assert!(parsed(&whole(r#""response":"okay","#)).is_ok());
    for (assert, why) in [
        ("", "nothing is asked"),
        (r#""response":"okay","defaultManualCompletion":"fail","#, "defaultManualCompletion is not played"),
        (r#""headerField":"ETag","#, "nothing to compare with"),
        (r#""expression":"Bundle.total","operator":"equals","#, "nothing to compare with"),
        (r#""expression":"Bundle.(","#, "expression not understood"),
        (r#""expression":"Bundle.unheardOf()","#, "a known function"),
        (r#""response":"okay","operator":"resembles","#, "no operator resembles"),
        (r#""response":"okay","direction":"request","#, "only answers are asserted"),
        (r#""response":"okay","extension":[{"url":"urn:other","valueBoolean":true}],"#, "is not played"),
    ] {
        let fault = parsed(&whole(assert)).unwrap_err();
        assert!(fault.to_string().contains(why), "{assert}: {fault}");
    }
    for (script, why) in [
        ("{", "json"),
        ("[]", "not an object"),
        (r#"{"resourceType":"Bundle"}"#, "not a TestScript"),
        (r#"{"resourceType":"TestScript","url":"urn:x","name":"X","title":"x","destination":[]}"#, "destination"),
    ] {
        let fault = parsed(script).unwrap_err();
        assert!(fault.to_string().contains(why), "{script}: {fault}");
    }
}

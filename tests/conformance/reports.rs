//! What the program prints and writes: exit codes, reports that other tools read.

use espace::fhir::codec::json;

use super::{embedded, network, played};
use crate::support::db::block_on;
use crate::support::process::{Ended, Home};
use crate::support::server::TestServer;

fn run(home: &Home, server: &TestServer, more: &str) -> Ended {
    let certs = server.certs.path().display().to_string();
    let base = server.base();
    home.run(&format!(
        "conformance run --target {base} --cert {certs}/cabinet.pem --key {certs}/cabinet.key --ca {certs}/ca.pem {more}"
    ))
}

#[test]
fn a_run_writes_its_reports_and_ends_with_0_or_3() {
    block_on(async {
        let server = TestServer::start().await;
        let home = Home::without_pki();
        let more = "--suite rest --suite td02/existence --report out.html --junit out.xml --json out.json";
        let ended = run(&home, &server, more);
        assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{}", ended.out);
        assert!(ended.out.trim_end().ends_with("0 failed, 0 could not be tried, 0 skipped"), "{}", ended.out);
        let read = |name: &str| std::fs::read_to_string(home.path().join(name)).unwrap();
        let reports = json::parse(read("out.json").as_bytes()).unwrap();
        let faults = espace::fhir::validate::structural(&reports);
        assert_eq!(faults.into_iter().filter(|issue| !issue.is_warning).collect::<Vec<_>>(), []);
        assert_eq!(reports["entry"].as_array().unwrap().len(), 7);
        assert!(reports["entry"].as_array().unwrap().iter().all(|entry| entry["resource"]["result"] == "pass"));
        let junit = read("out.xml");
        assert!(junit.contains("<testsuite name=\"td02/existence.json\""), "{junit}");
        assert!(junit.contains("<property name=\"requirement\" value=\"PDSM-TD02-01\"/>"), "{junit}");
        let page = read("out.html");
        assert!(page.starts_with("<!DOCTYPE html>") && page.contains("<html lang=\"fr\">"), "{page}");
        assert!(page.contains("Rapport de conformité") && !page.contains("http-equiv"), "{page}");

        // A server of another population: the checks fail, the command says so.
        std::fs::write(home.path().join("other.json"), r#"{"ins.dominique":"255069999999934"}"#).unwrap();
        let ended = run(&home, &server, "--suite td02 --environment other.json --junit out.xml");
        assert_eq!(ended.code, 3, "{}", ended.out);
        assert!(read("out.xml").contains("<failure message="), "{}", read("out.xml"));
        // Tokens are given, but not those of anybody in the script: skipped, and said so.
        std::fs::write(home.path().join("tokens.json"), r#"{"somebody":"abc"}"#).unwrap();
        let ended = run(&home, &server, "--suite td02 --tokens tokens.json --junit out.xml");
        assert!(
            ended.code == 0 && ended.out.contains("0 tests passed") && ended.out.contains("13 skipped"),
            "{}",
            ended.out
        );
        assert!(read("out.xml").contains("<skipped message=\"setup: no token of dr-martin was given\"/>"));
        let ended = run(&home, &server, "--suite nothing");
        assert_eq!(ended.code, 2, "{}", ended.err);
    });
}

#[test]
fn a_list_names_every_script_and_every_requirement() {
    let ended = Home::without_pki().run("conformance list");
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    let (files, scripts) = embedded();
    for script in &scripts {
        assert!(ended.out.contains(&format!("{} ({} tests)", script.name, script.tests.len())), "{}", script.name);
    }
    for requirement in espace::conformance::coverage::requirements(&files) {
        assert!(ended.out.contains(&format!(" {} [", requirement.id)), "{}", requirement.id);
    }
}

#[test]
fn scripts_of_a_folder_take_the_place_of_the_embedded_ones() {
    let home = Home::without_pki();
    std::fs::create_dir_all(home.path().join("own/mine")).unwrap();
    let script = r#"{"resourceType":"TestScript","url":"urn:x","name":"Mine","title":"My own","test":[]}"#;
    std::fs::write(home.path().join("own/mine/one.json"), script).unwrap();
    let ended = home.run("conformance list --suites own");
    assert_eq!((ended.code, ended.out.trim_end()), (0, "mine\n  Mine (0 tests): My own"), "{}", ended.err);
}

#[test]
fn a_script_whose_setup_fails_is_no_success() {
    block_on(async {
        let server = TestServer::start().await;
        let (mut files, _) = embedded();
        let script = String::from_utf8(files.get("iti-68/retrieve.json").unwrap().to_vec()).unwrap();
        files.put("iti-68/retrieve.json", script.replacen("\"okay\"", "\"created\"", 1).into_bytes());
        let scripts: Vec<_> =
            files.scripts().unwrap().into_iter().filter(|script| script.suite() == "iti-68").collect();
        let results = played(&network(&server), &files, &scripts).await;
        assert!(espace::conformance::report::has_problems(&results));
        assert!(results[0].tests.iter().all(|test| test.outcome().code() == "skip"));
    });
}

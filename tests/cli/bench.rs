//! `espace bench fill` and the searches over what it wrote.

use serde_json::Value;

use crate::support::process::Home;

fn filled(home: &Home, options: &str) -> String {
    let ended = home.run(&format!("bench fill --state data --certs certs {options}"));
    assert_eq!(ended.code, 0, "{ended:?}");
    ended.out
}

#[test]
fn a_large_store_is_filled_gone_on_with_and_searched() {
    let home = Home::new().with("ESPACE__SERVER__CERTIFICATES", "certs");
    let first = filled(&home, "--fiches 13 --patients 4");
    assert!(first.starts_with("filled: 13 fiches written in "), "{first}");
    assert!(first.ends_with(" 0 were there; 4 persons, of whom dr-martin follows 1\n"), "{first}");
    let more = filled(&home, "--fiches 60 --patients 12");
    let written: u32 = more.split(' ').nth(1).unwrap().parse().unwrap();
    assert_eq!(written, 47, "{more}");
    assert!(more.ends_with(" 13 were there; 12 persons, of whom dr-martin follows 2\n"), "{more}");

    // One chained trace each; nothing is told of what was there before.
    let verified = home.run("audit verify");
    assert_eq!(verified.code, 0, "{verified:?}");
    let traces = home.run("audit export").out;
    assert_eq!(traces.lines().filter(|line| line.contains("\"provide-document-bundle\"")).count(), 60);

    let server = home.dev("--clock now");
    let run = |options: &str| {
        let ended = home.run(&format!("bench run --json --certs certs --url {} {options}", server.origin));
        assert_eq!(ended.code, 0, "{ended:?}");
        let report: Value = serde_json::from_str(&ended.out).unwrap();
        assert_eq!(report["refused"], 0, "{report}");
        report
    };
    let searched = run("--mode search --patients 12 --count 3 --operations 4 --connections 2");
    assert_eq!(searched["operations"], 4);
    let (page, whole) =
        (searched["received_bytes"].as_u64().unwrap(), run("--mode search --patient-number 10 --operations 1"));
    assert!(page > 6_000 && whole["received_bytes"].as_u64().unwrap() > page, "{searched} {whole}");
    let read = run("--mode retrieve --patient-number 0 --operations 2 --connections 1");
    assert!((3_500..4_500).contains(&read["received_bytes"].as_u64().unwrap()), "{read}");
    run("--mode publish --size 4k --patient-number 3 --operations 2 --connections 1");
    // His record is known, and not open to a professional without a tie.
    let refused = home.run(&format!(
        "bench run --json --certs certs --url {} --mode search --patient-number 3 --operations 1 --connections 1",
        server.origin
    ));
    let refused: Value = serde_json::from_str(&refused.out).unwrap();
    assert_eq!((&refused["refused"], &refused["operations"]), (&Value::from(1), &Value::from(0)), "{refused}");
}

#[test]
fn numbers_that_make_no_store_are_a_usage_error() {
    let home = Home::without_pki();
    for options in ["--fiches 3 --patients 4", "--fiches 3 --patients 0", "--fiches 2000000 --patients 1000001"] {
        assert_eq!(home.run(&format!("bench fill --state data --certs certs {options}")).code, 2, "{options}");
    }
    assert_eq!(home.run("bench run --mode publish --patients 4").code, 2);
    assert!(!home.state().exists());
}

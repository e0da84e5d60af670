//! Commands that look at the state of a server, or change it beside a running one.

use crate::support::client::Actor;
use crate::support::db::{Db, block_on};
use crate::support::pki::pki;
use crate::support::process::Home;

/// A home whose server has run once.
fn used() -> Home {
    let home = Home::new().with("ESPACE__SERVER__CERTIFICATES", "certs");
    assert_eq!(home.dev("").stop(), 0);
    home
}

fn printed(home: &Home, command: &str) -> String {
    let ended = home.run(command);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{command}: {ended:?}");
    ended.out
}

#[test]
fn notices_software_traces_and_schema_are_shown() {
    let home = used();
    let notices = printed(&home, "outbox list");
    let lines: Vec<Vec<&str>> = notices.lines().map(|line| line.split('\t').collect()).collect();
    assert!(lines.len() >= 3 && lines.iter().all(|line| line.len() == 5 && line[3] == "pending"), "{notices}");
    assert_eq!(lines.iter().filter(|line| line[1] == "AJOUT_DOCUMENT").count(), 3, "{notices}");
    assert_eq!(printed(&home, "outbox list --status sent"), "");
    assert_eq!(printed(&home, "outbox list --limit 1").lines().count(), 1);

    let software = printed(&home, "client list");
    assert_eq!(software.lines().count(), 8, "{software}");
    assert!(software.lines().all(|line| line.ends_with("\tactive")), "{software}");

    let traces = printed(&home, "audit export");
    let acts: Vec<_> = traces.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()).collect();
    assert_eq!(acts.iter().map(|act| act["sequence"].as_i64().unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(acts.iter().all(|act| act["record"]["act"] == "provide-document-bundle"), "{traces}");

    let schema = printed(&home, "migrate check");
    let (applied, known) = schema.split_once('\n').unwrap();
    assert_eq!(applied.strip_prefix("applied: "), known.trim_end().strip_prefix("known:   "));
    assert_eq!(printed(&home, "migrate up"), printed(&home, "migrate status"));
}

#[test]
fn software_is_enrolled_suspended_and_resumed_beside_a_running_server() {
    let home = used();
    let server = home.dev("");
    let enrol = "client add essai --structure 1750803447 --certificate certs/hopital.pem --by-fingerprint \
                 --name Essai --software-version 9.9 --profile alimentation --scope ITI-65";
    assert_eq!(printed(&home, enrol), "");
    let shown = printed(&home, "client show essai");
    assert!(shown.starts_with("essai\t1750803447\tEssai 9.9\talimentation\tactive\n"), "{shown}");
    assert!(shown.contains("scopes:       ITI-65\n"), "{shown}");
    assert_eq!(home.run("client suspend nobody").code, 1);
    assert_eq!(home.run("client show nobody").code, 1);

    let listed = printed(&home, "client list");
    let cabinet = listed.lines().find(|line| line.contains("LPS de")).unwrap().split('\t').next().unwrap();
    block_on(async {
        let martin = Actor::of(&server.origin, pki(), Some("cabinet")).as_professional("dr-martin", &[]).await;
        let search = "/fhir/Patient?identifier=urn:oid:1.2.250.1.213.1.4.10%7C279035121518989";
        assert_eq!(martin.get(search).await.status, 200);
        printed(&home, &format!("client suspend {cabinet}"));
        assert!(printed(&home, &format!("client show {cabinet}")).contains("\tsuspended\n"));
        let refused = martin.get(search).await;
        assert!(matches!(refused.status.as_u16(), 401 | 403), "{}", refused.text());
        printed(&home, &format!("client resume {cabinet}"));
        assert_eq!(martin.get(search).await.status, 200);
    });
}

#[test]
fn a_trace_changed_behind_the_servers_back_is_found() {
    let home = used();
    let intact = printed(&home, "audit verify");
    assert!(intact.starts_with("3 records in 1 chains, ") && intact.ends_with(" seals: intact\n"), "{intact}");
    block_on(async {
        let db = Db::elsewhere(&format!("sqlite:{}", home.state().join("espace.sqlite").display()));
        db.execute("UPDATE audit SET actor_structure = 'another' WHERE sequence = 2").await;
    });
    let found = home.run("audit verify");
    assert_eq!((found.code, found.err.as_str()), (3, ""), "{found:?}");
    assert!(found.out.contains("record 2 was changed") && found.out.contains("NOT INTACT"), "{found:?}");
}

#[test]
fn the_doctor_finds_nothing_wrong_with_a_healthy_server_and_names_what_is_missing() {
    let home = used();
    let healthy = printed(&home, "doctor");
    assert_eq!(healthy.lines().filter(|line| line.ends_with(": in order")).count(), 8, "{healthy}");

    std::fs::remove_file(home.state().join("keys/seal.der")).unwrap();
    std::fs::write(home.state().join("keys/master.keys"), "k1 nonsense\n").unwrap();
    std::fs::remove_file(home.certs().join("server.pem")).unwrap();
    std::fs::remove_file(home.state().join("espace.sqlite")).unwrap();
    let ill = home.run("doctor");
    assert_eq!((ill.code, ill.err.as_str()), (3, ""), "{ill:?}");
    for problem in ["certificates", "master keys: line 1", "seal key", "database: its schema is old"] {
        assert!(ill.out.contains(&format!("PROBLEM {problem}")), "{problem}: {}", ill.out);
    }
}

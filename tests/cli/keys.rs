//! `espace keys`: what a production server needs is made, listed, rotated, retired and re-wrapped.

use crate::support::client::Actor;
use crate::support::db::{Db, block_on};
use crate::support::pki::pki;
use crate::support::process::{Ended, Home};

fn printed(home: &Home, command: &str) -> String {
    let ended = home.run(command);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{command}: {ended:?}");
    ended.out
}

fn failed(ended: &Ended, reason: &str) {
    assert_eq!((ended.code, ended.out.as_str(), ended.err.contains(reason)), (1, "", true), "{reason}: {ended:?}");
}

/// The lines of `keys list` whose first column begins with a word, by column.
fn listed(home: &Home, config: &str, what: &str) -> Vec<Vec<String>> {
    let text = printed(home, &format!("keys list {config}"));
    let lines = text.lines().filter(|line| line.starts_with(what));
    lines.map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

#[test]
fn the_keys_of_a_production_server_are_made_once_and_rotate() {
    let home = Home::without_pki();
    let config =
        "[token]\nkeys = 'keys'\n[documents]\nkeys = 'keys/master.keys'\n[store]\nurl = 'sqlite:espace.sqlite'\n";
    std::fs::write(home.path().join("espace.toml"), config).unwrap();
    let config = "--config espace.toml";
    failed(&home.run(&format!("keys list {config}")), "no signing key");
    let made = printed(&home, &format!("keys init {config}"));
    assert_eq!(made.lines().filter(|line| line.ends_with("\tmade")).count(), 5, "{made}");
    let again = printed(&home, &format!("keys init {config}"));
    assert_eq!(again.lines().filter(|line| line.ends_with("\tkept")).count(), 5, "{again}");
    for file in ["signing-es256.pem", "next-es256.pem", "seal.der", "pages.key", "master.keys"] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = home.path().join("keys").join(file).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }

    let before = listed(&home, config, "signing");
    assert_eq!([before[0][2].as_str(), before[1][2].as_str()], ["current", "next"]);
    printed(&home, &format!("keys rotate signing {config}"));
    let after = listed(&home, config, "signing");
    let states: Vec<_> = after.iter().map(|line| (line[1].clone(), line[2].as_str())).collect();
    assert_eq!((&states[0].0, states[0].1), (&before[1][1], "current"));
    assert_eq!((&states[2].0, states[2].1), (&before[0][1], "retired"));
    failed(&home.run(&format!("keys retire {} {config}", states[0].0)), "rotate first");
    failed(&home.run(&format!("keys retire nothing {config}")), "no key nothing");
    assert_eq!(printed(&home, &format!("keys retire {} {config}", states[2].0)), "");
    assert_eq!(listed(&home, config, "signing").len(), 2);

    printed(&home, &format!("keys rotate master {config}"));
    let masters = listed(&home, config, "master");
    assert_eq!(masters.iter().map(|line| line[1..].join(" ")).collect::<Vec<_>>(), ["k2 current", "k1 older"]);
    printed(&home, &format!("migrate up {config}"));
    assert_eq!(printed(&home, &format!("keys rewrap {config}")), "0 documents put under k2, 0 were\n");
    failed(&home.run(&format!("keys retire k2 {config}")), "rotate first");
    assert_eq!(printed(&home, &format!("keys retire k1 {config}")), "");
    assert_eq!(listed(&home, config, "master").len(), 1);
    let usage = home.run("keys rotate everything");
    assert_eq!(usage.code, 2, "{usage:?}");
}

#[test]
fn documents_are_put_under_a_new_master_key_and_the_old_one_goes() {
    let home = Home::new().with("ESPACE__SERVER__CERTIFICATES", "certs");
    assert_eq!(home.dev("").stop(), 0);
    printed(&home, "keys rotate master");
    failed(&home.run("keys retire k1"), "wraps 3 documents");
    let server = home.dev("");
    assert_eq!(printed(&home, "keys rewrap"), "3 documents put under k2, 0 were\n");
    assert_eq!(printed(&home, "keys rewrap"), "0 documents put under k2, 3 were\n");
    assert_eq!(printed(&home, "keys retire k1"), "");
    drop(server);
    let server = home.dev("");
    block_on(async {
        let martin = Actor::of(&server.origin, pki(), Some("cabinet")).as_professional("dr-martin", &[]).await;
        let search =
            "/fhir/DocumentReference?patient.identifier=urn:oid:1.2.250.1.213.1.4.10%7C266085935000918&status=current";
        let found = martin.get(search).await.matches();
        assert_eq!(found.len(), 3);
        for fiche in found {
            let url = fiche["content"][0]["attachment"]["url"].as_str().unwrap().to_owned();
            assert_eq!(martin.get(&url).await.status, 200, "{url}");
        }
    });
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_kept_database_is_not_served_with_other_keys() {
    let home = Home::new();
    assert_eq!(home.dev("").stop(), 0);
    let keys = home.state().join("keys");
    let kept = home.path().join("kept");
    std::fs::rename(&keys, &kept).unwrap();
    let dev = "dev --state data --certs certs";
    failed(&home.run(dev), "holds documents");
    assert!(!keys.join("master.keys").exists(), "a new master key was made in silence");
    std::fs::create_dir_all(&keys).unwrap();
    let other = "k1 AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=\n";
    std::fs::write(keys.join("master.keys"), other).unwrap();
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(keys.join("master.keys"), std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    failed(&home.run(dev), "holds documents");
    std::fs::copy(kept.join("master.keys"), keys.join("master.keys")).unwrap();
    failed(&home.run(dev), "sealed traces");
    block_on(async {
        let db = Db::elsewhere(&format!("sqlite:{}", home.state().join("espace.sqlite").display()));
        assert_eq!(db.count("SELECT count(*) FROM audit_seal WHERE id > 1").await, 0, "nothing was sealed meanwhile");
    });
    std::fs::remove_dir_all(&keys).unwrap();
    std::fs::rename(&kept, &keys).unwrap();
    assert_eq!(home.dev("").stop(), 0);
}

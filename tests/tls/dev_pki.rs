//! `espace pki dev` (contract §4).

use std::fs;

use espace::cli::pki::{Options, clients, create_dev_pki};
use espace::clock::{Clock as _, FixedClock, SystemClock};
use espace::ids::SystemIds;
use jiff::SignedDuration;

use super::{BOTH, ask, serve, tls};
use crate::support::pki::{Pki, Scratch, pki};

#[test]
fn a_second_run_keeps_all_and_renews_the_list() {
    let scratch = Scratch::empty();
    let clock = FixedClock::at(SystemClock.now());
    let run = || create_dev_pki(scratch.path(), Options::default(), &clock, &SystemIds::default()).unwrap();
    assert_eq!(run().created.len(), 14);
    let before = Pki::read(scratch.path());
    clock.advance(SignedDuration::from_hours(1));
    let second = run();
    assert_eq!((second.created.len(), second.kept.len()), (0, 14));
    let after = Pki::read(scratch.path());
    for client in clients().unwrap() {
        assert_eq!(before.der(&client.name), after.der(&client.name));
    }
    assert_ne!(before.file("crl.pem"), after.file("crl.pem"));
}

#[test]
fn what_is_missing_or_past_its_end_is_made_again() {
    let scratch = pki().scratch();
    let clock = FixedClock::at(SystemClock.now());
    let run = || create_dev_pki(scratch.path(), Options::default(), &clock, &SystemIds::default()).unwrap().created;
    fs::remove_file(scratch.path().join("labo.key")).unwrap();
    assert_eq!(run(), ["labo"]);
    clock.advance(SignedDuration::from_hours(24 * 365 * 3));
    assert_eq!(run().len(), 12, "all leafs but `expired`, under the same root");
    fs::remove_file(scratch.path().join("ca.key")).unwrap();
    assert_eq!(run().len(), 14, "a new root makes everything new");
}

#[test]
fn subjects_have_the_shape_of_igc_sante() {
    let cabinet = pki().certificate("cabinet");
    assert_eq!(
        cabinet.subject,
        "CN=LPS CABINET MARTIN,OU=401234567897001,O=CABINET DU DOCTEUR MARTIN,ST=Paris (75),C=FR"
    );
    assert_eq!(cabinet.structure.unwrap().as_str(), "401234567897001");
    for (name, structure) in [("hopital", "1750803447"), ("labo", "1120459876")] {
        assert_eq!(pki().certificate(name).structure.unwrap().as_str(), structure);
    }
    let person = pki().certificate("personne");
    assert_eq!(person.structure, None);
    assert_eq!(person.common_name, "801234567897");
}

#[cfg(unix)]
#[test]
fn private_keys_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let scratch = Scratch::empty();
    create_dev_pki(scratch.path(), Options::default(), &SystemClock, &SystemIds::default()).unwrap();
    let mut keys = 0;
    for entry in fs::read_dir(scratch.path()).unwrap().map(|entry| entry.unwrap()) {
        if entry.path().extension().is_some_and(|extension| extension == "key") {
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
            keys += 1;
        }
    }
    assert_eq!(keys, 14);
}

#[tokio::test]
async fn rsa_twins_are_let_in_and_refused_like_their_originals() {
    let scratch = pki().scratch();
    create_dev_pki(scratch.path(), Options { rsa: true, p12: false }, &SystemClock, &SystemIds::default()).unwrap();
    let twins = Pki::read(scratch.path());
    let address = serve(tls(scratch.path())).await;
    for version in BOTH {
        assert!(ask(address, twins.client(Some("cabinet-rsa"), version)).await.unwrap());
        assert!(ask(address, twins.client(Some("revoked-rsa"), version)).await.is_err());
    }
}

#[test]
fn pkcs12_files_open_with_their_password_and_hold_key_certificate_and_root() {
    let scratch = Scratch::empty();
    let options = Options { rsa: true, p12: true };
    create_dev_pki(scratch.path(), options, &SystemClock, &SystemIds::default()).unwrap();
    let made = fs::read_dir(scratch.path())
        .unwrap()
        .filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "p12"));
    let keys = fs::read_dir(scratch.path()).unwrap().filter(|file| {
        let path = file.as_ref().unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        path.extension().is_some_and(|extension| extension == "key") && !matches!(name, "ca" | "server")
    });
    assert_eq!(made.count(), keys.count());
    for name in ["cabinet", "cabinet-rsa"] {
        let read = |password: &str| {
            let mut command = std::process::Command::new("openssl");
            command.args(["pkcs12", "-nodes", "-passin", &format!("pass:{password}"), "-in"]);
            command.arg(scratch.path().join(format!("{name}.p12"))).output()
        };
        let Ok(found) = read("espace") else {
            crate::support::shared::skipped("openssl, which reads the PKCS#12 files,");
            return;
        };
        assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
        let text = String::from_utf8(found.stdout).unwrap();
        let body = |pem: &str| pem.lines().filter(|line| !line.starts_with('-')).collect::<String>();
        let all: String = text.lines().collect();
        for file in [format!("{name}.pem"), format!("{name}.key"), "ca.pem".to_owned()] {
            let pem = fs::read_to_string(scratch.path().join(&file)).unwrap();
            assert!(all.contains(&body(&pem)), "{file}");
        }
        assert!(!read("wrong").unwrap().status.success());
    }
}

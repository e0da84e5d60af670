//! Signing keys on disk: made for a development server, refused by a production one where marked.

use std::sync::Arc;

use espace::token::keys::{KeyError, KeyStore, KeyWatch, Owner, PublicKeys, SigningAlgorithm};
use jiff::SignedDuration;

use super::{World, instant};
use crate::support::pki::Scratch;

#[test]
fn a_production_server_refuses_a_development_key_and_makes_none() {
    let scratch = Scratch::empty();
    let open = |owner| KeyStore::open(scratch.path(), SigningAlgorithm::Es256, owner);
    assert!(matches!(open(Owner::Production), Err(KeyError::Missing { .. })));
    let made = open(Owner::Dev).unwrap();
    assert!(matches!(open(Owner::Production), Err(KeyError::Dev { .. })));
    assert_eq!(open(Owner::Dev).unwrap().kid(), made.kid(), "a second start keeps the key");

    let own = Scratch::empty();
    let created = KeyStore::create(own.path(), SigningAlgorithm::Es256).unwrap();
    let opened = KeyStore::open(own.path(), SigningAlgorithm::Es256, Owner::Production).unwrap();
    assert_eq!(opened.kid(), created.kid());
    assert!(!format!("{opened:?}").contains("PRIVATE"));
}

#[cfg(unix)]
#[test]
fn a_signing_key_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let scratch = Scratch::empty();
    KeyStore::open(scratch.path(), SigningAlgorithm::Es256, Owner::Dev).unwrap();
    let mode = scratch.path().join("signing-es256.pem").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn tokens_can_be_signed_by_rs256() {
    let world = World::new();
    let keys = KeyStore::open(&world.scratch.path().join("rsa"), SigningAlgorithm::Rs256, Owner::Dev).unwrap();
    let jwks = keys.public().jwks();
    assert_eq!((jwks["keys"][0]["alg"].as_str(), jwks["keys"][0]["kty"].as_str()), (Some("RS256"), Some("RSA")));
    world.keys.store(Arc::new(keys));
    assert!(world.verify(&world.structure_token("labo"), "labo").is_ok());
}

#[test]
fn a_jwks_reads_back_and_keys_of_other_kinds_are_passed_over() {
    let world = World::new();
    let mut jwks = world.psc.jwks();
    let keys = jwks["keys"].as_array_mut().unwrap();
    keys.push(serde_json::json!({ "kty": "OKP", "crv": "Ed25519", "x": "AA", "kid": "ed" }));
    keys.push(serde_json::json!({ "kty": "EC", "crv": "P-384", "x": "AA", "y": "AA", "kid": "p384" }));
    assert_eq!(PublicKeys::from_jwks(&jwks).jwks(), world.psc.jwks());
}

/// `state` of each key, in the order of the list.
fn states(keys: &KeyStore) -> Vec<&'static str> {
    keys.list().iter().map(|key| key.state.name()).collect()
}

#[test]
fn a_key_is_published_before_it_signs_and_after_it_has_until_its_tokens_are_dead() {
    let scratch = Scratch::empty();
    let now = instant("2031-05-06T07:08:09Z");
    let (at, by) = (SigningAlgorithm::Es256, Owner::Production);
    let first = KeyStore::create(scratch.path(), at).unwrap().kid().to_owned();
    let prepared = KeyStore::prepare(scratch.path(), at, by).unwrap();
    assert_eq!((prepared.kid(), states(&prepared)), (first.as_str(), vec!["current", "next"]));
    let next = prepared.list()[1].kid.clone();
    assert_eq!(KeyStore::prepare(scratch.path(), at, by).unwrap().list()[1].kid, next, "one next key at a time");

    let rotated = KeyStore::rotate(scratch.path(), at, by, now).unwrap();
    assert_eq!((rotated.kid(), states(&rotated)), (next.as_str(), vec!["current", "next", "retired"]));
    assert_eq!((rotated.list()[2].kid.as_str(), rotated.list()[2].retired_at), (first.as_str(), Some(now)));
    let load = |seconds| KeyStore::load_at(scratch.path(), at, by, now + SignedDuration::from_secs(seconds)).unwrap();
    assert_eq!(states(&load(600)), ["current", "next", "retired"]);
    assert_eq!(states(&load(601)), ["current", "next"]);
    assert_eq!(load(601).public().jwks()["keys"].as_array().unwrap().len(), 2);

    let later = now + SignedDuration::from_secs(700);
    let again = KeyStore::rotate(scratch.path(), at, by, later).unwrap();
    assert_eq!(states(&again), ["current", "next", "retired"], "the first key is removed for good");
    assert_eq!(again.list()[2].kid, next);
}

#[test]
fn a_key_that_leaked_is_taken_away_at_once_but_never_the_one_that_signs() {
    let scratch = Scratch::empty();
    let (at, by) = (SigningAlgorithm::Es256, Owner::Production);
    let old = KeyStore::create(scratch.path(), at).unwrap().kid().to_owned();
    let rotated = KeyStore::rotate(scratch.path(), at, by, instant("2031-05-06T07:08:09Z")).unwrap();
    let retire = |kid: &str| KeyStore::retire(scratch.path(), at, by, kid);
    assert!(matches!(retire(rotated.kid()), Err(KeyError::Signs)));
    assert!(matches!(retire("../../etc/passwd"), Err(KeyError::Unknown)));
    assert_eq!(states(&retire(&old).unwrap()), ["current", "next"]);
    assert_eq!(states(&retire(&rotated.list()[1].kid).unwrap()), ["current"]);
    // Without a next key a rotation makes one.
    let fresh = KeyStore::rotate(scratch.path(), at, by, instant("2031-05-06T07:08:09Z")).unwrap();
    assert_ne!(fresh.kid(), rotated.kid());
}

#[test]
fn a_next_key_of_a_development_server_or_of_nobody_is_not_put_in_force() {
    let (scratch, dev) = (Scratch::empty(), Scratch::empty());
    let (at, by) = (SigningAlgorithm::Es256, Owner::Production);
    let first = KeyStore::create(scratch.path(), at).unwrap().kid().to_owned();
    KeyStore::open(dev.path(), at, Owner::Dev).unwrap();
    let borrowed = std::fs::read(dev.path().join("signing-es256.pem")).unwrap();
    for content in [borrowed, b"nonsense".to_vec()] {
        scratch.write("next-es256.pem", content);
        assert!(KeyStore::rotate(scratch.path(), at, by, instant("2031-05-06T07:08:09Z")).is_err());
        assert!(KeyStore::load(scratch.path(), at, by).is_err(), "nor is it passed over in silence");
        std::fs::remove_file(scratch.path().join("next-es256.pem")).unwrap();
        assert_eq!(KeyStore::load(scratch.path(), at, by).unwrap().kid(), first);
        assert_eq!(states(&KeyStore::load(scratch.path(), at, by).unwrap()), ["current"]);
    }
}

#[test]
fn what_changes_in_the_directory_is_put_in_force_and_what_is_broken_is_not() {
    let scratch = Scratch::empty();
    let now = instant("2031-05-06T07:08:09Z");
    let (at, by) = (SigningAlgorithm::Es256, Owner::Production);
    let first = KeyStore::create(scratch.path(), at).unwrap().kid().to_owned();
    let watch = KeyWatch::open(scratch.path(), at, by, now).unwrap();
    let signs = || watch.keys().load().kid().to_owned();
    assert!(!watch.poll(now).unwrap());

    let second = KeyStore::rotate(scratch.path(), at, by, now).unwrap().kid().to_owned();
    assert_eq!(signs(), first, "not before it is looked at");
    assert!(watch.poll(now).unwrap());
    assert_eq!(signs(), second);
    assert_eq!(watch.keys().load().list().len(), 3);
    assert!(!watch.poll(now + SignedDuration::from_secs(600)).unwrap());
    assert!(watch.poll(now + SignedDuration::from_secs(601)).unwrap(), "a retired key has served its time");
    assert_eq!(watch.keys().load().list().len(), 2);

    let whole = scratch.path().join("signing-es256.pem");
    let kept = std::fs::read(&whole).unwrap();
    scratch.write("signing-es256.pem", "half a key");
    assert!(watch.poll(now).is_err());
    assert_eq!(signs(), second, "the keys in force stay so");
    std::fs::write(&whole, kept).unwrap();
    assert!(watch.poll(now).unwrap());
}

#[test]
fn keys_for_another_use_or_algorithm_are_passed_over() {
    let world = World::new();
    let of = |change: fn(&mut serde_json::Value)| {
        let mut jwks = world.psc.jwks();
        change(&mut jwks["keys"][0]);
        PublicKeys::from_jwks(&jwks)
    };
    assert!(!of(|_| ()).is_empty());
    assert!(of(|key| key["use"] = "enc".into()).is_empty());
    assert!(of(|key| key["alg"] = "ES384".into()).is_empty());
    assert!(!of(|_| ()).only(&["ES256"]).is_empty());
    assert!(of(|_| ()).only(&["RS256"]).is_empty());
}

//! Signing keys on disk: made for a development server, refused by a production one where marked.

use std::sync::Arc;

use espace::token::keys::{KeyError, KeyStore, Owner, PublicKeys, SigningAlgorithm};

use super::World;
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

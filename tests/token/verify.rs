//! The resource side: what makes an access token good for this very request (IUA ITI-72).

use espace::clock::Clock;
use espace::error::{Code, Error};
use espace::token::issue::IssuerConfig;
use espace::token::keys::{KeyStore, Owner, SigningAlgorithm};
use espace::token::metadata;
use espace::token::scope::{Interaction, Transaction, Verb, allow};
use espace::token::verify::{TokenError, Verifier};
use serde_json::{Value, json};
use std::sync::Arc;

use super::{BASE, World, forged, hs256};
use crate::support::pki::pki;

#[test]
fn a_token_is_good_on_the_certificate_it_is_bound_to_and_no_other() {
    let world = World::new();
    let issued = world.structure_token("labo");
    for _ in 0..2 {
        assert!(world.verify(&issued, "labo").is_ok());
        assert_eq!(world.verify(&issued, "hopital").unwrap_err(), TokenError::Certificate);
    }
}

#[test]
fn a_token_lives_by_the_domain_clock_with_thirty_seconds_of_skew() {
    for seen_before in [true, false] {
        let world = World::new();
        let issued = world.structure_token("labo");
        if seen_before {
            world.verify(&issued, "labo").unwrap();
        }
        world.pass(60 + 29);
        assert!(world.verify(&issued, "labo").is_ok());
        world.pass(1);
        assert_eq!(world.verify(&issued, "labo").unwrap_err(), TokenError::Expired);
        world.pass(-60 - 30 - 30);
        assert!(world.verify(&issued, "labo").is_ok());
        world.pass(-1);
        assert_eq!(world.verify(&issued, "labo").unwrap_err(), TokenError::NotYet);
    }
}

#[test]
fn a_forged_token_is_refused() {
    let world = World::new();
    let issued = world.structure_token("labo");
    let token = issued.access_token.expose().to_owned();
    let claims = json!(issued.claims);
    let jwks = world.keys.load().public().jwks();
    let kid = jwks["keys"][0]["kid"].as_str().unwrap();
    let x = jwks["keys"][0]["x"].as_str().unwrap();
    let mut parts: Vec<&str> = token.split('.').collect();
    let mut wider = claims.clone();
    wider["scope"] = json!("ITI-65 ITI-68");
    let payload = base64_simd::URL_SAFE_NO_PAD.encode_to_string(wider.to_string());
    parts[1] = &payload;
    let at_jwt = |alg: &str, kid: Option<&str>| json!({ "alg": alg, "typ": "at+jwt", "kid": kid });
    let cases: [(String, TokenError); 8] = [
        (parts.join("."), TokenError::Signature),
        (forged(&at_jwt("none", Some(kid)), &claims, None), TokenError::Algorithm),
        (hs256(&claims, kid, x.as_bytes()), TokenError::Algorithm),
        (forged(&at_jwt("ES384", Some(kid)), &claims, None), TokenError::Algorithm),
        (forged(&at_jwt("RS256", Some(kid)), &claims, None), TokenError::Algorithm),
        (forged(&at_jwt("ES256", Some("other")), &claims, None), TokenError::UnknownKey),
        (forged(&at_jwt("ES256", None), &claims, None), TokenError::UnknownKey),
        // Signed well, but for another use.
        (forged(&json!({}), &claims, Some(&pki().client_key("labo"))), TokenError::Malformed),
    ];
    for (token, expected) in cases {
        assert_eq!(world.verifier.verify(&token, &pki().certificate("labo")).unwrap_err(), expected);
    }
    for nonsense in ["", "a", "a.b", "a.b.c", "a.b.c.d", &"x".repeat(40_000)] {
        assert_eq!(world.verifier.verify_unbound(nonsense).unwrap_err(), TokenError::Malformed, "{nonsense}");
    }
    assert_eq!(Error::from(TokenError::Signature).code(), Code::Login);
}

#[test]
fn a_token_of_another_issuer_or_audience_is_refused() {
    let world = World::new();
    let issued = world.structure_token("labo");
    let verifier = |issuer: &str, audience: &str| {
        Verifier::new(issuer, audience, world.keys.clone(), world.domain.clone())
            .verify(issued.access_token.expose(), &pki().certificate("labo"))
            .map(|_| ())
    };
    let config = IssuerConfig::at(BASE);
    assert_eq!(verifier(&config.issuer, &config.audience), Ok(()));
    assert_eq!(verifier("https://elsewhere.invalid", &config.audience), Err(TokenError::Issuer));
    assert_eq!(verifier(&config.issuer, "https://elsewhere.invalid/fhir"), Err(TokenError::Audience));
}

#[test]
fn a_rotated_key_still_verifies_what_it_signed_until_it_is_taken_away() {
    let world = World::new();
    let issued = world.structure_token("labo");
    let directory = world.scratch.path().join("keys");
    let old = world.keys.load().kid().to_owned();
    let rotated = KeyStore::rotate(&directory, SigningAlgorithm::Es256, Owner::Dev, Clock::now(&*world.real)).unwrap();
    assert_ne!(rotated.kid(), old);
    assert_eq!(rotated.public().jwks()["keys"].as_array().unwrap().len(), 3, "next, current, retired");
    world.keys.store(Arc::new(rotated));
    assert!(world.verify(&issued, "labo").is_ok());
    let newer = world.structure_token("labo");
    assert!(world.verify(&newer, "labo").is_ok());

    std::fs::remove_file(directory.join(format!("retired-{old}.json"))).unwrap();
    world.keys.store(Arc::new(KeyStore::open(&directory, SigningAlgorithm::Es256, Owner::Dev).unwrap()));
    world.verifier.forget();
    assert_eq!(world.verify(&issued, "labo").unwrap_err(), TokenError::UnknownKey);
    assert!(world.verify(&newer, "labo").is_ok());
}

#[test]
fn a_verified_token_tells_what_it_allows() {
    let world = World::new();
    let verified = world.verify(&world.structure_token("labo"), "labo").unwrap();
    assert!(allow(&verified.scopes, Interaction::Transaction(Transaction::Iti65)));
    assert!(allow(&verified.scopes, Interaction::Resource("Patient", Verb::Search)));
    assert!(!allow(&verified.scopes, Interaction::Resource("DocumentReference", Verb::Search)));
}

#[test]
fn introspection_tells_the_claims_of_an_active_token_and_nothing_of_another() {
    let world = World::new();
    let issued = world.structure_token("labo");
    let verified = world.verifier.verify_unbound(issued.access_token.expose()).unwrap();
    let answer = metadata::introspection(Some(&verified));
    assert_eq!(answer["active"], true);
    assert_eq!(answer["cnf"], json!(issued.claims.cnf));
    assert_eq!(answer["scope"], "ITI-65 system/Patient.s");
    assert_eq!(metadata::introspection(None), json!({ "active": false }));
}

#[test]
fn the_metadata_name_what_is_served() {
    let config = IssuerConfig::at(BASE);
    let server = metadata::authorization_server(&config);
    assert_eq!(server["issuer"], BASE);
    assert_eq!(server["token_endpoint"], "https://localhost:8443/oauth2/token");
    assert_eq!(server["tls_client_certificate_bound_access_tokens"], Value::Bool(true));
    let smart = metadata::smart_configuration(&config);
    assert_eq!(smart["grant_types_supported"], server["grant_types_supported"]);
    for scope in smart["scopes_supported"].as_array().unwrap() {
        assert!(scope.as_str().unwrap().parse::<espace::token::scope::Scope>().is_ok(), "{scope}");
    }
}

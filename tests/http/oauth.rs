//! The authorisation server on the wire: what its metadata say is what it does, tokens leave their
//! trace, introspection is for enrolled software, keys change while it serves.

use std::time::Duration;

use espace::ids::StructureKey;
use espace::token::keys::{KeyStore, Owner, SigningAlgorithm};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::client::Answer;
use crate::support::db::{Db, block_on, stories};
use crate::support::server::TestServer;

stories! { a_token_leaves_its_trace_on_the_chain_of_its_structure_and_a_refusal_leaves_none }

/// The traces of a structure's own chain.
async fn traces(server: &TestServer, structure: &str) -> Vec<String> {
    server.chain(StructureKey::of(&structure.parse().unwrap()).into()).await
}

async fn a_token_leaves_its_trace_on_the_chain_of_its_structure_and_a_refusal_leaves_none(db: Db) {
    let server = TestServer::start_on(db).await;
    assert_eq!(traces(&server, "401234567897001").await, [""; 0]);
    server.professional("dr-martin").await;
    server.structure("cabinet").await;
    assert_eq!(traces(&server, "401234567897001").await, ["get-access-token 0"; 2]);
    let refused = [("grant_type", "client_credentials"), ("scope", "ITI-67")];
    assert_eq!(server.certificate("cabinet").form("/oauth2/token", &refused).await.status, 400);
    assert_eq!(traces(&server, "401234567897001").await.len(), 2, "a security event, and no trace");
    let chain = StructureKey::of(&"401234567897001".parse().unwrap()).into();
    let links = server.app.service.store.system_read("test", move |tx| tx.list_chain(chain, 0, 10)).await.unwrap();
    let record: Value = serde_json::from_slice(&links[0].body).unwrap();
    assert_eq!((record["actor"]["person"].as_str(), record["rule"].as_str()), (Some("801234567897"), Some("ITI-71")));
    let query = record["query"].as_str().unwrap();
    assert!(query.starts_with("grant_type=urn:ietf:params:oauth:grant-type:token-exchange&scope=ITI-65+"), "{query}");
    crate::story::traces_are_whole(&server).await;
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

#[test]
fn the_metadata_say_what_is_served() {
    block_on(async {
        let server = TestServer::start().await;
        let cabinet = server.certificate("cabinet");
        let metadata = cabinet.get("/.well-known/oauth-authorization-server").await.json();
        let smart = cabinet.get("/.well-known/smart-configuration").await.json();
        assert_eq!(metadata["issuer"], server.origin);
        assert_eq!(metadata["response_types_supported"], json!([]), "there is no authorization endpoint");
        assert_eq!(cabinet.get("/oauth2/authorize").await.status, 404);
        assert_eq!(cabinet.get(metadata["jwks_uri"].as_str().unwrap()).await.json()["keys"][0]["use"], "sig");
        for member in ["issuer", "jwks_uri", "token_endpoint", "introspection_endpoint", "grant_types_supported"] {
            assert_eq!(metadata[member], smart[member], "{member}");
        }
        let token = metadata["token_endpoint"].as_str().unwrap();
        let told = |answer: Answer| answer.json()["error"].as_str().unwrap_or_default().to_owned();
        for grant in texts(&metadata["grant_types_supported"]) {
            let error = told(cabinet.form(token, &[("grant_type", grant)]).await);
            assert_eq!(error, "invalid_request", "{grant} is known, and wants more");
        }
        for grant in ["authorization_code", "refresh_token", "password"] {
            assert_eq!(told(cabinet.form(token, &[("grant_type", grant)]).await), "unsupported_grant_type", "{grant}");
        }
        // Every scope announced is one that the token endpoint knows, whoever may have it.
        let scopes = texts(&metadata["scopes_supported"]);
        assert!(scopes.contains(&"ITI-65") && scopes.contains(&"ITI-105"), "{scopes:?}");
        for scope in scopes {
            let form = [("grant_type", "client_credentials"), ("scope", scope)];
            let answer = cabinet.form(token, &form).await;
            assert_ne!(answer.json()["error_description"], "a scope is unknown to this server", "{scope}");
        }
        let introspect = metadata["introspection_endpoint"].as_str().unwrap();
        assert_eq!(cabinet.form(introspect, &[("token", "x")]).await.json(), json!({ "active": false }));
    });
}

#[test]
fn introspection_tells_every_claim_to_enrolled_software_while_the_token_lives() {
    block_on(async {
        let server = TestServer::start().await;
        let (martin, labo) = (server.professional("dr-martin").await, server.certificate("labo"));
        let ask = [("token", martin.token())];
        let told = labo.form("/oauth2/introspect", &ask).await.json();
        assert_eq!(
            (&told["active"], &told["token_type"], &told["sub"]),
            (&json!(true), &json!("Bearer"), &json!("801234567897"))
        );
        for member in ["iss", "aud", "exp", "iat", "nbf", "jti", "scope", "client_id"] {
            assert!(!told[member].is_null(), "{member}");
        }
        assert_eq!(told["cnf"]["x5t#S256"], crate::support::pki::pki().client_key("cabinet").cnf());
        let iua = &told["extensions"]["ihe_iua"];
        assert_eq!(iua["national_provider_identifier"], "801234567897");
        assert_eq!(
            (&iua["subject_organization_id"], &iua["purpose_of_use"][0]["code"]),
            (&json!("401234567897001"), &json!("normal"))
        );
        assert!(iua["subject_name"].is_string() && iua["subject_role"][0]["code"] == "10", "{iua}");

        let bearer = |actor: &str| {
            vec![
                ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
                ("authorization".to_owned(), actor.to_owned()),
            ]
        };
        let body = format!("token={}", martin.token()).into_bytes();
        let own = server.structure("labo").await;
        for (authorization, status) in [
            (format!("Bearer {}", own.token()), 200),
            (format!("Bearer {}", martin.token()), 401),
            ("Basic eDp5".to_owned(), 401),
        ] {
            let headers = bearer(&authorization);
            let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let answer = labo.send(reqwest::Method::POST, "/oauth2/introspect", &headers, body.clone()).await;
            assert_eq!(answer.status, status, "{}", answer.text());
        }

        let store = &server.app.service.store;
        let now = server.now();
        store.system("test", move |tx| tx.suspend_client("dev-labo", Some(now))).await.unwrap();
        let refused = labo.form("/oauth2/introspect", &ask).await;
        assert_eq!((refused.status.as_u16(), &refused.json()["error"]), (401, &json!("invalid_client")));
        store.system("test", |tx| tx.suspend_client("dev-labo", None)).await.unwrap();
        store.system("test", move |tx| tx.suspend_client("dev-cabinet", Some(now))).await.unwrap();
        let inactive = json!({ "active": false });
        assert_eq!(labo.form("/oauth2/introspect", &ask).await.json(), inactive, "its software is suspended");
        store.system("test", |tx| tx.suspend_client("dev-cabinet", None)).await.unwrap();
        assert_eq!(labo.form("/oauth2/introspect", &ask).await.json()["active"], true);
        server.clock.advance(SignedDuration::from_secs(91));
        assert_eq!(labo.form("/oauth2/introspect", &ask).await.json(), inactive, "it has expired");
    });
}

#[test]
fn a_signing_key_rotates_and_retires_while_the_server_serves() {
    block_on(async {
        let server = TestServer::start().await;
        let directory = server.state.path().join("keys");
        let martin = server.professional("dr-martin").await;
        let search = "/fhir/Patient?identifier=urn:oid:1.2.250.1.213.1.4.10%7C279035121518989";
        assert_eq!(martin.get(search).await.status, 200);
        let kids = async || -> Vec<String> {
            let jwks = server.certificate("cabinet").get("/oauth2/jwks").await.json();
            jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
        };
        let old = kids().await.remove(0);
        let now = server.app.clocks.real.now();
        let rotated = KeyStore::rotate(&directory, SigningAlgorithm::Es256, Owner::Dev, now).unwrap();
        until(async || kids().await.len() == 3).await;
        assert!(rotated.list().iter().all(|key| key.kid != old || key.state.name() == "retired"));
        assert_eq!(martin.get(search).await.status, 200, "a token of the old key");
        let newer = server.professional("dr-martin").await;
        assert_eq!(newer.get(search).await.status, 200, "a token of the new one");

        KeyStore::retire(&directory, SigningAlgorithm::Es256, Owner::Dev, &old).unwrap();
        until(async || !kids().await.contains(&old)).await;
        assert_eq!(martin.get(search).await.outcome(), "401 login", "its key was taken away");
        assert_eq!(newer.get(search).await.status, 200);
    });
}

/// Waits for what the server does by itself, soon.
async fn until(done: impl AsyncFn() -> bool) {
    for _ in 0..500 {
        if done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came");
}

//! The token endpoint's refusals (RFC 6749 §5.2; contract §6).

use serde_json::json;

use super::Watch;
use crate::support::pki::pki;
use crate::support::server::TestServer;
use crate::token::hs256;

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// A case: who asks, with what form, and the code that answers.
type Case<'a> = (&'a str, &'a str, Vec<(&'a str, &'a str)>, &'a str);

#[tokio::test]
async fn each_refusal_of_the_token_endpoint_has_its_code_and_leaves_nothing() {
    let server = TestServer::start().await;
    let cabinet = server.certificate("cabinet");
    let subject = |persona: &'static str| {
        let cabinet = cabinet.clone();
        async move {
            let answer = cabinet.form("/dev/psc/token", &[("persona", persona)]).await.json();
            answer["access_token"].as_str().unwrap().to_owned()
        }
    };
    let (martin, externe) = (subject("dr-martin").await, subject("dr-externe").await);
    let cnf = pki().client_key("cabinet").cnf();
    let foreign_cnf = pki().client_key("labo").cnf();
    let endpoint = format!("{}/oauth2/token", server.origin);
    let assertion = |who: &str, subject: &str, endpoint: &str| {
        let at = server.app.clocks.real.now();
        let once = (at, server.app.ids.uuid(at));
        pki().client_key(who).assertion(subject, endpoint, None, once).unwrap().expose().to_owned()
    };
    let own = assertion("cabinet", "801234567897", &endpoint);
    let foreign = assertion("labo", "801234567897", &endpoint);
    let elsewhere = assertion("cabinet", "801234567897", "https://elsewhere.invalid/oauth2/token");
    let not_here = assertion("cabinet", "801234534765", &endpoint);
    let symmetric = hs256(&json!({ "iss": "401234567897001", "sub": "801234567897" }), "k", b"secret");
    let of_patient = assertion("cabinet", "279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH", &endpoint);
    let exchange = |token| vec![("grant_type", EXCHANGE), ("subject_token", token), ("subject_token_type", JWT)];
    let with = |mut form: Vec<_>, more: &[_]| {
        form.extend_from_slice(more);
        form
    };
    let credentials = vec![("grant_type", "client_credentials")];
    let scope = ("scope", "ITI-65");
    let bearer = |token| vec![("grant_type", BEARER), ("assertion", token), ("scope", "ITI-65")];
    let long = "a".repeat(300);
    let cases: Vec<Case<'_>> = vec![
        ("no grant", "cabinet", vec![scope], "invalid_request"),
        ("a grant twice", "cabinet", with(credentials.clone(), &[credentials[0], scope]), "invalid_request"),
        ("a password", "cabinet", vec![("grant_type", "password"), scope], "unsupported_grant_type"),
        ("no scope", "cabinet", credentials.clone(), "invalid_request"),
        ("a scope nobody knows", "cabinet", with(credentials.clone(), &[("scope", "everything")]), "invalid_scope"),
        (
            "only scopes never granted",
            "cabinet",
            with(credentials.clone(), &[("scope", "ITI-67 ITI-68")]),
            "invalid_scope",
        ),
        (
            "another client_id",
            "cabinet",
            with(credentials.clone(), &[scope, ("client_id", "1750803447")]),
            "invalid_client",
        ),
        (
            "another resource",
            "cabinet",
            with(credentials.clone(), &[scope, ("resource", "https://x.invalid")]),
            "invalid_target",
        ),
        (
            "an emergency without a reason",
            "cabinet",
            with(exchange(&martin), &[scope, ("cnf", &cnf), ("purpose_of_use", "bris_de_glace")]),
            "invalid_request",
        ),
        (
            "a reason too long",
            "cabinet",
            with(
                exchange(&martin),
                &[scope, ("cnf", &cnf), ("purpose_of_use", "bris_de_glace"), ("mode_acces_raison", &long)],
            ),
            "invalid_request",
        ),
        (
            "an unknown purpose",
            "cabinet",
            with(credentials.clone(), &[scope, ("purpose_of_use", "curiosity")]),
            "invalid_request",
        ),
        (
            "a record that is no INS",
            "cabinet",
            with(exchange(&martin), &[scope, ("cnf", &cnf), ("person_id", "martin")]),
            "invalid_request",
        ),
        ("no cnf", "cabinet", with(exchange(&martin), &[scope]), "invalid_request"),
        ("another's cnf", "cabinet", with(exchange(&martin), &[scope, ("cnf", &foreign_cnf)]), "invalid_grant"),
        ("a subject token of nobody", "cabinet", with(exchange("a.b.c"), &[scope, ("cnf", &cnf)]), "invalid_request"),
        ("no exercise here", "cabinet", with(exchange(&externe), &[scope, ("cnf", &cnf)]), "invalid_grant"),
        ("an assertion of another", "cabinet", bearer(&foreign), "invalid_grant"),
        ("an assertion for elsewhere", "cabinet", bearer(&elsewhere), "invalid_grant"),
        ("an assertion in HS256", "cabinet", bearer(&symmetric), "invalid_grant"),
        ("an assertion about somebody else's", "cabinet", bearer(&not_here), "invalid_grant"),
        ("no assertion", "cabinet", vec![("grant_type", BEARER), scope], "invalid_request"),
        ("a patient by a practice", "cabinet", bearer(&of_patient), "unauthorized_client"),
    ];
    let mut watch = Watch::over(&server).await;
    for (case, certificate, form, code) in cases {
        let answer = server.certificate(certificate).form("/oauth2/token", &form).await;
        let status = if code == "invalid_client" { 401 } else { 400 };
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]),
            (status, &json!(code)),
            "{case}: {}",
            answer.text()
        );
        assert_eq!(answer.header("cache-control"), "no-store", "{case}");
        assert_eq!(answer.header("content-type"), "application/json", "{case}");
        assert!(answer.json().get("access_token").is_none(), "{case}");
        assert_eq!(answer.header("www-authenticate").is_empty(), status != 401, "{case}");
    }
    assert_eq!(cabinet.form("/oauth2/token", &bearer(&own)).await.status, 200);
    let again = cabinet.form("/oauth2/token", &bearer(&own)).await;
    assert_eq!(again.json()["error"], "invalid_grant", "an assertion is good once");
    for body in [&b"grant_type=%zz"[..], b"grant_type=\xff", b"{}"] {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let answer = cabinet.send(reqwest::Method::POST, "/oauth2/token", &headers, body.to_vec()).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (400, &json!("invalid_request")));
    }
    let answer = cabinet.form("/oauth2/token", &[("scope", &"x".repeat(70_000))]).await;
    assert_eq!(answer.outcome(), "413 too-long");
    watch.untouched("no token, no trace").await;
}

#[tokio::test]
async fn introspection_says_nothing_of_what_is_not_active() {
    let server = TestServer::start().await;
    let cabinet = server.certificate("cabinet");
    for form in [&[][..], &[("token", "x")], &[("token", "a.b.c")]] {
        assert_eq!(cabinet.form("/oauth2/introspect", form).await.json(), json!({ "active": false }));
    }
    let own = cabinet.as_structure(&[]).await;
    let active = |answer: crate::support::client::Answer| answer.json()["active"].as_bool().unwrap();
    assert!(active(own.form("/oauth2/introspect", &[("token", own.token())]).await));
    server.clock.advance(jiff::SignedDuration::from_secs(91));
    assert!(!active(own.form("/oauth2/introspect", &[("token", own.token())]).await));
}

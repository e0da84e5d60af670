//! The token endpoint's refusals (RFC 6749 §5.2; contract §6).

use serde_json::json;

use super::Watch;
use crate::support::pki::pki;
use crate::support::server::TestServer;
use crate::token::hs256;

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

type Form<'a> = Vec<(&'a str, &'a str)>;
/// A case: what is asked, and the code that answers.
type Case<'a> = (&'a str, Form<'a>, &'a str);

/// Asks, and holds the answer against its code.
async fn judge(server: &TestServer, cases: Vec<Case<'_>>) {
    for (case, form, code) in cases {
        let answer = server.certificate("cabinet").form("/oauth2/token", &form).await;
        let status = if code == "invalid_client" { 401 } else { 400 };
        let told = (answer.status.as_u16(), answer.json()["error"].clone());
        assert_eq!(told, (status, json!(code)), "{case}: {}", answer.text());
        assert_eq!(answer.header("cache-control"), "no-store", "{case}");
        assert_eq!(answer.header("content-type"), "application/json", "{case}");
        assert!(answer.json().get("access_token").is_none(), "{case}");
        assert_eq!(answer.header("www-authenticate").is_empty(), status != 401, "{case}");
    }
}

/// An assertion signed by a certificate of the test PKI.
fn assertion(server: &TestServer, who: &str, subject: &str, endpoint: &str) -> String {
    let at = server.app.clocks.real.now();
    let once = (at, server.app.ids.uuid(at));
    pki().client_key(who).assertion(subject, endpoint, None, once).unwrap().expose().to_owned()
}

async fn subject_token(server: &TestServer, persona: &str) -> String {
    let answer = server.certificate("cabinet").form("/dev/psc/token", &[("persona", persona)]).await.json();
    answer["access_token"].as_str().unwrap().to_owned()
}

const SCOPE: (&str, &str) = ("scope", "ITI-65");

fn credentials<'a>(more: &[(&'a str, &'a str)]) -> Form<'a> {
    [&[("grant_type", "client_credentials")], more].concat()
}

fn bearer(assertion: &str) -> Form<'_> {
    vec![("grant_type", BEARER), ("assertion", assertion), SCOPE]
}

#[tokio::test]
async fn a_request_that_is_malformed_or_asks_too_much_has_its_code_and_leaves_nothing() {
    let server = TestServer::start().await;
    let mut watch = Watch::over(&server).await;
    let grant = ("grant_type", "client_credentials");
    let cases = vec![
        ("no grant", vec![SCOPE], "invalid_request"),
        ("a grant twice", credentials(&[grant, SCOPE]), "invalid_request"),
        ("a password", vec![("grant_type", "password"), SCOPE], "unsupported_grant_type"),
        ("no scope", credentials(&[]), "invalid_request"),
        ("a scope nobody knows", credentials(&[("scope", "everything")]), "invalid_scope"),
        ("only scopes never granted", credentials(&[("scope", "ITI-67 ITI-68")]), "invalid_scope"),
        ("another client_id", credentials(&[SCOPE, ("client_id", "1750803447")]), "invalid_client"),
        ("another resource", credentials(&[SCOPE, ("resource", "https://x.invalid")]), "invalid_target"),
        ("an unknown purpose", credentials(&[SCOPE, ("purpose_of_use", "curiosity")]), "invalid_request"),
        ("no assertion", vec![("grant_type", BEARER), SCOPE], "invalid_request"),
    ];
    judge(&server, cases).await;
    let cabinet = server.certificate("cabinet");
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
async fn a_person_who_is_not_proved_or_does_not_work_here_gets_no_token() {
    let server = TestServer::start().await;
    let (martin, externe) = (subject_token(&server, "dr-martin").await, subject_token(&server, "dr-externe").await);
    let (cnf, foreign_cnf) = (pki().client_key("cabinet").cnf(), pki().client_key("labo").cnf());
    let (own, foreign_cnf) = (("cnf", cnf.as_str()), ("cnf", foreign_cnf.as_str()));
    let exchange = |token, more: &[_]| {
        let kind = ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt");
        [&[("grant_type", EXCHANGE), ("subject_token", token), kind, SCOPE], more].concat()
    };
    let emergency = ("purpose_of_use", "bris_de_glace");
    let long = "a".repeat(300);
    let mut watch = Watch::over(&server).await;
    let cases = vec![
        ("an emergency without a reason", exchange(&martin, &[own, emergency]), "invalid_request"),
        ("a long reason", exchange(&martin, &[own, emergency, ("mode_acces_raison", &long)]), "invalid_request"),
        ("a record that is no INS", exchange(&martin, &[own, ("person_id", "martin")]), "invalid_request"),
        ("no cnf", exchange(&martin, &[]), "invalid_request"),
        ("another's cnf", exchange(&martin, &[foreign_cnf]), "invalid_grant"),
        ("a subject token that is none", exchange("a.b.c", &[own]), "invalid_request"),
        ("no exercise here", exchange(&externe, &[own]), "invalid_grant"),
    ];
    judge(&server, cases).await;
    server.clock.advance(jiff::SignedDuration::from_secs(151));
    judge(&server, vec![("a subject token that has expired", exchange(&martin, &[own]), "invalid_grant")]).await;
    watch.untouched("no token, no trace").await;
}

#[tokio::test]
async fn an_assertion_that_is_not_the_certificates_own_gets_no_token() {
    let server = TestServer::start().await;
    let endpoint = format!("{}/oauth2/token", server.origin);
    let own = assertion(&server, "cabinet", "801234567897", &endpoint);
    let foreign = assertion(&server, "labo", "801234567897", &endpoint);
    let elsewhere = assertion(&server, "cabinet", "801234567897", "https://elsewhere.invalid/oauth2/token");
    let not_here = assertion(&server, "cabinet", "801234534765", &endpoint);
    let patient = assertion(&server, "cabinet", "279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH", &endpoint);
    let symmetric = hs256(&json!({ "iss": "401234567897001", "sub": "801234567897" }), "k", b"secret");
    let mut watch = Watch::over(&server).await;
    let cases = vec![
        ("of another", bearer(&foreign), "invalid_grant"),
        ("for elsewhere", bearer(&elsewhere), "invalid_grant"),
        ("in HS256", bearer(&symmetric), "invalid_grant"),
        ("about somebody who does not work here", bearer(&not_here), "invalid_grant"),
        ("about a patient, by a practice", bearer(&patient), "unauthorized_client"),
    ];
    judge(&server, cases).await;
    watch.untouched("no token, no trace").await;
    assert_eq!(server.certificate("cabinet").form("/oauth2/token", &bearer(&own)).await.status, 200);
    let mut watch = Watch::over(&server).await;
    judge(&server, vec![("used before", bearer(&own), "invalid_grant")]).await;
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
    assert!(!active(cabinet.form("/oauth2/introspect", &[("token", own.token())]).await));
}

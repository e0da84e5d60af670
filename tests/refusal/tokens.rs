//! Tokens that are not good for this request: 401 and a challenge, or 403, and nothing told
//! (contract §6, §8).

use espace::token::issue::{Issuer, IssuerConfig};
use espace::token::subject::SubjectIssuers;
use serde_json::{Value, json};

use super::Watch;
use crate::support::client::Actor;
use crate::support::pki::pki;
use crate::support::server::TestServer;
use crate::token::{World, forged, hs256};

const SEARCH: &str = "/fhir/DocumentReference?patient=Patient/28xjc43wv8efw&status=current";
const DOMINIQUE: &str = "279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH";

/// What a token says.
fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64_simd::URL_SAFE_NO_PAD.decode_to_vec(payload).unwrap()).unwrap()
}

/// A token that this server's own key signed for another audience.
fn of_another_audience(server: &TestServer) -> String {
    let mut world = World::with(IssuerConfig {
        audience: "https://elsewhere.invalid/fhir".to_owned(),
        ..IssuerConfig::at(&server.origin)
    });
    let config = world.issuer.config().clone();
    let keys = server.app.keys.keys();
    world.issuer = Issuer::new(config, keys, SubjectIssuers::default(), server.app.clocks.clone());
    world.structure_token("cabinet").access_token.expose().to_owned()
}

async fn is_401(actor: &Actor, case: &str) {
    let answer = actor.get(SEARCH).await;
    assert_eq!(answer.outcome(), "401 login", "{case}");
    assert!(answer.header("www-authenticate").starts_with("Bearer "), "{case}");
}

#[tokio::test]
async fn a_token_that_is_not_ours_alive_and_bound_to_this_certificate_is_401() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let said = claims(martin.token());
    let jwks = server.app.keys.keys().load().public().jwks();
    let kid = jwks["keys"][0]["kid"].as_str().unwrap();
    let none = json!({ "alg": "none", "typ": "at+jwt", "kid": kid });
    let stranger = World::new().structure_token("cabinet").access_token.expose().to_owned();
    let subject = martin.form("/dev/psc/token", &[("persona", "dr-martin")]).await.json();
    let other_signature = {
        let (signed, _) = martin.token().rsplit_once('.').unwrap();
        format!("{signed}.{}", stranger.rsplit_once('.').unwrap().1)
    };
    let mut watch = Watch::over(&server).await;
    let cases = [
        ("empty", String::new()),
        ("no token at all", "x".to_owned()),
        ("unsigned", forged(&none, &said, None)),
        ("HS256", hs256(&said, kid, jwks["keys"][0]["x"].as_str().unwrap().as_bytes())),
        ("signed by its client", forged(&json!({}), &said, Some(&pki().client_key("cabinet")))),
        ("another server's", stranger),
        ("another signature", other_signature),
        ("another audience", of_another_audience(&server)),
        ("a subject token", subject["access_token"].as_str().unwrap().to_owned()),
        ("endless", "a".repeat(60_000)),
    ];
    for (case, token) in cases {
        is_401(&martin.with_token(&token), case).await;
    }
    is_401(&martin.without_token(), "missing").await;
    is_401(&server.certificate("hopital").with_token(martin.token()), "another certificate").await;
    let basic = martin.without_token().get_with(SEARCH, &[("authorization", "Basic eDp5")]).await;
    assert_eq!(basic.outcome(), "401 login");
    let form = martin.without_token().get(&format!("{SEARCH}&access_token={}", martin.token())).await;
    assert_eq!(form.outcome(), "401 login", "a token in the URL is none");
    server.clock.advance(jiff::SignedDuration::from_secs(91));
    is_401(&martin, "expired").await;
    watch.untouched("before a valid token there is no trace").await;
}

#[tokio::test]
async fn software_suspended_or_taken_away_is_refused_at_its_next_request() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let store = &server.app.service.store;
    let now = server.now();
    assert_eq!(martin.get(SEARCH).await.status, 200);
    let suspend = move |at| store.system("test.suspend", move |tx| tx.suspend_client("dev-cabinet", at));
    assert!(suspend(Some(now)).await.unwrap());
    let bundle = server.bundle("dominique", "dr-martin");
    let unknown = super::absence::feed_of_nobody(&server);
    let mut watch = Watch::over(&server).await;
    let cases = [
        ("find-document-references", martin.get(SEARCH).await),
        ("existence-test", martin.get(&format!("/fhir/Patient?identifier={}", super::absence::NOBODY)).await),
        ("provide-document-bundle", martin.post("/fhir", &bundle).await),
        ("provide-document-bundle", martin.post("/fhir", &unknown).await),
        ("read-patient", martin.get("/fhir/Patient/28xjc43wv8efw").await),
        ("retrieve-audit-event", martin.get("/fhir/AuditEvent?patient=28xjc43wv8efw&date=ge2026").await),
    ];
    let mut expected: Vec<_> = cases.iter().map(|(act, _)| format!("{act} 8 login")).collect();
    for (act, answer) in &cases {
        assert_eq!(answer.outcome(), "401 login", "{act}");
        assert!(answer.header("www-authenticate").starts_with("Bearer "), "{act}");
    }
    let mut traced = watch.traced().await;
    traced.sort();
    expected.sort();
    assert_eq!(traced, expected);
    let form = [("grant_type", "client_credentials"), ("scope", "ITI-65")];
    let refused = martin.form("/oauth2/token", &form).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["error"]), (401, &json!("invalid_client")));
    assert!(suspend(None).await.unwrap());
    assert_eq!(martin.get(SEARCH).await.status, 200, "resumed, it goes on");

    server.db.execute("DELETE FROM client WHERE id = 'dev-cabinet'").await;
    is_401(&martin, "not enrolled").await;
    let refused = martin.form("/oauth2/token", &form).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["error"]), (401, &json!("invalid_client")));
}

#[tokio::test]
async fn a_token_serves_the_record_it_names_and_no_other() {
    let server = TestServer::start().await;
    let cabinet = server.certificate("cabinet");
    let free = cabinet.as_professional("dr-martin", &[]).await;
    let fiche = free.post("/fhir", &server.bundle("cree-mail", "dr-martin")).await.locations()[1].clone();
    let martin = cabinet.as_professional("dr-martin", &[("person_id", DOMINIQUE)]).await;
    assert_eq!(martin.get(SEARCH).await.status, 200);
    let other = server.persona("cree-mail").key;
    let search = format!("/fhir/DocumentReference?patient=Patient/{other}&status=current");
    assert_eq!(martin.get(&search).await.outcome(), "403 forbidden");
    assert_eq!(martin.get(&format!("/fhir/{fiche}")).await.outcome(), "404 not-found");
    assert_eq!(martin.get(&format!("/fhir/Patient/{other}")).await.outcome(), "404 not-found");
    let mut watch = Watch::over(&server).await;
    let answer = martin.post("/fhir", &server.bundle("cree-mail", "dr-martin")).await;
    watch.refused("another record", &answer, "403 forbidden", "provide-document-bundle 8 forbidden").await;
}

#[tokio::test]
async fn a_token_opens_what_its_scopes_name_and_nothing_else() {
    let server = TestServer::start().await;
    let cabinet = server.certificate("cabinet");
    let feeds = cabinet.as_professional("dr-martin", &[("scope", "ITI-65")]).await;
    let location = feeds.post("/fhir", &server.bundle("dominique", "dr-martin")).await.locations();
    let tests = cabinet.as_professional("dr-martin", &[("scope", "user/Patient.s")]).await;
    let mut watch = Watch::over(&server).await;
    let cases = [
        ("find-document-references", &feeds, SEARCH.to_owned()),
        ("existence-test", &feeds, format!("/fhir/Patient?identifier={}", super::absence::NOBODY)),
        ("retrieve-document", &feeds, format!("/fhir/{}", location[2])),
        ("read-document-reference", &feeds, format!("/fhir/{}", location[1])),
        ("read-list", &feeds, format!("/fhir/{}", location[0])),
        ("read-patient", &tests, "/fhir/Patient/28xjc43wv8efw".to_owned()),
        ("retrieve-audit-event", &tests, "/fhir/AuditEvent?patient=28xjc43wv8efw&date=ge2026".to_owned()),
    ];
    for (act, actor, path) in cases {
        let answer = actor.get(&path).await;
        watch.refused(act, &answer, "403 forbidden", &format!("{act} 8 forbidden")).await;
    }
    let answer = tests.post("/fhir", &server.bundle("dominique", "dr-martin")).await;
    watch.refused("feed", &answer, "403 forbidden", "provide-document-bundle 8 forbidden").await;
}

/// A token of a professional whom his structure vouches for.
async fn indirect(server: &TestServer, structure: &str, persona: &str, scope: &str) -> Actor {
    let actor = server.certificate(structure);
    let id = server.author(persona).exercise.professional.id.to_string();
    let endpoint = format!("{}/oauth2/token", server.origin);
    let at = server.app.clocks.real.now();
    let once = (at, server.app.ids.uuid(at));
    let assertion = pki().client_key(structure).assertion(&id, &endpoint, None, once).unwrap();
    let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    let form = [("grant_type", grant), ("assertion", assertion.expose()), ("scope", scope)];
    let answer = actor.form("/oauth2/token", &form).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    actor.with_token(answer.json()["access_token"].as_str().unwrap())
}

#[tokio::test]
async fn an_indirect_token_and_a_structures_own_feed_and_never_consult() {
    let server = TestServer::start().await;
    let all = "ITI-65 ITI-67 ITI-68 user/DocumentReference.crs user/Binary.r user/Patient.s";
    let indirect = indirect(&server, "cabinet", "dr-martin", all).await;
    let own = server.structure("cabinet").await;
    for (who, actor) in [("indirect", indirect), ("structure", own)] {
        let granted = claims(actor.token())["scope"].as_str().unwrap().to_owned();
        assert!(!granted.contains("ITI-67") && !granted.contains("ITI-68"), "{who}: {granted}");
        let published = actor.post("/fhir", &server.bundle("dominique", "dr-martin")).await.locations();
        let mut watch = Watch::over(&server).await;
        let answer = actor.get(SEARCH).await;
        watch.refused(who, &answer, "403 forbidden", "find-document-references 8 forbidden").await;
        let answer = actor.get(&format!("/fhir/{}", published[2])).await;
        watch.refused(who, &answer, "403 forbidden", "retrieve-document 8 forbidden").await;
        let answer = actor.post("/fhir", &server.bundle("dominique", "bio-laurent")).await;
        watch.refused(who, &answer, "403 non-auteur", "provide-document-bundle 8 non-auteur").await;
    }
}

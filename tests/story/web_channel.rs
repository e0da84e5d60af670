//! The web channel for professionals (webPS): one patient, whose record it asks for before it feeds it
//! (contract §6, §8).

use jiff::SignedDuration;
use serde_json::Value;

use super::traces_are_whole;
use crate::refusal::Watch;
use crate::support::client::Actor;
use crate::support::db::{Db, stories};
use crate::support::server::TestServer;

stories! { the_web_channel_asks_for_the_record_before_it_feeds_it }

/// A professional through the web channel, about one person.
async fn through(server: &TestServer, professional: &str, patient: &str) -> Actor {
    let person = server.persona(patient).ins.to_cx();
    let about = [("person_id", person.as_str()), ("expires_in", "300")];
    server.certificate("webps").as_professional(professional, &about).await
}

async fn ask(server: &TestServer, actor: &Actor, patient: &str) -> Value {
    let ins = &server.persona(patient).ins;
    let answer = actor.get(&format!("/fhir/Patient?identifier={}%7C{}", ins.system(), ins.value())).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

const FIRST: &str = "422 existence-non-verifiee";

async fn the_web_channel_asks_for_the_record_before_it_feeds_it(db: Db) {
    let server = TestServer::start_on(db).await;
    let martin = through(&server, "dr-martin", "dominique").await;
    let bundle = || server.bundle("dominique", "dr-martin");
    let mut watch = Watch::over(&server).await;
    let trace = "provide-document-bundle 4 existence-non-verifiee";
    let refused = martin.post("/fhir", &bundle()).await;
    watch.refused("no step", &refused, FIRST, trace).await;
    let unread = martin.post_bytes("/fhir", b"this is no bundle".to_vec()).await;
    watch.refused("the body is not read", &unread, FIRST, trace).await;

    let petit = through(&server, "dr-petit", "dominique").await;
    ask(&server, &petit, "dominique").await;
    assert_eq!(martin.post("/fhir", &bundle()).await.outcome(), FIRST, "another user's step");
    let other = through(&server, "dr-martin", "cree-mail").await;
    ask(&server, &other, "cree-mail").await;
    assert_eq!(martin.post("/fhir", &bundle()).await.outcome(), FIRST, "a step for another patient");

    ask(&server, &martin, "dominique").await;
    assert_eq!(martin.post("/fhir", &bundle()).await.status, 200);
    let foreign = martin.post("/fhir", &server.bundle("cree-mail", "dr-martin")).await;
    assert_eq!(foreign.outcome(), "403 forbidden", "a fiche of another patient than the token's");

    server.clock.advance(SignedDuration::from_secs(240));
    let again = through(&server, "dr-martin", "dominique").await;
    assert_eq!(again.post("/fhir", &bundle()).await.status, 200, "the step is the user's, not the token's");
    server.clock.advance(SignedDuration::from_secs(60));
    assert_eq!(again.post("/fhir", &bundle()).await.status, 200, "five minutes to the second");
    server.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(again.post("/fhir", &bundle()).await.outcome(), FIRST, "too long ago");

    // Who has no record: the step is made, and the feed says what it says to everybody.
    for patient in ["oppose", "non-informe", "ferme"] {
        let actor = through(&server, "dr-martin", patient).await;
        assert_eq!(actor.post("/fhir", &server.bundle(patient, "dr-martin")).await.outcome(), FIRST, "{patient}");
        ask(&server, &actor, patient).await;
        let told = actor.post("/fhir", &server.bundle(patient, "dr-martin")).await.outcome();
        assert_eq!(told, "422 dmp-inexistant XDSUnknownPatientId", "{patient}");
    }
    let cabinet = server.professional("dr-martin").await;
    assert_eq!(cabinet.post("/fhir", &bundle()).await.status, 200, "other software needs no step");
    let steps = server.db.count("SELECT count(*) FROM existence_step WHERE person = '801234567897'").await;
    assert_eq!(steps, 3, "what is older than five minutes is forgotten at the next step");
    traces_are_whole(&server).await;
}

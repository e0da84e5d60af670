//! The state of a person decides what feeding his record does (MES-040...048, MES-060...066).

use espace::access::permit::Permit;
use espace::ids::{BusinessIdentifier, PatientKey};
use espace::model::caller::Action;
use espace::model::resource::ResourceType;
use espace::model::search::{Order, Predicate};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::Value;

use super::traces_are_whole;
use crate::support::client::{Actor, Answer};
use crate::support::db::{Db, stories};
use crate::support::server::TestServer;

stories! { each_persona_is_fed_refused_and_notified_as_its_state_says }

/// Persona, and the channel of the notice; `None`: accepted without notice.
const ACCEPTED: [(&str, Option<&str>); 10] = [
    ("dominique", Some("activation-email")),
    ("cree-mail", Some("assurance-maladie-email")),
    ("cree-papier", Some("activity-statement")),
    ("mineur", Some("assurance-maladie-email")),
    ("aidant", Some("activation-email")),
    ("temporaire", Some("activation-email")),
    ("corse", Some("activation-email")),
    ("ancien-dmp", Some("assurance-maladie-email")),
    ("oppose-dmp", None),
    ("suspendu", None),
];
const REFUSED: [&str; 5] = ["oppose", "informe", "non-informe", "ferme", "decede"];

async fn feed(actor: &Actor, bundle: &Value) -> Answer {
    let headers = [("content-type", "application/fhir+json"), ("x-request-id", "the-same-for-all")];
    actor.send(Method::POST, "/fhir", &headers, bundle.to_string().into_bytes()).await
}

/// How many resources of a kind a record holds.
async fn kept(server: &TestServer, patient: PatientKey, kind: ResourceType) -> i64 {
    let order = Order { parameter: None, descending: true };
    let all = Predicate { kind, conditions: vec![], order, after: None, limit: 100 };
    let permit = move || Permit::assumed(patient, Action::FindDocuments);
    server.app.service.store.system_read("test.count", move |tx| tx.count(&permit(), &all)).await.unwrap()
}

/// The records that hold the document of a bundle.
async fn records_of(server: &TestServer, bundle: &Value) -> Vec<PatientKey> {
    let master = &bundle["entry"][1]["resource"]["masterIdentifier"];
    let part = |name: &str| master[name].as_str().unwrap().to_owned();
    let digest = BusinessIdentifier { system: part("system"), value: part("value") }.digest();
    let store = &server.app.service.store;
    store.system_read("test.records", move |tx| tx.fact_records_of_identifier(&digest)).await.unwrap()
}

async fn each_persona_is_fed_refused_and_notified_as_its_state_says(db: Db) {
    let server = TestServer::start_on(db).await;
    let martin = server.professional("dr-martin").await;
    assert_eq!(ACCEPTED.len() + REFUSED.len(), server.demo.personas.len(), "a persona is missing here");

    for (persona, channel) in ACCEPTED {
        let key = server.persona(persona).key;
        let (fiches, notices) =
            (kept(&server, key, ResourceType::DocumentReference).await, server.notices(persona).await);
        server.clock.advance(SignedDuration::from_millis(10));
        let bundle = server.bundle(persona, "dr-martin");
        let answer = feed(&martin, &bundle).await;
        assert_eq!(answer.status, 200, "{persona}: {}", answer.text());
        assert_eq!(kept(&server, key, ResourceType::DocumentReference).await, fiches + 1, "{persona}");
        assert_eq!(records_of(&server, &bundle).await, [key], "{persona}");
        let new = server.notices(persona).await.split_off(notices.len());
        let expected: Vec<String> = match (channel, fiches) {
            (None, _) => vec![],
            // The documents that a former record came with were its author's first access.
            (Some(channel), 1..) => vec![format!("AJOUT_DOCUMENT {channel}")],
            (Some(channel), _) => vec![format!("AJOUT_DOCUMENT {channel}"), format!("ACCES_DMP_PS {channel}")],
        };
        assert_eq!(sorted(new), sorted(expected), "{persona}");
    }

    let mut answers: Vec<Answer> = Vec::new();
    for persona in REFUSED {
        let key = server.persona(persona).key;
        let bundle = server.bundle(persona, "dr-martin");
        let answer = feed(&martin, &bundle).await;
        assert_eq!(answer.outcome(), "422 dmp-inexistant XDSUnknownPatientId", "{persona}");
        for kind in [ResourceType::DocumentReference, ResourceType::List] {
            assert_eq!(kept(&server, key, kind).await, 0, "{persona}");
        }
        assert_eq!(records_of(&server, &bundle).await, [], "{persona}");
        assert_eq!(server.notices(persona).await, Vec::<String>::new(), "{persona}");
        assert_eq!(server.traces(persona).await.last().unwrap(), "provide-document-bundle 4 dmp-inexistant");
        answers.push(answer);
    }
    answers.push(
        feed(&martin, &renamed(&server.bundle("oppose", "dr-martin"), "180036311300305", "255069999999934")).await,
    );
    for answer in &answers[1..] {
        assert_eq!(answer.status, answers[0].status);
        assert_eq!(answer.text(), answers[0].text());
        let without_date = |answer: &Answer| {
            let mut headers = answer.headers.clone();
            headers.remove("date");
            headers
        };
        assert_eq!(without_date(answer), without_date(&answers[0]));
    }
    assert!(answers[0].text().contains("l'inviter à appeler le 34 22"));
    traces_are_whole(&server).await;
}

/// The same bundle for another INS, in the fiches and in the document alike.
fn renamed(bundle: &Value, from: &str, to: &str) -> Value {
    use sha1::{Digest as _, Sha1};
    let mut renamed: Value = serde_json::from_str(&bundle.to_string().replace(from, to)).unwrap();
    let data = bundle["entry"][2]["resource"]["data"].as_str().unwrap();
    let text = String::from_utf8(base64_simd::STANDARD.decode_to_vec(data).unwrap()).unwrap().replace(from, to);
    renamed["entry"][2]["resource"]["data"] = base64_simd::STANDARD.encode_to_string(&text).into();
    let hash = base64_simd::STANDARD.encode_to_string(Sha1::digest(text.as_bytes()));
    renamed["entry"][1]["resource"]["content"][0]["attachment"]["hash"] = hash.into();
    renamed
}

fn sorted(mut words: Vec<String>) -> Vec<String> {
    words.sort();
    words
}

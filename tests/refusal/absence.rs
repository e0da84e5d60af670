//! What tells nothing: persons without an open record, ids without a right, one answer for all
//! (contract §8; docs/REFUSALS.md).

use serde_json::Value;

use super::{Watch, document, provide, with_document};
use crate::support::client::{Actor, Answer};
use crate::support::server::TestServer;

/// An INS that nobody has, as a search names it.
pub(crate) const NOBODY: &str = "urn:oid:1.2.250.1.213.1.4.10%7C255069999999934";
/// Persons of whom TD0.2 says that there is no record.
const ABSENT: [&str; 3] = ["oppose", "non-informe", "informe"];
/// Persons who cannot be fed.
const UNFED: [&str; 5] = ["oppose", "non-informe", "informe", "ferme", "decede"];

/// A whole and true bundle about somebody nobody knows.
pub(crate) fn feed_of_nobody(server: &TestServer) -> Value {
    let (known, unknown) = (server.persona("oppose").ins.value().to_owned(), "255069999999934");
    let bundle = server.bundle("oppose", "dr-martin");
    let cda = String::from_utf8(document(&bundle)).unwrap().replace(&known, unknown);
    with_document(serde_json::from_str(&bundle.to_string().replace(&known, unknown)).unwrap(), cda.as_bytes())
}

/// Status, headers and body, all that a caller sees; the time of day apart.
fn seen(answer: &Answer) -> (u16, Vec<String>, String) {
    let headers = answer.headers.iter().filter(|(name, _)| *name != "date");
    let mut headers: Vec<_> = headers.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    headers.sort();
    (answer.status.as_u16(), headers, answer.text())
}

async fn post(actor: &Actor, bundle: &Value) -> Answer {
    let headers = [("content-type", "application/fhir+json"), ("x-request-id", "same")];
    actor.send(reqwest::Method::POST, "/fhir", &headers, bundle.to_string().into_bytes()).await
}

async fn get(actor: &Actor, path: &str) -> Answer {
    actor.get_with(path, &[("x-request-id", "same")]).await
}

#[tokio::test]
async fn ds_24_a_feed_is_refused_in_the_same_bytes_whatever_keeps_the_record_shut() {
    let server = TestServer::start().await;
    let (martin, petit) = (server.professional("dr-martin").await, server.professional("dr-petit").await);
    let mut watch = Watch::over(&server).await;
    let author = post(&martin, &feed_of_nobody(&server)).await;
    watch.refused("nobody", &author, "422 dmp-inexistant XDSUnknownPatientId", &provide(4, "dmp-inexistant")).await;
    assert!(author.text().contains("34 22"));
    let stranger = post(&petit, &feed_of_nobody(&server)).await;
    watch.refused("nobody", &stranger, "403 non-auteur", &provide(8, "non-auteur")).await;
    for name in UNFED {
        let bundle = server.bundle(name, "dr-martin");
        let answer = post(&martin, &bundle).await;
        assert_eq!(seen(&answer), seen(&author), "{name}");
        watch.refused(name, &answer, "422 dmp-inexistant", &provide(4, "dmp-inexistant")).await;
        let answer = post(&petit, &bundle).await;
        assert_eq!(seen(&answer), seen(&stranger), "{name}, by another");
        watch.refused(name, &answer, "403 non-auteur", &provide(8, "non-auteur")).await;
        assert_eq!(server.notices(name).await, [""; 0], "{name} is not told");
    }
    let open = post(&petit, &server.bundle("dominique", "dr-martin")).await;
    assert_eq!(seen(&open), seen(&stranger), "an open record does not show either");
    // A document of another person does not tell an open record from a closed one.
    let foreign = |name: &str| {
        let bundle = server.bundle(name, "dr-martin");
        let text = String::from_utf8(document(&bundle)).unwrap();
        let own = server.persona(name).ins.value().to_owned();
        with_document(bundle, text.replace(&own, server.persona("corse").ins.value()).as_bytes())
    };
    assert_eq!(seen(&post(&martin, &foreign("ferme")).await), seen(&post(&martin, &foreign("oppose")).await));
}

/// A searchset without what is drawn anew for each answer.
fn stripped(answer: &Answer) -> Value {
    let mut body = answer.json();
    for member in ["id", "meta"] {
        assert!(body.as_object_mut().unwrap().remove(member).is_some());
    }
    let link = body["link"][0]["url"].as_str().unwrap().split_once("_sealed=").unwrap();
    let sealed = (link.0.to_owned(), link.1.len());
    body["link"] = serde_json::json!([sealed.0, sealed.1]);
    body
}

#[tokio::test]
async fn an_existence_test_answers_every_absence_alike() {
    let server = TestServer::start().await;
    let petit = server.professional("dr-petit").await;
    let unknown = get(&petit, &format!("/fhir/Patient?identifier={NOBODY}")).await;
    assert_eq!((unknown.status.as_u16(), unknown.matches().len(), &unknown.json()["total"]), (200, 0, &0.into()));
    for name in ABSENT {
        let ins = &server.persona(name).ins;
        let path = format!("/fhir/Patient?identifier={}%7C{}", ins.system(), ins.value());
        let answer = get(&petit, &path).await;
        assert_eq!(stripped(&answer), stripped(&unknown), "{name}");
        assert_eq!(answer.body.len(), unknown.body.len(), "{name}");
        assert!(!answer.text().contains(ins.value()), "{name}: its INS does not come back");
    }
}

#[tokio::test]
async fn a_search_without_a_right_is_one_refusal_whoever_is_named() {
    let server = TestServer::start().await;
    let externe = server.professional("dr-externe").await;
    let open: [&str; 3] = ["dominique", "oppose-dmp", "ancien-dmp"];
    let shut = ["oppose", "informe", "non-informe", "ferme", "decede"];
    for (kind, rest, act, persons) in [
        ("DocumentReference", "&status=current", "find-document-references", [&open[..], &shut[..]].concat()),
        // In an open record each reads the traces of what he did himself (MES-084).
        ("AuditEvent", "&date=ge2026-01-01", "retrieve-audit-event", shut.to_vec()),
    ] {
        let first = get(&externe, &format!("/fhir/{kind}?patient.identifier={NOBODY}{rest}")).await;
        assert_eq!(first.outcome(), "403 forbidden", "{kind}");
        let mut names = vec!["patient=Patient/0000000000000".to_owned(), "patient=Patient/zz".to_owned()];
        for name in persons {
            let person = server.persona(name);
            names.push(format!("patient.identifier={}%7C{}", person.ins.system(), person.ins.value()));
            names.push(format!("patient=Patient/{}", person.key));
        }
        let mut watch = Watch::over(&server).await;
        for named in names {
            let answer = get(&externe, &format!("/fhir/{kind}?{named}{rest}")).await;
            assert_eq!(seen(&answer), seen(&first), "{kind}?{named}");
            watch.refused(&named, &answer, "403 forbidden", &format!("{act} 8 forbidden")).await;
        }
        // Closed and absent records, to who was once the treating physician of neither.
        let martin = server.professional("dr-martin").await;
        for name in ["ferme", "oppose"] {
            let answer = get(&martin, &format!("/fhir/{kind}?patient={}{rest}", server.persona(name).key)).await;
            assert_eq!(seen(&answer), seen(&first), "{name}");
        }
    }
    let path = "/fhir/AuditEvent?patient=28xjc43wv8efw&date=ge2026-01-01";
    let (id, own) = (server.author("dr-externe").exercise.professional.id.to_string(), externe.get(path).await);
    assert!(!own.matches().is_empty(), "his own refused search of an open record");
    assert!(own.matches().iter().all(|trace| trace.to_string().contains(&id)));
}

#[tokio::test]
async fn an_id_without_a_right_is_an_id_that_does_not_exist() {
    let server = TestServer::start().await;
    let (martin, externe) = (server.professional("dr-martin").await, server.professional("dr-externe").await);
    let locations = martin.post("/fhir", &server.bundle("dominique", "dr-martin")).await.locations();
    let traces = martin.get("/fhir/AuditEvent?patient=28xjc43wv8efw&date=ge2026-01-01").await.matches();
    let trace = format!("AuditEvent/{}", traces[0]["id"].as_str().unwrap());
    let mut real: Vec<String> = locations.clone();
    real.push(trace);
    real.push("Patient/28xjc43wv8efw".to_owned());
    real.push(format!("{}/_history/1", locations[1]));
    real.push(format!("{}/_history/1", locations[0]));
    for path in &real {
        assert_eq!(martin.get(&format!("/fhir/{path}")).await.status, 200, "{path}");
    }
    let unknown = get(&externe, "/fhir/DocumentReference/28xjc43wv8efw-00000000000000000000000000").await;
    assert_eq!(unknown.outcome(), "404 not-found");
    let mut watch = Watch::over(&server).await;
    for path in &real {
        let answer = get(&externe, &format!("/fhir/{path}")).await;
        assert_eq!(seen(&answer), seen(&unknown), "{path}");
        let traced = watch.traced().await;
        assert_eq!(traced.len(), 1, "{path}: {traced:?}");
        assert!(traced[0].ends_with(" 4 not-found"), "{path}: {traced:?}");
    }
    let other = server.persona("cree-mail").key.to_string();
    let (_, own) = locations[1].split_once('-').unwrap();
    let (_, binary) = locations[2].split_once('-').unwrap();
    let odd = [
        format!("DocumentReference/{other}-{own}"),
        format!("DocumentReference/28xjc43wv8efw-{binary}"),
        format!("Binary/28xjc43wv8efw-{own}"),
        format!("List/28xjc43wv8efw-{own}"),
        format!("AuditEvent/28xjc43wv8efw-{own}"),
        format!("DocumentReference/28xjc43wv8efw-{}", own.to_uppercase()),
        "DocumentReference/28xjc43wv8efw".to_owned(),
        "Patient/0000000000000".to_owned(),
        "Patient/dominique".to_owned(),
        format!("{}/_history/2", locations[1]),
        format!("{}/_history/x", locations[1]),
        format!("{}/_history/-1", locations[1]),
        format!("{}/_history/99999999999", locations[1]),
        "Binary/x".to_owned(),
        format!("Binary/{}", "x".repeat(4_000)),
    ];
    for path in odd {
        // By who may read the whole record: what is not there is not there for him either.
        assert_eq!(seen(&get(&martin, &format!("/fhir/{path}")).await), seen(&unknown), "{path}");
    }
}

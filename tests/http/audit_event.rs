//! AuditEvent: who reads which traces, in which view, by which parameters (ITI-81; MES-084).

use jiff::SignedDuration;
use serde_json::Value;

use super::{DOMINIQUE, faults};
use crate::support::client::{Actor, Answer};
use crate::support::db::{Db, block_on, stories};
use crate::support::server::TestServer;

stories! { ds_69_traces_are_read_by_those_whom_the_law_names }

const ALL: &str = "date=ge2026-01-01";

async fn search(actor: &Actor, more: &str) -> Answer {
    actor.get(&format!("/fhir/AuditEvent?{DOMINIQUE}&{more}")).await
}

/// `subtype outcome agent` of each trace.
fn lines(answer: &Answer) -> Vec<String> {
    answer.matches().iter().map(line).collect()
}

fn line(event: &Value) -> String {
    let subtypes = event["subtype"].as_array().unwrap();
    let user = event["agent"].as_array().unwrap().iter().find(|agent| agent["requestor"] == true).unwrap();
    let who = &user["who"]["identifier"]["value"];
    let code = subtypes.last().unwrap()["code"].as_str().unwrap();
    format!("{code} {} {}", event["outcome"].as_str().unwrap(), who.as_str().unwrap())
}

async fn ds_69_traces_are_read_by_those_whom_the_law_names(db: Db) {
    let server = TestServer::start_on(db).await;
    let id = |name: &str| server.author(name).exercise.professional.id.to_string();
    let (martin, petit) = (server.professional("dr-martin").await, server.professional("dr-petit").await);
    let outsider = server.professional("dr-externe").await;
    let (hopital, labo) = (server.structure("hopital").await, server.structure("labo").await);

    let published = martin.post("/fhir", &two_documents(&server)).await;
    assert_eq!(published.locations().len(), 5);
    let notices = server.notices("dominique").await;
    assert_eq!(
        notices.iter().filter(|notice| notice.starts_with("AJOUT_DOCUMENT")).count(),
        2,
        "one for each document"
    );
    server.clock.advance(SignedDuration::from_secs(10));
    let find = format!("/fhir/DocumentReference?{DOMINIQUE}&status=current");
    assert_eq!(petit.get(&find).await.matches().len(), 2);
    assert_eq!(outsider.get(&find).await.status, 403);
    let document = format!("/fhir/{}", published.locations()[2]);
    assert_eq!(petit.get(&document).await.status, 200);
    assert_eq!(outsider.get(&document).await.status, 404);

    let whole = search(&martin, ALL).await;
    let (m, p, o) = (id("dr-martin"), id("dr-petit"), id("dr-externe"));
    let mut expected = vec![
        format!("ITI-68 4 {o}"),
        format!("ITI-68 0 {p}"),
        format!("ITI-67 8 {o}"),
        format!("ITI-67 0 {p}"),
        format!("ITI-65 0 {m}"),
    ];
    assert_eq!(lines(&whole), expected, "one row for the ITI-65 of two documents");
    let feed = whole.matches().pop().unwrap();
    let touched: Vec<&str> =
        feed["entity"].as_array().unwrap().iter().filter_map(|entity| entity["what"]["reference"].as_str()).collect();
    for location in published.locations().iter().filter(|location| !location.starts_with("Binary/")) {
        assert!(touched.contains(&location.as_str()), "{touched:?}");
    }

    assert_eq!(lines(&search(&petit, ALL).await), [format!("ITI-68 0 {p}"), format!("ITI-67 0 {p}")]);
    assert_eq!(lines(&search(&outsider, ALL).await), [format!("ITI-68 4 {o}"), format!("ITI-67 8 {o}")]);
    let of_hopital = lines(&search(&hopital, ALL).await);
    assert!(of_hopital.iter().all(|line| !line.ends_with(&m)), "{of_hopital:?}");
    assert!(of_hopital.contains(&expected[0]) && of_hopital.contains(&expected[1]), "{of_hopital:?}");
    assert_eq!(lines(&search(&labo, ALL).await), Vec::<String>::new());

    // The reading of traces is traced too.
    expected.insert(0, format!("ITI-81 0 {m}"));
    let again = lines(&search(&martin, ALL).await);
    assert!(again.len() == 10 && again.contains(&expected[0]), "{again:?}");

    let own = search(&petit, ALL).await.matches().remove(0);
    let path = format!("/fhir/AuditEvent/{}", own["id"].as_str().unwrap());
    for reader in [&petit, &martin] {
        assert_eq!(reader.get(&path).await.json(), own);
    }
    let same = [("x-request-id", "the-same")];
    let foreign = outsider.get_with(&path, &same).await;
    let unknown = outsider.get_with("/fhir/AuditEvent/nothing", &same).await;
    assert_eq!(foreign.outcome(), "404 not-found");
    assert_eq!(foreign.text(), unknown.text());
    crate::story::traces_are_whole(&server).await;
}

/// One submission of two documents.
fn two_documents(server: &TestServer) -> Value {
    let (mut bundle, other) = (server.bundle("dominique", "dr-martin"), server.bundle("dominique", "dr-martin"));
    let items = bundle["entry"][0]["resource"]["entry"].as_array_mut().unwrap();
    items.push(other["entry"][0]["resource"]["entry"][0].clone());
    let entries = bundle["entry"].as_array_mut().unwrap();
    entries.extend([other["entry"][1].clone(), other["entry"][2].clone()]);
    bundle
}

#[test]
fn both_views_of_every_trace_are_valid_and_name_no_ins() {
    block_on(async {
        let server = TestServer::start().await;
        let (martin, outsider) = (server.professional("dr-martin").await, server.professional("dr-externe").await);
        let labo = server.structure("labo").await;
        let locations = martin.post("/fhir", &server.bundle("dominique", "dr-martin")).await.locations();
        for path in [
            format!("/fhir/Patient?identifier={}", DOMINIQUE.split_once('=').unwrap().1),
            format!("/fhir/DocumentReference?{DOMINIQUE}&status=current&type=11488-4"),
            format!("/fhir/{}", locations[0]),
            format!("/fhir/{}/_history/1", locations[1]),
            format!("/fhir/{}", locations[2]),
            format!("/fhir/Patient/{}", server.persona("dominique").key),
        ] {
            for caller in [&martin, &outsider, &labo] {
                caller.get(&path).await;
            }
        }
        martin.post("/fhir", &server.bundle("dominique", "dr-petit")).await;
        let traces = server.traces("dominique").await;
        for profile in ["", "https://interop.esante.gouv.fr/ig/fhir/tde/StructureDefinition/tde-auditevent"] {
            let parameter = if profile.is_empty() { String::new() } else { format!("&_profile={profile}") };
            let answer = search(&martin, &format!("{ALL}{parameter}")).await;
            let events = answer.matches();
            assert!(events.len() >= traces.len(), "{} of {}", events.len(), traces.len());
            assert!(!answer.text().contains("279035121518989"), "an INS in a trace");
            assert_eq!(faults(&answer.json()), []);
            for event in &events {
                let claims = event["meta"]["profile"].as_array().map(Vec::len).unwrap_or_default();
                let agents = event["agent"].as_array().unwrap().len();
                if profile.is_empty() {
                    assert_eq!((claims > 0, agents), (event["outcome"] == "0", 3), "{event}");
                } else {
                    assert_eq!((event["meta"]["profile"][0].as_str(), agents), (Some(profile), 2), "{event}");
                    assert_eq!(event["subtype"].as_array().unwrap().len(), 1);
                }
                let refusal = event["outcomeDesc"].as_str();
                assert_eq!(refusal.is_some(), event["outcome"] != "0", "{event}");
            }
        }
        let outcomes: std::collections::BTreeSet<_> =
            traces.iter().map(|trace| trace.split(' ').nth(1).unwrap()).collect();
        assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), ["0", "4", "8"]);
        let by_id = search(&martin, ALL).await.matches()[0]["id"].as_str().unwrap().to_owned();
        let tde = martin.get(&format!("/fhir/AuditEvent/{by_id}?_profile=tde-auditevent")).await.json();
        assert_eq!(tde["agent"].as_array().unwrap().len(), 2);
    });
}

/// What no search of traces honours, and its refusal.
const REFUSED: [(&str, &str); 10] = [
    ("", "400 required date"),
    ("outcome:exact=8&date=2026", "400 parametre-non-pris-en-charge"),
    ("agent:Practitioner.name=x&date=2026", "400 parametre-non-pris-en-charge _has"),
    ("_has:List:item:code=x&date=2026", "400 parametre-non-pris-en-charge _has"),
    ("date=2026&_sort=date", "400 parametre-non-pris-en-charge _sort"),
    ("date=ne2026-11-22", "400 parametre-non-pris-en-charge date"),
    ("date=2026-11-21,2026-11-22", "400 parametre-non-pris-en-charge date"),
    ("date:missing=false", "400 parametre-non-pris-en-charge date"),
    ("date=2026&_include=AuditEvent:patient", "400 parametre-non-pris-en-charge _include"),
    ("date=2026&_revinclude=Provenance:target", "400 parametre-non-pris-en-charge _revinclude"),
];

#[test]
fn a_search_of_traces_names_a_patient_and_a_span_of_time() {
    block_on(async {
        let server = TestServer::start().await;
        let martin = server.professional("dr-martin").await;
        let find = format!("/fhir/DocumentReference?{DOMINIQUE}&status=current");
        for _minute in 0..5 {
            assert_eq!(martin.get(&find).await.status, 200);
            server.clock.advance(SignedDuration::from_secs(1));
        }
        for (query, expected) in REFUSED {
            assert_eq!(search(&martin, query).await.outcome(), expected, "{query}");
        }
        let lone = martin.get(&format!("/fhir/AuditEvent?{ALL}")).await;
        assert_eq!(lone.outcome(), "400 required patient");
        let absent = "/fhir/AuditEvent?patient.identifier=urn:oid:1.2.250.1.213.1.4.10%7C180036311300305&date=2026";
        assert_eq!(martin.get(absent).await.outcome(), "403 forbidden");

        for (query, count) in [
            ("date=2026-11-22", 5),
            ("date=2026-11-22T10:00:02Z", 1),
            ("date=ge2026-11-22T10:00:02Z&date=le2026-11-22T10:00:03Z", 2),
            ("date=gt2026-11-22T10:00:02Z&date=lt2026-11-22T10:00:05Z", 2),
            ("date=lt2026-11-22T10:00:00Z", 0),
            ("date=gt2027", 0),
            ("date=2026-11-22&outcome=0&action=E", 5),
            ("date=2026-11-22&subtype=ITI-67&agent.identifier=801234567897", 5),
            ("date=2026-11-22&agent-name:contains=MARTIN", 5),
            ("date=2026-11-22&outcome=4,8", 0),
            ("date=2026-11-22&action:not=E", 0),
            ("date=2026-11-22&entity:missing=true", 0),
        ] {
            let found = search(&martin, query).await;
            let finds = lines(&found).into_iter().filter(|line| line.starts_with("ITI-67")).count();
            assert_eq!(finds, count, "{query}");
            let form = [("patient", format!("Patient/{}", server.persona("dominique").key))];
            let pairs: Vec<(&str, &str)> = query.split('&').map(|pair| pair.split_once('=').unwrap()).collect();
            let all: Vec<(&str, &str)> =
                form.iter().map(|(name, value)| (*name, value.as_str())).chain(pairs).collect();
            let posted = martin.form("/fhir/AuditEvent/_search", &all).await;
            assert_eq!(lines(&posted).into_iter().filter(|line| line.starts_with("ITI-67")).count(), count, "{query}");
        }

        server.clock.advance(SignedDuration::from_secs(5));
        let span = "date=ge2026-11-22T10:00:00Z&date=lt2026-11-22T10:00:05Z";
        let snapshot = search(&martin, span).await.matches();
        let mut next = Some(format!("/fhir/AuditEvent?{DOMINIQUE}&{span}&_count=2"));
        let mut seen = Vec::new();
        while let Some(url) = next {
            let page = martin.get(&url).await;
            assert!(page.matches().len() <= 2);
            seen.extend(page.matches());
            let body = page.json();
            let link = body["link"].as_array().unwrap().iter().find(|link| link["relation"] == "next");
            next = link.map(|link| link["url"].as_str().unwrap().to_owned());
        }
        assert_eq!(seen, snapshot);
    });
}

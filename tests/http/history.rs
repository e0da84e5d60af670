//! The history of one fiche and of one submission set: order, pages, refusals (R4 `http.html#history`).

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use super::faults;
use crate::support::client::{Actor, Answer};
use crate::support::db::{Db, stories};
use crate::support::server::TestServer;

stories! { a_history_tells_every_version_newest_first }

async fn relabel(server: &TestServer, author: &Actor, fiche: &str, code: &str) {
    server.clock.advance(SignedDuration::from_secs(1));
    let system = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
    let patch = json!([{ "op": "replace", "path": "/securityLabel/0", "value": { "coding": [{ "system": system, "code": code }] } }]);
    let headers = [("content-type", "application/json-patch+json")];
    let answer = author.send(Method::PATCH, fiche, &headers, patch.to_string().into_bytes()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

fn versions(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    let entries = body["entry"].as_array().cloned().unwrap_or_default();
    entries.iter().map(|entry| entry["resource"]["meta"]["versionId"].as_str().unwrap().to_owned()).collect()
}

fn link(answer: &Answer, relation: &str) -> Option<String> {
    let body = answer.json();
    let found = body["link"].as_array()?.iter().find(|link| link["relation"] == relation)?;
    found["url"].as_str().map(str::to_owned)
}

async fn a_history_tells_every_version_newest_first(db: Db) {
    let server = TestServer::start_on(db).await;
    let (martin, petit) = (server.professional("dr-martin").await, server.professional("dr-petit").await);
    let locations = martin.post("/fhir", &server.bundle("dominique", "dr-martin")).await.locations();
    let fiche = format!("/fhir/{}", locations[1]);
    for code in ["R", "V", "N"] {
        relabel(&server, &martin, &fiche, code).await;
    }
    let history = format!("{fiche}/_history");
    let whole = petit.get(&history).await;
    assert_eq!(versions(&whole), ["4", "3", "2", "1"]);
    let bundle = whole.json();
    assert_eq!((faults(&bundle), &bundle["type"], &bundle["total"]), (vec![], &json!("history"), &json!(4)));
    assert_eq!(link(&whole, "self"), Some(format!("{}{history}", server.origin)));
    let first = &bundle["entry"][3];
    assert_eq!(first["request"], json!({ "method": "POST", "url": "DocumentReference" }));
    let response = json!({ "status": "201", "etag": "W/\"1\"", "lastModified": "2026-11-22T10:00:00.000Z" });
    assert_eq!(first["response"], response);
    assert_eq!(bundle["entry"][0]["request"], json!({ "method": "PUT", "url": locations[1] }));
    assert_eq!(bundle["entry"][0]["fullUrl"], format!("{}{fiche}", server.origin));
    for entry in bundle["entry"].as_array().unwrap() {
        let number = entry["resource"]["meta"]["versionId"].as_str().unwrap();
        let read = petit.get(&format!("{history}/{number}")).await.json();
        assert_eq!(read, entry["resource"], "vread of version {number}");
    }

    let mut page = petit.get(&format!("{history}?_count=3")).await;
    assert_eq!((versions(&page), page.json()["total"].as_i64()), (vec!["4".into(), "3".into(), "2".into()], Some(4)));
    let next = link(&page, "next").unwrap();
    relabel(&server, &martin, &fiche, "R").await;
    page = petit.get(&next).await;
    assert_eq!((versions(&page), link(&page, "next")), (vec!["1".to_owned()], None), "a page does not shift");
    assert_eq!(martin.get(&next).await.outcome(), "400 lien-de-page", "another's link");
    let other = server.bundle("dominique", "dr-martin");
    let elsewhere = petit.get(&next.replace(&locations[1], &martin.post("/fhir", &other).await.locations()[1])).await;
    assert_eq!(elsewhere.outcome(), "400 lien-de-page", "a link is good for one history");
    assert_eq!(versions(&petit.get(&format!("{history}?_since=2026-11-22T10:00:02Z")).await), ["5", "4", "3"]);
    let none = petit.get(&format!("{history}?_since=2027")).await;
    assert_eq!((versions(&none), none.json()["total"].as_i64()), (vec![], Some(0)));
    let counted = petit.get(&format!("{history}?_count=0")).await;
    assert_eq!((versions(&counted), counted.json()["total"].as_i64()), (vec![], Some(5)));
    for wrong in ["_count=x", "_since=yesterday", "_at=2026", "_count=1&_count=2", "_page=x"] {
        assert_eq!(petit.get(&format!("{history}?{wrong}")).await.status, 400, "{wrong}");
    }

    let list = petit.get(&format!("/fhir/{}/_history", locations[0])).await;
    assert_eq!((versions(&list), faults(&list.json())), (vec!["1".to_owned()], vec![]));
    assert_refused(&server, &locations).await;
    let traces = server.traces("dominique").await;
    for act in ["document-reference-history 0", "list-history 0", "document-reference-history 4 not-found"] {
        assert!(traces.iter().any(|trace| trace == act), "{act}: {traces:?}");
    }
}

/// Without right and unknown are one answer, as for a read.
async fn assert_refused(server: &TestServer, locations: &[String]) {
    let externe = server.professional("dr-externe").await;
    let same = [("x-request-id", "the-same")];
    for location in &locations[..2] {
        let unknown = super::unknown(location);
        let refused = externe.get_with(&format!("/fhir/{location}/_history"), &same).await;
        let absent = externe.get_with(&format!("/fhir/{unknown}/_history"), &same).await;
        assert_eq!(refused.outcome(), "404 not-found");
        assert_eq!(refused.text(), absent.text());
        let malformed: Value = externe.get_with("/fhir/DocumentReference/x/_history", &same).await.json();
        assert_eq!(malformed, absent.json());
    }
}

//! ITI-67 and ITI-66 through links: chains, `_has`, `_list`, inclusions both ways, texts, orders of any
//! kind, and pages that stay what the first one saw (R4 search; MHD §1.5).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use super::document_reference::{three_documents, titled, titles, total};
use super::{DOMINIQUE, faults, label};
use crate::support::client::{Actor, Answer};
use crate::support::db::{Db, block_on, stories};
use crate::support::server::TestServer;

stories! {
    documents_are_found_by_what_they_are_linked_with,
    what_points_to_a_document_and_what_it_points_to_comes_with_it,
    an_order_of_texts_codes_and_dates_is_kept_across_its_pages,
    the_pages_of_a_search_are_what_the_first_one_saw_while_documents_change,
}

/// The titles of what is included, by type.
fn included(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    assert_eq!(faults(&body), []);
    let entries = body["entry"].as_array().cloned().unwrap_or_default();
    let beside = entries.iter().filter(|entry| entry["search"]["mode"] == "include");
    let mut names: Vec<String> = beside
        .map(|entry| {
            let resource = &entry["resource"];
            let place = format!("{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
            assert!(entry["fullUrl"].as_str().unwrap().ends_with(&place), "{entry}");
            let title = resource["content"][0]["attachment"]["title"].as_str();
            format!("{} {}", resource["resourceType"].as_str().unwrap(), title.unwrap_or_default())
                .trim_end()
                .to_owned()
        })
        .collect();
    names.sort();
    names
}

/// A, B and C; D appends to A, E (hidden from nurses) appends to B. Answers their places.
async fn linked(server: &TestServer) -> Vec<String> {
    three_documents(server).await;
    let martin = server.professional("dr-martin").await;
    let all = martin.get(&format!("/fhir/DocumentReference?{DOMINIQUE}&status=current&_sort=_lastUpdated")).await;
    let place = |fiche: &Value| format!("DocumentReference/{}", fiche["id"].as_str().unwrap());
    let mut places: Vec<String> = all.matches().iter().map(place).collect();
    for (title, target, is_hidden) in [("D", 0, false), ("E", 1, true)] {
        let mut bundle = server.bundle_of(&titled(title, "2026-08-01T08:00:00Z"), "dominique", "dr-martin");
        bundle["entry"][1]["resource"]["relatesTo"] =
            json!([{ "code": "appends", "target": { "reference": places[target] } }]);
        if is_hidden {
            label(&mut bundle, "MASQUE_PS");
        }
        places.push(martin.post("/fhir", &bundle).await.locations()[1].clone());
        server.clock.advance(SignedDuration::from_secs(1));
    }
    places
}

async fn documents_are_found_by_what_they_are_linked_with(db: Db) {
    let server = TestServer::start_on(db).await;
    let places = linked(&server).await;
    let (martin, leroy) = (server.professional("dr-martin").await, server.professional("inf-leroy").await);
    let id = |place: &str| place.split('/').next_back().unwrap().to_owned();
    let set = |answer: Answer| id(answer.json()["entry"][0]["fullUrl"].as_str().unwrap());
    let of_a = set(martin.get(&format!("/fhir/List?{DOMINIQUE}&code=submissionset&item={}", places[0])).await);
    for (query, physician, nurse) in [
        // Along relations, and back.
        ("relatesto:DocumentReference.type=11488-4".to_owned(), "D", "D"),
        ("relatesto:DocumentReference.type=34112-3".to_owned(), "E", ""),
        (format!("relatesto:DocumentReference._id={}", id(&places[1])), "E", ""),
        ("relatesto.author.family=martin".to_owned(), "E D", "D"),
        ("_has:DocumentReference:relatesto:relation=appends".to_owned(), "B A", "A"),
        ("_has:DocumentReference:relatesto:security-label=MASQUE_PS".to_owned(), "B", ""),
        ("_has:DocumentReference:relatesto:security-label:not=MASQUE_PS".to_owned(), "A", "A"),
        ("relatesto:DocumentReference._has:DocumentReference:relatesto:relation=appends".to_owned(), "E D", "D"),
        // Through lists.
        (format!("_list={of_a}"), "A", "A"),
        (format!("_has:List:item:_id={of_a}"), "A", "A"),
        ("_has:List:item:source.family=petit".to_owned(), "C", "C"),
        ("_has:List:item:code=submissionset&type=34112-3".to_owned(), "B", "B"),
        ("_has:List:item:code=folder".to_owned(), "", ""),
        // Into contained resources, by rows and without.
        ("author.family=petit".to_owned(), "C", "C"),
        ("custodian:Organization.name=hopital".to_owned(), "C", "C"),
        ("custodian.name:contains=DOCTEUR".to_owned(), "E D B A", "D B A"),
        ("author:PractitionerRole.organization.name=hopital".to_owned(), "C", "C"),
        ("author:PractitionerRole.organization.identifier=1750803447".to_owned(), "C", "C"),
        ("author:PractitionerRole.practitioner:Practitioner.family:exact=PETIT".to_owned(), "C", "C"),
        // Read in the resource.
        ("type:text=CR hospitalier".to_owned(), "B", "B"),
        ("category:text=compte".to_owned(), "E D C B A", "D C B A"),
        ("_content=hospitalier cabinet".to_owned(), "B", "B"),
        ("_text=x".to_owned(), "", ""),
        ("type:not-in=JDV_J07-XdsTypeCode-CISIS".to_owned(), "", ""),
        ("category:in=JDV_J06-XdsClassCode-CISIS&_content=petit".to_owned(), "C", "C"),
        ("location:below=Binary".to_owned(), "E D C B A", "D C B A"),
        ("_lastUpdated=ge2026-11-22T10:00:03Z".to_owned(), "E D", "D"),
    ] {
        let encoded = query.replace(' ', "%20");
        for (reader, expected) in [(&martin, physician), (&leroy, nurse)] {
            let found = reader.get(&format!("/fhir/DocumentReference?{DOMINIQUE}&status=current&{encoded}")).await;
            assert_eq!(titles(&found), expected, "{query}");
            assert_eq!(total(&found), i64::try_from(expected.split_whitespace().count()).unwrap(), "{query}");
            let own = found.json()["link"][0]["url"].as_str().unwrap().to_owned();
            assert!(own.contains(query.split('=').next().unwrap()), "{own} is what was applied");
        }
    }
    for (query, physician, nurse) in [
        ("item:DocumentReference.security-label=MASQUE_PS", 1, 0),
        ("item:DocumentReference.type=34112-3", 1, 1),
        ("_has:List:item:code=submissionset", 0, 0),
    ] {
        for (reader, expected) in [(&martin, physician), (&leroy, nurse)] {
            let found = reader.get(&format!("/fhir/List?{DOMINIQUE}&code=submissionset&{query}")).await;
            assert_eq!(total(&found), expected, "List?{query}");
        }
    }
    // What a query says in its URL and in its form are one query.
    let url = format!("/fhir/DocumentReference/_search?{DOMINIQUE}&status=current");
    let posted = martin.form(&url, &[("_has:DocumentReference:relatesto:relation", "appends")]).await;
    assert_eq!(titles(&posted), "B A");
}

async fn what_points_to_a_document_and_what_it_points_to_comes_with_it(db: Db) {
    let server = TestServer::start_on(db).await;
    let places = linked(&server).await;
    let (martin, leroy) = (server.professional("dr-martin").await, server.professional("inf-leroy").await);
    let id = |place: &str| place.split('/').next_back().unwrap().to_owned();
    let fiche = |named: &str, includes: &str| {
        format!("/fhir/DocumentReference?{DOMINIQUE}&status=current&{named}&{includes}").replace(' ', "%20")
    };
    let a = format!("_id={}", id(&places[0]));
    let b = format!("_id={}", id(&places[1]));
    for (named, includes, physician, nurse) in [
        (&a, "_revinclude=DocumentReference:relatesto", vec!["DocumentReference D"], vec!["DocumentReference D"]),
        (&b, "_revinclude=DocumentReference:relatesto", vec!["DocumentReference E"], vec![]),
        (&b, "_revinclude=List:item", vec!["List"], vec!["List"]),
        (
            &a,
            "_revinclude=DocumentReference:relatesto&_revinclude:iterate=List:item",
            vec!["DocumentReference D", "List", "List"],
            vec!["DocumentReference D", "List", "List"],
        ),
        (
            &b,
            "_revinclude=DocumentReference:relatesto&_revinclude:iterate=List:item",
            vec!["DocumentReference E", "List", "List"],
            vec!["List"],
        ),
        (&a, "_include=*", vec!["Patient"], vec!["Patient"]),
        (&a, "_include=DocumentReference:author", vec![], vec![]),
        (&a, "_include=DocumentReference:patient:Patient", vec!["Patient"], vec!["Patient"]),
    ] {
        for (reader, expected) in [(&martin, physician), (&leroy, nurse)] {
            let answer = reader.get(&fiche(named, includes)).await;
            assert_eq!(included(&answer), expected, "{includes}");
            assert_eq!((total(&answer), answer.matches().len()), (1, 1), "what is included does not count");
        }
    }
    let d = format!("_id={}", id(&places[3]));
    let forth = martin.get(&fiche(&d, "_include=DocumentReference:relatesto")).await;
    assert_eq!(included(&forth), ["DocumentReference A"]);
    let whole = martin.get(&fiche("type:missing=false", "_include=DocumentReference:relatesto")).await;
    assert_eq!((included(&whole), total(&whole)), (vec![], 5), "nothing twice");
}

/// The pages of a search until its end.
async fn pages(actor: &Actor, start: &str, between: impl AsyncFn(usize)) -> Vec<Answer> {
    let (mut next, mut all) = (Some(start.to_owned()), Vec::new());
    while let Some(url) = next {
        let page = actor.get(&url).await;
        assert_eq!(page.status, 200, "{}", page.text());
        let body = page.json();
        let link = body["link"].as_array().unwrap().iter().find(|link| link["relation"] == "next");
        next = link.map(|link| link["url"].as_str().unwrap().to_owned());
        all.push(page);
        between(all.len()).await;
    }
    all
}

fn joined(pages: &[Answer]) -> String {
    pages.iter().map(titles).filter(|titles| !titles.is_empty()).collect::<Vec<_>>().join(" ")
}

async fn an_order_of_texts_codes_and_dates_is_kept_across_its_pages(db: Db) {
    let server = TestServer::start_on(db).await;
    linked(&server).await;
    let martin = server.professional("dr-martin").await;
    for (sort, expected) in [
        // Types: 11488-4 but for B, 34112-3.
        ("type,date", "A C D E B"),
        ("-type,-date", "B D E C A"),
        ("author.family,-_lastUpdated", "E D B A C"),
        ("-author.family,-_lastUpdated", "C E D B A"),
        ("setting,contenttype,-date", "D E C B A"),
        ("relatesto:missing", ""),
    ] {
        for size in [1, 2, 50] {
            let start = format!("/fhir/DocumentReference?{DOMINIQUE}&status=current&_sort={sort}&_count={size}");
            if expected.is_empty() {
                assert_eq!(martin.get(&start).await.outcome(), "400 parametre-non-pris-en-charge", "{sort}");
                continue;
            }
            assert_eq!(joined(&pages(&martin, &start, async |_| ()).await), expected, "{sort} by {size}");
        }
    }
}

async fn change(actor: &Actor, place: &str, patch: Value) {
    let headers = [("content-type", "application/json-patch+json")];
    let answer = actor.send(Method::PATCH, &format!("/fhir/{place}"), &headers, patch.to_string().into_bytes()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// Another confidentiality: a new version that every reader sees as before.
fn relabelled(code: &str) -> Value {
    let system = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
    json!([{ "op": "replace", "path": "/securityLabel/0", "value": { "coding": [{ "system": system, "code": code }] } }])
}

fn withdrawn() -> Value {
    json!([{ "op": "replace", "path": "/status", "value": "entered-in-error" }])
}

async fn the_pages_of_a_search_are_what_the_first_one_saw_while_documents_change(db: Db) {
    let server = TestServer::start_on(db).await;
    let martin = server.professional("dr-martin").await;
    let mut places = Vec::new();
    for title in ["A", "B", "C", "D", "E", "F"] {
        let bundle = server.bundle_of(&titled(title, "2026-03-10T08:00:00Z"), "dominique", "dr-martin");
        places.push(martin.post("/fhir", &bundle).await.locations()[1].clone());
        server.clock.advance(SignedDuration::from_secs(1));
    }
    // Between pages: one not shown yet changes and would come first, one shown changes, one is new.
    for (sort, expected) in
        [("-_lastUpdated", "F E D C B A"), ("_lastUpdated", "A B C D E F"), ("type,_lastUpdated", "A B C D E F")]
    {
        let start =
            format!("/fhir/DocumentReference?{DOMINIQUE}&status=current&security-label=N&_sort={sort}&_count=2");
        let start = format!("{start}&date=lt2026-04");
        let places = &places;
        let all = pages(&martin, &start, async |page| {
            server.clock.advance(SignedDuration::from_secs(1));
            if page == 1 {
                for place in [&places[1], &places[4]] {
                    change(&martin, place, relabelled("R")).await;
                }
            }
            let added = server.bundle_of(&titled("N", "2026-03-09T08:00:00Z"), "dominique", "dr-martin");
            martin.post("/fhir", &added).await.locations();
        })
        .await;
        assert_eq!(joined(&all), expected, "{sort}");
        assert!(all.iter().all(|page| total(page) == total(&all[0])), "one total on all pages");
        // The next order begins with the same six, the oldest first.
        let added = martin.get(&format!("/fhir/DocumentReference?{DOMINIQUE}&status=current&date=2026-03-09")).await;
        for fiche in added.matches() {
            let place = format!("DocumentReference/{}", fiche["id"].as_str().unwrap());
            change(&martin, &place, withdrawn()).await;
        }
        for place in places {
            server.clock.advance(SignedDuration::from_secs(1));
            change(&martin, place, relabelled("R")).await;
            change(&martin, place, relabelled("N")).await;
        }
    }
    // What is hidden or withdrawn after the first page is shown no more, and nothing else is lost.
    let start =
        format!("/fhir/DocumentReference?{DOMINIQUE}&status=current&date=2026-03-10&_sort=_lastUpdated&_count=2");
    let places = &places;
    let all = pages(&martin, &start, async |page| {
        server.clock.advance(SignedDuration::from_secs(1));
        if page == 1 {
            change(&martin, &places[3], withdrawn()).await;
        }
    })
    .await;
    assert_eq!(joined(&all), "A B C E F");
}

#[test]
fn no_page_doubles_or_loses_a_document_while_a_writer_runs() {
    block_on(async {
        let server = Arc::new(TestServer::start().await);
        let martin = server.professional("dr-martin").await;
        let mut places = Vec::new();
        for number in 0..8 {
            let bundle =
                server.bundle_of(&titled(&format!("D{number}"), "2026-03-10T08:00:00Z"), "dominique", "dr-martin");
            places.push(martin.post("/fhir", &bundle).await.locations()[1].clone());
            server.clock.advance(SignedDuration::from_secs(1));
        }
        let is_over = AtomicBool::new(false);
        let writer = async {
            let mut turn = 0_usize;
            while !is_over.load(Ordering::Acquire) {
                server.clock.advance(SignedDuration::from_millis(7));
                let place = &places[turn * 5 % places.len()];
                change(&martin, place, relabelled(if (turn / places.len()).is_multiple_of(2) { "R" } else { "N" }))
                    .await;
                turn += 1;
            }
            turn
        };
        let reader = async {
            let query = "status=current&date=2026-03-10&_count=3";
            for sort in ["-_lastUpdated", "_lastUpdated", "-date", "type,-_lastUpdated"].iter().cycle().take(12) {
                let start = format!("/fhir/DocumentReference?{DOMINIQUE}&{query}&_sort={sort}");
                let all = pages(&martin, &start, async |_| ()).await;
                let mut seen: Vec<String> = joined(&all).split(' ').map(str::to_owned).collect();
                seen.sort();
                assert_eq!(seen.join(" "), "D0 D1 D2 D3 D4 D5 D6 D7", "{sort}");
            }
            is_over.store(true, Ordering::Release);
        };
        let (turns, ()) = futures_util::future::join(writer, reader).await;
        assert!(turns > 20, "{turns} changes");
    });
}

#[test]
fn a_token_that_serves_one_record_needs_no_patient_in_its_searches() {
    block_on(async {
        let server = TestServer::start().await;
        three_documents(&server).await;
        let dominique = server.patient("dominique", "dominique").await;
        server.put_space("dominique", espace::model::profile::SpaceState::Activated).await;
        let found = dominique.get("/fhir/DocumentReference?status=current").await;
        assert_eq!(titles(&found), "C B A");
        let own = found.json()["link"][0]["url"].as_str().unwrap().to_owned();
        assert!(own.contains(&format!("patient=Patient%2F{}", server.persona("dominique").key)), "{own}");
        assert_eq!(total(&dominique.get("/fhir/List?code=submissionset").await), 3);
        assert_eq!(dominique.get("/fhir/AuditEvent?date=2026").await.status, 200);
        let pages = pages(&dominique, "/fhir/DocumentReference?status=current&_count=1", async |_| ()).await;
        assert_eq!(joined(&pages), "C B A");
        let martin = server.professional("dr-martin").await;
        assert_eq!(martin.get("/fhir/DocumentReference?status=current").await.outcome(), "400 required patient");
    });
}

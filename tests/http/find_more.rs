//! ITI-67 beyond its filters: archived fiches, orders, parts, inclusions, identifiers, forms (MHD §1.5, PDSm §1.3).

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use super::document_reference::{three_documents, titled, titles, total};
use super::{DOMINIQUE, faults};
use crate::support::db::{Db, block_on, stories};
use crate::support::server::TestServer;

stories! {
    ds_42_archived_fiches_and_lists_come_only_when_asked_for,
    ds_43_an_author_finds_his_document_by_any_of_its_identifiers,
    ds_45_pages_in_an_order_of_several_keys_meet_without_gap_or_overlap,
}

/// Marks a resource of a bundle as archived, or as not.
fn flag(resource: &mut Value, is_archived: bool) {
    let flag = json!({
        "url": "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-ext-is-archived",
        "valueBoolean": is_archived,
    });
    match resource["extension"].as_array_mut() {
        Some(extensions) => extensions.push(flag),
        None => resource["extension"] = json!([flag]),
    }
}

async fn ds_42_archived_fiches_and_lists_come_only_when_asked_for(db: Db) {
    let server = TestServer::start_on(db).await;
    let martin = server.professional("dr-martin").await;
    let mut archived = Value::Null;
    for (title, is_archived) in [("bare", None), ("archived", Some(true)), ("flagged", Some(false))] {
        let mut bundle = server.bundle_of(&titled(title, "2026-03-10T08:00:00Z"), "dominique", "dr-martin");
        if let Some(is_archived) = is_archived {
            flag(&mut bundle["entry"][0]["resource"], is_archived);
            flag(&mut bundle["entry"][1]["resource"], is_archived);
        }
        martin.post("/fhir", &bundle).await.locations();
        server.clock.advance(SignedDuration::from_secs(1));
        if title == "archived" {
            archived = bundle;
        }
    }
    for (filter, expected) in [
        ("", "flagged bare"),
        ("&isArchived=true", "archived"),
        ("&isArchived=false", "flagged bare"),
        ("&isArchived=true,false", "flagged archived bare"),
        ("&isArchived:not=true", "flagged bare"),
        ("&isArchived:not=false", "archived"),
        ("&isArchived:missing=true", "bare"),
        ("&isArchived:missing=false", "flagged"),
        ("&isArchived=false&isArchived=true", ""),
    ] {
        let fiches = martin.get(&format!("/fhir/DocumentReference?{DOMINIQUE}&status=current{filter}")).await;
        assert_eq!(titles(&fiches), expected, "{filter}");
        let count = i64::try_from(expected.split_whitespace().count()).unwrap();
        assert_eq!(total(&fiches), count, "{filter}");
        let lists = martin.get(&format!("/fhir/List?{DOMINIQUE}&code=submissionset{filter}")).await;
        assert_eq!(super::find_lists::titles(&lists), expected, "lists {filter}");
    }
    // Who names it asks for it: how else would it be unarchived?
    let by_identifier = format!("/fhir/DocumentReference?{DOMINIQUE}&identifier={}", super::master(&archived));
    assert_eq!(titles(&martin.get(&by_identifier).await), "archived");
}

async fn ds_43_an_author_finds_his_document_by_any_of_its_identifiers(db: Db) {
    let server = TestServer::start_on(db).await;
    let (martin, laurent) = (server.professional("dr-martin").await, server.professional("bio-laurent").await);
    let (own, foreign) = (server.bundle("dominique", "bio-laurent"), server.bundle("dominique", "dr-martin"));
    let locations = laurent.post("/fhir", &own).await.locations();
    martin.post("/fhir", &foreign).await.locations();
    let text = |bundle: &Value, pointer: &str| {
        bundle["entry"][1]["resource"].pointer(pointer).and_then(Value::as_str).unwrap().to_owned()
    };
    let (unique, entry_uuid) = (text(&own, "/masterIdentifier/value"), text(&own, "/identifier/0/value"));
    let other = text(&foreign, "/identifier/0/value");
    let labo = server.structure("labo").await;
    for (caller, name) in [(&laurent, "author"), (&labo, "structure"), (&martin, "reader")] {
        for value in [
            unique.clone(),
            format!("urn:ietf:rfc:3986%7C{unique}"),
            entry_uuid.clone(),
            format!("urn:ietf:rfc:3986%7C{entry_uuid}"),
            format!("{unique}&identifier={entry_uuid}"),
        ] {
            let found = caller.get(&format!("/fhir/DocumentReference?{DOMINIQUE}&identifier={value}")).await;
            let ids: Vec<_> = found.matches().iter().map(|fiche| fiche["id"].as_str().unwrap().to_owned()).collect();
            assert_eq!(format!("DocumentReference/{}", ids.join(",")), locations[1], "{name} {value}");
            let told = &found.matches()[0]["identifier"];
            assert!(told.as_array().unwrap().iter().any(|known| known["value"] == entry_uuid.as_str()), "{name}");
        }
    }
    let find = |value: &str| format!("/fhir/DocumentReference?{DOMINIQUE}&identifier={value}");
    assert_eq!(labo.get(&find(&other)).await.outcome(), "403 forbidden", "another's, by its entryUUID");
    assert_eq!(labo.get(&find(&format!("{other},{unique}"))).await.matches().len(), 1);
    assert_eq!(labo.get(&find(&format!("{other}&identifier={unique}"))).await.outcome(), "403 forbidden");
    // An identifier that must be absent, or present, names no document.
    for named in ["identifier:missing=false", "identifier:not=x"] {
        let answer = martin.get(&format!("/fhir/DocumentReference?{DOMINIQUE}&{named}")).await;
        assert_eq!(answer.outcome(), "400 required status", "{named}");
    }
}

async fn ds_45_pages_in_an_order_of_several_keys_meet_without_gap_or_overlap(db: Db) {
    let server = TestServer::start_on(db).await;
    let martin = server.professional("dr-martin").await;
    for (title, at) in [
        ("A1", "2026-01-10T08:00:00Z"),
        ("B1", "2026-02-10T08:00:00Z"),
        ("A2", "2026-01-10T08:00:00Z"),
        ("B2", "2026-02-10T08:00:00Z"),
        ("A3", "2026-01-10T08:00:00Z"),
    ] {
        martin.post("/fhir", &server.bundle_of(&titled(title, at), "dominique", "dr-martin")).await.locations();
        server.clock.advance(SignedDuration::from_millis(3));
    }
    for (sort, expected) in [
        ("date,_lastUpdated", "A1 A2 A3 B1 B2"),
        ("date,-_lastUpdated", "A3 A2 A1 B2 B1"),
        ("-date,_lastUpdated", "B1 B2 A1 A2 A3"),
        ("-date,-creation,-_lastUpdated", "B2 B1 A3 A2 A1"),
        ("-_lastUpdated,date", "A3 B2 A2 B1 A1"),
    ] {
        for size in [1, 2, 5] {
            let start = format!("/fhir/DocumentReference?{DOMINIQUE}&status=current&date=lt2026-11&_sort={sort}");
            let mut next = Some(format!("{start}&_count={size}"));
            let mut seen = Vec::new();
            while let Some(url) = next {
                let page = martin.get(&url).await;
                assert_eq!(total(&page), 5);
                seen.push(titles(&page));
                let body = page.json();
                let link = body["link"].as_array().unwrap().iter().find(|link| link["relation"] == "next");
                next = link.map(|link| link["url"].as_str().unwrap().to_owned());
            }
            assert_eq!(seen.join(" "), expected, "{sort} by {size}");
        }
    }
}

#[test]
fn parts_of_fiches_are_what_is_asked_and_tagged_as_parts() {
    block_on(async {
        let server = TestServer::start().await;
        three_documents(&server).await;
        let martin = server.professional("dr-martin").await;
        let all = format!("/fhir/DocumentReference?{DOMINIQUE}&status=current");
        for (shape, present, absent) in [
            ("_elements=type,author", "type", "context"),
            ("_summary=true", "context", "authenticator"),
            ("_summary=text", "content", "type"),
            ("_summary=data", "authenticator", "text"),
        ] {
            let answer = martin.get(&format!("{all}&{shape}")).await;
            let fiches = answer.matches();
            assert_eq!((fiches.len(), total(&answer)), (3, 3), "{shape}");
            for fiche in &fiches {
                assert_eq!(fiche["meta"]["tag"][0]["code"], "SUBSETTED", "{shape}");
                assert!(fiche[present] != Value::Null && fiche[absent] == Value::Null, "{shape}: {fiche}");
                let url = fiche["content"][0]["attachment"]["url"].as_str().unwrap();
                assert_eq!(martin.get(url).await.status, 200, "{shape}: the address is whole");
            }
            assert!(answer.json()["link"][0]["url"].as_str().unwrap().contains(shape.split('=').next().unwrap()));
        }
        let whole = martin.get(&format!("{all}&_summary=false")).await;
        assert!(!whole.text().contains("SUBSETTED"));
        for total_asked in ["none", "estimate", "accurate"] {
            let answer = martin.get(&format!("{all}&_total={total_asked}")).await;
            assert_eq!(total(&answer), 3, "MHD demands a total whatever is asked: {total_asked}");
            assert_eq!(faults(&answer.json()), []);
        }
    });
}

#[test]
fn ds_38_a_form_is_bounded_and_read_only_of_who_may_ask() {
    block_on(async {
        let server = TestServer::start().await;
        let martin = server.professional("dr-martin").await;
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let query = format!("{DOMINIQUE}&status=current");
        let padded = |length: usize| format!("{query}&{}", "&".repeat(length - query.len() - 1)).into_bytes();
        for path in ["/fhir/DocumentReference/_search", "/fhir/List/_search"] {
            let largest = martin.send(Method::POST, path, &form, padded(65_536)).await;
            let expected = if path.contains("List") { "400 required code" } else { "" };
            assert_eq!(if expected.is_empty() { String::new() } else { largest.outcome() }, expected);
            assert!(!expected.is_empty() || largest.status == 200, "{path}");
            assert_eq!(martin.send(Method::POST, path, &form, padded(65_537)).await.outcome(), "413 too-long");
            // To who may not ask, the gate answers before the form is looked at.
            let feeder = server.certificate("cabinet").as_professional("dr-martin", &[("scope", "ITI-65")]).await;
            assert_eq!(
                feeder.send(Method::POST, path, &form, padded(65_537)).await.outcome(),
                "403 forbidden",
                "{path}"
            );
            let json = [("content-type", "application/json")];
            assert_eq!(martin.send(Method::POST, path, &json, b"{}".to_vec()).await.status, 415, "{path}");
        }
    });
}

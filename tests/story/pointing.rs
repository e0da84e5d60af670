//! What a visible thing says of a hidden one: relations, folders, submission sets (contract §8).

use reqwest::Method;
use serde_json::{Value, json};

use super::folders::{own, with_folder};
use super::replacement::relating;
use super::traces_are_whole;
use super::visibility::{all, flagged, seen};
use crate::support::client::Actor;
use crate::support::db::{Db, stories};
use crate::support::server::TestServer;

stories! {
    a_relation_with_a_hidden_fiche_is_shown_to_who_sees_both_and_finds_nothing_for_others,
    a_folder_shows_its_hidden_lines_to_who_sees_them_and_is_there_for_the_others,
}

async fn read(actor: &Actor, reference: &str) -> Value {
    let answer = actor.get(&format!("/fhir/{reference}")).await;
    assert_eq!(answer.status, 200, "{reference}: {}", answer.text());
    answer.json()
}

async fn a_relation_with_a_hidden_fiche_is_shown_to_who_sees_both_and_finds_nothing_for_others(db: Db) {
    let server = TestServer::start_on(db).await;
    let (martin, petit, leroy) = (
        server.professional("dr-martin").await,
        server.professional("dr-petit").await,
        server.professional("inf-leroy").await,
    );
    let masked = flagged(server.bundle("dominique", "dr-petit"), "MASQUE_PS");
    let hidden = petit.post("/fhir", &masked).await.locations()[1].clone();
    let shown = petit.post("/fhir", &server.bundle("dominique", "dr-petit")).await.locations()[1].clone();
    let target = |place: &str| json!({ "reference": place });
    let alone = relating(&server, "dr-petit", "appends", &target(&hidden));
    let alone = petit.post("/fhir", &alone).await.locations()[1].clone();
    let mut both = relating(&server, "dr-petit", "transforms", &target(&hidden));
    let more = json!({ "code": "appends", "target": target(&shown) });
    both["entry"][1]["resource"]["relatesTo"].as_array_mut().unwrap().push(more.clone());
    let both = petit.post("/fhir", &both).await.locations()[1].clone();

    let url = all(&server, "dominique");
    for (reader, sees) in [(&martin, true), (&petit, true), (&leroy, false)] {
        for place in [alone.clone(), format!("{alone}/_history/1")] {
            assert_eq!(read(reader, &place).await.get("relatesTo").is_some(), sees, "{place}");
        }
        let kept = read(reader, &both).await["relatesTo"].clone();
        if sees {
            assert_eq!(kept.as_array().unwrap().len(), 2);
        } else {
            assert_eq!(kept, json!([more]), "the visible relation stays");
        }
        for place in [&alone, &both] {
            let history = reader.get(&format!("/fhir/{place}/_history")).await;
            assert_eq!((history.status.as_u16(), history.text().contains(&hidden)), (200, sees));
        }
        assert_eq!(reader.get(&url).await.text().contains(&hidden), sees, "in a search");
        let sets = url.replace("DocumentReference?", "List?") + "&code=submissionset&_include=List:item";
        assert_eq!(reader.get(&sets).await.text().contains(&hidden), sees, "in an inclusion");
        for (query, whole, blind) in [
            (format!("relatesto={hidden}"), 2, 0),
            (format!("relatesto={}/{hidden}", server.base()), 2, 0),
            (format!("relatesto={hidden},{shown}"), 2, 1),
            (format!("relatesto={shown}"), 1, 1),
            ("relatesto:missing=false".to_owned(), 2, 1),
            ("relatesto:missing=true".to_owned(), 2, 2),
            ("relation=appends".to_owned(), 2, 1),
            ("relation:not=appends".to_owned(), 2, 2),
            (format!("relationship={hidden}$appends"), 1, 0),
            (format!("relationship={shown}$appends"), 1, 1),
            (format!("_id={}&_include=DocumentReference:relatesto", alone.split('/').next_back().unwrap()), 1, 1),
        ] {
            let answer = reader.get(&format!("{url}&{query}")).await;
            let total = answer.json()["total"].as_u64().unwrap_or(999);
            // All see two fiches without a relation; who does not see the hidden one sees `alone` as another.
            let count = if sees { whole } else { blind };
            assert_eq!(total, count, "{query}: {}", answer.text());
            assert!(sees || !answer.text().contains(&format!("/{hidden}")), "{query}");
        }
    }
    lifted(&petit, &hidden).await;
    assert_eq!(seen(&leroy, &format!("{url}&relatesto={hidden}")).await, (2, 2), "seen once more, told once more");
    traces_are_whole(&server).await;
}

/// The author shows a masked document again.
async fn lifted(author: &Actor, hidden: &str) {
    let lift = json!([{ "op": "remove", "path": "/securityLabel/1" }]);
    let form = [("content-type", "application/json-patch+json")];
    let lifted = author.send(Method::PATCH, &format!("/fhir/{hidden}"), &form, lift.to_string().into_bytes()).await;
    assert_eq!(lifted.status, 200, "{}", lifted.text());
}

async fn a_folder_shows_its_hidden_lines_to_who_sees_them_and_is_there_for_the_others(db: Db) {
    let server = TestServer::start_on(db).await;
    let (martin, leroy) = (server.professional("dr-martin").await, server.professional("inf-leroy").await);
    let masked = flagged(server.bundle("dominique", "dr-martin"), "MASQUE_PS");
    let first = martin.post("/fhir", &with_folder(masked.clone(), "POST", "List", &[own(&masked)])).await.locations();
    let (hidden, folder) = (first[1].clone(), first[3].clone());
    assert_eq!(leroy.get(&format!("/fhir/{folder}")).await.outcome(), "404 not-found", "it holds nothing else");
    assert_eq!(leroy.get(&format!("/fhir/{folder}/_history")).await.outcome(), "404 not-found");

    // A second version holds a document of everybody too; so does a set that lists the hidden one.
    let bundle = server.bundle("dominique", "dr-martin");
    let items = [json!({ "reference": hidden }), own(&bundle)];
    let mut second = with_folder(bundle, "PUT", &folder, &items);
    second["entry"][0]["resource"]["entry"].as_array_mut().unwrap().push(json!({ "item": { "reference": hidden } }));
    let second = martin.post("/fhir", &second).await.locations();
    for (reader, sees) in [(&martin, true), (&leroy, false)] {
        for place in [format!("{folder}/_history/2"), folder.clone()] {
            let shown = read(reader, &place).await;
            let lines: Vec<_> =
                shown["entry"].as_array().unwrap().iter().map(|e| e["item"]["reference"].clone()).collect();
            let expected = if sees { vec![json!(hidden), json!(second[1])] } else { vec![json!(second[1])] };
            assert_eq!(lines, expected, "{place}");
        }
        let set = read(reader, &second[0]).await;
        assert_eq!(set["entry"].as_array().unwrap().len(), if sees { 3 } else { 2 }, "{set}");
        for place in
            [format!("/fhir/{folder}/_history"), format!("/fhir/{folder}/_history/1"), format!("/fhir/{folder}")]
        {
            let answer = reader.get(&place).await;
            assert_eq!((answer.status.as_u16(), answer.text().contains(&hidden)), (200, sees), "{place}");
        }
        let folders = all(&server, "dominique").replace("DocumentReference?", "List?") + "&code=folder";
        let found = reader.get(&folders).await;
        assert_eq!((found.matches().len(), found.text().contains(&hidden)), (1, sees));
        assert_eq!(seen(reader, &format!("{folders}&item={hidden}")).await.0, usize::from(sees));
    }
    traces_are_whole(&server).await;
}

//! Search of several types at once: the operator's, and of the directory (R4 `http.html#search`; contract
//! §8).

use serde_json::{Value, json};

use super::transaction::{bundle, entry, operator, place};
use crate::support::client::Answer;
use crate::support::db::{Db, stories};
use crate::support::server::TestServer;

stories! { several_types_are_searched_page_by_page_by_their_operator_alone }

/// `Type/id` of the matches of a page.
fn names(answer: &Answer) -> Vec<String> {
    let name = |found: &Value| format!("{}/{}", found["resourceType"].as_str().unwrap(), found["id"].as_str().unwrap());
    answer.matches().iter().map(name).collect()
}

async fn several_types_are_searched_page_by_page_by_their_operator_alone(db: Db) {
    let server = TestServer::start_on(db).await;
    let operator = operator(&server).await;
    let tagged = |mut resource: Value, id: &str| {
        resource["id"] = json!(id);
        resource["meta"] = json!({ "tag": [{ "system": "urn:x", "code": "t" }] });
        resource
    };
    let organization = json!({ "resourceType": "Organization", "name": "x" });
    let mut entries = vec![entry("PUT", "Organization/o", tagged(organization, "o"))];
    for id in ["a", "b", "c"] {
        entries.push(entry("PUT", &format!("Location/{id}"), tagged(place(id, id), id)));
    }
    assert_eq!(operator.post("/fhir", &bundle("transaction", entries)).await.status, 200);
    let whole = operator.get("/fhir?_type=Location,Organization&_tag=urn:x%7Ct").await;
    assert_eq!(whole.json()["total"], 4);
    let all = names(&whole);
    assert_eq!((all.len(), all[3].as_str()), (4, "Organization/o"));
    for count in 1..=4 {
        let mut read = Vec::new();
        let mut page = operator.get(&format!("/fhir/?_type=Location,Organization&_tag=urn:x%7Ct&_count={count}")).await;
        loop {
            assert_eq!(page.json()["total"], 4);
            read.extend(names(&page));
            let links = page.json()["link"].clone();
            let next = links.as_array().unwrap().iter().find(|link| link["relation"] == "next").cloned();
            let Some(next) = next else { break };
            page = operator.get(next["url"].as_str().unwrap()).await;
            assert!(page.matches().len() <= count);
        }
        assert_eq!(read, all, "pages of {count}");
    }
    let counted = operator.form("/fhir/_search", &[("_tag", "urn:x|t"), ("_summary", "count")]).await;
    assert_eq!((&counted.json()["total"], counted.matches().len()), (&json!(4), 0), "every type where none is named");
    for (query, expected) in [
        ("_type=Cupboard", "400 value _type"),
        ("_type=Location&name=a", "400 parametre-non-pris-en-charge name"),
        ("_type=Location&_sort=name", "400 parametre-non-pris-en-charge _sort"),
        ("_type=Location,Patient", "403 forbidden"),
        ("_type=Observation", "403 forbidden"),
    ] {
        assert_eq!(operator.get(&format!("/fhir?{query}")).await.outcome(), expected, "{query}");
    }
    let key = server.persona("dominique").key;
    for reader in [server.professional("dr-martin").await, super::transaction::person(&server, "dominique").await] {
        for query in ["_type=Location", "_type=Observation", &format!("_type=Patient&_id={key}"), ""] {
            assert_eq!(reader.get(&format!("/fhir?{query}")).await.outcome(), "403 forbidden");
        }
    }
}

//! Batches: every entry answered as it would be alone (R4 `http.html#transaction`).

use serde_json::{Value, json};

use super::DOMINIQUE;
use super::transaction::{bundle, entry, operator, place};
use crate::support::client::{Actor, Answer};
use crate::support::db::{Db, stories};
use crate::support::server::TestServer;

stories! {
    each_entry_of_a_batch_is_answered_and_traced_as_alone,
    a_batch_tells_no_more_than_its_entries_alone,
}

const A: &str = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0";

async fn batch(actor: &Actor, entries: Vec<Value>) -> Answer {
    actor.post("/fhir", &bundle("batch", entries)).await
}

/// `status` and, of a refusal, its code and place.
fn answered(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    assert_eq!(body["type"], "batch-response");
    let line = |entry: &Value| {
        let response = &entry["response"];
        let issue = &response["outcome"]["issue"][0];
        let code = issue["details"]["coding"][0]["code"].as_str().unwrap_or_default();
        let place = issue["expression"][0].as_str().unwrap_or_default();
        format!("{} {code} {place}", response["status"].as_str().unwrap()).trim_end().to_owned()
    };
    body["entry"].as_array().map(|entries| entries.iter().map(line).collect()).unwrap_or_default()
}

fn when(name: &str, value: &str, mut entry: Value) -> Value {
    entry["request"][name] = json!(value);
    entry
}

/// One entry of each kind, each after what it needs.
fn asked(base: &str) -> Vec<Value> {
    let with_id = |id: &str| {
        let mut place = place(id, id);
        place["id"] = json!(id);
        place
    };
    let mut orphan = place("o", "o");
    orphan["partOf"] = json!({ "reference": A });
    let mut named = entry("POST", "Location", place("n", "n"));
    named["fullUrl"] = json!(A);
    let patch = json!({ "resourceType": "Binary", "contentType": "application/json-patch+json",
        "data": "W3sib3AiOiJyZXBsYWNlIiwicGF0aCI6Ii9uYW1lIiwidmFsdWUiOiJ3cmFwcGVkIn1d" });
    vec![
        entry("PUT", "Location/a", with_id("a")),
        named,
        entry("POST", "Location", orphan),
        when("ifMatch", "W/\"1\"", entry("PATCH", "Location/a", patch.clone())),
        when("ifMatch", "W/\"1\"", entry("PATCH", "Location/a", patch)),
        when("ifNoneMatch", "W/\"2\"", entry("GET", "Location/a", Value::Null)),
        when("ifModifiedSince", "2026-11-22T10:00:00Z", entry("GET", "Location/a", Value::Null)),
        when("ifNoneExist", "identifier=urn:x:places|n", entry("POST", "Location", place("n", "n"))),
        entry("GET", &format!("{base}/Location/a"), Value::Null),
        entry("HEAD", "Location/a", Value::Null),
        entry("GET", "Location?identifier=urn:x:places|n", Value::Null),
        entry("POST", "Location/_search?identifier=urn:x:places|n", Value::Null),
        entry("GET", "metadata", Value::Null),
        entry("POST", "Location", json!({ "resourceType": "Location", "status": "open" })),
        entry("DELETE", "Location/a", Value::Null),
        entry("GET", "Location/a", Value::Null),
        entry("GET", "Cupboard", Value::Null),
        entry("PUT", "Location", place("n", "n")),
        entry("GET", "../oauth2/jwks", Value::Null),
        entry("GET", "Practitioner/_history/x/y", Value::Null),
    ]
}

async fn each_entry_of_a_batch_is_answered_and_traced_as_alone(db: Db) {
    let server = TestServer::start_on(db).await;
    let operator = operator(&server).await;
    let answer = batch(&operator, asked(&server.base())).await;
    let expected = [
        "201",
        "201",
        "422 reference Bundle.entry[2].resource",
        "200",
        "412 precondition",
        "304",
        "304",
        "200",
        "200",
        "200",
        "200",
        "200",
        "200",
        "422 code-invalide Location.status",
        "204",
        "410 deleted",
        "404 not-found",
        "400 required criteria",
        "400 value Bundle.entry[18].request.url",
        "404 not-found",
    ];
    assert_eq!(answered(&answer), expected);
    let body = answer.json();
    let at = |number: usize| &body["entry"][number];
    assert_eq!(at(0)["response"]["location"], "Location/a/_history/1");
    assert_eq!(at(3)["response"]["etag"], "W/\"2\"");
    assert_eq!(at(3)["response"]["lastModified"], "2026-11-22T10:00:00.000Z");
    assert_eq!((&at(8)["resource"]["name"], &at(9)["resource"]), (&json!("wrapped"), &Value::Null));
    assert_eq!((&at(10)["resource"]["total"], &at(11)["resource"]["total"]), (&json!(1), &json!(1)));
    assert_eq!(at(12)["resource"]["resourceType"], "CapabilityStatement");
    assert!(at(0).get("resource").is_none(), "nothing but the response unless it is preferred");
    super::super::story::traces_are_whole(&server).await;
}

async fn a_batch_tells_no_more_than_its_entries_alone(db: Db) {
    let server = TestServer::start_on(db).await;
    let martin = server.professional("dr-martin").await;
    let search = format!("DocumentReference?{DOMINIQUE}&status=current");
    let oppose = server.persona("oppose");
    let ins = format!("{}%7C{}", oppose.ins.system(), oppose.ins.value());
    let asked = vec![
        entry("GET", &search, Value::Null),
        entry("GET", &format!("DocumentReference?patient.identifier={ins}&status=current"), Value::Null),
        entry("GET", &format!("Patient?identifier={ins}"), Value::Null),
        entry("GET", &format!("Patient/{}", oppose.key), Value::Null),
        entry("POST", "Location", place("n", "n")),
        entry("POST", "Binary", json!({ "resourceType": "Binary", "contentType": "text/plain", "data": "AAAA" })),
    ];
    let answer = batch(&martin, asked.clone()).await;
    let expected = ["200", "403 forbidden", "200", "404 not-found", "403 forbidden", "404 not-found"];
    assert_eq!(answered(&answer), expected);
    let body = answer.json();
    for (number, asked) in asked.iter().take(4).enumerate() {
        let alone = martin.get(&format!("/fhir/{}", asked["request"]["url"].as_str().unwrap())).await;
        let status = body["entry"][number]["response"]["status"].as_str().unwrap();
        assert_eq!(status, alone.status.as_str());
        let (told, resource) = (&body["entry"][number]["response"]["outcome"], &body["entry"][number]["resource"]);
        if alone.status.is_success() {
            assert_eq!(resource["total"], alone.json()["total"]);
        } else {
            assert_eq!(told["issue"][0]["details"], alone.json()["issue"][0]["details"]);
        }
    }
    // Told by the same traces as alone, and by no other.
    let traces = server.traces("dominique").await;
    assert_eq!(traces.iter().filter(|trace| *trace == "find-document-references 0").count(), 2);
    // A bundle that claims to be a submission is one, whatever its type.
    let mut provide = server.bundle("dominique", "dr-martin");
    provide["type"] = json!("batch");
    assert_eq!(martin.post("/fhir", &provide).await.outcome(), "422 not-supported Bundle.type");
    // Who may not feed is told so of a submission, and only of that.
    let regulator =
        Actor::with_certificate(&server, "cabinet").as_professional("dr-martin", &[("scope", "user/Patient.rs")]).await;
    let provide = server.bundle("dominique", "dr-martin");
    assert_eq!(regulator.post("/fhir", &provide).await.outcome(), "403 forbidden");
    assert_eq!(answered(&batch(&regulator, vec![entry("GET", "Location", Value::Null)]).await), ["200"]);
    assert_eq!(martin.without_token().post("/fhir", &provide).await.outcome(), "401 login");
    super::super::story::traces_are_whole(&server).await;
}

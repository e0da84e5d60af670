//! The directory over the wire: read by every valid token, written by its operator alone, with every
//! interaction of R4 (`http.html`; contract §7, §8).

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use super::faults;
use crate::support::client::{Actor, Answer};
use crate::support::db::{Db, block_on, stories};
use crate::support::server::TestServer;

stories! {
    a_resource_of_the_directory_lives_by_the_rules_of_r4,
    conditions_find_none_one_or_several,
    racers_for_one_identifier_make_one_resource
}

const JSON: (&str, &str) = ("content-type", "application/fhir+json");

/// The operator, with a token of everything he may do.
pub(super) async fn operator(server: &TestServer) -> Actor {
    let scopes =
        ["Practitioner", "PractitionerRole", "Organization", "Location", "HealthcareService", "Endpoint", "Device"]
            .map(|kind| format!("system/{kind}.cruds"));
    Actor::with_certificate(server, "assurance-maladie").as_structure(&[("scope", &scopes.join(" "))]).await
}

pub(super) fn place(number: &str, name: &str) -> Value {
    json!({ "resourceType": "Location", "identifier": [{ "system": "urn:x:places", "value": number }], "name": name })
}

async fn put(actor: &Actor, path: &str, body: &Value) -> Answer {
    actor.send(Method::PUT, path, &[JSON], body.to_string().into_bytes()).await
}

async fn with(actor: &Actor, method: Method, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let headers: Vec<_> = std::iter::once(JSON).filter(|_| !body.is_empty()).chain(headers.iter().copied()).collect();
    actor.send(method, path, &headers, body).await
}

fn with_id(mut body: Value, id: &str) -> Value {
    body["id"] = json!(id);
    body
}

/// `Type/id` of what was made.
fn made(server: &TestServer, answer: &Answer, status: u16) -> String {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
    let location = answer.header("location").strip_prefix(&server.base()).unwrap().trim_start_matches('/');
    location.split_once("/_history/").unwrap().0.to_owned()
}

#[test]
fn the_directory_of_the_demonstration_answers_everybody_in_the_shapes_of_fr_core() {
    block_on(async {
        let server = TestServer::start().await;
        let martin = server.professional("dr-martin").await;
        let dominique = server.patient("dominique", "dominique").await;
        let labo = server.structure("labo").await;
        for reader in [&martin, &dominique, &labo] {
            let found = reader.get("/fhir/Practitioner?identifier=https://rpps.esante.gouv.fr%7C01234567897").await;
            let found = found.matches();
            assert_eq!((found.len(), &found[0]["name"][0]["family"]), (1, &json!("MARTIN")));
            assert_eq!(faults(&found[0]), []);
            assert!(found[0]["meta"]["profile"][0].as_str().unwrap().ends_with("/fr-core-practitioner"));
        }
        let roles = "/fhir/PractitionerRole?practitioner=Practitioner/ps-801234567897\
                     &_include=PractitionerRole:organization&_include=PractitionerRole:practitioner";
        let roles = martin.get(roles).await.json();
        let entries = roles["entry"].as_array().unwrap();
        let shown = |entry: &Value| {
            format!(
                "{} {}",
                entry["search"]["mode"].as_str().unwrap(),
                entry["resource"]["resourceType"].as_str().unwrap()
            )
        };
        let shown: Vec<_> = entries.iter().map(shown).collect();
        assert_eq!(shown, ["match PractitionerRole", "include Practitioner", "include Organization"]);
        assert_eq!(roles["total"], 1);
        let hospital = martin.get("/fhir/Organization?identifier=https://finess.esante.gouv.fr%7C750803447").await;
        assert_eq!(hospital.matches()[0]["id"], "st-1750803447");
        let compartment = martin.get("/fhir/Practitioner/ps-801234567897/PractitionerRole").await.matches();
        assert_eq!(compartment[0]["id"], "R100001");
        assert_eq!(martin.get("/fhir/Practitioner?_id=ps-801234567897,nobody").await.matches().len(), 1);
        assert_eq!(martin.get("/fhir/Practitioner/nobody").await.outcome(), "404 not-found");
        assert_eq!(
            martin.get("/fhir/Practitioner?patient=x").await.status,
            200,
            "unknown there: left out with a warning"
        );
        assert_eq!(martin.get("/fhir/Device?patient=x").await.outcome(), "400 parametre-non-pris-en-charge patient");
        every_page_is_read_once(&martin).await;
        for (method, path) in [
            (Method::POST, "/fhir/Location"),
            (Method::PUT, "/fhir/Practitioner/ps-801234567897"),
            (Method::PATCH, "/fhir/Practitioner/ps-801234567897"),
            (Method::DELETE, "/fhir/Practitioner/ps-801234567897"),
            (Method::GET, "/fhir/Practitioner/_history"),
            (Method::GET, "/fhir/_history"),
        ] {
            for reader in [&martin, &dominique, &labo] {
                let answer = with(reader, method.clone(), path, &[], &place("1", "x")).await;
                assert_eq!(answer.outcome(), "403 forbidden", "{method} {path}");
            }
        }
    });
}

async fn every_page_is_read_once(reader: &Actor) {
    let names = |answer: &Answer| -> Vec<String> {
        answer.matches().iter().map(|found| found["name"][0]["family"].as_str().unwrap().to_owned()).collect()
    };
    let mut page = reader.get("/fhir/Practitioner?_count=4").await;
    let mut read = names(&page);
    while let Some(next) = link(&page, "next") {
        page = reader.get(&next).await;
        read.extend(names(&page));
    }
    read.sort();
    let sorted = ["DURAND", "EXTERNE", "GARCIA", "LAURENT", "LEROY", "MARTIN", "MOREAU", "PETIT", "ROUX"];
    assert_eq!((read.len(), read), (9, sorted.map(str::to_owned).to_vec()));
}

fn link(answer: &Answer, relation: &str) -> Option<String> {
    let body = answer.json();
    let found = body["link"].as_array()?.iter().find(|link| link["relation"] == relation)?;
    found["url"].as_str().map(str::to_owned)
}

async fn a_resource_of_the_directory_lives_by_the_rules_of_r4(db: Db) {
    let server = TestServer::start_on(db).await;
    let (operator, reader) = (operator(&server).await, server.professional("dr-externe").await);
    let first = operator.post("/fhir/Location", &with_id(place("1", "Un"), "mine")).await;
    let at = made(&server, &first, 201);
    let actors = Actors { server, operator, reader, path: format!("/fhir/{at}"), at };
    actors.it_is_read(&first).await;
    actors.it_is_updated(&first).await;
    actors.it_is_patched_in_each_form().await;
    actors.it_is_deleted_and_brought_back().await;
    actors.its_history_is_told().await;
    actors.the_history_of_all_is_told().await;
}

/// Who acts on the one resource of a story.
struct Actors {
    server: TestServer,
    operator: Actor,
    reader: Actor,
    /// `/fhir/Location/id`.
    path: String,
    /// `Location/id`.
    at: String,
}

/// The verbs of a history.
fn verbs(bundle: &Value) -> Vec<String> {
    let entries = bundle["entry"].as_array().unwrap().iter();
    entries.map(|entry| entry["request"]["method"].as_str().unwrap().to_owned()).collect()
}

fn fhirpath_patch() -> Value {
    json!({ "resourceType": "Parameters", "parameter": [{ "name": "operation", "part": [
        { "name": "type", "valueCode": "replace" }, { "name": "path", "valueString": "Location.name" },
        { "name": "value", "valueString": "Cinq" } ] }] })
}

impl Actors {
    async fn it_is_read(&self, first: &Answer) {
        let Self { reader, at, path, .. } = self;
        assert!(!at.ends_with("mine"), "the server chooses the id of what is created");
        assert_eq!((first.header("etag"), first.header("last-modified")), ("W/\"1\"", "Sun, 22 Nov 2026 10:00:00 GMT"));
        let read = reader.get(path).await;
        assert_eq!((read.json(), read.header("etag")), (first.json(), "W/\"1\""));
        for (header, value, status) in [
            ("if-none-match", "1", 304),
            ("if-none-match", "W/\"1\"", 304),
            ("if-none-match", "\"2\"", 200),
            ("if-modified-since", "Sun, 22 Nov 2026 10:00:00 GMT", 304),
            ("if-modified-since", "Sun, 22 Nov 2026 09:59:59 GMT", 200),
        ] {
            assert_eq!(reader.get_with(path, &[(header, value)]).await.status, status, "{header}: {value}");
        }
        let head = reader.send(Method::HEAD, path, &[], Vec::new()).await;
        assert_eq!((head.status.as_u16(), head.header("etag"), head.body.len()), (200, "W/\"1\"", 0));
    }

    async fn it_is_updated(&self, first: &Answer) {
        let Self { server, operator, reader, path, at } = self;
        let id = at.split_once('/').unwrap().1.to_owned();
        assert_eq!(put(operator, path, &place("1", "Deux")).await.outcome(), "400 value id");
        assert_eq!(put(operator, path, &with_id(place("1", "Deux"), "other")).await.outcome(), "400 value id");
        let body = with_id(place("1", "Deux"), &id);
        let stale = with(operator, Method::PUT, path, &[("if-match", "W/\"7\"")], &body).await;
        assert_eq!(stale.outcome(), "412 precondition");
        server.clock.advance(SignedDuration::from_secs(10));
        let second = with(operator, Method::PUT, path, &[("if-match", "1")], &body).await;
        assert_eq!(
            (second.status.as_u16(), second.header("etag"), &second.json()["name"]),
            (200, "W/\"2\"", &json!("Deux"))
        );
        assert_eq!(reader.get("/fhir/Location?name=Un").await.matches().len(), 0, "the index follows");
        assert_eq!(reader.get("/fhir/Location?name=Deux").await.matches().len(), 1);
        assert_eq!(reader.get(&format!("{path}/_history/1")).await.json(), first.json());
        let wrong = json!({ "resourceType": "Location", "id": id, "nom": "x" });
        assert_eq!(put(operator, path, &wrong).await.outcome(), "422 element XDSRegistryMetadataError Location.nom");
        let other_type = json!({ "resourceType": "Organization", "id": id, "name": "x" });
        assert_eq!(put(operator, path, &other_type).await.outcome(), "400 structure resourceType");
    }

    async fn it_is_patched_in_each_form(&self) {
        let Self { operator, path, .. } = self;
        let json_patch = json!([{ "op": "replace", "path": "/name", "value": "Trois" }]).to_string();
        let xml_patch =
            r#"<diff xmlns:f="http://hl7.org/fhir"><replace sel="f:Location/f:name/@value">Quatre</replace></diff>"#;
        for (form, change, name) in [
            ("application/json-patch+json", json_patch, "Trois"),
            ("application/xml-patch+xml", xml_patch.to_owned(), "Quatre"),
            ("application/fhir+json", fhirpath_patch().to_string(), "Cinq"),
            ("application/merge-patch+json", json!({ "name": "Six" }).to_string(), "Six"),
        ] {
            let answer = operator.send(Method::PATCH, path, &[("content-type", form)], change.into_bytes()).await;
            assert_eq!(
                (answer.status.as_u16(), &answer.json()["name"]),
                (200, &json!(name)),
                "{form}: {}",
                answer.text()
            );
        }
        let broken = operator
            .send(Method::PATCH, path, &[("content-type", "application/merge-patch+json")], br#"{"id":"x"}"#.to_vec())
            .await;
        assert_eq!(broken.status, 422, "{}", broken.text());
    }

    async fn it_is_deleted_and_brought_back(&self) {
        let Self { server, operator, reader, path, at } = self;
        let id = at.split_once('/').unwrap().1;
        server.clock.advance(SignedDuration::from_secs(10));
        let gone = with(operator, Method::DELETE, path, &[], &Value::Null).await;
        assert_eq!((gone.status.as_u16(), gone.header("etag")), (204, "W/\"7\""));
        assert_eq!(with(operator, Method::DELETE, path, &[], &Value::Null).await.status, 204, "again");
        assert_eq!(with(operator, Method::DELETE, "/fhir/Location/never", &[], &Value::Null).await.status, 204);
        assert_eq!(reader.get(path).await.outcome(), "410 deleted");
        assert_eq!(reader.get(&format!("{path}/_history/7")).await.outcome(), "410 deleted");
        assert_eq!(reader.get(&format!("{path}/_history/6")).await.status, 200);
        assert_eq!(reader.get(&format!("{path}/_history/8")).await.outcome(), "404 not-found");
        assert_eq!(reader.get("/fhir/Location").await.json()["total"], 0);
        let patched = with(operator, Method::PATCH, path, &[], &fhirpath_patch()).await;
        assert_eq!(patched.outcome(), "410 deleted");
        let revived = put(operator, path, &with_id(place("1", "Huit"), id)).await;
        assert_eq!((made(server, &revived, 201), revived.header("etag")), (at.clone(), "W/\"8\""));
    }

    async fn its_history_is_told(&self) {
        let Self { reader, path, .. } = self;
        let history = reader.get(&format!("{path}/_history")).await.json();
        assert_eq!((faults(&history), &history["total"]), (vec![], &json!(8)));
        assert_eq!(verbs(&history), ["PUT", "DELETE", "PUT", "PUT", "PUT", "PUT", "PUT", "POST"]);
        assert!(history["entry"][1].get("resource").is_none());
        let page = reader.get(&format!("{path}/_history?_count=5")).await;
        let rest = reader.get(&link(&page, "next").unwrap()).await;
        assert_eq!(
            (verbs(&page.json()).len(), verbs(&rest.json()), link(&rest, "next")),
            (5, vec!["PUT".into(), "PUT".into(), "POST".into()], None)
        );
        let since = reader.get(&format!("{path}/_history?_since=2026-11-22T10:00:15Z")).await.json();
        assert_eq!(verbs(&since), ["PUT", "DELETE"]);
        let then = reader.get(&format!("{path}/_history?_at=2026-11-22T10:00:05Z")).await.json();
        assert_eq!(verbs(&then), ["POST"], "what was current then");
    }

    async fn the_history_of_all_is_told(&self) {
        let Self { server, operator, at, .. } = self;
        server.clock.advance(SignedDuration::from_secs(10));
        let chosen = put(operator, "/fhir/Location/003-1.a", &with_id(place("2", "Choisi"), "003-1.a")).await;
        assert_eq!(made(server, &chosen, 201), "Location/003-1.a", "update as create");
        assert_eq!(
            put(operator, "/fhir/Location/a_b", &with_id(place("3", "x"), "a_b")).await.status,
            422,
            "no FHIR id"
        );
        let all = operator.get("/fhir/Location/_history").await.json();
        assert_eq!(
            (faults(&all), &all["total"], all["entry"][0]["resource"]["id"].as_str()),
            (vec![], &json!(9), Some("003-1.a"))
        );
        let deleted =
            all["entry"].as_array().unwrap().iter().find(|entry| entry["request"]["method"] == "DELETE").unwrap();
        assert_eq!(deleted["request"]["url"], at.as_str());
        let mut page = operator.get("/fhir/_history?_count=7").await;
        let (total, mut seen) =
            (page.json()["total"].as_u64().and_then(|total| usize::try_from(total).ok()).unwrap(), Vec::new());
        loop {
            let body = page.json();
            seen.extend(
                body["entry"].as_array().unwrap().iter().map(|e| format!("{} {}", e["fullUrl"], e["response"]["etag"])),
            );
            let Some(next) = link(&page, "next") else { break };
            page = operator.get(&next).await;
        }
        let count = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!((count, seen.len()), (total, total), "every version once");
        assert_eq!(total, 8 + 9 + 9 + 9, "the whole directory: structures, people, exercises, and what was done here");
        assert_eq!(operator.get("/fhir/Location/_history?_at=2026").await.status, 400, "refused, not left out");
    }
}

async fn conditions_find_none_one_or_several(db: Db) {
    let server = TestServer::start_on(db).await;
    let operator = operator(&server).await;
    let criteria = "identifier=urn:x:places%7C1";
    let (one, none) = (("if-none-exist", "identifier=urn:x:places|1"), ("if-none-exist", "identifier=urn:x:places|9"));
    let create =
        async |condition| with(&operator, Method::POST, "/fhir/Location", &[condition], &place("1", "Un")).await;
    let first = create(one).await;
    let at = made(&server, &first, 201);
    let again = create(one).await;
    assert_eq!((made(&server, &again, 200), again.header("etag")), (at.clone(), "W/\"1\""), "nothing changes");
    assert_eq!(create(("if-none-exist", "nom=x")).await.outcome(), "400 parametre-inconnu", "never left out");
    assert_eq!(create(("if-none-exist", "")).await.status, 400);

    let path = format!("/fhir/Location?{criteria}");
    let updated = put(&operator, &path, &place("1", "Deux")).await;
    assert_eq!((made(&server, &updated, 200), updated.header("etag")), (at.clone(), "W/\"2\""));
    let id = at.split_once('/').unwrap().1;
    assert_eq!(put(&operator, &path, &with_id(place("1", "Trois"), id)).await.status, 200, "its own id");
    assert_eq!(put(&operator, &path, &with_id(place("1", "x"), "other")).await.outcome(), "400 value id");
    let absent = "/fhir/Location?identifier=urn:x:places%7C7";
    let made_new = put(&operator, absent, &place("7", "Sept")).await;
    assert_ne!(made(&server, &made_new, 201), at);
    let absent = "/fhir/Location?identifier=urn:x:places%7C8";
    assert_eq!(
        made(&server, &put(&operator, absent, &with_id(place("8", "Huit"), "huit")).await, 201),
        "Location/huit"
    );
    assert_eq!(put(&operator, "/fhir/Location", &place("1", "x")).await.status, 400, "criteria are needed");

    let change = json!({ "name": "Patched" });
    let merge = ("content-type", "application/merge-patch+json");
    let patch = async |path: &str| operator.send(Method::PATCH, path, &[merge], change.to_string().into_bytes()).await;
    assert_eq!(patch(&path).await.json()["name"], "Patched");
    assert_eq!(patch("/fhir/Location?identifier=urn:x:places%7C99").await.outcome(), "404 not-found");

    assert!(!made(&server, &create(none).await, 201).is_empty());
    assert_eq!(create(one).await.outcome(), "412 precondition");
    assert_eq!(put(&operator, &path, &place("1", "x")).await.outcome(), "412 precondition");
    assert_eq!(patch(&path).await.outcome(), "412 precondition");
    let delete = async |path: &str| with(&operator, Method::DELETE, path, &[], &Value::Null).await.status.as_u16();
    assert_eq!(delete(&path).await, 412);
    assert_eq!(delete("/fhir/Location?identifier=urn:x:places%7C99").await, 204, "nothing to delete");
    assert_eq!(delete("/fhir/Location?identifier=urn:x:places%7C7").await, 204);
    assert_eq!(delete("/fhir/Location").await, 400, "criteria are needed");
    let left = operator.get("/fhir/Location?_elements=name").await.json();
    assert_eq!(left["total"], 3, "a refused write changes nothing");
}

async fn racers_for_one_identifier_make_one_resource(db: Db) {
    let server = TestServer::start_on(db).await;
    let operator = operator(&server).await;
    let race = (0..8).map(|racer| {
        let operator = operator.clone();
        async move {
            let condition = ("if-none-exist", "identifier=urn:x:places|1");
            let body = place("1", &racer.to_string());
            with(&operator, Method::POST, "/fhir/Location", &[condition], &body).await.status.as_u16()
        }
    });
    let mut answers = futures_util::future::join_all(race).await;
    answers.sort_unstable();
    assert_eq!(answers, [200, 200, 200, 200, 200, 200, 200, 201]);
    let stale = (0..4).map(|racer| {
        let operator = operator.clone();
        async move {
            let body = place("1", &format!("update {racer}"));
            let path = "/fhir/Location?identifier=urn:x:places%7C1";
            with(&operator, Method::PUT, path, &[("if-match", "W/\"1\"")], &body).await.status.as_u16()
        }
    });
    let mut answers = futures_util::future::join_all(stale).await;
    answers.sort_unstable();
    assert_eq!(answers, [200, 412, 412, 412]);
}

#[test]
fn criteria_in_the_url_of_a_create_count_where_the_operator_says_so() {
    block_on(async {
        for (on, statuses) in [(false, [201, 201]), (true, [201, 200])] {
            let server = TestServer::start_with(Db::sqlite().await, |config| config.rest.post_conditional = on).await;
            let operator = operator(&server).await;
            for status in statuses {
                let answer = operator.post("/fhir/Location?identifier=urn:x:places%7C1", &place("1", "x")).await;
                assert_eq!(answer.status.as_u16(), status, "{on}");
            }
        }
    });
}

//! Transactions of what is not a document: all or nothing, in R4's order, with names that become ids
//! (R4 `http.html#transaction`).

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::client::{Actor, Answer};
use crate::support::db::{Db, block_on, stories};
use crate::support::server::TestServer;

stories! {
    entries_name_each_other_and_are_given_ids,
    verbs_are_done_in_the_order_of_r4_and_answered_in_that_of_the_bundle,
    one_bad_entry_of_a_thousand_leaves_nothing,
    what_cannot_be_done_is_told_of_its_entry_and_changes_nothing,
    a_person_feeds_one_record_in_one_transaction,
}

/// The operator of the directory, with a token of everything he may do.
pub(super) async fn operator(server: &TestServer) -> Actor {
    let kinds = ["Practitioner", "Organization", "Location", "Endpoint", "HealthcareService"];
    let scopes = kinds.map(|kind| format!("system/{kind}.cruds")).join(" ");
    Actor::with_certificate(server, "assurance-maladie").as_structure(&[("scope", &scopes)]).await
}

/// A person connected to the portal, on the own record.
pub(super) async fn person(server: &TestServer, name: &str) -> Actor {
    let (portal, ins) = (Actor::with_certificate(server, "portail"), &server.persona(name).ins);
    let answer = portal.as_patient(ins, ins, "patient/Observation.cruds patient/RelatedPerson.cruds").await;
    portal.with_token(answer.json()["access_token"].as_str().unwrap())
}

pub(super) fn bundle(kind: &str, entries: Vec<Value>) -> Value {
    json!({ "resourceType": "Bundle", "type": kind, "entry": entries })
}

pub(super) fn entry(method: &str, url: &str, resource: Value) -> Value {
    let mut entry = json!({ "request": { "method": method, "url": url } });
    if !resource.is_null() {
        entry["resource"] = resource;
    }
    entry
}

fn called(name: &str, mut entry: Value) -> Value {
    entry["fullUrl"] = json!(name);
    entry
}

fn when(name: &str, value: &str, mut entry: Value) -> Value {
    entry["request"][name] = json!(value);
    entry
}

pub(super) fn place(number: &str, name: &str) -> Value {
    json!({ "resourceType": "Location", "identifier": [{ "system": "urn:x:places", "value": number }], "name": name })
}

fn organization(number: &str) -> Value {
    json!({ "resourceType": "Organization", "identifier": [{ "system": "urn:x:org", "value": number }], "name": number })
}

fn with(mut resource: Value, name: &str, value: Value) -> Value {
    resource[name] = value;
    resource
}

async fn transact(actor: &Actor, entries: Vec<Value>) -> Answer {
    actor.post("/fhir", &bundle("transaction", entries)).await
}

/// `status location etag` of each entry, the id left out.
fn answered(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    let line = |entry: &Value| {
        let response = &entry["response"];
        let text = |name: &str| response[name].as_str().unwrap_or_default().to_owned();
        let kind = text("location").split('/').next().unwrap_or_default().to_owned();
        format!("{} {kind} {}", text("status"), text("etag")).trim_end().to_owned()
    };
    body["entry"].as_array().unwrap().iter().map(line).collect()
}

async fn total(actor: &Actor, query: &str) -> i64 {
    actor.get(&format!("/fhir/{query}")).await.json()["total"].as_i64().unwrap()
}

const A: &str = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0";
const B: &str = "urn:uuid:1c3151bd-1cbf-4d64-b04d-cd9187a4c6e1";
const C: &str = "urn:uuid:2c3151bd-1cbf-4d64-b04d-cd9187a4c6e2";

/// Four that name each other.
fn circle() -> Vec<Value> {
    let endpoint = json!({
        "resourceType": "Endpoint", "status": "active", "address": "https://x.example",
        "connectionType": { "system": "http://terminology.hl7.org/CodeSystem/endpoint-connection-type", "code": "hl7-fhir-rest" },
        "payloadType": [{ "text": "x" }], "managingOrganization": { "reference": A },
    });
    let div = format!(r#"<div xmlns="http://www.w3.org/1999/xhtml"><a href="{A}">chez</a></div>"#);
    let location =
        with(place("1", "Un"), "managingOrganization", json!({ "reference": "Organization?identifier=urn:x:org|1" }));
    let location = with(location, "text", json!({ "status": "generated", "div": div }));
    let extension = json!([{ "url": "urn:x", "valueUri": B }, { "url": "urn:x", "valueCanonical": B }]);
    let location = with(with(location, "extension", extension), "partOf", json!({ "reference": "Location/7" }));
    // Each names what comes later or what names it; the third names its neighbour below the same URL.
    vec![
        called("http://there.example/fhir/Location/8", entry("POST", "Location", location)),
        called(A, entry("POST", "Organization", with(organization("1"), "endpoint", json!([{ "reference": B }])))),
        called(B, entry("POST", "Endpoint", endpoint)),
        called("http://there.example/fhir/Location/7", entry("POST", "Location", place("7", "Sept"))),
    ]
}

async fn entries_name_each_other_and_are_given_ids(db: Db) {
    let server = TestServer::start_on(db).await;
    let operator = operator(&server).await;
    let answer = transact(&operator, circle()).await;
    assert_eq!(
        answered(&answer),
        [r#"201 Location W/"1""#, r#"201 Organization W/"1""#, r#"201 Endpoint W/"1""#, r#"201 Location W/"1""#]
    );
    assert!(answer.json()["entry"].as_array().unwrap().iter().all(|entry| entry.get("resource").is_none()));
    assert!(answer.json()["entry"][0]["response"]["lastModified"].as_str().unwrap().starts_with("2026-11-22T10:00:00"));
    let at = answer.locations();
    let read = async |number: usize| operator.get(&format!("/fhir/{}", at[number])).await.json();
    let location = read(0).await;
    assert_eq!(location["managingOrganization"]["reference"], json!(at[1]), "found among what came with it");
    assert_eq!(location["partOf"]["reference"], json!(at[3]));
    assert!(location["text"]["div"].as_str().unwrap().contains(&format!(r#"href="{}""#, at[1])));
    assert_eq!(
        (&location["extension"][0]["valueUri"], &location["extension"][1]["valueCanonical"]),
        (&json!(at[2]), &json!(B))
    );
    assert_eq!(read(1).await["endpoint"][0]["reference"], json!(at[2]));
    assert_eq!(read(2).await["managingOrganization"]["reference"], json!(at[1]));
    assert_eq!(total(&operator, &format!("Location?organization={}", at[1])).await, 1, "indexed by the new name");

    found_by_criteria_the_one_that_is_there_is_named_instead(&operator, &at).await;
    super::super::story::traces_are_whole(&server).await;
}

async fn found_by_criteria_the_one_that_is_there_is_named_instead(operator: &Actor, at: &[String]) {
    let unless = "identifier=urn:x:org|1";
    let second = with(place("2", "Deux"), "managingOrganization", json!({ "reference": A }));
    let entries = vec![
        entry("POST", "Location", second),
        called(A, when("ifNoneExist", unless, entry("POST", "Organization", organization("1")))),
        called(
            B,
            entry(
                "PUT",
                "Location?identifier=urn:x:places|7",
                with(place("7", "Sept bis"), "partOf", json!({ "reference": C })),
            ),
        ),
        called(C, entry("PUT", "Location/mine", with(place("9", "Neuf"), "id", json!("mine")))),
    ];
    let answer = transact(operator, entries).await;
    assert_eq!(
        answered(&answer),
        [r#"201 Location W/"1""#, r#"200 Organization W/"1""#, r#"200 Location W/"2""#, r#"201 Location W/"1""#]
    );
    let now = answer.locations();
    assert_eq!((&now[1], &now[2]), (&at[1], &at[3]));
    let second = operator.get(&format!("/fhir/{}", now[0])).await.json();
    assert_eq!(second["managingOrganization"]["reference"], json!(at[1]));
    let third = operator.get(&format!("/fhir/{}", at[3])).await.json();
    assert_eq!(third["partOf"]["reference"], "Location/mine");
}

/// Every verb, in the order that is the contrary of R4's.
fn every_verb() -> Vec<Value> {
    let patch = json!({ "resourceType": "Parameters", "parameter": [{ "name": "operation", "part": [
        { "name": "type", "valueCode": "replace" }, { "name": "path", "valueString": "Location.name" },
        { "name": "value", "valueString": "patched" } ] }] });
    // [{"op":"replace","path":"/name","value":"wrapped"}]
    let wrapped = json!({ "resourceType": "Binary", "contentType": "application/json-patch+json",
        "data": "W3sib3AiOiJyZXBsYWNlIiwicGF0aCI6Ii9uYW1lIiwidmFsdWUiOiJ3cmFwcGVkIn1d" });
    vec![
        entry("GET", "Location/a", Value::Null),
        entry("GET", "Location?identifier=urn:x:places|b,urn:x:places|new,urn:x:places|c", Value::Null),
        entry("GET", "Location/b/_history", Value::Null),
        when("ifNoneMatch", "W/\"2\"", entry("GET", "Location/b", Value::Null)),
        entry("HEAD", "Location/b", Value::Null),
        when("ifMatch", "W/\"1\"", entry("PATCH", "Location/a", patch)),
        entry("PATCH", "Location?identifier=urn:x:places|b", wrapped),
        // What is deleted first is not found by what comes second.
        when("ifNoneExist", "identifier=urn:x:places|c", entry("POST", "Location", place("new", "new"))),
        entry("DELETE", "Location?identifier=urn:x:places|c", Value::Null),
        entry("DELETE", "Location/nobody", Value::Null),
    ]
}

async fn verbs_are_done_in_the_order_of_r4_and_answered_in_that_of_the_bundle(db: Db) {
    let server = TestServer::start_on(db).await;
    let operator = operator(&server).await;
    let chain = operator_chain(&server);
    let named = |id: &str, number: &str| with(place(number, id), "id", json!(id));
    let first = ["a", "b", "c"].map(|id| entry("PUT", &format!("Location/{id}"), named(id, id))).to_vec();
    assert_eq!(transact(&operator, first).await.status, 200);
    let before = server.chain(chain).await.len();
    let answer = transact(&operator, every_verb()).await;
    let expected = [
        r#"200 Location W/"2""#,
        "200",
        "200",
        r#"304 Location W/"2""#,
        r#"200 Location W/"2""#,
        r#"200 Location W/"2""#,
        r#"200 Location W/"2""#,
        r#"201 Location W/"1""#,
        r#"204  W/"2""#,
        "204",
    ];
    assert_eq!(answered(&answer), expected);
    let body = answer.json();
    let resource = |number: usize| &body["entry"][number]["resource"];
    assert_eq!((&resource(0)["name"], &resource(1)["total"]), (&json!("patched"), &json!(2)));
    assert_eq!(resource(2)["entry"][0]["resource"]["name"], "wrapped");
    assert!(resource(3).is_null() && resource(4).is_null());
    assert_eq!(body["entry"][0]["fullUrl"], json!(format!("{}/Location/a", server.base())));
    assert_eq!(operator.get("/fhir/Location/c").await.outcome(), "410 deleted");
    let traces = server.chain(chain).await;
    let expected = [
        "delete-resource 0",
        "delete-resource 0",
        "create-resource 0",
        "patch-resource 0",
        "patch-resource 0",
        "read-resource 0",
        "search-resources 0",
        "resource-history 0",
        "read-resource 0",
        "read-resource 0",
    ];
    assert_eq!(traces[before..traces.len() - 1], expected, "each as the interaction it is");
    super::super::story::traces_are_whole(&server).await;
}

/// Where the operator's acts on the directory are traced.
fn operator_chain(server: &TestServer) -> espace::ids::ShardKey {
    espace::ids::StructureKey::of(&server.demo.structure("assurance-maladie").unwrap().structure.id).into()
}

async fn one_bad_entry_of_a_thousand_leaves_nothing(db: Db) {
    let server = TestServer::start_on(db).await;
    let operator = operator(&server).await;
    let mut entries: Vec<_> = (0..1_000).map(|n| entry("POST", "Location", place(&n.to_string(), "x"))).collect();
    entries[700] = when("ifMatch", "W/\"7\"", entry("PUT", "Location/x", with(place("x", "x"), "id", json!("x"))));
    let chain = operator_chain(&server);
    let before = server.chain(chain).await.len();
    assert_eq!(transact(&operator, entries.clone()).await.outcome(), "412 precondition Bundle.entry[700]");
    assert_eq!(server.chain(chain).await[before..], ["update-resource 4 precondition"], "the refusal alone is traced");
    assert_eq!(total(&operator, "Location?identifier=urn:x:places|").await, 0);
    entries.remove(700);
    assert_eq!(answered(&transact(&operator, entries).await).len(), 999);
    assert_eq!(total(&operator, "Location?identifier=urn:x:places|").await, 999);
    super::super::story::traces_are_whole(&server).await;
}

/// A name, the entries after a good one, and the answer.
type Case = (&'static str, Vec<Value>, &'static str);

fn put(id: &str) -> Value {
    entry("PUT", "Location/a", with(place("a", "z"), "id", json!(id)))
}

fn post(place: Value) -> Value {
    entry("POST", "Location", place)
}

fn within(reference: &str) -> Value {
    post(with(place("n", "n"), "managingOrganization", json!({ "reference": reference })))
}

fn unless(query: &str) -> Value {
    when("ifNoneExist", query, post(place("n", "n")))
}

/// Which resource is meant.
fn of_identity() -> Vec<Case> {
    vec![
        ("twice one", vec![put("a"), put("a")], "422 ressource-repetee Bundle.entry[2]"),
        (
            "deleted and updated",
            vec![put("a"), entry("DELETE", "Location/a", Value::Null)],
            "422 ressource-repetee Bundle.entry[1]",
        ),
        ("found twice", vec![unless("identifier=urn:x:places|n")], "422 ressource-repetee Bundle.entry[1]"),
        ("another id", vec![put("b")], "400 value Bundle.entry[1].resource"),
        ("an old version", vec![when("ifMatch", "W/\"9\"", put("a"))], "412 precondition Bundle.entry[1]"),
        ("several there", vec![unless("identifier=urn:x:places|twice")], "412 precondition Bundle.entry[1]"),
        (
            "several to update",
            vec![entry("PUT", "Location?identifier=urn:x:places|twice", place("n", "n"))],
            "412 precondition Bundle.entry[1]",
        ),
        (
            "several to delete",
            vec![entry("DELETE", "Location?identifier=urn:x:places|twice", Value::Null)],
            "412 precondition Bundle.entry[1]",
        ),
    ]
}

/// What is named by criteria or by a neighbour.
fn of_reference() -> Vec<Case> {
    vec![
        (
            "criteria that find nothing",
            vec![within("Organization?identifier=urn:x:org|none")],
            "422 reference XDSRegistryMetadataError Bundle.entry[1]",
        ),
        (
            "criteria that find several",
            vec![post(with(
                place("n", "n"),
                "partOf",
                json!({ "reference": "Location?identifier=urn:x:places|twice" }),
            ))],
            "412 precondition Bundle.entry[1]",
        ),
        ("a name of nobody", vec![within(C)], "422 reference XDSRegistryMetadataError Bundle.entry[1].resource"),
        (
            "a neighbour of another type",
            vec![called(C, post(place("m", "m"))), within(C)],
            "422 reference XDSRegistryMetadataError Bundle.entry[2].resource.managingOrganization.reference",
        ),
        ("an unknown criterion", vec![unless("colour=red")], "400 parametre-inconnu Bundle.entry[1]"),
        (
            "no criteria",
            vec![entry("DELETE", "Location", Value::Null)],
            "405 methode-non-permise Bundle.entry[1].request.method",
        ),
    ]
}

/// What is sent.
fn of_content(key: &str) -> Vec<Case> {
    let related = json!({ "resourceType": "RelatedPerson", "patient": { "reference": format!("Patient/{key}") } });
    vec![
        (
            "a wrong resource",
            vec![post(json!({ "resourceType": "Location", "status": "open" }))],
            "422 code-invalide XDSRegistryMetadataError Bundle.entry[1].resource.status",
        ),
        ("another type", vec![post(organization("x"))], "400 structure Bundle.entry[1].resource"),
        (
            "no resource",
            vec![entry("POST", "Location", Value::Null)],
            "422 element-manquant XDSRegistryMetadataError Bundle.entry[1].resource",
        ),
        (
            "what the caller may not write",
            vec![entry("POST", "RelatedPerson", related)],
            "403 forbidden Bundle.entry[1]",
        ),
        (
            "a patch that fails",
            vec![entry(
                "PATCH",
                "Location/a",
                json!({ "resourceType": "Binary", "contentType": "application/merge-patch+json", "data": "eyJpZCI6IngifQ==" }),
            )],
            "422 modification-inapplicable XDSMetadataUpdateOperationError Bundle.entry[1].resource",
        ),
        (
            "a patch of no form",
            vec![entry("PATCH", "Location/a", place("a", "a"))],
            "415 type-de-contenu Bundle.entry[1].resource",
        ),
        (
            "a document",
            vec![entry(
                "POST",
                "Binary",
                json!({ "resourceType": "Binary", "contentType": "text/plain", "data": "AAAA" }),
            )],
            "422 not-supported Bundle.meta.profile",
        ),
    ]
}

/// Where it is sent.
fn of_address() -> Vec<Case> {
    vec![
        ("gone", vec![entry("GET", "Location/nobody", Value::Null)], "404 not-found Bundle.entry[1]"),
        ("an unknown type", vec![entry("GET", "Cupboard/1", Value::Null)], "404 not-found Bundle.entry[1].request.url"),
        (
            "another server",
            vec![entry("GET", "https://there.example/fhir/Location/a", Value::Null)],
            "400 value Bundle.entry[1].request.url",
        ),
        (
            "a method that is not there",
            vec![entry("PUT", "Location/a/_history/1", place("n", "n"))],
            "405 methode-non-permise Bundle.entry[1].request.method",
        ),
        (
            "a search of documents",
            vec![entry("GET", "DocumentReference?status=current", Value::Null)],
            "422 not-supported Bundle.entry[1].request.url",
        ),
        (
            "a method of no kind",
            vec![entry("BREW", "Location", Value::Null)],
            "422 code-invalide XDSRegistryMetadataError Bundle.entry[1].request.method",
        ),
    ]
}

async fn what_cannot_be_done_is_told_of_its_entry_and_changes_nothing(db: Db) {
    let server = TestServer::start_on(db).await;
    let operator = operator(&server).await;
    let made = vec![
        entry("PUT", "Location/a", with(place("a", "a"), "id", json!("a"))),
        entry("POST", "Location", place("twice", "b")),
        entry("POST", "Location", place("twice", "c")),
    ];
    assert_eq!(transact(&operator, made).await.status, 200);
    let count = total(&operator, "Location?_summary=count").await;
    let key = server.persona("dominique").key.to_string();
    let cases = of_identity().into_iter().chain(of_reference()).chain(of_content(&key)).chain(of_address());
    for (name, entries, expected) in cases {
        let entries = std::iter::once(post(place("n", "first"))).chain(entries).collect();
        assert_eq!(transact(&operator, entries).await.outcome(), expected, "{name}");
    }
    for kind in ["history", "collection", "message"] {
        let sent = json!({ "resourceType": "Bundle", "type": kind });
        assert_eq!(operator.post("/fhir", &sent).await.outcome(), "422 not-supported Bundle.type", "{kind}");
    }
    assert_eq!(operator.get("/fhir/Location/a").await.header("etag"), "W/\"1\"");
    assert_eq!(total(&operator, "Location?_summary=count").await, count, "nothing was kept");
    let martin = server.professional("dr-martin").await;
    assert_eq!(transact(&martin, vec![post(place("n", "n"))]).await.outcome(), "403 forbidden Bundle.entry[0]");
    assert_eq!(
        answered(&transact(&martin, vec![entry("GET", "Location/a", Value::Null)]).await),
        [r#"200 Location W/"1""#]
    );
    super::super::story::traces_are_whole(&server).await;
}

fn weight(subject: Value, kilograms: u32) -> Value {
    json!({
        "resourceType": "Observation",
        "status": "final",
        "code": { "coding": [{ "system": "http://loinc.org", "code": "29463-7" }] },
        "subject": subject,
        "effectiveDateTime": "2026-11-20",
        "valueQuantity": { "value": kilograms, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg" },
    })
}

async fn a_person_feeds_one_record_in_one_transaction(db: Db) {
    let server = TestServer::start_on(db).await;
    let dominique = person(&server, "dominique").await;
    let (key, ins) = (server.persona("dominique").key, server.persona("dominique").ins.clone());
    let by_id = |name: &str| json!({ "reference": format!("Patient/{}", server.persona(name).key) });
    let by_criteria = |name: &str| {
        let ins = &server.persona(name).ins;
        json!({ "reference": format!("Patient?identifier={}|{}", ins.system(), ins.value()) })
    };
    let by_ins = json!({ "identifier": { "system": ins.system(), "value": ins.value() } });
    let post = |body: Value| entry("POST", "Observation", body);
    let entries = vec![
        called(A, post(weight(by_id("dominique"), 70))),
        post(with(weight(by_ins, 71), "derivedFrom", json!([{ "reference": A }]))),
        post(weight(by_criteria("dominique"), 72)),
        entry("GET", &format!("Observation?patient=Patient/{key}"), Value::Null),
    ];
    let answer = transact(&dominique, entries).await;
    assert_eq!(answered(&answer)[..3], [r#"201 Observation W/"1""#; 3]);
    assert_eq!(answer.json()["entry"][3]["resource"]["total"], 3);
    let at: Vec<_> = answer.json()["entry"].as_array().unwrap()[..3]
        .iter()
        .map(|entry| entry["response"]["location"].as_str().unwrap().split("/_history").next().unwrap().to_owned())
        .collect();
    assert!(at.iter().all(|at| at.starts_with(&format!("Observation/{key}-"))));
    let second = dominique.get(&format!("/fhir/{}", at[1])).await.json();
    assert_eq!(second["derivedFrom"][0]["reference"], json!(at[0]));
    let third = dominique.get(&format!("/fhir/{}", at[2])).await.json();
    assert_eq!(third["subject"], by_id("dominique"));
    let before = server.traces("dominique").await.len();
    assert!(server.traces("dominique").await.iter().filter(|trace| *trace == "create-resource 0").count() == 3);

    // Whoever else is named, known or not, the answer is one.
    let first = || post(weight(by_id("dominique"), 80));
    for name in ["aidant", "oppose", "non-informe"] {
        for subject in [by_id(name), by_criteria(name)] {
            let refused = transact(&dominique, vec![first(), post(weight(subject.clone(), 1))]).await;
            assert_eq!(refused.outcome(), "403 forbidden Bundle.entry[1]", "{name} {subject}");
            assert_eq!(
                transact(&dominique, vec![post(weight(subject, 1))]).await.outcome(),
                "403 forbidden Bundle.entry[0]"
            );
        }
        let performer = with(weight(by_id("dominique"), 1), "performer", json!([by_criteria(name)]));
        let refused = transact(&dominique, vec![post(performer)]).await.outcome();
        assert_eq!(refused, "422 reference XDSRegistryMetadataError Bundle.entry[0]", "{name}");
    }
    let mixed = transact(&dominique, vec![first(), entry("GET", "Location?_count=1", Value::Null)]).await;
    assert_eq!(mixed.outcome(), "422 plusieurs-dossiers Bundle.entry[1]");
    assert_eq!(total(&dominique, "Observation").await, 3);
    assert_eq!(
        server.traces("dominique").await[before..]
            .iter()
            .filter(|trace| trace.starts_with("create-resource 0"))
            .count(),
        0
    );
    super::super::story::traces_are_whole(&server).await;
}

#[test]
fn the_answer_holds_what_the_client_prefers() {
    block_on(async {
        let server = TestServer::start_with(Db::sqlite().await, |config| config.rest.bundle_entries = 3).await;
        let operator = operator(&server).await;
        for kind in ["batch", "transaction"] {
            let sent = bundle(kind, vec![entry("POST", "Location", place("1", "Un"))]).to_string().into_bytes();
            for (prefer, resource, outcome) in [
                ("return=minimal", Value::Null, Value::Null),
                ("return=representation", json!("Location"), Value::Null),
                ("return=OperationOutcome", Value::Null, json!("OperationOutcome")),
            ] {
                let headers = [("content-type", "application/fhir+json"), ("prefer", prefer)];
                let answer = operator.send(Method::POST, "/fhir", &headers, sent.clone()).await.json();
                assert_eq!(answer["type"], json!(format!("{kind}-response")));
                let entry = &answer["entry"][0];
                assert_eq!(entry["response"]["status"], "201", "{kind} {prefer}");
                assert_eq!(entry["resource"]["resourceType"], resource, "{kind} {prefer}");
                assert_eq!(entry["response"]["outcome"]["resourceType"], outcome, "{kind} {prefer}");
            }
            let many = vec![entry("GET", "Location/x", Value::Null); 4];
            assert_eq!(operator.post("/fhir", &bundle(kind, many)).await.outcome(), "413 too-long Bundle.entry");
            let none = operator.post("/fhir", &json!({ "resourceType": "Bundle", "type": kind })).await;
            assert_eq!(none.json(), json!({ "resourceType": "Bundle", "type": format!("{kind}-response") }));
        }
        let large = vec![b' '; 4 * 1024 * 1024 + 1];
        assert_eq!(operator.post_bytes("/fhir", large).await.outcome(), "413 too-long");
    });
}

//! What of a record is no document: measures, answers, the circle and the care team of a person (contract
//! §8, "who reads what is not a document").

use reqwest::Method;
use serde_json::{Value, json};

use super::directory::operator;
use crate::support::client::{Actor, Answer};
use crate::support::db::{Db, block_on, stories};
use crate::support::server::TestServer;

stories! { a_person_keeps_measures_that_carers_read }

const JSON: (&str, &str) = ("content-type", "application/fhir+json");

fn weight(server: &TestServer, person: &str, value: u32) -> Value {
    json!({
        "resourceType": "Observation",
        "status": "final",
        "code": { "coding": [{ "system": "http://loinc.org", "code": "29463-7" }] },
        "subject": { "reference": format!("Patient/{}", server.persona(person).key) },
        "effectiveDateTime": "2026-11-20",
        "valueQuantity": { "value": value, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg" },
    })
}

fn of(server: &TestServer, person: &str) -> String {
    format!("patient=Patient/{}", server.persona(person).key)
}

async fn send(actor: &Actor, method: Method, path: &str, body: &Value) -> Answer {
    actor.send(method, path, &[JSON], body.to_string().into_bytes()).await
}

async fn a_person_keeps_measures_that_carers_read(db: Db) {
    let server = TestServer::start_on(db).await;
    let dominique = server.patient("dominique", "dominique").await;
    let (petit, externe) = (server.professional("dr-petit").await, server.professional("dr-externe").await);
    let made = dominique.post("/fhir/Observation", &weight(&server, "dominique", 70)).await;
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with(&server.persona("dominique").key.to_string()), "an id routes by itself");
    let path = format!("/fhir/Observation/{id}");
    let search = format!("/fhir/Observation?{}&code=http://loinc.org%7C29463-7&date=2026", of(&server, "dominique"));
    assert_eq!(petit.get(&path).await.json(), made.json(), "the care team reads");
    assert_eq!(petit.get(&search).await.matches().len(), 1);
    assert_eq!(dominique.get("/fhir/Observation").await.matches().len(), 1, "the record of the token");
    let compartment = format!("/fhir/Patient/{}/Observation", server.persona("dominique").key);
    assert_eq!(petit.get(&compartment).await.matches().len(), 1);
    assert_eq!(externe.get(&path).await.outcome(), "404 not-found");
    assert_eq!(externe.get(&format!("{path}/_history")).await.outcome(), "404 not-found");
    assert_eq!(externe.get(&search).await.outcome(), "403 forbidden");
    assert_eq!(externe.get(&compartment).await.outcome(), "403 forbidden");
    assert_eq!(petit.get("/fhir/Observation").await.outcome(), "403 forbidden", "nobody is named");
    assert_eq!(petit.get("/fhir/Observation/_history").await.outcome(), "403 forbidden");
    assert_eq!(petit.post("/fhir/Observation", &weight(&server, "dominique", 1)).await.outcome(), "403 forbidden");

    let mut other = weight(&server, "dominique", 71);
    other["code"]["coding"][0]["code"] = json!("1-8");
    let refused = dominique.post("/fhir/Observation", &other).await.outcome();
    assert_eq!(refused, "422 code-invalide XDSRegistryMetadataError Observation.code");
    for person in ["aidant", "oppose", "non-informe"] {
        let refused = dominique.post("/fhir/Observation", &weight(&server, person, 1)).await;
        assert_eq!(refused.outcome(), "403 forbidden", "{person}: another's");
    }
    let mut update = weight(&server, "dominique", 72);
    update["id"] = json!(id);
    let updated = send(&dominique, Method::PUT, &path, &update).await;
    assert_eq!((updated.status.as_u16(), updated.header("etag")), (200, "W/\"2\""));
    let mut stolen = weight(&server, "aidant", 72);
    stolen["id"] = json!(id);
    let stolen = send(&dominique, Method::PUT, &path, &stolen).await;
    assert_eq!(stolen.outcome(), "422 identite-differente XDSPatientIdDoesNotMatch Observation");
    let fresh = format!("{}1111", id.get(..id.len() - 4).unwrap());
    update["id"] = json!(fresh);
    let unknown = send(&dominique, Method::PUT, &format!("/fhir/Observation/{fresh}"), &update).await.outcome();
    assert_eq!(unknown, "404 not-found", "no update makes a resource of a record");

    carers_read_and_add(&server, &path).await;
    assert_eq!(send(&dominique, Method::DELETE, &path, &Value::Null).await.status, 204);
    assert_eq!(petit.get(&path).await.outcome(), "410 deleted", "to who could read it");
    assert_eq!(externe.get(&path).await.outcome(), "404 not-found");
    assert_eq!(petit.get(&format!("{path}/_history/1")).await.status, 200, "what it said stays");
    let verbs = petit.get(&format!("{path}/_history")).await.json();
    assert_eq!((&verbs["total"], &verbs["entry"][0]["request"]["method"]), (&json!(3), &json!("DELETE")));
    let traces = server.traces("dominique").await;
    assert!(
        traces.iter().any(|known| known == "resource-history 0"),
        "who reads what was deleted is traced: {traces:?}"
    );
    for trace in
        ["create-resource 0", "update-resource 0", "delete-resource 0", "read-resource 0", "search-resources 0"]
    {
        assert!(traces.iter().any(|known| known == trace), "{trace}: {traces:?}");
    }
    assert!(traces.iter().any(|known| known == "update-resource 8 identite-differente"), "{traces:?}");
}

async fn carers_read_and_add(server: &TestServer, path: &str) {
    let carer = server.patient("aidant", "dominique").await;
    assert_eq!(carer.get(path).await.status, 200, "a carer reads");
    assert_eq!(carer.post("/fhir/Observation", &weight(server, "dominique", 73)).await.status, 201, "and adds");
    let aidant = server.patient("aidant", "aidant").await;
    assert_eq!(aidant.get(path).await.outcome(), "404 not-found", "not in his own name");
}

#[test]
fn the_circle_is_read_by_the_patient_side_and_the_care_team_by_its_members() {
    block_on(async {
        let server = TestServer::start().await;
        let dominique = server.patient("dominique", "dominique").await;
        let (petit, dentist) = (server.professional("dr-petit").await, server.professional("dent-moreau").await);
        let path = format!("/fhir/CareTeam?{}", of(&server, "dominique"));
        for reader in [&dominique, &petit] {
            let team = reader.get(&path).await.matches();
            assert_eq!((team.len(), team[0]["participant"].as_array().unwrap().len()), (1, 3));
        }
        assert_eq!(dentist.get(&path).await.outcome(), "403 forbidden", "authorised, and no member");
        let observations = format!("/fhir/Observation?{}", of(&server, "dominique"));
        assert_eq!(dentist.get(&observations).await.status, 200, "who may read the record reads measures");
        let contact = json!({
            "resourceType": "RelatedPerson",
            "patient": { "reference": format!("Patient/{}", server.persona("dominique").key) },
            "name": [{ "family": "PROCHE" }],
            "relationship": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v2-0131", "code": "C" }] }],
        });
        assert_eq!(dominique.post("/fhir/RelatedPerson", &contact).await.status, 201);
        assert_eq!(dominique.get("/fhir/RelatedPerson?name=proche").await.matches().len(), 1);
        let circle = format!("/fhir/RelatedPerson?{}", of(&server, "dominique"));
        assert_eq!(petit.get(&circle).await.outcome(), "403 forbidden");
        let answers = json!({
            "resourceType": "QuestionnaireResponse",
            "status": "completed",
            "subject": { "reference": format!("Patient/{}", server.persona("dominique").key) },
            "item": [{ "linkId": "1", "answer": [{ "valueBoolean": true }] }],
        });
        let answers = dominique.post("/fhir/QuestionnaireResponse", &answers).await;
        assert_eq!(answers.status, 201, "{}", answers.text());
        let id = answers.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(petit.get(&format!("/fhir/QuestionnaireResponse/{id}")).await.status, 200);
    });
}

/// Generated over the registry: whatever a professional asks about a person with no open record, the answer
/// is that about a person nobody ever heard of (MES-048).
#[test]
fn no_interaction_tells_why_a_person_has_no_open_record() {
    block_on(async {
        let server = TestServer::start().await;
        let martin = server.professional("dr-martin").await;
        let operator = operator(&server).await;
        let unknown = espace::ids::PatientKey::from_bits(0x2aaa_aaaa_aaaa);
        let persons = ["oppose", "non-informe", "informe", "oppose-dmp"].map(|name| server.persona(name).key);
        for served in espace::rules::registry::REGISTRY.iter().filter(|served| served.generic.is_some()) {
            let kind = served.kind;
            for actor in [&martin, &operator] {
                for form in ["", "/_history", "/_history/1", "?patient=", "PUT", "PATCH", "DELETE", "POST"] {
                    let mut told = Vec::new();
                    for person in persons.iter().chain([&unknown]) {
                        let id = format!("{person}-00000000000000000000000000");
                        let body = json!({ "resourceType": kind, "id": id, "subject": { "reference": format!("Patient/{person}") } });
                        let answer = match form {
                            "?patient=" => actor.get(&format!("/fhir/{kind}?patient=Patient/{person}")).await,
                            "POST" => actor.post(&format!("/fhir/{kind}"), &body).await,
                            "PUT" | "PATCH" | "DELETE" => {
                                let method = Method::from_bytes(form.as_bytes()).unwrap();
                                send(actor, method, &format!("/fhir/{kind}/{id}"), &body).await
                            }
                            suffix => actor.get(&format!("/fhir/{kind}/{id}{suffix}")).await,
                        };
                        let text = answer.text().replace(answer.header("x-request-id"), "");
                        told.push((answer.status, text.replace(&id, "").replace(&person.to_string(), "")));
                    }
                    let last = told.last().unwrap().clone();
                    // Bundles have an id of their own.
                    if last.0 != 200 {
                        assert!(told.iter().all(|one| *one == last), "{kind} {form}: {told:?}");
                    }
                    assert!(told.iter().all(|one| one.0 == last.0), "{kind} {form}: {told:?}");
                }
            }
        }
    });
}

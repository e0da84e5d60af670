//! The bundles that the guides publish, under the substitution of contract §8: the person is
//! `dominique`, the author `dr-martin`, identifiers are fresh, replaced fiches are ours
//! (document-sharing T2, T4; samples of PDSm for DMP and of MHD).

use espace::config::Mode;
use serde_json::{Value, json};

use crate::support::client::Actor;
use crate::support::db::Db;
use crate::support::server::TestServer;
use crate::support::shared::sample;

const LOT: &str = "samples/pdsm/Bundle-example-td2-iti65-lot-soumission.json";
const REPLACEMENT: &str = "samples/pdsm/Bundle-example-td2-1-remplacement.json";
const SIMPLE: &str = "samples/mhd/Bundle-ex-comprehensiveProvideDocumentBundleSimple.json";
const REPLACE: &str = "samples/mhd/Bundle-ex-comprehensiveProvideDocumentBundleReplace.json";
const MINIMAL: &str = "samples/mhd/Bundle-ex-minimalProvideDocumentBundleSimple.json";

async fn server(mode: Mode) -> TestServer {
    TestServer::start_with(Db::of_this_run().await, |config| config.conformance.mode = mode).await
}

/// Every text of a resource, changed.
fn each(value: &mut Value, change: &impl Fn(&str) -> Option<String>) {
    match value {
        Value::String(text) => {
            if let Some(changed) = change(text) {
                *text = changed;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each(item, change)),
        Value::Object(members) => members.values_mut().for_each(|member| each(member, change)),
        _ => {}
    }
}

/// The fiche of a bundle.
fn fiche(bundle: &mut Value) -> &mut Value {
    let entries = bundle["entry"].as_array_mut().unwrap();
    let found = entries.iter_mut().find(|entry| entry["resource"]["resourceType"] == "DocumentReference");
    &mut found.unwrap()["resource"]
}

/// A published bundle with the documented substitution; `replaced` stands for the fiche it names.
fn substituted(server: &TestServer, path: &str, replaced: &str) -> Option<Value> {
    let mut bundle: Value = serde_json::from_slice(&sample(path)?).unwrap();
    let dominique = &server.persona("dominique").ins;
    let martin = server.author("dr-martin").exercise.professional.id.to_string();
    let person = format!("Patient/{}", server.persona("dominique").key);
    each(&mut bundle, &|text| {
        let text = text.replace("899700218896", &martin);
        let text = text.replace("123456789012345", dominique.value());
        let text = text.replace("urn:oid:1.2.250.1.213.1.4.8", &dominique.system());
        let text = text.replace("DocumentReference/doc-x-id", replaced);
        let text = text.replace("DocumentReference/ex-documentreference", replaced);
        Some(if text == "Patient/ex-patient" { person.clone() } else { text })
    });
    let fresh = server.bundle("dominique", "dr-martin")["entry"][1]["resource"]["masterIdentifier"]["value"].clone();
    fiche(&mut bundle)["masterIdentifier"]["value"] = fresh;
    if path.starts_with("samples/mhd") {
        let author = json!({
            "resourceType": "Practitioner", "id": "author",
            "identifier": [{ "system": "urn:oid:1.2.250.1.71.4.2.1", "value": martin }],
        });
        let fiche = fiche(&mut bundle);
        match fiche["contained"].as_array_mut() {
            Some(contained) => contained.push(author),
            None => fiche["contained"] = json!([author]),
        }
        fiche["author"] = json!([{ "reference": "#author" }]);
        for entry in bundle["entry"].as_array_mut().unwrap() {
            if entry["resource"]["resourceType"] == "Patient" {
                let ins = json!([{ "system": dominique.system(), "value": dominique.value() }]);
                entry["resource"]["identifier"] = ins;
            }
        }
    }
    Some(bundle)
}

/// Where each error of a refusal is, sorted, each once.
async fn errors(martin: &Actor, bundle: &Value) -> Vec<String> {
    let answer = martin.post("/fhir", bundle).await;
    assert_eq!(answer.status, 422, "{}", answer.text());
    let mut places: Vec<String> =
        answer.outcome().lines().map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect();
    places.sort();
    places.dedup();
    places
}

#[tokio::test]
async fn the_bundles_of_pdsm_for_dmp_pass_in_lenient_mode() {
    let server = server(Mode::Lenient).await;
    let Some(lot) = substituted(&server, LOT, "") else { return };
    let martin = server.professional("dr-martin").await;
    let first = martin.post("/fhir", &lot).await;
    let locations = first.locations();
    assert_eq!(locations.len(), 3);
    let warned = first.json()["entry"]
        .as_array()
        .unwrap()
        .iter()
        .any(|entry| entry["response"]["outcome"]["issue"].as_array().is_some_and(|issues| !issues.is_empty()));
    assert!(warned, "what the profile misses is told by warnings: {}", first.text());
    let replacement = substituted(&server, REPLACEMENT, &locations[1]).unwrap();
    let second = martin.post("/fhir", &replacement).await;
    let statuses: Vec<_> =
        second.json()["entry"].as_array().unwrap().iter().map(|e| e["response"]["status"].clone()).collect();
    assert_eq!(statuses, ["201", "201", "200", "201"], "ds 31: the PATCH entry stands third");
    let target = martin.get(&format!("/fhir/{}", locations[1])).await.json();
    assert_eq!((&target["status"], &target["meta"]["versionId"]), (&json!("superseded"), &json!("2")));
}

#[tokio::test]
async fn t2_the_bundles_of_pdsm_for_dmp_fail_in_strict_mode_where_they_miss_the_profile() {
    let server = server(Mode::Strict).await;
    let Some(lot) = substituted(&server, LOT, "") else { return };
    let martin = server.professional("dr-martin").await;
    let replacement = substituted(&server, REPLACEMENT, "DocumentReference/x").unwrap();
    for bundle in [lot, replacement] {
        let places = errors(&martin, &bundle).await;
        assert!(places.iter().any(|place| place.starts_with("Bundle.entry[0].resource.source")), "{places:?}");
    }
}

#[tokio::test]
async fn the_bundles_of_mhd_are_taken_as_published() {
    let server = server(Mode::Lenient).await;
    let Some(simple) = substituted(&server, SIMPLE, "") else { return };
    let martin = server.professional("dr-martin").await;
    let locations = martin.post("/fhir", &simple).await.locations();
    let kept = martin.get(&format!("/fhir/{}", locations[1])).await.json();
    let bytes = martin.get(kept["content"][0]["attachment"]["url"].as_str().unwrap()).await;
    assert_eq!((bytes.text().as_str(), bytes.header("content-type")), ("Hello World", "text/plain"));
    // Its document has 23 bytes, not the 24 that it says.
    let mut replace = substituted(&server, REPLACE, &locations[1]).unwrap();
    let answer = martin.post("/fhir", &replace).await;
    let told = "422 taille XDSNonIdenticalSize Bundle.entry[2].resource.content[0].attachment.size";
    assert_eq!(answer.outcome(), told);
    fiche(&mut replace)["content"][0]["attachment"]["size"] = 23.into();
    let answer = martin.post("/fhir", &replace).await;
    assert_eq!(answer.json()["entry"][1]["response"]["status"], "200", "{}", answer.text());
    assert_eq!(martin.get(&format!("/fhir/{}", locations[1])).await.json()["status"], "superseded");

    // Minimal metadata: the Patient entry matches a person and makes none.
    let minimal = substituted(&server, MINIMAL, "").unwrap();
    let persons = server.app.service.store.system_read("test.persons", |tx| tx.count_profiles()).await.unwrap();
    let answer = martin.post("/fhir", &minimal).await;
    let locations = answer.locations();
    assert_eq!(locations[3], format!("Patient/{}", server.persona("dominique").key));
    assert_eq!(answer.json()["entry"][3]["response"]["status"], "200");
    let kept = server.app.service.store.system_read("test.persons", |tx| tx.count_profiles()).await.unwrap();
    assert_eq!(kept, persons);
    let fiche = martin.get(&format!("/fhir/{}", locations[1])).await.json();
    assert_eq!(fiche["subject"]["reference"], locations[3]);
    let entry_uuid = fiche["identifier"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&entry_uuid["use"], &entry_uuid["type"]["coding"][0]["code"]),
        (&json!("official"), &json!("entryUUID"))
    );

    let mut stranger = substituted(&server, MINIMAL, "").unwrap();
    stranger["entry"][3]["resource"]["identifier"][0]["value"] = server.persona("cree-mail").ins.value().into();
    stranger["entry"][0]["resource"]["subject"] = json!({ "reference": locations[3] });
    stranger["entry"][1]["resource"]["subject"] = json!({ "reference": locations[3] });
    let answer = martin.post("/fhir", &stranger).await;
    assert_eq!(answer.outcome(), "422 identite-differente XDSPatientIdDoesNotMatch");
    let mut nameless = substituted(&server, MINIMAL, "").unwrap();
    nameless["entry"][3]["resource"].as_object_mut().unwrap().remove("identifier");
    let answer = martin.post("/fhir", &nameless).await;
    assert!(answer.outcome().starts_with("422 reference"), "{}", answer.outcome());
}

#[tokio::test]
async fn t4_the_unique_id_of_a_submission_set_is_an_oid_or_warned_of_or_refused_in_strict_mode() {
    for (mode, status) in [(Mode::Lenient, 200), (Mode::Strict, 422)] {
        let server = server(mode).await;
        let martin = server.professional("dr-martin").await;
        let mut bundle = server.bundle("dominique", "dr-martin");
        bundle["entry"][0]["resource"]["identifier"][0]["value"] =
            "urn:uuid:22222222-3333-4444-8555-666666666666".into();
        let answer = martin.post("/fhir", &bundle).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
        assert!(answer.text().contains("Bundle.entry[0].resource.identifier"), "it is told: {}", answer.text());
    }
}

#[tokio::test]
async fn uncontained_references_and_absent_hash_and_size_are_served_where_the_profile_admits_them() {
    let server = server(Mode::CiSis).await;
    let martin = server.professional("dr-martin").await;
    let base = "https://profiles.ihe.net/ITI/MHD/StructureDefinition";
    let mut bundle = server.bundle("dominique", "dr-martin");
    bundle["meta"]["profile"] = json!([format!("{base}/IHE.MHD.UnContained.Comprehensive.ProvideBundle")]);
    let martin_id = server.author("dr-martin").exercise.professional.id.to_string();
    let fiche = &mut bundle["entry"][1]["resource"];
    fiche["author"] = json!([{
        "type": "Practitioner", "identifier": { "system": "urn:oid:1.2.250.1.71.4.2.1", "value": martin_id },
    }]);
    let size = fiche["content"][0]["attachment"]["size"].clone();
    let hash = fiche["content"][0]["attachment"]["hash"].clone();
    fiche["content"][0]["attachment"].as_object_mut().unwrap().retain(|name, _| name != "hash" && name != "size");
    let answer = martin.post("/fhir", &bundle).await;
    let kept = martin.get(&format!("/fhir/{}", answer.locations()[1])).await.json();
    let attachment = &kept["content"][0]["attachment"];
    assert_eq!((&attachment["size"], &attachment["hash"]), (&size, &hash), "T13: both are added");
}

//! Cases 7 to 24 of ITI-65, each under its number (document-sharing §7, contract §8).

use espace::fhir::codec::xml::{self, Layout};
use reqwest::Method;
use serde_json::{Value, json};

use crate::refusal::Watch;
use crate::support::server::TestServer;

/// A bundle of dr-martin for dominique, broken and sent by its author: refused so.
async fn refused(break_it: impl FnOnce(&mut Value), told: &str, trace: &str) {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let mut bundle = server.bundle("dominique", "dr-martin");
    break_it(&mut bundle);
    let mut watch = Watch::over(&server).await;
    let answer = martin.post("/fhir", &bundle).await;
    watch.refused(told, &answer, told, &format!("provide-document-bundle {trace}")).await;
    assert_eq!(server.notices("dominique").await, [""; 0], "nobody was told");
}

fn fiche(bundle: &mut Value) -> &mut serde_json::Map<String, Value> {
    bundle["entry"][1]["resource"].as_object_mut().unwrap()
}

#[tokio::test]
async fn ds_7_every_entry_of_a_submission_is_answered_in_its_order() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let answer = martin.post("/fhir", &server.bundle("dominique", "dr-martin")).await;
    let body = answer.json();
    assert_eq!(body["type"], "transaction-response");
    for (entry, kind) in ["List", "DocumentReference", "Binary"].into_iter().enumerate() {
        let response = &body["entry"][entry]["response"];
        assert_eq!((&response["status"], &response["etag"]), (&json!("201"), &json!("W/\"1\"")));
        assert!(response["location"].as_str().unwrap().starts_with(&format!("{kind}/")));
        assert_eq!(martin.get(&format!("/fhir/{}", answer.locations()[entry])).await.status, 200);
    }
}

#[tokio::test]
async fn ds_8_a_bundle_in_xml_is_provided_and_answered_in_xml_where_asked() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let bundle = server.bundle("dominique", "dr-martin");
    let sent = xml::write(&bundle, Layout::Dense).unwrap().into_bytes();
    let headers = [("content-type", "application/fhir+xml"), ("accept", "application/fhir+xml")];
    let answer = martin.send(Method::POST, "/fhir", &headers, sent.clone()).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/fhir+xml; charset=utf-8"));
    let body = xml::read(&answer.body).unwrap();
    assert_eq!((&body["type"], body["entry"].as_array().unwrap().len()), (&json!("transaction-response"), 3));
    let location = |entry: usize| body["entry"][entry]["response"]["location"].as_str().unwrap().to_owned();
    let read = martin.get(&format!("/fhir/{}", location(2))).await;
    assert!(read.body == crate::refusal::document(&bundle), "the document, byte for byte");
    let fiche = martin.get(&format!("/fhir/{}", location(1))).await.json();
    assert_eq!(fiche["masterIdentifier"], bundle["entry"][1]["resource"]["masterIdentifier"]);
    assert_eq!(
        fiche["content"][0]["attachment"]["hash"],
        bundle["entry"][1]["resource"]["content"][0]["attachment"]["hash"]
    );
    let again = martin.send(Method::POST, "/fhir", &[("content-type", "application/fhir+xml")], sent).await;
    assert_eq!(again.json()["entry"][1]["response"]["location"], location(1), "sent again, in JSON: the same");
}

#[tokio::test]
async fn ds_9_two_submission_sets_or_an_observation_are_refused() {
    let foreign = "422 entree-etrangere XDSRegistryMetadataError Bundle.entry[3]";
    let observation = json!({ "resourceType": "Observation", "status": "final", "code": { "text": "x" } });
    for mut entry in
        [Value::Null, json!({ "resource": observation, "request": { "method": "POST", "url": "Observation" } })]
    {
        let add = |bundle: &mut Value| {
            if entry.is_null() {
                entry = bundle["entry"][0].clone();
            }
            entry["fullUrl"] = "urn:uuid:11111111-1111-4111-8111-111111111111".into();
            bundle["entry"].as_array_mut().unwrap().push(entry);
        };
        refused(add, foreign, "4 entree-etrangere").await;
    }
}

#[tokio::test]
async fn ds_10_a_fiche_without_its_master_identifier_is_refused() {
    let told = "422 element-manquant XDSRegistryMetadataError Bundle.entry[1].resource.masterIdentifier";
    refused(|bundle| drop(fiche(bundle).remove("masterIdentifier")), told, "4 element-manquant").await;
}

#[tokio::test]
async fn ds_11_t13_a_hash_of_other_bytes_or_of_none_is_refused() {
    let told = "422 empreinte XDSNonIdenticalHash Bundle.entry[1].resource.content[0].attachment.hash";
    for hash in ["A/hMRrv6Y15BjSM8kMLidrz+mHc=", "2jmj7l5rSw0yVb/vlWAYkK/YBwk="] {
        let change = |bundle: &mut Value| fiche(bundle)["content"][0]["attachment"]["hash"] = hash.into();
        refused(change, told, "8 empreinte").await;
    }
}

#[tokio::test]
async fn ds_12_data_in_the_fiche_is_refused() {
    let told = "422 profil XDSRegistryMetadataError Bundle.entry[1].resource.content[0].attachment.data";
    refused(|bundle| fiche(bundle)["content"][0]["attachment"]["data"] = "AAAA".into(), told, "4 profil").await;
}

#[tokio::test]
async fn ds_13_an_address_of_no_document_of_the_bundle_is_refused() {
    let told = "422 lot-incomplet XDSMissingDocument Bundle.entry[1].resource.content[0].attachment.url";
    refused(|bundle| fiche(bundle)["content"][0]["attachment"]["url"] = "Binary/x".into(), told, "4 lot-incomplet")
        .await;
}

#[tokio::test]
async fn ds_14_a_fiche_entered_in_error_is_refused() {
    let told = "422 code-invalide XDSRegistryMetadataError Bundle.entry[1].resource.status";
    refused(|bundle| fiche(bundle)["status"] = "entered-in-error".into(), told, "4 code-invalide").await;
}

#[tokio::test]
async fn ds_17_18_a_fiche_without_label_period_or_facility_is_refused() {
    let told = "422 element-manquant XDSRegistryMetadataError Bundle.entry[1].resource";
    for (place, element) in [("", "securityLabel"), (".context", "facilityType"), (".context.period", "start")] {
        let parent = |bundle: &mut Value| {
            let resource = &mut bundle["entry"][1]["resource"];
            let names = place.split('.').filter(|name| !name.is_empty());
            let found = names.fold(resource, |found, name| &mut found[name]);
            assert!(found.as_object_mut().unwrap().remove(element).is_some());
            if element == "start" {
                found["end"] = "2026-11-22".into();
            }
        };
        refused(parent, &format!("{told}{place}.{element}"), "4 element-manquant").await;
    }
}

#[tokio::test]
async fn ds_19_a_source_patient_that_is_not_contained_is_refused() {
    let told = "422 profil XDSRegistryMetadataError Bundle.entry[1].resource.context.sourcePatientInfo";
    let change = |bundle: &mut Value| {
        fiche(bundle)["contained"].as_array_mut().unwrap().retain(|own| own["resourceType"] != "Patient");
        fiche(bundle)["context"]["sourcePatientInfo"] = json!({ "reference": "Patient/28xjc43wv8efw" });
    };
    refused(change, told, "4 profil").await;
}

#[tokio::test]
async fn ds_22_23_neither_another_professional_nor_another_structure_provides_for_the_author() {
    let server = TestServer::start().await;
    let (petit, lab) = (server.professional("dr-petit").await, server.demo.professional("bio-laurent").unwrap());
    let structure = server.structure(&lab.structure.clone()).await;
    let mut watch = Watch::over(&server).await;
    for caller in [petit, structure] {
        let answer = caller.post("/fhir", &server.bundle("dominique", "dr-martin")).await;
        watch.refused("not the author", &answer, "403 non-auteur", "provide-document-bundle 8 non-auteur").await;
    }
}

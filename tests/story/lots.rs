//! Submissions of many entries, all or nothing (document-sharing §7, case 75; contract §8).

use serde_json::json;

use crate::refusal::{Watch, kept};
use crate::support::server::TestServer;

#[tokio::test]
async fn ds_75_a_bundle_of_a_thousand_entries_is_kept_whole_and_with_one_bad_not_at_all() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let mut bundle = server.bundle("dominique", "dr-martin");
    let [fiche, binary] = [bundle["entry"][1].clone(), bundle["entry"][2].clone()];
    for number in 0..498 {
        let (mut fiche, mut binary) = (fiche.clone(), binary.clone());
        fiche["fullUrl"] = format!("urn:uuid:44444444-4444-4444-8444-{number:012}").into();
        binary["fullUrl"] = format!("urn:uuid:55555555-5555-4555-8555-{number:012}").into();
        fiche["resource"]["masterIdentifier"]["value"] = format!("urn:oid:2.25.9{number}").into();
        fiche["resource"]["content"][0]["attachment"]["url"] = binary["fullUrl"].clone();
        let item = json!({ "item": { "reference": fiche["fullUrl"] } });
        bundle["entry"][0]["resource"]["entry"].as_array_mut().unwrap().push(item);
        bundle["entry"].as_array_mut().unwrap().extend([fiche, binary]);
    }
    let patient = format!("Patient/{}", server.persona("dominique").key);
    bundle["entry"].as_array_mut().unwrap().push(json!({ "request": { "method": "GET", "url": patient } }));
    assert_eq!(bundle["entry"].as_array().unwrap().len(), 1_000);

    let mut watch = Watch::over(&server).await;
    let mut bad = bundle.clone();
    bad["entry"][997]["resource"]["content"][0]["attachment"]["size"] = 3.into();
    let answer = martin.post("/fhir", &bad).await;
    let told = "422 taille XDSNonIdenticalSize Bundle.entry[997].resource.content[0].attachment.size";
    watch.refused("one bad", &answer, told, "provide-document-bundle 8 taille").await;
    // Found inside the transaction only, after all else was ready.
    let mut late = bundle.clone();
    late["entry"][997]["resource"]["relatesTo"] =
        json!([{ "code": "replaces", "target": { "reference": "DocumentReference/x" } }]);
    let answer = martin.post("/fhir", &late).await;
    watch.refused("late", &answer, "422 reference", "provide-document-bundle 4 reference").await;

    let before = kept(&server).await[3];
    let locations = martin.post("/fhir", &bundle).await.locations();
    assert_eq!((locations.len(), kept(&server).await[3] - before), (1_000, 499));
    assert_eq!(locations[999], patient);
}

#[tokio::test]
async fn a_bundle_of_a_million_entries_is_refused_before_it_is_read() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let mut watch = Watch::over(&server).await;
    for entry in ["{}", r#"{"resource":{"resourceType":"Binary"}}"#, r#"{"resource":{"data":"QQ=="}}"#] {
        let mut body = br#"{"resourceType":"Bundle","type":"transaction","entry":["#.to_vec();
        for number in 0..1_000_000 {
            body.extend_from_slice(if number == 0 { b"" } else { b"," });
            body.extend_from_slice(entry.as_bytes());
        }
        body.extend_from_slice(b"]}");
        let answer = martin.post_bytes("/fhir", body).await;
        watch.refused(entry, &answer, "413 too-long", "provide-document-bundle 8 too-long").await;
    }
}

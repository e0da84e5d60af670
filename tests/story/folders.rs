//! Folders and FHIR documents (document-sharing §7, cases 25 and 26; MHD §1.2).

use serde_json::{Value, json};

use super::traces_are_whole;
use crate::refusal::Watch;
use crate::support::db::{Db, stories};
use crate::support::server::TestServer;

stories! {
    ds_25_a_folder_is_kept_read_and_sent_again_in_a_new_version,
    ds_26_a_fhir_document_is_kept_and_read_as_the_bundle_it_is,
}

const FOLDER: &str = "urn:uuid:f01de000-0000-4000-8000-000000000001";
const COMPOSITION: &str = "urn:uuid:22222222-2222-4222-8222-222222222222";

/// A folder of these references, for the person and under the profile of `bundle`.
fn folder(bundle: &Value, items: &[Value]) -> Value {
    let list = &bundle["entry"][0]["resource"];
    json!({
        "resourceType": "List",
        "extension": [list["extension"][0]],
        "identifier": [{ "use": "usual", "system": "urn:ietf:rfc:3986", "value": "urn:oid:2.25.777",
            "type": { "coding": [{
                "system": "https://profiles.ihe.net/ITI/MHD/CodeSystem/IHE.MHD.MHDIdentifierType", "code": "uniqueId",
            }] } }],
        "status": "current",
        "mode": "working",
        "title": "Grossesse",
        "code": { "coding": [{ "system": "https://profiles.ihe.net/ITI/MHD/CodeSystem/MHDlistTypes", "code": "folder" }] },
        "subject": list["subject"],
        "date": list["date"],
        "entry": items.iter().map(|item| json!({ "item": item })).collect::<Vec<_>>(),
    })
}

/// Adds a folder to a bundle, and to what its submission set lists.
pub(super) fn with_folder(mut bundle: Value, method: &str, url: &str, items: &[Value]) -> Value {
    let folder = folder(&bundle, items);
    let entry = json!({ "fullUrl": FOLDER, "resource": folder, "request": { "method": method, "url": url } });
    bundle["entry"].as_array_mut().unwrap().push(entry);
    let listed = bundle["entry"][0]["resource"]["entry"].as_array_mut().unwrap();
    listed.push(json!({ "item": { "reference": FOLDER } }));
    bundle
}

pub(super) fn own(bundle: &Value) -> Value {
    json!({ "reference": bundle["entry"][1]["fullUrl"] })
}

/// A bundle whose document is a FHIR document.
pub(crate) fn with_fhir_document(mut bundle: Value) -> Value {
    let composition = json!({
        "resourceType": "Composition", "status": "final", "type": { "text": "note" }, "date": "2026-11-22",
        "author": [{ "display": "somebody" }], "title": "A note",
    });
    bundle["entry"][2]["resource"] = json!({
        "resourceType": "Bundle", "type": "document", "timestamp": "2026-11-22T10:00:00Z",
        "identifier": { "system": "urn:ietf:rfc:3986", "value": "urn:uuid:11111111-1111-4111-8111-111111111111" },
        "entry": [{ "fullUrl": COMPOSITION, "resource": composition }],
    });
    bundle["entry"][2]["request"]["url"] = "Bundle".into();
    let attachment = bundle["entry"][1]["resource"]["content"][0]["attachment"].as_object_mut().unwrap();
    attachment.insert("contentType".to_owned(), "application/fhir+json".into());
    attachment.remove("hash");
    attachment.remove("size");
    bundle
}

async fn ds_25_a_folder_is_kept_read_and_sent_again_in_a_new_version(db: Db) {
    let server = TestServer::start_on(db).await;
    let martin = server.professional("dr-martin").await;
    let bundle = server.bundle("dominique", "dr-martin");
    let first = with_folder(bundle.clone(), "POST", "List", &[own(&bundle)]);
    let answer = martin.post("/fhir", &first).await;
    let locations = answer.locations();
    assert_eq!(answer.json()["entry"][3]["response"]["status"], "201");
    let kept = martin.get(&format!("/fhir/{}", locations[3])).await;
    assert_eq!((kept.status.as_u16(), kept.header("etag")), (200, "W/\"1\""), "{}", kept.text());
    let kept = kept.json();
    assert_eq!(kept["entry"], json!([{ "item": { "reference": locations[1] } }]));
    assert_eq!(kept["subject"]["reference"], format!("Patient/{}", server.persona("dominique").key));
    let entry_uuid = &kept["identifier"][1];
    assert_eq!(
        (&entry_uuid["use"], &entry_uuid["type"]["coding"][0]["code"]),
        (&json!("official"), &json!("entryUUID"))
    );
    let set = martin.get(&format!("/fhir/{}", locations[0])).await.json();
    assert_eq!(set["entry"][1]["item"]["reference"], locations[3], "the submission set holds the folder");
    assert_eq!(martin.post("/fhir", &first).await.locations(), locations, "sent again, it is the same folder");

    // A new version by its id, then by a condition, each with one fiche more.
    let mut items = vec![json!({ "reference": locations[1] })];
    let conditional = "List?identifier=urn:ietf:rfc:3986|urn:oid:2.25.777".to_owned();
    for (version, address) in [(2, locations[3].clone()), (3, conditional)] {
        let bundle = server.bundle("dominique", "dr-martin");
        items.push(own(&bundle));
        let answer = martin.post("/fhir", &with_folder(bundle, "PUT", &address, &items)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let response = &answer.json()["entry"][3]["response"];
        assert_eq!(response["status"], "200", "{response}");
        assert_eq!(response["location"], format!("{}/_history/{version}", locations[3]));
        *items.last_mut().unwrap() = json!({ "reference": answer.locations()[1] });
        let folder = martin.get(&format!("/fhir/{}", locations[3])).await.json();
        assert_eq!(folder["entry"].as_array().unwrap().len(), version);
        let set = martin.get(&format!("/fhir/{}", answer.locations()[0])).await.json();
        assert_eq!(set["entry"][1]["item"]["reference"], locations[3]);
    }
    let old = martin.get(&format!("/fhir/{}/_history/1", locations[3])).await.json();
    assert_eq!(old["entry"].as_array().unwrap().len(), 1, "the versions before stay");

    let mut watch = Watch::over(&server).await;
    let bundle = server.bundle("dominique", "dr-martin");
    let unknown = [
        ("a submission set is no folder", locations[0].clone(), own(&bundle)),
        ("an unknown folder", "List/x".to_owned(), own(&bundle)),
        ("an unknown fiche", locations[3].clone(), json!({ "reference": "DocumentReference/x" })),
    ];
    for (case, address, item) in unknown {
        let answer = martin.post("/fhir", &with_folder(bundle.clone(), "PUT", &address, &[item])).await;
        let told = "422 reference XDSRegistryMetadataError";
        watch.refused(case, &answer, told, "provide-document-bundle 4 reference").await;
    }
    // Whoever may read nothing of it makes a folder of his own, or is told as if there were none.
    let laurent = server.professional("bio-laurent").await;
    let bundle = server.bundle("dominique", "bio-laurent");
    let foreign = laurent.post("/fhir", &with_folder(bundle.clone(), "PUT", &locations[3], &[own(&bundle)])).await;
    let told = "422 reference XDSRegistryMetadataError";
    watch.refused("another's", &foreign, told, "provide-document-bundle 4 reference").await;
    assert_eq!(laurent.get(&format!("/fhir/{}", locations[3])).await.outcome(), "404 not-found");
    traces_are_whole(&server).await;
}

async fn ds_26_a_fhir_document_is_kept_and_read_as_the_bundle_it_is(db: Db) {
    let server = TestServer::start_on(db).await;
    let martin = server.professional("dr-martin").await;
    let bundle = with_fhir_document(server.bundle("dominique", "dr-martin"));
    let locations = martin.post("/fhir", &bundle).await.locations();
    assert!(locations[2].starts_with("Bundle/"), "{locations:?}");
    let fiche = martin.get(&format!("/fhir/{}", locations[1])).await.json();
    let attachment = &fiche["content"][0]["attachment"];
    assert_eq!((attachment.get("hash"), attachment.get("size")), (None, None));
    assert_eq!(attachment["url"], format!("{}/{}", server.base(), locations[2]));
    for accept in ["application/fhir+json", "*/*", "application/json"] {
        let document = martin.get_with(&format!("/fhir/{}", locations[2]), &[("accept", accept)]).await;
        assert_eq!((document.status.as_u16(), document.header("content-type")), (200, "application/fhir+json"));
        assert_eq!(document.json(), bundle["entry"][2]["resource"], "nothing of it was changed");
    }
    let raw = martin.get_with(&format!("/fhir/{}", locations[2]), &[("accept", "image/png")]).await;
    assert_eq!(raw.outcome(), "406 not-acceptable");
    let binary = martin.post("/fhir", &server.bundle("dominique", "dr-martin")).await.locations()[2].clone();
    let as_bundle = binary.replace("Binary/", "Bundle/");
    assert_eq!(martin.get(&format!("/fhir/{as_bundle}")).await.outcome(), "404 not-found", "a Binary is no Bundle");
    assert_eq!(martin.post("/fhir", &bundle).await.locations(), locations, "sent again, it is the same document");

    let mut watch = Watch::over(&server).await;
    let mut stated = with_fhir_document(server.bundle("dominique", "dr-martin"));
    stated["entry"][1]["resource"]["content"][0]["attachment"]["size"] = 7.into();
    let answer = martin.post("/fhir", &stated).await;
    let told = "422 profil XDSRegistryMetadataError Bundle.entry[1].resource.content[0].attachment.size";
    watch.refused("a size", &answer, told, "provide-document-bundle 4 profil").await;
    let mut collection = with_fhir_document(server.bundle("dominique", "dr-martin"));
    collection["entry"][2]["resource"]["type"] = "collection".into();
    let answer = martin.post("/fhir", &collection).await;
    let told = "422 entree-etrangere XDSRegistryMetadataError Bundle.entry[2].resource.type";
    watch.refused("no document", &answer, told, "provide-document-bundle 4 entree-etrangere").await;
    traces_are_whole(&server).await;
}

#[tokio::test]
async fn ds_25_26_what_the_operator_switched_off_is_refused_by_its_mhd_code() {
    let server = TestServer::start_with(Db::of_this_run().await, |config| {
        (config.mhd.folders, config.mhd.fhir_document) = (false, false);
    })
    .await;
    let martin = server.professional("dr-martin").await;
    let bundle = server.bundle("dominique", "dr-martin");
    let mut watch = Watch::over(&server).await;
    let answer = martin.post("/fhir", &with_folder(bundle.clone(), "POST", "List", &[own(&bundle)])).await;
    let told = "422 classeurs-non-servis PartialFolderContentNotProcessed Bundle.entry[3].resource";
    watch.refused("ds 25", &answer, told, "provide-document-bundle 4 classeurs-non-servis").await;
    let answer = martin.post("/fhir", &with_fhir_document(bundle.clone())).await;
    let told = "422 document-fhir-non-servi FHIRDocumentNotSupported Bundle.entry[2].resource";
    watch.refused("ds 26", &answer, told, "provide-document-bundle 4 document-fhir-non-servi").await;
    assert_eq!(martin.post("/fhir", &bundle).await.status, 200);
}

//! A document of the ANS from its bytes alone: ITI-106 makes its fiche, its own author feeds both by
//! ITI-65, ITI-67 finds it by each of its metadata, ITI-68 gives it back (document-sharing §7, case 80).

use espace::ids::{BusinessIdentifier, IdSource as _, SystemIds};
use espace::ihe::mhd::{Derivation, derived_submission_set};
use serde_json::{Value, json};

use super::traces_are_whole;
use crate::support::client::Actor;
use crate::support::db::{Db, stories};
use crate::support::server::TestServer;
use crate::support::shared::sample;

stories! { ds_80_the_published_documents_make_the_round_trip_from_generated_metadata }

/// File, its author, media type (T12: one of each that is in use).
const SAMPLES: [(&str, &str, &str); 7] = [
    ("BIO-CR-BIO_2021.01_Auto-Presentable.xml", "bio-laurent", "application/xslt+xml"),
    ("BIO-CR-BIO_2024.01_TSH_1.xml", "bio-laurent", "text/xml"),
    ("DOC_NON_STRUCTURE_CDA-R2-N1.xml", "bio-laurent", "application/xml"),
    ("LDL-SES_2022.01.xml", "dr-martin", "text/xml"),
    ("VAC-NOTE_2023.01.xml", "dr-martin", "text/xml"),
    ("VSM_1.4_2022.01.xml", "dr-martin", "text/xml"),
    ("eP-MED-DM_2024.01_PosoStruct.xml", "dr-martin", "text/xml"),
];
const DOMINIQUE: &str = "patient.identifier=urn:oid:1.2.250.1.213.1.4.10%7C279035121518989";

/// The bundle that an author puts a generated fiche in.
fn bundle(server: &TestServer, mut fiche: Value, bytes: &[u8], content_type: &str) -> Value {
    let ids = SystemIds::default();
    let urn = || ids.uuid(server.now()).urn().to_string();
    let (list_url, fiche_url, binary_url) = (urn(), urn(), urn());
    fiche["content"][0]["attachment"]["url"] = json!(binary_url);
    let derivation = Derivation {
        entry_uuid: ids.uuid(server.now()),
        unique_id: ids.uuid(server.now()),
        fiche_url: &fiche_url,
        subject: fiche["subject"].clone(),
        source: BusinessIdentifier { system: "urn:ietf:rfc:3986".into(), value: "urn:oid:1.2.250.1.999.1.1.1".into() },
        at: server.now(),
    };
    let list = derived_submission_set(&fiche, &derivation);
    let data = base64_simd::STANDARD.encode_to_string(bytes);
    let binary = json!({ "resourceType": "Binary", "contentType": content_type, "data": data });
    let profile =
        "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-comprehensive-provide-document-bundle";
    let entry = |url: &str, kind: &str, resource: Value| json!({ "fullUrl": url, "resource": resource, "request": { "method": "POST", "url": kind } });
    json!({
        "resourceType": "Bundle",
        "meta": { "profile": [profile] },
        "type": "transaction",
        "entry": [
            entry(&list_url, "List", list),
            entry(&fiche_url, "DocumentReference", fiche),
            entry(&binary_url, "Binary", binary),
        ],
    })
}

/// Searches by the metadata of a fiche, each of which must find it.
fn searches(fiche: &Value) -> Vec<String> {
    let token = |name: &str, path: &str| {
        let coding = fiche.pointer(path).unwrap_or_else(|| panic!("{path}"));
        format!("{name}={}%7C{}", coding["system"].as_str().unwrap(), coding["code"].as_str().unwrap())
    };
    let text = |path: &str| fiche.pointer(path).unwrap_or_else(|| panic!("{path}")).as_str().unwrap().to_owned();
    let dated = |name: &str, path: &str| format!("{name}={}", text(path).replace('+', "%2B"));
    let master = format!("{}%7C{}", text("/masterIdentifier/system"), text("/masterIdentifier/value"));
    let mut searches = vec![
        token("type", "/type/coding/0"),
        token("category", "/category/0/coding/0"),
        token("security-label", "/securityLabel/0/coding/0"),
        token("format", "/content/0/format"),
        token("facility", "/context/facilityType/coding/0"),
        token("setting", "/context/practiceSetting/coding/0"),
        token("event", "/context/event/0/coding/0"),
        dated("creation", "/content/0/attachment/creation"),
        dated("period-start", "/context/period/start"),
        format!("identifier={master}"),
        "date=2026-11-22".to_owned(),
    ];
    if fiche.pointer("/context/period/end").is_some() {
        searches.push(dated("period-end", "/context/period/end"));
    }
    searches
}

async fn fed(server: &TestServer, author: &Actor, bytes: &[u8], content_type: &str) -> (String, Value) {
    let path = "/fhir/DocumentReference/$generate-metadata";
    let generated = author.post(path, &crate::http::generate_metadata::parameters(bytes, content_type)).await;
    let fiche = crate::http::generate_metadata::fiche(&generated);
    let published = author.post("/fhir", &bundle(server, fiche.clone(), bytes, content_type)).await;
    assert_eq!(published.status, 200, "{}", published.text());
    let location = published.locations()[1].clone();
    (location.rsplit('/').next().unwrap().to_owned(), fiche)
}

async fn ds_80_the_published_documents_make_the_round_trip_from_generated_metadata(db: Db) {
    let Some(foreign) = sample("samples/cda/CSE-MDE_2023.01.xml") else { return };
    let server = TestServer::start_on(db).await;
    let (martin, laurent) = (server.professional("dr-martin").await, server.professional("bio-laurent").await);
    let mut all = Vec::new();
    for (file, persona, content_type) in SAMPLES {
        let bytes = sample(&format!("samples/cda/{file}")).unwrap();
        let author = if persona == "dr-martin" { &martin } else { &laurent };
        let (id, fiche) = fed(&server, author, &bytes, content_type).await;
        all.push((file, id, fiche, bytes, content_type));
    }
    for (file, id, fiche, bytes, content_type) in &all {
        let searches = searches(fiche);
        assert!(searches.len() >= 10, "{file}");
        for search in searches {
            let found = martin.get(&format!("/fhir/DocumentReference?{DOMINIQUE}&status=current&{search}")).await;
            let kept = found.matches().into_iter().find(|found| found["id"] == id.as_str());
            let kept = kept.unwrap_or_else(|| panic!("{file} by {search}: {}", found.text()));
            for same in ["masterIdentifier", "type", "category", "securityLabel", "author", "authenticator", "context"]
            {
                assert_eq!(kept[same], fiche[same], "{file}: {same}");
            }
        }
        let kept = martin.get(&format!("/fhir/DocumentReference/{id}")).await.json();
        let read = martin.get(kept["content"][0]["attachment"]["url"].as_str().unwrap()).await;
        assert_eq!(read.status, 200, "{}", read.text());
        assert!(read.body == *bytes, "{file}: {} bytes for {}", read.body.len(), bytes.len());
        assert_eq!(read.header("content-type"), *content_type, "{file}");
    }
    // The eighth is somebody else's: its header is read, its INS is of a domain that is not served
    // here, and its bytes are kept as they are where nobody looks into them.
    assert!(espace::cda::probe(&foreign).is_ok());
    let path = "/fhir/DocumentReference/$generate-metadata";
    let refused = martin.post(path, &crate::http::generate_metadata::parameters(&foreign, "text/xml")).await;
    assert_eq!(refused.outcome().lines().next().unwrap().split(' ').nth(1), Some("ins-domaine"), "{}", refused.text());
    let opaque = crate::refusal::with_document(server.bundle("dominique", "dr-martin"), &foreign);
    let opaque = opaque.to_string().replace("\"text/xml\"", "\"application/octet-stream\"");
    let locations = martin.post_bytes("/fhir", opaque.into_bytes()).await.locations();
    let read = martin.get(&format!("/fhir/{}", locations[2])).await;
    assert!(read.body == foreign, "{}", read.text());
    traces_are_whole(&server).await;
}

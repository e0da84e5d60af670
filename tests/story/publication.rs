//! The daily work of the record: does it exist, publish, list, read back; traced and notified.

use super::traces_are_whole;
use crate::support::db::{Db, stories};
use crate::support::server::TestServer;

stories! { ds_36_a_document_is_published_found_and_read_back }

const DOMINIQUE: &str = "patient.identifier=urn:oid:1.2.250.1.213.1.4.10%7C279035121518989";

async fn ds_36_a_document_is_published_found_and_read_back(db: Db) {
    let server = TestServer::start_on(db).await;
    let martin = server.professional("dr-martin").await;

    let test = martin.get("/fhir/Patient?identifier=urn:oid:1.2.250.1.213.1.4.10%7C279035121518989").await;
    assert_eq!(test.matches()[0]["active"], true, "{}", test.text());

    let bundle = server.bundle("dominique", "dr-martin");
    let published = martin.post("/fhir", &bundle).await;
    let locations = published.locations();
    assert_eq!(locations.len(), 3);

    let found = martin.get(&format!("/fhir/DocumentReference?{DOMINIQUE}&status=current")).await;
    let fiches = found.matches();
    assert_eq!(fiches.len(), 1);
    assert_eq!(format!("DocumentReference/{}", fiches[0]["id"].as_str().unwrap()), locations[1]);

    let url = fiches[0]["content"][0]["attachment"]["url"].as_str().unwrap();
    let document = martin.get(url).await;
    let sent = base64_simd::STANDARD.decode_to_vec(bundle["entry"][2]["resource"]["data"].as_str().unwrap()).unwrap();
    assert_eq!((document.status.as_u16(), document.body == sent), (200, true));
    assert_eq!(document.header("content-type"), "text/xml");

    assert_eq!(
        server.traces("dominique").await,
        ["existence-test 0", "provide-document-bundle 0", "find-document-references 0", "retrieve-document 0"],
    );
    assert_eq!(server.notices("dominique").await, ["AJOUT_DOCUMENT activation-email", "ACCES_DMP_PS activation-email"],);
    traces_are_whole(&server).await;
}

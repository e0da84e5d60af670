//! Who may consult a record, and what the person is told of it (MES-005, MES-081, MES-082).

use jiff::SignedDuration;

use super::traces_are_whole;
use crate::support::db::{Db, stories};
use crate::support::server::TestServer;

stories! {
    only_tied_professionals_consult_and_their_first_access_is_told_once,
    a_bundle_sent_again_leaves_what_it_left_before,
}

const DOMINIQUE: &str =
    "/fhir/DocumentReference?patient.identifier=urn:oid:1.2.250.1.213.1.4.10%7C279035121518989&status=current";
const ADDED: &str = "AJOUT_DOCUMENT activation-email";
const ACCESSED: &str = "ACCES_DMP_PS activation-email";

async fn count(server: &TestServer, notice: &str) -> usize {
    server.notices("dominique").await.iter().filter(|known| *known == notice).count()
}

async fn only_tied_professionals_consult_and_their_first_access_is_told_once(db: Db) {
    let server = TestServer::start_on(db).await;
    let martin = server.professional("dr-martin").await;
    let locations = martin.post("/fhir", &server.bundle("dominique", "dr-martin")).await.locations();
    let document = format!("/fhir/{}", locations[2]);
    assert_eq!((count(&server, ADDED).await, count(&server, ACCESSED).await), (1, 1));

    for (told, name) in ["dr-petit", "inf-leroy", "dent-moreau"].into_iter().enumerate() {
        let reader = server.professional(name).await;
        assert_eq!(reader.get(DOMINIQUE).await.matches().len(), 1, "{name}");
        assert_eq!(count(&server, ACCESSED).await, told + 2, "{name}: the first access");
        assert_eq!(reader.get(&document).await.status, 200, "{name}");
        assert_eq!(reader.get(DOMINIQUE).await.matches().len(), 1, "{name}");
        assert_eq!(count(&server, ACCESSED).await, told + 2, "{name}: the first access only");
    }
    for name in ["pharm-garcia", "dr-externe", "reg-roux", "bio-laurent", "as-durand"] {
        let reader = server.professional(name).await;
        assert_eq!(reader.get(DOMINIQUE).await.outcome(), "403 forbidden", "{name}");
        assert_eq!(reader.get(&document).await.outcome(), "404 not-found", "{name}");
    }
    assert_eq!(count(&server, ACCESSED).await, 4, "who is refused is no access");

    // An authorisation ends with its term, a place in the care team does not.
    server.clock.advance(SignedDuration::from_hours(24 * 31));
    assert_eq!(server.professional("dent-moreau").await.get(DOMINIQUE).await.outcome(), "403 forbidden");
    assert_eq!(server.professional("inf-leroy").await.get(DOMINIQUE).await.matches().len(), 1);
    traces_are_whole(&server).await;
}

async fn a_bundle_sent_again_leaves_what_it_left_before(db: Db) {
    let server = TestServer::start_on(db).await;
    let martin = server.professional("dr-martin").await;
    let bundle = server.bundle("dominique", "dr-martin");
    let first = martin.post("/fhir", &bundle).await;
    let notices = server.notices("dominique").await;
    server.clock.advance(SignedDuration::from_secs(5));
    let martin = server.professional("dr-martin").await;
    let second = martin.post("/fhir", &bundle).await;
    assert_eq!(second.locations(), first.locations());
    let statuses =
        second.json()["entry"].as_array().unwrap().iter().map(|e| e["response"]["status"].clone()).collect::<Vec<_>>();
    assert_eq!(statuses, ["201", "201", "201"]);
    assert_eq!(server.notices("dominique").await, notices);
    assert_eq!(martin.get(DOMINIQUE).await.matches().len(), 1);
    let sent = server.traces("dominique").await.iter().filter(|trace| *trace == "provide-document-bundle 0").count();
    assert_eq!(sent, 2, "each submission leaves its trace");

    // The stored instant and version are told, not those of the second submission.
    let stamps = |answer: &crate::support::client::Answer| {
        let body = answer.json();
        let entries = body["entry"].as_array().unwrap().iter();
        entries.map(|entry| entry["response"]["lastModified"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(stamps(&second), stamps(&first));
    for (location, stamp) in second.locations().iter().zip(stamps(&second)).take(2) {
        assert_eq!(martin.get(&format!("/fhir/{location}")).await.json()["meta"]["lastUpdated"], stamp, "{location}");
    }
    traces_are_whole(&server).await;
}

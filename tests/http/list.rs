//! Read and vread of a submission set: validators, conditional reads, one answer for what is not there.

use super::{DOMINIQUE, faults};
use crate::support::client::Actor;
use crate::support::db::block_on;
use crate::support::server::TestServer;

/// Reads `Type/id` in every way that R4 knows; what is not there or not allowed is one answer.
pub(super) async fn assert_readable(server: &TestServer, reader: &Actor, location: &str) {
    let (kind, id) = location.split_once('/').unwrap();
    let read = reader.get(&format!("/fhir/{location}")).await;
    assert_eq!((read.status.as_u16(), read.header("etag")), (200, "W/\"1\""));
    assert_eq!(read.header("last-modified"), "Sun, 22 Nov 2026 10:00:00 GMT");
    assert_eq!(read.header("content-type"), "application/fhir+json; charset=utf-8");
    assert_eq!(read.header("cache-control"), "no-store");
    assert_eq!((read.json()["id"].as_str(), read.json()["meta"]["versionId"].as_str()), (Some(id), Some("1")));
    let version = reader.get(&format!("/fhir/{location}/_history/1")).await;
    assert_eq!(version.text(), read.text());

    for held in ["W/\"1\"", "\"1\"", "W/\"0\", W/\"1\"", "*"] {
        let same = reader.get_with(&format!("/fhir/{location}"), &[("if-none-match", held)]).await;
        assert_eq!((same.status.as_u16(), same.body.len()), (304, 0), "{held}");
        assert_eq!(same.header("etag"), "W/\"1\"");
    }
    let changed = reader.get_with(&format!("/fhir/{location}"), &[("if-none-match", "W/\"2\"")]).await;
    assert_eq!(changed.status, 200);
    let head = reader.send(reqwest::Method::HEAD, &format!("/fhir/{location}"), &[], Vec::new()).await;
    assert_eq!((head.status.as_u16(), head.header("etag"), head.body.len()), (200, "W/\"1\"", 0));

    let same = [("x-request-id", "the-same")];
    let unknown = format!("{}1111", id.strip_suffix(id.get(id.len() - 4..).unwrap()).unwrap());
    let absent = reader.get_with(&format!("/fhir/{kind}/{unknown}"), &same).await;
    assert_eq!(absent.outcome(), "404 not-found");
    let outsider = server.professional("dr-externe").await;
    for (caller, path) in [
        (reader, format!("/fhir/{kind}/nothing")),
        (reader, format!("/fhir/{location}/_history/2")),
        (reader, format!("/fhir/{location}/_history/0")),
        (reader, format!("/fhir/{location}/_history/x")),
        (&outsider, format!("/fhir/{location}")),
        (&outsider, format!("/fhir/{kind}/{unknown}")),
    ] {
        let answer = caller.get_with(&path, &same).await;
        assert_eq!((answer.status, answer.text()), (absent.status, absent.text()), "{path}");
    }
    let held = outsider.get_with(&format!("/fhir/{location}"), &[("if-none-match", "W/\"1\"")]).await;
    assert_eq!(held.outcome(), "404 not-found", "a validator opens nothing");
}

#[test]
fn a_submission_set_is_read_by_id_and_version_with_its_validators() {
    block_on(async {
        let server = TestServer::start().await;
        let martin = server.professional("dr-martin").await;
        let locations = martin.post("/fhir", &server.bundle("dominique", "dr-martin")).await.locations();
        assert_readable(&server, &martin, &locations[0]).await;
        let list = martin.get(&format!("/fhir/{}", locations[0])).await.json();
        assert_eq!(list["entry"][0]["item"]["reference"].as_str(), Some(locations[1].as_str()));
        assert_eq!(faults(&list), []);
        let search = martin.get(&format!("/fhir/List?{DOMINIQUE}&code=submissionset&status=current")).await;
        assert_eq!(search.matches(), [list], "what is found is what is read");
    });
}

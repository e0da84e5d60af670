//! ITI-68 Retrieve Document: bytes, ranges, forms, and one answer for what is not there (MHD §1.6).

use espace::cli::demo::Document;
use reqwest::Method;

use super::faults;
use crate::support::db::{Db, block_on, stories};
use crate::support::server::TestServer;

stories! { a_large_document_is_kept_in_a_file_and_read_by_ranges }

fn sent(bundle: &serde_json::Value) -> Vec<u8> {
    base64_simd::STANDARD.decode_to_vec(bundle["entry"][2]["resource"]["data"].as_str().unwrap()).unwrap()
}

#[test]
fn ds_49_50_51_a_document_is_sent_raw_or_as_a_resource_as_the_client_accepts() {
    block_on(async {
        let server = TestServer::start().await;
        let martin = server.professional("dr-martin").await;
        let bundle = server.bundle("dominique", "dr-martin");
        let (bytes, locations) = (sent(&bundle), martin.post("/fhir", &bundle).await.locations());
        let path = format!("/fhir/{}", locations[2]);
        for (accept, is_raw) in [
            ("*/*", true),
            ("text/xml", true),
            ("text/*", true),
            ("application/fhir+json;q=0.1, text/xml", true),
            ("application/fhir+json", false),
            ("application/json", false),
        ] {
            let answer = martin.get_with(&path, &[("accept", accept)]).await;
            assert_eq!(answer.status, 200, "{accept}");
            if is_raw {
                assert!(answer.body == bytes, "{accept}");
                assert_eq!(answer.header("content-type"), "text/xml");
                assert_eq!(answer.header("content-length"), bytes.len().to_string());
                assert_eq!(answer.header("x-content-type-options"), "nosniff");
            } else {
                let body = answer.json();
                assert_eq!(faults(&body), []);
                assert_eq!(
                    (body["resourceType"].as_str(), body["contentType"].as_str()),
                    (Some("Binary"), Some("text/xml"))
                );
                assert!(base64_simd::STANDARD.decode_to_vec(body["data"].as_str().unwrap()).unwrap() == bytes);
                assert_eq!(format!("Binary/{}", body["id"].as_str().unwrap()), locations[2]);
            }
        }
        for accept in ["image/png", "text/turtle", "text/plain;q=0"] {
            let answer = martin.get_with(&path, &[("accept", accept)]).await;
            assert_eq!(answer.outcome(), "406 not-acceptable", "{accept}");
        }
        assert!(martin.get(&format!("{path}/_history/1")).await.body == bytes);
        let head = martin.send(Method::HEAD, &path, &[], Vec::new()).await;
        assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
        assert_eq!(head.header("content-length"), bytes.len().to_string());

        let last = bytes.len() - 1;
        for (range, first, end) in
            [("bytes=0-99", 0, 100), ("bytes=100-", 100, bytes.len()), ("bytes=-7", bytes.len() - 7, bytes.len())]
        {
            let part = martin.get_with(&path, &[("range", range)]).await;
            assert_eq!(part.status, 206, "{range}");
            assert!(part.body == bytes[first..end], "{range}");
            assert_eq!(part.header("content-range"), format!("bytes {first}-{}/{}", end - 1, bytes.len()));
        }
        let beyond = martin.get_with(&path, &[("range", &format!("bytes={}-", last + 1))]).await;
        assert_eq!(
            (beyond.status.as_u16(), beyond.header("content-range")),
            (416, &*format!("bytes */{}", bytes.len()))
        );
    });
}

#[test]
fn unknown_foreign_and_forbidden_documents_are_one_answer() {
    block_on(async {
        let server = TestServer::start().await;
        let (martin, outsider) = (server.professional("dr-martin").await, server.professional("dr-externe").await);
        let locations = martin.post("/fhir", &server.bundle("dominique", "dr-martin")).await.locations();
        let foreign = martin.post("/fhir", &server.bundle("corse", "dr-martin")).await.locations();
        let same = [("x-request-id", "the-same")];
        let absent = martin.get_with("/fhir/Binary/nothing", &same).await;
        assert_eq!(absent.outcome(), "404 not-found");
        let id = locations[2].strip_prefix("Binary/").unwrap();
        let (own_key, foreign_key) = (server.persona("dominique").key, server.persona("corse").key);
        for (caller, path) in [
            (&martin, format!("/fhir/Binary/{}", id.replace(&own_key.to_string(), &foreign_key.to_string()))),
            (&martin, format!("/fhir/Binary/{}", locations[1].strip_prefix("DocumentReference/").unwrap())),
            (&martin, format!("/fhir/Binary/{own_key}")),
            (&outsider, format!("/fhir/{}", locations[2])),
            (&outsider, format!("/fhir/{}", foreign[2])),
            (&outsider, "/fhir/Binary/nothing".to_owned()),
        ] {
            let answer = caller.get_with(&path, &same).await;
            assert_eq!((answer.status, answer.text()), (absent.status, absent.text()), "{path}");
        }
        // His own he reads, of whomever it is.
        assert_eq!(martin.get(&format!("/fhir/{}", foreign[2])).await.status, 200);
        let traces = server.traces("dominique").await;
        assert_eq!(traces.iter().filter(|trace| *trace == "retrieve-document 4 not-found").count(), 1, "{traces:?}");
    });
}

async fn a_large_document_is_kept_in_a_file_and_read_by_ranges(db: Db) {
    let server = TestServer::start_on(db).await;
    let martin = server.professional("dr-martin").await;
    let noise: Vec<u8> = (0_u32..2_300_000).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    let bundle = server.bundle_of(&Document::pdf(server.now(), noise), "dominique", "dr-martin");
    let bytes = sent(&bundle);
    assert!(bytes.len() > 3_000_000);
    let locations = martin.post("/fhir", &bundle).await.locations();
    let files = server.app.service.store.system_read("test.files", |tx| tx.list_blob_files(None, 10)).await.unwrap();
    assert_eq!(files.len(), 1, "kept in a file");

    let path = format!("/fhir/{}", locations[2]);
    let whole = martin.get(&path).await;
    assert!(whole.body == bytes);
    assert_eq!(whole.header("content-length"), bytes.len().to_string());
    let end = bytes.len();
    // Within a segment of 64 KiB, across several, at the edges.
    for (first, last) in [(0, 0), (65_535, 65_536), (65_536, 131_071), (1_000_000, 1_300_000), (end - 10, end - 1)] {
        let part = martin.get_with(&path, &[("range", &format!("bytes={first}-{last}"))]).await;
        assert_eq!(part.status, 206);
        assert!(part.body == bytes[first..=last], "{first}-{last}");
        assert_eq!(part.header("content-range"), format!("bytes {first}-{last}/{end}"));
        assert_eq!(part.header("content-length"), (last - first + 1).to_string());
    }
    let open = martin.get_with(&path, &[("range", "bytes=3000000-")]).await;
    assert!(open.status == 206 && open.body == bytes[3_000_000..]);
    assert_eq!(martin.get_with(&path, &[("range", &format!("bytes={end}-"))]).await.status, 416);
    crate::story::traces_are_whole(&server).await;
}

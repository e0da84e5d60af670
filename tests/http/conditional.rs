//! Documents asked for under conditions: by range, if changed, by the head alone (RFC 9110 §13, §14).

use reqwest::Method;
use serde_json::Value;

use super::simplified_publish::alone;
use crate::support::client::{Actor, Answer};
use crate::support::db::block_on;
use crate::support::server::TestServer;

/// Publishes bytes alone (ITI-105); the paths of the fiche and of the bytes.
pub(super) async fn deposit(actor: &Actor, bundle: &Value, media: &str, bytes: &[u8]) -> (String, String) {
    let created = actor.post("/fhir/DocumentReference", &alone(bundle, Some((media, bytes)))).await;
    assert_eq!(created.status, 201, "{}", created.text());
    let fiche = created.json();
    let url = fiche["content"][0]["attachment"]["url"].as_str().unwrap();
    let bytes = format!("/fhir/Binary/{}", url.rsplit('/').next().unwrap());
    (format!("/fhir/DocumentReference/{}", fiche["id"].as_str().unwrap()), bytes)
}

/// Status, length of the body, `ETag`.
fn told(answer: &Answer) -> (u16, usize, &str) {
    (answer.status.as_u16(), answer.body.len(), answer.header("etag"))
}

#[test]
fn a_document_that_the_client_holds_is_not_sent_again() {
    block_on(async {
        let server = TestServer::start().await;
        let martin = server.professional("dr-martin").await;
        let small = b"%PDF-1.4 small".to_vec();
        let large: Vec<u8> = (0_u32..900_001).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
        for bytes in [small, large] {
            let bundle = server.bundle("dominique", "dr-martin");
            let (_, path) = deposit(&martin, &bundle, "application/pdf", &bytes).await;
            let size = bytes.len();
            for held in ["\"1\"", "W/\"1\"", "*", "\"7\", W/\"1\""] {
                let answer = martin.get_with(&path, &[("if-none-match", held), ("range", "bytes=0-1")]).await;
                assert_eq!(told(&answer), (304, 0, "\"1\""), "{held}");
                let headers = [("if-none-match", held), ("accept", "application/fhir+json")];
                assert_eq!(told(&martin.get_with(&path, &headers).await), (304, 0, "W/\"1\""), "{held}");
                let head = martin.send(Method::HEAD, &path, &[("if-none-match", held)], Vec::new()).await;
                assert_eq!(told(&head), (304, 0, "\"1\""), "{held}");
            }
            let whole = martin.get_with(&path, &[("if-none-match", "\"2\"")]).await;
            assert_eq!(told(&whole), (200, size, "\"1\""));
            assert!(whole.body == bytes);
            assert_eq!((whole.header("vary"), whole.header("accept-ranges")), ("Accept", "bytes"));
            let id = path.rsplit('/').next().unwrap();
            assert_eq!(whole.header("content-disposition"), format!("attachment; filename=\"document-{id}.pdf\""));
            assert_eq!(whole.header("x-content-type-options"), "nosniff");

            // A range counts where the bytes are still those that the client has the rest of.
            for (tag, status) in
                [("\"1\"", 206), ("W/\"1\"", 200), ("\"2\"", 200), ("Sun, 22 Nov 2026 10:00:00 GMT", 200)]
            {
                let part = martin.get_with(&path, &[("if-range", tag), ("range", "bytes=-5")]).await;
                assert_eq!(part.status, status, "{tag}");
                let from = if status == 206 { size - 5 } else { 0 };
                assert!(part.body == bytes[from..], "{tag}");
            }
            let beyond = martin.get_with(&path, &[("range", &format!("bytes={size}-"))]).await;
            assert_eq!((told(&beyond).0, beyond.header("content-range")), (416, &*format!("bytes */{size}")));
            let several = martin.get_with(&path, &[("range", "bytes=0-1,4-5")]).await;
            assert!(several.status == 200 && several.body == bytes, "several ranges are the whole");
            let head = martin.send(Method::HEAD, &path, &[("range", "bytes=0-1")], Vec::new()).await;
            assert_eq!((told(&head), head.header("content-length")), ((200, 0, "\"1\""), &*size.to_string()));

            let resource = martin.get_with(&path, &[("accept", "application/fhir+json")]).await;
            assert_eq!(resource.header("content-length"), resource.body.len().to_string());
            assert_eq!(resource.header("content-type"), "application/fhir+json; charset=utf-8");
            let data = resource.json()["data"].as_str().unwrap().to_owned();
            assert!(base64_simd::STANDARD.decode_to_vec(data).unwrap() == bytes);
        }
        crate::story::traces_are_whole(&server).await;
    });
}

#[test]
fn a_document_is_told_by_the_type_it_was_sent_with_and_named_after_it() {
    block_on(async {
        let server = TestServer::start().await;
        let martin = server.professional("dr-martin").await;
        let kinds = [
            ("application/pdf", "pdf"),
            ("image/jpeg", "jpg"),
            ("image/tiff", "tif"),
            ("text/rtf", "rtf"),
            ("text/plain", "txt"),
        ];
        for (media, ending) in kinds {
            let bundle = server.bundle("dominique", "dr-martin");
            let (_, path) = deposit(&martin, &bundle, media, media.as_bytes()).await;
            let answer = martin.get(&path).await;
            assert_eq!((answer.header("content-type"), &*answer.body), (media, media.as_bytes()));
            let name = answer.header("content-disposition");
            assert!(
                name.starts_with("attachment; filename=\"document-") && name.ends_with(&format!(".{ending}\"")),
                "{name}"
            );
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{media}");
        }
    });
}

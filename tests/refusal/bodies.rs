//! Bodies that are too large, too slow, too deep or not what they say (contract §8: 400, 408, 413,
//! 415, 431).

use super::wire::Wire;
use super::{Watch, provide};
use crate::support::client::Actor;
use crate::support::db::Db;
use crate::support::server::TestServer;

const BODY: u64 = 6_000_000;
const DOCUMENT: u64 = 1_000_000;

/// A server of small limits and little patience.
async fn strict() -> TestServer {
    let change = |config: &mut espace::config::Config| {
        (config.server.body_limit_bytes, config.documents.limit_bytes) = (BODY, DOCUMENT);
        // actix counts the time for headers from a clock that moves twice a second.
        (config.server.body_idle_ms, config.server.header_timeout_ms) = (250, 1_500);
    };
    TestServer::start_with(Db::of_this_run().await, change).await
}

fn head(actor: &Actor, framing: &str) -> String {
    let token = actor.token();
    let kind = "content-type: application/fhir+json";
    format!("POST /fhir HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n{kind}\r\n{framing}\r\n\r\n")
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_a_structure_error() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let mut watch = Watch::over(&server).await;
    let whole = server.bundle("dominique", "dr-martin").to_string();
    let deep = |open: &str, close: &str| {
        format!(r#"{{"resourceType":"Bundle","type":{}1{}}}"#, open.repeat(10_000), close.repeat(10_000)).into_bytes()
    };
    let twice = whole.replacen(r#""type":"transaction""#, r#""type":"batch","type":"transaction""#, 1);
    let within = whole.replacen(r#""status":"current""#, r#""status":"current","status":"superseded""#, 1);
    assert!(twice != whole && within != whole);
    let not_utf8 = {
        let at = whole.find("Compte rendu").unwrap();
        let mut bytes = whole.clone().into_bytes();
        bytes[at] = 0xff;
        bytes
    };
    let cases: [(&str, Vec<u8>); 14] = [
        ("nothing", b" ".to_vec()),
        ("cut in the metadata", whole.as_bytes()[..700].to_vec()),
        ("cut in the document", whole.as_bytes()[..whole.len() - 400].to_vec()),
        ("without its last brace", whole.as_bytes()[..whole.len() - 1].to_vec()),
        ("with something after it", format!("{whole}{{}}").into_bytes()),
        ("arrays 10 000 deep", deep("[", "]")),
        ("objects 10 000 deep", deep(r#"{"a":"#, "}")),
        ("arrays 10 000 deep, never closed", deep("[", "")),
        ("a key twice", twice.into_bytes()),
        ("a key twice, further down", within.into_bytes()),
        ("not UTF-8", not_utf8),
        ("half a surrogate", whole.replacen("Compte rendu", "\\ud800 rendu", 1).into_bytes()),
        ("no object", b"[]".to_vec()),
        ("XML", b"<Bundle xmlns=\"http://hl7.org/fhir\"/>".to_vec()),
    ];
    for (case, body) in cases {
        let answer = martin.post_bytes("/fhir", body).await;
        watch.refused(case, &answer, "400 structure", &provide(8, "structure")).await;
    }
    for kind in ["text/plain", "application/fhir+turtle", "multipart/form-data", ""] {
        let headers: &[_] = if kind.is_empty() { &[] } else { &[("content-type", kind)] };
        let body = whole.clone().into_bytes();
        let answer = martin.send(reqwest::Method::POST, "/fhir", headers, body).await;
        watch.refused(kind, &answer, "415 type-de-contenu", &provide(4, "type-de-contenu")).await;
    }
    let answer = martin.post_bytes("/fhir/Patient/_search", b"{}".to_vec()).await;
    watch.refused("JSON for a form", &answer, "415 type-de-contenu", "existence-test 4 type-de-contenu").await;
    assert_eq!(martin.post_bytes("/fhir", whole.into_bytes()).await.status, 200, "whole, it is taken");
}

#[tokio::test]
async fn ds_75_what_is_too_large_is_refused_and_thrown_away() {
    let server = strict().await;
    let martin = server.professional("dr-martin").await;
    let mut watch = Watch::over(&server).await;
    let trace = provide(8, "too-long");
    let with_data = |count: usize, decoded: u64| {
        let mut bundle = server.bundle("dominique", "dr-martin");
        let data = "AAAA".repeat(usize::try_from(decoded / 3 + 1).unwrap());
        bundle["entry"][2]["resource"]["data"] = data.into();
        for _ in 1..count {
            let again = bundle["entry"][2].clone();
            bundle["entry"].as_array_mut().unwrap().push(again);
        }
        bundle.to_string().into_bytes()
    };
    let answer = martin.post_bytes("/fhir", with_data(1, DOCUMENT)).await;
    watch.refused("a document over the limit", &answer, "413 too-long", &trace).await;
    let answer = martin.post_bytes("/fhir", with_data(5, DOCUMENT - 10_000)).await;
    watch.refused("a body over the limit", &answer, "413 too-long", &trace).await;
    let mut bundle = server.bundle("dominique", "dr-martin");
    bundle["entry"][1]["resource"]["description"] = "x".repeat(4_300_000).into();
    let answer = martin.post("/fhir", &bundle).await;
    watch.refused("a rest over 4 MiB", &answer, "413 too-long", &trace).await;
    let mut bundle = server.bundle("dominique", "dr-martin");
    for _ in 0..1_000 {
        let again = bundle["entry"][2].clone();
        bundle["entry"].as_array_mut().unwrap().push(again);
    }
    let answer = martin.post("/fhir", &bundle).await;
    watch.refused("1 001 documents", &answer, "413 too-long", &trace).await;

    // The same without a length: in chunks, until the server has had enough.
    let mut wire = Wire::open(&server, "cabinet").await;
    wire.send(head(&martin, "transfer-encoding: chunked")).await.unwrap();
    for piece in with_data(5, DOCUMENT - 10_000).chunks(60_000) {
        let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
        if wire.send(chunk).await.is_err() {
            break;
        }
    }
    let reply = wire.reply().await.unwrap();
    assert_eq!((reply.status, reply.body.contains("too-long")), (413, true), "{}", reply.head);
    watch.traced_once("chunks", &trace).await;
}

#[tokio::test]
async fn a_body_of_150_mb_and_one_byte_is_refused_by_its_length_before_it_comes() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let mut watch = Watch::over(&server).await;
    let mut wire = Wire::open(&server, "cabinet").await;
    wire.send(head(&martin, "content-length: 150000001")).await.unwrap();
    let reply = wire.reply().await.unwrap();
    assert_eq!((reply.status, reply.body.contains("too-long")), (413, true), "{}", reply.head);
    watch.traced_once("150 MB + 1", &provide(8, "too-long")).await;
    let mut wire = Wire::open(&server, "cabinet").await;
    wire.send(head(&martin, "content-length: 150000000")).await.unwrap();
    wire.send("{").await.unwrap();
    wire.close().await;
    watch.traced_once("150 MB, cut off", &provide(8, "structure")).await;
}

#[tokio::test]
async fn a_body_that_really_comes_is_refused_at_its_last_byte_too_many() {
    // 150 MB + 1 with `ESPACE_LARGE_MB=100`, a share of both limits otherwise.
    let limit = crate::http::large::megabytes() * 1_500_000;
    let change = |config: &mut espace::config::Config| {
        config.server.body_limit_bytes = u64::try_from(limit).unwrap();
        config.documents.limit_bytes = config.server.body_limit_bytes / 3 * 2;
    };
    let server = TestServer::start_with(Db::of_this_run().await, change).await;
    let martin = server.professional("dr-martin").await;
    let mut watch = Watch::over(&server).await;
    let half = "A".repeat(limit / 8 * 4);
    let start =
        format!(r#"{{"resourceType":"Bundle","type":"transaction","entry":[{{"resource":{{"data":"{half}"}}}},"#);
    let start = format!(r#"{start}{{"resource":{{"data":""#);
    let mut wire = Wire::open(&server, "cabinet").await;
    wire.send(head(&martin, "transfer-encoding: chunked")).await.unwrap();
    let rest = vec![b'A'; limit + 1 - start.len()];
    let mut sent = 0;
    for piece in start.as_bytes().chunks(60_000).chain(rest.chunks(60_000)) {
        let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
        wire.send(chunk).await.unwrap();
        sent += piece.len();
        if sent == limit / 60_000 * 60_000 {
            watch.untouched("not yet").await;
        }
    }
    assert_eq!(sent, limit + 1, "all of it was taken");
    let reply = wire.reply().await.unwrap();
    assert_eq!((reply.status, reply.body.contains("too-long")), (413, true), "{}", reply.head);
    watch.traced_once("one byte too many", &provide(8, "too-long")).await;
}

#[tokio::test]
async fn headers_over_the_limit_are_refused_with_an_outcome_before_anything_else() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let mut watch = Watch::over(&server).await;
    for (length, status) in [(60_000, 200), (65_000, 431), (100_000, 431)] {
        let flood = "y".repeat(length);
        let answer = martin.get_with("/fhir/metadata", &[("x-flood", &flood), ("x-request-id", "flood-1")]).await;
        assert_eq!((answer.status.as_u16(), answer.header("x-request-id")), (status, "flood-1"), "{length}");
        if status == 431 {
            assert_eq!(answer.outcome(), "431 en-tetes");
            let answer = martin.get_with("/fhir/metadata", &[("x-flood", &flood), ("accept-language", "en")]).await;
            assert!(answer.text().contains("The request headers are too large."), "{}", answer.text());
            assert!(!answer.header("x-request-id").is_empty(), "one is given");
        }
    }
    watch.untouched("headers").await;
    let metrics = server.app.metrics.render();
    assert!(
        metrics
            .lines()
            .any(|line| line.contains("security_events") && line.contains("headers") && line.ends_with(" 4")),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_slow_body_is_cut_off_and_slow_or_endless_headers_too() {
    let server = strict().await;
    let martin = server.professional("dr-martin").await;
    let mut watch = Watch::over(&server).await;
    for framing in ["content-length: 4000", "transfer-encoding: chunked"] {
        let mut wire = Wire::open(&server, "cabinet").await;
        wire.send(head(&martin, framing)).await.unwrap();
        wire.send(if framing.starts_with('c') { "{\"resource" } else { "2\r\n{\"\r\n" }).await.unwrap();
        let reply = wire.reply().await.unwrap();
        assert_eq!((reply.status, reply.body.contains("timeout")), (408, true), "{}", reply.head);
        watch.traced_once(framing, &provide(4, "timeout")).await;
    }
    let mut wire = Wire::open(&server, "cabinet").await;
    wire.send("POST /fhir HTTP/1.1\r\nhost: loc").await.unwrap();
    assert_eq!(wire.reply().await.unwrap().status, 408, "headers that never end");

    for (case, flood) in [("many", "x: y\r\n".repeat(200)), ("long", format!("x: {}\r\n", "y".repeat(200_000)))] {
        let mut wire = Wire::open(&server, "cabinet").await;
        drop(wire.send(format!("GET /fhir/metadata HTTP/1.1\r\nhost: localhost\r\n{flood}\r\n")).await);
        assert_eq!(wire.reply().await.unwrap().status, 431, "{case}");
    }
    watch.untouched("headers").await;
    assert_eq!(server.certificate("cabinet").get("/fhir/metadata").await.status, 200, "others are served");
}

#[tokio::test]
async fn a_body_whose_framing_is_doubtful_is_refused() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let mut watch = Watch::over(&server).await;
    for framing in [
        "content-length: 5\r\ntransfer-encoding: chunked",
        "content-length: 5\r\ncontent-length: 6",
        "content-length: -1",
        "content-length: 99999999999999999999",
        "transfer-encoding: gzip",
    ] {
        let mut wire = Wire::open(&server, "cabinet").await;
        wire.send(head(&martin, framing)).await.unwrap();
        drop(wire.send("0\r\n\r\nGET /fhir/metadata HTTP/1.1\r\nhost: localhost\r\n\r\n").await);
        let reply = wire.reply().await.unwrap();
        assert!((400..500).contains(&reply.status), "{framing}: {}", reply.head);
        assert!(wire.reply().await.is_err(), "{framing}: no second request is smuggled in");
    }
    drop(watch.traced().await);
    watch.untouched("framing").await;
}

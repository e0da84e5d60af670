//! What a server tells of itself on its operations port, and what it never tells (house rules §10).

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use reqwest::Method;

use crate::support::client::Actor;
use crate::support::db::block_on;
use crate::support::server::TestServer;

const DOMINIQUE: &str = "patient.identifier=urn:oid:1.2.250.1.213.1.4.10%7C279035121518989";

/// One plain request: no TLS, no client library that wants one.
fn operations(server: &TestServer, path: &str, host: &str) -> (u16, String) {
    let mut connection = TcpStream::connect(("127.0.0.1", server.operations)).unwrap();
    write!(connection, "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[test]
fn the_operations_port_counts_by_operation_and_reason_and_names_nobody() {
    block_on(async {
        let server = TestServer::start().await;
        let martin = server.professional("dr-martin").await;
        assert!(martin.get(&format!("/fhir/DocumentReference?{DOMINIQUE}&status=current")).await.status.is_success());
        assert_eq!(martin.without_token().get("/fhir/Patient?identifier=x").await.status.as_u16(), 401);
        let revoked = Actor::with_certificate(&server, "revoked");
        assert!(revoked.try_send(Method::GET, "/fhir/metadata", &[], Vec::new()).await.is_err());

        let (status, metrics) = operations(&server, "/metrics", "localhost");
        assert_eq!(status, 200);
        for wanted in [
            "espace_requests_total{operation=\"iti-67\",status=\"200\"} 1",
            "espace_request_seconds_count{operation=\"iti-67\"} 1",
            "espace_security_events_total{reason=\"token-missing\"} 1",
            "espace_refused_handshakes_total{reason=\"revoked\"} 1",
            "espace_crl_expired 0",
        ] {
            assert!(metrics.lines().any(|line| line == wanted), "{wanted}\n{metrics}");
        }
        for secret in ["279035121518989", "MARTIN", "401234567897001"] {
            assert!(!metrics.contains(secret), "{secret}");
        }
        assert_eq!(operations(&server, "/healthz", "localhost"), (200, "ok\n".to_owned()));
        assert_eq!(operations(&server, "/readyz", "127.0.0.1"), (200, "ready\n".to_owned()));
        for path in ["/healthz", "/readyz", "/metrics"] {
            assert_eq!(operations(&server, path, "espace.example").0, 403, "{path}");
        }
    });
}

//! No INS, name, token or query in logs and metrics (house rules; contract §8), and who may read them.

use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::support::server::TestServer;

/// Every line that this process logs.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// The lines of this process, from the first call on. Louder than `serve`: what is told at
    /// `debug` may be told at `info` one day.
    fn of_this_process() -> &'static Self {
        static LINES: OnceLock<Lines> = OnceLock::new();
        LINES.get_or_init(|| {
            let lines = Self::default();
            let layer = tracing_subscriber::fmt::layer().json().with_writer(lines.clone());
            tracing_subscriber::registry().with(LevelFilter::DEBUG).with(layer).try_init().unwrap();
            lines
        })
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// GET of the operations port with a `Host` of one's own.
async fn operations(server: &TestServer, path: &str, host: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", server.operations)).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn neither_logs_nor_metrics_carry_an_ins_a_name_or_a_token() {
    let lines = Lines::of_this_process();
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    // Nobody else in this process asks for this one: its digits could come from nowhere but here.
    let ins = "255067777777788";
    let system = "urn:oid:1.2.250.1.213.1.4.10";
    let named = format!("{system}%7C{ins}");
    let requests = [
        martin.get_with(&format!("/fhir/Patient?identifier={named}"), &[("x-request-id", "logs-1")]).await,
        martin
            .get_with(
                &format!("/fhir/DocumentReference?patient.identifier={named}&status=current"),
                &[("x-request-id", "logs-2")],
            )
            .await,
        martin
            .get_with(
                &format!("/fhir/DocumentReference?patient.identifier={named}&status:x=current"),
                &[("x-request-id", "logs-3")],
            )
            .await,
        martin.get_with(&format!("/fhir/DocumentReference/{ins}"), &[("x-request-id", "logs-4")]).await,
        martin
            .get_with(
                &format!("/fhir/Patient?identifier=urn:oid:1.2.250.1.213.1.4.9%7C{ins}"),
                &[("x-request-id", "logs-5")],
            )
            .await,
        martin.get_with(&format!("/{ins}"), &[("x-request-id", "logs-6")]).await,
        martin.form("/fhir/Patient/_search", &[("identifier", &format!("{system}|{ins}"))]).await,
        martin.post_bytes("/fhir", format!("{{\"resourceType\":\"{ins}\"}}").into_bytes()).await,
        martin.with_token(ins).get("/fhir/Patient").await,
    ];
    let told: Vec<u16> = requests.iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!(told[..4], [200, 403, 400, 404]);
    for answer in &requests {
        assert!(!answer.text().contains(ins), "{}", answer.text());
        assert!(answer.headers.values().all(|value| !value.to_str().unwrap().contains(ins)));
    }
    let log = lines.text();
    assert!(log.contains("logs-2") && log.contains("logs-4"), "the refusals were logged: {log}");
    let metrics = operations(&server, "/metrics", "127.0.0.1").await;
    assert!(metrics.contains("espace_requests_total") && metrics.contains("td02-patient-search"), "{metrics}");
    for text in [&log, &metrics] {
        assert!(!text.contains(ins) && !text.contains("1.2.250.1.213.1.4.10"), "{text}");
        assert!(!text.contains(martin.token()) && !text.contains("PAT-TROIS"), "{text}");
    }
}

#[tokio::test]
async fn the_operations_port_answers_this_machine_only() {
    let server = TestServer::start().await;
    let port = server.operations;
    for path in ["/healthz", "/readyz", "/metrics"] {
        for own in ["127.0.0.1".to_owned(), "localhost".to_owned(), "[::1]".to_owned(), format!("localhost:{port}")] {
            assert!(operations(&server, path, &own).await.starts_with("HTTP/1.1 200"), "{path} {own}");
        }
        for foreign in ["example.org", "localhost.example.org", "127.0.0.1.nip.io", "", "localhost:1", "127.0.0.1@x"] {
            let answer = operations(&server, path, foreign).await;
            assert!(answer.starts_with("HTTP/1.1 403"), "{path} {foreign:?}: {answer}");
        }
    }
    assert!(operations(&server, "/fhir/metadata", "localhost").await.starts_with("HTTP/1.1 404"));
}

//! `espace bench run`: as many connections as asked, each with one operation under way at any time.

use std::net::ToSocketAddrs as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use clap::Args;
use rustls::client::Resumption;
use rustls_pki_types::ServerName;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::fill::people;
use super::load::{Body, FHIR, FORM, Load, Mode};
use super::process;
use super::template::Template;
use super::wire::{Target, Wire};
use crate::cli::demo::personas::{Demo, DemoProfessional, Persona};
use crate::cli::{Failure, tls_client, token};
use crate::clock::{Clock as _, Stopwatch, SystemClock};
use crate::ids::{IdSource as _, SystemIds};

/// Tokens live 300 s at most; they are renewed well before.
const RENEWAL: Duration = Duration::from_secs(200);

/// Load a server over mutual TLS and report rate, latency and its CPU time per operation
#[derive(Debug, Args)]
pub(super) struct Run {
    /// The server
    #[arg(long, value_name = "URL", default_value = "https://localhost:8443")]
    url: String,
    /// Folder of the test PKI
    #[arg(long, value_name = "DIR", default_value = "certs/dev")]
    certs: PathBuf,
    /// The server's process, to read its CPU time
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,
    /// What an operation is
    #[arg(long, value_enum)]
    mode: Mode,
    /// Connections, each with one operation under way
    #[arg(long, value_name = "N", default_value_t = 64)]
    connections: usize,
    /// Seconds that are measured
    #[arg(long, value_name = "N", default_value_t = 10)]
    seconds: u64,
    /// Seconds before that are not
    #[arg(long, value_name = "N", default_value_t = 1)]
    warm: u64,
    /// Stop after so many operations instead (nothing is left out as warm-up)
    #[arg(long, value_name = "N")]
    operations: Option<u64>,
    /// Size of a published document: bytes, or `60k`
    #[arg(long, value_name = "BYTES", default_value = "60k", value_parser = bytes)]
    size: usize,
    /// Whose record
    #[arg(long, value_name = "PERSONA", default_value = "dominique")]
    patient: String,
    /// The record of this person of `bench fill` instead; dr-martin may read those of 0, 10, 20...
    #[arg(long, value_name = "K", conflicts_with = "patient")]
    patient_number: Option<u32>,
    /// Searches: each in another record, of those that dr-martin may read among so many persons of `bench fill`
    #[arg(long, value_name = "M", conflicts_with_all = ["patient", "patient_number"])]
    patients: Option<u32>,
    /// Who calls
    #[arg(long = "as", value_name = "PERSONA", default_value = "dr-martin")]
    author: String,
    /// `_count` of a search
    #[arg(long, value_name = "N", default_value_t = 20)]
    count: u32,
    /// Bytes an echo sends
    #[arg(long, value_name = "BYTES", default_value = "0", value_parser = bytes)]
    send: usize,
    /// Bytes an echo is answered
    #[arg(long, value_name = "BYTES", default_value = "1", value_parser = bytes)]
    receive: usize,
    /// One line of JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// A number of bytes, or of thousands of them with `k`.
pub(super) fn bytes(text: &str) -> Result<usize, String> {
    let (digits, factor) = text.strip_suffix('k').map_or((text, 1), |digits| (digits, 1_000));
    let number: usize = digits.parse().map_err(|_wrong| "expected a number of bytes such as 60k".to_owned())?;
    number.checked_mul(factor).ok_or_else(|| "too large".to_owned())
}

impl Run {
    /// Loads the server and measures.
    pub(super) async fn measure(&self) -> Result<Report, Failure> {
        if self.connections == 0 || self.seconds == 0 {
            return Err(Failure::Usage("--connections and --seconds must be at least 1".to_owned()));
        }
        let is_in_range = |number: &u32| (1..=people::MOST).contains(number);
        if self.patients.is_some_and(|number| self.mode != Mode::Search || !is_in_range(&number)) {
            return Err(Failure::Usage(format!("--patients: with --mode search, 1 to {}", people::MOST)));
        }
        let demo = Demo::load().map_err(|error| Failure::from_error("demo personas", &error))?;
        let unknown = |name: &str| Failure::Usage(format!("no persona is called {name}"));
        let patient = match self.patient_number {
            Some(number) => people::person(&demo, number)?,
            None => demo.persona(&self.patient).ok_or_else(|| unknown(&self.patient))?.clone(),
        };
        let author = demo.professional(&self.author).ok_or_else(|| unknown(&self.author))?;
        let target = self.target(&author.structure)?;
        let token = if self.mode.is_signed() { Some(self.token().await?) } else { None };
        let load = self.load(&target, token.as_deref(), &patient, author).await?;
        let shared = Arc::new(Shared {
            target,
            mode: self.mode,
            token: token.map(ArcSwap::from_pointee),
            next: AtomicU64::new(0),
            last: self.operations.unwrap_or(u64::MAX),
            measures: AtomicBool::new(self.operations.is_some()),
            stops: AtomicBool::new(false),
            sent: load.size(),
            load,
        });
        self.drive(&shared).await
    }

    async fn drive(&self, shared: &Arc<Shared>) -> Result<Report, Failure> {
        let workers: Vec<JoinHandle<Result<Tally, Failure>>> =
            (0..self.connections).map(|_| tokio::spawn(work(Arc::clone(shared)))).collect();
        let pid = self.pid.map(|pid| pid.to_string());
        let cpu = || pid.as_deref().map(process::cpu).transpose();
        let mut before = (Stopwatch::start(), cpu()?);
        let mut measured = None;
        if self.operations.is_none() {
            tokio::time::sleep(Duration::from_secs(self.warm)).await;
            before = (Stopwatch::start(), cpu()?);
            shared.measures.store(true, Ordering::Relaxed);
            let mut left = Duration::from_secs(self.seconds);
            while !left.is_zero() {
                let step = left.min(RENEWAL);
                tokio::time::sleep(step).await;
                left -= step;
                if let Some(token) = shared.token.as_ref().filter(|_| !left.is_zero()) {
                    token.store(Arc::new(self.token().await?));
                }
            }
            shared.measures.store(false, Ordering::Relaxed);
            measured = Some((before.0.elapsed(), cpu()?));
            shared.stops.store(true, Ordering::Relaxed);
        }
        let mut tally = Tally::default();
        for worker in workers {
            let own = worker.await.map_err(|error| Failure::from_error("a connection", &error))??;
            tally.add(own);
        }
        let (elapsed, after) = match measured {
            Some(measured) => measured,
            None => (before.0.elapsed(), cpu()?),
        };
        let spent = after.zip(before.1).map(|(after, before)| after.saturating_sub(before));
        tally.micros.sort_unstable();
        Ok(Report { mode: self.mode, connections: self.connections, elapsed, spent, sent: shared.sent, tally })
    }

    fn target(&self, structure: &str) -> Result<Target, Failure> {
        let authority = authority(&self.url)?;
        let name = authority.rsplit_once(':').map_or(authority, |(name, _)| name);
        let address = authority.to_socket_addrs().ok().and_then(|mut found| found.find(std::net::SocketAddr::is_ipv4));
        let read = |file: String| {
            let path = self.certs.join(file);
            std::fs::read(&path).map_err(|error| Failure::from_error(&path.display().to_string(), &error))
        };
        let (certificate, key) = (read(format!("{structure}.pem"))?, read(format!("{structure}.key"))?);
        let mut tls = tls_client::config(&read("ca.pem".to_owned())?, &certificate, &key)?;
        if !self.mode.resumes() {
            tls.resumption = Resumption::disabled();
        }
        Ok(Target {
            address: address.ok_or_else(|| Failure::Usage(format!("{}: no such address", self.url)))?,
            name: ServerName::try_from(name.to_owned()).map_err(|error| Failure::from_error(name, &error))?,
            tls: Arc::new(tls),
        })
    }

    async fn token(&self) -> Result<String, Failure> {
        token::of_professional(&self.author, &self.url, &self.certs).await
    }

    async fn load(
        &self,
        target: &Target,
        token: Option<&str>,
        patient: &Persona,
        author: &DemoProfessional,
    ) -> Result<Load, Failure> {
        let authority = authority(&self.url)?.to_owned();
        let plain = |line: String| Load { line, authority: authority.clone(), headers: "", body: Body::Empty };
        let form = |line: &str, form: String| Load {
            line: line.to_owned(),
            authority: authority.clone(),
            headers: FORM,
            body: Body::Fixed(form.into_bytes()),
        };
        let ins = format!("{}%7C{}", patient.ins.system(), patient.ins.value());
        let search = |count| {
            let query = format!("patient.identifier={ins}&status=current&_count={count}");
            form("POST /fhir/DocumentReference/_search", query)
        };
        if let Some(patients) = self.patients {
            let before = format!("patient.identifier={}%7C", patient.ins.system());
            let behind = format!("&status=current&_count={}", self.count);
            let body = Body::Records(before, behind, people::followed_of(patients));
            let line = "POST /fhir/DocumentReference/_search".to_owned();
            return Ok(Load { line, authority, headers: FORM, body });
        }
        Ok(match self.mode {
            Mode::Publish => {
                let (ids, at) = (SystemIds::default(), SystemClock.now());
                let template = Template::bundle(self.size, patient, author, at, &ids)?;
                let mut run = [0; 8];
                ids.fill(&mut run);
                let body = Body::Fresh(Box::new(template), u64::from_be_bytes(run));
                Load { line: "POST /fhir".to_owned(), authority, headers: FHIR, body }
            }
            Mode::Search => search(self.count),
            Mode::Retrieve => plain(format!("GET {}", binary_of(target, token, &search(1)).await?)),
            Mode::Exists => form("POST /fhir/Patient/_search", format!("identifier={ins}")),
            Mode::Handshake | Mode::Resume => plain("GET /oauth2/jwks".to_owned()),
            Mode::Echo | Mode::EchoHandshake | Mode::EchoResume if self.send == 0 => {
                plain(format!("GET /{}", self.receive))
            }
            Mode::Echo | Mode::EchoHandshake | Mode::EchoResume => {
                Load { body: Body::Fixed(vec![b'x'; self.send]), ..plain(format!("POST /{}", self.receive)) }
            }
        })
    }
}

fn authority(url: &str) -> Result<&str, Failure> {
    url.strip_prefix("https://")
        .map(|rest| rest.trim_end_matches('/'))
        .filter(|rest| rest.contains(':'))
        .ok_or_else(|| Failure::Usage(format!("--url: https://host:port is expected, not {url}")))
}

/// The path of a document that a search finds.
async fn binary_of(target: &Target, token: Option<&str>, search: &Load) -> Result<String, Failure> {
    let mut request = Vec::new();
    search.write(token, 0, &mut request);
    let mut wire = Wire::open(target).await?;
    let answer = wire.exchange(&request, true).await?;
    let found: Value = serde_json::from_slice(&answer.body.unwrap_or_default()).unwrap_or_default();
    let url = found.pointer("/entry/0/resource/content/0/attachment/url").and_then(Value::as_str);
    let path = url.and_then(|url| url.find("/fhir/").and_then(|start| url.get(start..)));
    path.map(str::to_owned).ok_or_else(|| Failure::Failed("the record holds no document to read: publish one".into()))
}

/// What all connections share.
struct Shared {
    target: Target,
    mode: Mode,
    token: Option<ArcSwap<String>>,
    next: AtomicU64,
    last: u64,
    measures: AtomicBool,
    stops: AtomicBool,
    sent: usize,
    load: Load,
}

/// What one connection counted, or all of them.
#[derive(Debug, Default)]
struct Tally {
    micros: Vec<u64>,
    received: usize,
    resumed: u64,
    refused: u64,
    status: u16,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.micros.extend(other.micros);
        self.received = self.received.max(other.received);
        self.resumed += other.resumed;
        self.refused += other.refused;
        self.status = self.status.max(other.status);
    }
}

async fn work(shared: Arc<Shared>) -> Result<Tally, Failure> {
    let mut tally = Tally::default();
    let mut wire = None;
    let mut request = Vec::with_capacity(shared.sent + 4096);
    while !shared.stops.load(Ordering::Relaxed) {
        let number = shared.next.fetch_add(1, Ordering::Relaxed);
        if number >= shared.last {
            break;
        }
        let token = shared.token.as_ref().map(ArcSwap::load);
        shared.load.write(token.as_deref().map(|token| token.as_str()), number, &mut request);
        let since = Stopwatch::start();
        let mut open = match wire.take() {
            Some(open) => open,
            None => Wire::open(&shared.target).await?,
        };
        let answer = open.exchange(&request, number == 0).await?;
        let elapsed = since.elapsed();
        tally.received = tally.received.max(answer.body.as_ref().map_or(0, Vec::len));
        let resumed = open.is_resumed();
        if shared.mode.closes() {
            open.close().await;
        } else {
            wire = Some(open);
        }
        if answer.status >= 300 {
            tally.refused += 1;
            tally.status = tally.status.max(answer.status);
        } else if shared.measures.load(Ordering::Relaxed) {
            tally.micros.push(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX));
            tally.resumed += u64::from(resumed);
        }
    }
    if let Some(wire) = wire {
        wire.close().await;
    }
    Ok(tally)
}

/// What a run came to.
#[derive(Debug)]
pub(super) struct Report {
    mode: Mode,
    connections: usize,
    elapsed: Duration,
    spent: Option<Duration>,
    sent: usize,
    tally: Tally,
}

impl Report {
    fn done(&self) -> u32 {
        u32::try_from(self.tally.micros.len()).unwrap_or(u32::MAX)
    }

    fn rate(&self) -> f64 {
        f64::from(self.done()) / self.elapsed.as_secs_f64()
    }

    /// The server's CPU time per operation, in microseconds.
    fn cpu(&self) -> Option<f64> {
        self.spent.filter(|_| self.done() > 0).map(|spent| spent.as_secs_f64() * 1e6 / f64::from(self.done()))
    }

    /// The latency that so many in a hundred operations did not exceed, in microseconds.
    fn percentile(&self, percent: usize) -> u64 {
        let place = self.tally.micros.len().saturating_mul(percent) / 100;
        self.tally.micros.get(place).or(self.tally.micros.last()).copied().unwrap_or_default()
    }

    /// One line of JSON.
    pub(super) fn json(&self) -> String {
        json!({
            "mode": self.mode.name(),
            "connections": self.connections,
            "operations": self.done(),
            "per_second": self.rate().round(),
            "cpu_us": self.cpu().map(|cpu| (cpu * 10.0).round() / 10.0),
            "p50_us": self.percentile(50),
            "p99_us": self.percentile(99),
            "sent_bytes": self.sent,
            "received_bytes": self.tally.received,
            "resumed": self.tally.resumed,
            "refused": self.tally.refused,
            "refused_status": self.tally.status,
        })
        .to_string()
    }

    /// The same for a person.
    pub(super) fn text(&self) -> String {
        let cpu = self.cpu().map_or_else(String::new, |cpu| format!(", {cpu:.1} us of server CPU each"));
        let refused = match self.tally.refused {
            0 => String::new(),
            refused => format!(", {refused} REFUSED ({})", self.tally.status),
        };
        format!(
            "{}: {} operations on {} connections, {:.0}/s{cpu}, p50 {} us, p99 {} us, {} bytes up, {} down, {} resumed{refused}",
            self.mode.name(),
            self.done(),
            self.connections,
            self.rate(),
            self.percentile(50),
            self.percentile(99),
            self.sent,
            self.tally.received,
            self.tally.resumed,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_bytes_or_thousands() {
        assert_eq!(bytes("60k"), Ok(60_000));
        assert_eq!(bytes("7"), Ok(7));
        assert!(bytes("60M").is_err());
    }

    #[test]
    fn an_address_without_a_port_is_refused() {
        assert_eq!(authority("https://localhost:8443/").unwrap(), "localhost:8443");
        assert!(authority("http://localhost:8443").is_err());
        assert!(authority("https://localhost").is_err());
    }
}

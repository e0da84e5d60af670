//! A server reached over mutual TLS: one client per certificate, one token per identity.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Method;
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::cli::demo::personas::Demo;
use crate::cli::token::{Asked, Files as TokenFiles, of_persona};
use crate::cli::{Failure, tls_client};
use crate::clock::{Clock as _, Stopwatch, SystemClock};
use crate::conformance::script::Origin;
use crate::conformance::target::{Answer, NoAnswer, Request, Target, origin_of};
use crate::ids::{IdSource as _, SystemIds};

/// What a client shows.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Its certificate (PEM).
    pub certificate: PathBuf,
    /// Its key (PEM).
    pub key: PathBuf,
    /// The root of the server's certificate (PEM).
    pub ca: PathBuf,
    /// Where certificates of other structures are, `NAME.pem` and `NAME.key`.
    pub folder: PathBuf,
    /// Tokens by persona, where the server under test is not asked for them.
    pub tokens: Option<BTreeMap<String, String>>,
}

/// A server under test.
pub struct Network {
    base: String,
    credentials: Credentials,
    demo: Demo,
    clients: RefCell<BTreeMap<String, reqwest::Client>>,
    tokens: RefCell<BTreeMap<String, (String, Stopwatch)>>,
}

/// Longer than any answer of a server that works takes.
const PATIENCE: Duration = Duration::from_mins(1);
/// Tokens are asked for 300 s and renewed well before.
const RENEWAL: Duration = Duration::from_secs(200);

impl Network {
    /// A server by its FHIR base.
    ///
    /// # Errors
    /// Where the base is no https URL or the demonstration cannot be read.
    pub fn new(base: &str, credentials: Credentials) -> Result<Self, Failure> {
        if !base.starts_with("https://") {
            return Err(Failure::Usage(format!("--target: a FHIR base such as https://host:port/fhir, not {base}")));
        }
        let demo = Demo::load().map_err(|error| Failure::from_error("demo personas", &error))?;
        let base = base.trim_end_matches('/').to_owned();
        Ok(Self { base, credentials, demo, clients: RefCell::default(), tokens: RefCell::default() })
    }

    /// The certificate and key of a structure: its own in the folder, else the client's.
    fn files(&self, name: &str) -> (PathBuf, PathBuf) {
        let own = self.credentials.folder.join(format!("{name}.pem"));
        if own.is_file() {
            return (own, self.credentials.folder.join(format!("{name}.key")));
        }
        (self.credentials.certificate.clone(), self.credentials.key.clone())
    }

    /// The structure whose certificate an identity shows.
    fn structure(&self, who: &Origin) -> Option<String> {
        let persona = who.persona.as_deref();
        let own = persona.and_then(|name| self.demo.professional(name)).map(|known| known.structure.clone());
        let named = persona.filter(|name| self.demo.structure(name).is_some()).map(str::to_owned);
        let patient = persona.filter(|name| self.demo.persona(name).is_some()).map(|_| "portail".to_owned());
        who.certificate.clone().or(own).or(named).or(patient)
    }

    fn client(&self, who: &Origin) -> Result<reqwest::Client, NoAnswer> {
        let structure = self.structure(who);
        let key = structure.clone().unwrap_or_default();
        if let Some(client) = self.clients.borrow().get(&key) {
            return Ok(client.clone());
        }
        let client = self.connect(structure.as_deref()).map_err(|error| NoAnswer::Failed(error.to_string()))?;
        self.clients.borrow_mut().insert(key, client.clone());
        Ok(client)
    }

    fn connect(&self, structure: Option<&str>) -> Result<reqwest::Client, Failure> {
        let ca = read(&self.credentials.ca)?;
        let config = match structure {
            Some(name) => {
                let (certificate, key) = self.files(name);
                tls_client::config(&ca, &read(&certificate)?, &read(&key)?)?
            }
            None => anonymous(&ca)?,
        };
        let builder = reqwest::Client::builder().use_preconfigured_tls(config).timeout(PATIENCE);
        let builder = builder.redirect(reqwest::redirect::Policy::none());
        builder.build().map_err(|error| Failure::from_error("TLS client", &error))
    }
}

impl Target for Network {
    fn base(&self) -> &str {
        &self.base
    }

    async fn token(&self, who: &Origin) -> Result<String, NoAnswer> {
        let Some(persona) = &who.persona else {
            return Err(NoAnswer::Failed("an identity without a persona has no token".to_owned()));
        };
        if let Some(tokens) = &self.credentials.tokens {
            let found = tokens.get(persona).cloned();
            return found.ok_or_else(|| NoAnswer::NoIdentity(format!("no token of {persona} was given")));
        }
        let key = format!("{who:?}");
        let kept = self.tokens.borrow().get(&key).filter(|(_, age)| age.elapsed() < RENEWAL).map(|kept| kept.0.clone());
        if let Some(token) = kept {
            return Ok(token);
        }
        let structure =
            self.structure(who).ok_or_else(|| NoAnswer::NoIdentity(format!("nobody is called {persona}")))?;
        let (certificate, private) = self.files(&structure);
        let files = TokenFiles { ca: self.credentials.ca.clone(), certificate, key: private };
        let asked =
            Asked { persona, structure: &structure, scope: who.scope.as_deref(), patient: who.patient.as_deref() };
        let token = of_persona(asked, origin_of(&self.base), files).await;
        let token = token.map_err(|error| NoAnswer::Failed(error.to_string()))?;
        self.tokens.borrow_mut().insert(key, (token.clone(), Stopwatch::start()));
        Ok(token)
    }

    async fn exchange(&self, who: &Origin, request: &Request) -> Result<Answer, NoAnswer> {
        let failed =
            |error: &dyn std::error::Error| NoAnswer::Failed(Failure::from_error("request", error).to_string());
        let method = Method::from_bytes(request.method.as_bytes()).map_err(|error| failed(&error))?;
        let mut sent = self.client(who)?.request(method, &request.url);
        let has_own = request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        if who.persona.is_some() && !has_own {
            sent = sent.bearer_auth(self.token(who).await?);
        }
        for (name, value) in &request.headers {
            sent = sent.header(name, value);
        }
        if !request.body.is_empty() {
            sent = sent.body(request.body.clone());
        }
        let answer = match sent.send().await {
            Ok(answer) => answer,
            // Under TLS 1.3 a client learns at its first read that its certificate was refused.
            Err(error) if error.is_timeout() => return Err(failed(&error)),
            Err(error) => return Err(NoAnswer::Refused(Failure::from_error("request", &error).to_string())),
        };
        let status = answer.status().as_u16();
        let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = answer.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let body = answer.bytes().await.map_err(|error| failed(&error))?.to_vec();
        Ok(Answer { status, headers, body })
    }

    fn chance(&self, bytes: &mut [u8]) {
        SystemIds::default().fill(bytes);
    }

    fn now(&self) -> String {
        SystemClock.now().to_string()
    }
}

/// A client that shows no certificate.
fn anonymous(ca: &[u8]) -> Result<rustls::ClientConfig, Failure> {
    let mut roots = RootCertStore::empty();
    for authority in CertificateDer::pem_slice_iter(ca) {
        let authority = authority.map_err(|error| Failure::from_error("ca.pem", &error))?;
        roots.add(authority).map_err(|error| Failure::from_error("ca.pem", &error))?;
    }
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| Failure::from_error("TLS", &error))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::from_error(&path.display().to_string(), &error))
}

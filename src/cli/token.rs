//! `espace token`: an access token of a persona, and nothing else on standard output (contract §2).

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::demo::personas::Demo;
use super::{Failure, output, runtime};
use crate::clock::{Clock as _, SystemClock};
use crate::ids::{IdSource as _, SystemIds};
use crate::token::client::ClientKey;

/// Print an access token
#[derive(Debug, Args)]
pub(super) struct Token {
    /// A professional, a structure or a patient of the demonstration
    #[arg(long = "as", value_name = "PERSONA")]
    persona: String,
    /// The structure whose software asks; the persona's own where absent
    #[arg(long, value_name = "NAME")]
    structure: Option<String>,
    /// Purpose of use
    #[arg(long, value_enum, default_value_t = Purpose::Normal)]
    purpose: Purpose,
    /// Why, for an emergency (1 to 255 characters)
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// A secret connection
    #[arg(long)]
    secret: bool,
    /// The only record the token serves
    #[arg(long, value_name = "PERSONA")]
    patient: Option<String>,
    /// Scopes; everything the caller may have where absent
    #[arg(long, value_name = "S ...")]
    scope: Option<String>,
    /// Life, in seconds (`60s`), 300 at most
    #[arg(long, value_name = "60s", value_parser = seconds)]
    ttl: Option<u32>,
    /// The server
    #[arg(long, value_name = "URL", default_value = "https://localhost:8443")]
    url: String,
    /// Folder of the test PKI
    #[arg(long, value_name = "DIR", default_value = "certs/dev")]
    certs: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Purpose {
    /// Ordinary care
    Normal,
    /// A professional in an emergency
    BrisDeGlace,
    /// A regulation physician
    #[value(name = "centre_15")]
    Centre15,
}

impl Purpose {
    const fn code(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::BrisDeGlace => "bris_de_glace",
            Self::Centre15 => "centre_15",
        }
    }
}

fn seconds(text: &str) -> Result<u32, String> {
    let digits = text.strip_suffix('s').unwrap_or(text);
    digits.parse().map_err(|_not_a_number| "expected a number of seconds such as 60s".to_owned())
}

/// Everything a professional's software may ask for; the server narrows it.
const PROFESSIONAL: &str = "ITI-65 ITI-66 ITI-67 ITI-68 ITI-105 ITI-106 user/Patient.rs \
    user/DocumentReference.crus user/List.rs user/Binary.r user/AuditEvent.rs";
const STRUCTURE: &str =
    "ITI-65 ITI-105 ITI-106 system/Patient.s system/DocumentReference.crs system/List.r system/AuditEvent.rs";
const PATIENT: &str = "ITI-65 ITI-66 ITI-67 ITI-68 ITI-105 ITI-106 patient/Patient.rs \
    patient/DocumentReference.crus patient/List.rs patient/Binary.r patient/AuditEvent.rs";

impl Token {
    /// Asks the server and prints the token.
    pub(super) fn run(self) -> Result<(), Failure> {
        let demo = Demo::load().map_err(|error| Failure::from_error("demo personas", &error))?;
        let token = runtime::block_on(self.ask(&demo))??;
        output::say(&token);
        Ok(())
    }

    async fn ask(&self, demo: &Demo) -> Result<String, Failure> {
        let grantee = self.grantee(demo)?;
        if let Some(patient) = &self.patient {
            persona(demo, patient)?;
        }
        let client = Client::new(&Files::of(&self.certs, &grantee.certificate))?;
        self.ask_with(demo, grantee, &client).await
    }

    async fn ask_with(&self, demo: &Demo, grantee: Grantee, client: &Client) -> Result<String, Failure> {
        let record = self.patient.as_ref().map(|patient| persona(demo, patient)).transpose()?;
        let mut form = vec![
            ("scope", self.scope.clone().unwrap_or_else(|| grantee.scopes.to_owned())),
            ("purpose_of_use", self.purpose.code().to_owned()),
        ];
        form.extend(self.reason.clone().map(|reason| ("mode_acces_raison", reason)));
        form.extend(self.ttl.map(|ttl| ("expires_in", ttl.to_string())));
        if self.secret {
            form.push(("secret", "true".to_owned()));
        }
        form.extend(record.map(|record| ("person_id", record.ins.to_cx())));
        match grantee.kind {
            Kind::Professional => {
                let subject = client.post(&self.url, "/dev/psc/token", &[("persona", self.persona.clone())]).await?;
                form.push(("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange".to_owned()));
                form.push(("subject_token", member(&subject, "access_token")?));
                form.push(("subject_token_type", "urn:ietf:params:oauth:token-type:jwt".to_owned()));
                form.push(("cnf", client.key.cnf()));
            }
            Kind::Structure => form.push(("grant_type", "client_credentials".to_owned())),
            Kind::Patient(ins) => {
                let endpoint = format!("{}/oauth2/token", self.url);
                let now = SystemClock.now();
                let jti = SystemIds::default().uuid(now);
                let assertion = client.key.assertion(&ins, &endpoint, None, (now, jti));
                let assertion = assertion.map_err(|error| Failure::from_error("assertion", &error))?;
                form.push(("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned()));
                form.push(("assertion", assertion.expose().to_owned()));
            }
        }
        member(&client.post(&self.url, "/oauth2/token", &form).await?, "access_token")
    }

    fn grantee(&self, demo: &Demo) -> Result<Grantee, Failure> {
        let name = self.persona.as_str();
        if let Some(professional) = demo.professional(name) {
            let certificate = self.structure.clone().unwrap_or_else(|| professional.structure.clone());
            return Ok(Grantee { certificate, kind: Kind::Professional, scopes: PROFESSIONAL });
        }
        if demo.structure(name).is_some() {
            return Ok(Grantee { certificate: name.to_owned(), kind: Kind::Structure, scopes: STRUCTURE });
        }
        let ins = persona(demo, name)?.ins.to_cx();
        let certificate = self.structure.clone().unwrap_or_else(|| "portail".to_owned());
        Ok(Grantee { certificate, kind: Kind::Patient(ins), scopes: PATIENT })
    }
}

/// A token of a professional at its longest life, for the load driver.
pub(super) async fn of_professional(persona: &str, url: &str, certs: &Path) -> Result<String, Failure> {
    let demo = Demo::load().map_err(|error| Failure::from_error("demo personas", &error))?;
    let token = Token {
        persona: persona.to_owned(),
        structure: None,
        purpose: Purpose::Normal,
        reason: None,
        secret: false,
        patient: None,
        scope: None,
        ttl: Some(300),
        url: url.to_owned(),
        certs: certs.to_owned(),
    };
    token.ask(&demo).await
}

/// Who asks the server for a token, for the conformance runner.
pub(super) struct Asked<'a> {
    /// A professional, a structure or a patient.
    pub(super) persona: &'a str,
    /// The structure whose software asks.
    pub(super) structure: &'a str,
    /// The scopes; everything where absent.
    pub(super) scope: Option<&'a str>,
    /// The only record that the token serves.
    pub(super) patient: Option<&'a str>,
}

/// A token at its longest life, with the certificate of some files.
pub(super) async fn of_persona(asked: Asked<'_>, url: &str, files: Files) -> Result<String, Failure> {
    let demo = Demo::load().map_err(|error| Failure::from_error("demo personas", &error))?;
    let token = Token {
        persona: asked.persona.to_owned(),
        structure: Some(asked.structure.to_owned()),
        purpose: Purpose::Normal,
        reason: None,
        secret: false,
        patient: asked.patient.map(str::to_owned),
        scope: asked.scope.map(str::to_owned),
        ttl: Some(300),
        url: url.to_owned(),
        certs: PathBuf::new(),
    };
    let grantee = token.grantee(&demo)?;
    token.ask_with(&demo, grantee, &Client::new(&files)?).await
}

struct Grantee {
    certificate: String,
    kind: Kind,
    scopes: &'static str,
}

enum Kind {
    Professional,
    Structure,
    Patient(String),
}

fn persona<'a>(demo: &'a Demo, name: &str) -> Result<&'a super::demo::personas::Persona, Failure> {
    demo.persona(name).ok_or_else(|| Failure::Usage(format!("no persona is called {name}")))
}

fn member(body: &Value, name: &str) -> Result<String, Failure> {
    let found = body.get(name).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| Failure::Failed(format!("the server's answer has no {name}")))
}

/// A client of the server over mutual TLS.
struct Client {
    http: reqwest::Client,
    key: ClientKey,
}

/// The PEM files of a client.
pub(super) struct Files {
    /// The root of the server's certificate.
    pub(super) ca: PathBuf,
    /// The client's certificate.
    pub(super) certificate: PathBuf,
    /// Its key.
    pub(super) key: PathBuf,
}

impl Files {
    fn of(certs: &Path, name: &str) -> Self {
        let (certificate, key) = (certs.join(format!("{name}.pem")), certs.join(format!("{name}.key")));
        Self { ca: certs.join("ca.pem"), certificate, key }
    }
}

impl Client {
    fn new(files: &Files) -> Result<Self, Failure> {
        let read =
            |path: &Path| std::fs::read(path).map_err(|error| Failure::from_error(&path.display().to_string(), &error));
        let (certificate, key) = (read(&files.certificate)?, read(&files.key)?);
        let config = super::tls_client::config(&read(&files.ca)?, &certificate, &key)?;
        let http = reqwest::Client::builder().use_preconfigured_tls(config).build();
        let http = http.map_err(|error| Failure::from_error("TLS client", &error))?;
        let key = ClientKey::from_pem(&certificate, &key);
        let key = key.map_err(|error| Failure::from_error(&files.certificate.display().to_string(), &error))?;
        Ok(Self { http, key })
    }

    async fn post(&self, url: &str, path: &str, form: &[(&str, String)]) -> Result<Value, Failure> {
        let sent = self.http.post(format!("{url}{path}")).form(form).send().await;
        let answer = sent.map_err(|error| Failure::from_error(&format!("{url}{path}"), &error))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| Failure::from_error(path, &error))?;
        if !status.is_success() {
            return Err(Failure::Failed(format!("{path} answered {status}: {text}")));
        }
        serde_json::from_str(&text).map_err(|error| Failure::from_error(path, &error))
    }
}

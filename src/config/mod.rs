//! Configuration: defaults in code < file < environment `ESPACE__SECTION__KEY` < `*_FILE` secrets.
//!
//! Every key stands here once with its default. Unknown keys are refused.

pub mod doc;
mod load;

use std::path::PathBuf;

use serde::Deserialize;

pub use load::{ConfigError, load};

/// The whole configuration.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The professional port.
    pub server: Server,
    /// The public port.
    pub public: Public,
    /// The MSSanté port.
    pub smtp: Smtp,
    /// The operations port.
    pub operations: Operations,
    /// The database (`[store]`).
    pub store: crate::store::Config,
    /// Document bytes.
    pub documents: Documents,
    /// Validation.
    pub conformance: Conformance,
    /// Options of MHD.
    pub mhd: Mhd,
    /// Identity of patients.
    pub identity: Identity,
    /// Tokens.
    pub token: Token,
    /// Existence test.
    pub td02: Td02,
    /// Searches.
    pub search: Search,
    /// REST interactions.
    pub rest: Rest,
    /// Decision tables.
    pub rules: Rules,
    /// Traces.
    pub audit: Audit,
}

/// `[server]`: the port of professional software.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Address to bind. `dev` binds loopback only.
    pub address: String,
    /// TCP port; 0 picks a free one.
    pub port: u16,
    /// External origin, without path; `https://localhost:PORT` where absent.
    pub origin: Option<String>,
    /// Worker threads; the number of cores where absent.
    pub workers: Option<usize>,
    /// Folder of `ca.pem`, `server.pem`, `server.key`, `crl.pem` and, optionally, `trusted/*.pem`.
    pub certificates: PathBuf,
    /// Longest time between two pieces of a request body, in milliseconds.
    pub body_idle_ms: u64,
    /// Longest time for the headers of a request, in milliseconds.
    pub header_timeout_ms: u64,
    /// Most bytes of the headers of a request; actix itself reads no more than 131 072.
    pub header_limit_bytes: usize,
    /// Largest request body, in bytes.
    pub body_limit_bytes: u64,
    /// How often certificate files are looked at for changes, in milliseconds.
    pub reload_every_ms: u64,
    /// Full handshakes and connections one worker admits per second.
    pub connections_per_second: usize,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            address: "127.0.0.1".to_owned(),
            port: 8443,
            origin: None,
            workers: None,
            certificates: PathBuf::from("certs/dev"),
            body_idle_ms: 10_000,
            header_timeout_ms: 10_000,
            header_limit_bytes: 65_536,
            body_limit_bytes: 150_000_000,
            reload_every_ms: 2_000,
            connections_per_second: 20_000,
        }
    }
}

/// `[public]`: web pages without a client certificate. Not served yet; the port is read, so that
/// one environment serves this and later versions.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Public {
    /// TCP port; not opened yet.
    pub port: u16,
}

impl Default for Public {
    fn default() -> Self {
        Self { port: 8444 }
    }
}

/// `[smtp]`: MSSanté messages. Not served yet; the port is read, as that of `[public]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Smtp {
    /// TCP port; not opened yet.
    pub port: u16,
}

impl Default for Smtp {
    fn default() -> Self {
        Self { port: 2525 }
    }
}

/// `[operations]`: health and metrics, plain HTTP on loopback.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Operations {
    /// TCP port; 0 picks a free one.
    pub port: u16,
}

impl Default for Operations {
    fn default() -> Self {
        Self { port: 9090 }
    }
}

/// `[documents]`: where encrypted bytes are kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Documents {
    /// Folder of large documents.
    pub folder: PathBuf,
    /// Master keys, one `id base64` a line, the current one first.
    pub keys: PathBuf,
    /// Largest document, in bytes.
    pub limit_bytes: u64,
}

impl Default for Documents {
    fn default() -> Self {
        Self {
            folder: PathBuf::from("data/documents"),
            keys: PathBuf::from("data/keys/master.keys"),
            limit_bytes: 100_000_000,
        }
    }
}

/// How severe validation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Every recommendation is an obligation.
    Strict,
    /// What the CI-SIS asks for.
    #[default]
    CiSis,
    /// Accepts the official examples, with warnings.
    Lenient,
}

/// Which PDSm text rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum Pdsm {
    /// The tag of 2026-01-15.
    #[default]
    #[serde(rename = "3.1.1")]
    V311,
    /// The main branch of 2026-06-30.
    #[serde(rename = "main")]
    Main,
}

/// `[conformance]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conformance {
    /// strict, ci-sis or lenient.
    pub mode: Mode,
    /// 3.1.1 or main.
    pub pdsm: Pdsm,
    /// Folder of imported terminology.
    pub terminology: PathBuf,
    /// Folder of packages of definitions, read at the start where it is there.
    pub packages: PathBuf,
    /// Packages besides, each an archive or a folder.
    pub package: Vec<PathBuf>,
}

impl Default for Conformance {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            pdsm: Pdsm::default(),
            terminology: PathBuf::from("data/terminology"),
            packages: PathBuf::from("packages"),
            package: Vec::new(),
        }
    }
}

/// `[mhd]`: options of ITI-65.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mhd {
    /// Whether folders are kept; else a bundle that holds one is refused.
    pub folders: bool,
    /// Whether FHIR documents are kept; else a bundle that holds one is refused.
    pub fhir_document: bool,
}

impl Default for Mhd {
    fn default() -> Self {
        Self { folders: true, fhir_document: true }
    }
}

/// Which INS domains are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Domain {
    /// .9, .10, .11.
    #[default]
    Test,
    /// .8, .9.
    Production,
}

/// `[identity]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Identity {
    /// test or production.
    pub domain: Domain,
}

/// How the `cnf` parameter of a token request is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cnf {
    /// RFC 8705 only.
    Rfc,
    /// The ANS form (base64 of the hexadecimal digest) too.
    #[default]
    Compat,
}

/// `[token]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Token {
    /// Folder of signing keys.
    pub keys: PathBuf,
    /// rfc or compat.
    pub cnf: Cnf,
    /// Life of a token in seconds, at most 300.
    pub ttl_seconds: u32,
    /// External issuers of subject tokens (`[[token.issuers]]`).
    pub issuers: Vec<crate::token::trust::TrustedIssuer>,
}

impl Default for Token {
    fn default() -> Self {
        Self { keys: PathBuf::from("data/keys"), cnf: Cnf::default(), ttl_seconds: 60, issuers: Vec::new() }
    }
}

/// `[td02]`: the existence test.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Td02 {
    /// Whether name, gender and birth date are told.
    pub traits: bool,
    /// Existence tests and unknown-INS answers per structure and minute.
    pub per_minute: u32,
}

impl Default for Td02 {
    fn default() -> Self {
        Self { traits: false, per_minute: 600 }
    }
}

/// What happens to an unknown search parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unknown {
    /// Left out, with a warning.
    #[default]
    Ignore,
    /// 400.
    Refuse,
}

/// `[search]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Search {
    /// ignore or refuse.
    pub unknown: Unknown,
    /// Folder of SearchParameter resources (`*.json`), read at start.
    pub parameters: Option<PathBuf>,
}

/// `[rest]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rest {
    /// Whether `POST Type?criteria` is a conditional create, as `If-None-Exist` makes it.
    pub post_conditional: bool,
    /// Most entries of a bundle posted to the base.
    pub bundle_entries: usize,
    /// Most bytes of such a bundle, documents apart.
    pub bundle_bytes: usize,
}

impl Default for Rest {
    fn default() -> Self {
        Self { post_conditional: false, bundle_entries: 10_000, bundle_bytes: 4 * 1024 * 1024 }
    }
}

/// `[rules]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Whether a professional's every access is notified, not only the first (MES-081).
    pub notify_every_access: bool,
    /// Whether tables of `override_dir` stand in for the committed ones.
    pub allow_override: bool,
    /// Folder of the operator's tables: `habilitation.csv`.
    pub override_dir: Option<PathBuf>,
}

/// `[audit]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Audit {
    /// How often the heads of chains are signed, in seconds.
    pub seal_every_seconds: u64,
}

impl Default for Audit {
    fn default() -> Self {
        Self { seal_every_seconds: 60 }
    }
}

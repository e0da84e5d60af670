//! From a configuration to a server that answers: what `dev`, `serve` and the tests share.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::demo::personas::Demo;
use super::{Failure, package};
use crate::clock::Clocks;
use crate::config::{self, Config};
use crate::fhir::search::page::Sealer;
use crate::fhir::terminology::Library;
use crate::fhir::validate::{Conformance, Mode, Pdsm, Replaced};
use crate::http::tls::{Settings as TlsSettings, Tls};
use crate::http::{self, App, DevFace, Listening};
use crate::ids::IdSource;
use crate::ihe::audit;
use crate::ops::{Domain, Service, Settings};
use crate::rules::habilitation::Matrix;
use crate::store::Store;
use crate::store::blob::{BlobFolder, BlobLimits, MasterKeys};
use crate::token::issue::{CnfForm, Issuer, IssuerConfig};
use crate::token::keys::{KeyWatch, Owner, SigningAlgorithm};
use crate::token::subject::{DevSubjectIssuer, SubjectIssuers};
use crate::token::trust::IssuerWatch;
use crate::token::verify::Verifier;
use crate::workers::{self, SealKey, Works};

/// How a server is started.
#[derive(Debug)]
pub struct StartOptions {
    /// Everything configurable.
    pub config: Config,
    /// The clocks.
    pub clocks: Clocks,
    /// New ids.
    pub ids: Arc<dyn IdSource>,
    /// The open store.
    pub store: Store,
    /// Whether this is a development server: its own keys are made, its personas known.
    pub is_dev: bool,
}

/// A server that answers.
#[derive(Debug)]
pub struct Started {
    /// What handlers share.
    pub app: Arc<App>,
    /// The operations port's number.
    pub operations_port: u16,
    running: http::Running,
    workers: workers::Running,
}

impl Started {
    /// Serves until `stop` resolves, then stops in order: listeners, workers.
    pub async fn serve_until(self, stop: impl Future<Output = ()>) {
        let Self { running, workers, .. } = self;
        let servers: Vec<_> = running.servers.into_iter().map(http::spawn).collect();
        stop.await;
        for handle in &running.handles {
            handle.stop(true).await;
        }
        for server in servers {
            if server.await.is_err() {
                tracing::error!("a listener had ended by a panic");
            }
        }
        running.watch.abort();
        workers.stop().await;
    }
}

/// Binds, assembles and starts.
pub fn start(options: StartOptions) -> Result<Started, Failure> {
    let listening = http::bind(&options.config).map_err(|error| Failure::from_error("cannot listen", &error))?;
    let port = listening.port().map_err(|error| Failure::from_error("cannot listen", &error))?;
    let operations_port = listening.operations_port().map_err(|error| Failure::from_error("cannot listen", &error))?;
    let works = |service: Service, seal_key: SealKey| Works {
        service,
        clocks: options.clocks.clone(),
        seal_key: Arc::new(seal_key),
        seal_every: Duration::from_secs(options.config.audit.seal_every_seconds),
        keeps_clock: options.is_dev,
    };
    let keys = &options.config.token.keys;
    let seal_key = if options.is_dev {
        SealKey::load_or_create(&keys.join("seal.der"))
    } else {
        SealKey::load(&keys.join("seal.der"))
    };
    let seal_key = seal_key.map_err(|error| Failure::from_error("seal key", &error))?;
    let app = Arc::new(assemble(&options, port)?);
    let workers = workers::start(works(app.service.clone(), seal_key));
    let running = run(Arc::clone(&app), listening)?;
    Ok(Started { app, operations_port, running, workers })
}

fn run(app: Arc<App>, listening: Listening) -> Result<http::Running, Failure> {
    http::start(app, listening).map_err(|error| Failure::from_error("cannot serve", &error))
}

fn assemble(options: &StartOptions, port: u16) -> Result<App, Failure> {
    let config = &options.config;
    let origin = config.server.origin.clone().unwrap_or_else(|| format!("https://localhost:{port}"));
    let base = format!("{origin}/fhir");
    let owner = if options.is_dev { Owner::Dev } else { Owner::Production };
    let watch = KeyWatch::open(&config.token.keys, SigningAlgorithm::Es256, owner, options.clocks.real.now())
        .map_err(|error| Failure::from_error("signing keys", &error))?;
    let keys = watch.keys();
    let dev = if options.is_dev { Some(dev_face(&config.token.keys)?) } else { None };
    let own = dev.as_ref().map(|dev| SubjectIssuers::dev(&dev.issuer)).unwrap_or_default();
    let issuers = IssuerWatch::over(config.token.issuers.clone(), own);
    let subjects = issuers.read().map_err(|error| Failure::from_error("issuers of subject tokens", &error))?;
    let cnf = match config.token.cnf {
        config::Cnf::Rfc => CnfForm::Rfc,
        config::Cnf::Compat => CnfForm::Compat,
    };
    let issuer = IssuerConfig { lifetime: config.token.ttl_seconds, cnf, ..IssuerConfig::at(&origin) };
    let verifier =
        Verifier::new(&issuer.issuer, &issuer.audience, Arc::clone(&keys), Arc::clone(&options.clocks.domain))
            .with_matrix(Arc::new(matrix(&config.rules)?));
    let mut tls = TlsSettings::dev(&config.server.certificates);
    tls.refuse_dev = !options.is_dev;
    let tls = Tls::load(tls, Arc::clone(&options.clocks.real)).map_err(|error| Failure::from_error("TLS", &error))?;
    let terminology = super::import::terminology::library(&config.conformance.terminology, &base)?;
    Ok(App::new(http::Parts {
        service: service(options)?,
        mode: mode(config, &terminology),
        clocks: options.clocks.clone(),
        ids: Arc::clone(&options.ids),
        tls: Arc::new(tls),
        issuer: Issuer::new(issuer, Arc::clone(&keys), subjects, options.clocks.clone()),
        verifier,
        keys: watch,
        issuers,
        dev,
        pages: pages(options)?,
        terminology,
        server: audit::Server { base: base.clone(), site: origin.clone() },
        config: config.clone(),
        origin: origin.into(),
        base: base.into(),
    }))
}

fn service(options: &StartOptions) -> Result<Service, Failure> {
    let config = &options.config;
    let documents = &config.documents;
    let keys = if options.is_dev {
        MasterKeys::load_or_create(&documents.keys, options.ids.as_ref())
    } else {
        MasterKeys::load(&documents.keys)
    };
    let folder = BlobFolder::open(&documents.folder).map_err(|error| Failure::from_error("documents", &error))?;
    let domain = match config.identity.domain {
        config::Domain::Test => Domain::Test,
        config::Domain::Production => Domain::Production,
    };
    let definitions = package::read(Some(&config.conformance.packages), &config.conformance.package)?;
    if !definitions.is_empty() {
        tracing::info!(profiles = definitions.len(), "packages of definitions are loaded");
    }
    Ok(Service {
        definitions: Arc::new(definitions),
        store: options.store.clone(),
        folder,
        keys: Arc::new(keys.map_err(|error| Failure::from_error("master keys", &error))?),
        limits: BlobLimits {
            document: documents.limit_bytes,
            capture: BlobLimits::LARGEST_CAPTURE,
            ..BlobLimits::default()
        },
        ids: Arc::clone(&options.ids),
        settings: Settings {
            domain,
            tell_traits: config.td02.traits,
            notify_every_access: config.rules.notify_every_access,
            folders: config.mhd.folders,
            fhir_documents: config.mhd.fhir_document,
        },
    })
}

fn mode(config: &Config, terminology: &Library) -> Mode {
    Mode {
        mode: match config.conformance.mode {
            config::Mode::Strict => Conformance::Strict,
            config::Mode::CiSis => Conformance::CiSis,
            config::Mode::Lenient => Conformance::Lenient,
        },
        pdsm: match config.conformance.pdsm {
            config::Pdsm::V311 => Pdsm::V311,
            config::Pdsm::Main => Pdsm::Main,
        },
        replaced: Replaced::of(terminology),
    }
}

/// The habilitation matrix: the committed one, or the operator's where he says so.
fn matrix(rules: &config::Rules) -> Result<Matrix, Failure> {
    match (&rules.override_dir, rules.allow_override) {
        (Some(folder), true) => super::rules::read_matrix(folder),
        (None, true) => Err(Failure::Failed("rules.allow_override needs rules.override_dir".to_owned())),
        (_, false) => Ok(Matrix::built_in()),
    }
}

fn dev_face(keys: &Path) -> Result<DevFace, Failure> {
    let issuer = DevSubjectIssuer::open(&keys.join("psc"))
        .map_err(|error| Failure::from_error("the development issuer's key", &error))?;
    let demo = Demo::load().map_err(|error| Failure::from_error("demo personas", &error))?;
    let people = demo.professionals.into_iter();
    Ok(DevFace { issuer, people: people.map(|named| (named.name, named.exercise.professional.id)).collect() })
}

/// The key of page links: one for all servers of a service, kept beside the signing keys.
fn pages(options: &StartOptions) -> Result<Sealer, Failure> {
    let path = options.config.token.keys.join("pages.key");
    let failed = |error: std::io::Error| Failure::from_error("the key of page links", &error);
    super::keys::page_key(&path, options.ids.as_ref())?;
    let bytes = zeroize::Zeroizing::new(std::fs::read(&path).map_err(failed)?);
    let key = bytes.as_slice().try_into();
    let key = key.map_err(|_length| Failure::Failed(format!("{}: not a key of 32 bytes", path.display())))?;
    Sealer::new(key).map_err(|error| Failure::from_error("the key of page links", &error))
}

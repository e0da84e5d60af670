//! `espace dev`: creates what is missing and serves on loopback (contract §1).

use std::future::poll_fn;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use clap::Args;
use jiff::Timestamp;

use super::demo::seed;
use super::pki::{self, Options};
use super::start::{StartOptions, Started, start};
use super::{Failure, output, runtime, search_parameters};
use crate::clock::{Clock, Clocks, RunningClock, SystemClock};
use crate::config::Config;
use crate::http;
use crate::ids::{IdSource, SystemIds};
use crate::ops::document::rewrap;
use crate::ops::resource::reindex::reindex;
use crate::store::Store;
use crate::store::blob::{KeyFileError, MasterKeys};
use crate::telemetry::{self, Format};
use crate::workers::{self, CLOCK_SETTING};

/// Where the clock of a development server starts.
const FIRST_START: &str = "2026-11-22T10:00:00Z";

/// Create what is missing (PKI, database, demo personas) and serve on loopback
///
/// A second start keeps the data. Configuration comes from `ESPACE__SECTION__KEY`; ports for example
/// from `ESPACE__SERVER__PORT` (0 picks a free one).
#[derive(Debug, Args)]
pub(super) struct Dev {
    /// Folder of the database, the documents and the keys
    #[arg(long, value_name = "DIR", default_value = "data")]
    state: PathBuf,
    /// Folder of the test PKI
    #[arg(long, value_name = "DIR", default_value = "certs/dev")]
    certs: PathBuf,
    /// Forget the database, the documents and the keys of the state folder first
    #[arg(long)]
    reset: bool,
    /// The domain clock starts at this instant (RFC 3339) and runs on; `now` is real time
    #[arg(long, value_name = "T", value_parser = origin)]
    clock: Option<Origin>,
    /// Definitions that come before ours: a folder of JSON files, or a package of FHIR as .tgz; may be repeated
    #[arg(long, value_name = "FILE.tgz|DIR")]
    package: Vec<PathBuf>,
}

impl Dev {
    /// Serves until the process is asked to end.
    pub(super) fn run(self) -> Result<(), Failure> {
        telemetry::start(Format::Text);
        let config = self.configuration()?;
        runtime::serve(async move {
            let started = self.prepare(config).await?;
            let ended = runtime::ended()?;
            announce(&started, &self.certs);
            started.serve_until(ended).await;
            Ok(())
        })
    }

    fn configuration(&self) -> Result<Config, Failure> {
        let mut config = runtime::configuration(None)?;
        let address = config.server.address.as_str();
        if !matches!(address, "127.0.0.1" | "::1" | "localhost") {
            return Err(Failure::Usage(format!("`espace dev` binds loopback only, not {address}")));
        }
        if self.reset {
            self.forget(&config)?;
        }
        std::fs::create_dir_all(&self.state)
            .map_err(|error| Failure::from_error(&format!("cannot make {}", self.state.display()), &error))?;
        place(&mut config, &self.state, &self.certs);
        config.conformance.package.extend(self.package.iter().cloned());
        Ok(config)
    }

    /// Removes what a development server keeps in its state folder, and nothing else that lies there.
    fn forget(&self, config: &Config) -> Result<(), Failure> {
        if config.store.url != crate::store::Config::default().url {
            let text = "`--reset` forgets the database of the state folder, but ESPACE__STORE__URL names another one";
            return Err(Failure::Usage(text.to_owned()));
        }
        // A server that still runs on this state holds the port.
        http::bind(config).map_err(|error| Failure::from_error("nothing was reset: cannot listen", &error))?;
        // The log goes before its database: alone, it would be replayed into the next one.
        let files = ["espace.sqlite-wal", "espace.sqlite-shm", "espace.sqlite"].map(|name| self.state.join(name));
        let folders = ["documents", "keys"].map(|name| self.state.join(name));
        let removed = files.iter().map(std::fs::remove_file).chain(folders.iter().map(std::fs::remove_dir_all));
        for outcome in removed {
            match outcome {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Failure::from_error(&format!("cannot reset {}", self.state.display()), &error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    async fn prepare(&self, config: Config) -> Result<Started, Failure> {
        let ids: Arc<dyn IdSource> = Arc::new(SystemIds::default());
        pki::create_dev_pki(&self.certs, Options::default(), &SystemClock, ids.as_ref())
            .map_err(|error| Failure::from_error("the test PKI", &error))?;
        search_parameters::install(&config)?;
        Store::migrate(&config.store).await.map_err(|error| Failure::from_error("the database", &error))?;
        let store = Store::open(config.store.clone(), Arc::clone(&ids)).await;
        let store = store.map_err(|error| Failure::from_error("the database", &error))?;
        reindex(&store).await.map_err(|error| Failure::from_error("the search index", &error))?;
        keys_are_kept(&config, &store).await?;
        let clocks = Clocks { domain: self.domain_clock(&store).await?, real: Arc::new(SystemClock) };
        seed::if_empty(&store, &self.certs, clocks.domain.now()).await?;
        // The disk works on this while the server is put together.
        let mut kept = pin!(keep_ahead(store.clone(), clocks.domain.now()));
        let early = poll_fn(|context| Poll::Ready(kept.as_mut().poll(context))).await;
        let started = start(StartOptions { config, clocks, ids, store, is_dev: true })?;
        seed::documents_if_missing(&started).await?;
        let kept = match early {
            Poll::Ready(kept) => kept,
            Poll::Pending => kept.await,
        };
        kept.map_err(|error| Failure::from_error("the database", &error))?;
        Ok(started)
    }

    /// `--clock`, else where the clock stood when it was last kept, else the contract's first start.
    async fn domain_clock(&self, store: &Store) -> Result<Arc<dyn Clock>, Failure> {
        match self.clock {
            Some(Origin::Now) => return Ok(Arc::new(SystemClock)),
            Some(Origin::At(at)) => return Ok(Arc::new(RunningClock::starting_at(at))),
            None => {}
        }
        let kept = store.system_read("clock.find", |tx| tx.find_setting(CLOCK_SETTING)).await;
        let kept = kept.map_err(|error| Failure::from_error("the database", &error))?;
        let origin = kept.unwrap_or_else(|| FIRST_START.to_owned()).parse();
        let origin = origin.map_err(|error| Failure::from_error("the clock's kept position", &error))?;
        Ok(Arc::new(RunningClock::starting_at(origin)))
    }
}

/// Where `--clock` makes the clock start.
#[derive(Debug, Clone, Copy)]
enum Origin {
    /// Real time.
    Now,
    /// An instant.
    At(Timestamp),
}

fn origin(text: &str) -> Result<Origin, String> {
    if text == "now" {
        return Ok(Origin::Now);
    }
    text.parse().map(Origin::At).map_err(|error| format!("neither `now` nor an RFC 3339 instant: {error}"))
}

/// A kept database needs the keys it was written with: new ones in their place would look like a
/// start, and leave its documents unreadable and its seals unverifiable.
async fn keys_are_kept(config: &Config, store: &Store) -> Result<(), Failure> {
    let failed = |error: crate::error::Error| Failure::from_error("the database", &error);
    let lost = |path: &Path, what: &str| {
        let path = path.display();
        Failure::Failed(format!(
            "{what}, but {path} is not the key it was kept with: put that key back, or forget everything with --reset"
        ))
    };
    let master = &config.documents.keys;
    if rewrap::any(store).await.map_err(failed)? {
        let keys = MasterKeys::load(master).map(Arc::new);
        let opens = match keys {
            Ok(keys) => rewrap::opens(store, keys).await.map_err(failed)?,
            Err(KeyFileError::File(error)) if error.kind() == std::io::ErrorKind::NotFound => false,
            Err(error) => return Err(Failure::from_error("master keys", &error)),
        };
        if !opens {
            return Err(lost(master, "the database holds documents"));
        }
    }
    let seal = config.token.keys.join("seal.der");
    let sealed = store.system_read("seal.find", |tx| tx.find_last_seal()).await.map_err(failed)?;
    if sealed.is_some() && !seal.exists() {
        return Err(lost(&seal, "the database holds sealed traces"));
    }
    Ok(())
}

/// Until the worker keeps the clock, a crash must not make it go back either.
async fn keep_ahead(store: Store, now: Timestamp) -> Result<(), crate::error::Error> {
    let position = workers::keep_ahead(now).to_string();
    store.system("clock.keep", move |tx| tx.put_setting(CLOCK_SETTING, &position)).await
}

/// Puts everything a development server keeps under its two folders, whatever else is configured.
pub(super) fn place(config: &mut Config, state: &Path, certs: &Path) {
    let url = &mut config.store.url;
    if *url == crate::store::Config::default().url {
        *url = format!("sqlite:{}", state.join("espace.sqlite").display());
    }
    config.documents.folder = state.join("documents");
    config.documents.keys = state.join("keys").join("master.keys");
    config.token.keys = state.join("keys");
    config.conformance.terminology = state.join("terminology");
    certs.clone_into(&mut config.server.certificates);
}

fn announce(started: &Started, certs: &Path) {
    let base = &started.app.base;
    let certs = std::path::absolute(certs).unwrap_or_else(|_| certs.to_owned());
    let certs = certs.display().to_string();
    let binary = std::env::current_exe().map_or_else(|_| "espace".to_owned(), |path| path.display().to_string());
    let url = &started.app.origin;
    output::say(&format!("espace ready: {base}"));
    output::say(&format!("operations: http://127.0.0.1:{}/healthz /readyz /metrics", started.operations_port));
    output::say(&format!("certificates: {certs}/NAME.pem and NAME.key; NAME is one of"));
    output::say("  cabinet hopital labo esms webps portail assurance-maladie catalogue-app (accepted)");
    output::say("  revoked expired autre-ca personne (refused)");
    output::say("publish a document, find it, read it back:");
    let curl = format!("curl -sS --cacert '{certs}/ca.pem' --cert '{certs}/cabinet.pem' --key '{certs}/cabinet.key'");
    let token =
        format!("-H \"Authorization: Bearer $('{binary}' token --as dr-martin --url {url} --certs '{certs}')\"");
    output::say(&format!(
        "{curl} {token} -H 'Content-Type: application/fhir+json' --data-binary @<('{binary}' demo bundle) {base}"
    ));
    let search = "--data-urlencode 'patient.identifier=urn:oid:1.2.250.1.213.1.4.10|279035121518989' -d status=current -d _sort=-_lastUpdated -d _count=1";
    output::say(&format!("{curl} {token} {search} {base}/DocumentReference/_search | tee found.json"));
    let found = "$(grep -o '\"url\":\"https://[^\"]*/Binary/[^\"]*' found.json | head -n 1 | cut -d'\"' -f4)";
    output::say(&format!("{curl} {token} \"{found}\""));
}

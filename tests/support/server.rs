//! A whole server in this process: real TLS on a free loopback port, a fixed clock, demo personas.

use std::sync::Arc;
use std::thread::JoinHandle;

use espace::cli::demo::personas::{Demo, DemoProfessional, Persona};
use espace::cli::demo::{Document, demo_bundle, seed};
use espace::cli::{StartOptions, start};
use espace::clock::{Clock as _, Clocks, FixedClock, SystemClock};
use espace::config::Config;
use espace::http::App;
use espace::ids::{IdSource, SystemIds};
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::oneshot;

use super::client::Actor;
use super::db::Db;
use super::pki::{Scratch, pki};

/// Where the clock of every test server stands.
pub(crate) const NOW: &str = "2026-11-22T10:00:00Z";

/// A running server; it stops with the value.
pub(crate) struct TestServer {
    /// `https://localhost:PORT`.
    pub(crate) origin: String,
    /// What its handlers share.
    pub(crate) app: Arc<App>,
    /// Its domain clock.
    pub(crate) clock: Arc<FixedClock>,
    /// The operations port.
    pub(crate) operations: u16,
    /// Its PKI: certificates may be added and the CRL replaced.
    pub(crate) certs: Scratch,
    /// Its state folder.
    pub(crate) state: Scratch,
    /// The personas it knows.
    pub(crate) demo: Demo,
    /// Its database.
    pub(crate) db: Db,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl TestServer {
    /// A server on SQLite.
    pub(crate) async fn start() -> Self {
        Self::start_on(Db::of_this_run().await).await
    }

    /// A server on a database.
    pub(crate) async fn start_on(db: Db) -> Self {
        Self::start_with(db, |_config| ()).await
    }

    /// A server with other settings.
    pub(crate) async fn start_with(db: Db, change: impl FnOnce(&mut Config)) -> Self {
        let (certs, state) = (pki().scratch(), Scratch::empty());
        let mut config = Config { store: db.config.clone(), ..Config::default() };
        (config.server.port, config.operations.port) = (0, 0);
        config.server.workers = Some(1);
        config.server.certificates = certs.path().to_owned();
        config.server.reload_every_ms = 50;
        config.documents.folder = state.path().join("documents");
        config.documents.keys = state.path().join("keys/master.keys");
        config.token.keys = state.path().join("keys");
        change(&mut config);
        let clock = Arc::new(FixedClock::at(NOW.parse().unwrap()));
        let (started, running) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let domain = Arc::clone(&clock);
        let thread = std::thread::spawn(move || {
            espace::http::block_on(async move {
                let ids: Arc<dyn IdSource> = Arc::new(SystemIds::default());
                let store = espace::store::Store::open(config.store.clone(), Arc::clone(&ids)).await.unwrap();
                seed::if_empty(&store, &config.server.certificates, domain.now()).await.unwrap();
                let clocks = Clocks { domain, real: Arc::new(SystemClock) };
                let server = start(StartOptions { config, clocks, ids, store, is_dev: true }).unwrap();
                seed::documents_if_missing(&server).await.unwrap();
                assert!(started.send((Arc::clone(&server.app), server.operations_port)).is_ok());
                server.serve_until(async move { drop(stopped.await) }).await;
            });
        });
        let (app, operations) = running.await.unwrap();
        let origin = app.origin.to_string();
        let demo = Demo::load().unwrap();
        Self { origin, app, clock, operations, certs, state, demo, db, stop: Some(stop), thread: Some(thread) }
    }

    /// The FHIR base.
    pub(crate) fn base(&self) -> String {
        format!("{}/fhir", self.origin)
    }

    /// The instant of the domain clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A professional with the software of his own structure and a token of everything he may have.
    pub(crate) async fn professional(&self, name: &str) -> Actor {
        let structure = self.demo.professional(name).unwrap().structure.clone();
        self.professional_at(name, &structure).await
    }

    /// A professional with the software of a structure.
    pub(crate) async fn professional_at(&self, name: &str, structure: &str) -> Actor {
        Actor::with_certificate(self, structure).as_professional(name, &[]).await
    }

    /// A structure in its own name.
    pub(crate) async fn structure(&self, name: &str) -> Actor {
        Actor::with_certificate(self, name).as_structure(&[]).await
    }

    /// A person connected to the portal, on the own record or on that of another in whose name he acts.
    pub(crate) async fn patient(&self, connected: &str, record: &str) -> Actor {
        let portal = Actor::with_certificate(self, "portail");
        let (connected, record) = (&self.persona(connected).ins, &self.persona(record).ins);
        let answer = portal.as_patient(connected, record, super::client::PATIENT).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        portal.with_token(answer.json()["access_token"].as_str().unwrap())
    }

    /// Puts a person's space into another state.
    pub(crate) async fn put_space(&self, name: &str, space: espace::model::profile::SpaceState) {
        let profile = espace::model::profile::Profile { space, ..self.persona(name).profile(self.now()) };
        self.app.service.store.system("test.space", move |tx| tx.put_profile(&profile)).await.unwrap();
    }

    /// A certificate without a token.
    pub(crate) fn certificate(&self, name: &str) -> Actor {
        Actor::with_certificate(self, name)
    }

    /// A person of the demonstration.
    pub(crate) fn persona(&self, name: &str) -> &Persona {
        self.demo.persona(name).unwrap()
    }

    /// A professional of the demonstration.
    pub(crate) fn author(&self, name: &str) -> &DemoProfessional {
        self.demo.professional(name).unwrap()
    }

    /// A fresh Provide Document Bundle around a small CDA.
    pub(crate) fn bundle(&self, patient: &str, author: &str) -> Value {
        self.bundle_of(&Document::note(self.now()), patient, author)
    }

    /// A fresh Provide Document Bundle around a document.
    pub(crate) fn bundle_of(&self, document: &Document, patient: &str, author: &str) -> Value {
        demo_bundle(document, self.persona(patient), self.author(author), &SystemIds::default()).unwrap()
    }

    /// The notices queued for a person, as `event channel`, oldest first.
    pub(crate) async fn notices(&self, patient: &str) -> Vec<String> {
        use espace::model::notification::NotificationState::Pending;
        let key = self.persona(patient).key;
        let items = self.app.service.store.system_read("test.outbox", |tx| tx.list_outbox(Pending, 10_000));
        let mut items: Vec<_> = items.await.unwrap().into_iter().filter(|item| item.pt == key.into()).collect();
        items.sort_by_key(|item| (item.notification.created_at, item.notification.event));
        items.iter().map(|i| format!("{} {}", i.notification.event.name(), i.notification.channel.name())).collect()
    }

    /// The traces of a person's chain, as `act outcome refusal`, oldest first.
    pub(crate) async fn traces(&self, patient: &str) -> Vec<String> {
        let key = self.persona(patient).key;
        self.chain(key.into()).await
    }

    /// The traces of a chain, oldest first.
    pub(crate) async fn chain(&self, chain: espace::ids::ShardKey) -> Vec<String> {
        let rows = self.app.service.store.system_read("test.chain", move |tx| tx.list_chain(chain, 0, 100_000)).await;
        let record = |body: &[u8]| -> espace::model::audit::AuditRecord { serde_json::from_slice(body).unwrap() };
        let show = |record: espace::model::audit::AuditRecord| {
            let act = serde_json::to_value(record.act).unwrap();
            let refusal = record.refusal.unwrap_or_default();
            format!("{} {} {refusal}", act.as_str().unwrap(), record.outcome).trim_end().to_owned()
        };
        rows.unwrap().iter().map(|row| show(record(&row.body))).collect()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(std::thread::panicking() || ended.is_ok(), "the server ended by a panic");
        }
    }
}

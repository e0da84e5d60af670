//! What every handler shares: the service, the keys, the limits, the addresses.

use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;

use super::layer::rate::ExistenceLimit;
use super::tls::Tls;
use crate::clock::{Clocks, Stopwatch, from_micros, to_micros};
use crate::config::Config;
use crate::error::Error;
use crate::fhir::search::page::Sealer;
use crate::fhir::validate::Mode;
use crate::ids::{IdSource, NationalId};
use crate::ihe::audit;
use crate::model::directory::ClientSoftware;
use crate::ops::Service;
use crate::telemetry::Metrics;
use crate::token::issue::Issuer;
use crate::token::keys::KeyWatch;
use crate::token::subject::DevSubjectIssuer;
use crate::token::trust::IssuerWatch;
use crate::token::verify::Verifier;

/// How long the list of enrolled software is used before it is read again. A suspension does not
/// wait for it: every operation asks the store.
const ENROLMENT_LIFE_MS: u128 = 1_000;

/// What a server is started with.
#[derive(Debug)]
pub struct Parts {
    /// The configuration it was started with.
    pub config: Config,
    /// `https://host:port`, without a path.
    pub origin: Arc<str>,
    /// `https://host:port/fhir`.
    pub base: Arc<str>,
    /// The operations.
    pub service: Service,
    /// How strictly profiles are held to.
    pub mode: Mode,
    /// The two clocks.
    pub clocks: Clocks,
    /// New ids.
    pub ids: Arc<dyn IdSource>,
    /// Certificates trusted and revoked.
    pub tls: Arc<Tls>,
    /// Issues tokens.
    pub issuer: Issuer,
    /// Verifies tokens.
    pub verifier: Verifier,
    /// Signing keys, looked after.
    pub keys: KeyWatch,
    /// External issuers of subject tokens, looked after.
    pub issuers: IssuerWatch,
    /// Development endpoints; none in production.
    pub dev: Option<DevFace>,
    /// Seals page links.
    pub pages: Sealer,
    /// How traces name this server.
    pub server: audit::Server,
}

/// What only a development server has: the stand-in for Pro Santé Connect.
#[derive(Debug)]
pub struct DevFace {
    /// Mints subject tokens.
    pub issuer: DevSubjectIssuer,
    /// The demo professionals by name.
    pub people: HashMap<String, NationalId>,
}

/// The state of a running server.
#[derive(Debug)]
pub struct App {
    parts: Parts,
    /// Counts of everything.
    pub metrics: Metrics,
    /// Existence tests by structure.
    pub(crate) existence: ExistenceLimit,
    /// Refusals that name a person, by structure: they can be used as existence tests.
    pub(crate) probes: ExistenceLimit,
    enrolled: Enrolled,
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl App {
    /// A server of these parts that has counted nothing yet.
    pub fn new(parts: Parts) -> Self {
        let (existence, probes) =
            (ExistenceLimit::new(parts.config.td02.per_minute), ExistenceLimit::new(parts.config.td02.per_minute));
        Self { parts, metrics: Metrics::default(), existence, probes, enrolled: Enrolled::default() }
    }

    /// The instant of a request by the domain clock, as precise as it is stored.
    pub(crate) fn now(&self) -> Timestamp {
        from_micros(to_micros(self.clocks.domain.now()))
    }

    /// Brings the count of refused handshakes up to date; says what is new since the last time.
    pub(crate) fn count_handshakes(&self) {
        for (reason, total) in self.tls.handshakes().refused {
            let new = self.metrics.refused_handshakes(reason.name(), total);
            if new > 0 {
                tracing::warn!(reason = reason.name(), count = new, "client certificates were refused");
            }
        }
    }

    /// The profiles that the caller's software is enrolled for; absent where it is not enrolled.
    pub(crate) async fn profiles(&self, client_id: &str) -> Result<Option<Vec<String>>, Error> {
        let known = self.enrolled.0.load_full();
        let known = match known.as_ref() {
            Some(list) if list.read.elapsed().as_millis() < ENROLMENT_LIFE_MS => known,
            _ => {
                let software = self.service.store.system_read("client.list", |tx| tx.list_clients()).await?;
                let fresh = Arc::new(Some(List { read: Stopwatch::start(), software }));
                self.enrolled.0.store(Arc::clone(&fresh));
                fresh
            }
        };
        let software = known.iter().flat_map(|list| &list.software);
        let found = software.into_iter().find(|software| software.id == client_id);
        Ok(found.map(|software| software.profiles.clone()))
    }
}

/// The list of enrolled software as it was a moment ago.
#[derive(Default)]
struct Enrolled(ArcSwap<Option<List>>);

struct List {
    read: Stopwatch,
    software: Vec<ClientSoftware>,
}

impl fmt::Debug for Enrolled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Enrolled")
    }
}

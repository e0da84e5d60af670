//! Mutual TLS (ITI-19; RFC 9325): TLS 1.2 and 1.3, client certificate mandatory, everything that
//! decides trust swapped while serving.
//!
//! A connection travels: `verifier` judges the client's certificate in the handshake, [`Tls::peer`]
//! parses it once when the connection is made, [`Tls::still_trusted`] asks again at each request.

mod live;
mod peer;
mod refusal;
mod sessions;
mod source;
mod verifier;

use std::any::Any;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use actix_tls::accept::rustls_0_23::TlsStream;
use arc_swap::ArcSwap;
use jiff::Timestamp;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{ServerConfig, ServerConnection};
use tokio::net::TcpStream;

pub use peer::Peer;
pub use refusal::{Handshakes, Reason};
pub use source::{Paths, TlsError};

use crate::clock::Clock;
use live::Live;
use refusal::Counters;
use sessions::Sessions;
use source::Stamp;
use verifier::{RealTime, Resolver, Verifier};

/// How TLS is served.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where certificates, keys and lists are.
    pub paths: Paths,
    /// Refuse whatever bears the marker of the development PKI (contract §2: `serve`).
    pub refuse_dev: bool,
    /// Refuse TLS 1.2 too.
    pub only_tls13: bool,
    /// How many sessions are kept for resumption.
    pub sessions: usize,
}

impl Settings {
    /// The settings of a development server over the directory `pki dev` filled.
    pub fn dev(directory: &std::path::Path) -> Self {
        Self { paths: Paths::dev(directory), refuse_dev: false, only_tls13: false, sessions: 4096 }
    }
}

/// Something an operator should know of the trust in force. Nothing stops for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alarm {
    /// A revocation list is past its `nextUpdate`; it is still used (contract §1).
    ListOverdue {
        /// Its issuer, RFC 4514.
        issuer: String,
        /// When the next was due.
        since: Timestamp,
    },
    /// No revocation list is configured.
    NoList,
    /// The server's own certificate ends soon, or has ended.
    ServerCertificateEnds {
        /// When.
        at: Timestamp,
    },
}

/// The TLS side of a listener: its configuration, the trust in force, what it counted.
#[derive(Debug)]
pub struct Tls {
    settings: Settings,
    provider: Arc<CryptoProvider>,
    clock: Arc<dyn Clock>,
    live: Arc<ArcSwap<Live>>,
    sessions: Arc<Sessions>,
    counters: Arc<Counters>,
    config: ServerConfig,
    generations: AtomicU64,
    watched: Mutex<Vec<Stamp>>,
}

impl Tls {
    /// Reads everything `settings` names and prepares to serve. `clock` is the real clock.
    pub fn load(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let watched = source::stamps(&settings.paths);
        let first = Live::read(&settings, &provider, 1)?;
        let live = Arc::new(ArcSwap::from_pointee(first));
        let counters = Arc::new(Counters::default());
        let sessions = Arc::new(Sessions::new(settings.sessions));

        let versions: &[&rustls::SupportedProtocolVersion] = if settings.only_tls13 {
            &[&rustls::version::TLS13]
        } else {
            &[&rustls::version::TLS13, &rustls::version::TLS12]
        };
        let time = Arc::new(RealTime(clock.clone()));
        let verifier = Verifier::new(live.clone(), counters.clone(), provider.signature_verification_algorithms);
        let mut config = ServerConfig::builder_with_details(provider.clone(), time)
            .with_protocol_versions(versions)?
            .with_client_cert_verifier(Arc::new(verifier))
            .with_cert_resolver(Arc::new(Resolver::new(live.clone(), counters.clone())));
        // Sessions stay here, where a change of trust can drop them: no stateless tickets (the
        // default ticketer makes none). RFC 9325 §3.5: extended master secret in TLS 1.2.
        config.session_storage = sessions.clone();
        config.require_ems = true;
        Ok(Self {
            settings,
            provider,
            clock,
            live,
            sessions,
            counters,
            config,
            generations: AtomicU64::new(1),
            watched: Mutex::new(watched),
        })
    }

    /// The configuration to listen with; ALPN is the listener's to set. It follows every reload.
    pub fn server_config(&self) -> ServerConfig {
        self.config.clone()
    }

    /// Reads everything again and puts it in force at once: new handshakes, resumptions and open
    /// connections. On an error what was in force stays so.
    pub fn reload(&self) -> Result<u64, TlsError> {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let stamps = source::stamps(&self.settings.paths);
        let generation = self.generations.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let next = Live::read(&self.settings, &self.provider, generation)?;
        self.live.store(Arc::new(next));
        // After the swap: a session kept before it must not be resumed after it.
        self.sessions.drop_all();
        *watched = stamps;
        Ok(generation)
    }

    /// Reloads if a file changed since it was read; for a worker to call every few seconds. After
    /// an error it tries again at each call.
    pub fn poll(&self) -> Result<bool, TlsError> {
        let changed = {
            let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
            *watched != source::stamps(&self.settings.paths)
        };
        if changed { self.reload().map(|_| true) } else { Ok(false) }
    }

    /// The number of the trust in force: it grows with every reload.
    pub fn generation(&self) -> u64 {
        self.live.load().generation()
    }

    /// The client of a connection, from what actix-web gives to `on_connect`. That hook must be set
    /// before the listener is bound, or it is never called.
    pub fn peer(&self, connection: &dyn Any) -> Option<Arc<Peer>> {
        let stream = connection.downcast_ref::<TlsStream<TcpStream>>()?;
        self.peer_of(stream.get_ref().1)
    }

    /// The client of a rustls connection whose handshake is over, resumed or not.
    pub fn peer_of(&self, connection: &ServerConnection) -> Option<Arc<Peer>> {
        let peer = Peer::new(connection.peer_certificates()?)?;
        self.counters.accepted();
        peer.mark_if_known(&self.live.load(), self.clock.now());
        Some(Arc::new(peer))
    }

    /// Whether a client that was let in would be let in now: to be asked at each request. One
    /// comparison as long as the trust is unchanged, a whole verification once after each change.
    pub fn still_trusted(&self, peer: &Peer) -> bool {
        peer.is_trusted(&self.live.load(), self.clock.now())
    }

    /// What happened to handshakes since the start.
    pub fn handshakes(&self) -> Handshakes {
        self.counters.snapshot()
    }

    /// What an operator should know now.
    pub fn alarms(&self) -> Vec<Alarm> {
        self.live.load().alarms(self.clock.now())
    }

    /// The files that are watched.
    pub fn files(&self) -> Vec<PathBuf> {
        self.settings.paths.all()
    }
}

//! What rustls asks during a handshake, answered from the trust in force (RFC 8446 §4.4).

use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, UnixTime};

use super::live::{Live, unix};
use super::refusal::{Counters, Reason};
use crate::clock::Clock;

/// The real clock, as rustls asks for it.
#[derive(Debug)]
pub(super) struct RealTime(pub(super) Arc<dyn Clock>);

impl TimeProvider for RealTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(unix(self.0.now()))
    }
}

/// Judges client certificates.
#[derive(Debug)]
pub(super) struct Verifier {
    live: Arc<ArcSwap<Live>>,
    counters: Arc<Counters>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    pub(super) fn new(
        live: Arc<ArcSwap<Live>>,
        counters: Arc<Counters>,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        Self { live, counters, algorithms }
    }

    fn possession(&self, verified: Result<HandshakeSignatureValid, Error>) -> Result<HandshakeSignatureValid, Error> {
        verified.inspect_err(|_| self.counters.refused(Reason::Possession))
    }
}

impl ClientCertVerifier for Verifier {
    fn client_auth_mandatory(&self) -> bool {
        true
    }

    /// No hints: the authorities may change while we serve, direct trust has none, and an empty
    /// list means "show what you have" (RFC 8446 §4.2.4).
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let now = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
        match self.live.load().judge(end_entity, intermediates, now) {
            Ok(()) => Ok(ClientCertVerified::assertion()),
            Err(refused) => {
                self.counters.refused(refused.reason);
                Err(refused.error)
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.possession(verify_tls12_signature(message, cert, dss, &self.algorithms))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.possession(verify_tls13_signature(message, cert, dss, &self.algorithms))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Gives the server's certificate in force.
#[derive(Debug)]
pub(super) struct Resolver {
    live: Arc<ArcSwap<Live>>,
    counters: Arc<Counters>,
}

impl Resolver {
    pub(super) fn new(live: Arc<ArcSwap<Live>>, counters: Arc<Counters>) -> Self {
        Self { live, counters }
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, _client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.counters.begun();
        Some(self.live.load().server())
    }
}

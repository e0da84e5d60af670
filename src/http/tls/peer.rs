//! The client of one connection: its certificate, parsed once, and the trust it was verified under
//! (contract §6: a revoked client is refused at its next request, not at its next connection).

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use rustls_pki_types::CertificateDer;

use super::live::Live;
use crate::access::identity::Certificate;

/// The client of a connection, to be kept in its connection data.
pub struct Peer {
    certificate: Arc<Certificate>,
    above: Vec<CertificateDer<'static>>,
    ends: Timestamp,
    /// The generation that last found it trusted; 0 before any did.
    trusted_by: AtomicU64,
}

impl Peer {
    pub(super) fn new(chain: &[CertificateDer<'_>]) -> Option<Self> {
        let (leaf, above) = chain.split_first()?;
        let certificate = Certificate::from_der(leaf).ok()?;
        let (_, ends) = certificate.validity()?;
        Some(Self {
            certificate: Arc::new(certificate),
            above: above.iter().map(|der| der.clone().into_owned()).collect(),
            ends,
            trusted_by: AtomicU64::new(0),
        })
    }

    /// The client's certificate.
    pub fn certificate(&self) -> &Arc<Certificate> {
        &self.certificate
    }

    /// Spares the first request a verification where the handshake has just made it. A session
    /// resumed from another generation is not known to this one: its first request verifies it.
    pub(super) fn mark_if_known(&self, live: &Live, now: Timestamp) {
        if live.knows(&self.certificate.fingerprint, now) {
            self.trusted_by.store(live.generation(), Ordering::Relaxed);
        }
    }

    pub(super) fn is_trusted(&self, live: &Live, now: Timestamp) -> bool {
        if now > self.ends {
            return false;
        }
        if self.trusted_by.load(Ordering::Relaxed) == live.generation() {
            return true;
        }
        let leaf = CertificateDer::from(self.certificate.der.as_slice());
        let trusted = live.judge(&leaf, &self.above, now).is_ok();
        if trusted {
            self.trusted_by.store(live.generation(), Ordering::Relaxed);
        }
        trusted
    }
}

/// The fingerprint alone: a certificate of a person bears a name.
impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fingerprint = crate::ids::Digest256(self.certificate.fingerprint);
        f.debug_struct("Peer").field("fingerprint", &fingerprint).finish_non_exhaustive()
    }
}

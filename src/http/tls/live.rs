//! The trust in force: one immutable generation of server certificate, authorities, directly
//! trusted certificates and revocation lists (ITI-19 §3.19.6: by chain and by direct trust).

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, Error as RustlsError, RootCertStore};
use rustls_pki_types::{CertificateDer, UnixTime};
use sha2::{Digest as _, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use super::refusal::Reason;
use super::source::{self, Paths, TlsError};
use super::{Alarm, Settings};
use crate::access::identity::Certificate;
use crate::access::revocation::RevocationList;

/// How long before its end the server's certificate raises an alarm.
const ENDS_SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How many accepted clients are remembered before the memory starts anew.
const REMEMBERED: usize = 10_000;

pub(super) struct Live {
    generation: u64,
    server: Arc<CertifiedKey>,
    server_ends: Option<Timestamp>,
    /// Chain verification; absent where only direct trust is configured.
    chains: Option<Arc<dyn ClientCertVerifier>>,
    direct: HashSet<[u8; 32]>,
    revocation: RevocationList,
    /// Leaf certificates this generation has accepted, and until when that holds: the chain of a
    /// client that opens many connections is verified once.
    accepted: Mutex<HashMap<[u8; 32], Timestamp>>,
}

/// A refusal: why, and what rustls is told (it chooses the alert).
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) reason: Reason,
    pub(super) error: RustlsError,
}

impl Refused {
    fn new(reason: Reason, error: CertificateError) -> Self {
        Self { reason, error: error.into() }
    }
}

impl Live {
    /// Reads a generation from its files.
    pub(super) fn read(settings: &Settings, provider: &Arc<CryptoProvider>, generation: u64) -> Result<Self, TlsError> {
        let paths = &settings.paths;
        let chain = source::certificates(&paths.certificate)?;
        let server_ends = chain.first().and_then(|leaf| Certificate::from_der(leaf).ok()?.validity());
        if settings.refuse_dev {
            refuse_dev(paths)?;
        }
        let server = CertifiedKey::from_der(chain, source::key(&paths.key)?, provider)
            .map_err(|source| TlsError::KeyDiffers { path: paths.key.clone(), source })?;

        let mut authorities = Vec::new();
        for path in &paths.authorities {
            authorities.extend(source::certificates(path)?);
        }
        let mut direct = HashSet::new();
        for path in paths.all_direct() {
            direct.extend(source::certificates(&path)?.iter().map(fingerprint));
        }
        let mut revocation = RevocationList::default();
        for path in &paths.revocation {
            revocation
                .add(&source::read(path)?, &authorities)
                .map_err(|source| TlsError::Revocation { path: path.clone(), source })?;
        }
        if authorities.is_empty() && direct.is_empty() {
            return Err(TlsError::NobodyTrusted);
        }
        Ok(Self {
            generation,
            server: Arc::new(server),
            server_ends: server_ends.map(|(_, until)| until),
            chains: chains(authorities, provider)?,
            direct,
            revocation,
            accepted: Mutex::default(),
        })
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    pub(super) fn server(&self) -> Arc<CertifiedKey> {
        self.server.clone()
    }

    /// Whether this generation has accepted a certificate that is still valid.
    pub(super) fn knows(&self, fingerprint: &[u8; 32], now: Timestamp) -> bool {
        let accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        accepted.get(fingerprint).is_some_and(|until| now <= *until)
    }

    /// Judges a client's certificate and those it sent above it.
    pub(super) fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        above: &[CertificateDer<'_>],
        now: Timestamp,
    ) -> Result<(), Refused> {
        let fingerprint = fingerprint(leaf);
        if self.knows(&fingerprint, now) {
            return Ok(());
        }
        let Ok(([], parsed)) = X509Certificate::from_der(leaf) else {
            return Err(Refused::new(Reason::Malformed, CertificateError::BadEncoding));
        };
        check_dates(&parsed, now)?;
        check_usage(&parsed)?;
        if !self.direct.contains(&fingerprint) {
            self.check_chain(leaf, above, now)?;
        }
        let until = self.check_revocation(&parsed, above)?;
        let mut accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        if accepted.len() >= REMEMBERED {
            accepted.clear();
        }
        if let Some(until) = until {
            accepted.insert(fingerprint, until);
        }
        Ok(())
    }

    pub(super) fn alarms(&self, now: Timestamp) -> Vec<Alarm> {
        let lists = self.revocation.lists();
        let overdue = lists.iter().filter_map(|list| {
            let since = list.next_update.filter(|next| *next < now)?;
            Some(Alarm::ListOverdue { issuer: list.issuer.clone(), since })
        });
        let none = lists.is_empty().then_some(Alarm::NoList);
        let soon = now.saturating_add(ENDS_SOON).unwrap_or(Timestamp::MAX);
        let ends = self.server_ends.filter(|at| *at < soon).map(|at| Alarm::ServerCertificateEnds { at });
        overdue.chain(none).chain(ends).collect()
    }

    fn check_chain(
        &self,
        leaf: &CertificateDer<'_>,
        above: &[CertificateDer<'_>],
        now: Timestamp,
    ) -> Result<(), Refused> {
        let Some(chains) = &self.chains else {
            return Err(Refused::new(Reason::UnknownIssuer, CertificateError::UnknownIssuer));
        };
        match chains.verify_client_cert(leaf, above, unix(now)) {
            Ok(_) => Ok(()),
            Err(error) => Err(Refused { reason: reason_of(&error), error }),
        }
    }

    /// The leaf and every certificate sent with it; then until when the verdict holds, where every
    /// certificate could be read.
    fn check_revocation(
        &self,
        leaf: &X509Certificate<'_>,
        above: &[CertificateDer<'_>],
    ) -> Result<Option<Timestamp>, Refused> {
        let mut until = ends(leaf);
        let revoked =
            |found: &X509Certificate<'_>| self.revocation.contains(found.issuer().as_raw(), found.raw_serial());
        let refused = || Refused::new(Reason::Revoked, CertificateError::Revoked);
        if revoked(leaf) {
            return Err(refused());
        }
        for der in above {
            match X509Certificate::from_der(der) {
                Ok((_, parsed)) if revoked(&parsed) => return Err(refused()),
                Ok((_, parsed)) => until = until.min(ends(&parsed)),
                Err(_) => until = None,
            }
        }
        Ok(until)
    }
}

fn refuse_dev(paths: &Paths) -> Result<(), TlsError> {
    let direct = paths.all_direct();
    for path in [&paths.certificate].into_iter().chain(&paths.authorities).chain(&direct) {
        if source::certificates(path)?.iter().any(|der| Certificate::is_dev(der)) {
            return Err(TlsError::DevCertificate { path: path.clone() });
        }
    }
    Ok(())
}

fn chains(
    authorities: Vec<CertificateDer<'static>>,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
    if authorities.is_empty() {
        return Ok(None);
    }
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority)?;
    }
    let built = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
    built.map(Some).map_err(|error| RustlsError::General(error.to_string()).into())
}

fn check_dates(leaf: &X509Certificate<'_>, now: Timestamp) -> Result<(), Refused> {
    let (validity, now) = (leaf.validity(), now.as_second());
    if now < validity.not_before.timestamp() {
        return Err(Refused::new(Reason::NotYetValid, CertificateError::NotValidYet));
    }
    if now > validity.not_after.timestamp() {
        return Err(Refused::new(Reason::Expired, CertificateError::Expired));
    }
    Ok(())
}

/// RFC 5280 §4.2.1.3: a key that signs handshakes has digitalSignature, where usages are stated.
fn check_usage(leaf: &X509Certificate<'_>) -> Result<(), Refused> {
    match leaf.key_usage() {
        Ok(Some(usage)) if usage.value.digital_signature() => Ok(()),
        Ok(None) => Ok(()),
        Ok(Some(_)) => Err(Refused::new(Reason::Usage, CertificateError::InvalidPurpose)),
        Err(_) => Err(Refused::new(Reason::Malformed, CertificateError::BadEncoding)),
    }
}

fn reason_of(error: &RustlsError) -> Reason {
    match error {
        RustlsError::InvalidCertificate(CertificateError::UnknownIssuer) => Reason::UnknownIssuer,
        RustlsError::InvalidCertificate(CertificateError::BadEncoding) => Reason::Malformed,
        RustlsError::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            Reason::Expired
        }
        RustlsError::InvalidCertificate(
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. },
        ) => Reason::Usage,
        _ => Reason::Chain,
    }
}

fn fingerprint(der: &CertificateDer<'_>) -> [u8; 32] {
    Sha256::digest(der).into()
}

fn ends(certificate: &X509Certificate<'_>) -> Option<Timestamp> {
    Certificate::from_der(certificate.as_raw()).ok()?.validity().map(|(_, until)| until)
}

pub(super) fn unix(at: Timestamp) -> UnixTime {
    let seconds = u64::try_from(at.as_second()).unwrap_or_default();
    UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds))
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("generation", &self.generation).finish_non_exhaustive()
    }
}

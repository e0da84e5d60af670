//! The files TLS is made of: PEM or DER, watched by their stamps (ITI-19: certificates installable
//! in both encodings).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::access::revocation::RevocationError;

/// Where the files are.
#[derive(Debug, Clone, Default)]
pub struct Paths {
    /// The server's certificate, then the certificates above it.
    pub certificate: PathBuf,
    /// The server's private key.
    pub key: PathBuf,
    /// Authorities under which clients are accepted; they also sign the revocation lists.
    pub authorities: Vec<PathBuf>,
    /// Client certificates trusted by themselves, whatever their issuer.
    pub direct: Vec<PathBuf>,
    /// A folder of such certificates (`*.pem`); it may be absent, and files may come and go.
    pub trusted: Option<PathBuf>,
    /// Revocation lists.
    pub revocation: Vec<PathBuf>,
}

impl Paths {
    /// The files of the development PKI.
    pub fn dev(directory: &Path) -> Self {
        Self {
            certificate: directory.join("server.pem"),
            key: directory.join("server.key"),
            authorities: vec![directory.join("ca.pem")],
            direct: Vec::new(),
            trusted: Some(directory.join("trusted")),
            revocation: vec![directory.join("crl.pem")],
        }
    }

    /// Every file that is there now.
    pub(super) fn all(&self) -> Vec<PathBuf> {
        let named = [&self.certificate, &self.key].into_iter().chain(&self.authorities).chain(&self.revocation);
        named.cloned().chain(self.all_direct()).collect()
    }

    /// The files of directly trusted certificates: those named, then those of the folder by name.
    pub(super) fn all_direct(&self) -> Vec<PathBuf> {
        let entries = self.trusted.as_ref().and_then(|folder| fs::read_dir(folder).ok());
        let found = entries.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
        let mut found: Vec<_> = found.filter(|path| path.extension().is_some_and(|ending| ending == "pem")).collect();
        found.sort();
        self.direct.iter().cloned().chain(found).collect()
    }
}

/// Why TLS cannot be served as asked.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{} holds no {what}", path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// The server's key is not that of its certificate, or cannot be used.
    #[error("{} is not a usable key of the server's certificate", path.display())]
    KeyDiffers {
        /// The key's file.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// A revocation list is refused.
    #[error("the revocation list {} is refused", path.display())]
    Revocation {
        /// Which.
        path: PathBuf,
        /// Why.
        source: RevocationError,
    },
    /// A certificate of the development PKI where none is allowed (contract §2).
    #[error("{} is a certificate of the development PKI, which this server refuses", path.display())]
    DevCertificate {
        /// Which.
        path: PathBuf,
    },
    /// No client could ever be accepted.
    #[error("neither an authority nor a directly trusted certificate is configured")]
    NobodyTrusted,
    /// The TLS library refuses the configuration.
    #[error("TLS cannot be configured")]
    Rustls(#[from] rustls::Error),
}

/// What a file looked like: enough to see that it changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    path: PathBuf,
    found: Option<(Option<SystemTime>, u64)>,
}

pub(super) fn stamps(paths: &Paths) -> Vec<Stamp> {
    let stamp = |path: &Path| {
        let found = fs::metadata(path).ok().map(|found| (found.modified().ok(), found.len()));
        Stamp { path: path.to_owned(), found }
    };
    paths.all().iter().map(|path| stamp(path)).collect()
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Unreadable { path: path.to_owned(), source })
}

/// The certificates of a file; at least one.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = read(path)?;
    let content = || TlsError::Content { path: path.to_owned(), what: "certificate" };
    if bytes.first() == Some(&0x30) {
        return Ok(vec![CertificateDer::from(bytes)]);
    }
    let found: Vec<_> = CertificateDer::pem_slice_iter(&bytes).collect::<Result<_, _>>().or(Err(content()))?;
    if found.is_empty() { Err(content()) } else { Ok(found) }
}

/// The private key of a PEM file.
pub(super) fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let bytes = zeroize::Zeroizing::new(read(path)?);
    let content = TlsError::Content { path: path.to_owned(), what: "private key" };
    PrivateKeyDer::from_pem_slice(&bytes).or(Err(content))
}

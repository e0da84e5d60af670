//! The directory of the development PKI: whole files, keys readable by their owner only.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use zeroize::Zeroizing;

use super::PkiError;
use crate::access::identity::Certificate;

pub(super) struct Place(PathBuf);

impl Place {
    pub(super) fn at(directory: &Path) -> Result<Self, PkiError> {
        fs::create_dir_all(directory).map_err(|source| PkiError::File { path: directory.to_owned(), source })?;
        Ok(Self(directory.to_owned()))
    }

    pub(super) fn path(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }

    pub(super) fn has(&self, file: &str) -> bool {
        self.path(file).is_file()
    }

    pub(super) fn read(&self, file: &str) -> Result<Option<String>, PkiError> {
        let path = self.path(file);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(PkiError::File { path, source }),
        }
    }

    /// The certificate `NAME.pem`, where there is one.
    pub(super) fn certificate(&self, name: &str) -> Result<Option<Certificate>, PkiError> {
        let file = format!("{name}.pem");
        let Some(pem) = self.read(&file)? else { return Ok(None) };
        let content = || PkiError::Content { path: self.path(&file) };
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).or(Err(content()))?;
        Certificate::from_der(&der).map(Some).or(Err(content()))
    }

    /// The first certificate of a PEM file.
    pub(super) fn der(&self, file: &str) -> Result<Vec<u8>, PkiError> {
        let content = || PkiError::Content { path: self.path(file) };
        let pem = self.read(file)?.ok_or_else(content)?;
        CertificateDer::from_pem_slice(pem.as_bytes()).map(|der| der.to_vec()).or(Err(content()))
    }

    /// The private key of a PEM file, PKCS#8.
    pub(super) fn private_der(&self, file: &str) -> Result<Zeroizing<Vec<u8>>, PkiError> {
        let content = || PkiError::Content { path: self.path(file) };
        let pem = Zeroizing::new(self.read(file)?.ok_or_else(content)?);
        let key = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).or(Err(content()))?;
        Ok(Zeroizing::new(key.secret_pkcs8_der().to_vec()))
    }

    /// Whether a file is there and was written after another.
    pub(super) fn is_newer(&self, file: &str, than: &str) -> bool {
        let written = |file: &str| fs::metadata(self.path(file)).and_then(|file| file.modified());
        written(file).is_ok_and(|at| written(than).is_ok_and(|other| at >= other))
    }

    pub(super) fn write_secret_bytes(&self, file: &str, bytes: &[u8]) -> Result<(), PkiError> {
        self.write(file, bytes, 0o600, true)
    }

    pub(super) fn write_public(&self, file: &str, text: &str) -> Result<(), PkiError> {
        self.write(file, text.as_bytes(), 0o644, true)
    }

    pub(super) fn write_private(&self, file: &str, text: &str) -> Result<(), PkiError> {
        self.write(file, text.as_bytes(), 0o600, true)
    }

    /// For what every start makes anew: no start waits for the disk.
    pub(super) fn write_renewed(&self, file: &str, text: &str) -> Result<(), PkiError> {
        self.write(file, text.as_bytes(), 0o644, false)
    }

    /// Written beside and renamed: a server that watches never reads half a file.
    fn write(&self, file: &str, bytes: &[u8], mode: u32, durable: bool) -> Result<(), PkiError> {
        let path = self.path(file);
        let beside = self.path(&format!(".{file}.new"));
        let written = open(&beside, mode)
            .and_then(|mut out| {
                out.write_all(bytes)?;
                if durable { out.sync_all() } else { Ok(()) }
            })
            .and_then(|()| fs::rename(&beside, &path));
        written.map_err(|source| PkiError::File { path, source })
    }
}

#[cfg(unix)]
fn open(path: &Path, mode: u32) -> io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    // A leftover of another mode would keep that mode.
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path, _mode: u32) -> io::Result<fs::File> {
    OpenOptions::new().write(true).create(true).truncate(true).open(path)
}

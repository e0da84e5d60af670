//! The directory of the development PKI: whole files, keys readable by their owner only.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

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

    pub(super) fn write_public(&self, file: &str, text: &str) -> Result<(), PkiError> {
        self.write(file, text, 0o644, true)
    }

    pub(super) fn write_private(&self, file: &str, text: &str) -> Result<(), PkiError> {
        self.write(file, text, 0o600, true)
    }

    /// For what every start makes anew: no start waits for the disk.
    pub(super) fn write_renewed(&self, file: &str, text: &str) -> Result<(), PkiError> {
        self.write(file, text, 0o644, false)
    }

    /// Written beside and renamed: a server that watches never reads half a file.
    fn write(&self, file: &str, text: &str, mode: u32, durable: bool) -> Result<(), PkiError> {
        let path = self.path(file);
        let beside = self.path(&format!(".{file}.new"));
        let written = open(&beside, mode)
            .and_then(|mut out| {
                out.write_all(text.as_bytes())?;
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

//! `espace pki dev`: the development PKI (contract §4), created where missing.

mod authority;
mod command;
mod files;
pub mod pkcs12;
mod table;

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

pub(super) use command::Pki;
pub use table::{Client, Flaw, clients};

use crate::access::identity::Certificate;
use crate::clock::Clock;
use crate::ids::IdSource;
use authority::{Authority, Profile};
use files::Place;

/// The life of leaf certificates (ITI-19 recommends two years at most).
const LEAF_LIFE: SignedDuration = SignedDuration::from_hours(2 * 365 * 24);
/// The life of the revocation list (contract §4).
const LIST_LIFE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How far back certificates and lists are dated, so that a clock a little behind accepts them.
const BACKDATED: SignedDuration = SignedDuration::from_hours(1);

/// What to make.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Also RSA-2048 twins `NAME-rsa.{pem,key}`.
    pub rsa: bool,
    /// Also `NAME.p12` of each client, under [`pkcs12::PASSWORD`].
    pub p12: bool,
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Names of certificates made now (`ca`, `server`, `cabinet`...).
    pub created: Vec<String>,
    /// Names of certificates found and kept.
    pub kept: Vec<String>,
}

/// Why the PKI could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// A file could not be read or written.
    #[error("cannot use the file {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that is there does not hold what it should; remove it to have it made again.
    #[error("{} does not hold what it should; remove the directory to have it made again", path.display())]
    Content {
        /// Which.
        path: PathBuf,
    },
    /// Certificate or key generation failed.
    #[error("cannot make a certificate")]
    Generation(#[from] rcgen::Error),
    /// `certs/pki.toml` was built in with a mistake.
    #[error("the table of certificates is not readable")]
    Table(#[from] toml::de::Error),
    /// A PKCS#12 file could not be encrypted.
    #[error("cannot make a PKCS#12 file")]
    Pkcs12,
}

/// Creates what is missing of the development PKI in `out`, and renews its revocation list.
/// `clock` is the real clock. A new root makes everything else new; a leaf that has expired is
/// made again (but for `expired`).
pub fn create_dev_pki(out: &Path, options: Options, clock: &dyn Clock, ids: &dyn IdSource) -> Result<Report, PkiError> {
    let place = Place::at(out)?;
    let now = clock.now();
    let mut report = Report::default();
    let (root, is_new) = Authority::load_or_create(&place, "ca", now, ids)?;
    note(&mut report, "ca", is_new);

    let mut maker = Maker { place: &place, root: &root, remake: is_new, now, ids, report };
    maker.leaf("server", &Profile::server(), false)?;
    for client in clients()? {
        maker.leaf(&client.name, &Profile::client(&client), false)?;
        if options.rsa {
            maker.leaf(&format!("{}-rsa", client.name), &Profile::client(&client), true)?;
        }
    }
    let report = maker.report;
    if options.p12 {
        bundle_all(&place, options.rsa)?;
    }
    renew_list(&place, &root, now)?;
    Ok(report)
}

/// Writes `NAME.p12` of each client, where it is not there or older than its certificate.
fn bundle_all(place: &Place, with_rsa: bool) -> Result<(), PkiError> {
    let clients = clients()?;
    let twins = clients.iter().filter(|_| with_rsa).map(|client| format!("{}-rsa", client.name));
    let names: Vec<String> = clients.iter().map(|client| client.name.clone()).chain(twins).collect();
    let root = place.der("ca.pem")?;
    for name in names {
        let (pem, file) = (format!("{name}.pem"), format!("{name}.p12"));
        if place.is_newer(&file, &pem) {
            continue;
        }
        let key = place.private_der(&format!("{name}.key"))?;
        let bundle = pkcs12::file(&name, &key, &place.der(&pem)?, &root).or(Err(PkiError::Pkcs12))?;
        place.write_secret_bytes(&file, &bundle)?;
    }
    Ok(())
}

/// Writes `crl.pem` anew: every `revoked*` certificate of the directory is on it.
fn renew_list(place: &Place, root: &Authority, now: Timestamp) -> Result<(), PkiError> {
    let mut serials = Vec::new();
    for client in clients()?.into_iter().filter(|client| client.flaw == Some(Flaw::Revoked)) {
        for name in [client.name.clone(), format!("{}-rsa", client.name)] {
            if let Some(certificate) = place.certificate(&name)? {
                serials.push(certificate.serial);
            }
        }
    }
    let list = root.list(&serials, plus(now, -BACKDATED), plus(now, LIST_LIFE))?;
    place.write_renewed("crl.pem", &list)
}

/// Makes the leafs that are missing.
struct Maker<'a> {
    place: &'a Place,
    root: &'a Authority,
    remake: bool,
    now: Timestamp,
    ids: &'a dyn IdSource,
    report: Report,
}

impl Maker<'_> {
    fn leaf(&mut self, name: &str, profile: &Profile, is_rsa: bool) -> Result<(), PkiError> {
        let wanted = self.remake || self.is_wanting(name, profile)?;
        note(&mut self.report, name, wanted);
        if !wanted {
            return Ok(());
        }
        let (from, until) = match profile.flaw {
            Some(Flaw::Expired) => (plus(self.now, -BACKDATED * 48), plus(self.now, -BACKDATED)),
            _ => (plus(self.now, -BACKDATED), plus(self.now, LEAF_LIFE)),
        };
        let leaf = if profile.flaw == Some(Flaw::OtherAuthority) {
            let other = Authority::create("autre-ca-root", self.now, self.ids)?;
            other.issue(profile, from, until, is_rsa, self.ids)?
        } else {
            self.root.issue(profile, from, until, is_rsa, self.ids)?
        };
        self.place.write_private(&format!("{name}.key"), &leaf.key)?;
        self.place.write_public(&format!("{name}.pem"), &leaf.certificate)
    }

    /// Missing, or past its end: a directory two years old still serves.
    fn is_wanting(&self, name: &str, profile: &Profile) -> Result<bool, PkiError> {
        if !self.place.has(&format!("{name}.key")) {
            return Ok(true);
        }
        let found = self.place.certificate(name)?;
        let expired = |certificate: &Certificate| certificate.validity().is_none_or(|(_, until)| until <= self.now);
        Ok(found.is_none_or(|found| profile.flaw != Some(Flaw::Expired) && expired(&found)))
    }
}

fn note(report: &mut Report, name: &str, created: bool) {
    let list = if created { &mut report.created } else { &mut report.kept };
    list.push(name.to_owned());
}

fn plus(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(at)
}

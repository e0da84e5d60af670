//! The external issuers of subject tokens as the configuration names them, their keys read from
//! files again when those change (mes-rules §9.2; issue: external issuers by JWKS configuration).
//!
//! Keys come from a file or stand in the configuration: the server fetches nothing, so that nobody
//! on the network chooses whom it believes.

use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use serde::Deserialize;
use serde_json::Value;

use super::keys::PublicKeys;
use super::subject::{DevIssuerRefused, SubjectIssuer, SubjectIssuers, SubjectKind};

/// One entry of `token.issuers`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedIssuer {
    /// `iss`, compared character by character.
    pub issuer: String,
    /// `psc` or `ihe`: where the token names the professional.
    pub kind: Shape,
    /// What `aud` must hold, or `azp` be.
    pub audience: Option<String>,
    /// File of its JWKS; watched.
    pub jwks: Option<PathBuf>,
    /// Its JWKS itself, as JSON, instead of a file.
    pub jwks_inline: Option<String>,
    /// The algorithms it may sign with; ES256 and RS256 where absent.
    #[serde(default)]
    pub algorithms: Vec<Pinned>,
}

/// `kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// Pro Santé Connect.
    Psc,
    /// IUA.
    Ihe,
}

/// An algorithm that an issuer is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Pinned {
    /// ECDSA P-256.
    #[serde(rename = "ES256")]
    Es256,
    /// RSA PKCS#1 v1.5.
    #[serde(rename = "RS256")]
    Rs256,
}

/// Why an issuer cannot be believed.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file of its keys cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Neither a file nor keys, or both.
    #[error("issuer {issuer} has either `jwks` or `jwks_inline`")]
    Source {
        /// Which.
        issuer: String,
    },
    /// No key of the JWKS can verify what the issuer may sign.
    #[error("the JWKS of issuer {issuer} holds no usable key")]
    Keys {
        /// Which.
        issuer: String,
    },
    /// Two entries of one name.
    #[error("issuer {issuer} is named twice")]
    Repeated {
        /// Which.
        issuer: String,
    },
    /// The development issuer, in production.
    #[error(transparent)]
    Dev(#[from] DevIssuerRefused),
}

impl TrustedIssuer {
    fn read(&self) -> Result<SubjectIssuer, TrustError> {
        let text = match (&self.jwks, &self.jwks_inline) {
            (Some(path), None) => {
                fs::read_to_string(path).map_err(|source| TrustError::File { path: path.clone(), source })?
            }
            (None, Some(text)) => text.clone(),
            _ => return Err(TrustError::Source { issuer: self.issuer.clone() }),
        };
        let unusable = || TrustError::Keys { issuer: self.issuer.clone() };
        let document: Value = serde_json::from_str(&text).or(Err(unusable()))?;
        let keys = PublicKeys::from_jwks(&document).only(&self.pinned());
        if keys.is_empty() {
            return Err(unusable());
        }
        let kind = match self.kind {
            Shape::Psc => SubjectKind::Psc,
            Shape::Ihe => SubjectKind::Ihe,
        };
        Ok(SubjectIssuer { issuer: self.issuer.clone(), kind, audience: self.audience.clone(), keys })
    }

    fn pinned(&self) -> Vec<&'static str> {
        let named = self.algorithms.iter().map(|algorithm| match algorithm {
            Pinned::Es256 => "ES256",
            Pinned::Rs256 => "RS256",
        });
        let named: Vec<_> = named.collect();
        if named.is_empty() { vec!["ES256", "RS256"] } else { named }
    }

    fn stamp(&self) -> Option<(SystemTime, u64)> {
        let metadata = fs::metadata(self.jwks.as_ref()?).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    }
}

/// Looks after the keys of the configured issuers.
#[derive(Debug)]
pub struct IssuerWatch {
    entries: Vec<TrustedIssuer>,
    own: SubjectIssuers,
    seen: Mutex<Vec<Option<(SystemTime, u64)>>>,
}

impl IssuerWatch {
    /// Looks after `entries`; `own` are believed besides: a development server's own issuer.
    pub fn over(entries: Vec<TrustedIssuer>, own: SubjectIssuers) -> Self {
        let seen = Mutex::new(entries.iter().map(TrustedIssuer::stamp).collect());
        Self { entries, own, seen }
    }

    /// The issuers as they are now. The development issuer is never one of `entries`.
    pub fn read(&self) -> Result<SubjectIssuers, TrustError> {
        let mut issuers: Vec<SubjectIssuer> = Vec::new();
        for entry in &self.entries {
            if issuers.iter().any(|known| known.issuer == entry.issuer) {
                return Err(TrustError::Repeated { issuer: entry.issuer.clone() });
            }
            issuers.push(entry.read()?);
        }
        Ok(self.own.clone().and(SubjectIssuers::production(issuers)?))
    }

    /// The issuers where a file of keys has changed since the last look; nothing where none has. What
    /// cannot be read is tried again when the file changes once more.
    pub fn poll(&self) -> Result<Option<SubjectIssuers>, TrustError> {
        let found: Vec<_> = self.entries.iter().map(TrustedIssuer::stamp).collect();
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if *seen == found {
                return Ok(None);
            }
            *seen = found;
        }
        self.read().map(Some)
    }
}

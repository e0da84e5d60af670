//! Signing keys: ES256 by default, RS256 where asked for, PKCS#8 PEM in a directory, `kid` = the
//! RFC 7638 thumbprint; the next, the current and the retired ones are all in the JWKS (RFC 7517).

mod file;
mod jwk;
mod reload;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;

pub use jwk::PublicKeys;
pub use reload::KeyWatch;

use jwk::Jwk;

/// How long a retired key stays in the JWKS: twice the longest life of a token it may have signed.
pub const RETIRED_LIFE: SignedDuration = SignedDuration::from_secs(600);

/// The algorithms we sign with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SigningAlgorithm {
    /// ECDSA P-256, SHA-256.
    #[default]
    Es256,
    /// RSA-2048, PKCS#1 v1.5, SHA-256: where a client can do nothing else.
    Rs256,
}

impl SigningAlgorithm {
    const fn jwa(self) -> Algorithm {
        match self {
            Self::Es256 => Algorithm::ES256,
            Self::Rs256 => Algorithm::RS256,
        }
    }

    const fn file(self) -> &'static str {
        match self {
            Self::Es256 => "signing-es256.pem",
            Self::Rs256 => "signing-rs256.pem",
        }
    }

    const fn next_file(self) -> &'static str {
        match self {
            Self::Es256 => "next-es256.pem",
            Self::Rs256 => "next-rs256.pem",
        }
    }
}

/// Whose keys a directory holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// A development server: keys are made where missing, and marked.
    Dev,
    /// A production server: marked keys are refused.
    Production,
}

/// Why keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file cannot be read or written.
    #[error("cannot use the key file {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file holds no key of its kind.
    #[error("{} holds no usable key", path.display())]
    Content {
        /// Which.
        path: PathBuf,
    },
    /// No signing key where one is needed.
    #[error("there is no signing key {}", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A development key where none is allowed (contract §2).
    #[error("{} is a signing key of a development server, which this server refuses", path.display())]
    Dev {
        /// Which.
        path: PathBuf,
    },
    /// The key that signs cannot be taken away without another in its place.
    #[error("this key signs: rotate first")]
    Signs,
    /// No key of this `kid`.
    #[error("there is no key of this id")]
    Unknown,
    /// The cryptographic library failed.
    #[error("the key cannot be made or used")]
    Crypto,
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// In the JWKS already, so that whoever keeps a copy of it knows the key before it signs.
    Next,
    /// Signs.
    Current,
    /// Signs no more; its last tokens still verify.
    Retired,
}

impl KeyState {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Current => "current",
            Self::Retired => "retired",
        }
    }
}

/// A key as a list shows it: nothing of its private half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedKey {
    /// Its id, the thumbprint.
    pub kid: String,
    /// `ES256` or `RS256`.
    pub algorithm: &'static str,
    /// What it is for.
    pub state: KeyState,
    /// Since when it signs no more, by the real clock.
    pub retired_at: Option<Timestamp>,
}

/// A private key. Its bytes are wiped on drop and never shown.
struct SigningKey {
    kid: String,
    algorithm: SigningAlgorithm,
    key: EncodingKey,
    jwk: Jwk,
}

/// The keys of an authorisation server.
pub struct KeyStore {
    signing: SigningKey,
    public: PublicKeys,
    listed: Vec<ListedKey>,
}

impl KeyStore {
    /// The keys of `directory`. A development server makes the one it lacks; a production server
    /// must find it, without the marker.
    pub fn open(directory: &Path, algorithm: SigningAlgorithm, owner: Owner) -> Result<Self, KeyError> {
        let path = directory.join(algorithm.file());
        if owner == Owner::Dev && !path.exists() {
            file::create(&path, algorithm, owner)?;
        }
        Self::load(directory, algorithm, owner)
    }

    /// Makes a first signing key, in the place of the one that may be there, for the owner of a
    /// production server.
    pub fn create(directory: &Path, algorithm: SigningAlgorithm) -> Result<Self, KeyError> {
        file::create(&directory.join(algorithm.file()), algorithm, Owner::Production)?;
        Self::load(directory, algorithm, Owner::Production)
    }

    /// Makes the key that the next rotation puts in force, where there is none yet.
    pub fn prepare(directory: &Path, algorithm: SigningAlgorithm, owner: Owner) -> Result<Self, KeyError> {
        let path = directory.join(algorithm.next_file());
        if !path.exists() {
            file::create(&path, algorithm, owner)?;
        }
        Self::load(directory, algorithm, owner)
    }

    /// Puts the next key in force (a fresh one where none was prepared) and prepares another. The old
    /// public key stays in the JWKS for [`RETIRED_LIFE`]; those retired longer are removed. `now` is
    /// the real clock's. Whatever moment a server reads the directory, every key that signed a live
    /// token is there.
    pub fn rotate(
        directory: &Path,
        algorithm: SigningAlgorithm,
        owner: Owner,
        now: Timestamp,
    ) -> Result<Self, KeyError> {
        let (current, next) = (directory.join(algorithm.file()), directory.join(algorithm.next_file()));
        let old = file::load(&current, algorithm, owner)?;
        // A next key that cannot be used must not take the place of one that can.
        if next.exists() {
            file::load(&next, algorithm, owner)?;
        }
        file::keep_retired(directory, &old, now)?;
        if next.exists() {
            file::rename(&next, &current)?;
        } else {
            file::create(&current, algorithm, owner)?;
        }
        file::create(&next, algorithm, owner)?;
        for gone in file::retired(directory)?.iter().filter(|key| has_expired(key.at, now)) {
            file::remove(&file::retired_path(directory, &gone.jwk.thumbprint()))?;
        }
        Self::load(directory, algorithm, owner)
    }

    /// Takes a retired or a next key away at once: after a leak. Tokens it signed are refused from
    /// the servers' next look at the directory on.
    pub fn retire(directory: &Path, algorithm: SigningAlgorithm, owner: Owner, kid: &str) -> Result<Self, KeyError> {
        let keys = Self::load(directory, algorithm, owner)?;
        match keys.listed.iter().find(|key| key.kid == kid).map(|key| key.state) {
            Some(KeyState::Current) => return Err(KeyError::Signs),
            Some(KeyState::Next) => file::remove(&directory.join(algorithm.next_file()))?,
            Some(KeyState::Retired) => file::remove(&file::retired_path(directory, kid))?,
            None => return Err(KeyError::Unknown),
        }
        Self::load(directory, algorithm, owner)
    }

    /// The public keys: next, current and retired.
    pub const fn public(&self) -> &PublicKeys {
        &self.public
    }

    /// Every key with its state, the current one first.
    pub fn list(&self) -> &[ListedKey] {
        &self.listed
    }

    /// The `kid` tokens are signed with.
    pub fn kid(&self) -> &str {
        &self.signing.kid
    }

    /// Signs claims as a JWS of the given `typ`.
    pub(super) fn sign<T: Serialize>(&self, typ: &str, claims: &T) -> Result<String, KeyError> {
        let mut header = Header::new(self.signing.algorithm.jwa());
        header.typ = Some(typ.to_owned());
        header.kid = Some(self.signing.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.signing.key).or(Err(KeyError::Crypto))
    }

    /// Reads the keys and makes none. All retired ones are there, however old.
    pub fn load(directory: &Path, algorithm: SigningAlgorithm, owner: Owner) -> Result<Self, KeyError> {
        Self::read(directory, algorithm, owner, None)
    }

    /// The same without the keys that were retired too long ago, by the real clock.
    pub fn load_at(
        directory: &Path,
        algorithm: SigningAlgorithm,
        owner: Owner,
        now: Timestamp,
    ) -> Result<Self, KeyError> {
        Self::read(directory, algorithm, owner, Some(now))
    }

    fn read(
        directory: &Path,
        algorithm: SigningAlgorithm,
        owner: Owner,
        now: Option<Timestamp>,
    ) -> Result<Self, KeyError> {
        // The next key first: read the other way round, a rotation in between would hide the new one.
        let next = match file::load(&directory.join(algorithm.next_file()), algorithm, owner) {
            Err(KeyError::Missing { .. }) => None,
            found => Some(found?),
        };
        let signing = file::load(&directory.join(algorithm.file()), algorithm, owner)?;
        let mut found = vec![(signing.jwk.clone(), KeyState::Current, None)];
        found.extend(next.map(|key| (key.jwk, KeyState::Next, None)).filter(|(jwk, ..)| *jwk != signing.jwk));
        let retired = file::retired(directory)?.into_iter();
        let retired = retired.filter(|key| key.jwk != signing.jwk && now.is_none_or(|now| !has_expired(key.at, now)));
        found.extend(retired.map(|key| (key.jwk, KeyState::Retired, key.at)));
        let mut public = PublicKeys::default();
        let mut listed = Vec::new();
        for (jwk, state, retired_at) in found {
            let kid = jwk.thumbprint();
            listed.push(ListedKey { kid: kid.clone(), algorithm: jwk.algorithm(), state, retired_at });
            public.insert(Some(kid), jwk);
        }
        Ok(Self { signing, public, listed })
    }

    /// Whether a key has been retired too long to be published any more.
    fn is_stale(&self, now: Timestamp) -> bool {
        self.listed.iter().any(|key| has_expired(key.retired_at, now))
    }
}

/// A key retired by hand, without an instant, stays until somebody removes it.
fn has_expired(retired_at: Option<Timestamp>, now: Timestamp) -> bool {
    retired_at.is_some_and(|at| now.duration_since(at) > RETIRED_LIFE)
}

impl fmt::Debug for KeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyStore").field("kid", &self.signing.kid).field("public", &self.public).finish_non_exhaustive()
    }
}

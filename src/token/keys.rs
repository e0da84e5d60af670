//! Signing keys: ES256 by default, RS256 where asked for, PKCS#8 PEM in a directory, `kid` = the
//! RFC 7638 thumbprint, retired public keys kept in the JWKS (RFC 7517).

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RsaKeyPair, RsaPublicKeyComponents,
};
use base64_simd::STANDARD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::jws::{VerifyingKey, base64url};

/// The text before the PEM of a key that a development server made: `serve` refuses it.
const DEV_MARKER: &str = "ESPACE DEV: a signing key of a development server";

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
    /// The cryptographic library failed.
    #[error("the key cannot be made or used")]
    Crypto,
}

/// The members of a public JWK that we write and read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kty")]
enum Jwk {
    #[serde(rename = "EC")]
    Ec { crv: String, x: String, y: String },
    #[serde(rename = "RSA")]
    Rsa { n: String, e: String },
}

impl Jwk {
    /// RFC 7638: required members, in lexicographic order, no white space.
    fn thumbprint(&self) -> String {
        let canonical = match self {
            Self::Ec { crv, x, y } => format!(r#"{{"crv":"{crv}","kty":"EC","x":"{x}","y":"{y}"}}"#),
            Self::Rsa { n, e } => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
        };
        base64url(&Sha256::digest(canonical.as_bytes()))
    }

    fn verifying_key(&self) -> Option<VerifyingKey> {
        let (algorithm, key) = match self {
            Self::Ec { crv, x, y } if crv == "P-256" => (Algorithm::ES256, DecodingKey::from_ec_components(x, y)),
            Self::Ec { .. } => return None,
            Self::Rsa { n, e } => (Algorithm::RS256, DecodingKey::from_rsa_components(n, e)),
        };
        Some(VerifyingKey { algorithm, key: key.ok()? })
    }

    fn published(&self, kid: &str) -> Value {
        match self {
            Self::Ec { crv, x, y } => {
                json!({ "kty": "EC", "crv": crv, "x": x, "y": y, "kid": kid, "alg": "ES256", "use": "sig" })
            }
            Self::Rsa { n, e } => json!({ "kty": "RSA", "n": n, "e": e, "kid": kid, "alg": "RS256", "use": "sig" }),
        }
    }
}

/// Public keys by `kid`.
#[derive(Clone, Default)]
pub struct PublicKeys(BTreeMap<String, (Jwk, VerifyingKey)>);

impl PublicKeys {
    /// The keys of a JWKS document that we can verify with; others are passed over (RFC 7517 §5).
    pub fn from_jwks(document: &Value) -> Self {
        let mut keys = Self::default();
        for entry in document.get("keys").and_then(Value::as_array).into_iter().flatten() {
            let kid = entry.get("kid").and_then(Value::as_str).map(str::to_owned);
            if let Ok(jwk) = serde_json::from_value::<Jwk>(entry.clone()) {
                keys.insert(kid, jwk);
            }
        }
        keys
    }

    /// The JWKS document.
    pub fn jwks(&self) -> Value {
        let keys: Vec<Value> = self.0.iter().map(|(kid, (jwk, _))| jwk.published(kid)).collect();
        json!({ "keys": keys })
    }

    pub(super) fn find(&self, kid: &str) -> Option<&VerifyingKey> {
        self.0.get(kid).map(|(_, key)| key)
    }

    fn insert(&mut self, kid: Option<String>, jwk: Jwk) {
        if let Some(key) = jwk.verifying_key() {
            self.0.insert(kid.unwrap_or_else(|| jwk.thumbprint()), (jwk, key));
        }
    }
}

impl fmt::Debug for PublicKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
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
}

impl KeyStore {
    /// The keys of `directory`. A development server makes the one it lacks; a production server
    /// must find it, without the marker.
    pub fn open(directory: &Path, algorithm: SigningAlgorithm, owner: Owner) -> Result<Self, KeyError> {
        let path = directory.join(algorithm.file());
        if owner == Owner::Dev && !path.exists() {
            create(directory, algorithm, owner)?;
        }
        Self::load(directory, algorithm, owner)
    }

    /// Makes a first signing key where there is none, for the owner of a production server.
    pub fn create(directory: &Path, algorithm: SigningAlgorithm) -> Result<Self, KeyError> {
        create(directory, algorithm, Owner::Production)?;
        Self::load(directory, algorithm, Owner::Production)
    }

    /// Replaces the signing key; the old public key stays in the JWKS (`retired-KID.json`, to be
    /// removed once the last token it signed has expired: five minutes).
    pub fn rotate(directory: &Path, algorithm: SigningAlgorithm, owner: Owner) -> Result<Self, KeyError> {
        let old = Self::load(directory, algorithm, owner)?;
        let retired = old.signing.jwk.published(&old.signing.kid).to_string();
        write(&directory.join(format!("retired-{}.json", old.signing.kid)), retired.as_bytes(), 0o644)?;
        create(directory, algorithm, owner)?;
        Self::load(directory, algorithm, owner)
    }

    /// The public keys: current and retired.
    pub const fn public(&self) -> &PublicKeys {
        &self.public
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

    /// Reads the keys and makes none.
    pub fn load(directory: &Path, algorithm: SigningAlgorithm, owner: Owner) -> Result<Self, KeyError> {
        let signing = load_signing(&directory.join(algorithm.file()), algorithm, owner)?;
        let mut public = PublicKeys::default();
        for jwk in retired(directory)? {
            public.insert(None, jwk);
        }
        public.insert(Some(signing.kid.clone()), signing.jwk.clone());
        Ok(Self { signing, public })
    }
}

impl fmt::Debug for KeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyStore").field("kid", &self.signing.kid).field("public", &self.public).finish_non_exhaustive()
    }
}

fn load_signing(path: &Path, algorithm: SigningAlgorithm, owner: Owner) -> Result<SigningKey, KeyError> {
    let pem = match fs::read(path) {
        Ok(pem) => Zeroizing::new(pem),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(KeyError::Missing { path: path.to_owned() });
        }
        Err(source) => return Err(KeyError::File { path: path.to_owned(), source }),
    };
    let is_marked = pem.windows(DEV_MARKER.len()).any(|window| window == DEV_MARKER.as_bytes());
    if owner == Owner::Production && is_marked {
        return Err(KeyError::Dev { path: path.to_owned() });
    }
    let content = || KeyError::Content { path: path.to_owned() };
    let der = PrivatePkcs8KeyDer::from_pem_slice(&pem).or(Err(content()))?;
    let der = der.secret_pkcs8_der();
    let (jwk, key) = match algorithm {
        SigningAlgorithm::Es256 => (ec_jwk(der).ok_or_else(content)?, EncodingKey::from_ec_der(der)),
        SigningAlgorithm::Rs256 => {
            // The JWT library wants the inner RSAPrivateKey, or PKCS#8 in PEM.
            (rsa_jwk(der).ok_or_else(content)?, EncodingKey::from_rsa_pem(&pem).or(Err(content()))?)
        }
    };
    Ok(SigningKey { kid: jwk.thumbprint(), algorithm, key, jwk })
}

fn ec_jwk(pkcs8: &[u8]) -> Option<Jwk> {
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).ok()?;
    let (_form, point) = pair.public_key().as_ref().split_first()?;
    let (x, y) = point.split_at_checked(32)?;
    Some(Jwk::Ec { crv: "P-256".to_owned(), x: base64url(x), y: base64url(y) })
}

fn rsa_jwk(pkcs8: &[u8]) -> Option<Jwk> {
    let pair = RsaKeyPair::from_pkcs8(pkcs8).ok()?;
    let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
    Some(Jwk::Rsa { n: base64url(&public.n), e: base64url(&public.e) })
}

fn create(directory: &Path, algorithm: SigningAlgorithm, owner: Owner) -> Result<(), KeyError> {
    fs::create_dir_all(directory).map_err(|source| KeyError::File { path: directory.to_owned(), source })?;
    let der = Zeroizing::new(match algorithm {
        SigningAlgorithm::Es256 => {
            let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
            made.or(Err(KeyError::Crypto))?.as_ref().to_vec()
        }
        SigningAlgorithm::Rs256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).or(Err(KeyError::Crypto))?;
            let der: Pkcs8V1Der<'static> = pair.as_der().or(Err(KeyError::Crypto))?;
            der.as_ref().to_vec()
        }
    });
    let marker = if owner == Owner::Dev { format!("{DEV_MARKER}\n") } else { String::new() };
    let pem = Zeroizing::new(format!("{marker}{}", *pem(&der)));
    write(&directory.join(algorithm.file()), pem.as_bytes(), 0o600)
}

/// RFC 7468 §10.
fn pem(pkcs8: &[u8]) -> Zeroizing<String> {
    let body = Zeroizing::new(STANDARD.encode_to_string(pkcs8));
    let mut text = Zeroizing::new(String::with_capacity(body.len() + body.len() / 64 + 64));
    text.push_str("-----BEGIN PRIVATE KEY-----\n");
    for (position, character) in body.chars().enumerate() {
        if position > 0 && position.is_multiple_of(64) {
            text.push('\n');
        }
        text.push(character);
    }
    text.push_str("\n-----END PRIVATE KEY-----\n");
    text
}

fn retired(directory: &Path) -> Result<Vec<Jwk>, KeyError> {
    let entries = fs::read_dir(directory).map_err(|source| KeyError::File { path: directory.to_owned(), source })?;
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("retired-") && name.ends_with(".json") {
            let text = fs::read(&path).map_err(|source| KeyError::File { path: path.clone(), source })?;
            found.push(serde_json::from_slice(&text).or(Err(KeyError::Content { path }))?);
        }
    }
    Ok(found)
}

/// Written beside and renamed: nobody reads half a key.
fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), KeyError> {
    let beside = path.with_extension("new");
    let written = open_new(&beside, mode)
        .and_then(|mut out| out.write_all(bytes).and_then(|()| out.sync_all()))
        .and_then(|()| fs::rename(&beside, path));
    written.map_err(|source| KeyError::File { path: path.to_owned(), source })
}

#[cfg(unix)]
fn open_new(path: &Path, mode: u32) -> io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    if path.exists() {
        fs::remove_file(path)?;
    }
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)
}

#[cfg(not(unix))]
fn open_new(path: &Path, _mode: u32) -> io::Result<fs::File> {
    OpenOptions::new().write(true).create(true).truncate(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kid_is_the_thumbprint_of_rfc_7638() {
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCi\
                 FV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb\
                 9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls\
                 1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let jwk = Jwk::Rsa { n: n.to_owned(), e: "AQAB".to_owned() };
        assert_eq!(jwk.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }
}

//! Signing keys as files: PKCS#8 PEM (RFC 7468 §10) for those that sign, a JWK for those that did.

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
use jiff::Timestamp;
use jsonwebtoken::EncodingKey;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use super::jwk::Jwk;
use super::{KeyError, Owner, SigningAlgorithm, SigningKey};
use crate::token::jws::base64url;

/// The text before the PEM of a key that a development server made: `serve` refuses it.
const DEV_MARKER: &str = "ESPACE DEV: a signing key of a development server";

/// A public key that signs no more, and since when.
pub(super) struct Retired {
    pub(super) jwk: Jwk,
    pub(super) at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct RetiredFile {
    #[serde(flatten)]
    jwk: Jwk,
    retired_at: Option<i64>,
}

/// Where the public half of a retired key is kept.
pub(super) fn retired_path(directory: &Path, kid: &str) -> PathBuf {
    directory.join(format!("retired-{kid}.json"))
}

/// Reads a private key.
pub(super) fn load(path: &Path, algorithm: SigningAlgorithm, owner: Owner) -> Result<SigningKey, KeyError> {
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

/// Makes a private key in a file, in the place of the one that may be there.
pub(super) fn create(path: &Path, algorithm: SigningAlgorithm, owner: Owner) -> Result<(), KeyError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|source| KeyError::File { path: folder.to_owned(), source })?;
    }
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
    write(path, pem.as_bytes(), 0o600)
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

/// Keeps the public half of a key that signs no more.
pub(super) fn keep_retired(directory: &Path, key: &SigningKey, at: Timestamp) -> Result<(), KeyError> {
    let mut public = key.jwk.published(&key.kid);
    if let Some(members) = public.as_object_mut() {
        members.insert("retired_at".to_owned(), Value::from(at.as_second()));
    }
    write(&retired_path(directory, &key.kid), public.to_string().as_bytes(), 0o644)
}

/// The keys that sign no more. A file without an instant stays until somebody removes it.
pub(super) fn retired(directory: &Path) -> Result<Vec<Retired>, KeyError> {
    let entries = fs::read_dir(directory).map_err(|source| KeyError::File { path: directory.to_owned(), source })?;
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("retired-") && name.ends_with(".json") {
            let text = match fs::read(&path) {
                // Removed between the listing and the reading: retired for good.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                read => read.map_err(|source| KeyError::File { path: path.clone(), source })?,
            };
            let file: RetiredFile = serde_json::from_slice(&text).or(Err(KeyError::Content { path }))?;
            let at = file.retired_at.and_then(|second| Timestamp::from_second(second).ok());
            found.push(Retired { jwk: file.jwk, at });
        }
    }
    Ok(found)
}

pub(super) fn rename(from: &Path, to: &Path) -> Result<(), KeyError> {
    fs::rename(from, to).map_err(|source| KeyError::File { path: to.to_owned(), source })
}

pub(super) fn remove(path: &Path) -> Result<(), KeyError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(KeyError::File { path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
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

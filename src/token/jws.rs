//! JWS compact serialisation (RFC 7515 §7.1), read with the algorithm pinned to ES256 or RS256
//! (contract §6: HS256 is refused on purpose, `none` always).

use base64_simd::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::access::certificate::{KeyAlgorithm, PublicKey};

/// Longest token we look at, in bytes: an RS256 assertion with its chain in `x5c` fits many times.
const LONGEST: usize = 32 * 1024;

/// What is wrong with a JWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum JwsError {
    #[error("not a signed JSON Web Token")]
    Malformed,
    #[error("the algorithm is not ES256 or RS256, or not that of the key")]
    Algorithm,
    #[error("the signature does not verify")]
    Signature,
}

/// The header members we obey. `alg` is read as text, so that no library decides what it admits.
#[derive(Deserialize)]
pub(super) struct Header {
    alg: String,
    pub(super) typ: Option<String>,
    pub(super) kid: Option<String>,
    pub(super) x5c: Option<Vec<String>>,
    crit: Option<Vec<String>>,
    b64: Option<bool>,
}

/// A token taken apart; nothing in it is verified yet.
pub(super) struct Jws<'a> {
    pub(super) header: Header,
    pub(super) algorithm: Algorithm,
    message: &'a str,
    payload: &'a str,
    signature: &'a str,
}

/// A key that verifies one algorithm.
#[derive(Clone)]
pub(super) struct VerifyingKey {
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

impl VerifyingKey {
    /// The key of a client's certificate.
    pub(super) fn of_certificate(key: &PublicKey) -> Self {
        match key.algorithm {
            KeyAlgorithm::EcP256 => Self { algorithm: Algorithm::ES256, key: DecodingKey::from_ec_der(&key.bits) },
            KeyAlgorithm::Rsa => Self { algorithm: Algorithm::RS256, key: DecodingKey::from_rsa_der(&key.bits) },
        }
    }
}

impl<'a> Jws<'a> {
    pub(super) fn parse(token: &'a str) -> Result<Self, JwsError> {
        if token.len() > LONGEST {
            return Err(JwsError::Malformed);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(JwsError::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(JwsError::Malformed)?;
        if payload.contains('.') {
            return Err(JwsError::Malformed);
        }
        let header: Header = json(header)?;
        // RFC 7515 §4.1.11: extensions we do not know must not be ignored where declared critical.
        if header.crit.is_some() || header.b64.is_some() {
            return Err(JwsError::Malformed);
        }
        let algorithm = match header.alg.as_str() {
            "ES256" => Algorithm::ES256,
            "RS256" => Algorithm::RS256,
            _ => return Err(JwsError::Algorithm),
        };
        Ok(Self { header, algorithm, message, payload, signature })
    }

    /// The claims, if the signature is that of `key`.
    pub(super) fn verify<T: DeserializeOwned>(&self, key: &VerifyingKey) -> Result<T, JwsError> {
        if key.algorithm != self.algorithm {
            return Err(JwsError::Algorithm);
        }
        match jsonwebtoken::crypto::verify(self.signature, self.message.as_bytes(), &key.key, self.algorithm) {
            Ok(true) => json(self.payload),
            _ => Err(JwsError::Signature),
        }
    }

    /// One claim before verification: only to choose the key by the issuer's name.
    pub(super) fn unverified<T: DeserializeOwned>(&self) -> Result<T, JwsError> {
        json(self.payload)
    }
}

fn json<T: DeserializeOwned>(part: &str) -> Result<T, JwsError> {
    let bytes = URL_SAFE_NO_PAD.decode_to_vec(part).or(Err(JwsError::Malformed))?;
    serde_json::from_slice(&bytes).or(Err(JwsError::Malformed))
}

/// base64url without padding (RFC 7515 §2).
pub(super) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode_to_string(bytes)
}

//! Public keys as JSON Web Keys (RFC 7517), named by their thumbprint (RFC 7638).

use std::collections::BTreeMap;
use std::fmt;

use jsonwebtoken::{Algorithm, DecodingKey};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::token::jws::{VerifyingKey, base64url};

/// The members of a public JWK that we write and read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kty")]
pub(super) enum Jwk {
    #[serde(rename = "EC")]
    Ec { crv: String, x: String, y: String },
    #[serde(rename = "RSA")]
    Rsa { n: String, e: String },
}

impl Jwk {
    /// RFC 7638: required members, in lexicographic order, no white space.
    pub(super) fn thumbprint(&self) -> String {
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

    /// The algorithm of its signatures, as JWA names it.
    pub(super) const fn algorithm(&self) -> &'static str {
        match self {
            Self::Ec { .. } => "ES256",
            Self::Rsa { .. } => "RS256",
        }
    }

    pub(super) fn published(&self, kid: &str) -> Value {
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
    /// The keys of a JWKS document that we can verify with; others are passed over (RFC 7517 §5),
    /// and so are those that say they are for another use or algorithm.
    pub fn from_jwks(document: &Value) -> Self {
        let mut keys = Self::default();
        for entry in document.get("keys").and_then(Value::as_array).into_iter().flatten() {
            let said = |member: &str| entry.get(member).and_then(Value::as_str);
            let kid = said("kid").map(str::to_owned);
            let Ok(jwk) = serde_json::from_value::<Jwk>(entry.clone()) else { continue };
            let is_for_signatures = said("use").is_none_or(|usage| usage == "sig");
            if is_for_signatures && said("alg").is_none_or(|algorithm| algorithm == jwk.algorithm()) {
                keys.insert(kid, jwk);
            }
        }
        keys
    }

    /// The same keys without those of other algorithms than `wanted` (`ES256`, `RS256`).
    pub fn only(mut self, wanted: &[&str]) -> Self {
        self.0.retain(|_, (jwk, _)| wanted.contains(&jwk.algorithm()));
        self
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The JWKS document.
    pub fn jwks(&self) -> Value {
        let keys: Vec<Value> = self.0.iter().map(|(kid, (jwk, _))| jwk.published(kid)).collect();
        json!({ "keys": keys })
    }

    pub(in crate::token) fn find(&self, kid: &str) -> Option<&VerifyingKey> {
        self.0.get(kid).map(|(_, key)| key)
    }

    pub(super) fn insert(&mut self, kid: Option<String>, jwk: Jwk) {
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

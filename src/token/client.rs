//! The client's side of the token endpoint: assertions and actor tokens signed by a certificate's
//! key (RFC 7523; contract §6). For `espace token` and the conformance runner.

use std::fmt;

use base64_simd::STANDARD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use uuid::Uuid;

use super::claims::Confirmation;
use super::grant::Opaque;
use super::keys::KeyError;
use crate::access::certificate::KeyAlgorithm;
use crate::access::identity::Certificate;

/// A client certificate with its key, to sign with.
pub struct ClientKey {
    certificate: Certificate,
    algorithm: Algorithm,
    key: EncodingKey,
}

impl ClientKey {
    /// Reads `NAME.pem` and `NAME.key` (PKCS#8). EC P-256 or RSA.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, KeyError> {
        let der = CertificateDer::from_pem_slice(certificate).or(Err(KeyError::Crypto))?;
        let certificate = Certificate::from_der(&der).or(Err(KeyError::Crypto))?;
        let (algorithm, key) = match certificate.public_key().map(|key| key.algorithm) {
            Some(KeyAlgorithm::EcP256) => (Algorithm::ES256, EncodingKey::from_ec_pem(key)),
            Some(KeyAlgorithm::Rsa) => (Algorithm::RS256, EncodingKey::from_rsa_pem(key)),
            None => return Err(KeyError::Crypto),
        };
        Ok(Self { certificate, algorithm, key: key.or(Err(KeyError::Crypto))? })
    }

    /// The certificate.
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The `cnf` parameter: base64url SHA-256 of the certificate.
    pub fn cnf(&self) -> String {
        Confirmation::of(&self.certificate.fingerprint).x5t_s256
    }

    /// An assertion that names `subject` (national id, or INS as CX) to a token endpoint, for
    /// 120 seconds of the real clock.
    pub fn assertion(
        &self,
        subject: &str,
        token_endpoint: &str,
        situation: Option<&str>,
        (at, jti): (Timestamp, Uuid),
    ) -> Result<Opaque, KeyError> {
        let now = at.as_second();
        let mut claims = json!({
            "iss": self.issuer(),
            "sub": subject,
            "aud": token_endpoint,
            "iat": now,
            "exp": now.saturating_add(120),
            "jti": jti.to_string(),
        });
        if let (Some(situation), Some(members)) = (situation, claims.as_object_mut()) {
            members.insert("situation_exercice".to_owned(), situation.into());
        }
        self.sign(&claims)
    }

    /// An actor token that names the software and the exercise (mes-rules §9.3).
    pub fn actor_token(&self, software: (&str, &str), situation: &str, at: Timestamp) -> Result<Opaque, KeyError> {
        let (name, version) = software;
        self.sign(&json!({
            "iss": self.issuer(),
            "sub": self.issuer(),
            "exp": at.as_second().saturating_add(120),
            "lps_nom": name,
            "lps_version": version,
            "situation_exercice": situation,
        }))
    }

    /// Signs any claims, with the certificate in `x5c`.
    pub fn sign(&self, claims: &Value) -> Result<Opaque, KeyError> {
        let mut header = Header::new(self.algorithm);
        header.x5c = Some(vec![STANDARD.encode_to_string(&self.certificate.der)]);
        jsonwebtoken::encode(&header, claims, &self.key).map(Opaque::new).or(Err(KeyError::Crypto))
    }

    fn issuer(&self) -> &str {
        self.certificate.structure.as_ref().map_or("", |structure| structure.as_str())
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientKey").finish_non_exhaustive()
    }
}

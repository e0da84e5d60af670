//! The key that signs the heads of the traces' chains: its own, in a file of its own.

use std::fmt;
use std::path::Path;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
};

use crate::store::keyfile;

/// Why the key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SealKeyError {
    /// The file.
    #[error("the seal key file cannot be used")]
    File(#[from] std::io::Error),
    /// What it holds, or the library.
    #[error("the seal key is not a P-256 key in PKCS#8")]
    Key,
}

/// An ECDSA P-256 key pair.
pub struct SealKey(EcdsaKeyPair);

impl SealKey {
    /// The key of a file (PKCS#8, DER).
    pub fn load(path: &Path) -> Result<Self, SealKeyError> {
        Self::from_der(&zeroize::Zeroizing::new(std::fs::read(path)?))
    }

    /// The key of a file, made where there is none.
    pub fn load_or_create(path: &Path) -> Result<Self, SealKeyError> {
        if path.exists() {
            return Self::load(path);
        }
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_unspecified| SealKeyError::Key)?;
        let der = key.to_pkcs8v1().map_err(|_unspecified| SealKeyError::Key)?;
        keyfile::write_once(path, der.as_ref())?;
        Self::load(path)
    }

    fn from_der(der: &[u8]) -> Result<Self, SealKeyError> {
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der);
        key.map(Self).map_err(|_rejected| SealKeyError::Key)
    }

    /// Signs the text of a seal.
    pub fn sign(&self, payload: &str) -> Result<Vec<u8>, SealKeyError> {
        let signature = self.0.sign(&SystemRandom::new(), payload.as_bytes());
        signature.map(|signature| signature.as_ref().to_vec()).map_err(|_unspecified| SealKeyError::Key)
    }

    /// Whether a signature is this key's.
    pub fn verifies(&self, payload: &str, signature: &[u8]) -> bool {
        let Ok(public) = self.0.public_key().as_der() else { return false };
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public.as_ref()).verify(payload.as_bytes(), signature).is_ok()
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_is_told_from_a_forgery_and_the_key_reads_back() {
        let path = std::env::temp_dir().join(format!("espace-seal-{}", std::process::id()));
        let key = SealKey::load_or_create(&path).unwrap();
        let signature = key.sign("heads").unwrap();
        let again = SealKey::load_or_create(&path).unwrap();
        assert!(again.verifies("heads", &signature));
        assert!(!again.verifies("other heads", &signature));
        std::fs::remove_file(&path).unwrap();
    }
}

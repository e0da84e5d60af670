//! The TLS side of our own clients (`token`, `bench`): one root, one client certificate.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::Failure;

/// A client configuration of PEM texts.
pub(super) fn config(ca: &[u8], certificate: &[u8], key: &[u8]) -> Result<ClientConfig, Failure> {
    let failed = |what: &str, error: &dyn std::error::Error| Failure::from_error(what, error);
    let mut roots = RootCertStore::empty();
    for authority in CertificateDer::pem_slice_iter(ca) {
        let authority = authority.map_err(|error| failed("ca.pem", &error))?;
        roots.add(authority).map_err(|error| failed("ca.pem", &error))?;
    }
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
    let chain = chain.map_err(|error| failed("client certificate", &error))?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| failed("client key", &error))?;
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed("TLS", &error))?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .map_err(|error| failed("client certificate", &error))
}

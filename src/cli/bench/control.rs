//! The control server: actix and rustls alone, client certificates required (docs/PERFORMANCE.md).

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use rustls::crypto::aws_lc_rs;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

use crate::cli::{Failure, output, runtime};

/// Serve nothing but bytes: any request to /N is read to its end and answered with N bytes
#[derive(Debug, Args)]
pub(super) struct Control {
    /// Folder of the test PKI
    #[arg(long, value_name = "DIR", default_value = "certs/dev")]
    certs: PathBuf,
    /// TCP port on loopback; 0 picks a free one, printed
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,
}

impl Control {
    /// Serves until the process is asked to end.
    pub(super) fn serve(&self) -> Result<(), Failure> {
        let tls = self.tls()?;
        let failed = |error: std::io::Error| Failure::from_error("cannot listen", &error);
        let listener = TcpListener::bind(("127.0.0.1", self.port)).map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        runtime::serve(async move {
            let server = crate::http::bare(listener, tls).map_err(failed)?;
            let handle = server.handle();
            let serving = crate::http::spawn(server);
            output::say(&format!("control ready: https://localhost:{port}"));
            runtime::ended()?.await;
            handle.stop(false).await;
            drop(serving.await);
            Ok(())
        })
    }

    /// What a plain rustls server would be configured with: its own verifier, with the revocation list.
    fn tls(&self) -> Result<ServerConfig, Failure> {
        let read = |name: &str| {
            let path = self.certs.join(name);
            std::fs::read(&path).map_err(|error| Failure::from_error(&path.display().to_string(), &error))
        };
        let failed = |what: &str, error: &dyn std::error::Error| Failure::from_error(what, error);
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        for authority in CertificateDer::pem_slice_iter(&read("ca.pem")?) {
            let authority = authority.map_err(|error| failed("ca.pem", &error))?;
            roots.add(authority).map_err(|error| failed("ca.pem", &error))?;
        }
        let lists = read("crl.pem")?;
        let lists: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(&lists).collect();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .with_crls(lists.map_err(|error| failed("crl.pem", &error))?)
            .only_check_end_entity_revocation()
            .allow_unknown_revocation_status()
            .build()
            .map_err(|error| failed("client verifier", &error))?;
        let chain = read("server.pem")?;
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&chain).collect();
        let chain = chain.map_err(|error| failed("server.pem", &error))?;
        let key = PrivateKeyDer::from_pem_slice(&read("server.key")?);
        let key = key.map_err(|error| failed("server.key", &error))?;
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| failed("TLS", &error))?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .map_err(|error| failed("TLS", &error))
    }
}

//! One development PKI per test process, kept in memory; directories of it on demand.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use espace::access::identity::Certificate;
use espace::cli::pki::{Options, create_dev_pki};
use espace::clock::SystemClock;
use espace::ids::SystemIds;
use espace::token::client::ClientKey;
use rcgen::{
    CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose, Issuer, KeyIdMethod, KeyPair,
    KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// A directory that is removed with its value.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// An empty directory.
    pub(crate) fn empty() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("espace-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes one of its files.
    pub(crate) fn write(&self, file: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(file);
        fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The files of the development PKI.
pub(crate) struct Pki(BTreeMap<String, Vec<u8>>);

/// The PKI of this process.
pub(crate) fn pki() -> &'static Pki {
    static PKI: OnceLock<Pki> = OnceLock::new();
    PKI.get_or_init(|| {
        let scratch = Scratch::empty();
        create_dev_pki(scratch.path(), Options::default(), &SystemClock, &SystemIds::default()).unwrap();
        Pki::read(scratch.path())
    })
}

impl Pki {
    /// The files of a directory.
    pub(crate) fn read(directory: &Path) -> Self {
        let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
        Self(entries.map(|e| (e.file_name().to_string_lossy().into_owned(), fs::read(e.path()).unwrap())).collect())
    }

    /// A directory that holds all of it.
    pub(crate) fn scratch(&self) -> Scratch {
        let scratch = Scratch::empty();
        for (file, content) in &self.0 {
            scratch.write(file, content);
        }
        scratch
    }

    /// The content of a file.
    pub(crate) fn file(&self, name: &str) -> &[u8] {
        &self.0[name]
    }

    /// A certificate of the PKI.
    pub(crate) fn certificate(&self, name: &str) -> Certificate {
        Certificate::from_der(&self.der(name)).unwrap()
    }

    /// The key and certificate of a client, to sign assertions with.
    pub(crate) fn client_key(&self, name: &str) -> ClientKey {
        ClientKey::from_pem(self.file(&format!("{name}.pem")), self.file(&format!("{name}.key"))).unwrap()
    }

    /// A certificate's DER.
    pub(crate) fn der(&self, name: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.file(&format!("{name}.pem"))).unwrap()
    }

    /// A TLS client that shows the certificate of `name` (none, for `None`) and keeps sessions.
    pub(crate) fn client(&self, name: Option<&str>, version: &'static SupportedProtocolVersion) -> Arc<ClientConfig> {
        let identity = name.map(|name| {
            let key = PrivateKeyDer::from_pem_slice(self.file(&format!("{name}.key"))).unwrap();
            (vec![self.der(name)], key)
        });
        self.client_with(identity, version)
    }

    /// A TLS client that shows any certificate.
    pub(crate) fn client_with(
        &self,
        identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
        version: &'static SupportedProtocolVersion,
    ) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der("ca")).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots);
        Arc::new(match identity {
            Some((chain, key)) => builder.with_client_auth_cert(chain, key).unwrap(),
            None => builder.with_no_client_auth(),
        })
    }

    /// The root, to sign with.
    pub(crate) fn root(&self) -> Issuer<'static, KeyPair> {
        let text = |name| std::str::from_utf8(self.file(name)).unwrap();
        Issuer::from_ca_cert_pem(text("ca.pem"), KeyPair::from_pem(text("ca.key")).unwrap()).unwrap()
    }

    /// A revocation list of the root over the named certificates.
    pub(crate) fn list_of(&self, names: &[&str]) -> String {
        list(&self.root(), names.iter().map(|name| self.certificate(name).serial))
    }

    /// A client certificate of the root with chosen usages.
    pub(crate) fn leaf_with(&self, usages: Vec<KeyUsagePurpose>) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::OrganizationalUnitName, "1750803447");
        params.key_usages = usages;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.root()).unwrap();
        (certificate.der().clone(), key.into())
    }
}

/// A revocation list of any issuer.
pub(crate) fn list(issuer: &Issuer<'_, KeyPair>, serials: impl IntoIterator<Item = Vec<u8>>) -> String {
    let revoked = |serial: Vec<u8>| RevokedCertParams {
        serial_number: SerialNumber::from(serial),
        revocation_time: date_time_ymd(2024, 1, 1),
        reason_code: None,
        invalidity_date: None,
    };
    let params = CertificateRevocationListParams {
        this_update: date_time_ymd(2024, 1, 1),
        next_update: date_time_ymd(2099, 1, 1),
        crl_number: SerialNumber::from(2),
        issuing_distribution_point: None,
        revoked_certs: serials.into_iter().map(revoked).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(issuer).unwrap().pem().unwrap()
}

//! Who is let in and who is refused, under TLS 1.2 and TLS 1.3 (contract §6).

use std::sync::Arc;

use espace::cli::pki::clients;
use espace::clock::SystemClock;
use espace::http::tls::{Reason, Settings};
use rcgen::KeyUsagePurpose;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{BOTH, TLS12, TLS13, ask, serve, tls, tls_with};
use crate::support::pki::pki;

#[tokio::test]
async fn every_client_of_the_table_without_a_flaw_is_let_in() {
    let scratch = pki().scratch();
    let tls = tls(scratch.path());
    let address = serve(tls.clone()).await;
    for client in clients().unwrap().iter().filter(|client| client.flaw.is_none()) {
        for version in BOTH {
            assert!(ask(address, pki().client(Some(&client.name), version)).await.unwrap(), "{}", client.name);
        }
    }
    assert_eq!(tls.handshakes().accepted, 18);
}

#[tokio::test]
async fn a_client_without_certificate_is_refused() {
    let scratch = pki().scratch();
    let tls = tls(scratch.path());
    let address = serve(tls.clone()).await;
    for version in BOTH {
        assert!(ask(address, pki().client(None, version)).await.is_err());
    }
    assert_eq!(tls.handshakes().accepted, 0);
    assert_eq!(tls.handshakes().unfinished(), 2);
}

#[tokio::test]
async fn revoked_expired_and_foreign_certificates_are_refused_and_counted_by_reason() {
    let scratch = pki().scratch();
    let tls = tls(scratch.path());
    let address = serve(tls.clone()).await;
    let refused = [
        ("revoked", Reason::Revoked, "CertificateRevoked"),
        ("expired", Reason::Expired, "CertificateExpired"),
        ("autre-ca", Reason::UnknownIssuer, "UnknownCA"),
    ];
    for (name, reason, alert) in refused {
        for version in BOTH {
            let error = ask(address, pki().client(Some(name), version)).await.unwrap_err();
            assert!(error.to_string().contains(alert), "{name}: {error}");
        }
        assert_eq!(tls.handshakes().refused_for(reason), 2, "{name}");
    }
    assert_eq!(tls.handshakes().accepted, 0);
    assert_eq!(tls.handshakes().unfinished(), 0);
}

#[tokio::test]
async fn a_certificate_whose_key_may_not_sign_is_refused() {
    let scratch = pki().scratch();
    let tls = tls(scratch.path());
    let address = serve(tls.clone()).await;
    let usages = [
        (vec![KeyUsagePurpose::KeyEncipherment], false),
        (vec![KeyUsagePurpose::DigitalSignature], true),
        // No usage stated: nothing forbids it (ITI-19: no particular attribute may be required).
        (Vec::new(), true),
    ];
    for (usages, expected) in usages {
        let (leaf, key) = pki().leaf_with(usages.clone());
        let client = pki().client_with(Some((vec![leaf], key)), TLS13);
        assert_eq!(ask(address, client).await.is_ok(), expected, "{usages:?}");
    }
    assert_eq!(tls.handshakes().refused_for(Reason::Usage), 1);
}

#[tokio::test]
async fn a_certificate_without_its_key_is_refused() {
    let scratch = pki().scratch();
    let address = serve(tls(scratch.path())).await;
    let (_, other_key) = pki().leaf_with(vec![KeyUsagePurpose::DigitalSignature]);
    let config = rustls::ClientConfig::clone(&pki().client(Some("cabinet"), TLS13));
    let mut config = config;
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let signer = provider.key_provider.load_private_key(other_key).unwrap();
    let stolen = rustls::sign::CertifiedKey::new(vec![pki().der("cabinet")], signer);
    config.client_auth_cert_resolver = Arc::new(rustls::sign::SingleCertAndKey::from(stolen));
    assert!(ask(address, Arc::new(config)).await.is_err());
}

/// A ClientHello of an old version field (no supported_versions), else all that we ask for.
fn client_hello(version: [u8; 2]) -> Vec<u8> {
    let mut hello = version.to_vec();
    hello.extend([7; 32]);
    // No session id; TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256; no compression.
    hello.extend([0x00, 0x00, 0x02, 0xc0, 0x2b, 0x01, 0x00]);
    // Extensions: signature_algorithms, supported_groups (P-256), ec_point_formats, extended_master_secret.
    hello.extend([0x00, 0x1a, 0x00, 0x0d, 0x00, 0x04, 0x00, 0x02, 0x04, 0x03, 0x00, 0x0a, 0x00, 0x04, 0x00, 0x02]);
    hello.extend([0x00, 0x17, 0x00, 0x0b, 0x00, 0x02, 0x01, 0x00, 0x00, 0x17, 0x00, 0x00]);
    let length = u8::try_from(hello.len()).unwrap();
    let mut record = vec![0x16, 0x03, 0x01, 0x00, length + 4, 0x01, 0x00, 0x00, length];
    record.extend(hello);
    record
}

#[tokio::test]
async fn tls_1_1_is_answered_by_an_alert_and_the_same_hello_of_1_2_by_a_handshake() {
    let scratch = pki().scratch();
    let address = serve(tls(scratch.path())).await;
    for (version, record, next) in [([3, 2], 0x15, [2, 70]), ([3, 3], 0x16, [2, 0])] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&client_hello(version)).await.unwrap();
        let mut answer = [0; 7];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer[0], record, "alert, or handshake");
        assert_eq!(answer[5..7], next, "fatal protocol_version, or ServerHello");
    }
}

#[tokio::test]
async fn tls_1_2_can_be_switched_off() {
    let scratch = pki().scratch();
    let settings = Settings { only_tls13: true, ..Settings::dev(scratch.path()) };
    let address = serve(tls_with(settings, Arc::new(SystemClock))).await;
    assert!(ask(address, pki().client(Some("cabinet"), TLS12)).await.is_err());
    assert!(ask(address, pki().client(Some("cabinet"), TLS13)).await.unwrap());
}

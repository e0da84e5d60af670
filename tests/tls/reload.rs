//! Trust that changes while serving: new handshakes, resumptions and open connections follow at once.

use std::sync::Arc;

use espace::access::identity::Certificate;
use espace::clock::{Clock as _, FixedClock, SystemClock};
use espace::http::tls::{Alarm, Paths, Reason, Settings, Tls, TlsError};
use jiff::SignedDuration;
use rcgen::{CertificateParams, Issuer, KeyPair};

use super::{BOTH, Connection, TLS13, ask, serve, tls, tls_with};
use crate::support::pki::{list, pki};

#[tokio::test]
async fn a_list_that_changes_refuses_at_once_without_restart() {
    for version in BOTH {
        let scratch = pki().scratch();
        let tls = tls(scratch.path());
        let address = serve(tls.clone()).await;
        let (client, other) = (pki().client(Some("cabinet"), version), pki().client(Some("hopital"), version));
        let mut open = Connection::open(address, client.clone()).await.unwrap();
        let mut open_other = Connection::open(address, other).await.unwrap();
        assert!(open.is_trusted().await.unwrap());
        assert!(open_other.is_trusted().await.unwrap());
        assert!(!tls.poll().unwrap(), "nothing changed");

        scratch.write("crl.pem", pki().list_of(&["revoked", "cabinet"]));
        assert!(tls.poll().unwrap());
        assert!(!open.is_trusted().await.unwrap(), "the open connection is no longer trusted");
        assert!(open_other.is_trusted().await.unwrap(), "the other client is");
        assert!(ask(address, client).await.is_err(), "a new handshake is refused");
        assert_eq!(tls.handshakes().refused_for(Reason::Revoked), 1);
        assert!(!tls.poll().unwrap(), "and nothing changed since");
    }
}

#[tokio::test]
async fn a_revoked_client_cannot_resume_its_session() {
    for version in BOTH {
        let scratch = pki().scratch();
        let tls = tls(scratch.path());
        let address = serve(tls.clone()).await;
        let client = pki().client(Some("cabinet"), version);
        assert!(ask(address, client.clone()).await.unwrap());
        let mut resumed = Connection::open(address, client.clone()).await.unwrap();
        assert!(resumed.is_resumed(), "before the change sessions are resumed");
        assert!(resumed.is_trusted().await.unwrap());

        scratch.write("crl.pem", pki().list_of(&["cabinet"]));
        tls.reload().unwrap();
        assert!(ask(address, client.clone()).await.is_err());

        scratch.write("crl.pem", pki().list_of(&[]));
        tls.reload().unwrap();
        let again = Connection::open(address, client).await.unwrap();
        assert!(!again.is_resumed(), "a session of another trust is never resumed");
    }
}

#[tokio::test]
async fn a_directly_trusted_certificate_needs_no_authority_and_can_be_withdrawn() {
    let scratch = pki().scratch();
    let direct = scratch.write("direct.pem", pki().file("autre-ca.pem"));
    let paths = Paths { direct: vec![direct], ..Paths::dev(scratch.path()) };
    let tls = tls_with(Settings { paths, ..Settings::dev(scratch.path()) }, Arc::new(SystemClock));
    let address = serve(tls.clone()).await;
    let mut open = Connection::open(address, pki().client(Some("autre-ca"), TLS13)).await.unwrap();
    assert!(open.is_trusted().await.unwrap());

    scratch.write("direct.pem", pki().file("labo.pem"));
    assert!(tls.poll().unwrap());
    assert!(!open.is_trusted().await.unwrap());
    assert!(ask(address, pki().client(Some("autre-ca"), TLS13)).await.is_err());
}

#[tokio::test]
async fn a_certificate_put_into_the_trusted_folder_is_accepted_without_restart() {
    let scratch = pki().scratch();
    let tls = tls(scratch.path());
    let address = serve(tls.clone()).await;
    assert!(ask(address, pki().client(Some("autre-ca"), TLS13)).await.is_err());

    std::fs::create_dir(scratch.path().join("trusted")).unwrap();
    scratch.write("trusted/partner.pem", pki().file("autre-ca.pem"));
    assert!(tls.poll().unwrap());
    assert!(ask(address, pki().client(Some("autre-ca"), TLS13)).await.unwrap());

    std::fs::remove_file(scratch.path().join("trusted/partner.pem")).unwrap();
    assert!(tls.poll().unwrap());
    assert!(ask(address, pki().client(Some("autre-ca"), TLS13)).await.is_err());
}

#[tokio::test]
async fn an_authority_that_is_withdrawn_takes_its_clients_along() {
    let scratch = pki().scratch();
    let tls = tls(scratch.path());
    let address = serve(tls.clone()).await;
    let mut open = Connection::open(address, pki().client(Some("cabinet"), TLS13)).await.unwrap();
    assert!(open.is_trusted().await.unwrap());
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    scratch.write("ca.pem", params.self_signed(&key).unwrap().pem());
    scratch.write("crl.pem", list(&Issuer::new(params, key), []));
    tls.reload().unwrap();
    assert!(!open.is_trusted().await.unwrap());
}

#[tokio::test]
async fn a_broken_file_leaves_in_force_what_was() {
    let scratch = pki().scratch();
    let tls = tls(scratch.path());
    let address = serve(tls.clone()).await;
    scratch.write("crl.pem", "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n");
    assert!(matches!(tls.poll(), Err(TlsError::Revocation { .. })));
    assert_eq!(tls.generation(), 1);
    assert!(ask(address, pki().client(Some("cabinet"), TLS13)).await.unwrap());
    assert!(ask(address, pki().client(Some("revoked"), TLS13)).await.is_err());
    scratch.write("crl.pem", pki().file("crl.pem"));
    assert!(tls.poll().unwrap(), "it is read as soon as it is whole");
}

#[tokio::test]
async fn the_server_shows_a_renewed_certificate_without_restart() {
    let scratch = pki().scratch();
    let tls = tls(scratch.path());
    let address = serve(tls.clone()).await;
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let renewed = params.signed_by(&key, &pki().root()).unwrap();
    scratch.write("server.pem", renewed.pem());
    scratch.write("server.key", key.serialize_pem());
    tls.reload().unwrap();
    let open = Connection::open(address, pki().client(Some("cabinet"), TLS13)).await.unwrap();
    assert_eq!(open.0.get_ref().1.peer_certificates().unwrap()[0], *renewed.der());
}

#[tokio::test]
async fn an_overdue_list_is_still_used_and_raises_an_alarm() {
    let scratch = pki().scratch();
    let clock = Arc::new(FixedClock::at(SystemClock.now()));
    let tls = tls_with(Settings::dev(scratch.path()), clock.clone());
    assert_eq!(tls.alarms(), []);
    clock.advance(SignedDuration::from_hours(24 * 31));
    let address = serve(tls.clone()).await;
    assert!(matches!(tls.alarms()[..], [Alarm::ListOverdue { .. }]));
    assert!(ask(address, pki().client(Some("revoked"), TLS13)).await.is_err());
    assert!(ask(address, pki().client(Some("cabinet"), TLS13)).await.unwrap());
}

#[tokio::test]
async fn a_certificate_that_ends_during_a_connection_is_refused_at_the_next_request() {
    let scratch = pki().scratch();
    let clock = Arc::new(FixedClock::at(SystemClock.now()));
    let tls = tls_with(Settings::dev(scratch.path()), clock.clone());
    let address = serve(tls).await;
    let mut open = Connection::open(address, pki().client(Some("cabinet"), TLS13)).await.unwrap();
    assert!(open.is_trusted().await.unwrap());
    clock.advance(SignedDuration::from_hours(24 * 365 * 3));
    assert!(!open.is_trusted().await.unwrap());
}

#[test]
fn a_production_server_refuses_the_development_pki() {
    let scratch = pki().scratch();
    let settings = Settings { refuse_dev: true, ..Settings::dev(scratch.path()) };
    let refused = Tls::load(settings, Arc::new(SystemClock));
    assert!(matches!(refused, Err(TlsError::DevCertificate { .. })));
    for name in ["ca", "server", "cabinet", "autre-ca", "personne"] {
        assert!(Certificate::is_dev(&pki().der(name)), "{name}");
    }
}

#[test]
fn a_key_of_another_certificate_is_refused_at_load() {
    let scratch = pki().scratch();
    scratch.write("server.key", pki().file("cabinet.key"));
    assert!(matches!(
        Tls::load(Settings::dev(scratch.path()), Arc::new(SystemClock)),
        Err(TlsError::KeyDiffers { .. })
    ));
}

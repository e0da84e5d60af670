//! Who has no certificate, or one that is worth nothing (contract §6; limits decision 2).

use super::Watch;
use super::wire::Wire;
use crate::support::client::Actor;
use crate::support::pki::pki;
use crate::support::server::TestServer;
use crate::tls::TLS13;

#[tokio::test]
async fn ds_70_a_stranger_does_not_get_past_the_handshake() {
    let server = TestServer::start().await;
    let mut watch = Watch::over(&server).await;
    for name in [None, Some("autre-ca"), Some("expired"), Some("revoked")] {
        let stranger = Actor::of(&server.origin, pki(), name);
        let asked = stranger.try_send(reqwest::Method::GET, "/fhir/metadata", &[], Vec::new()).await;
        assert!(asked.is_err(), "{name:?}");
    }
    watch.untouched("strangers").await;
}

#[tokio::test]
async fn a_personal_certificate_is_403_everywhere() {
    let server = TestServer::start().await;
    let person = server.certificate("personne");
    for path in ["/fhir/metadata", "/oauth2/jwks", "/.well-known/smart-configuration", "/fhir/Patient", "/nothing"] {
        assert_eq!(person.get(path).await.outcome(), "403 logiciel-inconnu", "{path}");
    }
    let asked = person.form("/oauth2/token", &[("grant_type", "client_credentials"), ("scope", "ITI-65")]).await;
    assert_eq!(asked.outcome(), "403 logiciel-inconnu");
}

#[tokio::test]
async fn a_certificate_revoked_while_its_connection_is_open_is_refused_at_the_next_request() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let mut watch = Watch::over(&server).await;
    let client = pki().client(Some("cabinet"), TLS13);
    let mut open = Wire::with(&server, client.clone()).await.unwrap();
    let search = "/fhir/DocumentReference?patient=Patient/28xjc43wv8efw&status=current";
    for path in [search, "/fhir/metadata"] {
        assert_eq!(open.get(path, martin.token()).await.unwrap().status, 200);
    }
    drop(watch.traced().await);
    let kept = super::kept(&server).await;

    let before = server.app.tls.generation();
    server.certs.write("crl.pem", pki().list_of(&["revoked", "cabinet"]));
    while server.app.tls.generation() == before {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    for path in [search, "/fhir/metadata", "/oauth2/jwks", "/fhir/Nothing"] {
        let reply = open.get(path, martin.token()).await.unwrap();
        assert_eq!(reply.status, 401, "{path}: {}", reply.body);
        assert!(reply.head.contains("www-authenticate: bearer"), "{path}: {}", reply.head);
    }
    let again = match Wire::with(&server, client).await {
        Ok(mut resumed) => resumed.get(search, martin.token()).await.map(|reply| reply.status),
        Err(error) => Err(error),
    };
    assert!(again.is_err(), "the old session is not resumed: {again:?}");
    assert!(server.certificate("labo").get("/fhir/metadata").await.status.is_success(), "others are served");
    assert_eq!(watch.traced().await, [""; 0]);
    assert_eq!(super::kept(&server).await, kept);
}

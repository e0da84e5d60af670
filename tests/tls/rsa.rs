//! The RSA-2048 twins of the development PKI, used for what the P-256 ones are: a handshake, and the
//! assertions that a certificate's key signs (contract §4, §6).

use espace::cli::pki::{Options, create_dev_pki};
use espace::clock::SystemClock;
use espace::ids::SystemIds;
use espace::token::grant::JWT_BEARER;

use crate::support::client::Actor;
use crate::support::db::{Db, block_on};
use crate::support::pki::Pki;
use crate::support::server::TestServer;

#[test]
fn an_rsa_twin_is_the_same_software_and_signs_its_assertions_in_rs256() {
    block_on(async {
        let server = TestServer::start_with(Db::sqlite().await, |_config| ()).await;
        let certs = server.certs.path();
        let made =
            create_dev_pki(certs, Options { rsa: true, p12: false }, &SystemClock, &SystemIds::default()).unwrap();
        assert!(made.created.iter().all(|name| name.ends_with("-rsa")) && made.created.len() == 12, "{made:?}");
        let files = Pki::read(certs);
        let (plain, twin) = (files.certificate("hopital"), files.certificate("hopital-rsa"));
        assert_eq!(plain.subject, twin.subject);
        assert_ne!(plain.fingerprint, twin.fingerprint);

        let hopital = Actor::of(&server.origin, &files, Some("hopital-rsa"));
        assert_eq!(hopital.get("/fhir/metadata").await.status, 200, "a handshake by an RSA key");
        let key = files.client_key("hopital-rsa");
        let at = server.app.clocks.real.now();
        let endpoint = format!("{}/oauth2/token", server.origin);
        let petit = server.author("dr-petit").exercise.professional.id.clone();
        let once = (at, server.app.ids.uuid(at));
        let assertion = key.assertion(petit.as_str(), &endpoint, None, once).unwrap().expose().to_owned();
        let header = assertion.split('.').next().unwrap();
        let header = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(header).unwrap();
        assert!(String::from_utf8(header).unwrap().contains("\"alg\":\"RS256\""));
        let form = [("grant_type", JWT_BEARER), ("assertion", assertion.as_str()), ("scope", "ITI-65 user/Patient.s")];
        let granted = hopital.form("/oauth2/token", &form).await;
        assert_eq!(granted.status, 200, "{}", granted.text());
        let token = granted.json()["access_token"].as_str().unwrap().to_owned();
        let ins = &server.persona("dominique").ins;
        let search = format!("/fhir/Patient?identifier={}%7C{}", ins.system(), ins.value());
        assert_eq!(hopital.with_token(&token).get(&search).await.status, 200);
        let plain = Actor::of(&server.origin, &files, Some("hopital"));
        assert_eq!(plain.with_token(&token).get(&search).await.outcome(), "401 login", "bound to the twin alone");
        let stolen = plain.form("/oauth2/token", &form).await;
        assert_eq!(stolen.json()["error"], "invalid_grant", "another certificate's assertion");

        // Twins of the certificates that are refused are refused too: the revoked one as soon as the new list is read.
        let revoked = Actor::of(&server.origin, &files, Some("revoked-rsa"));
        for _ in 0..200 {
            if revoked.try_send(reqwest::Method::GET, "/fhir/metadata", &[], Vec::new()).await.is_err() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        for name in ["revoked-rsa", "autre-ca-rsa", "expired-rsa"] {
            let refused = Actor::of(&server.origin, &files, Some(name));
            assert!(refused.try_send(reqwest::Method::GET, "/fhir/metadata", &[], Vec::new()).await.is_err(), "{name}");
        }
    });
}

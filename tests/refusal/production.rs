//! A production server: it refuses every mark of the development PKI, and knows no persona
//! (contract §2, §3).

use std::sync::Arc;

use espace::cli::{StartOptions, start};
use espace::clock::Clocks;
use espace::config::Config;
use espace::ids::{IdSource, SystemIds};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

use crate::support::client::Actor;
use crate::support::db::Db;
use crate::support::pki::{Pki, Scratch, list, pki};
use crate::support::server::TestServer;

/// A PKI of nobody's: a root, a server, one hospital.
fn own_pki() -> Scratch {
    let scratch = Scratch::empty();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, "A root of our own");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    scratch.write("ca.pem", params.self_signed(&key).unwrap().pem());
    let root = Issuer::new(params, key);
    scratch.write("crl.pem", list(&root, []));
    for name in ["server", "hopital"] {
        let names = if name == "server" { vec!["localhost".to_owned()] } else { Vec::new() };
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::OrganizationalUnitName, "1750803447");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().unwrap();
        scratch.write(&format!("{name}.pem"), params.signed_by(&key, &root).unwrap().pem());
        scratch.write(&format!("{name}.key"), key.serialize_pem());
    }
    scratch
}

/// A configuration over these certificates and, where they are named, these keys.
fn config(db: &Db, certs: &Scratch, state: &Scratch) -> Config {
    let mut config = Config { store: db.config.clone(), ..Config::default() };
    (config.server.port, config.operations.port) = (0, 0);
    config.server.workers = Some(1);
    config.server.certificates = certs.path().to_owned();
    config.documents.folder = state.path().join("documents");
    config.documents.keys = state.path().join("keys/master.keys");
    config.token.keys = state.path().join("keys");
    config
}

/// The keys a production server brings.
fn bring_keys(state: &Scratch) {
    use espace::token::keys::{KeyStore, SigningAlgorithm};
    let keys = state.path().join("keys");
    KeyStore::create(&keys, SigningAlgorithm::Es256).unwrap();
    espace::workers::SealKey::load_or_create(&keys.join("seal.der")).unwrap();
    espace::store::blob::MasterKeys::load_or_create(&keys.join("master.keys"), &SystemIds::default()).unwrap();
}

async fn options(db: &Db, config: Config) -> StartOptions {
    let ids: Arc<dyn IdSource> = Arc::new(SystemIds::default());
    let store = espace::store::Store::open(db.config.clone(), Arc::clone(&ids)).await.unwrap();
    StartOptions { config, clocks: Clocks::system(), ids, store, is_dev: false }
}

/// Why a production server does not start; nothing where it does.
fn refusal(certs: &Scratch, state: &Scratch) -> Option<String> {
    espace::http::block_on(async {
        let db = Db::of_this_run().await;
        let started = start(options(&db, config(&db, certs, state)).await);
        started.err().map(|failure| failure.to_string())
    })
}

#[test]
fn a_production_server_does_not_start_on_development_certificates_or_keys() {
    let own = own_pki();
    let state = Scratch::empty();
    bring_keys(&state);
    assert_eq!(refusal(&own, &state), None, "with certificates and keys of its own it starts");

    let dev = pki().scratch();
    assert!(refusal(&dev, &state).unwrap().contains("development"), "{:?}", refusal(&dev, &state));
    let mixed = own_pki();
    mixed.write("server.pem", pki().file("server.pem"));
    mixed.write("server.key", pki().file("server.key"));
    assert!(refusal(&mixed, &state).unwrap().contains("development"), "a development server certificate");
    let rooted = own_pki();
    let both = [own.path().join("ca.pem")].map(|path| std::fs::read(path).unwrap());
    rooted.write("ca.pem", [both[0].as_slice(), pki().file("ca.pem")].concat());
    assert!(refusal(&rooted, &state).unwrap().contains("development"), "a development root among others");

    let empty = Scratch::empty();
    assert!(refusal(&own, &empty).is_some(), "it makes no key of its own");
    let of_dev = espace::http::block_on(async { TestServer::start().await });
    let borrowed = Scratch::empty();
    copy(&of_dev.state.path().join("keys"), &borrowed.path().join("keys"));
    let refused = refusal(&own, &borrowed).unwrap();
    assert!(refused.contains("signing keys"), "the signing key of a development server: {refused}");
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        if entry.path().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[test]
fn a_production_server_has_no_development_endpoint_and_believes_no_development_token() {
    let dev = espace::http::block_on(async {
        let server = TestServer::start().await;
        let cabinet = server.certificate("cabinet");
        let answer = cabinet.form("/dev/psc/token", &[("persona", "dr-martin")]).await.json();
        let token = server.structure("hopital").await.token().to_owned();
        (answer["access_token"].as_str().unwrap().to_owned(), token)
    });
    let (certs, state) = (own_pki(), Scratch::empty());
    bring_keys(&state);
    espace::http::block_on(async {
        let db = Db::of_this_run().await;
        let server = start(options(&db, config(&db, &certs, &state)).await).unwrap();
        let origin = server.app.origin.to_string();
        let files = Pki::read(certs.path());
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let hopital = Actor::of(&origin, &files, Some("hopital"));
        let cnf = files.client_key("hopital").cnf();
        let ask = async {
            assert_eq!(hopital.get("/fhir/metadata").await.status, 200);
            let minted = hopital.form("/dev/psc/token", &[("persona", "dr-martin")]).await;
            assert_eq!(minted.outcome(), "404 not-found");
            let form = [
                ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
                ("subject_token", dev.0.as_str()),
                ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
                ("cnf", cnf.as_str()),
                ("scope", "ITI-65"),
            ];
            let refused = hopital.form("/oauth2/token", &form).await;
            assert_eq!((refused.status.as_u16(), &refused.json()["error"]), (400, &"invalid_grant".into()));
            let refused = hopital.with_token(&dev.1).get("/fhir/Patient?identifier=x%7C1").await;
            assert_eq!(refused.outcome(), "401 login");
            let form = [("grant_type", "client_credentials"), ("scope", "ITI-65")];
            let refused = hopital.form("/oauth2/token", &form).await;
            assert_eq!((refused.status.as_u16(), &refused.json()["error"]), (401, &"invalid_client".into()));
            drop(stop);
        };
        let serve = server.serve_until(async move { drop(stopped.await) });
        tokio::join!(serve, ask);
    });
}

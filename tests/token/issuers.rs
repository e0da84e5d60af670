//! External issuers of subject tokens, as `token.issuers` names them: Pro Santé Connect and IUA.

use espace::config::Config;
use espace::token::keys::{KeyStore, SigningAlgorithm};
use espace::token::refusal::OAuthCode;
use espace::token::subject::{DEV_ISSUER, SubjectIssuers};
use espace::token::trust::{IssuerWatch, TrustError, TrustedIssuer};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::{Found, World, cabinet, exchange, exercise, martin};
use crate::support::pki::{Scratch, pki};

const PSC: &str = "https://auth.esw.esante.gouv.fr/auth/realms/esante-wallet";
const IHE: &str = "https://iua.invalid";
const MARTIN: &str = "801234567897";

/// Somebody who signs subject tokens.
struct Signer {
    kid: String,
    jwks: Value,
    algorithm: Algorithm,
    key: EncodingKey,
}

impl Signer {
    fn new(algorithm: SigningAlgorithm) -> Self {
        let scratch = Scratch::empty();
        let keys = KeyStore::create(scratch.path(), algorithm).unwrap();
        let read = |name| std::fs::read(scratch.path().join(name)).unwrap();
        let (algorithm, key) = match algorithm {
            SigningAlgorithm::Es256 => (Algorithm::ES256, EncodingKey::from_ec_pem(&read("signing-es256.pem"))),
            SigningAlgorithm::Rs256 => (Algorithm::RS256, EncodingKey::from_rsa_pem(&read("signing-rs256.pem"))),
        };
        Self { kid: keys.kid().to_owned(), jwks: keys.public().jwks(), algorithm, key: key.unwrap() }
    }

    fn sign(&self, claims: &Value) -> String {
        self.sign_as(Some(&self.kid), claims)
    }

    fn sign_as(&self, kid: Option<&str>, claims: &Value) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid = kid.map(str::to_owned);
        jsonwebtoken::encode(&header, claims, &self.key).unwrap()
    }
}

/// The entry of a configuration file.
fn entry(issuer: &str, kind: &str, more: &str) -> TrustedIssuer {
    let text = format!("[[token.issuers]]\nissuer = '{issuer}'\nkind = '{kind}'\n{more}");
    toml::from_str::<Config>(&text).unwrap().token.issuers.remove(0)
}

fn inline(signer: &Signer) -> String {
    format!("jwks_inline = '{}'\n", signer.jwks)
}

fn believe(world: &World, entries: Vec<TrustedIssuer>) {
    world.issuer.believe(IssuerWatch::over(entries, SubjectIssuers::default()).read().unwrap());
}

/// What Pro Santé Connect says of dr-martin, now by the real clock.
fn psc(world: &World) -> Value {
    use espace::clock::Clock as _;
    let now = world.real.now().as_second();
    json!({
        "iss": PSC, "sub": "f:1:801234567897", "azp": "espace-lps", "typ": "Bearer", "aud": "account",
        "iat": now, "exp": now + 120, "preferred_username": MARTIN, "SubjectNameID": MARTIN,
    })
}

fn with(claims: &Value, name: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    claims[name] = value;
    claims
}

/// What the token endpoint makes of a subject token.
fn exchanged(world: &World, token: &str) -> Result<String, OAuthCode> {
    let cnf = pki().client_key("cabinet").cnf();
    let found = Found { exercises: vec![exercise(martin(), cabinet())], ..Found::of("cabinet") };
    let issued = world.ask(&exchange(token, &cnf, "ITI-67"), &pki().certificate("cabinet"), &found);
    issued.map(|issued| issued.claims.sub).map_err(|refusal| refusal.code)
}

const REFUSED: Result<String, OAuthCode> = Err(OAuthCode::InvalidGrant);

#[test]
fn a_configured_issuer_is_believed_about_who_is_named_and_nothing_else() {
    let world = World::new();
    for algorithm in [SigningAlgorithm::Rs256, SigningAlgorithm::Es256] {
        let signer = Signer::new(algorithm);
        believe(&world, vec![entry(PSC, "psc", &inline(&signer))]);
        assert_eq!(exchanged(&world, &signer.sign(&psc(&world))), Ok(MARTIN.to_owned()));
    }
    let signer = Signer::new(SigningAlgorithm::Es256);
    believe(&world, vec![entry(PSC, "psc", &inline(&signer)), entry(IHE, "ihe", &inline(&signer))]);
    let ihe = with(&psc(&world), "iss", json!(IHE));
    let named = |id: &str| json!({ "ihe_iua": { "national_provider_identifier": id } });
    assert_eq!(exchanged(&world, &signer.sign(&with(&ihe, "extensions", named(MARTIN)))), Ok(MARTIN.to_owned()));
    assert_eq!(exchanged(&world, &signer.sign(&with(&ihe, "sub", json!(MARTIN)))), Ok(MARTIN.to_owned()));
    assert_eq!(exchanged(&world, &signer.sign(&ihe)), REFUSED, "SubjectNameID is no claim of IUA");
    let stranger = with(&psc(&world), "SubjectNameID", json!("810000000009"));
    assert_eq!(exchanged(&world, &signer.sign(&stranger)), REFUSED, "no exercise here, whatever the token says");
}

#[test]
fn a_token_of_another_key_algorithm_audience_or_time_is_refused() {
    let world = World::new();
    let (signer, other) = (Signer::new(SigningAlgorithm::Rs256), Signer::new(SigningAlgorithm::Rs256));
    let claims = psc(&world);
    let now = claims["iat"].as_i64().unwrap();
    believe(&world, vec![entry(PSC, "psc", &inline(&signer))]);
    for (case, token) in [
        ("another's key under the known id", other.sign_as(Some(&signer.kid), &claims)),
        ("an unknown key", other.sign(&claims)),
        ("no key id", signer.sign_as(None, &claims)),
        ("an issuer that is not configured", signer.sign(&with(&claims, "iss", json!(IHE)))),
        ("the development issuer", signer.sign(&with(&claims, "iss", json!(DEV_ISSUER)))),
        ("expired", signer.sign(&with(&claims, "exp", json!(now - 31)))),
        ("of the future", signer.sign(&with(&claims, "iat", json!(now + 31)))),
    ] {
        assert_eq!(exchanged(&world, &token), REFUSED, "{case}");
    }
    let symmetric = super::hs256(&claims, &signer.kid, signer.jwks.to_string().as_bytes());
    assert_eq!(exchanged(&world, &symmetric), REFUSED, "HS256 under the public key");

    for (audience, expected) in
        [("espace-lps", Ok(MARTIN.to_owned())), ("account", Ok(MARTIN.to_owned())), ("x", REFUSED)]
    {
        let more = format!("{}audience = '{audience}'\n", inline(&signer));
        believe(&world, vec![entry(PSC, "psc", &more)]);
        assert_eq!(exchanged(&world, &signer.sign(&claims)), expected, "{audience}");
    }
    let pinned = format!("{}algorithms = ['ES256']\n", inline(&signer));
    let refused = IssuerWatch::over(vec![entry(PSC, "psc", &pinned)], SubjectIssuers::default()).read();
    assert!(matches!(refused, Err(TrustError::Keys { .. })), "an issuer held to ES256 whose keys are all RSA");
}

#[test]
fn an_issuer_of_development_or_without_keys_is_no_configuration() {
    let signer = Signer::new(SigningAlgorithm::Es256);
    let read = |entries| IssuerWatch::over(entries, SubjectIssuers::default()).read();
    for name in [DEV_ISSUER.to_owned(), format!("{DEV_ISSUER}/")] {
        assert!(matches!(read(vec![entry(&name, "psc", &inline(&signer))]), Err(TrustError::Dev(_))), "{name}");
    }
    let both = format!("{}jwks = 'x.json'\n", inline(&signer));
    assert!(matches!(read(vec![entry(PSC, "psc", "")]), Err(TrustError::Source { .. })));
    assert!(matches!(read(vec![entry(PSC, "psc", &both)]), Err(TrustError::Source { .. })));
    assert!(matches!(read(vec![entry(PSC, "psc", "jwks = '/absent/x.json'\n")]), Err(TrustError::File { .. })));
    assert!(matches!(read(vec![entry(PSC, "psc", "jwks_inline = '{}'\n")]), Err(TrustError::Keys { .. })));
    let twice = vec![entry(PSC, "psc", &inline(&signer)), entry(PSC, "ihe", &inline(&signer))];
    assert!(matches!(read(twice), Err(TrustError::Repeated { .. })));
    let unknown = "[[token.issuers]]\nissuer = 'x'\nkind = 'psc'\njwks_url = 'https://x.invalid'\n";
    assert!(toml::from_str::<Config>(unknown).is_err(), "keys are never fetched");
}

#[test]
fn a_file_of_keys_that_changes_is_read_again() {
    let world = World::new();
    let (old, new) = (Signer::new(SigningAlgorithm::Es256), Signer::new(SigningAlgorithm::Rs256));
    let path = world.scratch.write("psc.json", old.jwks.to_string());
    let watch = IssuerWatch::over(
        vec![entry(PSC, "psc", &format!("jwks = '{}'\n", path.display()))],
        SubjectIssuers::default(),
    );
    world.issuer.believe(watch.read().unwrap());
    assert!(watch.poll().unwrap().is_none());
    let (by_old, by_new) = (old.sign(&psc(&world)), new.sign(&psc(&world)));
    assert!(exchanged(&world, &by_old).is_ok());
    std::fs::write(&path, "half a JWKS").unwrap();
    assert!(watch.poll().is_err());
    assert!(exchanged(&world, &by_old).is_ok(), "what was in force stays so");
    std::fs::write(&path, new.jwks.to_string()).unwrap();
    world.issuer.believe(watch.poll().unwrap().unwrap());
    assert_eq!((exchanged(&world, &by_old), exchanged(&world, &by_new)), (REFUSED, Ok(MARTIN.to_owned())));
}

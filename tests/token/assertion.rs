//! jwt-bearer: a professional vouched for by his structure (RFC 7523; contract §6).

use espace::clock::Clock as _;
use espace::model::caller::{AuthMode, CallerClass};
use espace::token::assertion::UsedAssertions;
use espace::token::client::ClientKey;
use espace::token::issue::Who;
use espace::token::refusal::OAuthCode;
use jiff::SignedDuration;
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Value, json};

use super::{ENDPOINT, Found, World, bearer, cabinet, exercise, forged, hs256, martin};
use crate::support::pki::pki;

const MARTIN: &str = "801234567897";

fn claims(world: &World) -> Value {
    let now = world.real.now().as_second();
    json!({ "iss": "401234567897001", "sub": MARTIN, "aud": ENDPOINT, "iat": now, "exp": now + 300, "jti": "j" })
}

fn changed(world: &World, member: &str, value: Value) -> Value {
    let mut claims = claims(world);
    claims[member] = value;
    claims
}

#[test]
fn an_indirect_token_feeds_and_never_consults() {
    let world = World::new();
    let assertion = world.assertion("cabinet", MARTIN);
    let asked =
        "ITI-65 ITI-66 ITI-67 ITI-68 user/DocumentReference.s user/DocumentReference.u user/Binary.r system/Patient.s";
    let found = Found { exercises: vec![exercise(martin(), cabinet())], ..Found::of("cabinet") };
    let issued = world.ask(&bearer(&assertion, asked), &pki().certificate("cabinet"), &found).unwrap();
    assert_eq!(issued.claims.scope, "ITI-65 user/DocumentReference.s");
    let caller = world.verify(&issued, "cabinet").unwrap().caller(pki().certificate("cabinet").into());
    assert_eq!((caller.class, caller.auth_mode), (CallerClass::ProfessionalIndirect, Some(AuthMode::Indirect)));
    assert_eq!(caller.person.unwrap().id.as_str(), MARTIN);
    let only = world.assertion("cabinet", MARTIN);
    let code = world.refusal(&bearer(&only, "ITI-66 ITI-67 ITI-68"), &pki().certificate("cabinet"), &found);
    assert_eq!(code, OAuthCode::InvalidScope);
}

#[test]
fn an_assertion_says_only_what_its_certificate_may_say() {
    let world = World::new();
    let (own, other) = (pki().client_key("cabinet"), pki().client_key("labo"));
    let now = world.real.now().as_second();
    let none = json!({ "alg": "none", "x5c": [base64_simd::STANDARD.encode_to_string(&own.certificate().der)] });
    let refused: [(&str, String); 15] = [
        ("signed by another certificate", forged(&json!({}), &claims(&world), Some(&other))),
        ("unsigned", forged(&none, &claims(&world), None)),
        ("symmetric", hs256(&claims(&world), "k", b"secret")),
        ("own chain, foreign signature", transplanted(&own, &other, &claims(&world))),
        ("another issuer", forged(&json!({}), &changed(&world, "iss", json!("1750803447")), Some(&own))),
        ("another audience", forged(&json!({}), &changed(&world, "aud", json!("https://x.invalid")), Some(&own))),
        ("lives too long", forged(&json!({}), &changed(&world, "exp", json!(now + 301)), Some(&own))),
        ("ends before it begins", forged(&json!({}), &changed(&world, "exp", json!(now)), Some(&own))),
        ("of the future", forged(&json!({}), &shifted(&world, 31), Some(&own))),
        ("not yet", forged(&json!({}), &changed(&world, "nbf", json!(now + 31)), Some(&own))),
        ("expired", forged(&json!({}), &shifted(&world, -330), Some(&own))),
        ("without id", forged(&json!({}), &changed(&world, "jti", json!("")), Some(&own))),
        ("with an endless id", forged(&json!({}), &changed(&world, "jti", json!("x".repeat(257))), Some(&own))),
        ("names nobody", forged(&json!({}), &changed(&world, "sub", json!("martin")), Some(&own))),
        ("an INS without domain", forged(&json!({}), &changed(&world, "sub", json!("279035121518989")), Some(&own))),
    ];
    for (why, assertion) in refused {
        let refusal = world.identify(&bearer(&assertion, "ITI-65"), &pki().certificate("cabinet")).unwrap_err();
        assert_eq!((refusal.code, refusal.code.status()), (OAuthCode::InvalidGrant, 400), "{why}: {refusal}");
    }
    let accepted =
        [claims(&world), changed(&world, "aud", json!(["x", ENDPOINT])), shifted(&world, 30), shifted(&world, -329)];
    for claims in accepted {
        let assertion = forged(&json!({}), &claims, Some(&own));
        assert!(world.identify(&bearer(&assertion, "ITI-65"), &pki().certificate("cabinet")).is_ok(), "{claims}");
    }
}

/// The claims as if made `by` seconds later.
fn shifted(world: &World, by: i64) -> Value {
    let now = world.real.now().as_second() + by;
    let mut claims = changed(world, "iat", json!(now));
    claims["exp"] = json!(now + 300);
    claims
}

/// The header (with its chain) of one key over the signature of another.
fn transplanted(chain: &ClientKey, signer: &ClientKey, claims: &Value) -> String {
    let honest = chain.sign(claims).unwrap().expose().to_owned();
    let foreign = signer.sign(claims).unwrap().expose().to_owned();
    let (message, _) = honest.rsplit_once('.').unwrap();
    let (_, signature) = foreign.rsplit_once('.').unwrap();
    format!("{message}.{signature}")
}

#[test]
fn a_json_that_says_a_member_twice_or_demands_an_extension_is_refused() {
    let world = World::new();
    let encode = |text: &str| base64_simd::URL_SAFE_NO_PAD.encode_to_string(text);
    for header in [r#"{"alg":"ES256","alg":"none"}"#, r#"{"alg":"ES256","crit":["b64"],"b64":false}"#] {
        let token = format!("{}.{}.AA", encode(header), encode("{}"));
        let refusal = world.identify(&bearer(&token, "ITI-65"), &pki().certificate("cabinet")).unwrap_err();
        assert_eq!(refusal.code, OAuthCode::InvalidRequest);
    }
}

#[test]
fn an_assertion_is_used_once() {
    let world = World::new();
    let certificate = pki().certificate("cabinet");
    let assertion = world.assertion("cabinet", MARTIN);
    let form = bearer(&assertion, "ITI-65");
    let exercises = vec![exercise(martin(), cabinet())];
    let first = world.identify(&form, &certificate).unwrap().once.unwrap();
    assert_eq!(world.identify(&form, &certificate).unwrap().once.unwrap(), first, "a replay has the same key");
    assert!(first.until > world.real.now());
    let another = world.assertion("cabinet", MARTIN);
    assert_ne!(world.identify(&bearer(&another, "ITI-65"), &certificate).unwrap().once.unwrap().key, first.key);
    let used = UsedAssertions::default();
    assert!(used.first_use(&first, world.real.now()));
    assert!(!used.first_use(&first, world.real.now()));
    let replayed = Found { exercises, first_use: false, ..Found::of("cabinet") };
    assert_eq!(world.refusal(&form, &certificate, &replayed), OAuthCode::InvalidGrant);
}

#[test]
fn assertions_are_judged_by_the_real_clock() {
    let world = World::new();
    let assertion = world.assertion("cabinet", MARTIN);
    world.pass(3600);
    assert!(world.identify(&bearer(&assertion, "ITI-65"), &pki().certificate("cabinet")).is_ok());
    world.real.advance(SignedDuration::from_secs(3600));
    assert!(world.identify(&bearer(&assertion, "ITI-65"), &pki().certificate("cabinet")).is_err());
}

#[test]
fn an_rsa_certificate_asserts_by_rs256() {
    let world = World::new();
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::OrganizationalUnitName, "401234567897001");
    let pem = params.self_signed(&key).unwrap().pem();
    let client = ClientKey::from_pem(pem.as_bytes(), key.serialize_pem().as_bytes()).unwrap();
    let assertion = forged(&json!({}), &claims(&world), Some(&client));
    let identified = world.identify(&bearer(&assertion, "ITI-65"), client.certificate()).unwrap();
    assert!(matches!(identified.who, Who::Professional { mode: AuthMode::Indirect, .. }));
}

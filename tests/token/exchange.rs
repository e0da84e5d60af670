//! Token exchange: a professional who authenticated himself at Pro Santé Connect (RFC 8693).

use espace::clock::Clock as _;
use espace::ids::SystemIds;
use espace::model::caller::{AuthMode, CallerClass, Purpose};
use espace::model::directory::Professional;
use espace::token::keys::PublicKeys;
use espace::token::refusal::OAuthCode;
use espace::token::subject::{DEV_ISSUER, DevSubjectIssuer, SubjectIssuer, SubjectIssuers, SubjectKind};
use jiff::SignedDuration;
use serde_json::json;

use super::{DOMINIQUE, Found, World, cabinet, exchange, exercise, forged, hs256, martin};
use crate::support::pki::pki;

const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

#[test]
fn a_professional_is_described_by_the_directory() {
    let world = World::new();
    let issued = world.direct_token(&[("secret", "true")]).unwrap();
    assert_eq!(issued.claims.scope, "ITI-65 ITI-67 ITI-68");
    assert_eq!(issued.body()["issued_token_type"], "urn:ietf:params:oauth:token-type:access_token");
    let claims = json!(issued.claims);
    assert_eq!(
        claims["extensions"]["ihe_iua"],
        json!({
            "subject_name": "Jean MARTIN",
            "subject_organization": "Structure cabinet",
            "subject_organization_id": "401234567897001",
            "subject_role": [
                { "system": "urn:oid:1.2.250.1.71.1.2.7", "code": "10" },
                { "system": "urn:oid:1.2.250.1.71.4.2.5", "code": "SM26" },
            ],
            "purpose_of_use": [{ "system": "urn:oid:1.2.250.1.213.1.1.4.248", "code": "normal" }],
            "national_provider_identifier": "801234567897",
        })
    );
    assert_eq!(claims["extensions"]["fr"]["auth_mode"], "DIRECTE");
    assert_eq!(claims["extensions"]["fr"]["secret"], true);
    assert_eq!(claims["extensions"]["fr"]["secteur_activite"], "SA07");

    let verified = world.verify(&issued, "cabinet").unwrap();
    assert!(verified.is_secret());
    let caller = verified.caller(pki().certificate("cabinet").into());
    assert_eq!((caller.class, caller.auth_mode), (CallerClass::ProfessionalDirect, Some(AuthMode::Direct)));
    let person = caller.person.unwrap();
    assert_eq!((person.id.as_str(), person.profession.as_str()), ("801234567897", "10"));
    assert_eq!(person.roles, ["urn:oid:1.2.250.1.71.1.2.7|10", "urn:oid:1.2.250.1.71.4.2.5|SM26"]);
}

#[test]
fn cnf_is_required() {
    let world = World::new();
    let subject = world.subject_token(&martin());
    let form = exchange(&subject, "", "ITI-67");
    let refusal = world.identify(&form, &pki().certificate("cabinet")).unwrap_err();
    assert_eq!(refusal.code, OAuthCode::InvalidRequest);
}

#[test]
fn a_subject_token_of_the_development_issuer_lives_by_the_domain_clock() {
    let world = World::new();
    let subject = world.subject_token(&martin());
    let cnf = pki().client_key("cabinet").cnf();
    let form = exchange(&subject, &cnf, "ITI-67");
    world.pass(149);
    assert!(world.identify(&form, &pki().certificate("cabinet")).is_ok(), "120 s and 30 s of skew");
    world.pass(1);
    let refusal = world.identify(&form, &pki().certificate("cabinet")).unwrap_err();
    assert_eq!(refusal.code, OAuthCode::InvalidGrant);
    world.domain.advance(SignedDuration::from_secs(-200));
    assert!(world.identify(&form, &pki().certificate("cabinet")).is_err(), "nor does it come from the future");
}

#[test]
fn a_subject_token_of_another_issuer_or_key_is_refused() {
    let world = World::new();
    let stranger = DevSubjectIssuer::open(&world.scratch.path().join("stranger")).unwrap();
    let at = world.domain.now();
    let foreign_key = stranger.mint(&martin(), at, &SystemIds::default()).unwrap().expose().to_owned();
    let claims = json!({ "iss": DEV_ISSUER, "exp": 9_999_999_999_i64, "SubjectNameID": "801234567897" });
    let kid = world.psc.jwks()["keys"][0]["kid"].as_str().unwrap().to_owned();
    let unsigned = forged(&json!({ "alg": "none", "kid": kid }), &claims, None);
    let x = world.psc.jwks()["keys"][0]["x"].as_str().unwrap().to_owned();
    let symmetric = hs256(&claims, &kid, x.as_bytes());
    let elsewhere = forged(
        &json!({}),
        &json!({ "iss": "https://auth.invalid", "exp": 9_999_999_999_i64, "SubjectNameID": "801234567897" }),
        Some(&pki().client_key("cabinet")),
    );
    let cnf = pki().client_key("cabinet").cnf();
    for subject in [foreign_key, unsigned, symmetric, elsewhere] {
        let form = exchange(&subject, &cnf, "ITI-67");
        let refusal = world.identify(&form, &pki().certificate("cabinet")).unwrap_err();
        assert_eq!(refusal.code, OAuthCode::InvalidGrant, "{refusal}");
    }
    let refusal = world.identify(&exchange("nonsense", &cnf, "ITI-67"), &pki().certificate("cabinet")).unwrap_err();
    assert_eq!(refusal.code, OAuthCode::InvalidRequest);
}

#[test]
fn a_production_server_never_believes_the_development_issuer() {
    let world = World::new();
    for issuer in [DEV_ISSUER.to_owned(), format!("{DEV_ISSUER}/")] {
        let keys = PublicKeys::from_jwks(&world.psc.jwks());
        assert!(
            SubjectIssuers::production(vec![SubjectIssuer { issuer, kind: SubjectKind::Psc, audience: None, keys }])
                .is_err()
        );
    }
}

#[test]
fn a_professional_needs_a_current_exercise_in_the_structure() {
    let world = World::new();
    let subject = world.subject_token(&martin());
    let cnf = pki().client_key("cabinet").cnf();
    let form = exchange(&subject, &cnf, "ITI-67");
    let elsewhere = exercise(martin(), Found::of("hopital").structure.unwrap());
    let somebody = exercise(Professional { id: "801234534765".parse().unwrap(), ..martin() }, cabinet());
    for exercises in [vec![], vec![elsewhere], vec![somebody]] {
        let found = Found { exercises, ..Found::of("cabinet") };
        assert_eq!(world.refusal(&form, &pki().certificate("cabinet"), &found), OAuthCode::InvalidGrant);
    }
}

#[test]
fn several_exercises_are_told_apart_by_an_actor_token_of_the_same_key() {
    let world = World::new();
    let (certificate, key) = (pki().certificate("cabinet"), pki().client_key("cabinet"));
    let (subject, cnf) = (world.subject_token(&martin()), key.cnf());
    let mut second = exercise(martin(), cabinet());
    second.situation = "second".to_owned();
    let found = Found { exercises: vec![exercise(martin(), cabinet()), second], ..Found::of("cabinet") };
    let form = exchange(&subject, &cnf, "ITI-67");
    assert_eq!(world.refusal(&form, &certificate, &found), OAuthCode::InvalidRequest);

    let real = world.real.now();
    let actor = key.actor_token(("LPS", "1"), "second", real).unwrap().expose().to_owned();
    let stranger = pki().client_key("labo").actor_token(("LPS", "1"), "second", real).unwrap().expose().to_owned();
    let with =
        |actor| [exchange(&subject, &cnf, "ITI-67"), vec![("actor_token", actor), ("actor_token_type", JWT)]].concat();
    let issued = world.ask(&with(&actor), &certificate, &found).unwrap();
    assert_eq!(issued.claims.extensions.fr.situation_exercice.as_deref(), Some("second"));
    assert_eq!(world.refusal(&with(&stranger), &certificate, &found), OAuthCode::InvalidGrant);
    world.real.advance(SignedDuration::from_secs(150));
    assert_eq!(world.refusal(&with(&actor), &certificate, &found), OAuthCode::InvalidGrant, "expired by real time");
}

#[test]
fn an_emergency_and_a_regulation_carry_their_reason() {
    let world = World::new();
    let emergency = [("purpose_of_use", "bris_de_glace"), ("mode_acces_raison", "détresse vitale")];
    let verified = world.verify(&world.direct_token(&emergency).unwrap(), "cabinet").unwrap();
    assert_eq!((verified.purpose, verified.reason()), (Purpose::BreakGlass, Some("détresse vitale")));

    let regulation = [("purpose_of_use", "centre_15"), ("mode_acces_raison", "appel")];
    assert_eq!(world.direct_token(&regulation).unwrap_err().code, OAuthCode::InvalidGrant, "not a regulator");
    let regulator = Professional { may_regulate: true, ..martin() };
    let subject = world.subject_token(&regulator);
    let cnf = pki().client_key("cabinet").cnf();
    let form = [exchange(&subject, &cnf, "ITI-67"), regulation.to_vec()].concat();
    let found = Found { exercises: vec![exercise(regulator, cabinet())], ..Found::of("cabinet") };
    let issued = world.ask(&form, &pki().certificate("cabinet"), &found).unwrap();
    assert!(issued.claims.extensions.fr.acces_regulation_medicale);

    let own = [("grant_type", "client_credentials"), ("scope", "ITI-65")];
    let form = [&own[..], &emergency[..]].concat();
    let code = world.refusal(&form, &pki().certificate("cabinet"), &Found::of("cabinet"));
    assert_eq!(code, OAuthCode::InvalidRequest, "a structure has no emergency");
}

#[test]
fn the_web_channel_speaks_for_any_exercise_about_one_record() {
    let world = World::new();
    let (subject, cnf) = (world.subject_token(&martin()), pki().client_key("webps").cnf());
    let certificate = pki().certificate("webps");
    let found = Found { exercises: vec![exercise(martin(), cabinet())], ..Found::of("webps") };
    let form = exchange(&subject, &cnf, "ITI-67");
    assert_eq!(world.refusal(&form, &certificate, &found), OAuthCode::InvalidRequest);
    let form = [form, vec![("person_id", DOMINIQUE)]].concat();
    let issued = world.ask(&form, &certificate, &found).unwrap();
    assert_eq!(issued.claims.extensions.ihe_iua.subject_organization_id, "401234567897001");
    let caller = world.verify(&issued, "webps").unwrap().caller(certificate.into());
    assert_eq!(caller.structure.as_str(), "401234567897001");
}

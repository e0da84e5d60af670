//! client_credentials: a structure in its own name (contract §6).

use espace::model::caller::CallerClass;
use espace::token::issue::{CnfForm, IssuerConfig};
use espace::token::refusal::OAuthCode;
use serde_json::json;

use super::{ALL_SCOPES, BASE, DOMINIQUE, Found, World, instant};
use crate::support::pki::pki;

const FORM: [(&str, &str); 2] = [("grant_type", "client_credentials"), ("scope", "ITI-65 system/Patient.s")];

#[test]
fn a_structure_gets_a_token_bound_to_its_certificate() {
    let world = World::new();
    let issued = world.structure_token("hopital");
    let now = instant("2026-11-22T10:00:00Z").as_second();
    let claims = &issued.claims;
    assert_eq!((claims.sub.as_str(), claims.client_id.as_str()), ("1750803447", "client-hopital"));
    assert_eq!((claims.iss.as_str(), claims.aud.as_str()), (BASE, "https://localhost:8443/fhir"));
    assert_eq!((claims.iat, claims.nbf, claims.exp), (now, now, now + 60));
    assert_eq!(claims.cnf.x5t_s256, pki().client_key("hopital").cnf());
    let body = issued.body();
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"].to_string(), "60");
    assert_eq!(body["scope"], "ITI-65 system/Patient.s");
    assert_eq!(body.get("issued_token_type"), None);

    let caller = world.verify(&issued, "hopital").unwrap().caller(pki().certificate("hopital").into());
    assert_eq!(caller.class, CallerClass::Structure);
    assert_eq!(caller.structure.as_str(), "1750803447");
    assert_eq!(caller.structure_name, "Structure hopital");
    assert_eq!((caller.person, caller.patient, caller.record, caller.auth_mode), (None, None, None, None));
    assert_eq!(caller.software, "LPS de démonstration 1.0");
    assert_eq!(caller.token_id, issued.claims.jti);
}

#[test]
fn the_class_comes_from_the_profiles_of_the_software() {
    let world = World::new();
    for (name, class) in [
        ("labo", CallerClass::Structure),
        ("assurance-maladie", CallerClass::AssuranceMaladie),
        ("catalogue-app", CallerClass::Service),
    ] {
        assert_eq!(world.structure_token(name).class, class);
    }
}

#[test]
fn a_structure_never_consults_documents_whatever_it_is_enrolled_for() {
    let world = World::new();
    let asked =
        format!("{ALL_SCOPES} system/DocumentReference.s system/DocumentReference.u system/Binary.r system/List.s");
    let form = [("grant_type", "client_credentials"), ("scope", asked.as_str())];
    let issued = world.ask(&form, &pki().certificate("hopital"), &Found::of("hopital")).unwrap();
    assert_eq!(issued.claims.scope, "ITI-65 system/Patient.s system/DocumentReference.s");
}

#[test]
fn scopes_are_those_of_the_enrolment_and_of_the_gate() {
    let world = World::new();
    let certificate = pki().certificate("hopital");
    let mut found = Found::of("hopital");
    found.software().scopes = vec!["ITI-65".to_owned()];
    assert_eq!(world.ask(&FORM, &certificate, &found).unwrap().claims.scope, "ITI-65");
    found.gate = |class, profiles, _| class != CallerClass::Structure || profiles.is_empty();
    assert_eq!(world.refusal(&FORM, &certificate, &found), OAuthCode::InvalidScope);
}

#[test]
fn software_must_be_enrolled_for_this_certificate_and_in_force() {
    let world = World::new();
    let certificate = pki().certificate("hopital");
    let changes: [fn(&mut Found); 5] = [
        |found| found.software = None,
        |found| found.software().suspended_at = Some(instant("2026-01-01T00:00:00Z")),
        |found| found.software().subject_dn = Some(pki().certificate("labo").subject),
        |found| found.software().structure = "1120459876".parse().unwrap(),
        |found| found.structure = None,
    ];
    for change in changes {
        let mut found = Found::of("hopital");
        change(&mut found);
        let refusal = world.ask(&FORM, &certificate, &found).unwrap_err();
        assert_eq!((refusal.code, refusal.code.status()), (OAuthCode::InvalidClient, 401), "{refusal}");
        assert_eq!(refusal.body()["error"], "invalid_client");
    }
    let mut found = Found::of("hopital");
    found.software().subject_dn = None;
    found.software().fingerprint = Some(format!("{:?}", espace::ids::Digest256(certificate.fingerprint)));
    assert!(world.ask(&FORM, &certificate, &found).is_ok(), "a fingerprint enrols too");
}

#[test]
fn a_certificate_without_structure_or_of_another_client_id_is_no_client() {
    let world = World::new();
    let person = world.identify(&FORM, &pki().certificate("personne")).unwrap_err();
    assert_eq!(person.code, OAuthCode::InvalidClient);
    for (client_id, expected) in [("1750803447", None), ("1120459876", Some(OAuthCode::InvalidClient))] {
        let form = [FORM[0], FORM[1], ("client_id", client_id)];
        assert_eq!(world.identify(&form, &pki().certificate("hopital")).err().map(|refusal| refusal.code), expected);
    }
}

#[test]
fn a_client_may_ask_for_another_life_within_the_limit() {
    let world = World::new();
    for (asked, given) in [("10", 10), ("120", 120), ("3600", 300)] {
        let form = [FORM[0], FORM[1], ("expires_in", asked)];
        let issued = world.ask(&form, &pki().certificate("labo"), &Found::of("labo")).unwrap();
        assert_eq!(issued.claims.exp - issued.claims.iat, given);
    }
}

#[test]
fn resource_is_our_fhir_base_or_absent() {
    let world = World::new();
    let certificate = pki().certificate("labo");
    let asked = |resource| world.identify(&[FORM[0], FORM[1], ("resource", resource)], &certificate);
    assert!(asked("https://localhost:8443/fhir").is_ok());
    assert!(asked("https://localhost:8443/fhir/").is_ok());
    assert_eq!(asked("https://elsewhere.invalid/fhir").unwrap_err().code, OAuthCode::InvalidTarget);
}

#[test]
fn cnf_is_the_fingerprint_of_the_connection_in_the_forms_allowed() {
    let certificate = pki().certificate("labo");
    let rfc = pki().client_key("labo").cnf();
    let hexadecimal = format!("{:?}", espace::ids::Digest256(certificate.fingerprint));
    let compat = base64_simd::STANDARD.encode_to_string(hexadecimal.to_uppercase());
    let other = pki().client_key("cabinet").cnf();
    for (form, accepted) in [(CnfForm::Compat, [true, true, false]), (CnfForm::Rfc, [true, false, false])] {
        let world = World::with(IssuerConfig { cnf: form, ..IssuerConfig::at(BASE) });
        let asked =
            [&rfc, &compat, &other].map(|cnf| world.identify(&[FORM[0], FORM[1], ("cnf", cnf)], &certificate).is_ok());
        assert_eq!(asked, accepted, "{form:?}");
    }
}

#[test]
fn a_token_may_serve_one_record_only() {
    let world = World::new();
    let form = [FORM[0], FORM[1], ("person_id", DOMINIQUE)];
    let issued = world.ask(&form, &pki().certificate("labo"), &Found::of("labo")).unwrap();
    let verified = world.verify(&issued, "labo").unwrap();
    let caller = verified.caller(pki().certificate("labo").into());
    assert_eq!(caller.record.unwrap().to_cx(), DOMINIQUE);
}

#[test]
fn nothing_personal_and_no_token_is_shown_by_debug() {
    let world = World::new();
    let form = [FORM[0], FORM[1], ("person_id", DOMINIQUE)];
    let issued = world.ask(&form, &pki().certificate("labo"), &Found::of("labo")).unwrap();
    let token = issued.access_token.expose().to_owned();
    let emergency = [("purpose_of_use", "bris_de_glace"), ("mode_acces_raison", "détresse")];
    let direct = world.direct_token(&emergency).unwrap();
    let requests = [super::request(&form), super::request(&[&FORM[..], &emergency[..]].concat())];
    let verified = [world.verify(&issued, "labo"), world.verify(&direct, "cabinet")];
    let shown = format!("{issued:?} {direct:?} {requests:?} {verified:?}");
    for hidden in ["279035121518989", "MARTIN", "détresse", direct.access_token.expose()] {
        assert!(!shown.contains(hidden), "{hidden}");
    }
    assert!(!shown.contains(token.rsplit('.').next().unwrap()));
    assert_eq!(json!(issued.claims)["extensions"]["ihe_iua"]["person_id"], DOMINIQUE);
}

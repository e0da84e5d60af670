//! The patient side: the portal vouches for the person connected (contract §6).

use espace::model::caller::CallerClass;
use espace::token::refusal::OAuthCode;

use super::{DOMINIQUE, Found, World, bearer};
use crate::support::pki::pki;

const MINEUR: &str = "212057511500721^^^&1.2.250.1.213.1.4.10&ISO^NH";
const ASKED: &str = "ITI-67 patient/DocumentReference.rs patient/Binary.r user/Patient.r";

#[test]
fn the_portal_speaks_for_the_person_connected() {
    let world = World::new();
    let assertion = world.assertion("portail", DOMINIQUE);
    let issued = world.ask(&bearer(&assertion, ASKED), &pki().certificate("portail"), &Found::of("portail")).unwrap();
    assert_eq!(issued.claims.scope, "patient/DocumentReference.rs patient/Binary.r");
    assert_eq!(issued.claims.extensions.fr.auth_mode, None);
    let caller = world.verify(&issued, "portail").unwrap().caller(pki().certificate("portail").into());
    assert_eq!((caller.class, caller.person), (CallerClass::Patient, None));
    assert_eq!(caller.patient.unwrap().to_cx(), DOMINIQUE);
    assert_eq!(caller.record.unwrap().to_cx(), DOMINIQUE, "one's own record by default");
}

#[test]
fn no_other_software_speaks_for_patients() {
    let world = World::new();
    for name in ["cabinet", "webps", "catalogue-app", "assurance-maladie"] {
        let assertion = world.assertion(name, DOMINIQUE);
        let code = world.refusal(&bearer(&assertion, ASKED), &pki().certificate(name), &Found::of(name));
        assert_eq!(code, OAuthCode::UnauthorizedClient, "{name}");
    }
}

#[test]
fn another_record_needs_a_tie() {
    let world = World::new();
    let certificate = pki().certificate("portail");
    let assertion = world.assertion("portail", DOMINIQUE);
    let form = [bearer(&assertion, ASKED), vec![("person_id", MINEUR)]].concat();
    assert_eq!(world.refusal(&form, &certificate, &Found::of("portail")), OAuthCode::InvalidGrant);
    let issued = world.ask(&form, &certificate, &Found { represents: true, ..Found::of("portail") }).unwrap();
    let caller = world.verify(&issued, "portail").unwrap().caller(certificate.into());
    assert_eq!(caller.patient.unwrap().to_cx(), DOMINIQUE);
    assert_eq!(caller.record.unwrap().to_cx(), MINEUR);
}

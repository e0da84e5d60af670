//! The form of the token endpoint (RFC 6749 §3.2, §5.2).

use espace::model::caller::Purpose;
use espace::token::grant::{Grant, JWT_BEARER, TOKEN_EXCHANGE};
use espace::token::refusal::OAuthCode;

use super::{DOMINIQUE, request};

const OWN: (&str, &str) = ("grant_type", "client_credentials");
const SCOPE: (&str, &str) = ("scope", "ITI-65");

#[test]
fn a_form_that_is_wrong_is_refused_with_its_code() {
    use OAuthCode::{InvalidRequest, InvalidScope, UnsupportedGrantType};
    let jwt = "urn:ietf:params:oauth:token-type:jwt";
    let long = "x".repeat(256);
    let cases: [(&[(&str, &str)], OAuthCode); 20] = [
        (&[SCOPE], InvalidRequest),
        (&[OWN], InvalidRequest),
        (&[OWN, ("scope", "")], InvalidRequest),
        (&[OWN, SCOPE, SCOPE], InvalidRequest),
        (&[OWN, ("scope", "ITI-65 ITI-99")], InvalidScope),
        (&[OWN, ("scope", " ")], InvalidScope),
        (&[("grant_type", "password"), SCOPE], UnsupportedGrantType),
        (&[("grant_type", "authorization_code"), SCOPE], UnsupportedGrantType),
        (&[OWN, SCOPE, ("client_secret", "s")], InvalidRequest),
        (&[OWN, SCOPE, ("purpose_of_use", "curiosity")], InvalidRequest),
        (&[OWN, SCOPE, ("purpose_of_use", "bris_de_glace")], InvalidRequest),
        (&[OWN, SCOPE, ("purpose_of_use", "centre_15"), ("mode_acces_raison", " ")], InvalidRequest),
        (&[OWN, SCOPE, ("purpose_of_use", "centre_15"), ("mode_acces_raison", &long)], InvalidRequest),
        (&[OWN, SCOPE, ("person_id", "279035121518989")], InvalidRequest),
        (&[OWN, SCOPE, ("secret", "yes")], InvalidRequest),
        (&[OWN, SCOPE, ("expires_in", "0")], InvalidRequest),
        (&[OWN, SCOPE, ("requested_token_type", "urn:ietf:params:oauth:token-type:saml2")], InvalidRequest),
        (&[("grant_type", JWT_BEARER), SCOPE], InvalidRequest),
        (&[("grant_type", TOKEN_EXCHANGE), SCOPE, ("subject_token", "t")], InvalidRequest),
        (
            &[
                ("grant_type", TOKEN_EXCHANGE),
                SCOPE,
                ("subject_token", "t"),
                ("subject_token_type", jwt),
                ("actor_token", "t"),
            ],
            InvalidRequest,
        ),
    ];
    for (form, code) in cases {
        assert_eq!(request(form).unwrap_err().code, code, "{form:?}");
    }
}

#[test]
fn a_whole_form_is_read() {
    let read = request(&[
        OWN,
        ("scope", "ITI-65 ITI-65 system/Patient.s"),
        ("purpose_of_use", "urn:oid:1.2.250.1.213.1.1.4.248|bris_de_glace"),
        ("mode_acces_raison", "détresse vitale"),
        ("person_id", DOMINIQUE),
        ("secret", "true"),
        ("expires_in", "30"),
        ("resource", ""),
        ("unknown", "ignored"),
        ("unknown", "even twice"),
    ])
    .unwrap();
    assert_eq!(read.grant, Grant::ClientCredentials);
    assert_eq!(read.scopes.len(), 2, "a scope said twice counts once");
    assert_eq!((read.purpose, read.reason.as_deref()), (Purpose::BreakGlass, Some("détresse vitale")));
    assert_eq!(read.person_id.unwrap().to_cx(), DOMINIQUE);
    assert_eq!((read.secret, read.lifetime, read.resource), (true, Some(30), None));
}

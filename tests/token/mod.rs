//! The authorisation server and the resource side, without a network: every look-up is given.

mod assertion;
mod exchange;
mod form;
mod issuers;
mod keys;
mod patient;
mod structure;
mod verify;

use std::sync::Arc;

use arc_swap::ArcSwap;
use espace::access::identity::Certificate;
use espace::clock::{Clock, Clocks, FixedClock};
use espace::ids::{IdSource as _, NationalId, SeededIds};
use espace::model::caller::CallerClass;
use espace::model::directory::{ClientSoftware, Exercise, Professional, Structure};
use espace::token::client::ClientKey;
use espace::token::grant::{JWT_BEARER, TOKEN_EXCHANGE, TokenRequest};
use espace::token::issue::{Facts, Identified, IssueError, Issued, Issuer, IssuerConfig};
use espace::token::keys::{KeyStore, Owner, SigningAlgorithm};
use espace::token::refusal::{OAuthCode, Refusal};
use espace::token::scope::Scope;
use espace::token::subject::{DevSubjectIssuer, SubjectIssuers};
use espace::token::verify::{TokenError, VerifiedToken, Verifier};
use jiff::{SignedDuration, Timestamp};

use crate::support::pki::{Scratch, pki};

pub(crate) const BASE: &str = "https://localhost:8443";
pub(crate) const ENDPOINT: &str = "https://localhost:8443/oauth2/token";
pub(crate) const DOMINIQUE: &str = "279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH";
pub(crate) const ALL_SCOPES: &str =
    "ITI-65 ITI-66 ITI-67 ITI-68 system/*.cruds user/*.cruds patient/*.cruds system/Patient.s";

/// An authorisation server whose two clocks are years apart.
pub(crate) struct World {
    pub(crate) scratch: Scratch,
    pub(crate) domain: Arc<FixedClock>,
    pub(crate) real: Arc<FixedClock>,
    pub(crate) keys: Arc<ArcSwap<KeyStore>>,
    pub(crate) psc: DevSubjectIssuer,
    pub(crate) issuer: Issuer,
    pub(crate) verifier: Verifier,
    pub(crate) ids: SeededIds,
}

/// What the look-ups find; a test changes what it is about.
pub(crate) struct Found {
    pub(crate) software: Option<ClientSoftware>,
    pub(crate) structure: Option<Structure>,
    pub(crate) exercises: Vec<Exercise>,
    pub(crate) represents: bool,
    pub(crate) first_use: bool,
    pub(crate) gate: fn(CallerClass, &[String], &Scope) -> bool,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(IssuerConfig::at(BASE))
    }

    pub(crate) fn with(config: IssuerConfig) -> Self {
        let scratch = Scratch::empty();
        let domain = Arc::new(FixedClock::at("2026-11-22T10:00:00Z".parse().unwrap()));
        let real = Arc::new(FixedClock::at("2031-05-06T07:08:09Z".parse().unwrap()));
        let clocks = Clocks { domain: domain.clone(), real: real.clone() };
        let keys = KeyStore::open(&scratch.path().join("keys"), SigningAlgorithm::Es256, Owner::Dev).unwrap();
        let keys = Arc::new(ArcSwap::from_pointee(keys));
        let psc = DevSubjectIssuer::open(&scratch.path().join("psc")).unwrap();
        let verifier = Verifier::new(&config.issuer, &config.audience, keys.clone(), domain.clone());
        let issuer = Issuer::new(config, keys.clone(), SubjectIssuers::dev(&psc), clocks);
        Self { scratch, domain, real, keys, psc, issuer, verifier, ids: SeededIds::new(7) }
    }

    pub(crate) fn identify(&self, form: &[(&str, &str)], certificate: &Certificate) -> Result<Identified, Refusal> {
        self.issuer.identify(&request(form)?, certificate)
    }

    /// The whole of the token endpoint.
    pub(crate) fn ask(
        &self,
        form: &[(&str, &str)],
        certificate: &Certificate,
        found: &Found,
    ) -> Result<Issued, Refusal> {
        let request = request(form)?;
        let identified = self.issuer.identify(&request, certificate)?;
        let facts = Facts {
            software: found.software.as_ref(),
            structure: found.structure.as_ref(),
            exercises: &found.exercises,
            represents: found.represents,
            first_use: found.first_use,
        };
        match self.issuer.issue(&request, &identified, certificate, &facts, &found.gate, &self.ids) {
            Ok(issued) => Ok(issued),
            Err(IssueError::Refused(refusal)) => Err(refusal),
            Err(IssueError::Signing(error)) => panic!("{error}"),
        }
    }

    /// The code of a refusal.
    pub(crate) fn refusal(&self, form: &[(&str, &str)], certificate: &Certificate, found: &Found) -> OAuthCode {
        self.ask(form, certificate, found).unwrap_err().code
    }

    /// A structure's own token.
    pub(crate) fn structure_token(&self, name: &str) -> Issued {
        let form = [("grant_type", "client_credentials"), ("scope", "ITI-65 system/Patient.s")];
        self.ask(&form, &pki().certificate(name), &Found::of(name)).unwrap()
    }

    /// A token of dr-martin who authenticated himself.
    pub(crate) fn direct_token(&self, extra: &[(&str, &str)]) -> Result<Issued, Refusal> {
        let subject = self.subject_token(&martin());
        let cnf = pki().client_key("cabinet").cnf();
        let mut form = exchange(&subject, &cnf, "ITI-65 ITI-67 ITI-68");
        form.extend(extra);
        let found = Found { exercises: vec![exercise(martin(), cabinet())], ..Found::of("cabinet") };
        self.ask(&form, &pki().certificate("cabinet"), &found)
    }

    pub(crate) fn subject_token(&self, professional: &Professional) -> String {
        self.psc.mint(professional, self.domain.now(), &self.ids).unwrap().expose().to_owned()
    }

    /// An assertion of `name`'s certificate over `subject`.
    pub(crate) fn assertion(&self, name: &str, subject: &str) -> String {
        let now = self.real.now();
        let jti = self.ids.uuid(now);
        pki().client_key(name).assertion(subject, ENDPOINT, None, (now, jti)).unwrap().expose().to_owned()
    }

    pub(crate) fn verify(&self, token: &Issued, name: &str) -> Result<Arc<VerifiedToken>, TokenError> {
        self.verifier.verify(token.access_token.expose(), &pki().certificate(name))
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.domain.advance(SignedDuration::from_secs(seconds));
    }
}

impl Found {
    /// What is found for a client of the PKI.
    pub(crate) fn of(name: &str) -> Self {
        let certificate = pki().certificate(name);
        let id = certificate.structure.clone().unwrap();
        let software = ClientSoftware {
            id: format!("client-{name}"),
            structure: id.clone(),
            subject_dn: Some(certificate.subject),
            fingerprint: None,
            name: "LPS de démonstration".to_owned(),
            version: "1.0".to_owned(),
            homologation: Some("H-1".to_owned()),
            profiles: match name {
                "webps" | "portail" | "assurance-maladie" => vec![name.to_owned()],
                "catalogue-app" => vec!["catalogue".to_owned()],
                _ => vec!["alimentation".to_owned(), "consultation".to_owned()],
            },
            scopes: ALL_SCOPES.split(' ').map(str::to_owned).collect(),
            suspended_at: None,
        };
        let structure = Structure { id, name: format!("Structure {name}"), sector: "SA07".to_owned() };
        Self {
            software: Some(software),
            structure: Some(structure),
            exercises: Vec::new(),
            represents: false,
            first_use: true,
            gate: |_, _, _| true,
        }
    }

    pub(crate) fn software(&mut self) -> &mut ClientSoftware {
        self.software.as_mut().unwrap()
    }
}

pub(crate) fn request(form: &[(&str, &str)]) -> Result<TokenRequest, Refusal> {
    let form: Vec<_> = form.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    TokenRequest::from_form(&form)
}

pub(crate) fn exchange<'a>(subject: &'a str, cnf: &'a str, scope: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("grant_type", TOKEN_EXCHANGE),
        ("scope", scope),
        ("subject_token", subject),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("cnf", cnf),
    ]
}

pub(crate) fn bearer<'a>(assertion: &'a str, scope: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("grant_type", JWT_BEARER), ("scope", scope), ("assertion", assertion)]
}

pub(crate) fn martin() -> Professional {
    Professional {
        id: NationalId::from_rpps("01234567897").unwrap(),
        family: "MARTIN".to_owned(),
        given: "Jean".to_owned(),
        profession: "10".to_owned(),
        speciality: Some("SM26".to_owned()),
        may_regulate: false,
    }
}

pub(crate) fn cabinet() -> Structure {
    Found::of("cabinet").structure.unwrap()
}

pub(crate) fn exercise(professional: Professional, structure: Structure) -> Exercise {
    Exercise { professional, situation: format!("situation-{}", structure.id), structure }
}

/// Signs any claims with any header: what a forger would send.
pub(crate) fn forged(header: &serde_json::Value, claims: &serde_json::Value, key: Option<&ClientKey>) -> String {
    let encode = |value: &serde_json::Value| base64_simd::URL_SAFE_NO_PAD.encode_to_string(value.to_string());
    match key {
        Some(key) => key.sign(claims).unwrap().expose().to_owned(),
        None => format!("{}.{}.", encode(header), encode(claims)),
    }
}

/// The same, as HS256 under a secret the forger knows.
pub(crate) fn hs256(claims: &serde_json::Value, kid: &str, secret: &[u8]) -> String {
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
    header.kid = Some(kid.to_owned());
    header.typ = Some("at+jwt".to_owned());
    jsonwebtoken::encode(&header, claims, &jsonwebtoken::EncodingKey::from_secret(secret)).unwrap()
}

pub(crate) fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

//! The resource side (IUA ITI-72; RFC 9068 §4; RFC 8705 §3): is this token ours, alive, for us, and
//! bound to the certificate of this very connection?

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::assertion::SKEW;
use super::claims::{ACCESS_TOKEN, Claims, Confirmation, PROFESSION_SYSTEM};
use super::jws::{Jws, JwsError};
use super::keys::KeyStore;
use super::scope::{self, Scope};
use crate::access::identity::{Caller, Certificate, Person};
use crate::clock::Clock;
use crate::error::{Code, Error, Issue};
use crate::ids::{Ins, NationalId, StructureId};
use crate::model::caller::{AuthMode, CallerClass, Purpose};
use crate::rules::habilitation::Matrix;

/// How many verified signatures are remembered.
const REMEMBERED: usize = 8192;

/// Why a token is refused. The client learns 401 and nothing else; the log learns this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TokenError {
    /// Not a signed JSON Web Token of ours.
    #[error("malformed")]
    Malformed,
    /// Neither ES256 nor RS256, or not the key's.
    #[error("algorithm")]
    Algorithm,
    /// Its `kid` is not of our keys.
    #[error("unknown key")]
    UnknownKey,
    /// The signature does not verify.
    #[error("signature")]
    Signature,
    /// Past `exp`.
    #[error("expired")]
    Expired,
    /// Before `nbf`.
    #[error("not yet valid")]
    NotYet,
    /// Another issuer.
    #[error("issuer")]
    Issuer,
    /// Another audience.
    #[error("audience")]
    Audience,
    /// Bound to another certificate.
    #[error("certificate")]
    Certificate,
}

impl From<TokenError> for Error {
    fn from(error: TokenError) -> Self {
        Self::new(Issue::new(Code::Login)).because(error)
    }
}

impl From<JwsError> for TokenError {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::Malformed => Self::Malformed,
            JwsError::Algorithm => Self::Algorithm,
            JwsError::Signature => Self::Signature,
        }
    }
}

/// A token that verified, read once.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifiedToken {
    /// The class the rules read.
    pub class: CallerClass,
    /// Its purpose of use.
    pub purpose: Purpose,
    /// Its scopes.
    pub scopes: Vec<Scope>,
    structure: StructureId,
    auth_mode: Option<AuthMode>,
    person: Option<Person>,
    patient: Option<Ins>,
    record: Option<Ins>,
    /// Fingerprint of the certificate it is bound to.
    bound_to: [u8; 32],
    /// Everything it says.
    pub claims: Claims,
}

impl VerifiedToken {
    /// The caller it names, over the live certificate.
    pub fn caller(&self, certificate: Arc<Certificate>) -> Caller {
        let (iua, fr) = (&self.claims.extensions.ihe_iua, &self.claims.extensions.fr);
        Caller {
            certificate,
            class: self.class,
            structure: self.structure.clone(),
            structure_name: iua.subject_organization.clone(),
            person: self.person.clone(),
            patient: self.patient.clone(),
            record: self.record.clone(),
            auth_mode: self.auth_mode,
            scopes: self.scopes.iter().map(Scope::to_string).collect(),
            client_id: self.claims.client_id.clone(),
            software: format!("{} {}", fr.lps_nom, fr.lps_version),
            token_id: self.claims.jti.clone(),
        }
    }

    /// The reason given for an emergency or a regulation.
    pub fn reason(&self) -> Option<&str> {
        self.claims.extensions.fr.mode_acces_raison.as_deref()
    }

    /// Whether the connection is secret.
    pub const fn is_secret(&self) -> bool {
        self.claims.extensions.fr.secret
    }

    /// Reads what a token of ours says; `None` where it is not the shape we issue.
    pub(super) fn read(claims: Claims, matrix: &Matrix) -> Option<Self> {
        let (iua, fr) = (&claims.extensions.ihe_iua, &claims.extensions.fr);
        let class = CallerClass::from_name(&fr.caller_class)?;
        let purpose = Purpose::from_name(&iua.purpose_of_use.first()?.code)?;
        let scopes = scope::parse(&claims.scope).ok()?;
        let structure = iua.subject_organization_id.parse().ok()?;
        let auth_mode = match &fr.auth_mode {
            Some(name) => Some(AuthMode::from_name(name)?),
            None => None,
        };
        let person = match &iua.national_provider_identifier {
            Some(id) => Some(person(&claims, id.parse().ok()?, matrix)),
            None => None,
        };
        let record = match &iua.person_id {
            Some(cx) => Some(Ins::parse_cx(cx).ok()?),
            None => None,
        };
        let patient = match class {
            CallerClass::Patient => Some(Ins::parse_cx(&claims.sub).ok()?),
            _ => None,
        };
        let bound_to = fingerprint(&claims.cnf)?;
        Some(Self { class, purpose, scopes, structure, auth_mode, person, patient, record, bound_to, claims })
    }
}

fn fingerprint(confirmation: &Confirmation) -> Option<[u8; 32]> {
    let bytes = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(&confirmation.x5t_s256).ok()?;
    bytes.try_into().ok()
}

/// People and records stay unnamed, as in the claims.
impl fmt::Debug for VerifiedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedToken")
            .field("class", &self.class)
            .field("claims", &self.claims)
            .finish_non_exhaustive()
    }
}

fn person(claims: &Claims, id: NationalId, matrix: &Matrix) -> Person {
    let (iua, fr) = (&claims.extensions.ihe_iua, &claims.extensions.fr);
    let profession = iua.subject_role.iter().find(|role| role.system == PROFESSION_SYSTEM);
    let profession = profession.map(|role| role.code.clone()).unwrap_or_default();
    Person {
        id,
        habilitation: matrix.of(&profession),
        name: iua.subject_name.clone().unwrap_or_default(),
        profession,
        roles: iua.subject_role.iter().map(|role| format!("{}|{}", role.system, role.code)).collect(),
        may_regulate: fr.acces_regulation_medicale,
    }
}

/// Verifies access tokens.
#[derive(Debug)]
pub struct Verifier {
    issuer: String,
    audience: String,
    keys: Arc<ArcSwap<KeyStore>>,
    clock: Arc<dyn Clock>,
    matrix: Arc<Matrix>,
    /// Tokens whose signature verified, by SHA-256 of their text. Dates and binding are judged
    /// anew each time; only the signature (60 µs) and the reading are spared.
    verified: RwLock<HashMap<[u8; 32], Arc<VerifiedToken>>>,
}

impl Verifier {
    /// A verifier of the tokens `issuer` makes for `audience`, by the domain clock.
    pub fn new(issuer: &str, audience: &str, keys: Arc<ArcSwap<KeyStore>>, domain: Arc<dyn Clock>) -> Self {
        let (issuer, audience) = (issuer.to_owned(), audience.to_owned());
        let matrix = Arc::new(Matrix::built_in());
        Self { issuer, audience, keys, clock: domain, matrix, verified: RwLock::default() }
    }

    /// The same with another habilitation matrix than the committed one.
    #[must_use]
    pub fn with_matrix(self, matrix: Arc<Matrix>) -> Self {
        Self { matrix, ..self }
    }

    /// The token of a request, over the live certificate.
    pub fn verify(&self, token: &str, certificate: &Certificate) -> Result<Arc<VerifiedToken>, TokenError> {
        let found = self.verify_unbound(token)?;
        if found.bound_to == certificate.fingerprint { Ok(found) } else { Err(TokenError::Certificate) }
    }

    /// The same without the certificate: for introspection (ITI-102), whose caller is another.
    pub fn verify_unbound(&self, token: &str) -> Result<Arc<VerifiedToken>, TokenError> {
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let now = self.clock.now();
        let remembered = self.verified.read().unwrap_or_else(PoisonError::into_inner).get(&digest).cloned();
        if let Some(found) = remembered {
            check_dates(&found.claims, now)?;
            return Ok(found);
        }
        let found = Arc::new(self.read(token)?);
        check_dates(&found.claims, now)?;
        self.remember(digest, found.clone(), now);
        Ok(found)
    }

    /// Forgets every signature verified so far: after keys were taken away.
    pub fn forget(&self) {
        self.verified.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn read(&self, token: &str) -> Result<VerifiedToken, TokenError> {
        let jws = Jws::parse(token)?;
        // RFC 9068 §4: what we sign for another use is no access token.
        if jws.header.typ.as_deref() != Some(ACCESS_TOKEN) {
            return Err(TokenError::Malformed);
        }
        let keys = self.keys.load();
        let key = jws.header.kid.as_deref().and_then(|kid| keys.public().find(kid));
        let claims: Claims = jws.verify(key.ok_or(TokenError::UnknownKey)?)?;
        if claims.iss != self.issuer {
            return Err(TokenError::Issuer);
        }
        if claims.aud != self.audience {
            return Err(TokenError::Audience);
        }
        VerifiedToken::read(claims, &self.matrix).ok_or(TokenError::Malformed)
    }

    fn remember(&self, digest: [u8; 32], token: Arc<VerifiedToken>, now: Timestamp) {
        let mut verified = self.verified.write().unwrap_or_else(PoisonError::into_inner);
        if verified.len() >= REMEMBERED {
            verified.retain(|_, token| check_dates(&token.claims, now).is_ok());
        }
        if verified.len() >= REMEMBERED {
            verified.clear();
        }
        verified.insert(digest, token);
    }
}

fn check_dates(claims: &Claims, now: Timestamp) -> Result<(), TokenError> {
    let now = now.as_second();
    if claims.exp.saturating_add(SKEW) <= now {
        return Err(TokenError::Expired);
    }
    if claims.nbf > now.saturating_add(SKEW) {
        return Err(TokenError::NotYet);
    }
    Ok(())
}

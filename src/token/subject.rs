//! Subject tokens in the shape of Pro Santé Connect (mes-rules §9.2): whom we believe, and the
//! development issuer, which no production server believes (contract §3).

use std::fmt;
use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::assertion::{Audience, SKEW, refused};
use super::grant::Opaque;
use super::jws::Jws;
use super::keys::{KeyError, KeyStore, Owner, PublicKeys, SigningAlgorithm};
use super::refusal::{Refusal, invalid_grant};
use crate::clock::Clocks;
use crate::ids::{IdSource, NationalId};
use crate::model::directory::Professional;

/// `iss` of the development issuer, whatever the port.
pub const DEV_ISSUER: &str = "https://localhost:8443/dev/psc";

/// The life of a development subject token, in seconds: that of Pro Santé Connect's access tokens.
const DEV_LIFE: i64 = 120;

/// In which shape an issuer's tokens name the professional.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectKind {
    /// Pro Santé Connect: `SubjectNameID`, else `preferred_username` (mes-rules §9.2).
    Psc,
    /// IUA: `extensions.ihe_iua.national_provider_identifier`, else `sub` (ITI-71).
    Ihe,
}

/// An issuer whose subject tokens we believe.
#[derive(Debug, Clone)]
pub struct SubjectIssuer {
    /// `iss`.
    pub issuer: String,
    /// The shape of its tokens.
    pub kind: SubjectKind,
    /// What `aud` must hold, or `azp` be; nothing is asked where absent.
    pub audience: Option<String>,
    /// Its keys.
    pub keys: PublicKeys,
}

/// Someone would have a production server believe the development issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the development issuer of subject tokens is refused by this server")]
pub struct DevIssuerRefused;

/// The issuers we believe.
#[derive(Debug, Clone, Default)]
pub struct SubjectIssuers {
    issuers: Vec<SubjectIssuer>,
}

#[derive(Deserialize)]
struct IssuerOnly {
    iss: String,
}

#[derive(Deserialize)]
struct SubjectClaims {
    exp: i64,
    iat: Option<i64>,
    nbf: Option<i64>,
    aud: Option<Audience>,
    azp: Option<String>,
    sub: Option<String>,
    #[serde(rename = "SubjectNameID")]
    subject_name_id: Option<String>,
    preferred_username: Option<String>,
    #[serde(default)]
    extensions: IuaExtensions,
}

#[derive(Default, Deserialize)]
struct IuaExtensions {
    #[serde(default)]
    ihe_iua: IuaSubject,
}

#[derive(Default, Deserialize)]
struct IuaSubject {
    national_provider_identifier: Option<String>,
}

impl SubjectClaims {
    fn is_for(&self, audience: &str) -> bool {
        self.azp.as_deref() == Some(audience) || self.aud.as_ref().is_some_and(|aud| aud.contains(audience))
    }

    fn professional(self, kind: SubjectKind) -> Option<String> {
        match kind {
            SubjectKind::Psc => self.subject_name_id.or(self.preferred_username),
            SubjectKind::Ihe => self.extensions.ihe_iua.national_provider_identifier.or(self.sub),
        }
    }
}

impl SubjectIssuers {
    /// The issuers of a production server: never the development one.
    pub fn production(issuers: Vec<SubjectIssuer>) -> Result<Self, DevIssuerRefused> {
        if issuers.iter().any(|issuer| issuer.issuer.trim_end_matches('/') == DEV_ISSUER) {
            return Err(DevIssuerRefused);
        }
        Ok(Self { issuers })
    }

    /// The issuers of a development server: its own.
    pub fn dev(issuer: &DevSubjectIssuer) -> Self {
        Self {
            issuers: vec![SubjectIssuer {
                issuer: DEV_ISSUER.to_owned(),
                kind: SubjectKind::Psc,
                audience: None,
                keys: issuer.0.public().clone(),
            }],
        }
    }

    /// The same, and others besides.
    pub fn and(mut self, others: Self) -> Self {
        self.issuers.extend(others.issuers);
        self
    }

    /// The professional a subject token names: nothing else of it is believed. Our own issuer's
    /// tokens live by the domain clock, all others by the real one (contract §1).
    pub(super) fn verify(&self, token: &str, clocks: &Clocks) -> Result<NationalId, Refusal> {
        let jws = Jws::parse(token).map_err(refused)?;
        let named: IssuerOnly = jws.unverified().map_err(refused)?;
        let issuer = self.issuers.iter().find(|issuer| issuer.issuer == named.iss);
        let issuer = issuer.ok_or(invalid_grant("the subject token's issuer is not believed here"))?;
        let key = jws.header.kid.as_deref().and_then(|kid| issuer.keys.find(kid));
        let key = key.ok_or(invalid_grant("the subject token's key is unknown"))?;
        let claims: SubjectClaims = jws.verify(key).map_err(refused)?;
        let clock = if issuer.issuer == DEV_ISSUER { &clocks.domain } else { &clocks.real };
        let now = clock.now().as_second();
        if claims.exp.saturating_add(SKEW) <= now {
            return Err(invalid_grant("the subject token has expired"));
        }
        if claims.iat.max(claims.nbf).is_some_and(|from| from > now.saturating_add(SKEW)) {
            return Err(invalid_grant("the subject token is of the future"));
        }
        if issuer.audience.as_ref().is_some_and(|audience| !claims.is_for(audience)) {
            return Err(invalid_grant("the subject token was made for another audience"));
        }
        let id = claims.professional(issuer.kind);
        id.and_then(|id| id.parse().ok()).ok_or(invalid_grant("the subject token names no professional"))
    }
}

/// The development stand-in for Pro Santé Connect, behind `POST /dev/psc/token`.
pub struct DevSubjectIssuer(KeyStore);

impl DevSubjectIssuer {
    /// The issuer whose key is in `directory`, made where missing.
    pub fn open(directory: &Path) -> Result<Self, KeyError> {
        KeyStore::open(directory, SigningAlgorithm::Es256, Owner::Dev).map(Self)
    }

    /// A subject token of a professional, at an instant of the domain clock.
    pub fn mint(&self, professional: &Professional, at: Timestamp, ids: &dyn IdSource) -> Result<Opaque, KeyError> {
        let now = at.as_second();
        let claims: Value = json!({
            "iss": DEV_ISSUER,
            "sub": format!("f:{}:{}", ids.uuid(at), professional.id),
            "azp": "espace-dev",
            "typ": "Bearer",
            "acr": "eidas1",
            "jti": ids.uuid(at).to_string(),
            "iat": now,
            "auth_time": now,
            "exp": now.saturating_add(DEV_LIFE),
            "preferred_username": professional.id.as_str(),
            "SubjectNameID": professional.id.as_str(),
            "SubjectRole": [format!("{}^1.2.250.1.213.1.1.5.5", professional.profession)],
            "family_name": professional.family,
            "given_name": professional.given,
            "Acces_Regulation_Medicale": professional.may_regulate,
        });
        self.0.sign("JWT", &claims).map(Opaque::new)
    }

    /// Its JWKS document.
    pub fn jwks(&self) -> Value {
        self.0.public().jwks()
    }
}

impl fmt::Debug for DevSubjectIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DevSubjectIssuer").field(&self.0).finish()
    }
}

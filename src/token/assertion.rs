//! Assertions and actor tokens that a client signs with its certificate's key (RFC 7523 §3;
//! contract §6). Their instants are judged by the real clock.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64_simd::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::claims::OneTime;
use super::jws::{Jws, JwsError, VerifyingKey};
use super::refusal::{Refusal, invalid_grant, invalid_request};
use crate::access::identity::Certificate;
use crate::ids::{Digest256, StructureId};

/// How far clocks may differ, in seconds.
pub(super) const SKEW: i64 = 30;
/// Longest life of an assertion, in seconds.
const LONGEST_LIFE: i64 = 300;

/// What an assertion says, once verified.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Assertion {
    pub(super) subject: String,
    pub(super) situation: Option<String>,
    pub(super) once: OneTime,
}

/// How many assertions are remembered at most.
const REMEMBERED: usize = 100_000;

/// The assertions used in this process: enough where one process serves. Several processes record
/// [`OneTime::key`] in their common store instead.
#[derive(Debug, Default)]
pub struct UsedAssertions(Mutex<HashMap<Digest256, Timestamp>>);

impl UsedAssertions {
    /// Records a use; whether it is the first, by the real clock. When the memory is full every
    /// use counts as a repetition: to forget would be to let a replay in.
    pub fn first_use(&self, once: &OneTime, now: Timestamp) -> bool {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() >= REMEMBERED {
            used.retain(|_, until| now <= *until);
        }
        used.len() < REMEMBERED && used.insert(once.key, once.until).is_none()
    }
}

/// What an actor token says, once verified (mes-rules §9.3).
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Actor {
    iss: String,
    exp: i64,
    pub(super) situation_exercice: Option<String>,
}

#[derive(Deserialize)]
struct AssertionClaims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    jti: String,
    situation_exercice: Option<String>,
}

/// `aud`: one or several (RFC 7519 §4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    pub(super) fn contains(&self, wanted: &str) -> bool {
        match self {
            Self::One(audience) => audience == wanted,
            Self::Several(audiences) => audiences.iter().any(|audience| audience == wanted),
        }
    }
}

/// Verifies an assertion against the live certificate: its key, its DER in `x5c`, its structure.
pub(super) fn verify(
    assertion: &str,
    certificate: &Certificate,
    structure: &StructureId,
    token_endpoint: &str,
    now: Timestamp,
) -> Result<Assertion, Refusal> {
    let jws = Jws::parse(assertion).map_err(refused)?;
    if !chain_begins_with(&jws, certificate) {
        return Err(invalid_grant("the assertion's x5c is not the certificate of this connection"));
    }
    let claims: AssertionClaims = jws.verify(&live_key(certificate)?).map_err(refused)?;
    if claims.iss != structure.as_str() {
        return Err(invalid_grant("the assertion's iss is not the structure of the certificate"));
    }
    if !claims.aud.contains(token_endpoint) {
        return Err(invalid_grant("the assertion is not for this token endpoint"));
    }
    check_dates(&claims, now.as_second())?;
    if claims.jti.is_empty() || claims.jti.len() > 256 {
        return Err(invalid_grant("the assertion's jti has 1 to 256 characters"));
    }
    let until = Timestamp::from_second(claims.exp).unwrap_or(now).saturating_add(SignedDuration::from_secs(SKEW));
    let once = OneTime { key: one_time_key(&claims.iss, &claims.jti), until: until.unwrap_or(now) };
    Ok(Assertion { subject: claims.sub, situation: claims.situation_exercice, once })
}

/// Verifies an actor token: signed by the live certificate's key, issued by its structure.
pub(super) fn verify_actor(
    token: &str,
    certificate: &Certificate,
    structure: &StructureId,
    now: Timestamp,
) -> Result<Actor, Refusal> {
    let jws = Jws::parse(token).map_err(refused)?;
    if jws.header.x5c.is_some() && !chain_begins_with(&jws, certificate) {
        return Err(invalid_grant("the actor token's x5c is not the certificate of this connection"));
    }
    let actor: Actor = jws.verify(&live_key(certificate)?).map_err(refused)?;
    if actor.iss != structure.as_str() {
        return Err(invalid_grant("the actor token's iss is not the structure of the certificate"));
    }
    if actor.exp.saturating_add(SKEW) <= now.as_second() {
        return Err(invalid_grant("the actor token has expired"));
    }
    Ok(actor)
}

fn check_dates(claims: &AssertionClaims, now: i64) -> Result<(), Refusal> {
    let life = claims.exp.saturating_sub(claims.iat);
    if !(1..=LONGEST_LIFE).contains(&life) {
        return Err(invalid_grant("an assertion lives 300 seconds at most"));
    }
    if claims.exp.saturating_add(SKEW) <= now {
        return Err(invalid_grant("the assertion has expired"));
    }
    if claims.iat.max(claims.nbf.unwrap_or(claims.iat)) > now.saturating_add(SKEW) {
        return Err(invalid_grant("the assertion is of the future"));
    }
    Ok(())
}

fn chain_begins_with(jws: &Jws<'_>, certificate: &Certificate) -> bool {
    let first = jws.header.x5c.as_ref().and_then(|chain| chain.first());
    first.and_then(|text| STANDARD.decode_to_vec(text).ok()).is_some_and(|der| der == certificate.der)
}

fn live_key(certificate: &Certificate) -> Result<VerifyingKey, Refusal> {
    let key = certificate.public_key();
    key.map(|key| VerifyingKey::of_certificate(&key))
        .ok_or(invalid_grant("the certificate's key is neither P-256 nor RSA"))
}

fn one_time_key(issuer: &str, jti: &str) -> Digest256 {
    let mut hasher = Sha256::new();
    hasher.update(issuer.as_bytes());
    hasher.update(b"|");
    hasher.update(jti.as_bytes());
    Digest256(hasher.finalize().into())
}

pub(super) fn refused(error: JwsError) -> Refusal {
    match error {
        JwsError::Malformed => invalid_request("an assertion or token is not a signed JSON Web Token"),
        JwsError::Algorithm => invalid_grant("an assertion or token is signed by ES256 or RS256 and the right key"),
        JwsError::Signature => invalid_grant("the signature of an assertion or token does not verify"),
    }
}

//! Who is named, what he may have, and the signed answer (IUA ITI-71; contract §6).

use std::sync::Arc;

use arc_swap::ArcSwap;
use base64_simd::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::assertion;
use super::claims::{
    ACCESS_TOKEN, Claims, Coding, Confirmation, Extensions, French, IheIua, OneTime, PROFESSION_SYSTEM, PURPOSE_SYSTEM,
    SPECIALITY_SYSTEM,
};
use super::grant::{Grant, Opaque, TOKEN_EXCHANGE, TokenRequest};
use super::grantee::{Grantee, check_purpose, enrolled, grantee, narrowed};
use super::keys::{KeyError, KeyStore};
use super::refusal::{OAuthCode, Refusal, invalid_client, invalid_grant, invalid_request};
use super::scope::{self, Scope};
use super::subject::SubjectIssuers;
use super::verify::VerifiedToken;
use crate::access::identity::Certificate;
use crate::clock::Clocks;
use crate::ids::{IdSource, Ins, NationalId, StructureId};
use crate::model::caller::{AuthMode, CallerClass};
use crate::model::directory::{ClientSoftware, Exercise, Structure};
use crate::rules::habilitation::Matrix;

/// Which forms of `cnf` the token endpoint accepts (`token.cnf`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CnfForm {
    /// base64url of the SHA-256 (RFC 8705).
    Rfc,
    /// Also base64 of its hexadecimal text, as ANS examples write it.
    #[default]
    Compat,
}

/// What an authorisation server says of itself.
#[derive(Debug, Clone)]
pub struct IssuerConfig {
    /// `iss`.
    pub issuer: String,
    /// The token endpoint's address: `aud` of assertions.
    pub token_endpoint: String,
    /// The FHIR base: `aud` of tokens.
    pub audience: String,
    /// The life of a token, seconds.
    pub lifetime: u32,
    /// The longest life a client may ask for, seconds.
    pub longest_lifetime: u32,
    /// Accepted forms of `cnf`.
    pub cnf: CnfForm,
}

impl IssuerConfig {
    /// The contract's values over a base such as `https://localhost:8443`.
    pub fn at(base: &str) -> Self {
        Self {
            issuer: base.to_owned(),
            token_endpoint: format!("{base}/oauth2/token"),
            audience: format!("{base}/fhir"),
            lifetime: 60,
            longest_lifetime: 300,
            cnf: CnfForm::Compat,
        }
    }
}

/// Which scopes a class of caller may have with the profiles its software is enrolled for:
/// `schemas/rules/gate.csv`, read by the room of rules.
pub trait ScopeGate {
    /// Whether it may have this scope.
    fn admits(&self, class: CallerClass, profiles: &[String], scope: &Scope) -> bool;
}

impl<F: Fn(CallerClass, &[String], &Scope) -> bool> ScopeGate for F {
    fn admits(&self, class: CallerClass, profiles: &[String], scope: &Scope) -> bool {
        self(class, profiles, scope)
    }
}

/// Who is named, once certificate and proof agree: what the look-ups start from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identified {
    /// The structure of the certificate.
    pub structure: StructureId,
    /// Who.
    pub who: Who,
    /// What must be recorded as used before a token is issued ([`Facts::first_use`]).
    pub once: Option<OneTime>,
}

/// Who a request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// The structure itself.
    Structure,
    /// A professional.
    Professional {
        /// His national id.
        id: NationalId,
        /// How he was authenticated.
        mode: AuthMode,
        /// The exercise he acts in, where it was said.
        situation: Option<String>,
    },
    /// A patient.
    Patient(Ins),
}

/// What the caller looked up. Every field is asked for, so that none is forgotten.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The enrolment of the certificate: by subject or by fingerprint.
    pub software: Option<&'a ClientSoftware>,
    /// The certificate's structure, in the directory.
    pub structure: Option<&'a Structure>,
    /// The current exercises of the professional named; empty where none is.
    pub exercises: &'a [Exercise],
    /// Whether the patient connected represents or cares for the person of `person_id`; asked for
    /// only where they differ.
    pub represents: bool,
    /// Whether [`Identified::once`] was recorded now for the first time; true where there is none.
    pub first_use: bool,
}

/// A token that was issued.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The token.
    pub access_token: Opaque,
    /// What it says, for the trace.
    pub claims: Claims,
    /// Its class, for the trace.
    pub class: CallerClass,
    grant: &'static str,
}

impl Issued {
    /// The token as the resource side will read it, for the trace. `None` never comes of a token that
    /// was just made.
    pub fn verified(&self) -> Option<VerifiedToken> {
        VerifiedToken::read(self.claims.clone(), &Matrix::built_in())
    }

    /// `grant_type` of the request.
    pub const fn grant_type(&self) -> &'static str {
        self.grant
    }

    /// The JSON answer (RFC 6749 §5.1, RFC 8693 §2.2). To be sent with `Cache-Control: no-store`.
    pub fn body(&self) -> Value {
        let mut body = json!({
            "access_token": self.access_token.expose(),
            "token_type": "Bearer",
            "expires_in": self.claims.exp.saturating_sub(self.claims.iat),
            "scope": self.claims.scope,
        });
        if self.grant == TOKEN_EXCHANGE
            && let Some(members) = body.as_object_mut()
        {
            let kind = "urn:ietf:params:oauth:token-type:access_token";
            members.insert("issued_token_type".to_owned(), kind.into());
        }
        body
    }
}

/// Why no token comes: a refusal for the client, or a fault of ours.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The client is told.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Signing failed.
    #[error("the token cannot be signed")]
    Signing(#[from] KeyError),
}

/// The authorisation server.
#[derive(Debug)]
pub struct Issuer {
    config: IssuerConfig,
    keys: Arc<ArcSwap<KeyStore>>,
    subjects: ArcSwap<SubjectIssuers>,
    clocks: Clocks,
}

impl Issuer {
    /// A server that signs with the keys in force.
    pub fn new(config: IssuerConfig, keys: Arc<ArcSwap<KeyStore>>, subjects: SubjectIssuers, clocks: Clocks) -> Self {
        Self { config, keys, subjects: ArcSwap::from_pointee(subjects), clocks }
    }

    /// Believes these issuers of subject tokens from now on, and no others.
    pub fn believe(&self, subjects: SubjectIssuers) {
        self.subjects.store(Arc::new(subjects));
    }

    /// What it says of itself.
    pub const fn config(&self) -> &IssuerConfig {
        &self.config
    }

    /// Who a request names, on the word of the certificate and of what it signed or presents.
    pub fn identify(&self, request: &TokenRequest, certificate: &Certificate) -> Result<Identified, Refusal> {
        let structure = certificate.structure.clone();
        let structure = structure.ok_or(invalid_client("this certificate names no structure"))?;
        if request.client_id.as_ref().is_some_and(|id| id != structure.as_str()) {
            return Err(invalid_client("client_id is the structure id of the certificate, or absent"));
        }
        if request.resource.as_ref().is_some_and(|asked| asked.trim_end_matches('/') != self.config.audience) {
            return Err(Refusal::new(OAuthCode::InvalidTarget, "resource is not the FHIR base of this server"));
        }
        self.check_cnf(request, certificate)?;
        let real = self.clocks.real.now();
        match &request.grant {
            Grant::ClientCredentials => Ok(Identified { structure, who: Who::Structure, once: None }),
            Grant::TokenExchange { subject_token, actor_token } => {
                let id = self.subjects.load().verify(subject_token.expose(), &self.clocks)?;
                let actor = actor_token.as_ref();
                let actor = actor.map(|token| assertion::verify_actor(token.expose(), certificate, &structure, real));
                let situation = actor.transpose()?.and_then(|actor| actor.situation_exercice);
                let who = Who::Professional { id, mode: AuthMode::Direct, situation };
                Ok(Identified { structure, who, once: None })
            }
            Grant::JwtBearer { assertion } => {
                let endpoint = &self.config.token_endpoint;
                let said = assertion::verify(assertion.expose(), certificate, &structure, endpoint, real)?;
                let who = vouched_for(&said.subject, said.situation)?;
                Ok(Identified { structure, who, once: Some(said.once) })
            }
        }
    }

    /// Issues a token on the facts that were looked up for `identified`.
    pub fn issue(
        &self,
        request: &TokenRequest,
        identified: &Identified,
        certificate: &Certificate,
        facts: &Facts<'_>,
        gate: &dyn ScopeGate,
        ids: &dyn IdSource,
    ) -> Result<Issued, IssueError> {
        if identified.once.is_some() && !facts.first_use {
            return Err(invalid_grant("this assertion was used before").into());
        }
        let at = self.clocks.domain.now();
        let software = enrolled(facts, identified, certificate)?;
        let grantee = grantee(request, identified, facts, software)?;
        check_purpose(request.purpose, &grantee)?;
        let scopes = narrowed(&request.scopes, grantee.class, software, gate)?;
        let claims = self.claims(request, &grantee, software, certificate, &scopes, (at, ids));
        let access_token = Opaque::new(self.keys.load().sign(ACCESS_TOKEN, &claims)?);
        Ok(Issued { access_token, claims, class: grantee.class, grant: request.grant.name() })
    }

    fn check_cnf(&self, request: &TokenRequest, certificate: &Certificate) -> Result<(), Refusal> {
        let Some(cnf) = &request.cnf else {
            let is_exchange = matches!(request.grant, Grant::TokenExchange { .. });
            return if is_exchange { Err(invalid_request("cnf is required for a token exchange")) } else { Ok(()) };
        };
        let expected = Confirmation::of(&certificate.fingerprint).x5t_s256;
        let hexadecimal = || format!("{:?}", crate::ids::Digest256(certificate.fingerprint));
        let matches = cnf.trim_end_matches('=') == expected
            || self.config.cnf == CnfForm::Compat
                && STANDARD.decode_to_vec(cnf).is_ok_and(|text| text.eq_ignore_ascii_case(hexadecimal().as_bytes()));
        if matches { Ok(()) } else { Err(invalid_grant("cnf is not the fingerprint of this connection's certificate")) }
    }

    fn claims(
        &self,
        request: &TokenRequest,
        grantee: &Grantee<'_>,
        software: &ClientSoftware,
        certificate: &Certificate,
        scopes: &[Scope],
        (at, ids): (Timestamp, &dyn IdSource),
    ) -> Claims {
        let life = request.lifetime.unwrap_or(self.config.lifetime).min(self.config.longest_lifetime);
        let now = at.as_second();
        Claims {
            iss: self.config.issuer.clone(),
            sub: grantee.sub.clone(),
            client_id: software.id.clone(),
            aud: self.config.audience.clone(),
            jti: ids.uuid(at).to_string(),
            exp: now.saturating_add(i64::from(life)),
            nbf: now,
            scope: scope::render(scopes),
            iat: now,
            cnf: Confirmation::of(&certificate.fingerprint),
            extensions: Extensions { ihe_iua: iua(request, grantee), fr: french(request, grantee, software) },
        }
    }
}

fn vouched_for(subject: &str, situation: Option<String>) -> Result<Who, Refusal> {
    if let Ok(id) = subject.parse() {
        return Ok(Who::Professional { id, mode: AuthMode::Indirect, situation });
    }
    Ins::parse_cx(subject)
        .map(Who::Patient)
        .or(Err(invalid_grant("the assertion's sub is neither a national id nor an INS in the form of a CX")))
}

fn iua(request: &TokenRequest, grantee: &Grantee<'_>) -> IheIua {
    let professional = grantee.exercise.map(|exercise| &exercise.professional);
    let roles = professional.into_iter().flat_map(|professional| {
        let speciality = professional.speciality.as_deref();
        let profession = Coding::new(PROFESSION_SYSTEM, &professional.profession);
        [Some(profession), speciality.map(|code| Coding::new(SPECIALITY_SYSTEM, code))]
    });
    IheIua {
        subject_name: professional.map(|professional| format!("{} {}", professional.given, professional.family)),
        subject_organization: grantee.structure.name.clone(),
        subject_organization_id: grantee.structure.id.to_string(),
        subject_role: roles.flatten().collect(),
        purpose_of_use: vec![Coding::new(PURPOSE_SYSTEM, request.purpose.name())],
        national_provider_identifier: professional.map(|professional| professional.id.to_string()),
        person_id: grantee.record.map(Ins::to_cx),
    }
}

fn french(request: &TokenRequest, grantee: &Grantee<'_>, software: &ClientSoftware) -> French {
    French {
        caller_class: grantee.class.name().to_owned(),
        secteur_activite: grantee.structure.sector.clone(),
        auth_mode: grantee.mode.map(|mode| mode.name().to_owned()),
        secret: request.secret,
        acces_regulation_medicale: grantee.exercise.is_some_and(|exercise| exercise.professional.may_regulate),
        mode_acces_raison: request.reason.clone(),
        situation_exercice: grantee.exercise.map(|exercise| exercise.situation.clone()),
        lps_nom: software.name.clone(),
        lps_version: software.version.clone(),
        lps_id_homologation_dmp: software.homologation.clone(),
    }
}

//! The claims of our access tokens (IUA §3.71; contract §6).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::Digest256;

/// `typ` of an access token (RFC 9068 §2.1).
pub(super) const ACCESS_TOKEN: &str = "at+jwt";
/// OID of TRE_R248, purposes of use.
pub const PURPOSE_SYSTEM: &str = "urn:oid:1.2.250.1.213.1.1.4.248";
/// OID of TRE_G15, professions (mes-rules §9.4).
pub const PROFESSION_SYSTEM: &str = "urn:oid:1.2.250.1.71.1.2.7";
/// OID of the savoir-faire that VIHF names beside the profession (mes-rules §9.4).
pub const SPECIALITY_SYSTEM: &str = "urn:oid:1.2.250.1.71.4.2.5";

/// The claims of an access token. Instants are seconds of the domain clock.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it: us.
    pub iss: String,
    /// Structure id, national id of a professional, or INS (CX) of a patient.
    pub sub: String,
    /// Enrolment of the software.
    pub client_id: String,
    /// The FHIR base it is good for.
    pub aud: String,
    /// Its id.
    pub jti: String,
    /// Dead from.
    pub exp: i64,
    /// Good from.
    pub nbf: i64,
    /// Granted scopes, separated by spaces.
    pub scope: String,
    /// Issued at.
    pub iat: i64,
    /// The certificate it is bound to (RFC 8705 §3.1).
    pub cnf: Confirmation,
    /// What IUA and France add.
    pub extensions: Extensions,
}

/// `cnf`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// base64url SHA-256 of the certificate's DER.
    #[serde(rename = "x5t#S256")]
    pub x5t_s256: String,
}

/// `extensions`.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Extensions {
    /// IUA's.
    pub ihe_iua: IheIua,
    /// France's.
    pub fr: French,
}

/// `extensions.ihe_iua`.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct IheIua {
    /// The professional's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_name: Option<String>,
    /// The structure's name.
    pub subject_organization: String,
    /// The structure's national id.
    pub subject_organization_id: String,
    /// Profession and savoir-faire.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subject_role: Vec<Coding>,
    /// TRE_R248.
    pub purpose_of_use: Vec<Coding>,
    /// The professional's national id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub national_provider_identifier: Option<String>,
    /// The only record it serves, INS as CX.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person_id: Option<String>,
}

/// `extensions.fr`.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct French {
    /// The class the rules read: ours, none of the standard's.
    pub caller_class: String,
    /// The structure's sector, TRE_R02.
    pub secteur_activite: String,
    /// DIRECTE, INDIRECTE or INDIRECTE_RENFORCEE; absent without a professional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_mode: Option<String>,
    /// Secret connection: its traces are not shown to other professionals.
    #[serde(skip_serializing_if = "is_false")]
    pub secret: bool,
    /// Whether the professional may use `centre_15`.
    #[serde(skip_serializing_if = "is_false")]
    pub acces_regulation_medicale: bool,
    /// Why, for `bris_de_glace` and `centre_15`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode_acces_raison: Option<String>,
    /// The exercise the professional acts in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub situation_exercice: Option<String>,
    /// LPS_Nom.
    pub lps_nom: String,
    /// LPS_Version.
    pub lps_version: String,
    /// LPS_ID_HOMOLOGATION_DMP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lps_id_homologation_dmp: Option<String>,
}

/// A coding as IUA writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coding {
    /// `urn:oid:…`.
    pub system: String,
    /// The code.
    pub code: String,
}

impl Coding {
    /// A coding.
    pub fn new(system: &str, code: &str) -> Self {
        Self { system: system.to_owned(), code: code.to_owned() }
    }
}

impl Confirmation {
    /// The confirmation of a certificate's fingerprint.
    pub fn of(fingerprint: &[u8; 32]) -> Self {
        Self { x5t_s256: super::jws::base64url(fingerprint) }
    }
}

/// Claims name people and records: only what identifies the token is shown.
impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims")
            .field("jti", &self.jti)
            .field("client_id", &self.client_id)
            .field("scope", &self.scope)
            .field("exp", &self.exp)
            .finish_non_exhaustive()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// What a one-time token is remembered by: SHA-256 of issuer and jti.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OneTime {
    /// The key to remember.
    pub key: Digest256,
    /// Until when, by the real clock: after that its expiry refuses it.
    pub until: jiff::Timestamp,
}

//! What the token endpoint answers when it refuses (RFC 6749 §5.2; RFC 8707 §2 for `invalid_target`).

use serde_json::{Value, json};

/// The codes of the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OAuthCode {
    /// A parameter is missing, repeated or malformed.
    InvalidRequest,
    /// The certificate's software is not enrolled, or is suspended.
    InvalidClient,
    /// The assertion or subject token is not valid, or names nobody who may be served here.
    InvalidGrant,
    /// This client may not use this grant.
    UnauthorizedClient,
    /// A grant type we do not have.
    UnsupportedGrantType,
    /// No scope that was asked for may be given.
    InvalidScope,
    /// `resource` is not our FHIR base.
    InvalidTarget,
}

impl OAuthCode {
    /// The code as sent.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
        }
    }

    /// The HTTP status: 401 for `invalid_client`, else 400.
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidClient => 401,
            _ => 400,
        }
    }
}

/// A refusal of the token endpoint. Its text is a constant: nothing of the request comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}: {description}", code.name())]
pub struct Refusal {
    /// The code.
    pub code: OAuthCode,
    /// `error_description`.
    pub description: &'static str,
}

impl Refusal {
    /// A refusal.
    pub const fn new(code: OAuthCode, description: &'static str) -> Self {
        Self { code, description }
    }

    /// The JSON body.
    pub fn body(&self) -> Value {
        json!({ "error": self.code.name(), "error_description": self.description })
    }
}

/// Short forms for the rooms of this folder.
pub(super) const fn invalid_request(description: &'static str) -> Refusal {
    Refusal::new(OAuthCode::InvalidRequest, description)
}

pub(super) const fn invalid_grant(description: &'static str) -> Refusal {
    Refusal::new(OAuthCode::InvalidGrant, description)
}

pub(super) const fn invalid_client(description: &'static str) -> Refusal {
    Refusal::new(OAuthCode::InvalidClient, description)
}

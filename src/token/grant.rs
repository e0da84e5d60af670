//! The form of the token endpoint, typed (RFC 6749 §4.4, RFC 8693 §2.1, RFC 7523 §2.1, RFC 8707;
//! contract §6).

use std::fmt;

use zeroize::Zeroizing;

use super::refusal::{OAuthCode, Refusal, invalid_request};
use super::scope::{self, Scope};
use crate::ids::Ins;
use crate::model::caller::Purpose;

/// `grant_type` of a token exchange.
pub const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// `grant_type` of an assertion.
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// `grant_type` of a structure in its own name.
pub const CLIENT_CREDENTIALS: &str = "client_credentials";

const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT_TYPE: &str = "urn:ietf:params:oauth:token-type:jwt";

/// A token or assertion in the clear: never shown, wiped on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct Opaque(Zeroizing<String>);

impl Opaque {
    /// Keeps a text from view.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What proves who is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// The structure alone.
    ClientCredentials,
    /// A professional who authenticated himself.
    TokenExchange {
        /// The token of Pro Santé Connect.
        subject_token: Opaque,
        /// What the software says of itself and of the exercise.
        actor_token: Option<Opaque>,
    },
    /// A professional or patient vouched for by the certificate's holder.
    JwtBearer {
        /// The signed assertion.
        assertion: Opaque,
    },
}

impl Grant {
    /// `grant_type`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ClientCredentials => CLIENT_CREDENTIALS,
            Self::TokenExchange { .. } => TOKEN_EXCHANGE,
            Self::JwtBearer { .. } => JWT_BEARER,
        }
    }
}

/// A request to the token endpoint.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenRequest {
    /// The grant.
    pub grant: Grant,
    /// What is asked for.
    pub scopes: Vec<Scope>,
    /// `resource`: whom the token is for.
    pub resource: Option<String>,
    /// `client_id`: the structure id, where given.
    pub client_id: Option<String>,
    /// `cnf`: the fingerprint the client believes its certificate to have.
    pub cnf: Option<String>,
    /// `purpose_of_use`.
    pub purpose: Purpose,
    /// `mode_acces_raison`: why, for an emergency or a regulation.
    pub reason: Option<String>,
    /// `person_id`: the only record the token shall serve.
    pub person_id: Option<Ins>,
    /// `secret`: a secret connection.
    pub secret: bool,
    /// `expires_in`, seconds: a shorter or longer life, within the server's limit.
    pub lifetime: Option<u32>,
}

impl TokenRequest {
    /// Reads the decoded form. A parameter without a value counts as absent; one that is repeated
    /// is an error; unknown ones are ignored (RFC 6749 §3.2).
    pub fn from_form(form: &[(String, String)]) -> Result<Self, Refusal> {
        let form = Form(form);
        if form.one("client_secret")?.is_some() || form.one("client_assertion")?.is_some() {
            return Err(invalid_request("the client authenticates by its certificate alone"));
        }
        let grant = form.grant()?;
        let asked = form.one("scope")?.ok_or(invalid_request("scope is required"))?;
        let scopes =
            scope::parse(asked).or(Err(Refusal::new(OAuthCode::InvalidScope, "a scope is unknown to this server")))?;
        form.check_requested_type()?;
        let purpose = form.purpose()?;
        Ok(Self {
            grant,
            scopes,
            resource: form.owned("resource")?,
            client_id: form.owned("client_id")?,
            cnf: form.owned("cnf")?,
            purpose,
            reason: form.reason(purpose)?,
            person_id: form.person_id()?,
            secret: form.flag("secret")?,
            lifetime: form.lifetime()?,
        })
    }
}

/// The reason is a free text and stays unshown.
impl fmt::Debug for TokenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenRequest")
            .field("grant", &self.grant)
            .field("scopes", &self.scopes)
            .field("purpose", &self.purpose)
            .field("secret", &self.secret)
            .finish_non_exhaustive()
    }
}

struct Form<'a>(&'a [(String, String)]);

impl<'a> Form<'a> {
    fn one(&self, name: &str) -> Result<Option<&'a str>, Refusal> {
        let mut found = self.0.iter().filter(|(key, value)| key == name && !value.is_empty());
        let first = found.next().map(|(_, value)| value.as_str());
        if found.next().is_some() { Err(invalid_request("a parameter is repeated")) } else { Ok(first) }
    }

    fn owned(&self, name: &str) -> Result<Option<String>, Refusal> {
        Ok(self.one(name)?.map(str::to_owned))
    }

    fn opaque(&self, name: &str) -> Result<Option<Opaque>, Refusal> {
        Ok(self.owned(name)?.map(Opaque::new))
    }

    fn grant(&self) -> Result<Grant, Refusal> {
        match self.one("grant_type")? {
            None => Err(invalid_request("grant_type is required")),
            Some(CLIENT_CREDENTIALS) => Ok(Grant::ClientCredentials),
            Some(TOKEN_EXCHANGE) => self.exchange(),
            Some(JWT_BEARER) => {
                let assertion = self.opaque("assertion")?.ok_or(invalid_request("assertion is required"))?;
                Ok(Grant::JwtBearer { assertion })
            }
            Some(_) => Err(Refusal::new(OAuthCode::UnsupportedGrantType, "this grant type is not offered")),
        }
    }

    fn exchange(&self) -> Result<Grant, Refusal> {
        let subject_token = self.opaque("subject_token")?.ok_or(invalid_request("subject_token is required"))?;
        match self.one("subject_token_type")? {
            Some(ACCESS_TOKEN_TYPE | JWT_TYPE) => {}
            Some(_) => return Err(invalid_request("this subject_token_type is not accepted")),
            None => return Err(invalid_request("subject_token_type is required")),
        }
        let actor_token = self.opaque("actor_token")?;
        match (&actor_token, self.one("actor_token_type")?) {
            (None, None) | (Some(_), Some(JWT_TYPE)) => {}
            // RFC 8693 §2.1: one with the other.
            (Some(_), None) => return Err(invalid_request("actor_token_type is required with actor_token")),
            (_, Some(_)) => return Err(invalid_request("actor_token_type does not fit")),
        }
        Ok(Grant::TokenExchange { subject_token, actor_token })
    }

    fn check_requested_type(&self) -> Result<(), Refusal> {
        match self.one("requested_token_type")? {
            // The hyphen is IUA's spelling.
            None | Some(ACCESS_TOKEN_TYPE | JWT_TYPE | "urn:ietf:params:oauth:token-type:access-token") => Ok(()),
            Some(_) => Err(invalid_request("this requested_token_type is not offered")),
        }
    }

    fn purpose(&self) -> Result<Purpose, Refusal> {
        let Some(text) = self.one("purpose_of_use")? else { return Ok(Purpose::Normal) };
        let code = text.strip_prefix(super::claims::PURPOSE_SYSTEM).and_then(|rest| rest.strip_prefix('|'));
        Purpose::from_name(code.unwrap_or(text)).ok_or(invalid_request("purpose_of_use is not of TRE_R248"))
    }

    fn reason(&self, purpose: Purpose) -> Result<Option<String>, Refusal> {
        let reason = self.one("mode_acces_raison")?;
        if reason.is_some_and(|reason| reason.chars().count() > 255 || reason.chars().any(char::is_control)) {
            return Err(invalid_request("mode_acces_raison has 1 to 255 printable characters"));
        }
        match (purpose, reason.filter(|reason| !reason.trim().is_empty())) {
            (Purpose::Normal, _) => Ok(None),
            (_, Some(reason)) => Ok(Some(reason.to_owned())),
            (_, None) => Err(invalid_request("mode_acces_raison is required for this purpose_of_use")),
        }
    }

    fn person_id(&self) -> Result<Option<Ins>, Refusal> {
        let ins = self.one("person_id")?.map(Ins::parse_cx).transpose();
        ins.or(Err(invalid_request("person_id is not an INS in the form of a CX")))
    }

    fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.one(name)? {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(invalid_request("a flag is true or false")),
        }
    }

    fn lifetime(&self) -> Result<Option<u32>, Refusal> {
        let seconds = self.one("expires_in")?.map(str::parse).transpose();
        match seconds {
            Ok(Some(0)) | Err(_) => Err(invalid_request("expires_in is a number of seconds")),
            Ok(seconds) => Ok(seconds),
        }
    }
}

//! What the authorisation server publishes: RFC 8414 (IUA ITI-103), SMART App Launch 2.2 §4, and the
//! answers of introspection (RFC 7662, IUA ITI-102).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::grant::{CLIENT_CREDENTIALS, JWT_BEARER, TOKEN_EXCHANGE};
use super::issue::IssuerConfig;
use super::verify::VerifiedToken;
use crate::model::caller::CallerClass;
use crate::rules::gate;

/// What an enrolled software may be enrolled for, as `gate.csv` names it.
const PROFILES: [&str; 6] = ["alimentation", "assurance-maladie", "catalogue", "consultation", "portail", "webps"];

/// The scopes that some caller may be granted today: the gate's own table says them. Narrower ones
/// (`user/DocumentReference.s` of `user/DocumentReference.rs`) are granted too.
fn scopes() -> Vec<String> {
    let all = CallerClass::ALL.iter().flat_map(|class| gate::allowed_scopes(*class, &PROFILES));
    all.collect::<BTreeSet<_>>().into_iter().collect()
}

/// `/.well-known/oauth-authorization-server`.
pub fn authorization_server(config: &IssuerConfig) -> Value {
    let base = &config.issuer;
    json!({
        "issuer": base,
        "token_endpoint": config.token_endpoint,
        "jwks_uri": format!("{base}/oauth2/jwks"),
        "introspection_endpoint": format!("{base}/oauth2/introspect"),
        "introspection_endpoint_auth_methods_supported": ["Bearer", "tls_client_auth"],
        "grant_types_supported": [CLIENT_CREDENTIALS, TOKEN_EXCHANGE, JWT_BEARER],
        // No authorization endpoint, hence no response type (RFC 8414 §2 demands the member).
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["tls_client_auth"],
        "tls_client_certificate_bound_access_tokens": true,
        "access_token_format": "ihe-jwt",
        "scopes_supported": scopes(),
    })
}

/// `/.well-known/smart-configuration`.
pub fn smart_configuration(config: &IssuerConfig) -> Value {
    let base = &config.issuer;
    json!({
        "issuer": base,
        "jwks_uri": format!("{base}/oauth2/jwks"),
        "token_endpoint": config.token_endpoint,
        "token_endpoint_auth_methods_supported": ["tls_client_auth"],
        "introspection_endpoint": format!("{base}/oauth2/introspect"),
        "grant_types_supported": [CLIENT_CREDENTIALS, TOKEN_EXCHANGE, JWT_BEARER],
        "scopes_supported": scopes(),
        // SMART demands the member; the authorization endpoint comes with the catalogue.
        "code_challenge_methods_supported": ["S256"],
        "capabilities": ["permission-v2"],
    })
}

/// The answer of `/oauth2/introspect`: the token's own claims, or that it is not active and
/// nothing else.
pub fn introspection(token: Option<&VerifiedToken>) -> Value {
    let claims = token.and_then(|token| serde_json::to_value(&token.claims).ok());
    match claims {
        Some(Value::Object(mut claims)) => {
            claims.insert("active".to_owned(), true.into());
            claims.insert("token_type".to_owned(), "Bearer".into());
            Value::Object(claims)
        }
        _ => json!({ "active": false }),
    }
}

//! The authorisation server, and the check of tokens on the resource side (IUA ITI-71, 72, 102, 103;
//! RFC 6749, 8693, 7523, 8705, 8414; contract §6). Pure but for key files: every look-up is an
//! argument, every instant a clock.
//!
//! A token request travels [`grant::TokenRequest::from_form`] → [`issue::Issuer::identify`] → the
//! caller's look-ups → [`issue::Issuer::issue`]; a token comes back to [`verify::Verifier::verify`].

pub mod assertion;
pub mod claims;
pub mod client;
pub mod grant;
mod grantee;
pub mod issue;
mod jws;
pub mod keys;
pub mod metadata;
pub mod refusal;
pub mod scope;
pub mod subject;
pub mod trust;
pub mod verify;

//! The two wire forms of a resource (R4 `json.html`, `xml.html`).
//!
//! Resources are kept and worked on as JSON; XML is read into it and written from it, by the same
//! definitions that judge them.

pub mod json;
pub mod xml;

use serde_json::Value;

use crate::error::Error;

/// The form a resource is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Syntax {
    /// `application/fhir+json`.
    Json,
    /// `application/fhir+xml`.
    Xml,
}

/// Reads one resource. What is no JSON or no XML is [`crate::error::Code::Structure`], with the offset in
/// octets; what XML says that no resource can hold is [`crate::error::Code::Element`], with its path too.
pub fn read(syntax: Syntax, bytes: &[u8]) -> Result<Value, Error> {
    match syntax {
        Syntax::Json => json::parse(bytes),
        Syntax::Xml => xml::read(bytes),
    }
}

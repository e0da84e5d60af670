//! Why a document is not a CDA we read, and what the caller is told (contract §8: 422).

use crate::error::{Code, Issue};
use crate::xml;

/// What is wrong with a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not XML, or XML we refuse.
    #[error(transparent)]
    Xml(#[from] xml::Error),
    /// Well-formed, but without a `ClinicalDocument` of `urn:hl7-org:v3`.
    #[error("no ClinicalDocument of urn:hl7-org:v3")]
    NotCda,
    /// The body's base64 cannot be decoded.
    #[error("bad base64 in nonXMLBody")]
    Base64,
}

impl From<Error> for Issue {
    fn from(error: Error) -> Self {
        Self::new(Code::Document).rule("CDA R2").detail(error.to_string())
    }
}

impl From<Error> for crate::error::Error {
    fn from(error: Error) -> Self {
        Self::new(error.into()).because(error)
    }
}

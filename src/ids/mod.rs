//! Identifiers as types, each parsed once and valid ever after.

mod business;
mod ins;
mod key;
mod request;
mod source;
mod structure;

pub use business::{BusinessIdentifier, Digest256, ElementPath, Oid};
pub use ins::{Ins, InsDomain, InsError};
pub use key::{LogicalId, PatientKey, ShardKey, StructureKey, directory_id, is_fhir_id};
pub use request::RequestId;
pub use source::{IdSource, SeededIds, SystemIds};
pub use structure::{NationalId, StructureId, StructureKind};

/// A string that is not of the form its type demands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {what}")]
pub struct Malformed {
    /// The name of the type that refused.
    pub what: &'static str,
}

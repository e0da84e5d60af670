//! Generic bodies of FHIR interactions, used by the operations of each noun.

pub mod reindex;
mod order;
pub mod search;
pub(crate) mod stamp;

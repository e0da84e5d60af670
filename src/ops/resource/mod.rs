//! Generic bodies of FHIR interactions, used by the operations of each noun.

mod order;
pub mod reindex;
pub mod search;
pub(crate) mod stamp;

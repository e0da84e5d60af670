//! Generic bodies of FHIR interactions, used by the operations of each noun.

pub mod include;
mod order;
pub mod reindex;
pub mod resolve;
pub mod scope;
pub mod search;
pub(crate) mod stamp;

//! What is found among the conformance resources: no record is touched, and no trace is left.

pub mod catalogue;
pub mod find;

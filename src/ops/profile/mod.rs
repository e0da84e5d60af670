//! Persons: does a record exist (TD0.2), and read of one's Patient.

pub mod exists;
pub mod step;

//! Documents: provide (ITI-65), find (ITI-67), retrieve (ITI-68), read.

mod deposit;
pub mod find;
mod header;
pub mod intake;
pub mod provide;
pub mod read;
pub mod retrieve;
pub(crate) mod revise;
pub(crate) mod sight;
pub mod submission;

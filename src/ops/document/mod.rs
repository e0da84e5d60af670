//! Documents: provide (ITI-65), find (ITI-66, ITI-67), retrieve (ITI-68), read.

pub mod find;
mod header;
mod include;
pub mod intake;
pub mod lists;
pub mod provide;
pub mod read;
pub mod retrieve;
pub(crate) mod revise;
pub mod submission;
mod unseen;

//! Documents: provide (ITI-65), publish alone (ITI-105), describe (ITI-106), find (ITI-66,
//! ITI-67), retrieve (ITI-68), read.

mod complete;
mod deposit;
pub mod find;
pub mod generate;
mod header;
mod include;
pub mod intake;
pub mod lists;
pub mod provide;
pub mod read;
pub mod retrieve;
pub(crate) mod revise;
pub mod rewrap;
pub mod simplified;
pub(crate) mod sight;
pub mod submission;
mod unseen;

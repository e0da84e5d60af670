//! Documents: provide (ITI-65), publish alone (ITI-105), describe (ITI-106), find (ITI-67),
//! retrieve (ITI-68), read.

mod complete;
mod deposit;
pub mod find;
pub mod generate;
mod header;
pub mod intake;
pub mod provide;
pub mod read;
pub mod retrieve;
pub(crate) mod revise;
pub mod rewrap;
pub mod simplified;
pub(crate) mod sight;
pub mod submission;

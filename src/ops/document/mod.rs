//! Documents: provide (ITI-65), find (ITI-67), retrieve (ITI-68), read, history,
//! metadata updates (TD3.3).

pub mod find;
mod header;
pub mod history;
pub mod intake;
mod metadata;
pub mod provide;
pub mod read;
pub mod retrieve;
pub(crate) mod revise;
pub mod submission;
pub mod update_metadata;

//! Documents: provide (ITI-65), publish alone (ITI-105), describe (ITI-106), find (ITI-66,
//! ITI-67), retrieve (ITI-68), read, history, metadata updates (TD3.3).

pub mod answer;
mod complete;
mod deposit;
mod entries;
mod fhir_document;
mod fiche;
pub mod find;
mod folder;
pub mod generate;
mod header;
pub mod history;
pub mod intake;
pub mod lists;
mod metadata;
mod pointing;
mod prepare;
pub mod provide;
mod reach;
pub mod read;
mod reference;
mod replace;
pub mod retrieve;
pub(crate) mod revise;
pub mod rewrap;
pub(crate) mod sight;
pub mod simplified;
mod subject;
pub mod submission;
mod unseen;
pub mod update_metadata;

//! Documents: provide (ITI-65), publish alone (ITI-105), describe (ITI-106), find (ITI-66,
//! ITI-67), retrieve (ITI-68), read.

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
mod include;
pub mod intake;
pub mod lists;
mod prepare;
pub mod provide;
pub mod read;
mod reference;
mod replace;
pub mod retrieve;
pub(crate) mod revise;
pub mod rewrap;
pub mod simplified;
pub(crate) mod sight;
mod subject;
pub mod submission;
mod unseen;

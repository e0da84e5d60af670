//! Documents: provide (ITI-65), find (ITI-67), retrieve (ITI-68), read.

pub mod answer;
mod entries;
mod fhir_document;
mod fiche;
pub mod find;
mod folder;
mod header;
pub mod intake;
mod prepare;
pub mod provide;
pub mod read;
mod reference;
mod replace;
pub mod retrieve;
pub(crate) mod revise;
mod subject;
pub mod submission;

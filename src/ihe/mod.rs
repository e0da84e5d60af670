//! IHE, pure: the meaning of document metadata and of audit events. No I/O.

pub mod audit;
pub mod cda_rules;
mod code_system;
pub mod mhd;

pub use code_system::fhir_system;

//! The black-box conformance runner: FHIR TestScript resources played against any server
//! (FHIR R4 `testscript.html`; contract §2 `espace conformance`).
//!
//! No I/O here: a [`target::Target`] carries requests, the caller writes the reports.

pub mod assertion;
pub mod coverage;
pub mod operation;
pub mod parse;
pub mod report;
pub mod run;
pub mod scope;
pub mod script;
pub mod suite;
pub mod target;

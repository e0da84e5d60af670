//! espace: an open FHIR/IHE server for Mon espace santé.
//!
//! The house has one room per concern; `docs/ARCHITECTURE.md` says who may import whom, and
//! `tests/architecture.rs` holds the code to it. A request travels
//! `http` → `ops` → (`access` decides on facts from `store`) → `store` → `http`.

pub mod access;
pub mod cda;
pub mod cli;
pub mod clock;
pub mod config;
pub mod conformance;
pub mod error;
pub mod fhir;
pub mod http;
pub mod ids;
pub mod ihe;
pub mod model;
pub mod ops;
pub mod rules;
pub mod store;
pub mod telemetry;
pub mod token;
pub mod workers;
pub mod xml;

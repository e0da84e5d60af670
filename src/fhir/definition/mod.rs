//! The R4 definitions as static tables, written by `schemas/build/fhir.rs` (spec/fhir-r4 §4).

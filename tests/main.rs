//! All proofs in one binary, a mirror of `src`.

mod fhir;
mod support;

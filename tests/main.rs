//! All proofs in one binary, a mirror of `src`.
//!
//! `cfg(test)` on each room tells clippy that helpers are tests too.

#[cfg(test)]
mod fhir;
#[cfg(test)]
mod support;

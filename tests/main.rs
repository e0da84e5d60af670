//! All proofs in one binary, a mirror of `src`.
//!
//! `cfg(test)` on each room tells clippy that helpers are tests too.

#[cfg(test)]
mod architecture;
#[cfg(test)]
mod blob;
#[cfg(test)]
mod cda;
#[cfg(test)]
mod chaos;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod docs;
#[cfg(test)]
mod endpoint_coverage;
#[cfg(test)]
mod fhir;
#[cfg(test)]
mod http;
#[cfg(test)]
mod ihe;
#[cfg(test)]
mod refusal;
#[cfg(test)]
mod requirements;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod search;
#[cfg(test)]
mod store;
#[cfg(test)]
mod story;
#[cfg(test)]
mod support;
#[cfg(test)]
mod telemetry;
#[cfg(test)]
mod terminology;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod token;
#[cfg(test)]
mod xml;

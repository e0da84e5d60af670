//! All proofs in one binary, a mirror of `src`.

mod architecture;
mod requirements;
mod rules;
mod terminology;
//!
//! `cfg(test)` on each room tells clippy that helpers are tests too.

#[cfg(test)]
mod cda;
#[cfg(test)]
mod ihe;
#[cfg(test)]
mod support;
#[cfg(test)]
mod xml;
mod search;
#[cfg(test)]
mod support;
#[cfg(test)]
mod blob;
mod fhir;
mod support;
// `cfg(test)` tells clippy that whole modules are tests, helpers included.
#[cfg(test)]
mod support;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod token;

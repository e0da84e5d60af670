//! All proofs in one binary, a mirror of `src`.

mod cda;
mod ihe;
mod support;
mod xml;

//! All proofs in one binary, a mirror of `src`.

// `cfg(test)` tells clippy that whole modules are tests, helpers included.
#[cfg(test)]
mod support;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod token;

//! All proofs in one binary, a mirror of `src`.

#[cfg(test)]
mod store;
#[cfg(test)]
mod support;

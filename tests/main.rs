//! All proofs in one binary, a mirror of `src`.

mod architecture;
mod requirements;
mod rules;
mod terminology;

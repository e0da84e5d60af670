//! One file per command.

pub mod pki;

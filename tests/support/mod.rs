//! What proofs of several rooms share.

pub(crate) mod cluster;
pub(crate) mod db;

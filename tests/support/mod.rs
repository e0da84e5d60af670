//! What tests of several rooms share.

pub(crate) mod pki;
pub(crate) mod shared;

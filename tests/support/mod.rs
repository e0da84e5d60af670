//! What every room's tests share.

pub(crate) mod pki;

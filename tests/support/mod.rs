//! What tests of several rooms share.

pub(crate) mod shared;
//! What every room's tests share.

pub(crate) mod pki;

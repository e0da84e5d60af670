//! What every request passes through.

pub(crate) mod rate;
pub(crate) mod request;

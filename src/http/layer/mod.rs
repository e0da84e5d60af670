//! What every request passes through.

pub(crate) mod again;
pub(crate) mod present;
pub(crate) mod rate;
pub(crate) mod request;

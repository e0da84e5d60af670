//! What tests of several rooms share.

pub(crate) mod client;
pub(crate) mod cluster;
pub(crate) mod db;
pub(crate) mod pki;
pub(crate) mod process;
pub(crate) mod server;
pub(crate) mod shared;

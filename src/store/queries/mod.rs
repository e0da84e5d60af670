//! The statements behind the verbs, written once and compiled for each back end (house rules §7).
//!
//! This folder is loaded twice, by `sqlite/mod.rs` and `postgres/mod.rs`; `super::super::Conn` is the
//! connection of the one that loads it. What the dialects do not share is in `dialect_*.rs`.

pub(in crate::store) mod audit;
pub(in crate::store) mod blob;
pub(in crate::store) mod client;
pub(in crate::store) mod directory;
pub(in crate::store) mod document;
pub(in crate::store) mod notice;
pub(in crate::store) mod profile;
pub(in crate::store) mod resource;
pub(in crate::store) mod search;
pub(in crate::store) mod setting;
pub(in crate::store) mod version;

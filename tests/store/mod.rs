//! Proofs of the storage seam: each story is told on SQLite and on PostgreSQL.
//!
//! They make their permits themselves, which only a debug build can.
#![cfg(debug_assertions)]

mod actors;
mod chain;
mod concurrency;
mod linked;
mod migration;
mod packed;
mod parity;
mod plans;
mod reach;
mod resource;
mod search;
mod unit;

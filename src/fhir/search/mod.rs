//! FHIR search: which rows a resource is found under, and what a query asks of them
//! (spec/fhir-r4.md §3, MHD §1.4-1.6, contract §8).
//!
//! One table drives both sides, so that what [`index()`] writes is what [`parse()`] asks for.

mod chain;
mod composite;
mod control;
pub mod custom;
mod date;
mod fold;
mod include;
mod index;
mod nearest;
mod number;
pub mod page;
mod parse;
mod partial;
mod patient;
mod plan;
mod quantity;
mod reading;
mod reference;
pub mod subset;
mod table;
mod term;
mod token;
mod unit;

pub use control::RESULT_PARAMETERS;
pub use include::{inclusions, reverse_inclusions};
pub use index::{contained_targets, index, stored_targets, targets};
pub use parse::{condition, parse};
pub use plan::{
    Chain, Has, Include, IndexEntry, Interval, Match, Naming, Options, PatientClause, Search, Sort, Summary, Term,
    Total, Tree,
};
pub use reading::Reading;
pub use subset::{Part, subset};
pub use table::{Kind, Parameter, all, by_number, find, of};
pub use token::{of_bare_code, of_code};

/// The query parameter that carries a sealed page position ([`page`]).
pub const PAGE_PARAMETER: &str = "_page";

/// Values longer than this many bytes are kept and asked for by their beginning and their digest.
const VALUE_BYTES: usize = 255;

/// A value short enough for an index: itself, or its first bytes and the SHA-256 of the whole.
fn capped(value: String) -> String {
    capped_at(value, VALUE_BYTES)
}

/// The same, within a number of bytes that leaves room for the digest.
fn capped_at(value: String, bytes: usize) -> String {
    use sha2::{Digest as _, Sha256};
    if value.len() <= bytes {
        return value;
    }
    let end = value.floor_char_boundary(bytes.saturating_sub(65));
    let start = value.get(..end).unwrap_or_default();
    format!("{start}#{}", hex(&Sha256::digest(value.as_bytes())))
}

/// Bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles.map(|nibble| char::from_digit(u32::from(nibble), 16).unwrap_or('0')).collect()
}

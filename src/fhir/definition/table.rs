//! The layout of the tables that `schemas/build/fhir/definitions.rs` writes (spec/fhir-r4 §4).
//!
//! Fixed-width little-endian records, read in place. A name is `offset << 8 | length` into one pool.
//!
//! | file | bytes | fields |
//! |---|---|---|
//! | types | 16 | name 4, kind 1, primitive 1, base 2, first property 2, properties 2, first element 2, elements 2 |
//! | elements | 12 | name 4, min 1, max 1, strength 1, targets 1, value set 2, first target 2 |
//! | properties | 8 | name 4, element 2, type 2 |
//! | targets | 2 | type 2 |
//! | sets | 8 | url 4, first code 2, codes 2 |
//! | codes | 8 | code 4, system 4 |

use std::cmp::Ordering;

macro_rules! table {
    ($name:ident, $file:literal) => {
        pub(super) static $name: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/fhir-", $file, ".bin"));
    };
}

static NAMES: &str = include_str!(concat!(env!("OUT_DIR"), "/fhir-names.txt"));
table!(TYPES, "types");
table!(ELEMENTS, "elements");
table!(PROPERTIES, "properties");
table!(TARGETS, "targets");
table!(SETS, "sets");
table!(CODES, "codes");

/// The record of a number.
pub(super) fn record<const WIDTH: usize>(table: &'static [u8], number: u16) -> Option<&'static [u8; WIDTH]> {
    table.as_chunks::<WIDTH>().0.get(usize::from(number))
}

/// Records `first .. first + count`.
pub(super) fn records<const WIDTH: usize>(table: &'static [u8], first: u16, count: u16) -> &'static [[u8; WIDTH]] {
    let first = usize::from(first);
    table.as_chunks::<WIDTH>().0.get(first..first.saturating_add(usize::from(count))).unwrap_or_default()
}

/// The text of a name.
pub(super) fn name(reference: [u8; 4]) -> &'static str {
    let [length, offset @ ..] = reference;
    let [low, middle, high] = offset.map(usize::from);
    let start = low | (middle << 8) | (high << 16);
    NAMES.get(start..start.saturating_add(usize::from(length))).unwrap_or_default()
}

/// The order of a record's name, its first four bytes, against a wanted name.
pub(super) fn order<const WIDTH: usize>(record: &[u8; WIDTH], wanted: &str) -> Ordering {
    record.first_chunk::<4>().map_or(Ordering::Less, |reference| name(*reference).cmp(wanted))
}

/// Two bytes as a number.
pub(super) const fn short(low: u8, high: u8) -> u16 {
    u16::from_le_bytes([low, high])
}

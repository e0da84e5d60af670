//! The layout of the tables that `schemas/build/fhir/definitions.rs` writes (spec/fhir-r4 §4).
//!
//! Fixed-width little-endian records, read in place. A name is `offset << 12 | length` into one pool.
//!
//! | file | bytes | fields |
//! |---|---|---|
//! | types | 16 | name 4, kind 1, primitive 1, base 2, first property 2, properties 2, first element 2, elements 2 |
//! | elements | 12 | name 4, min 1, max 1, strength (low bits), modifier 0x40, summary 0x80: 1, targets 1, value set 2, first target 2 |
//! | properties | 8 | name 4, element 2, type 2 |
//! | targets | 2 | type 2 |
//! | sets | 8 | url 4, first code 2, codes 2 |
//! | codes | 8 | code 4, system 4 |
//! | profiles | 10 | canonical 4, pack 1, kind 1, first rule 2, rules 2 |
//! | rules | 20 | path 4, value 4, rule 4, constraint 1, three levels 3, number 2, spare 2 |
//! | slices | 8 | name 4, discriminators 4 |
//! | slots | 28 | bundle 4, slice 4, resource 4, methods 4, profile 4, rule 4, min 1, max 1, spare 2 |

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
table!(PROFILES, "profiles");
table!(RULES, "rules");
table!(SLICES, "slices");
table!(SLOTS, "slots");

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
    let reference = u32::from_le_bytes(reference);
    let part = |bits: u32| usize::try_from(bits).unwrap_or_default();
    let start = part(reference >> 12);
    NAMES.get(start..start.saturating_add(part(reference & 0xFFF))).unwrap_or_default()
}

/// The order of a record's name, its first four bytes, against a wanted name.
pub(super) fn order<const WIDTH: usize>(record: &[u8; WIDTH], wanted: &str) -> Ordering {
    record.first_chunk::<4>().map_or(Ordering::Less, |reference| name(*reference).cmp(wanted))
}

/// Two bytes as a number.
pub(super) const fn short(low: u8, high: u8) -> u16 {
    u16::from_le_bytes([low, high])
}

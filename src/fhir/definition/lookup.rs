//! Types and properties by name in one step: a hash table over the compact tables, made when first asked (spec/fhir-r4 §4).
//!
//! Every element of every body is looked up here. A type's own properties and those of its bases stand side by side.

use std::sync::LazyLock;

use super::{Type, table};

/// The number of nothing: a free slot, or the owner of the names of types.
const NONE: u16 = 0xFFFF;
/// Slots are a power of two, twice as many as entries at least.
const BITS: u32 = 15;
const MASK: usize = (1 << BITS) - 1;
/// An odd number without pattern (the golden ratio of 2^64).
const MIX: u64 = 0x9E37_79B9_7F4A_7C15;

/// The number of a type, and that of one of its properties; of a name of a type: [`NONE`], and the type.
#[derive(Clone, Copy)]
struct Slot {
    owner: u16,
    number: u16,
}

struct Index(Vec<Option<Slot>>);

static INDEX: LazyLock<Index> = LazyLock::new(Index::new);

/// The number of the property of a name, of a type or of its bases.
pub(super) fn property(owner: u16, name: &str) -> Option<u16> {
    INDEX.find(owner, name)
}

/// The number of the type of a name.
pub(super) fn named(name: &str) -> Option<u16> {
    INDEX.find(NONE, name)
}

impl Index {
    fn new() -> Self {
        let mut index = Self(vec![None; MASK + 1]);
        for kind in Type::all() {
            index.insert(NONE, kind.id.0, kind.name());
            for holder in std::iter::successors(Some(kind), |holder| holder.base()) {
                for number in holder.first_property..holder.first_property.saturating_add(holder.properties) {
                    index.insert(kind.id.0, number, name_of(number));
                }
            }
        }
        index
    }

    fn insert(&mut self, owner: u16, number: u16, name: &str) {
        if self.find(owner, name).is_some() {
            return;
        }
        let mut place = place(owner, name);
        while let Some(slot) = self.0.get_mut(place) {
            if slot.is_none() {
                *slot = Some(Slot { owner, number });
                return;
            }
            place = (place + 1) & MASK;
        }
    }

    fn find(&self, owner: u16, name: &str) -> Option<u16> {
        let mut place = place(owner, name);
        loop {
            let slot = (*self.0.get(place)?)?;
            if slot.owner == owner
                && (if owner == NONE { type_name(slot.number) } else { name_of(slot.number) }) == name
            {
                return Some(slot.number);
            }
            place = (place + 1) & MASK;
        }
    }
}

/// The name of a property.
fn name_of(number: u16) -> &'static str {
    table::record::<8>(table::PROPERTIES, number)
        .and_then(|record| record.first_chunk())
        .map_or("", |name| table::name(*name))
}

/// The name of a type.
fn type_name(number: u16) -> &'static str {
    table::record::<16>(table::TYPES, number)
        .and_then(|record| record.first_chunk())
        .map_or("", |name| table::name(*name))
}

/// Where a name should stand. Names that come from outside are only looked up, so that none can fill the table.
fn place(owner: u16, name: &str) -> usize {
    let (chunks, rest) = name.as_bytes().as_chunks::<8>();
    let mut last = [0; 8];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    let start = u64::from(owner).wrapping_add(1).wrapping_mul(MIX);
    let mix = |sum: u64, chunk: &[u8; 8]| (sum.rotate_left(23) ^ u64::from_le_bytes(*chunk)).wrapping_mul(MIX);
    let sum = chunks.iter().chain(std::iter::once(&last)).fold(start, mix);
    usize::try_from(sum >> (64 - BITS)).unwrap_or_default() & MASK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_half_of_the_slots_are_taken() {
        let taken = INDEX.0.iter().flatten().count();
        assert!(taken * 2 <= INDEX.0.len(), "{taken} of {}", INDEX.0.len());
        assert!(property(0, "no such name").is_none() && named("Nobody").is_none());
    }
}

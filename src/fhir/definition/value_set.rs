//! The value sets of R4's own bindings, as far as they can be listed (R4 `terminologies.html`).

use std::collections::HashMap;
use std::sync::LazyLock;

use super::table;

/// A value set bound as required or extensible somewhere in R4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValueSet {
    url: [u8; 4],
    first: u16,
    count: u16,
}

impl ValueSet {
    pub(super) fn numbered(number: u16) -> Option<Self> {
        let [u0, u1, u2, u3, f0, f1, c0, c1] = *table::record::<8>(table::SETS, number)?;
        Some(Self { url: [u0, u1, u2, u3], first: table::short(f0, f1), count: table::short(c0, c1) })
    }

    /// The set of a canonical URL (a `|version` is ignored).
    pub fn find(url: &str) -> Option<Self> {
        static BY_URL: LazyLock<HashMap<&'static str, ValueSet>> =
            LazyLock::new(|| ValueSet::all().map(|set| (set.url(), set)).collect());
        let url = url.split_once('|').map_or(url, |(url, _)| url);
        BY_URL.get(url).copied()
    }

    /// Every set, those of R4 by their canonical URL; those of our profiles have a file's name instead.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..=u16::MAX).map_while(Self::numbered)
    }

    /// Its codes, each after its system, by code.
    pub fn codes(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        table::records::<8>(table::CODES, self.first, self.count).iter().map(|record| {
            let [c0, c1, c2, c3, s0, s1, s2, s3] = *record;
            (table::name([s0, s1, s2, s3]), table::name([c0, c1, c2, c3]))
        })
    }

    /// The canonical URL.
    pub fn url(self) -> &'static str {
        table::name(self.url)
    }

    /// Whether the codes could be listed; nothing is said of an open set.
    pub const fn is_listed(self) -> bool {
        self.count > 0
    }

    /// Whether a code is in the set; under any system where none is given.
    pub fn has(self, system: Option<&str>, code: &str) -> bool {
        let codes = table::records::<8>(table::CODES, self.first, self.count);
        let start = codes.partition_point(|record| table::order(record, code).is_lt());
        codes.iter().skip(start).take_while(|record| table::order(record, code).is_eq()).any(|record| {
            let [.., s0, s1, s2, s3] = *record;
            system.is_none_or(|system| table::name([s0, s1, s2, s3]) == system)
        })
    }
}

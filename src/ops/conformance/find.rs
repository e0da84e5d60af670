//! Searches among conformance resources: the conditions of `fhir::search`, asked of rows in memory (R4
//! `search.html`).

use super::catalogue::{Catalogue, Entry};
use crate::fhir::search::{IndexEntry, Interval, Match, Search, Term};

/// One page.
#[derive(Debug)]
pub struct Page<'c> {
    /// The matches of this page, by id.
    pub entries: Vec<&'c Entry>,
    /// How many match in all.
    pub total: usize,
    /// Where the next page begins, if there is one.
    pub next: Option<usize>,
}

/// The page of a search that begins after `offset` matches and has at most `count`.
pub fn find<'c>(catalogue: &'c Catalogue, search: &Search, offset: usize, count: usize, updated_at: i64) -> Page<'c> {
    let of_kind = catalogue.of(&search.kind).iter();
    let found: Vec<&Entry> =
        of_kind.filter(|entry| search.terms.iter().all(|term| holds(term, entry, updated_at))).collect();
    let total = found.len();
    let entries: Vec<&Entry> = found.into_iter().skip(offset).take(count).collect();
    let end = offset.saturating_add(entries.len());
    let next = (end < total && !entries.is_empty()).then_some(end);
    Page { entries, total, next }
}

/// Whether a condition can be decided by what stands at the head of a resource: no other is followed, none
/// is read whole.
pub fn is_decided(term: &Term) -> bool {
    match term {
        Term::Id(_) | Term::LastUpdated(_) | Term::Index { .. } | Term::Missing { .. } => true,
        Term::Any(terms) => terms.iter().all(is_decided),
        Term::Chain(_) | Term::Has(_) | Term::Tree(_) | Term::Read(_) => false,
    }
}

fn holds(term: &Term, entry: &Entry, updated_at: i64) -> bool {
    match term {
        Term::Id(ids) => ids.contains(&entry.id),
        Term::LastUpdated(any_of) => any_of.iter().any(|interval| within(interval, updated_at, updated_at)),
        Term::Index { parameter, any_of, negated } => {
            let mut rows = entry.rows.iter().filter(|row| row.parameter == *parameter);
            rows.any(|row| any_of.iter().any(|wanted| matches(wanted, row))) != *negated
        }
        Term::Missing { parameter, missing } => entry.rows.iter().any(|row| row.parameter == *parameter) != *missing,
        Term::Any(terms) => terms.iter().any(|term| holds(term, entry, updated_at)),
        // Refused before: see `is_decided`.
        Term::Chain(_) | Term::Has(_) | Term::Tree(_) | Term::Read(_) => false,
    }
}

fn matches(wanted: &Match, row: &IndexEntry) -> bool {
    match wanted {
        Match::Exact(value) => row.value == *value,
        Match::Prefix(start) => row.value.starts_with(start),
        Match::Suffix(end) => row.value.ends_with(end),
        // What is folded stands before what is written.
        Match::Contains(part) => row.value.split('\u{1}').next().is_some_and(|folded| folded.contains(part)),
        Match::Interval(interval) => within(interval, row.low, row.high),
        Match::Measured(start, interval) => row.value.starts_with(start) && within(interval, row.low, row.high),
    }
}

fn within(interval: &Interval, low: i64, high: i64) -> bool {
    interval.low_from.is_none_or(|bound| low >= bound)
        && interval.low_to.is_none_or(|bound| low <= bound)
        && interval.high_from.is_none_or(|bound| high >= bound)
        && interval.high_to.is_none_or(|bound| high <= bound)
}

//! Proofs of FHIR search: what a resource is found under and what a query asks.

mod chains;
mod custom;
mod dates;
mod fiche;
mod index;
mod paging;
mod parameters;
mod parse;
mod path;
mod patient;
mod quantity;
mod random;
mod reading;
mod subset;
mod view;

use espace::error::Issue;
use espace::fhir::search::{IndexEntry, Interval, Match, Naming, Options, Search, Term, parse};

pub(crate) const BASE: &str = "https://localhost:8443/fhir";

/// Two names of one code system, as the terminology tables will give them.
pub(crate) fn canonical(system: &str) -> Option<&'static str> {
    match system {
        "urn:oid:2.16.840.1.113883.6.1" => Some("http://loinc.org"),
        "urn:oid:1.2.250.1.213.1.1.4.1" => {
            Some("https://mos.esante.gouv.fr/NOS/TRE_A03-ClasseDocument/FHIR/TRE-A03-ClasseDocument")
        }
        _ => None,
    }
}

pub(crate) const NAMING: Naming<'static> = Naming { base: BASE, canonical_system: &canonical };

pub(crate) fn options(strict: bool) -> Options<'static> {
    let now = "2026-07-01T12:00:00Z".parse().unwrap();
    Options { strict, max_count: 100, now, naming: NAMING }
}

/// Reads `a=1&b=2`; a value may hold `=`.
pub(crate) fn read(kind: &str, query: &str, strict: bool) -> Result<Search, Vec<Issue>> {
    let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let pairs: Vec<_> = query.split('&').filter_map(pair).collect();
    parse(kind, &pairs, &options(strict))
}

/// Whether a resource with these rows satisfies a search, as the store would decide.
pub(crate) fn is_found(entries: &[IndexEntry], search: &Search) -> bool {
    search.terms.iter().all(|term| is_fulfilled(entries, term))
}

/// What leads out of the resource finds nothing here: there is nothing but the resource.
fn is_fulfilled(entries: &[IndexEntry], term: &Term) -> bool {
    match term {
        Term::Index { parameter, any_of, negated } => {
            let mut rows = entries.iter().filter(|entry| entry.parameter == *parameter);
            rows.any(|entry| any_of.iter().any(|wanted| matches(entry, wanted))) != *negated
        }
        Term::Missing { parameter, missing } => entries.iter().any(|entry| entry.parameter == *parameter) != *missing,
        Term::Any(terms) => terms.iter().any(|term| is_fulfilled(entries, term)),
        Term::Id(_) | Term::LastUpdated(_) => true,
        Term::Chain(_) | Term::Has(_) | Term::Tree(_) | Term::Read(_) => false,
    }
}

fn matches(entry: &IndexEntry, wanted: &Match) -> bool {
    match wanted {
        Match::Exact(value) => entry.value == *value,
        Match::Prefix(start) => entry.value.starts_with(start.as_str()),
        Match::Suffix(end) => entry.value.ends_with(end.as_str()),
        Match::Contains(part) => entry.value.contains(part.as_str()),
        Match::Interval(interval) => stands(entry.low, entry.high, *interval),
        Match::Measured(start, interval) => {
            entry.value.starts_with(start.as_str()) && stands(entry.low, entry.high, *interval)
        }
    }
}

fn stands(low: i64, high: i64, interval: Interval) -> bool {
    interval.low_from.is_none_or(|bound| low >= bound)
        && interval.low_to.is_none_or(|bound| low <= bound)
        && interval.high_from.is_none_or(|bound| high >= bound)
        && interval.high_to.is_none_or(|bound| high <= bound)
}

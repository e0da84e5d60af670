//! Dates: precision, zones, periods and prefixes (R4 search §date).

use espace::fhir::search::index;
use serde_json::json;

use super::{NAMING, is_found, read};

/// Row, query, whether it is found.
const POINTS: &[(&str, &str, bool)] = &[
    // eq: the value contains the row.
    ("2026-06-12T10:00:00Z", "2026-06-12", true),
    ("2026-06-12T10:00:00Z", "2026-06", true),
    ("2026-06-12T10:00:00Z", "2026", true),
    ("2026-06-12T10:00:00Z", "2026-06-12T10:00", true),
    ("2026-06-12T10:00:00Z", "2026-06-12T10:00:00Z", true),
    ("2026-06-12T10:00:00.5Z", "2026-06-12T10:00:00Z", true),
    ("2026-06-12T10:00:00Z", "2026-06-12T10:00:00.0Z", false),
    ("2026-06", "2026-06-12", false),
    ("2026-06", "2026-06", true),
    // Zones.
    ("2026-06-12T00:30:00+02:00", "2026-06-11", true),
    ("2026-06-12T00:30:00+02:00", "2026-06-12", false),
    ("2026-06-12T00:30:00+02:00", "2026-06-11T22:30:00Z", true),
    ("2026-06-12T00:30:00+02:00", "2026-06-11T17:30:00-05:00", true),
    // Prefixes against an instant.
    ("2026-06-12T10:00:00Z", "ne2026-06-12", false),
    ("2026-06-12T10:00:00Z", "ne2026-06-13", true),
    ("2026-06-12T10:00:00Z", "gt2026-06-11", true),
    ("2026-06-12T10:00:00Z", "gt2026-06-12", false),
    ("2026-06-12T10:00:00Z", "ge2026-06-12", true),
    ("2026-06-12T10:00:00Z", "lt2026-06-12", false),
    ("2026-06-12T10:00:00Z", "lt2026-06-12T10:00:01Z", true),
    ("2026-06-12T10:00:00Z", "le2026-06-12", true),
    ("2026-06-12T10:00:00Z", "sa2026-06-11", true),
    ("2026-06-12T10:00:00Z", "sa2026-06-12", false),
    ("2026-06-12T10:00:00Z", "eb2026-06-13", true),
    ("2026-06-12T10:00:00Z", "eb2026-06-12", false),
    ("2026-06-12T10:00:00Z", "ap2026-06-11", true),
    ("2026-06-12T10:00:00Z", "ap2026-01-01", false),
    // Several values: one is enough.
    ("2026-06-12T10:00:00Z", "2025,2026", true),
    // The last day of a leap February, the ends of time.
    ("2024-02-29", "2024-02", true),
    ("0001-01-01", "lt9999", true),
];

fn period(start: Option<&str>, end: Option<&str>) -> serde_json::Value {
    let mut period = serde_json::Map::new();
    period.extend(start.map(|start| ("start".to_owned(), json!(start))));
    period.extend(end.map(|end| ("end".to_owned(), json!(end))));
    json!({ "resourceType": "DocumentReference", "context": { "period": period } })
}

#[test]
fn a_date_stands_for_all_the_time_it_covers() {
    for (row, query, expected) in POINTS {
        let entries = index(&json!({ "resourceType": "DocumentReference", "date": row }), &NAMING);
        let search = read("DocumentReference", &format!("date={query}"), true).unwrap();
        assert_eq!(is_found(&entries, &search), *expected, "{row} under date={query}");
    }
}

#[test]
fn a_period_is_found_by_what_it_overlaps_and_is_endless_where_open() {
    let june = period(Some("2026-06-10"), Some("2026-06-20"));
    let open = period(Some("2026-06-10"), None);
    let since_ever = period(None, Some("2026-06-20"));
    for (resource, query, expected) in [
        (&june, "ge2026-06-15", true),
        (&june, "lt2026-06-15", true),
        (&june, "2026-06", true),
        (&june, "2026-06-15", false),
        (&june, "sa2026-06-09", true),
        (&june, "eb2026-06-20", false),
        (&june, "ap2026-06-15", true),
        (&june, "ge2026-06-21", false),
        (&open, "ge2050", true),
        (&open, "lt2026-06-10", false),
        (&open, "eb9999", false),
        (&since_ever, "le1900", true),
        (&since_ever, "gt2026-06-20", false),
    ] {
        let search = read("DocumentReference", &format!("period={query}"), true).unwrap();
        assert_eq!(is_found(&index(resource, &NAMING), &search), expected, "{resource} under {query}");
    }
}

#[test]
fn two_bounds_are_two_conditions() {
    let entries = index(&json!({ "resourceType": "DocumentReference", "date": "2026-06-12" }), &NAMING);
    for (query, expected) in
        [("date=ge2026-06-01&date=lt2026-07-01", true), ("date=ge2026-06-01&date=lt2026-06-12", false)]
    {
        let search = read("DocumentReference", query, true).unwrap();
        assert_eq!(search.terms.len(), 2);
        assert_eq!(is_found(&entries, &search), expected, "{query}");
    }
}

#[test]
fn what_is_no_date_is_refused() {
    for value in [
        "",
        "hier",
        "2026-13",
        "2026-02-30",
        "20260612",
        "2026-6-12",
        "2026-06-12T",
        "2026-06-12T25:00",
        "xx2026",
        "2026-06-12T10:00:00+25:00",
        "2026-06-12T10:00:00.Z",
        "2026-06-12T10:00:00.1234567x",
        "ge",
        "2026-06-12,",
        "T10:00",
        "2026T10:00",
        "é2026",
    ] {
        assert!(read("DocumentReference", &format!("date={value}"), false).is_err(), "{value}");
    }
}

#[test]
fn a_timing_covers_its_events_or_its_bounds() {
    let events = json!({ "resourceType": "ServiceRequest",
        "occurrenceTiming": { "event": ["2026-06-20", "2026-06-10"], "repeat": { "frequency": 1 } } });
    let bounds = json!({ "resourceType": "ServiceRequest",
        "occurrenceTiming": { "repeat": { "boundsPeriod": { "start": "2026-06-10", "end": "2026-06-20" } } } });
    let search = read("ServiceRequest", "occurrence=2026-06", true).unwrap();
    for resource in [events, bounds] {
        let entries = index(&resource, &NAMING);
        assert!(is_found(&entries, &search), "{resource}");
    }
}

//! Every error-level invariant of R4 is checked, or listed as not checked (house rules §8).

use std::collections::BTreeSet;
use std::path::Path;

use espace::fhir::validate;

/// Invariants the walk itself holds to: ele-1, dom-2, ref-1, txt-1, txt-2.
const BY_THE_WALK: [&str; 5] = ["dom-2", "ele-1", "ref-1", "txt-1", "txt-2"];
/// The list may only shrink.
const MOST_UNCHECKED: usize = 152;

/// The first two columns of a table.
fn table(path: &str) -> BTreeSet<(String, String)> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let columns = |line: &str| {
        let mut columns = line.splitn(3, ',');
        (columns.next().unwrap().to_owned(), columns.next().unwrap().to_owned())
    };
    text.lines().skip(1).map(columns).collect()
}

#[test]
fn each_invariant_has_its_function_or_its_line_in_the_list_of_what_is_not_checked() {
    let unchecked = table("schemas/profiles/UNCHECKED.csv");
    assert!(unchecked.len() <= MOST_UNCHECKED, "{} lines", unchecked.len());
    let checked: BTreeSet<(String, String)> =
        validate::invariants().map(|(kind, key)| (key.to_owned(), kind.to_owned())).collect();
    for (key, path) in table("schemas/fhir-r4/invariants.csv") {
        let by_walk = BY_THE_WALK.contains(&key.as_str());
        // ext-1 is stated of the element `Extension.extension` as well: the same type.
        let own =
            checked.iter().any(|(known, kind)| *known == key && (path == *kind || path == format!("{kind}.extension")));
        let listed = unchecked.contains(&(key.clone(), path.clone()));
        assert!(own || by_walk || listed, "{key} of {path} is neither checked nor listed");
        assert!(!(listed && (own || by_walk)), "{key} of {path} is checked: take it off the list");
    }
}

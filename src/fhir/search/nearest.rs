//! The valid name nearest to an unknown one, for the warning that is owed (contract §8).

use super::{control, table};

/// The parameter of `kind` whose name is nearest to `name`, if any is near.
pub(super) fn nearest(kind: &str, name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    if name.len() > 64 {
        return None;
    }
    let limit = (name.len() / 3).max(2);
    let common = table::of("Resource").iter().filter(|parameter| name.starts_with('_') || parameter.code == "_id");
    table::of(kind)
        .iter()
        .chain(common)
        .map(|parameter| parameter.code)
        .chain(control::RESULT_PARAMETERS)
        .map(|code| (distance(name.as_bytes(), code.to_ascii_lowercase().as_bytes()), code))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, code)| code)
}

/// Insertions, deletions and replacements between two names.
fn distance(one: &[u8], other: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, left) in one.iter().enumerate() {
        let mut diagonal = line;
        let mut before = line + 1;
        if let Some(first) = row.first_mut() {
            *first = before;
        }
        for (right, cell) in other.iter().zip(row.iter_mut().skip(1)) {
            let replaced = diagonal + usize::from(left != right);
            diagonal = *cell;
            *cell = replaced.min(before + 1).min(diagonal + 1);
            before = *cell;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_finds_its_parameter() {
        assert_eq!(nearest("DocumentReference", "satus"), Some("status"));
        assert_eq!(nearest("DocumentReference", "Category"), Some("category"));
        assert_eq!(nearest("List", "designation-type"), Some("designationType"));
        assert_eq!(nearest("DocumentReference", "_cout"), Some("_count"));
        assert_eq!(nearest("DocumentReference", "targetCommunityIdList"), None);
    }

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance(b"kitten", b"sitting"), 3);
        assert_eq!(distance(b"", b"abc"), 3);
    }
}

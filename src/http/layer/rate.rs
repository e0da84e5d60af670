//! How many existence tests and unknown-INS answers a structure may draw in a minute (contract §6).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::ids::StructureId;

/// Counts per structure and civil minute of the real clock.
#[derive(Debug)]
pub(crate) struct ExistenceLimit {
    per_minute: u32,
    counts: Mutex<(i64, HashMap<StructureId, u32>)>,
}

impl ExistenceLimit {
    /// At most `per_minute` answers.
    pub(crate) fn new(per_minute: u32) -> Self {
        Self { per_minute, counts: Mutex::new((0, HashMap::new())) }
    }

    /// Whether the structure has used up this minute's answers.
    pub(crate) fn is_spent(&self, structure: &StructureId, now: Timestamp) -> bool {
        self.with(now, |counts| counts.get(structure).is_some_and(|count| *count >= self.per_minute))
    }

    /// Counts one more answer.
    pub(crate) fn count(&self, structure: &StructureId, now: Timestamp) {
        self.with(now, |counts| {
            let count = counts.entry(structure.clone()).or_default();
            *count = count.saturating_add(1);
        });
    }

    fn with<T>(&self, now: Timestamp, use_counts: impl FnOnce(&mut HashMap<StructureId, u32>) -> T) -> T {
        let minute = now.as_second() / 60;
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.0 != minute {
            *counts = (minute, HashMap::new());
        }
        use_counts(&mut counts.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_holds_per_structure_and_minute() {
        let limit = ExistenceLimit::new(2);
        let (cabinet, hopital) = ("401234567897001".parse().unwrap(), "1750803447".parse().unwrap());
        let at = |second| Timestamp::from_second(second).unwrap();
        limit.count(&cabinet, at(0));
        assert!(!limit.is_spent(&cabinet, at(1)));
        limit.count(&cabinet, at(1));
        assert!(limit.is_spent(&cabinet, at(59)));
        assert!(!limit.is_spent(&hopital, at(59)));
        assert!(!limit.is_spent(&cabinet, at(60)));
    }
}

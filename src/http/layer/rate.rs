//! How many existence tests and unknown-INS answers a structure may draw in a minute (contract §6).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::error::Code;
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

    /// Counts one more answer; refuses it beyond the limit.
    pub(crate) fn admit(&self, structure: &StructureId, now: Timestamp) -> Result<(), Code> {
        let minute = now.as_second() / 60;
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.0 != minute {
            *counts = (minute, HashMap::new());
        }
        let count = counts.1.entry(structure.clone()).or_default();
        if *count >= self.per_minute {
            return Err(Code::TooManyRequests);
        }
        *count += 1;
        Ok(())
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
        assert_eq!(limit.admit(&cabinet, at(0)), Ok(()));
        assert_eq!(limit.admit(&cabinet, at(1)), Ok(()));
        assert_eq!(limit.admit(&cabinet, at(59)), Err(Code::TooManyRequests));
        assert_eq!(limit.admit(&hopital, at(59)), Ok(()));
        assert_eq!(limit.admit(&cabinet, at(60)), Ok(()));
    }
}

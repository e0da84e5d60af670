//! Where new ids and random bytes come from: a parameter, so that tests are repeatable.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::PatientKey;

/// A source of ids and of random bytes.
pub trait IdSource: Send + Sync + fmt::Debug {
    /// Fills `bytes` with random bytes.
    fn fill(&self, bytes: &mut [u8]);

    /// A UUIDv7 of the instant `at` (RFC 9562 §5.7).
    fn uuid(&self, at: Timestamp) -> Uuid {
        let mut random = [0_u8; 10];
        self.fill(&mut random);
        let millis = u64::try_from(at.as_millisecond()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    /// A new patient key.
    fn patient_key(&self) -> PatientKey {
        let mut random = [0_u8; 8];
        self.fill(&mut random);
        PatientKey::from_bits(i64::from_le_bytes(random))
    }
}

/// The operating system's randomness, through aws-lc.
#[derive(Debug, Default)]
pub struct SystemIds(SystemRandom);

impl IdSource for SystemIds {
    fn fill(&self, bytes: &mut [u8]) {
        // Without randomness no key, id or token is safe: stop rather than hand out zeros.
        if self.0.fill(bytes).is_err() {
            std::process::abort();
        }
    }
}

/// A repeatable sequence, for tests, replays and demonstration data only.
#[derive(Debug)]
pub struct SeededIds {
    seed: u64,
    drawn: AtomicU64,
}

impl SeededIds {
    /// The sequence of `seed`.
    pub const fn new(seed: u64) -> Self {
        Self { seed, drawn: AtomicU64::new(0) }
    }
}

impl IdSource for SeededIds {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let mut hasher = Sha256::new();
            hasher.update(self.seed.to_le_bytes());
            hasher.update(self.drawn.fetch_add(1, Ordering::Relaxed).to_le_bytes());
            for (byte, random) in chunk.iter_mut().zip(hasher.finalize()) {
                *byte = random;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_a_later_instant_sort_later() {
        let ids = SeededIds::new(1);
        let early = ids.uuid(Timestamp::from_second(1_000).unwrap());
        let late = ids.uuid(Timestamp::from_second(1_001).unwrap());
        assert!(early < late);
        assert_eq!(late.get_version_num(), 7);
    }
}

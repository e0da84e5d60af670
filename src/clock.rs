//! Time as a parameter: the one room that asks the operating system what time it is.
//!
//! Two clocks exist side by side (contract §1). The *domain* clock decides rules, trace times and
//! the life of the tokens we issue; it may be set by the operator of a development server. The
//! *real* clock decides certificates, CRLs and the assertions that clients sign.
#![expect(clippy::disallowed_methods, reason = "this room is the source of time for all others")]

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// A source of the current instant.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The current instant, UTC.
    fn now(&self) -> Timestamp;
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that starts at a chosen instant and runs on at the real pace.
#[derive(Debug, Clone, Copy)]
pub struct RunningClock {
    origin: Timestamp,
    started: std::time::Instant,
}

impl RunningClock {
    /// A clock that shows `origin` now.
    pub fn starting_at(origin: Timestamp) -> Self {
        Self { origin, started: std::time::Instant::now() }
    }
}

impl Clock for RunningClock {
    fn now(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.started.elapsed()).unwrap_or(SignedDuration::ZERO);
        self.origin.checked_add(elapsed).unwrap_or(Timestamp::MAX)
    }
}

/// A clock that moves only when told to: for tests and replays.
#[derive(Debug)]
pub struct FixedClock(Mutex<Timestamp>);

impl FixedClock {
    /// A clock that stands at `at`.
    pub fn at(at: Timestamp) -> Self {
        Self(Mutex::new(at))
    }

    /// Moves the clock forward (or back) by `by`.
    pub fn advance(&self, by: SignedDuration) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = now.checked_add(by).unwrap_or(Timestamp::MAX);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The two clocks of a server.
#[derive(Debug, Clone)]
pub struct Clocks {
    /// Decides rules, trace times and issued tokens.
    pub domain: Arc<dyn Clock>,
    /// Decides certificates, CRLs and clients' assertions.
    pub real: Arc<dyn Clock>,
}

impl Clocks {
    /// Both clocks are the operating system's: production.
    pub fn system() -> Self {
        Self { domain: Arc::new(SystemClock), real: Arc::new(SystemClock) }
    }
}

/// Measures how long something took, for metrics and time budgets.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Starts to measure.
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// The time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Microseconds since the epoch: the form in which instants are stored.
pub fn to_micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// The instant of a stored number of microseconds; values out of range saturate.
pub fn from_micros(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(if micros < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

//! Keeps the position of a development clock, so that it runs on from there at the next start
//! (contract §1). While the clock runs the position kept lies ahead of it: after a crash time goes
//! on a little later, but never back behind what was answered.

use jiff::{SignedDuration, Timestamp};

use crate::store::Store;

/// The name of the setting that holds the clock's position.
pub const CLOCK_SETTING: &str = "dev.clock";
/// How far ahead: longer than from one keeping to the next one.
const AHEAD: SignedDuration = SignedDuration::from_secs(15);

/// The position to be kept while the clock shows `now`, until it is kept again.
pub fn keep_ahead(now: Timestamp) -> Timestamp {
    now.saturating_add(AHEAD).unwrap_or(now)
}

/// Keeps a position.
pub(super) async fn keep(store: &Store, position: Timestamp) {
    let kept = store.system("clock.keep", move |tx| tx.put_setting(CLOCK_SETTING, &position.to_string()));
    if let Err(error) = kept.await {
        tracing::error!(code = error.code().row().name, "the position of the clock could not be kept");
    }
}

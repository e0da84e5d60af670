//! Keeps the position of a development clock, so that it runs on from there at the next start
//! (contract §1).

use jiff::Timestamp;

use crate::ops::Service;

/// The name of the setting that holds the clock's position.
pub const CLOCK_SETTING: &str = "dev.clock";

/// Keeps the position `now`.
pub async fn keep(service: &Service, now: Timestamp) {
    let kept = service.store.system("clock.keep", move |tx| tx.put_setting(CLOCK_SETTING, &now.to_string()));
    if let Err(error) = kept.await {
        tracing::error!(code = error.code().row().name, "the position of the clock could not be kept");
    }
}

//! Signs the heads of the traces' chains, so that a truncated chain shows (house rules §4.7).

use std::sync::Arc;

use super::Works;
use crate::error::{Code, Error};

/// Chains in one seal.
const CHAINS: i64 = 10_000;

/// Seals whatever has grown since the last seal.
pub(super) async fn seal(works: &Works) {
    let at = works.clocks.real.now();
    loop {
        let key = Arc::clone(&works.seal_key);
        let sealed = works.service.store.seal(at, CHAINS, move |payload| {
            key.sign(payload).map_err(|error| Error::from(Code::Internal).because(error))
        });
        match sealed.await {
            Ok(sealed) if i64::try_from(sealed).unwrap_or(i64::MAX) >= CHAINS => {}
            Ok(_) => return,
            Err(error) => {
                tracing::error!(code = error.code().row().name, "the heads of the chains could not be sealed");
                return;
            }
        }
    }
}

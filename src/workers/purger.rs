//! Forgets the client assertions that have expired: they can no longer be used twice (RFC 7523 §3).

use super::Works;

/// One round.
pub(super) async fn purge(works: &Works) {
    // An assertion that one of the clocks still takes is kept.
    let now = works.clocks.real.now().min(works.clocks.domain.now());
    match works.service.store.system("token.purge", move |tx| tx.purge_assertions(now)).await {
        Ok(0) => {}
        Ok(purged) => tracing::debug!(purged, "expired assertions forgotten"),
        Err(error) => tracing::error!(code = error.code().row().name, "expired assertions could not be forgotten"),
    }
}

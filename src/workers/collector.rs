//! Deletes document files that no row names: what a crash between file and commit left behind.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::SignedDuration;
use uuid::Uuid;

use super::Works;
use crate::error::Error;
use crate::ops::Service;
use crate::store::BlobFile;
use crate::store::blob::orphan;

/// Longer than any request may last.
const GRACE: SignedDuration = SignedDuration::from_hours(1);
/// Rows read at a time.
const PAGE: i64 = 1_000;

/// One round.
pub(super) async fn collect(works: &Works) {
    let known = match named(&works.service).await {
        Ok(known) => Arc::new(known),
        Err(error) => {
            tracing::error!(code = error.code().row().name, "the files of documents could not be listed");
            return;
        }
    };
    let now = works.clocks.real.now();
    let collected = orphan::collect(&works.service.folder, now, GRACE, |ids| {
        let known = Arc::clone(&known);
        async move { Ok(ids.into_iter().filter(|id| known.contains(id)).collect()) }
    });
    match collected.await {
        Ok(collected) if collected.orphans + collected.leftovers > 0 => {
            tracing::info!(orphans = collected.orphans, leftovers = collected.leftovers, "files collected");
        }
        Ok(_) => {}
        Err(error) => tracing::error!(code = error.code().row().name, "orphan files could not be collected"),
    }
}

async fn named(service: &Service) -> Result<HashSet<Uuid>, Error> {
    let mut known = HashSet::new();
    let mut after: Option<BlobFile> = None;
    loop {
        let page = service.store.system_read("blob.files", move |tx| tx.list_blob_files(after, PAGE)).await?;
        let Some(last) = page.last() else { return Ok(known) };
        after = Some(*last);
        known.extend(page.iter().map(|file| file.id));
    }
}

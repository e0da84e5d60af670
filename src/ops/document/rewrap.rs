//! Documents put under the current master key: their keys are wrapped anew, their bytes stay as they
//! are (issue: storage; docs/OPERATIONS.md, "Keys and certificates").

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::Error;
use crate::ids::IdSource;
use crate::store::blob::{MasterKeys, master_of};
use crate::store::{BlobFile, Store};

/// Documents of one transaction: short enough for a server to go on beside.
const PAGE: i64 = 256;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rewrapped {
    /// Keys wrapped anew.
    pub changed: u64,
    /// Keys that were under the current master key already.
    pub kept: u64,
}

/// Wraps the keys of all documents anew under the current master key. May be stopped and run again,
/// beside servers that serve: a page of documents is one transaction.
pub async fn rewrap(store: &Store, keys: Arc<MasterKeys>, ids: Arc<dyn IdSource>) -> Result<Rewrapped, Error> {
    let mut sum = Rewrapped::default();
    let mut after = None;
    loop {
        let (keys, ids) = (Arc::clone(&keys), Arc::clone(&ids));
        let page = store.system("document.rewrap", move |tx| {
            let mut done = Rewrapped::default();
            let rows = tx.list_wrapped_keys(after, PAGE)?;
            for row in &rows {
                match keys.rewrap(row.place.id, &row.wrapped, ids.as_ref())? {
                    Some(wrapped) => done.changed += u64::from(tx.put_wrapped_key(row, &wrapped)?),
                    None => done.kept += 1,
                }
            }
            Ok((rows.last().map(|row| row.place), done))
        });
        let (last, done) = page.await?;
        sum.changed += done.changed;
        sum.kept += done.kept;
        match last {
            Some(place) => after = Some(place),
            None => return Ok(sum),
        }
    }
}

/// How many documents each master key wraps, by its id.
pub async fn wrapped_by(store: &Store) -> Result<BTreeMap<String, u64>, Error> {
    let mut found = BTreeMap::new();
    let mut after: Option<BlobFile> = None;
    loop {
        let rows = store.system_read("document.wrapped", move |tx| tx.list_wrapped_keys(after, PAGE)).await?;
        let Some(last) = rows.last() else { return Ok(found) };
        after = Some(last.place);
        for row in &rows {
            *found.entry(master_of(&row.wrapped)?.to_string()).or_default() += 1;
        }
    }
}

/// Whether the master keys open what they should: the key of the first document there is. True where
/// there is none.
pub async fn opens(store: &Store, keys: Arc<MasterKeys>) -> Result<bool, Error> {
    let opened = store.system_read("document.opens", move |tx| {
        let first = tx.list_wrapped_keys(None, 1)?;
        Ok(first.iter().all(|row| keys.unwrap(row.place.id, &row.wrapped).is_ok()))
    });
    opened.await
}

/// Whether there is a document at all.
pub async fn any(store: &Store) -> Result<bool, Error> {
    store.system_read("document.any", |tx| Ok(!tx.list_wrapped_keys(None, 1)?.is_empty())).await
}

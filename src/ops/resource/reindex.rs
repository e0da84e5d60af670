//! The search index filled anew: after a release that keeps other rows than the one before did
//! (another table of parameters, another form of values).

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::stamp::index;
use crate::error::{Code, Error};
use crate::fhir::search;
use crate::store::{ResourceKey, Store, Tx};

/// Raised whenever rows take another form although the table of parameters stays.
const FORM: &str = "4";
/// Where the store remembers what its rows were made by.
const SETTING: &str = "search-index";
/// Resources of one unit of work.
const PAGE: i64 = 200;

/// What the rows of this program are made by: the form, and every parameter with its expression.
fn generation() -> String {
    let mut digest = Sha256::new();
    for parameter in search::all() {
        digest.update(format!("{}|{}|{}\n", parameter.number, parameter.resource, parameter.expression));
    }
    let start = digest.finalize().iter().take(8).fold(0_u64, |start, byte| (start << 8) | u64::from(*byte));
    format!("{FORM}-{start:016x}")
}

/// Whether searches of this program find what the store holds.
pub async fn is_current(store: &Store) -> Result<bool, Error> {
    let kept = store.system_read("reindex.check", |tx| tx.find_setting(SETTING)).await?;
    Ok(kept.as_deref() == Some(generation().as_str()))
}

/// Fills the index anew if its rows were made otherwise; answers how many resources it read. What is
/// interrupted begins again.
pub async fn reindex(store: &Store) -> Result<u64, Error> {
    if is_current(store).await? {
        return Ok(0);
    }
    let (mut read, mut after) = (0, None);
    loop {
        let page = store.system("reindex", move |tx| {
            if after.is_none() {
                tx.clear_index()?;
            }
            page(tx, after)
        });
        let (count, last) = page.await?;
        read += count;
        match last {
            Some(last) => after = Some(last),
            None => return Ok(read),
        }
    }
}

/// Indexes one page; after the last one, which is empty, remembers that all is done.
fn page(tx: &mut Tx<'_>, after: Option<ResourceKey>) -> Result<(u64, Option<ResourceKey>), Error> {
    let page = tx.list_resources(after, PAGE)?;
    for kept in &page {
        let body: Value = serde_json::from_slice(&kept.resource.body).map_err(|_form| Error::from(Code::Internal))?;
        tx.put_index(kept.key, &index(&body))?;
    }
    if page.is_empty() {
        tx.put_setting(SETTING, &generation())?;
    }
    Ok((u64::try_from(page.len()).unwrap_or_default(), page.last().map(|kept| kept.key)))
}

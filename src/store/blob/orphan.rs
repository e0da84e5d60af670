//! Files that no row names: left by a crash, a refused commit or an erased record (issue: storage;
//! "orphan files collected").

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use tokio::fs::ReadDir;
use uuid::Uuid;

use super::folder::absent_is_fine;
use super::{BlobFolder, Fault};
use crate::error::Error;

/// Files asked about at once.
pub const PAGE: usize = 512;

/// What a collection found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Collected {
    /// Complete files that no row names, deleted.
    pub orphans: u64,
    /// Incomplete files, deleted.
    pub leftovers: u64,
    /// Complete files that a row names.
    pub named: u64,
    /// Files that are not ours, left alone.
    pub foreign: u64,
}

/// Deletes the files last written before `now - grace` that no row names.
///
/// `named` answers, for at most [`PAGE`] ids, which of them a row names; when it fails the collection
/// stops and nothing of that page is deleted. `now` is the real clock's: it is compared with the file
/// system's. The grace must exceed the longest request, for a file is complete before its row is.
pub async fn collect<F, Answer>(
    folder: &BlobFolder,
    now: Timestamp,
    grace: SignedDuration,
    mut named: F,
) -> Result<Collected, Error>
where
    F: FnMut(Vec<Uuid>) -> Answer,
    Answer: Future<Output = Result<HashSet<Uuid>, Error>>,
{
    let before = now.checked_sub(grace).unwrap_or(Timestamp::MIN);
    let mut sum = Collected::default();
    let mut staging = Shelf::open(folder.staging(), before).await?;
    while let Some((_, path)) = staging.next().await? {
        delete(&path, &mut sum.leftovers).await?;
    }
    sum.foreign = staging.foreign;
    for shelf in folder.shelves() {
        if !tokio::fs::try_exists(&shelf).await.map_err(Fault::from)? {
            continue;
        }
        let mut shelf = Shelf::open(shelf, before).await?;
        loop {
            let page = shelf.page().await?;
            if page.is_empty() {
                break;
            }
            let known = named(page.iter().map(|(id, _)| *id).collect()).await?;
            for (id, path) in page {
                if known.contains(&id) {
                    sum.named = sum.named.saturating_add(1);
                } else {
                    delete(&path, &mut sum.orphans).await?;
                }
            }
        }
        sum.foreign = sum.foreign.saturating_add(shelf.foreign);
    }
    Ok(sum)
}

async fn delete(path: &Path, count: &mut u64) -> Result<(), Fault> {
    absent_is_fine(tokio::fs::remove_file(path).await)?;
    *count = count.saturating_add(1);
    Ok(())
}

/// One directory, read file by file.
struct Shelf {
    files: ReadDir,
    before: Timestamp,
    foreign: u64,
}

impl Shelf {
    async fn open(path: PathBuf, before: Timestamp) -> Result<Self, Fault> {
        Ok(Self { files: tokio::fs::read_dir(path).await?, before, foreign: 0 })
    }

    /// The next file of ours that is old enough.
    async fn next(&mut self) -> Result<Option<(Uuid, PathBuf)>, Fault> {
        while let Some(file) = self.files.next_entry().await? {
            let Some(id) = file.file_name().to_str().and_then(|name| Uuid::try_parse(name).ok()) else {
                self.foreign = self.foreign.saturating_add(1);
                continue;
            };
            // A file deleted meanwhile has no date any more.
            let Ok(metadata) = file.metadata().await else { continue };
            let written = metadata.modified().ok().and_then(|at| Timestamp::try_from(at).ok());
            if written.is_some_and(|at| at < self.before) {
                return Ok(Some((id, file.path())));
            }
        }
        Ok(None)
    }

    async fn page(&mut self) -> Result<Vec<(Uuid, PathBuf)>, Fault> {
        let mut page = Vec::new();
        while page.len() < PAGE
            && let Some(file) = self.next().await?
        {
            page.push(file);
        }
        Ok(page)
    }
}

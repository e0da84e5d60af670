//! Signing keys put in force without a restart: the directory is looked at, and read again when its
//! files have changed or a retired key has served its time.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use jiff::Timestamp;

use super::{KeyError, KeyStore, Owner, SigningAlgorithm};

/// What tells that a file is another: its name, when it was written, how long it is.
type Stamp = Vec<(String, Option<SystemTime>, u64)>;

/// Looks after the keys of a directory.
#[derive(Debug)]
pub struct KeyWatch {
    directory: PathBuf,
    algorithm: SigningAlgorithm,
    owner: Owner,
    keys: Arc<ArcSwap<KeyStore>>,
    seen: Mutex<Stamp>,
}

impl KeyWatch {
    /// Opens the keys of a directory ([`KeyStore::open`]) and looks after them.
    pub fn open(directory: &Path, algorithm: SigningAlgorithm, owner: Owner, now: Timestamp) -> Result<Self, KeyError> {
        KeyStore::open(directory, algorithm, owner)?;
        let seen = Mutex::new(stamp(directory));
        let keys = Arc::new(ArcSwap::from_pointee(KeyStore::load_at(directory, algorithm, owner, now)?));
        Ok(Self { directory: directory.to_owned(), algorithm, owner, keys, seen })
    }

    /// The keys in force.
    pub fn keys(&self) -> Arc<ArcSwap<KeyStore>> {
        Arc::clone(&self.keys)
    }

    /// Puts in force what has changed; whether anything has. What cannot be read leaves the keys in
    /// force as they are, and is tried again when the files change once more. `now` is the real clock's.
    pub fn poll(&self, now: Timestamp) -> Result<bool, KeyError> {
        let found = stamp(&self.directory);
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if *seen == found && !self.keys.load().is_stale(now) {
                return Ok(false);
            }
            *seen = found;
        }
        let fresh = KeyStore::load_at(&self.directory, self.algorithm, self.owner, now)?;
        self.keys.store(Arc::new(fresh));
        Ok(true)
    }
}

fn stamp(directory: &Path) -> Stamp {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut stamp: Stamp = entries
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_key = ["signing-", "next-", "retired-"].iter().any(|prefix| name.starts_with(prefix));
            let is_whole = entry.path().extension().is_none_or(|extension| extension != "new");
            let metadata = entry.metadata().ok().filter(|_| is_key && is_whole)?;
            Some((name, metadata.modified().ok(), metadata.len()))
        })
        .collect();
    stamp.sort_unstable();
    stamp
}

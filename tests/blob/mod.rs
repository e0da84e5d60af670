//! Proofs of the bytes of documents: staged, read, collected, and cut out of bodies.

mod body;
mod keys;
mod markup;
mod orphans;
mod spools;
mod stages;
mod tampering;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use espace::error::Error;
use espace::ids::{PatientKey, SeededIds};
use espace::model::document::Blob;
use espace::store::blob::{BlobFolder, BlobLimits, Guard, MasterKeys, Stage};
use uuid::Uuid;

const KEY_FILE: &str = "k2 AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\n";

/// A blob directory of its own, removed in the end.
struct Vault {
    root: PathBuf,
    folder: BlobFolder,
    keys: MasterKeys,
    ids: SeededIds,
    limits: BlobLimits,
}

impl Vault {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("espace-blob-{}-{number}", std::process::id()));
        let folder = BlobFolder::open(&root).unwrap();
        let keys = MasterKeys::parse(KEY_FILE).unwrap();
        Self { root, folder, keys, ids: SeededIds::new(u64::from(number)), limits: BlobLimits::default() }
    }

    fn stage(&self, id: u128) -> Stage {
        Stage::new(Uuid::from_u128(id), &self.ids, self.limits, &self.folder).unwrap()
    }

    async fn store(&self, id: u128, plain: &[u8]) -> Result<(Blob, Guard), Error> {
        let mut stage = self.stage(id);
        for chunk in plain.chunks(30_011) {
            stage.write(chunk)?;
            stage.spill().await?;
        }
        Ok(stage.finish(&self.keys).await?.into_blob(PatientKey::from_bits(42), "application/pdf"))
    }

    /// A committed document.
    async fn kept(&self, id: u128, plain: &[u8]) -> Blob {
        let (blob, mut guard) = self.store(id, plain).await.unwrap();
        guard.keep();
        blob
    }

    /// Every file in the blob directory.
    fn files(&self) -> Vec<PathBuf> {
        let list = |dir: &Path| std::fs::read_dir(dir).unwrap().map(|file| file.unwrap().path()).collect::<Vec<_>>();
        list(&self.root).iter().flat_map(|shelf| list(shelf)).collect()
    }

    /// Deletions run beside the request: waits until only `expected` is left.
    async fn settles_to(&self, expected: &[PathBuf]) {
        for _ in 0..500 {
            if self.files() == expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{:?}", self.files());
    }

    async fn vanished(&self) {
        self.settles_to(&[]).await;
    }
}

impl Drop for Vault {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

/// Bytes that do not repeat soon.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

//! A document on its way in: hashed and encrypted in one pass, in memory while small, else in a file
//! (issue: storage; "SHA-1 and SHA-256 in one pass", "files made durable before the commit").

use std::fmt;

use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use tokio::fs::File;
use uuid::Uuid;

use super::cipher::SEGMENT;
use super::folder::apart;
use super::sealer::{Sealed, SealedBytes, Sealer, Spill};
use super::{BlobFolder, BlobLimits, Fault, Guard, MasterKeys, wide};
use crate::error::{Code, Error};
use crate::ids::{IdSource, PatientKey};
use crate::model::document::{Blob, BlobPlace};

/// A document being received.
///
/// [`Stage::write`] only computes; [`Stage::spill`], called between two chunks of the request, moves
/// what exceeds the inline limit to the file, so that memory stays bounded and no worker waits on a disk.
pub struct Stage {
    sealer: Sealer,
    wrap_nonce: [u8; 12],
    folder: BlobFolder,
    limits: BlobLimits,
    sha1: Sha1,
    sha256: Sha256,
    captured: Vec<u8>,
}

impl Stage {
    /// Begins the document `id` (the Binary's id), under a new random key.
    pub fn new(id: Uuid, ids: &dyn IdSource, limits: BlobLimits, folder: &BlobFolder) -> Result<Self, Error> {
        let mut wrap_nonce = [0_u8; 12];
        ids.fill(&mut wrap_nonce);
        Ok(Self {
            sealer: Sealer::new(id, ids, limits.inline, folder)?,
            wrap_nonce,
            folder: folder.clone(),
            limits,
            sha1: Sha1::new(),
            sha256: Sha256::new(),
            captured: Vec::new(),
        })
    }

    /// Takes the next bytes of the document: hashes, captures and encrypts them. Touches no disk.
    /// Over the limit: [`Code::TooLarge`], and the stage is of no further use.
    pub fn write(&mut self, plain: &[u8]) -> Result<(), Error> {
        if self.size().saturating_add(wide(plain.len())) > self.limits.document {
            return Err(Code::TooLarge.into());
        }
        self.keep_beginning(plain);
        // Piece by piece, so that all three passes find the bytes in the cache.
        for piece in plain.chunks(SEGMENT) {
            self.sha1.update(piece);
            self.sha256.update(piece);
            self.sealer.write(piece)?;
        }
        Ok(())
    }

    /// Keeps what is still wanted of the beginning, with room for no more than is ever wanted.
    fn keep_beginning(&mut self, plain: &[u8]) {
        let limit = self.limits.capture.min(BlobLimits::LARGEST_CAPTURE);
        let wanted = limit.saturating_sub(self.captured.len());
        let kept = plain.get(..wanted).unwrap_or(plain);
        if self.captured.capacity() < self.captured.len().saturating_add(kept.len()) {
            let doubled = self.captured.capacity().saturating_mul(2).min(limit);
            self.captured.reserve_exact(doubled.saturating_sub(self.captured.len()).max(kept.len()));
        }
        self.captured.extend_from_slice(kept);
    }

    /// The first bytes of the document in the clear, as many as the capture limit allows.
    pub fn capture(&self) -> &[u8] {
        &self.captured
    }

    /// Bytes received so far.
    pub const fn size(&self) -> u64 {
        self.sealer.size()
    }

    /// Moves sealed segments to the file once the document has outgrown the inline limit.
    pub async fn spill(&mut self) -> Result<(), Error> {
        Ok(self.sealer.spill().await?)
    }

    /// Seals the last segment and makes the file, if there is one, durable under its final name.
    pub async fn finish(self, keys: &MasterKeys) -> Result<Staged, Error> {
        let Sealed { key, size, bytes } = self.sealer.end_packed().await?;
        let wrapped_key = keys.wrap_with(&key, self.wrap_nonce)?;
        let id = key.document();
        let (place, guard) = match bytes {
            SealedBytes::Memory(bytes) => (BlobPlace::Inline(bytes), Guard::over(None)),
            SealedBytes::File(spill) => (BlobPlace::File, settle(spill, id, &self.folder).await?),
        };
        let (sha1, sha256) = (self.sha1.finalize().into(), self.sha256.finalize().into());
        Ok(Staged { id, size, sha1, sha256, wrapped_key, place, guard, captured: self.captured })
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage").field("id", &self.sealer.id()).field("size", &self.size()).finish_non_exhaustive()
    }
}

/// Durable bytes first, then the name, then the name durable: after a crash the file is whole or orphaned.
async fn settle(spill: Spill, id: Uuid, folder: &BlobFolder) -> Result<Guard, Fault> {
    let file = spill.file;
    apart(move || file.sync_all()).await??;
    let mut guard = spill.guard;
    let (shelf, path) = (folder.make_shelf_of(id).await?, folder.path_of(id));
    tokio::fs::rename(folder.staging_path_of(id), &path).await?;
    guard.moved_to(path);
    File::open(shelf).await?.sync_all().await?;
    Ok(guard)
}

/// A document received in full, encrypted and durable, that no row names yet.
pub struct Staged {
    id: Uuid,
    size: u64,
    sha1: [u8; 20],
    sha256: [u8; 32],
    wrapped_key: Vec<u8>,
    place: BlobPlace,
    guard: Guard,
    captured: Vec<u8>,
}

impl Staged {
    /// The Binary's id.
    pub const fn id(&self) -> Uuid {
        self.id
    }

    /// Size of the raw bytes.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// SHA-1 of the raw bytes.
    pub const fn sha1(&self) -> [u8; 20] {
        self.sha1
    }

    /// SHA-256 of the raw bytes.
    pub const fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// The first bytes of the document in the clear, for its header.
    pub fn capture(&self) -> &[u8] {
        &self.captured
    }

    /// Whether [`Staged::capture`] is the whole document.
    pub fn is_captured_whole(&self) -> bool {
        wide(self.captured.len()) == self.size
    }

    /// The row of the document, and the guard over its file.
    pub fn into_blob(self, patient: PatientKey, content_type: impl Into<String>) -> (Blob, Guard) {
        let blob = Blob {
            patient,
            id: self.id,
            sealed_as: self.id,
            content_type: content_type.into(),
            size: i64::try_from(self.size).unwrap_or(i64::MAX),
            sha1: self.sha1,
            sha256: self.sha256,
            wrapped_key: self.wrapped_key,
            place: self.place,
        };
        (blob, self.guard)
    }
}

impl fmt::Debug for Staged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Staged").field("id", &self.id).field("size", &self.size).finish_non_exhaustive()
    }
}

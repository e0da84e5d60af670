//! A document on its way in: hashed and encrypted in one pass, in memory while small, else in a file
//! (issue: storage; "SHA-1 and SHA-256 in one pass", "files made durable before the commit").

use std::fmt;

use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;
use uuid::Uuid;

use super::cipher::{DocumentKey, SEGMENT};
use super::{BlobFolder, BlobLimits, Fault, Guard, MasterKeys, wide};
use crate::error::{Code, Error};
use crate::ids::{IdSource, PatientKey};
use crate::model::document::{Blob, BlobPlace};

/// A document being received.
///
/// [`Stage::write`] only computes; [`Stage::spill`], called between two chunks of the request, moves
/// what exceeds the inline limit to the file, so that memory stays bounded and no worker waits on a disk.
pub struct Stage {
    key: DocumentKey,
    wrap_nonce: [u8; 12],
    folder: BlobFolder,
    limits: BlobLimits,
    size: u64,
    sha1: Sha1,
    sha256: Sha256,
    /// Sealed segments not yet in the file, then the plaintext of the segment being filled.
    pending: Vec<u8>,
    /// Where in `pending` the plaintext begins.
    sealed: usize,
    /// The number of the segment being filled.
    segment: u64,
    captured: Vec<u8>,
    spill: Option<Spill>,
}

struct Spill {
    file: File,
    guard: Guard,
}

impl Stage {
    /// Begins the document `id` (the Binary's id), under a new random key.
    pub fn new(id: Uuid, ids: &dyn IdSource, limits: BlobLimits, folder: &BlobFolder) -> Result<Self, Error> {
        let mut wrap_nonce = [0_u8; 12];
        ids.fill(&mut wrap_nonce);
        Ok(Self {
            key: DocumentKey::random(id, ids)?,
            wrap_nonce,
            folder: folder.clone(),
            limits,
            size: 0,
            sha1: Sha1::new(),
            sha256: Sha256::new(),
            pending: Vec::new(),
            sealed: 0,
            segment: 0,
            captured: Vec::new(),
            spill: None,
        })
    }

    /// Takes the next bytes of the document: hashes, captures and encrypts them. Touches no disk.
    /// Over the limit: [`Code::TooLarge`], and the stage is of no further use.
    pub fn write(&mut self, plain: &[u8]) -> Result<(), Error> {
        self.size = self.size.saturating_add(wide(plain.len()));
        if self.size > self.limits.document {
            return Err(Code::TooLarge.into());
        }
        let capture = self.limits.capture.min(BlobLimits::LARGEST_CAPTURE).saturating_sub(self.captured.len());
        self.captured.extend_from_slice(plain.get(..capture).unwrap_or(plain));
        let mut rest = plain;
        while !rest.is_empty() {
            // A full segment is sealed only when more follows: till then it may be the last one.
            if self.open_length() == SEGMENT {
                self.seal(false)?;
            }
            let room = SEGMENT.saturating_sub(self.open_length()).min(rest.len());
            let Some((piece, after)) = rest.split_at_checked(room) else { break };
            self.sha1.update(piece);
            self.sha256.update(piece);
            self.pending.extend_from_slice(piece);
            rest = after;
        }
        Ok(())
    }

    /// The first bytes of the document in the clear, as many as the capture limit allows.
    pub fn capture(&self) -> &[u8] {
        &self.captured
    }

    /// Bytes received so far.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Moves sealed segments to the file once the document has outgrown the inline limit.
    pub async fn spill(&mut self) -> Result<(), Error> {
        if self.size > self.limits.inline && self.sealed > 0 {
            self.write_sealed().await?;
        }
        Ok(())
    }

    /// Seals the last segment and makes the file, if there is one, durable under its final name.
    pub async fn finish(mut self, keys: &MasterKeys) -> Result<Staged, Error> {
        self.seal(true)?;
        let wrapped_key = keys.wrap_with(&self.key, self.wrap_nonce)?;
        let id = self.key.document();
        let (place, guard) = if self.size > self.limits.inline {
            self.write_sealed().await?;
            let spill = self.spill.take().ok_or(Fault::Length)?;
            (BlobPlace::File, settle(spill, id, &self.folder).await?)
        } else {
            (BlobPlace::Inline(self.pending), Guard::over(None))
        };
        Ok(Staged {
            id,
            size: self.size,
            sha1: self.sha1.finalize().into(),
            sha256: self.sha256.finalize().into(),
            wrapped_key,
            place,
            guard,
            captured: self.captured,
        })
    }

    /// Bytes in the segment being filled.
    fn open_length(&self) -> usize {
        self.pending.len().saturating_sub(self.sealed)
    }

    fn seal(&mut self, last: bool) -> Result<(), Fault> {
        let open = self.pending.get_mut(self.sealed..).unwrap_or_default();
        let tag = self.key.seal(self.segment, last, open)?;
        self.pending.extend_from_slice(&tag);
        self.sealed = self.pending.len();
        self.segment = self.segment.saturating_add(1);
        Ok(())
    }

    async fn write_sealed(&mut self) -> Result<(), Fault> {
        let spill = match &mut self.spill {
            Some(spill) => spill,
            None => self.spill.insert(begin(self.key.document(), &self.folder).await?),
        };
        spill.file.write_all(self.pending.get(..self.sealed).unwrap_or_default()).await?;
        self.pending.drain(..self.sealed);
        self.sealed = 0;
        Ok(())
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage").field("key", &self.key).field("size", &self.size).finish_non_exhaustive()
    }
}

/// Opens the staging file; the guard removes it if the request ends before the document does.
async fn begin(id: Uuid, folder: &BlobFolder) -> Result<Spill, Fault> {
    let path = folder.staging_path_of(id);
    let mut options = tokio::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    options.mode(0o600);
    let file = options.open(&path).await?;
    Ok(Spill { file, guard: Guard::over(Some(path)) })
}

/// Durable bytes first, then the name, then the name durable: after a crash the file is whole or orphaned.
async fn settle(mut spill: Spill, id: Uuid, folder: &BlobFolder) -> Result<Guard, Fault> {
    spill.file.flush().await?;
    spill.file.sync_all().await?;
    let path = folder.path_of(id);
    tokio::fs::rename(folder.staging_path_of(id), &path).await?;
    spill.guard.moved_to(path);
    File::open(folder.shelf_of(id)).await?.sync_all().await?;
    Ok(spill.guard)
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

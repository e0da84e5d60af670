//! Bytes encrypted as they arrive, in memory while few, else in a staging file (issue: storage).

use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;

use uuid::Uuid;

use super::cipher::{DocumentKey, Part, SEALED_SEGMENT, SEGMENT};
use super::folder::apart;
use super::{BlobFolder, Fault, Guard, PACKED_UP_TO, wide};
use crate::ids::IdSource;
use crate::store::compress::{self, Kind};

/// Room for the segment that is written and the one that is filled meanwhile.
const ROOM: usize = 2 * SEALED_SEGMENT;

/// Cuts plaintext into segments and seals them; what a stage and a spool share.
pub(super) struct Sealer {
    key: DocumentKey,
    folder: BlobFolder,
    /// Most bytes of plaintext that stay in memory.
    inline: u64,
    size: u64,
    /// Sealed segments not yet in the file, then the plaintext of the segment being filled.
    pending: Vec<u8>,
    /// Where in `pending` the plaintext begins.
    sealed: usize,
    /// The number of the segment being filled.
    segment: u64,
    spill: Option<Spill>,
}

/// A staging file; the guard removes it if the request ends before it is complete.
pub(super) struct Spill {
    pub(super) file: Arc<File>,
    pub(super) guard: Guard,
}

/// Everything sealed, and where it is.
pub(super) struct Sealed {
    pub(super) key: DocumentKey,
    pub(super) size: u64,
    pub(super) bytes: SealedBytes,
}

/// Where sealed bytes are.
pub(super) enum SealedBytes {
    Memory(Vec<u8>),
    /// In the staging file: written, but not durable.
    File(Spill),
}

impl Sealer {
    /// A sealer under a new random key bound to `id`.
    pub(super) fn new(id: Uuid, ids: &dyn IdSource, inline: u64, folder: &BlobFolder) -> Result<Self, Fault> {
        Ok(Self {
            key: DocumentKey::random(id, ids)?,
            folder: folder.clone(),
            inline,
            size: 0,
            pending: Vec::new(),
            sealed: 0,
            segment: 0,
            spill: None,
        })
    }

    /// The id the key is bound to.
    pub(super) const fn id(&self) -> Uuid {
        self.key.document()
    }

    /// Bytes taken so far.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// Takes the next bytes. Touches no disk.
    pub(super) fn write(&mut self, plain: &[u8]) -> Result<(), Fault> {
        self.size = self.size.saturating_add(wide(plain.len()));
        let mut rest = plain;
        while !rest.is_empty() {
            // A full segment is sealed only when more follows: till then it may be the last one.
            if self.open_length() >= SEGMENT {
                self.seal(Part::Inner)?;
            }
            let room = SEGMENT.saturating_sub(self.open_length());
            let (piece, after) = rest.split_at_checked(room).unwrap_or((rest, &[]));
            self.pending.extend_from_slice(piece);
            rest = after;
        }
        Ok(())
    }

    /// Moves sealed segments to the file once there are more bytes than stay in memory.
    pub(super) async fn spill(&mut self) -> Result<(), Fault> {
        if self.size <= self.inline || self.sealed == 0 {
            return Ok(());
        }
        let spill = match &mut self.spill {
            Some(spill) => spill,
            None => self.spill.insert(begin(self.key.document(), &self.folder).await?),
        };
        let (file, sealed) = (Arc::clone(&spill.file), self.sealed);
        let pending = std::mem::take(&mut self.pending);
        let written = apart(move || {
            let done = file.as_ref().write_all(pending.get(..sealed).unwrap_or_default());
            (done, pending)
        });
        let (done, pending) = written.await?;
        done?;
        self.pending = pending;
        self.pending.drain(..sealed);
        self.sealed = 0;
        // What stayed in memory until now would stay as long as the document comes.
        self.pending.shrink_to(ROOM);
        Ok(())
    }

    /// Packs the bytes, which is worth while for few, then seals them as [`Sealer::end`] does.
    pub(super) async fn end_packed(mut self) -> Result<Sealed, Fault> {
        let is_small = self.size <= PACKED_UP_TO.min(self.inline);
        match is_small.then(|| compress::pack_shorter(Kind::Document, &self.pending)).flatten() {
            None => self.end().await,
            Some(packed) => {
                self.pending = packed;
                self.seal(Part::Packed)?;
                Ok(Sealed { key: self.key, size: self.size, bytes: SealedBytes::Memory(self.pending) })
            }
        }
    }

    /// Seals the last segment.
    pub(super) async fn end(mut self) -> Result<Sealed, Fault> {
        self.seal(Part::Last)?;
        self.spill().await?;
        let bytes = match self.spill {
            Some(spill) => SealedBytes::File(spill),
            None => SealedBytes::Memory(self.pending),
        };
        Ok(Sealed { key: self.key, size: self.size, bytes })
    }

    /// Bytes in the segment being filled.
    fn open_length(&self) -> usize {
        self.pending.len().saturating_sub(self.sealed)
    }

    fn seal(&mut self, part: Part) -> Result<(), Fault> {
        let open = self.pending.get_mut(self.sealed..).unwrap_or_default();
        let tag = self.key.seal(self.segment, part, open)?;
        self.pending.extend_from_slice(&tag);
        self.sealed = self.pending.len();
        self.segment = self.segment.saturating_add(1);
        Ok(())
    }
}

async fn begin(id: Uuid, folder: &BlobFolder) -> Result<Spill, Fault> {
    let path = folder.staging_path_of(id);
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let place = path.clone();
    let file = apart(move || options.open(place)).await??;
    Ok(Spill { file: Arc::new(file), guard: Guard::over(Some(path)) })
}

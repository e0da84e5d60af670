//! A body that must be read more than once, kept for the time of its request (issue: storage;
//! "spooled bodies are encrypted with a throw-away key").

use std::fmt;

use uuid::Uuid;

use super::read::Source;
use super::sealer::{Sealed, SealedBytes, Sealer};
use super::{BlobFolder, BlobLimits, BlobReader, Guard, wide};
use crate::error::{Code, Error};
use crate::ids::IdSource;

/// A body being received. Its key is never wrapped: it goes with the process, and the bytes with it.
pub struct Spool {
    sealer: Sealer,
    limit: u64,
}

impl Spool {
    /// Begins a body under a name of its own, of at most `limits.document` bytes.
    pub fn new(id: Uuid, ids: &dyn IdSource, limits: BlobLimits, folder: &BlobFolder) -> Result<Self, Error> {
        Ok(Self { sealer: Sealer::new(id, ids, limits.inline, folder)?, limit: limits.document })
    }

    /// Takes the next bytes. Touches no disk. Over the limit: [`Code::TooLarge`].
    pub fn write(&mut self, plain: &[u8]) -> Result<(), Error> {
        if self.sealer.size().saturating_add(wide(plain.len())) > self.limit {
            return Err(Code::TooLarge.into());
        }
        Ok(self.sealer.write(plain)?)
    }

    /// Moves sealed segments to the file once the body has outgrown the inline limit.
    pub async fn spill(&mut self) -> Result<(), Error> {
        Ok(self.sealer.spill().await?)
    }

    /// The whole body, which can now be read.
    pub async fn finish(self) -> Result<Spooled, Error> {
        let Sealed { key, size, bytes } = self.sealer.end().await?;
        let (source, guard) = match bytes {
            SealedBytes::Memory(bytes) => (Source::Inline(bytes), Guard::over(None)),
            SealedBytes::File(spill) => (Source::File(spill.guard.path().unwrap_or_default()), spill.guard),
        };
        Ok(Spooled { reader: BlobReader::of(key, size, source), _guard: guard })
    }
}

impl fmt::Debug for Spool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spool").field("size", &self.sealer.size()).finish_non_exhaustive()
    }
}

/// A body received in full. Its file goes when this is dropped: keep it while a reader is in use.
#[derive(Debug)]
pub struct Spooled {
    reader: BlobReader,
    _guard: Guard,
}

impl Spooled {
    /// Size of the raw bytes.
    pub const fn size(&self) -> u64 {
        self.reader.size()
    }

    /// A reader from the beginning; as many as one likes.
    pub fn reader(&self) -> Result<BlobReader, Error> {
        Ok(self.reader.again()?)
    }
}

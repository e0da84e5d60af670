//! A document on its way out: whole, or only the segments of a byte range (issue: storage;
//! ITI-68 with Range, RFC 9110 §14).

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, Stream};

use super::cipher::{
    DocumentKey, Part, SEALED_SEGMENT, SEALED_SEGMENT_WIDE, SEGMENT, SEGMENT_WIDE, TAG, sealed_size, segments,
};
use super::folder::apart;
use super::{BlobFolder, Fault, MasterKeys, PACKED_UP_TO, wide};
use crate::error::Error;
use crate::model::document::{Blob, BlobPlace};
use crate::store::compress;

/// Segments fetched from the file at once: each fetch is a hop to a blocking thread, and so much is in memory for
/// each answer under way.
const BATCH: u64 = 2;

/// A stored document, its key unwrapped, ready to be read once.
#[derive(Debug)]
pub struct BlobReader {
    key: DocumentKey,
    size: u64,
    source: Source,
}

/// Where the sealed bytes come from.
#[derive(Clone)]
pub(super) enum Source {
    Inline(Vec<u8>),
    File(PathBuf),
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Inline(_) => "Inline",
            Self::File(_) => "File",
        })
    }
}

impl BlobReader {
    /// Unwraps the document's key. No bytes are read yet.
    pub fn new(blob: Blob, folder: &BlobFolder, keys: &MasterKeys) -> Result<Self, Error> {
        let key = keys.unwrap(blob.sealed_as, &blob.wrapped_key)?;
        let size = u64::try_from(blob.size).map_err(|_negative| Fault::Length)?;
        let source = match blob.place {
            BlobPlace::Inline(bytes) => Source::Inline(bytes),
            BlobPlace::File => Source::File(folder.path_of(blob.sealed_as)),
        };
        Ok(Self { key, size, source })
    }

    /// A reader of bytes whose key is at hand.
    pub(super) const fn of(key: DocumentKey, size: u64, source: Source) -> Self {
        Self { key, size, source }
    }

    /// Another reader of the same bytes.
    pub(super) fn again(&self) -> Result<Self, Fault> {
        let key = DocumentKey::from_secret(self.key.document(), self.key.secret().clone())?;
        Ok(Self { key, size: self.size, source: self.source.clone() })
    }

    /// Size of the raw bytes.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The whole document in one piece, decrypted where it lies. For large documents prefer
    /// [`BlobReader::stream`], which holds a few segments at a time.
    pub async fn whole(self) -> Result<Bytes, Error> {
        let sealed = match self.source {
            Source::Inline(bytes) if is_packed(self.size, &bytes) => {
                return Ok(open_packed(&self.key, self.size, bytes)?);
            }
            Source::Inline(bytes) => bytes,
            Source::File(path) => tokio::fs::read(path).await.map_err(Fault::from)?,
        };
        Ok(open_whole(&self.key, self.size, sealed)?)
    }

    /// The bytes `range` of the document (cut at its end), one piece per segment. The first piece is
    /// fetched and opened before this returns, so that a missing file or a wrong key is an error and
    /// not an answer cut short.
    pub async fn stream(
        self,
        range: Range<u64>,
    ) -> Result<impl Stream<Item = Result<Bytes, Error>> + Send + 'static, Error> {
        let mut cursor = self.cursor(range).await?;
        let first = cursor.next().await?;
        // The next piece is fetched when it is asked for, when the one before has left: one batch at a time.
        Ok(stream::try_unfold((first, cursor), async |(first, mut cursor)| {
            let piece = if first.is_some() { first } else { cursor.next().await? };
            Ok(piece.map(|piece| (piece, (None, cursor))))
        }))
    }

    async fn cursor(self, range: Range<u64>) -> Result<Cursor, Fault> {
        let end = range.end.min(self.size);
        let first = (range.start / SEGMENT_WIDE).min(segments(self.size));
        let beyond = if range.start < end { end.div_ceil(SEGMENT_WIDE) } else { first };
        let mut plain = None;
        let (fetched, file) = match self.source {
            Source::Inline(bytes) if is_packed(self.size, &bytes) => {
                plain = Some(open_packed(&self.key, self.size, bytes)?);
                (BytesMut::new(), None)
            }
            Source::Inline(bytes) => {
                if wide(bytes.len()) != sealed_size(self.size) {
                    return Err(Fault::Length);
                }
                let mut bytes = BytesMut::from(Bytes::from(bytes));
                let skipped = narrow(first.saturating_mul(SEALED_SEGMENT_WIDE));
                drop(bytes.split_to(skipped.min(bytes.len())));
                (bytes, None)
            }
            Source::File(path) => {
                let file = apart(move || File::open(path)).await??;
                (BytesMut::new(), Some(Arc::new(file)))
            }
        };
        let range = range.start..end;
        Ok(Cursor { key: self.key, size: self.size, range, next: first, beyond, plain, fetched, file })
    }
}

/// Where a stream stands.
struct Cursor {
    key: DocumentKey,
    size: u64,
    range: Range<u64>,
    /// The next segment to open.
    next: u64,
    /// The first segment not wanted.
    beyond: u64,
    /// The whole document, where it was packed: it is one segment.
    plain: Option<Bytes>,
    /// Sealed bytes from `next` on.
    fetched: BytesMut,
    /// Where more come from.
    file: Option<Arc<File>>,
}

impl Cursor {
    async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        if self.next >= self.beyond {
            return Ok(None);
        }
        let number = self.next;
        self.next = number.saturating_add(1);
        let opened = match self.plain.take() {
            Some(plain) => plain,
            None => self.open(number).await?,
        };
        let begins = number.saturating_mul(SEGMENT_WIDE);
        let from = narrow(self.range.start.saturating_sub(begins)).min(opened.len());
        let to = narrow(self.range.end.saturating_sub(begins)).min(opened.len());
        Ok(Some(opened.slice(from..to.max(from))))
    }

    async fn open(&mut self, number: u64) -> Result<Bytes, Fault> {
        if self.fetched.is_empty() {
            self.fetch(number).await?;
        }
        let length = SEALED_SEGMENT.min(self.fetched.len());
        let mut piece = self.fetched.split_to(length);
        let part = Part::of(number.saturating_add(1) == segments(self.size));
        let opened = self.key.open(number, part, &mut piece)?.len();
        piece.truncate(opened);
        Ok(piece.freeze())
    }

    /// Fetches sealed bytes from the segment `first` on.
    async fn fetch(&mut self, first: u64) -> Result<(), Fault> {
        let file = Arc::clone(self.file.as_ref().ok_or(Fault::Length)?);
        let from = first.saturating_mul(SEALED_SEGMENT_WIDE);
        let until = first.saturating_add(BATCH).min(self.beyond).saturating_mul(SEALED_SEGMENT_WIDE);
        let length = until.min(sealed_size(self.size)).saturating_sub(from);
        let mut fetched = BytesMut::zeroed(narrow(length));
        let (read, fetched) = apart(move || (file.read_exact_at(&mut fetched, from), fetched)).await?;
        read?;
        self.fetched = fetched;
        Ok(())
    }
}

/// Whether the sealed bytes of a document were packed before: only then are they fewer than its own.
fn is_packed(size: u64, sealed: &[u8]) -> bool {
    size <= PACKED_UP_TO && wide(sealed.len()) < sealed_size(size)
}

fn open_packed(key: &DocumentKey, size: u64, mut sealed: Vec<u8>) -> Result<Bytes, Fault> {
    let opened = key.open(0, Part::Packed, &mut sealed)?.len();
    sealed.truncate(opened);
    let plain = compress::unpack(sealed).map_err(|_unreadable| Fault::Length)?;
    if wide(plain.len()) == size { Ok(Bytes::from(plain)) } else { Err(Fault::Length) }
}

/// Opens every segment in place, then closes the gaps that the tags leave.
fn open_whole(key: &DocumentKey, size: u64, mut bytes: Vec<u8>) -> Result<Bytes, Fault> {
    if wide(bytes.len()) != sealed_size(size) {
        return Err(Fault::Length);
    }
    let count = bytes.len().div_ceil(SEALED_SEGMENT);
    for (number, segment) in bytes.chunks_mut(SEALED_SEGMENT).enumerate() {
        key.open(wide(number), Part::of(number.saturating_add(1) == count), segment)?;
    }
    let end = bytes.len();
    for number in 1..count {
        let from = number.saturating_mul(SEALED_SEGMENT);
        let until = from.saturating_add(SEGMENT).min(end.saturating_sub(TAG));
        bytes.copy_within(from..until, number.saturating_mul(SEGMENT));
    }
    bytes.truncate(narrow(size));
    Ok(Bytes::from(bytes))
}

/// A length in memory; what does not fit there is caught by the checks on lengths.
fn narrow(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

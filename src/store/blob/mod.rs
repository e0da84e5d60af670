//! The bytes of documents, encrypted at rest (issue: storage; AES-256-GCM in 64 KiB segments).
//!
//! A document is written once through a [`Stage`], which hashes and encrypts it as it arrives, and
//! read through a [`BlobReader`], which opens only the segments asked for. Small documents travel
//! in the row, packed if they are very small; larger ones are files of the [`BlobFolder`], durable before the row is committed.
//! A [`Spool`] keeps a body for the time of its request, under a key that nobody else ever has.

pub mod cipher;
pub mod folder;
pub mod key;
pub mod orphan;
pub mod read;
mod sealer;
pub mod spool;
pub mod stage;

use std::io;

pub use folder::{BlobFolder, Guard};
pub use key::{KeyFileError, KeyId, MasterKeys, master_of};
pub use read::BlobReader;
pub use spool::{Spool, Spooled};
pub use stage::{Stage, Staged};

use crate::error::{Code, Error};

/// How much a document may weigh, and how much of it stays in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobLimits {
    /// Largest document, in bytes of plaintext; beyond it the answer is 413.
    pub document: u64,
    /// Largest document kept beside its row, in bytes of plaintext; beyond it there is a file.
    pub inline: u64,
    /// How many bytes of the beginning are kept in the clear while staging, for the header parser.
    pub capture: usize,
}

/// Documents up to here are packed before they are sealed, in bytes; never more than one segment. What is longer costs
/// more time to pack and unpack than its bytes on disk do.
const PACKED_UP_TO: u64 = 16 * 1024;

impl BlobLimits {
    /// The most that may be captured.
    pub const LARGEST_CAPTURE: usize = 256 * 1024;
}

impl Default for BlobLimits {
    /// 100 MB, 256 KiB beside the row, 64 KiB captured.
    fn default() -> Self {
        Self { document: 100_000_000, inline: 256 * 1024, capture: 64 * 1024 }
    }
}

/// What may go wrong with stored bytes. Never a fault of the client.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A segment was altered, cut, moved, or belongs to another document.
    #[error("segment {number} of a document does not open")]
    Segment {
        /// The number of the segment, from 0.
        number: u64,
    },
    /// The bytes are not as many as the row says.
    #[error("the stored bytes of a document are not as many as its row says")]
    Length,
    /// A wrapped key is not of our form, was altered, or belongs to another document.
    #[error("the wrapped key of a document does not open")]
    WrappedKey,
    /// The master key that wrapped a document's key is no longer in the key file.
    #[error("master key {id} is not in the key file")]
    UnknownMasterKey {
        /// The id that the wrapped key names.
        id: KeyId,
    },
    /// The file system refused.
    #[error("the blob folder cannot be used")]
    Folder(#[from] io::Error),
}

/// A full disk passes (503); everything else is a defect of ours (500).
impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let full = matches!(&fault, Fault::Folder(cause)
            if matches!(cause.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded));
        Self::from(if full { Code::Busy } else { Code::Internal }).because(fault)
    }
}

/// A length as the wire and the row count it.
pub(in crate::store::blob) fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

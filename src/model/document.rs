//! Documents as the store keeps them: the fiche's columns that rules and duplicates look at, and
//! the bytes' description.

use uuid::Uuid;

use crate::ids::{Digest256, PatientKey};

/// availabilityStatus of a fiche.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DocumentStatus {
    /// `current`.
    Current,
    /// `superseded`.
    Superseded,
    /// Withdrawn; never shown again.
    Deleted,
}

impl DocumentStatus {
    /// The name stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Superseded => "superseded",
            Self::Deleted => "deleted",
        }
    }

    /// The status of a stored name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Current, Self::Superseded, Self::Deleted].into_iter().find(|status| status.name() == name)
    }
}

/// What the store knows of a fiche beside its body: enough to decide and to find duplicates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The record.
    pub patient: PatientKey,
    /// The fiche's id within the record.
    pub id: Uuid,
    /// The Binary's id within the record.
    pub binary: Uuid,
    /// The submission set it came with.
    pub submission: Uuid,
    /// Digest of the masterIdentifier.
    pub unique_id: Digest256,
    /// availabilityStatus.
    pub status: DocumentStatus,
    /// typeCode, as `system|code`.
    pub type_code: String,
    /// Confidentiality and visibility codes.
    pub labels: Vec<String>,
    /// National ids of authors and authenticator.
    pub persons: Vec<String>,
    /// National ids of the authors' structures.
    pub structures: Vec<String>,
    /// SHA-1 of the raw bytes.
    pub sha1: [u8; 20],
    /// Size of the raw bytes.
    pub size: i64,
}

/// Where the encrypted bytes of a document are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlobPlace {
    /// Beside the row.
    Inline(Vec<u8>),
    /// In a file of the blob directory, named by [`Blob::sealed_as`].
    File,
}

/// The bytes of a document, encrypted (spec: issue text, storage; AES-256-GCM in 64 KiB segments).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// The record.
    pub patient: PatientKey,
    /// Binary.id within the record.
    pub id: Uuid,
    /// The id bound into each segment and into the key, and the name of the file: its own, or that of the
    /// blob of this record whose bytes it shares.
    pub sealed_as: Uuid,
    /// MIME type as sent.
    pub content_type: String,
    /// Size of the raw bytes.
    pub size: i64,
    /// SHA-1 of the raw bytes.
    pub sha1: [u8; 20],
    /// SHA-256 of the raw bytes.
    pub sha256: [u8; 32],
    /// The document's key, wrapped by the master key.
    pub wrapped_key: Vec<u8>,
    /// The bytes, or where they are.
    pub place: BlobPlace,
}

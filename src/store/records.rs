//! What the store tells beyond the model: chains, seals, notices waiting, and filters of traces.

use jiff::Timestamp;
use uuid::Uuid;

use crate::ids::ShardKey;
use crate::model::notification::{Notification, NotificationState};
use crate::model::resource::{ResourceType, StoredResource};

/// Which traces of one record are asked for. All that is set must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditFilter {
    /// Not before.
    pub from: Option<Timestamp>,
    /// Not after.
    pub until: Option<Timestamp>,
    /// By this professional.
    pub person: Option<String>,
    /// By this structure.
    pub structure: Option<String>,
    /// Below this number: the last one of the page before.
    pub before: Option<i64>,
    /// How many at most.
    pub limit: i64,
}

/// An index row of a resource that a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundValue {
    /// The resource.
    pub id: Uuid,
    /// The row's value.
    pub value: String,
    /// Its lower bound.
    pub low: i64,
    /// Its upper bound.
    pub high: i64,
}

/// Which versions of one resource are asked for. All that is set must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionFilter {
    /// Made at this instant or later.
    pub since: Option<Timestamp>,
    /// Below this number: the last one of the page before.
    pub before: Option<i32>,
    /// How many at most.
    pub limit: i64,
}

/// Where a resource stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceState {
    /// Its version; that of its deletion, if it was deleted.
    pub version: i32,
    /// When it came to be.
    pub updated_at: Timestamp,
    /// Whether it was deleted.
    pub is_deleted: bool,
}

/// Which versions are asked for, of one resource or of all of a type. All that is set must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChangeFilter {
    /// Made at this instant or later.
    pub since: Option<Timestamp>,
    /// Made at this instant or before.
    pub until: Option<Timestamp>,
    /// After this one in the order, newest first: the last one of the page before.
    pub before: Option<ChangePlace>,
    /// How many at most.
    pub limit: i64,
}

/// The place of a version in a history, newest first; of one resource, the version alone counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangePlace {
    /// When it was made.
    pub at: Timestamp,
    /// The resource.
    pub id: Uuid,
    /// Its version.
    pub version: i32,
}

/// A link of a chain as it is stored, for verification and export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainRow {
    /// The chain.
    pub pt: ShardKey,
    /// Its number in the chain, from 1.
    pub sequence: i64,
    /// Id of the trace.
    pub id: Uuid,
    /// When, in microseconds since the epoch.
    pub at: i64,
    /// The act's stored name.
    pub act: String,
    /// The professional who acted.
    pub person: Option<String>,
    /// The structure that acted.
    pub structure: Option<String>,
    /// The trace as JSON.
    pub body: Vec<u8>,
    /// Hash of the link before.
    pub previous: [u8; 32],
    /// Hash of this link.
    pub hash: [u8; 32],
}

/// The end of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The chain.
    pub pt: ShardKey,
    /// Number of its last link.
    pub sequence: i64,
    /// Hash of its last link.
    pub hash: [u8; 32],
}

/// A signature over the heads of the chains that grew since the seal before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// Its number, from 1.
    pub id: i64,
    /// When.
    pub sealed_at: Timestamp,
    /// The text that is signed.
    pub payload: String,
    /// The signature.
    pub signature: Vec<u8>,
}

/// A notice of the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxItem {
    /// The record it belongs to.
    pub pt: ShardKey,
    /// The notice.
    pub notification: Notification,
    /// Where it stands.
    pub state: NotificationState,
    /// How often it was tried.
    pub attempts: i32,
    /// When it is tried next.
    pub next_at: Timestamp,
}

/// The wrapped key of a document, as its row has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// Which document's.
    pub place: BlobFile,
    /// Wrapped by a master key.
    pub wrapped: Vec<u8>,
}

/// The name of a blob kept in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobFile {
    /// The record.
    pub pt: ShardKey,
    /// The blob's id: the file's name.
    pub id: Uuid,
}

/// The name of a resource among all records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceKey {
    /// The record.
    pub pt: ShardKey,
    /// The type.
    pub kind: ResourceType,
    /// The id within the record.
    pub id: Uuid,
}

/// A resource with its name among all records.
#[derive(Debug, Clone)]
pub struct KeyedResource {
    /// Its name.
    pub key: ResourceKey,
    /// Its current version.
    pub resource: StoredResource,
}

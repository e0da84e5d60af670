//! Traces as they are stored and chained: one row per act, whatever the view it is rendered in.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ids::ShardKey;

/// What was done, in the words of FHIR and IHE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// TD0.2: FHIR search on Patient.
    ExistenceTest,
    /// ITI-65 Provide Document Bundle.
    ProvideDocumentBundle,
    /// ITI-105 Simplified Publish.
    SimplifiedPublish,
    /// ITI-106 Generate Metadata.
    GenerateMetadata,
    /// TD3.3: patch of a fiche.
    UpdateDocumentMetadata,
    /// ITI-66 Find Document Lists.
    FindDocumentLists,
    /// ITI-67 Find Document References.
    FindDocumentReferences,
    /// FHIR history of a fiche.
    DocumentReferenceHistory,
    /// FHIR history of a submission set or a folder.
    ListHistory,
    /// FHIR read or vread of a fiche.
    ReadDocumentReference,
    /// FHIR read or vread of a submission set.
    ReadList,
    /// ITI-68 Retrieve Document.
    RetrieveDocument,
    /// FHIR read of a Patient.
    ReadPatient,
    /// ITI-81 Retrieve ATNA Audit Event.
    RetrieveAuditEvent,
    /// FHIR read of a trace.
    ReadAuditEvent,
    /// ITI-71 Get Access Token.
    GetAccessToken,
    /// FHIR create of what is not a document.
    CreateResource,
    /// FHIR read or vread of what is not a document.
    ReadResource,
    /// FHIR update of what is not a document.
    UpdateResource,
    /// FHIR patch of what is not a document.
    PatchResource,
    /// FHIR delete of what is not a document.
    DeleteResource,
    /// FHIR search of what is not a document.
    SearchResources,
    /// FHIR history of one resource that is not a document.
    ResourceHistory,
    /// FHIR history of a type or of the directory.
    TypeHistory,
    /// FHIR batch or transaction that could not be read: what is read is traced entry by entry.
    Transaction,
}

/// Who acted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Actor {
    /// National id of the professional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// The professional's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Roles as `system|code`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Patient.id of the person who acts on the patient side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patient: Option<String>,
    /// National id of the structure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub structure: Option<String>,
    /// The structure's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub structure_name: Option<String>,
    /// Software name and version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software: Option<String>,
    /// DIRECTE, INDIRECTE...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_mode: Option<String>,
    /// jti of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Network address of the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// What an act touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Entity {
    /// `Type/id` (with `/_history/n` for a version).
    pub reference: String,
}

/// A trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditRecord {
    /// Its id within the chain.
    pub id: Uuid,
    /// The record it belongs to, or the calling structure where there is no record.
    #[serde(with = "shard")]
    pub chain: ShardKey,
    /// When, by the domain clock.
    pub at: Timestamp,
    /// What.
    pub act: Act,
    /// AuditEvent.outcome: `0`, `4`, `8` or `12`.
    pub outcome: String,
    /// The catalogue code of a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// The rule that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Who.
    pub actor: Actor,
    /// TRE_R248 purpose of use.
    pub purpose: String,
    /// The reason given for an emergency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// X-Request-Id.
    pub request_id: String,
    /// What was touched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entities: Vec<Entity>,
    /// The query, INS replaced by `Patient/<id>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
}

/// A trace with its place in its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainedRecord {
    /// Its number in the chain, from 1; 0 where the reader is not told it.
    pub sequence: i64,
    /// The trace.
    pub record: AuditRecord,
}

mod shard {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::ids::ShardKey;

    pub(super) fn serialize<S: Serializer>(key: &ShardKey, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(key)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ShardKey, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

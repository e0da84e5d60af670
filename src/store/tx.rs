//! The storage contract: every verb a unit of work may say to the store (house rules §7).
//!
//! A verb that starts with `fact_` reads what a decision needs and asks for no permit. Every other
//! verb on a record asks for the [`Permit`] that the decision gave. The last group serves the
//! directory, the token endpoint, workers and commands.

use diesel::SqliteConnection;
use jiff::Timestamp;
use uuid::Uuid;

use super::error::{self, Fatality};
use super::postgres::PgConn;
use super::records::{
    AuditFilter, BlobFile, ChainRow, ChangeFilter, FoundValue, Head, KeyedResource, OutboxItem, ResourceKey,
    ResourceState, Seal, VersionFilter, WrappedKey,
};
use super::{postgres, sqlite};
use crate::access::permit::Permit;
use crate::error::Error;
use crate::ids::{Digest256, Ins, NationalId, PatientKey, ShardKey, StructureId};
use crate::model::audit::{AuditRecord, ChainedRecord};
use crate::model::directory::{ClientSoftware, Delegation, Exercise, Professional, Relation, Structure};
use crate::model::document::{Blob, Document};
use crate::model::notification::{Notification, NotificationState};
use crate::model::profile::Profile;
use crate::model::resource::{IndexRow, NewResource, ResourceType, StoredResource};
use crate::model::search::Predicate;

/// An open transaction, seen through its verbs.
pub struct Tx<'c> {
    back_end: BackEnd<'c>,
    fatal: Option<Fatality>,
}

enum BackEnd<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConn),
}

impl<'c> Tx<'c> {
    pub(super) const fn sqlite(conn: &'c mut SqliteConnection) -> Self {
        Self { back_end: BackEnd::Sqlite(conn), fatal: None }
    }

    pub(super) const fn postgres(conn: &'c mut PgConn) -> Self {
        Self { back_end: BackEnd::Postgres(conn), fatal: None }
    }

    /// What a closure made of its transaction. Once a statement has failed nothing may commit, even
    /// if the closure took the error for an answer: PostgreSQL would silently roll back.
    pub(super) fn conclude<T>(&mut self, outcome: Result<T, Error>) -> Result<T, Error> {
        let outcome = outcome?;
        if self.fatal.is_some() { Err(crate::error::Code::Internal.into()) } else { Ok(outcome) }
    }

    /// Why the transaction cannot go on, if it cannot.
    pub(super) const fn fatality(&self) -> Option<Fatality> {
        self.fatal
    }

    /// Keeps in mind for the running thread what the closure may make nothing of.
    fn note<T>(&mut self, done: error::Result<T>) -> Result<T, Error> {
        done.map_err(|fault| {
            self.fatal = self.fatal.or(fault.fatality());
            fault.into()
        })
    }
}

/// Writes the verbs out for both back ends: a verb is `queries::<file>::<name>`.
macro_rules! verbs {
    ($( $(#[$doc:meta])* $visibility:vis fn $file:ident::$name:ident($($arg:ident: $of:ty),*) -> $out:ty; )*) => {
        impl Tx<'_> { $(
            $(#[$doc])*
            $visibility fn $name(&mut self, $($arg: $of),*) -> Result<$out, Error> {
                // SQLite may have rolled all back on its own: what came after would be kept at once.
                if self.fatal.is_some() {
                    return Err(crate::error::Code::Internal.into());
                }
                let done = match &mut self.back_end {
                    BackEnd::Sqlite(conn) => sqlite::queries::$file::$name(conn, $($arg),*),
                    BackEnd::Postgres(conn) => postgres::queries::$file::$name(conn, $($arg),*),
                };
                self.note(done)
            }
        )* }
    };
}

// Facts: what decisions and duplicates need. No permit.
verbs! {
    /// The record that is or was known by an identifier.
    pub fn profile::fact_patient_by_identifier(system: &str, value: &str) -> Option<PatientKey>;
    /// The record of an INS.
    pub fn profile::fact_patient(ins: &Ins) -> Option<PatientKey>;
    /// The state of a record.
    pub fn profile::fact_profile(patient: PatientKey) -> Option<Profile>;
    /// The ties of a professional with a record, in force or not.
    pub fn profile::fact_relations(patient: PatientKey, professional: &NationalId) -> Vec<Relation>;
    /// What a person is to the person of a record, in force or not.
    pub fn profile::fact_delegations(patient: PatientKey, delegate: PatientKey) -> Vec<Delegation>;
    /// The documents of a record, by id.
    pub fn document::fact_documents(patient: PatientKey) -> Vec<Document>;
    /// A document by the id of its fiche.
    pub fn document::fact_document(patient: PatientKey, id: Uuid) -> Option<Document>;
    /// A document by the digest of its masterIdentifier, within one record.
    pub fn document::fact_document_by_identifier(patient: PatientKey, digest: &Digest256) -> Option<Document>;
    /// The records that hold a document of this masterIdentifier.
    pub fn document::fact_records_of_identifier(digest: &Digest256) -> Vec<PatientKey>;
    /// The document whose bytes a Binary is.
    pub fn document::fact_binary_document(patient: PatientKey, binary: Uuid) -> Option<Document>;
    /// Which resources a search finds, each with its sort value: nothing of what stands in them.
    pub fn search::fact_hits(patient: PatientKey, predicate: &Predicate) -> Vec<(Uuid, Option<i64>)>;
    /// The documents of a submission set, by id.
    pub fn document::fact_documents_of_submission(patient: PatientKey, submission: Uuid) -> Vec<Document>;
    /// Whether this accessor has opened the record before.
    pub fn notice::fact_has_accessed(patient: PatientKey, accessor: &str) -> bool;
    /// When a professional last asked whether this INS has a record; nothing where long ago.
    pub fn client::fact_existence_step(person: &NationalId, patient: &Digest256) -> Option<Timestamp>;
    /// Whether software is enrolled and not suspended.
    pub fn client::fact_is_enrolled(id: &str) -> bool;
    /// Whether a record holds a resource of this id, in its current version.
    pub fn resource::fact_resource_exists(patient: PatientKey, kind: ResourceType, id: Uuid) -> bool;
    /// The fiches of the record that a List names in its current version; none where there is no such
    /// List.
    pub fn resource::fact_listed_fiches(patient: PatientKey, list: Uuid) -> Vec<Uuid>;
}

// What a permit opens.
verbs! {
    /// Keeps version 1 of a resource, or moves the version before to history and replaces it with
    /// its index rows; `conflit` unless the current version is the one before.
    pub fn resource::put_resource(permit: &Permit, new: &NewResource) -> ();
    /// Takes a resource out of reads and searches, its last version kept in history; false if it is
    /// not there. `former` is what that version was found by.
    pub fn resource::withdraw_resource(permit: &Permit, kind: ResourceType, id: Uuid, former: &[IndexRow], at: Timestamp) -> bool;
    /// The current version of a resource.
    pub fn resource::find_resource(permit: &Permit, kind: ResourceType, id: Uuid) -> Option<StoredResource>;
    /// One version of a resource, current or older.
    pub fn resource::find_version(permit: &Permit, kind: ResourceType, id: Uuid, version: i32) -> Option<StoredResource>;
    /// Versions of a resource that is there, newest first.
    pub fn resource::list_versions(permit: &Permit, kind: ResourceType, id: Uuid, filter: &VersionFilter) -> Vec<StoredResource>;
    /// How many versions of a resource that is there were made since an instant, or in all.
    pub fn resource::count_versions(permit: &Permit, kind: ResourceType, id: Uuid, since: Option<Timestamp>) -> i64;
    /// Where a resource stands, deleted or not.
    pub fn version::find_state(permit: &Permit, kind: ResourceType, id: Uuid) -> Option<ResourceState>;
    /// Versions of one resource, or of all of a type, newest first; a deletion is one without a body.
    pub fn version::list_changes(permit: &Permit, kind: ResourceType, id: Option<Uuid>, filter: &ChangeFilter) -> Vec<StoredResource>;
    /// How many there are in all, whatever the page.
    pub fn version::count_changes(permit: &Permit, kind: ResourceType, id: Option<Uuid>, filter: &ChangeFilter) -> i64;
    /// A page of a search with the sort value of each row.
    pub fn search::search(permit: &Permit, predicate: &Predicate) -> Vec<(StoredResource, Option<i64>)>;
    /// Which resources a search finds, each with its sort value: nothing of what stands in them.
    pub fn search::find_hits(permit: &Permit, predicate: &Predicate) -> Vec<(Uuid, Option<i64>)>;
    /// The index rows of one parameter of whatever a search finds; its limit is one of rows.
    pub fn search::find_values(permit: &Permit, predicate: &Predicate, parameter: i32) -> Vec<FoundValue>;
    /// The version of a resource that was current at an instant in microseconds.
    pub fn resource::find_version_at(permit: &Permit, kind: ResourceType, id: Uuid, at: i64) -> Option<StoredResource>;
    /// How many resources a search finds, whatever its page.
    pub fn search::count(permit: &Permit, predicate: &Predicate) -> i64;
    /// Keeps a document's facts, or replaces them (`created_at` stays); `conflit` if its
    /// masterIdentifier belongs to another document of the record.
    pub fn document::put_document(permit: &Permit, document: &Document, created_at: Timestamp) -> ();
    /// Keeps the bytes of a document, or where they are.
    pub fn blob::put_blob(permit: &Permit, blob: &Blob) -> ();
    /// Keeps a document that shares the bytes of `source`, a blob of the same record with bytes of its own.
    pub fn blob::put_shared_blob(permit: &Permit, blob: &Blob, source: Uuid) -> ();
    /// The blob of the record that has these very bytes, by their SHA-256.
    pub fn blob::find_same_bytes(permit: &Permit, sha256: &[u8; 32]) -> Option<Uuid>;
    /// The bytes of a document, or where they are.
    pub fn blob::find_blob(permit: &Permit, id: Uuid) -> Option<Blob>;
    /// Notes an access; true if it is this accessor's first one to the record.
    pub fn notice::record_first_access(permit: &Permit, accessor: &str, at: Timestamp) -> bool;
    /// Queues notices; one already queued for the same event and channel stays as it is. Answers
    /// how many are new.
    pub fn notice::put_notifications(permit: &Permit, notifications: &[Notification]) -> usize;
    /// The traces of a record, newest first.
    pub fn audit::list_audit(permit: &Permit, filter: &AuditFilter) -> Vec<ChainedRecord>;
    /// One trace of a record.
    pub fn audit::find_audit(permit: &Permit, id: Uuid) -> Option<ChainedRecord>;
}

// Without a record: directory, software, tokens, workers, commands.
verbs! {
    /// Keeps a person, or replaces it, and lists its INS among its identifiers.
    pub fn profile::put_profile(profile: &Profile) -> ();
    /// Lists a further identifier of a person (a former INS); `conflit` if it is another's.
    pub fn profile::put_identifier(patient: PatientKey, system: &str, value: &str) -> ();
    /// How many persons are known.
    pub fn profile::count_profiles() -> i64;
    /// Keeps a tie, or changes its end.
    pub fn profile::put_relation(relation: &Relation) -> ();
    /// Keeps that one person acts for another, or changes its end.
    pub fn profile::put_delegation(delegation: &Delegation) -> ();
    /// Keeps a structure, or replaces it.
    pub fn directory::put_structure(structure: &Structure) -> ();
    /// A structure.
    pub fn directory::find_structure(id: &StructureId) -> Option<Structure>;
    /// Keeps a professional, or replaces it.
    pub fn directory::put_professional(professional: &Professional) -> ();
    /// Says that a professional works in a structure; both must be kept on their own.
    pub fn directory::put_exercise(professional: &NationalId, structure: &StructureId, situation: &str) -> ();
    /// A professional.
    pub fn directory::find_professional(id: &NationalId) -> Option<Professional>;
    /// Says that a professional works in a structure no more.
    pub fn directory::remove_exercise(professional: &NationalId, structure: &StructureId, situation: &str) -> ();
    /// The exercises of a professional.
    pub fn directory::find_exercises(professional: &NationalId) -> Vec<Exercise>;
    /// Enrols software, or replaces its enrolment; `conflit` if another one has its certificate.
    pub fn client::put_client(client: &ClientSoftware) -> ();
    /// All enrolled software, by id.
    pub fn client::list_clients() -> Vec<ClientSoftware>;
    /// An enrolment.
    pub fn client::find_client(id: &str) -> Option<ClientSoftware>;
    /// The enrolment of a certificate, by the fingerprint first, else by the subject.
    pub fn client::find_client_by_certificate(subject_dn: &str, fingerprint: &str) -> Option<ClientSoftware>;
    /// Suspends software from `at`, or (absent) resumes it; false if it is not enrolled.
    pub fn client::suspend_client(id: &str, at: Option<Timestamp>) -> bool;
    /// Notes that a professional has just asked whether this INS has a record, and forgets those of
    /// his steps made before `since`.
    pub fn client::put_existence_step(person: &NationalId, patient: &Digest256, at: Timestamp, since: Timestamp) -> ();
    /// Uses up an assertion; false if it was used before.
    pub fn client::use_assertion(structure: &StructureId, jti: &str, expires_at: Timestamp) -> bool;
    /// Forgets the assertions that expired before `now`.
    pub fn client::purge_assertions(now: Timestamp) -> usize;
    /// Notices in a state, those due first.
    pub fn notice::list_outbox(state: NotificationState, limit: i64) -> Vec<OutboxItem>;
    /// The heads of chains, by key, after one.
    pub fn audit::list_chains(after: Option<ShardKey>, limit: i64) -> Vec<Head>;
    /// The links of a chain in order, after a number.
    pub fn audit::list_chain(chain: ShardKey, after: i64, limit: i64) -> Vec<ChainRow>;
    /// Heads that grew since they were sealed.
    pub fn audit::list_unsealed(limit: i64) -> Vec<Head>;
    /// The seal made last.
    pub fn audit::find_last_seal() -> Option<Seal>;
    /// Seals in order, after a number.
    pub fn audit::list_seals(after: i64, limit: i64) -> Vec<Seal>;
    /// Keeps a seal over these heads.
    pub fn audit::put_seal(seal: &Seal, heads: &[Head]) -> ();
    /// The files of documents, in order, after one; bytes that are shared are one file.
    pub fn blob::list_blob_files(after: Option<BlobFile>, limit: i64) -> Vec<BlobFile>;
    /// The current resources of all records, in the order of their keys, after one.
    pub fn resource::list_resources(after: Option<ResourceKey>, limit: i64) -> Vec<KeyedResource>;
    /// Empties the search index of all records, to be filled anew.
    pub fn resource::clear_index() -> ();
    /// Fills in the rows of one resource.
    pub fn resource::put_index(key: ResourceKey, index: &[IndexRow]) -> ();
    /// The wrapped keys of all documents that have bytes of their own, in order, after one.
    pub fn blob::list_wrapped_keys(after: Option<BlobFile>, limit: i64) -> Vec<WrappedKey>;
    /// Keeps a document's key wrapped anew, unless it has changed meanwhile.
    pub fn blob::put_wrapped_key(before: &WrappedKey, wrapped: &[u8]) -> bool;
    /// What the server remembers under a name.
    pub fn setting::find_setting(name: &str) -> Option<String>;
    /// Remembers a value.
    pub fn setting::put_setting(name: &str, value: &str) -> ();
    /// Adds traces to their chains: said by the store itself, once per unit.
    pub(super) fn audit::append_audits(records: &[AuditRecord]) -> ();
}

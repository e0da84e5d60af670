//! What is answered to a submission, entry by entry: what it left, now or when it was sent before
//! (MHD §1.2 response; contract §8, duplicate masterIdentifier).

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::folder;
use super::prepare::{Prepared, PreparedDocument, PreparedFolder, fiche_reference, list_reference, read_back};
use super::replace::Targets;
use super::submission::EntryKind;
use crate::access::permit::Permit;
use crate::error::{Code, Error, Issue};
use crate::ids::LogicalId;
use crate::model::document::Document;
use crate::model::resource::{ResourceType, StoredResource};
use crate::store::Tx;

/// What an ITI-65 left behind, entry by entry, in the order of the request.
#[derive(Debug)]
pub struct Provided {
    /// One answer per entry.
    pub entries: Vec<ProvidedEntry>,
    /// The fiche as it is kept now, of an ITI-105.
    pub fiche: Option<StoredResource>,
}

/// What became of one entry.
#[derive(Debug)]
pub struct ProvidedEntry {
    /// `Type/id/_history/version`; a Patient's is without version.
    pub location: String,
    /// Whether it was created (201), or matched or changed (200).
    pub created: bool,
    /// The version it left; none of what was only matched.
    pub version: Option<i32>,
    /// meta.lastUpdated.
    pub at: Timestamp,
    /// Warnings about this entry.
    pub warnings: Vec<Issue>,
}

/// What a submission left beside its documents.
pub(super) struct Kept {
    /// The submission set.
    pub(super) list: Uuid,
    /// The folders, in the order of the request.
    pub(super) folders: Vec<folder::Kept>,
    /// The version of the fiche of each PATCH entry.
    pub(super) patched: Vec<(Uuid, i32)>,
    /// The Binaries whose bytes were kept; those of the others were there already.
    pub(super) bytes: Vec<Uuid>,
}

impl Kept {
    /// The current versions of fiches.
    pub(super) fn versions(tx: &mut Tx<'_>, permit: &Permit, ids: &[Uuid]) -> Result<Vec<(Uuid, i32)>, Error> {
        let mut version = |id: Uuid| -> Result<(Uuid, i32), Error> {
            let found = tx.find_resource(permit, ResourceType::DocumentReference, id)?;
            Ok((id, found.map_or(1, |found| found.version)))
        };
        ids.iter().map(|id| version(*id)).collect()
    }
}

/// What a submission left when it was sent before; none where a folder of then cannot be told.
pub(super) fn sent_before(
    tx: &mut Tx<'_>,
    permit: &Permit,
    prepared: &Prepared,
    submission: Uuid,
    targets: &Targets,
) -> Result<Option<Kept>, Error> {
    let patched = Kept::versions(tx, permit, &targets.patched)?;
    let mut folders = Vec::with_capacity(prepared.folders.len());
    let mut kept_list = None;
    for (folder, current) in prepared.folders.iter().zip(&targets.folders) {
        if let Some(current) = current {
            folders.push(folder::Kept { id: current.id, version: current.version, is_new: false });
            continue;
        }
        if kept_list.is_none() {
            kept_list = tx.find_resource(permit, ResourceType::List, submission)?;
        }
        let list = kept_list.as_ref().map(|list| serde_json::from_slice::<Value>(&list.body));
        let list = list.transpose().map_err(|error| Error::from(Code::Internal).because(error))?;
        let now = read_back(&prepared.list.row)?;
        let Some(id) = list.and_then(|list| same_item(&now, &list, folder, prepared)) else {
            return Ok(None);
        };
        folders.push(folder::Kept { id, version: 1, is_new: true });
    }
    Ok(Some(Kept { list: submission, folders, patched, bytes: Vec::new() }))
}

/// The folder that stands where this one does in the submission set of then.
fn same_item(now: &Value, then: &Value, folder: &PreparedFolder, prepared: &Prepared) -> Option<Uuid> {
    let given = list_reference(prepared.patient, folder.list.id);
    let references = |list: &Value| -> Vec<String> {
        let entries = list.get("entry").and_then(Value::as_array).into_iter().flatten();
        let text = |entry: &Value| Some(entry.get("item")?.get("reference")?.as_str()?.to_owned());
        entries.map(|entry| text(entry).unwrap_or_default()).collect()
    };
    let place = references(now).iter().position(|reference| *reference == given)?;
    let reference = references(then).into_iter().nth(place)?;
    let id: LogicalId = reference.strip_prefix("List/")?.parse().ok()?;
    Some(id.uuid)
}

/// When what is answered was kept: now, or when it was sent before.
pub(super) struct Times {
    list: Timestamp,
    documents: Vec<Timestamp>,
}

impl Times {
    pub(super) fn of(
        tx: &mut Tx<'_>,
        permit: &Permit,
        prepared: &Prepared,
        stored: &[Option<Document>],
        list: Uuid,
    ) -> Result<Self, Error> {
        let mut at = |kind, id: Option<Uuid>| -> Result<Timestamp, Error> {
            let Some(id) = id else { return Ok(prepared.at) };
            Ok(tx.find_resource(permit, kind, id)?.map_or(prepared.at, |kept| kept.updated_at))
        };
        let known = (list != prepared.list.id).then_some(list);
        let documents = stored.iter().map(|stored| stored.as_ref().map(|stored| stored.id));
        Ok(Self {
            list: at(ResourceType::List, known)?,
            documents: documents.map(|id| at(ResourceType::DocumentReference, id)).collect::<Result<_, _>>()?,
        })
    }
}

/// What an entry left: where, in which version, whether new, when.
type Left = (String, Option<i32>, bool, Timestamp);

/// The answer, in the order of the request.
pub(super) fn answer(prepared: &Prepared, stored: &[Option<Document>], kept: &Kept, times: &Times) -> Provided {
    let mut left: Vec<Option<Left>> =
        prepared.entries.iter().map(|kind| of_kind(*kind, prepared, kept, times)).collect();
    let mut put = |entry: usize, what: Left| {
        if let Some(place) = left.get_mut(entry) {
            *place = Some(what);
        }
    };
    for ((document, stored), at) in prepared.documents.iter().zip(stored).zip(&times.documents) {
        let (fiche, bytes) = of_document(prepared, document, stored.as_ref());
        put(document.entry, (fiche, Some(1), true, *at));
        put(document.binary_entry, (bytes, Some(1), true, *at));
    }
    for (folder, kept) in prepared.folders.iter().zip(&kept.folders) {
        let reference = list_reference(prepared.patient, kept.id);
        put(folder.entry, (reference, Some(kept.version), kept.is_new, prepared.at));
    }
    for (patch, (id, version)) in prepared.patches.iter().zip(&kept.patched) {
        put(patch.entry, (fiche_reference(prepared.patient, *id), Some(*version), false, prepared.at));
    }
    let entries = left.into_iter().enumerate().map(|(entry, left)| {
        let (reference, version, created, at) = left.unwrap_or_else(|| (String::new(), None, false, prepared.at));
        ProvidedEntry {
            location: version.map_or_else(|| reference.clone(), |version| format!("{reference}/_history/{version}")),
            created,
            version,
            at,
            warnings: prepared.warnings.get(entry).cloned().unwrap_or_default(),
        }
    });
    Provided { entries: entries.collect(), fiche: None }
}

fn of_kind(kind: EntryKind, prepared: &Prepared, kept: &Kept, times: &Times) -> Option<Left> {
    match kind {
        EntryKind::Submission => Some((list_reference(prepared.patient, kept.list), Some(1), true, times.list)),
        EntryKind::Patient => Some((format!("Patient/{}", prepared.patient), None, false, prepared.at)),
        EntryKind::Fiche | EntryKind::Binary | EntryKind::FhirDocument | EntryKind::Folder | EntryKind::Patch => None,
    }
}

fn of_document(prepared: &Prepared, document: &PreparedDocument, stored: Option<&Document>) -> (String, String) {
    let (fiche, binary) = stored.map_or((document.row.id, document.row.binary), |stored| (stored.id, stored.binary));
    let bytes = format!("{}/{}", document.document_type(), LogicalId::of_patient(prepared.patient, binary));
    (fiche_reference(prepared.patient, fiche), bytes)
}

//! What a submission does to fiches that are in the record already: it replaces them, relates to
//! them, lists them (MHD §1.2 relatesTo, UpdateDocumentRefs; TD2.1; contract §8, ds 30-34, 76).

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};
use uuid::Uuid;

use super::folder;
use super::prepare::{Places, Prepared, PreparedDocument, fiche_reference, list_reference};
use super::reference::{Known, Lookup, find_fiche, is_own};
use super::revise::revise;
use crate::access::context::Context;
use crate::access::permit::{Denial, Permit};
use crate::error::{Code, Error};
use crate::model::document::{Document, DocumentStatus};
use crate::model::resource::{ResourceType, StoredResource};
use crate::rules::facts::Facts;
use crate::store::Tx;

/// What a submission names in the record, all of it there and allowed.
pub(super) struct Targets {
    pub(super) places: Places,
    /// The fiches that become superseded, each with the entryUUID of its next version.
    pub(super) replaced: Vec<(Document, Uuid)>,
    /// The fiche of each PATCH entry.
    pub(super) patched: Vec<Uuid>,
    /// The current version of each folder that gets a new one.
    pub(super) folders: Vec<Option<StoredResource>>,
}

/// Unknown, of another record, hidden and deleted are one answer.
const UNKNOWN: Denial = Denial::new(Code::ReferenceTarget, "MHD relatesTo");
const SEVERAL: Denial = Denial::new(Code::PreconditionFailed, "R4 http#trules");

/// Finds all that a submission names. Documents that were sent before have done what they do already.
pub(super) fn find(
    tx: &mut Tx<'_>,
    ctx: &Context,
    permit: &Permit,
    prepared: &Prepared,
    stored: &[Option<Document>],
    facts: &Facts,
) -> Result<Result<Targets, Denial>, Error> {
    let mut finder = Finder { tx, ctx, permit, facts, fiches: HashMap::new() };
    let mut replaced: Vec<(Document, Uuid)> = Vec::new();
    let mut named = HashSet::new();
    for (document, stored) in prepared.documents.iter().zip(stored) {
        if let Err(denial) = finder.relations(document, stored.is_some(), &mut replaced, &mut named)? {
            return Ok(Err(denial));
        }
    }
    let mut patched = Vec::with_capacity(prepared.patches.len());
    for patch in &prepared.patches {
        match finder.fiche(&patch.target)? {
            // A PATCH of what nothing here replaces is TD3.3's, not a submission's.
            Ok(target) if named.contains(&target.id) => patched.push(target.id),
            Ok(_) => return Ok(Err(UNKNOWN)),
            Err(denial) => return Ok(Err(denial)),
        }
    }
    if prepared.demands_patches && replaced.iter().any(|(target, _)| !patched.contains(&target.id)) {
        return Ok(Err(Denial::new(Code::Profile, "MHD UpdateDocumentRefs")));
    }
    let lists = std::iter::once(&prepared.list).chain(prepared.folders.iter().map(|folder| &folder.list));
    for known in lists.flat_map(|list| &list.listed) {
        if let Err(denial) = finder.fiche(known)? {
            return Ok(Err(denial));
        }
    }
    let mut folders = Vec::with_capacity(prepared.folders.len());
    for prepared in &prepared.folders {
        match folder::current(finder.tx, ctx, permit, facts, prepared.target.as_ref())? {
            Lookup::One(current) => folders.push(Some(current)),
            // A condition that nothing meets makes a new folder (R4 http.html#cond-update).
            Lookup::Absent if !matches!(prepared.target, Some(Known::Id(_) | Known::Nothing)) => folders.push(None),
            Lookup::Absent => return Ok(Err(UNKNOWN)),
            Lookup::Several => return Ok(Err(SEVERAL)),
        }
    }
    let found = finder.fiches.into_iter();
    let found = found.map(|(known, target)| (known, fiche_reference(prepared.patient, target.id))).collect();
    let mut became = sent_before(prepared, stored);
    for (folder, current) in prepared.folders.iter().zip(&folders) {
        if let Some(current) = current {
            let given = list_reference(prepared.patient, folder.list.id);
            became.insert(given, list_reference(prepared.patient, current.id));
        }
    }
    let places = Places { became, found };
    Ok(Ok(Targets { places, replaced, patched, folders }))
}

/// The references of documents that were sent before, by those given to them in vain.
fn sent_before(prepared: &Prepared, stored: &[Option<Document>]) -> HashMap<String, String> {
    let known = prepared.documents.iter().zip(stored).filter_map(|(document, stored)| {
        let stored = stored.as_ref()?;
        Some((document.reference(), fiche_reference(prepared.patient, stored.id)))
    });
    known.collect()
}

/// Finds each fiche once.
struct Finder<'t, 'c> {
    tx: &'t mut Tx<'c>,
    ctx: &'t Context,
    permit: &'t Permit,
    facts: &'t Facts,
    fiches: HashMap<Known, Document>,
}

impl Finder<'_, '_> {
    fn fiche(&mut self, known: &Known) -> Result<Result<Document, Denial>, Error> {
        if let Some(found) = self.fiches.get(known) {
            return Ok(Ok(found.clone()));
        }
        Ok(match find_fiche(self.tx, self.ctx, self.permit, self.facts, known)? {
            Lookup::One(found) => {
                self.fiches.insert(known.clone(), found.clone());
                Ok(found)
            }
            Lookup::Absent => Err(UNKNOWN),
            Lookup::Several => Err(SEVERAL),
        })
    }

    /// The targets of one document: those it replaces must be the caller's own and current.
    fn relations(
        &mut self,
        document: &PreparedDocument,
        was_sent: bool,
        replaced: &mut Vec<(Document, Uuid)>,
        named: &mut HashSet<Uuid>,
    ) -> Result<Result<(), Denial>, Error> {
        for (relation, entry_uuid) in &document.relations {
            let target = match self.fiche(&relation.target)? {
                Ok(target) => target,
                Err(_) if was_sent => continue,
                Err(denial) => return Ok(Err(denial)),
            };
            if !relation.replaces {
                continue;
            }
            named.insert(target.id);
            if was_sent {
                continue;
            }
            if !is_own(self.ctx, &target) {
                return Ok(Err(Denial::new(Code::NotAuthor, "EX_2.1-1140")));
            }
            let is_taken = replaced.iter().any(|(known, _)| known.id == target.id);
            if is_taken || target.status != DocumentStatus::Current {
                return Ok(Err(Denial::new(Code::AlreadySuperseded, "TD2.1")));
            }
            replaced.push((target, *entry_uuid));
        }
        Ok(Ok(()))
    }
}

/// Makes a fiche superseded, as a new version of it.
pub(super) fn supersede(
    tx: &mut Tx<'_>,
    permit: &Permit,
    target: &Document,
    entry_uuid: Uuid,
    prepared: &Prepared,
) -> Result<(), Error> {
    let kind = ResourceType::DocumentReference;
    let current = tx.find_resource(permit, kind, target.id)?.ok_or_else(|| Error::from(Code::Internal))?;
    let mut fiche: Value =
        serde_json::from_slice(&current.body).map_err(|error| Error::from(Code::Internal).because(error))?;
    if let Some(members) = fiche.as_object_mut() {
        members.insert("status".to_owned(), json!(DocumentStatus::Superseded.name()));
    }
    let document = Document { status: DocumentStatus::Superseded, ..target.clone() };
    revise(tx, permit, &document, &current, fiche, entry_uuid, prepared.at).map(drop)
}

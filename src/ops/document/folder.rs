//! Folders (classeurs): kept as they come, a new version in place of the one before (MHD §1.2
//! Folders, PDSm folder; document-sharing §1.3).

use serde_json::Value;

use super::prepare::{Places, PreparedFolder};
use super::reference::{Known, Lookup, Pointed, ids, may_read, pointed};
use super::revise::with_entry_uuid;
use crate::access::context::Context;
use crate::access::permit::Permit;
use crate::error::{Code, Error};
use crate::fhir::view::{List, ListKind};
use crate::ids::{LogicalId, PatientKey};
use crate::model::document::{Document, DocumentStatus};
use crate::model::resource::{NewResource, ResourceType, StoredResource};
use crate::ops::resource::stamp::{index, stamp};
use crate::rules::facts::Facts;
use crate::store::Tx;

use jiff::Timestamp;

/// The folder that is named, if the caller may read all that it lists: else he may not know of it.
pub(super) fn current(
    tx: &mut Tx<'_>,
    ctx: &Context,
    permit: &Permit,
    facts: &Facts,
    target: Option<&Known>,
) -> Result<Lookup<StoredResource>, Error> {
    let Some(target) = target else { return Ok(Lookup::Absent) };
    let mut found = Vec::new();
    for id in ids(tx, ctx, permit, ResourceType::List, target)? {
        let Some(stored) = tx.find_resource(permit, ResourceType::List, id)? else { continue };
        let list = parse(&stored)?;
        // A submission set never changes: it is no folder, whatever is put in its place.
        if List::new(&list).and_then(|list| list.kind()) != Some(ListKind::Folder) {
            continue;
        }
        if may_read(ctx, facts, &documents(tx, permit.patient(), &list)?) {
            found.push(stored);
        }
    }
    Ok(Lookup::of(found))
}

fn parse(stored: &StoredResource) -> Result<Value, Error> {
    serde_json::from_slice(&stored.body).map_err(|error| Error::from(Code::Internal).because(error))
}

/// The documents that a list of the record names, but those deleted.
fn documents(tx: &mut Tx<'_>, patient: PatientKey, list: &Value) -> Result<Vec<Document>, Error> {
    let mut documents = Vec::new();
    let entries = list.get("entry").and_then(Value::as_array).into_iter().flatten();
    for item in entries.filter_map(|entry| entry.get("item")) {
        if let Some(Pointed::Outside(Known::Id(id))) = pointed(item, "DocumentReference") {
            documents.extend(tx.fact_document(patient, id.uuid)?);
        }
    }
    documents.retain(|document| document.status != DocumentStatus::Deleted);
    Ok(documents)
}

/// Keeps a folder, or its version after `current`. Answers what was kept: id and version.
pub(super) fn keep(
    tx: &mut Tx<'_>,
    permit: &Permit,
    folder: &PreparedFolder,
    current: Option<&StoredResource>,
    places: &Places,
    at: Timestamp,
) -> Result<Kept, Error> {
    let Some(current) = current else {
        let row = places.list_row(&folder.list, at)?;
        tx.put_resource(permit, row.as_ref())?;
        return Ok(Kept { id: row.id, version: row.version, is_new: true });
    };
    let version = current.version.saturating_add(1);
    let list = with_entry_uuid(places.settle(&folder.list.row)?, folder.entry_uuid);
    let list = stamp(list, &LogicalId::of_patient(permit.patient(), current.id), version, at);
    tx.put_resource(
        permit,
        &NewResource {
            kind: ResourceType::List,
            id: current.id,
            version,
            body: list.to_string().into_bytes(),
            updated_at: at,
            index: index(&list),
            former: index(&parse(current)?),
        },
    )?;
    Ok(Kept { id: current.id, version, is_new: false })
}

/// Which version of which folder an entry left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) id: uuid::Uuid,
    pub(super) version: i32,
    pub(super) is_new: bool,
}

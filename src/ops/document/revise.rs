//! A new version of a fiche: what replacement and metadata updates have in common (document-sharing
//! T8: the id stays, each version has an entryUUID of its own).

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::resource::stamp::{index, stamp};
use crate::access::permit::Permit;
use crate::error::{Code, Error};
use crate::ids::LogicalId;
use crate::model::document::Document;
use crate::model::resource::{NewResource, ResourceType, StoredResource};
use crate::store::Tx;

/// Keeps `fiche` as the version after `current`, and `document` as its facts. Its entryUUID is
/// `entry_uuid`; whoever was faster makes this `conflit`.
pub(crate) fn revise(
    tx: &mut Tx<'_>,
    permit: &Permit,
    document: &Document,
    current: &StoredResource,
    fiche: Value,
    entry_uuid: Uuid,
    at: Timestamp,
) -> Result<StoredResource, Error> {
    // Without its rows the version before would go on being found.
    let before: Value =
        serde_json::from_slice(&current.body).map_err(|error| Error::from(Code::Internal).because(error))?;
    let former = index(&before);
    let version = current.version + 1;
    let id = LogicalId::of_patient(document.patient, document.id);
    let fiche = stamp(with_entry_uuid(fiche, entry_uuid), &id, version, at);
    let body = fiche.to_string().into_bytes();
    let kept = StoredResource { id: document.id, version, body: body.clone(), updated_at: at };
    let kind = ResourceType::DocumentReference;
    tx.put_resource(
        permit,
        &NewResource { kind, id: document.id, version, body, updated_at: at, index: index(&fiche), former },
    )?;
    tx.put_document(permit, document, at)?;
    Ok(kept)
}

/// Replaces the entryUUID of a fiche, or adds one. It is told by its `use` (MHD 4.2.3) and by its
/// type (MHD 4.2.4): both are written (T5).
pub(crate) fn with_entry_uuid(mut fiche: Value, uuid: Uuid) -> Value {
    let entry_uuid = json!({
        "use": "official",
        "type": { "coding": [{
            "system": "https://profiles.ihe.net/ITI/MHD/CodeSystem/IHE.MHD.MHDIdentifierType",
            "code": "entryUUID",
        }] },
        "system": "urn:ietf:rfc:3986",
        "value": format!("urn:uuid:{uuid}"),
    });
    let Some(members) = fiche.as_object_mut() else { return fiche };
    let identifiers = members.entry("identifier").or_insert_with(|| json!([]));
    if let Some(identifiers) = identifiers.as_array_mut() {
        identifiers.retain(|identifier| !is_entry_uuid(identifier));
        identifiers.push(entry_uuid);
    }
    fiche
}

/// Whether an identifier is an entryUUID, by its type or by its use and form.
pub(crate) fn is_entry_uuid(identifier: &Value) -> bool {
    let by_type = identifier
        .pointer("/type/coding")
        .and_then(Value::as_array)
        .is_some_and(|codings| codings.iter().any(|coding| coding.get("code") == Some(&json!("entryUUID"))));
    let value = identifier.get("value").and_then(Value::as_str).unwrap_or_default();
    by_type || (identifier.get("use") == Some(&json!("official")) && value.starts_with("urn:uuid:"))
}

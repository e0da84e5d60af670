//! A FHIR document provided as a document: the Bundle's JSON is its bytes (MHD §1.2, FHIR Documents
//! Publish option).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::entries::entry_path;
use crate::error::{Code, Error, Issue};
use crate::fhir::view::Bundle;
use crate::ops::Service;
use crate::store::blob::{Stage, Staged};

/// The media type that a FHIR document is kept and sent in.
pub(super) const MEDIA_TYPE: &str = "application/fhir+json";

/// Encrypts the FHIR documents of a bundle, by the number of their entry. What they hold is never
/// resolved nor changed.
pub(super) async fn stage(service: &Service, bundle: &Value, at: Timestamp) -> Result<BTreeMap<usize, Staged>, Error> {
    let mut staged = BTreeMap::new();
    let Some(bundle) = Bundle::new(bundle) else { return Ok(staged) };
    for (number, entry) in bundle.entries().enumerate() {
        let Some(document) = entry.resource().filter(|_| entry.resource_type() == Some("Bundle")) else { continue };
        if Bundle::new(document).and_then(|document| document.kind()) != Some("document") {
            let path = entry_path(number).child("resource").child("type");
            return Err(Issue::new(Code::BundleEntry).at(path).rule("MHD FhirDocuments").into());
        }
        let id = service.ids.uuid(at);
        let mut stage = Stage::new(id, service.ids.as_ref(), service.limits, &service.folder)?;
        stage.write(document.to_string().as_bytes())?;
        stage.spill().await?;
        staged.insert(number, stage.finish(&service.keys).await?);
    }
    Ok(staged)
}

/// Whether a media type is that of FHIR in JSON.
pub(super) fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    matches!(essence, MEDIA_TYPE | "application/json" | "application/json+fhir")
}

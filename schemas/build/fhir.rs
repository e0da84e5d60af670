//! Reader of the fhir tables.

#![expect(clippy::panic, clippy::indexing_slicing, reason = "a wrong table ends the build, with its file and line")]

#[path = "fhir/blob.rs"]
mod blob;
#[path = "fhir/definitions.rs"]
mod definitions;

use std::path::Path;

pub(crate) fn generate(schemas: &Path, out: &Path) {
    definitions::generate(&schemas.join("fhir-r4"), out);
}

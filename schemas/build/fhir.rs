//! Reader of the fhir tables.
#![expect(clippy::panic, clippy::indexing_slicing, reason = "a wrong table ends the build, with its file and line")]

#[path = "fhir/blob.rs"]
mod blob;
#[path = "fhir/definitions.rs"]
mod definitions;
#[path = "fhir/profiles.rs"]
mod profiles;
#[path = "fhir/spelling.rs"]
mod spelling;

use std::path::Path;

pub(crate) fn generate(schemas: &Path, out: &Path) {
    let profiles = profiles::Profiles::read(schemas);
    let mut pool = blob::Pool::default();
    let sets = definitions::write(&schemas.join("fhir-r4"), profiles.value_sets(schemas), out, &mut pool);
    profiles.write(schemas, &sets, out, &mut pool);
    profiles::write_list(schemas, out);
    pool.write(&out.join("fhir-names.txt"));
}

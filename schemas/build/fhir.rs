//! Reader of the fhir tables.

use std::path::Path;

pub(crate) fn generate(_schemas: &Path, _out: &Path) {}

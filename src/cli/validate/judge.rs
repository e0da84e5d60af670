//! What a file is, and what it is judged by.

use serde_json::Value;

use super::report::{Note, Report};
use crate::fhir::codec::json;
use crate::fhir::validate::deep::Whole;
use crate::fhir::validate::package::Package;
use crate::fhir::validate::{self, Mode};
use crate::ihe::cda_rules;

/// What every file is judged by.
pub(super) struct Judge<'a> {
    pub(super) mode: Mode,
    pub(super) package: &'a Package,
    /// Besides what resources name.
    pub(super) profile: Option<&'a str>,
}

impl Judge<'_> {
    /// XML is a CDA, all else is FHIR JSON.
    pub(super) fn file(&self, bytes: &[u8]) -> Report {
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        if text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<') {
            return self.document(bytes);
        }
        match json::parse(text) {
            Ok(resource) => self.resource(&resource),
            Err(error) => Report { issues: error.issues().to_vec(), notes: Vec::new() },
        }
    }

    fn document(&self, bytes: &[u8]) -> Report {
        let is_fhir = bytes.windows(FHIR.len()).take(LOOKED_AT).any(|window| window == FHIR);
        let mut notes = Vec::new();
        if is_fhir {
            notes.push(Note::FhirXml);
        } else if self.profile.is_some() {
            notes.push(Note::ProfileNotLookedAt);
        }
        Report { issues: cda_rules::judge(bytes, self.mode.mode), notes }
    }

    fn resource(&self, resource: &Value) -> Report {
        let options = validate::Options::default();
        let whole = Whole { mode: self.mode, package: self.package, profile: self.profile, options, advises: false };
        let found = whole.judge(resource);
        let mut notes: Vec<Note> = found.unknown.into_iter().map(Note::UnknownProfile).collect();
        if !found.has_profile {
            notes.push(Note::NoProfile);
        }
        Report { issues: found.issues, notes }
    }
}

/// The namespace of FHIR in XML.
const FHIR: &[u8] = b"http://hl7.org/fhir\"";
/// It stands on the root, near the start.
const LOOKED_AT: usize = 1024;

//! What a file is, and what it is judged by.

use serde_json::Value;

use super::report::{Note, Report};
use crate::error::{Code, Issue};
use crate::fhir::codec::json;
use crate::fhir::validate::package::Package;
use crate::fhir::validate::{self, Mode};
use crate::ihe::cda_rules;

/// What every file is judged by.
pub(super) struct Judge<'a> {
    pub(super) mode: Mode,
    pub(super) package: &'a Package,
    /// Instead of what a resource names.
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
        let mut report = Report { issues: validate::structural(resource), notes: Vec::new() };
        if resource.get("resourceType").is_none() && report.issues.is_empty() {
            report.issues.push(Issue::new(Code::Missing));
        }
        report.issues.extend(validate::identities(resource, self.mode.mode));
        match self.profile {
            Some(profile) => self.profile(resource, profile, &mut report),
            None => self.named(resource, &mut report),
        }
        report
    }

    /// The profiles a resource names; where a bundle's own does not judge its entries, theirs.
    fn named(&self, resource: &Value, report: &mut Report) {
        let named: Vec<&str> = profiles(resource).collect();
        if named.is_empty() {
            report.notes.push(Note::NoProfile);
        }
        for profile in &named {
            self.profile(resource, profile, report);
        }
        let judges_entries = named.iter().any(|profile| validate::knows(profile) || self.package.knows(profile));
        let entries = resource.get("entry").and_then(Value::as_array).filter(|_| !judges_entries);
        for (index, entry) in entries.into_iter().flatten().enumerate() {
            let Some(resource) = entry.get("resource") else { continue };
            let before = report.issues.len();
            for profile in profiles(resource) {
                self.profile(resource, profile, report);
            }
            for issue in report.issues.iter_mut().skip(before) {
                let kind = resource.get("resourceType").and_then(Value::as_str).unwrap_or_default();
                if let Some(path) = &issue.path {
                    let below = path.as_str().strip_prefix(kind).unwrap_or_default().to_owned();
                    issue.path = Some(crate::ids::ElementPath::root(format!("Bundle.entry[{index}].resource{below}")));
                }
            }
        }
    }

    /// Our own tables first: they know the modes. A package judges what they do not.
    fn profile(&self, resource: &Value, profile: &str, report: &mut Report) {
        if validate::knows(profile) {
            report.issues.extend(validate::profile(resource, profile, &self.mode));
        } else if self.package.knows(profile) {
            report.issues.extend(self.package.judge(resource, profile));
        } else {
            report.notes.push(Note::UnknownProfile(profile.to_owned()));
        }
    }
}

/// The namespace of FHIR in XML.
const FHIR: &[u8] = b"http://hl7.org/fhir\"";
/// It stands on the root, near the start.
const LOOKED_AT: usize = 1024;

fn profiles(resource: &Value) -> impl Iterator<Item = &str> {
    resource.pointer("/meta/profile").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

//! A resource that a client sends to be kept, judged as far as it can be without the store: its type, its
//! structure, its profiles, its identities (R4 `http.html#create`; contract §8).

use serde_json::Value;

use super::measure;
use super::reach::is_directory;
use crate::error::{Code, Error, Issue};
use crate::fhir::validate::{self, Mode};
use crate::ids::{ElementPath, Ins};
use crate::model::resource::ResourceType;
use crate::ops::Domain;
use crate::ops::facts::Named;

/// A resource that may be kept. What it says may be personal: `Debug` tells its type only.
#[derive(Clone)]
pub struct Draft {
    kind: ResourceType,
    body: Value,
    warnings: Vec<Issue>,
}

impl std::fmt::Debug for Draft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Draft({})", self.kind.name())
    }
}

impl Draft {
    /// Judges what was sent to be a resource of `kind`.
    ///
    /// # Errors
    /// [`Code::Structure`] where it is another type's; else what validation finds.
    pub fn read(kind: ResourceType, body: Value, mode: &Mode) -> Result<Self, Error> {
        if body.get("resourceType").and_then(Value::as_str) != Some(kind.name()) {
            let path = ElementPath::root("resourceType");
            return Err(Issue::new(Code::Structure).at(path).rule("R4 http#create").into());
        }
        let mut issues = validate::structural(&body);
        issues.extend(validate::identities(&body, mode.mode));
        for profile in profiles(&body) {
            issues.extend(validate::profile(&body, profile, mode));
        }
        issues.extend(of_its_place(kind, &body));
        if issues.iter().any(|issue| !issue.is_warning) {
            return Err(Error::many(issues));
        }
        Ok(Self { kind, body, warnings: issues })
    }

    /// The type.
    pub const fn kind(&self) -> ResourceType {
        self.kind
    }

    /// What is to be kept.
    pub const fn body(&self) -> &Value {
        &self.body
    }

    /// What was tolerated.
    pub fn warnings(&self) -> &[Issue] {
        &self.warnings
    }

    /// `id`, where the client gave one.
    pub fn id(&self) -> Option<&str> {
        self.body.get("id").and_then(Value::as_str)
    }

    /// Whose record it belongs to: nobody's in the directory.
    ///
    /// # Errors
    /// 422 where it names nobody, or nobody whom this server could know.
    pub fn person(&self, base: &str, domain: Domain) -> Result<Option<Named>, Error> {
        person(self.kind, &self.body, base, domain)
    }

    /// The same draft, which says `body`: references alone may differ, and not in their types.
    pub(super) fn saying(&self, body: Value) -> Self {
        Self { kind: self.kind, body, warnings: Vec::new() }
    }
}

/// Whose record a resource of `kind` belongs to: nobody's in the directory.
///
/// # Errors
/// 422 where it names nobody, or nobody whom this server could know.
pub(super) fn person(kind: ResourceType, body: &Value, base: &str, domain: Domain) -> Result<Option<Named>, Error> {
    if is_directory(kind) {
        return Ok(None);
    }
    let name = subject_of(kind);
    let path = ElementPath::root(kind.name()).child(name);
    let missing = || Error::from(Issue::new(Code::Missing).at(path.clone()).rule("contract §7"));
    let subject = body.get(name).ok_or_else(missing)?;
    if let Some(key) = subject.get("reference").and_then(Value::as_str).and_then(|text| patient_id(text, base)) {
        let key = key.parse().map_err(|_unknown| Error::from(Issue::new(Code::NoRecord).rule("MES-048")))?;
        return Ok(Some(Named::Key(key)));
    }
    let identifier = subject.get("identifier").ok_or_else(missing)?;
    let part = |name: &str| identifier.get(name).and_then(Value::as_str).unwrap_or_default();
    let ins = domain.read_ins(part("system"), part("value")).map_err(|issue| issue.at(path.clone()))?;
    Ok(Some(Named::Ins(ins)))
}

/// The element that names the person of a record's resource.
pub(super) const fn subject_of(kind: ResourceType) -> &'static str {
    match kind {
        ResourceType::RelatedPerson => "patient",
        _ => "subject",
    }
}

/// Whether a resource names the person of a record, by id or by one of his INS.
pub(super) fn is_about(kind: ResourceType, body: &Value, id: &str, base: &str, known: &[Ins]) -> bool {
    let Some(subject) = body.get(subject_of(kind)) else { return false };
    if let Some(reference) = subject.get("reference").and_then(Value::as_str) {
        return patient_id(reference, base) == Some(id);
    }
    let part = |name: &str| subject.get("identifier")?.get(name)?.as_str();
    let (Some(system), Some(value)) = (part("system"), part("value")) else { return false };
    Ins::parse(system, value).is_ok_and(|ins| known.contains(&ins))
}

/// The id in a reference to a person of this server.
fn patient_id<'a>(reference: &'a str, base: &str) -> Option<&'a str> {
    let own = reference.strip_prefix(base).and_then(|rest| rest.strip_prefix('/')).unwrap_or(reference);
    own.strip_prefix("Patient/")
}

fn profiles(body: &Value) -> impl Iterator<Item = &str> {
    let profiles = body.get("meta").and_then(|meta| meta.get("profile")).and_then(Value::as_array);
    profiles.into_iter().flatten().filter_map(Value::as_str)
}

/// What a type must be, beyond R4, to be kept where it is.
fn of_its_place(kind: ResourceType, body: &Value) -> Option<Issue> {
    match kind {
        ResourceType::Observation => measure::judge(body),
        // The directory is read by everybody: no device of a person's stands in it.
        ResourceType::Device if body.get("patient").is_some() => {
            let path = ElementPath::root("Device").child("patient");
            Some(Issue::new(Code::Profile).at(path).rule("contract §8"))
        }
        _ => None,
    }
}

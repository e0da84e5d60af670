//! List: a submission set or a folder (MHD §1.3).

use serde_json::Value;

use super::{Actor, Coding, Subject, codings, extension, identifier, items, of_type, text};
use crate::ids::BusinessIdentifier;

const LIST_TYPES: &str = "https://profiles.ihe.net/ITI/MHD/CodeSystem/MHDlistTypes";
const DESIGNATION: &str = "https://profiles.ihe.net/ITI/MHD/StructureDefinition/ihe-designationType";
const SOURCE_ID: &str = "https://profiles.ihe.net/ITI/MHD/StructureDefinition/ihe-sourceId";
const AUTHOR_ORG: &str = "https://profiles.ihe.net/ITI/MHD/StructureDefinition/ihe-authorOrg";
const INTENDED: [&str; 2] = [
    "https://profiles.ihe.net/ITI/MHD/StructureDefinition/ihe-intendedRecipient",
    "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-ext-intended-recipient",
];

/// What a List is in MHD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListKind {
    /// A submission set (lot de soumission).
    SubmissionSet,
    /// A folder (classeur).
    Folder,
}

/// A List.
#[derive(Clone, Copy)]
pub struct List<'a>(&'a Value);

impl<'a> List<'a> {
    /// The view of a List; `None` for another resource.
    pub fn new(resource: &'a Value) -> Option<Self> {
        of_type(resource, "List").map(Self)
    }

    /// The logical id.
    pub fn id(&self) -> Option<&'a str> {
        text(self.0, "id")
    }

    /// What `code` says it is; `None` for a list that is not of MHD.
    pub fn kind(&self) -> Option<ListKind> {
        let of_mhd = |coding: &Coding<'_>| coding.system == LIST_TYPES;
        codings(self.0, "code").into_iter().filter(of_mhd).find_map(|coding| match coding.code {
            "submissionset" => Some(ListKind::SubmissionSet),
            "folder" => Some(ListKind::Folder),
            _ => None,
        })
    }

    /// `identifier`, those that have a value.
    pub fn identifiers(&self) -> Vec<BusinessIdentifier> {
        items(self.0, "identifier").filter_map(identifier).collect()
    }

    /// `status`.
    pub fn status(&self) -> Option<&'a str> {
        text(self.0, "status")
    }

    /// `title`.
    pub fn title(&self) -> Option<&'a str> {
        text(self.0, "title")
    }

    /// `date`.
    pub fn date(&self) -> Option<&'a str> {
        text(self.0, "date")
    }

    /// `subject`.
    pub fn subject(&self) -> Option<Subject<'a>> {
        Subject::read(self.0, self.0.get("subject")?)
    }

    /// `source`, resolved within the list.
    pub fn source(&self) -> Option<Actor<'a>> {
        Some(Actor::read(self.0, self.0.get("source")?))
    }

    /// The organisation of the source: extension `ihe-authorOrg` on `source` (trap T15).
    pub fn author_organization(&self) -> Option<Actor<'a>> {
        Some(Actor::read(self.0, extension(self.0.get("source")?, AUTHOR_ORG)?))
    }

    /// The codings of the extension `ihe-designationType`.
    pub fn designation_types(&self) -> Vec<Coding<'a>> {
        let of_url = |item: &&Value| text(item, "url") == Some(DESIGNATION);
        items(self.0, "extension").filter(of_url).flat_map(|item| codings(item, "valueCodeableConcept")).collect()
    }

    /// The extension `ihe-sourceId`.
    pub fn source_id(&self) -> Option<BusinessIdentifier> {
        identifier(extension(self.0, SOURCE_ID)?)
    }

    /// The intended recipients, of MHD's and of PDSm's extension.
    pub fn intended_recipients(&self) -> Vec<Actor<'a>> {
        let of_url = |item: &&Value| text(item, "url").is_some_and(|url| INTENDED.contains(&url));
        let reference = |item: &'a Value| item.get("valueReference").map(|found| Actor::read(self.0, found));
        items(self.0, "extension").filter(of_url).filter_map(reference).collect()
    }

    /// The references of `entry.item`.
    pub fn entries(&self) -> Vec<&'a str> {
        items(self.0, "entry").filter_map(|entry| text(entry.get("item")?, "reference")).collect()
    }
}

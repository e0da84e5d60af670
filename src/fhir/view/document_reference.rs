//! DocumentReference: the fiche of a document (MHD §1.3, PDSm §1.2).

use serde_json::Value;

use super::patient::ins_of;
use super::{Actor, Coding, Subject, coding, codings, extension, identifier, items, of_type, text};
use crate::fhir::path::contained;
use crate::ids::{BusinessIdentifier, Ins};

const IS_ARCHIVED: &str = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-ext-is-archived";

/// A DocumentReference.
#[derive(Clone, Copy)]
pub struct DocumentReference<'a>(&'a Value);

/// One item of `relatesTo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relation<'a> {
    /// `replaces`, `transforms`, `signs`, `appends`.
    pub code: &'a str,
    /// The reference to the target, where it is one.
    pub reference: Option<&'a str>,
}

impl<'a> DocumentReference<'a> {
    /// The view of a DocumentReference; `None` for another resource.
    pub fn new(resource: &'a Value) -> Option<Self> {
        of_type(resource, "DocumentReference").map(Self)
    }

    /// The logical id.
    pub fn id(&self) -> Option<&'a str> {
        text(self.0, "id")
    }

    /// `masterIdentifier`.
    pub fn master_identifier(&self) -> Option<BusinessIdentifier> {
        identifier(self.0.get("masterIdentifier")?)
    }

    /// `identifier`, those that have a value.
    pub fn identifiers(&self) -> Vec<BusinessIdentifier> {
        items(self.0, "identifier").filter_map(identifier).collect()
    }

    /// `status`.
    pub fn status(&self) -> Option<&'a str> {
        text(self.0, "status")
    }

    /// The codings of `type`.
    pub fn types(&self) -> Vec<Coding<'a>> {
        codings(self.0, "type")
    }

    /// The codings of `category`.
    pub fn categories(&self) -> Vec<Coding<'a>> {
        codings(self.0, "category")
    }

    /// The codings of `securityLabel`.
    pub fn security_labels(&self) -> Vec<Coding<'a>> {
        codings(self.0, "securityLabel")
    }

    /// `subject`.
    pub fn subject(&self) -> Option<Subject<'a>> {
        Subject::read(self.0, self.0.get("subject")?)
    }

    /// `date`.
    pub fn date(&self) -> Option<&'a str> {
        text(self.0, "date")
    }

    /// `author`, each resolved within the fiche.
    pub fn authors(&self) -> Vec<Actor<'a>> {
        items(self.0, "author").map(|reference| Actor::read(self.0, reference)).collect()
    }

    /// `authenticator`.
    pub fn authenticator(&self) -> Option<Actor<'a>> {
        Some(Actor::read(self.0, self.0.get("authenticator")?))
    }

    /// `custodian`.
    pub fn custodian(&self) -> Option<Actor<'a>> {
        Some(Actor::read(self.0, self.0.get("custodian")?))
    }

    /// `relatesTo`.
    pub fn relations(&self) -> Vec<Relation<'a>> {
        let relation = |item: &'a Value| Relation {
            code: text(item, "code").unwrap_or_default(),
            reference: item.get("target").and_then(|target| text(target, "reference")),
        };
        items(self.0, "relatesTo").map(relation).collect()
    }

    /// `content.attachment`, of the first content.
    pub fn attachment(&self) -> Option<Attachment<'a>> {
        self.content()?.get("attachment").map(Attachment)
    }

    /// `content.format`, of the first content.
    pub fn format(&self) -> Option<Coding<'a>> {
        self.content()?.get("format").map(coding)
    }

    fn content(&self) -> Option<&'a Value> {
        items(self.0, "content").next()
    }

    /// `context.period.start` and `.end`.
    pub fn period(&self) -> (Option<&'a str>, Option<&'a str>) {
        let period = self.0.get("context").and_then(|context| context.get("period"));
        let end = |name| period.and_then(|period| text(period, name));
        (end("start"), end("end"))
    }

    /// The codings of `context.event`.
    pub fn events(&self) -> Vec<Coding<'a>> {
        self.context_codings("event")
    }

    /// The codings of `context.facilityType`.
    pub fn facility_types(&self) -> Vec<Coding<'a>> {
        self.context_codings("facilityType")
    }

    /// The codings of `context.practiceSetting`.
    pub fn practice_settings(&self) -> Vec<Coding<'a>> {
        self.context_codings("practiceSetting")
    }

    fn context_codings(&self, name: &str) -> Vec<Coding<'a>> {
        self.0.get("context").map_or_else(Vec::new, |context| codings(context, name))
    }

    /// The INS that `context.sourcePatientInfo` states; never to be used to find the record.
    pub fn source_patient_ins(&self) -> Vec<Ins> {
        let source = self.0.get("context").and_then(|context| context.get("sourcePatientInfo"));
        let Some(reference) = source else { return Vec::new() };
        let logical = reference.get("identifier").into_iter();
        let inside = contained(self.0, reference).into_iter().flat_map(|patient| items(patient, "identifier"));
        logical.chain(inside).filter_map(ins_of).collect()
    }

    /// The extension `isArchived` (PDSm).
    pub fn is_archived(&self) -> Option<bool> {
        extension(self.0, IS_ARCHIVED)?.as_bool()
    }
}

/// `content.attachment`.
#[derive(Clone, Copy)]
pub struct Attachment<'a>(&'a Value);

impl<'a> Attachment<'a> {
    /// `contentType`.
    pub fn content_type(&self) -> Option<&'a str> {
        text(self.0, "contentType")
    }

    /// `language`.
    pub fn language(&self) -> Option<&'a str> {
        text(self.0, "language")
    }

    /// `url`.
    pub fn url(&self) -> Option<&'a str> {
        text(self.0, "url")
    }

    /// `data`, base64.
    pub fn data(&self) -> Option<&'a str> {
        text(self.0, "data")
    }

    /// `size` in bytes.
    pub fn size(&self) -> Option<u64> {
        self.0.get("size").and_then(Value::as_u64)
    }

    /// `hash`: base64 of the SHA-1 of the raw bytes.
    pub fn hash(&self) -> Option<&'a str> {
        text(self.0, "hash")
    }

    /// `title`.
    pub fn title(&self) -> Option<&'a str> {
        text(self.0, "title")
    }

    /// `creation`.
    pub fn creation(&self) -> Option<&'a str> {
        text(self.0, "creation")
    }
}

//! What each act is called in the words of FHIR, DICOM and IHE (ihe §1.10, §4.1).

use serde_json::Value;

use super::{DCM, coding};
use crate::model::audit::Act;

/// The shape of the event: which BALP pattern its entities and agents follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// ITI-65, the import of a submission set.
    Import,
    /// REST search.
    Query,
    /// REST read or vread.
    Read,
    /// REST patch.
    Update,
    /// REST history of one resource.
    History,
    /// A FHIR operation.
    Operation,
    /// ITI-71.
    Token,
}

/// The codes of an act.
#[derive(Debug, Clone, Copy)]
pub(super) struct Codes {
    /// The shape.
    pub(super) shape: Shape,
    /// The transaction: code and display.
    pub(super) transaction: Option<(System, &'static str, &'static str)>,
    /// The profile of the transaction, where IHE has one beside BALP's.
    pub(super) profile: Option<&'static str>,
    /// object-role of what was read.
    pub(super) data_role: (&'static str, &'static str),
}

/// Where the code of a transaction comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum System {
    /// `urn:ihe:event-type-code`.
    Ihe,
    /// Ours, for the transactions of the DMP that are none of IHE's.
    Dmp,
}

const DOMAIN_RESOURCE: (&str, &str) = ("4", "Domain Resource");

impl Codes {
    pub(super) const fn of(act: Act) -> Self {
        let plain = Self { shape: Shape::Read, transaction: None, profile: None, data_role: DOMAIN_RESOURCE };
        match act {
            Act::ExistenceTest => {
                Self { shape: Shape::Query, transaction: Some((System::Dmp, "TD0.2", "Test d'existence")), ..plain }
            }
            Act::ProvideDocumentBundle => Self {
                shape: Shape::Import,
                transaction: Some((System::Ihe, "ITI-65", "Provide Document Bundle")),
                profile: Some(
                    "https://profiles.ihe.net/ITI/MHD/StructureDefinition/IHE.MHD.ProvideBundle.Audit.Recipient",
                ),
                ..plain
            },
            Act::SimplifiedPublish => Self {
                shape: Shape::Import,
                transaction: Some((System::Ihe, "ITI-105", "Simplified Publish")),
                profile: Some(
                    "https://profiles.ihe.net/ITI/MHD/StructureDefinition/IHE.MHD.SimplifiedPublish.Audit.Recipient",
                ),
                ..plain
            },
            Act::GenerateMetadata => Self {
                transaction: Some((System::Ihe, "ITI-106", "Generate Metadata")),
                shape: Shape::Operation,
                profile: Some(
                    "https://profiles.ihe.net/ITI/MHD/StructureDefinition/IHE.MHD.GenerateMetadata.Audit.Recipient",
                ),
                ..plain
            },
            Act::UpdateDocumentMetadata => Self {
                shape: Shape::Update,
                transaction: Some((System::Dmp, "TD3.3", "Mise à jour des métadonnées")),
                ..plain
            },
            Act::FindDocumentLists => Self {
                shape: Shape::Query,
                transaction: Some((System::Ihe, "ITI-66", "Find Document Lists")),
                profile: Some(
                    "https://profiles.ihe.net/ITI/MHD/StructureDefinition/IHE.MHD.FindDocumentLists.Audit.Responder",
                ),
                ..plain
            },
            Act::FindDocumentReferences => Self {
                shape: Shape::Query,
                transaction: Some((System::Ihe, "ITI-67", "Find Document References")),
                profile: Some(
                    "https://profiles.ihe.net/ITI/MHD/StructureDefinition/IHE.MHD.FindDocumentReferences.Audit.Responder",
                ),
                ..plain
            },
            Act::RetrieveDocument => Self {
                transaction: Some((System::Ihe, "ITI-68", "Retrieve Document")),
                profile: Some(
                    "https://profiles.ihe.net/ITI/MHD/StructureDefinition/IHE.MHD.RetrieveDocument.Audit.Responder",
                ),
                data_role: ("3", "Report"),
                ..plain
            },
            Act::RetrieveAuditEvent => Self {
                shape: Shape::Query,
                transaction: Some((System::Ihe, "ITI-81", "Retrieve ATNA Audit Event")),
                ..plain
            },
            Act::GetAccessToken => Self {
                shape: Shape::Token,
                transaction: Some((System::Ihe, "ITI-71", "Get Access Token")),
                profile: Some("https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.IUA.71"),
                ..plain
            },
            Act::DocumentReferenceHistory | Act::ListHistory => Self { shape: Shape::History, ..plain },
            Act::ReadDocumentReference | Act::ReadList | Act::ReadPatient | Act::ReadAuditEvent => plain,
        }
    }

    /// `AuditEvent.type`.
    pub(super) fn event_type(&self) -> Value {
        match self.shape {
            Shape::Import => coding(DCM, "110107", "Import"),
            Shape::Token => coding(DCM, "110114", "User Authentication"),
            Shape::Query | Shape::Read | Shape::Update | Shape::History | Shape::Operation => {
                coding("http://terminology.hl7.org/CodeSystem/audit-event-type", "rest", "Restful Operation")
            }
        }
    }

    /// `AuditEvent.action`.
    pub(super) const fn action(&self) -> &'static str {
        match self.shape {
            Shape::Import => "C",
            Shape::Read | Shape::History => "R",
            Shape::Update => "U",
            Shape::Query | Shape::Token | Shape::Operation => "E",
        }
    }

    /// The REST interaction; `is_version` where the reference names a version.
    pub(super) fn interaction(&self, is_version: bool) -> Option<Value> {
        let code = match self.shape {
            Shape::Query => "search-type",
            Shape::Read if is_version => "vread",
            Shape::Read => "read",
            Shape::Update => "patch",
            Shape::History => "history-instance",
            Shape::Operation => "operation",
            Shape::Import | Shape::Token => return None,
        };
        Some(coding("http://hl7.org/fhir/restful-interaction", code, code))
    }

    /// The transaction as a subtype.
    pub(super) fn transaction(&self, base: &str) -> Option<Value> {
        let (system, code, display) = self.transaction?;
        Some(match system {
            System::Ihe => coding("urn:ihe:event-type-code", code, display),
            System::Dmp => coding(&format!("{base}/CodeSystem/mes-transaction"), code, display),
        })
    }

    /// The BALP profile of the shape, with or without a patient.
    pub(super) const fn balp_profile(&self, has_patient: bool) -> Option<&'static str> {
        match (self.shape, has_patient) {
            (Shape::Query, true) => {
                Some("https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientQuery")
            }
            (Shape::Query, false) => Some("https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.Query"),
            (Shape::Update, true) => {
                Some("https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientUpdate")
            }
            (Shape::Update, false) => {
                Some("https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.Update")
            }
            (Shape::Read, true) => {
                Some("https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientRead")
            }
            (Shape::Read, false) => Some("https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.Read"),
            (Shape::Import | Shape::Token | Shape::History | Shape::Operation, _) => None,
        }
    }
}

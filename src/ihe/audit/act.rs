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
    /// REST create.
    Create,
    /// REST update.
    Replace,
    /// REST delete.
    Delete,
    /// REST patch.
    Update,
    /// REST history of one resource.
    History,
    /// REST history of a type.
    TypeHistory,
    /// REST transaction.
    Transaction,
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

/// The canonical of an audit profile of MHD.
macro_rules! mhd {
    ($name:literal) => {
        concat!("https://profiles.ihe.net/ITI/MHD/StructureDefinition/IHE.MHD.", $name)
    };
}

const DOMAIN_RESOURCE: (&str, &str) = ("4", "Domain Resource");

impl Codes {
    pub(super) const fn of(act: Act) -> Self {
        let plain = Self { shape: Shape::Read, transaction: None, profile: None, data_role: DOMAIN_RESOURCE };
        match act {
            Act::ExistenceTest => Self::dmp(Shape::Query, "TD0.2", "Test d'existence"),
            Act::ProvideDocumentBundle => {
                Self::ihe(Shape::Import, "ITI-65", "Provide Document Bundle", mhd!("ProvideBundle.Audit.Recipient"))
            }
            Act::SimplifiedPublish => {
                Self::ihe(Shape::Import, "ITI-105", "Simplified Publish", mhd!("SimplifiedPublish.Audit.Recipient"))
            }
            Act::GenerateMetadata => {
                Self::ihe(Shape::Operation, "ITI-106", "Generate Metadata", mhd!("GenerateMetadata.Audit.Recipient"))
            }
            Act::UpdateDocumentMetadata => Self::dmp(Shape::Update, "TD3.3", "Mise à jour des métadonnées"),
            Act::FindDocumentLists => {
                Self::ihe(Shape::Query, "ITI-66", "Find Document Lists", mhd!("FindDocumentLists.Audit.Responder"))
            }
            Act::FindDocumentReferences => Self::ihe(
                Shape::Query,
                "ITI-67",
                "Find Document References",
                mhd!("FindDocumentReferences.Audit.Responder"),
            ),
            Act::RetrieveDocument => Self {
                data_role: ("3", "Report"),
                ..Self::ihe(Shape::Read, "ITI-68", "Retrieve Document", mhd!("RetrieveDocument.Audit.Responder"))
            },
            Act::RetrieveAuditEvent => Self {
                shape: Shape::Query,
                transaction: Some((System::Ihe, "ITI-81", "Retrieve ATNA Audit Event")),
                ..plain
            },
            Act::GetAccessToken => Self::ihe(
                Shape::Token,
                "ITI-71",
                "Get Access Token",
                "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.IUA.71",
            ),
            Act::DocumentReferenceHistory | Act::ListHistory | Act::ResourceHistory => {
                Self { shape: Shape::History, ..plain }
            }
            Act::TypeHistory => Self { shape: Shape::TypeHistory, ..plain },
            Act::Transaction => Self { shape: Shape::Transaction, ..plain },
            Act::CreateResource => Self { shape: Shape::Create, ..plain },
            Act::UpdateResource => Self { shape: Shape::Replace, ..plain },
            Act::PatchResource => Self { shape: Shape::Update, ..plain },
            Act::DeleteResource => Self { shape: Shape::Delete, ..plain },
            Act::SearchResources => Self { shape: Shape::Query, ..plain },
            Act::ReadDocumentReference | Act::ReadList | Act::ReadPatient | Act::ReadAuditEvent | Act::ReadResource => {
                plain
            }
        }
    }

    /// A transaction of IHE, with the profile of its audit message.
    const fn ihe(shape: Shape, code: &'static str, display: &'static str, profile: &'static str) -> Self {
        let transaction = Some((System::Ihe, code, display));
        Self { shape, transaction, profile: Some(profile), data_role: DOMAIN_RESOURCE }
    }

    /// A transaction of the DMP that is none of IHE's.
    const fn dmp(shape: Shape, code: &'static str, display: &'static str) -> Self {
        let transaction = Some((System::Dmp, code, display));
        Self { shape, transaction, profile: None, data_role: DOMAIN_RESOURCE }
    }

    /// `AuditEvent.type`.
    pub(super) fn event_type(&self) -> Value {
        match self.shape {
            Shape::Import => coding(DCM, "110107", "Import"),
            Shape::Token => coding(DCM, "110114", "User Authentication"),
            Shape::Query
            | Shape::Read
            | Shape::Create
            | Shape::Replace
            | Shape::Delete
            | Shape::Update
            | Shape::History
            | Shape::TypeHistory
            | Shape::Transaction
            | Shape::Operation => {
                coding("http://terminology.hl7.org/CodeSystem/audit-event-type", "rest", "Restful Operation")
            }
        }
    }

    /// `AuditEvent.action`.
    pub(super) const fn action(&self) -> &'static str {
        match self.shape {
            Shape::Import | Shape::Create => "C",
            Shape::Read | Shape::History | Shape::TypeHistory => "R",
            Shape::Update | Shape::Replace => "U",
            Shape::Delete => "D",
            Shape::Query | Shape::Token | Shape::Operation | Shape::Transaction => "E",
        }
    }

    /// The REST interaction; `is_version` where the reference names a version.
    pub(super) fn interaction(&self, is_version: bool) -> Option<Value> {
        let code = match self.shape {
            Shape::Query => "search-type",
            Shape::Read if is_version => "vread",
            Shape::Read => "read",
            Shape::Create => "create",
            Shape::Replace => "update",
            Shape::Delete => "delete",
            Shape::Update => "patch",
            Shape::TypeHistory => "history-type",
            Shape::Transaction => "transaction",
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
            (Shape::Create, true) => {
                Some("https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientCreate")
            }
            (Shape::Create, false) => {
                Some("https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.Create")
            }
            (Shape::Delete, true) => {
                Some("https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientDelete")
            }
            (Shape::Delete, false) => {
                Some("https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.Delete")
            }
            (Shape::Replace | Shape::Update, true) => {
                Some("https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientUpdate")
            }
            (Shape::Replace | Shape::Update, false) => {
                Some("https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.Update")
            }
            (Shape::Read, true) => {
                Some("https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientRead")
            }
            (Shape::Read, false) => Some("https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.Read"),
            (
                Shape::Import
                | Shape::Token
                | Shape::History
                | Shape::TypeHistory
                | Shape::Transaction
                | Shape::Operation,
                _,
            ) => None,
        }
    }
}

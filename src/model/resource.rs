//! Resources as the store keeps them: bytes and index rows.

use jiff::Timestamp;
use uuid::Uuid;

use super::profile::states;

states! {
    /// The resource types of contract §7 that are kept: those of a record, and those of the directory.
    /// The name is FHIR's.
    ResourceType {
        /// A fiche.
        DocumentReference = "DocumentReference",
        /// A submission set or a folder.
        List = "List",
        /// The bytes of a document.
        Binary = "Binary",
        /// A person.
        Patient = "Patient",
        /// A trace.
        AuditEvent = "AuditEvent",
        /// A professional of the directory.
        Practitioner = "Practitioner",
        /// An exercise of a professional in a structure.
        PractitionerRole = "PractitionerRole",
        /// A structure of the directory.
        Organization = "Organization",
        /// A place of a structure.
        Location = "Location",
        /// A service that a structure offers.
        HealthcareService = "HealthcareService",
        /// An electronic address of a structure.
        Endpoint = "Endpoint",
        /// A device or software that the directory knows.
        Device = "Device",
        /// A care team.
        CareTeam = "CareTeam",
        /// Somebody of the circle of a person.
        RelatedPerson = "RelatedPerson",
        /// A measure.
        Observation = "Observation",
        /// Answers of the person to a questionnaire.
        QuestionnaireResponse = "QuestionnaireResponse",
    }
}

impl ResourceType {
    /// The number stored; never reused.
    pub const fn number(self) -> i16 {
        match self {
            Self::DocumentReference => 1,
            Self::List => 2,
            Self::Binary => 3,
            Self::Patient => 4,
            Self::AuditEvent => 5,
            Self::Practitioner => 6,
            Self::PractitionerRole => 7,
            Self::Organization => 8,
            Self::Location => 9,
            Self::HealthcareService => 10,
            Self::Endpoint => 11,
            Self::Device => 12,
            Self::CareTeam => 13,
            Self::RelatedPerson => 14,
            Self::Observation => 15,
            Self::QuestionnaireResponse => 16,
        }
    }

    /// The type of a stored number.
    pub fn from_number(number: i16) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.number() == number)
    }
}

/// A version of a resource to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewResource {
    /// Its type.
    pub kind: ResourceType,
    /// Its id within the record.
    pub id: Uuid,
    /// Its version, from 1.
    pub version: i32,
    /// Its JSON, id and meta set; `attachment.url` relative (`Binary/…`).
    pub body: Vec<u8>,
    /// meta.lastUpdated.
    pub updated_at: Timestamp,
    /// What searches look at.
    pub index: Vec<IndexRow>,
    /// What searches looked at in the version before: empty for version 1, else exactly the rows
    /// that version was kept with.
    pub former: Vec<IndexRow>,
}

/// A version of a resource as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResource {
    /// Its id within the record.
    pub id: Uuid,
    /// Its version.
    pub version: i32,
    /// Its JSON.
    pub body: Vec<u8>,
    /// meta.lastUpdated.
    pub updated_at: Timestamp,
}

/// One value under which a resource is found. `parameter` is the stable number of
/// `schemas/fhir-r4/search-parameters.csv`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IndexRow {
    /// The search parameter's number.
    pub parameter: i32,
    /// Token: the code, U+001F and the mark of its system; string: folded text; reference:
    /// `Type/id` or URL; empty for dates.
    pub value: String,
    /// Dates: first microsecond covered; numbers: scaled low bound; else 0.
    pub low: i64,
    /// Dates: last microsecond covered; numbers: scaled high bound; else 0.
    pub high: i64,
}

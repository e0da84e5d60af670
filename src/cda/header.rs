//! The header of a document: what XDS metadata needs (document-sharing §3.2, §4.1).

use std::fmt;

use super::{Code, Identifier, Time};

/// A CDA header. What is absent, has a nullFlavor or cannot be understood is `None`: judging is the
/// business of [`Header::missing`] and of the operations. Most of it is personal, so `Debug` shows
/// little.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Header {
    /// templateId, in document order.
    pub template_ids: Vec<Identifier>,
    /// id: uniqueId.
    pub id: Option<Identifier>,
    /// setId.
    pub set_id: Option<Identifier>,
    /// versionNumber.
    pub version: Option<String>,
    /// code: typeCode.
    pub code: Option<Code>,
    /// title.
    pub title: Option<String>,
    /// effectiveTime: creationTime.
    pub effective_time: Option<Time>,
    /// confidentialityCode.
    pub confidentiality: Option<Code>,
    /// languageCode.
    pub language: Option<String>,
    /// recordTarget: the first one.
    pub patient: Patient,
    /// author, in document order.
    pub authors: Vec<Author>,
    /// custodian.
    pub custodian: Option<Organization>,
    /// legalAuthenticator.
    pub legal_authenticator: Option<Authenticator>,
    /// The main act: the first serviceEvent with performer and effectiveTime.
    pub service_event: Option<ServiceEvent>,
    /// The codes of all serviceEvents, in document order: eventCodeList.
    pub event_codes: Vec<Code>,
    /// healthCareFacility/code: healthcareFacilityTypeCode.
    pub facility: Option<Code>,
    /// inFulfillmentOf/order/id: what was ordered.
    pub orders: Vec<Identifier>,
    /// inFulfillmentOf/order/accessionNumber: accession numbers of imaging (DICOM PS3.20).
    pub accessions: Vec<Identifier>,
    /// The id of the document that this one replaces (relatedDocument RPLC).
    pub replaces: Option<Identifier>,
    /// What the body is.
    pub body: Body,
}

/// recordTarget: identifiers and traits of the patient.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Patient {
    /// patientRole/id: INS, local identifiers.
    pub ids: Vec<Identifier>,
    /// family of birth (qualifier BR, else the one without qualifier).
    pub birth_family: Option<String>,
    /// First given name of birth (given, qualifier BR).
    pub birth_given: Option<String>,
    /// All given names of birth (given without qualifier).
    pub given_names: Option<String>,
    /// family used (qualifier CL).
    pub used_family: Option<String>,
    /// given used (qualifier CL).
    pub used_given: Option<String>,
    /// administrativeGenderCode.
    pub gender: Option<Code>,
    /// birthTime.
    pub birth_time: Option<Time>,
    /// birthplace: COG code of the commune or country (county).
    pub birth_place: Option<String>,
    /// birthplace: name of the commune.
    pub birth_city: Option<String>,
}

/// The name of a person who is not the patient.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Name {
    /// family.
    pub family: Option<String>,
    /// given, in document order.
    pub given: Vec<String>,
    /// prefix.
    pub prefix: Option<String>,
    /// suffix: the professional title in CI-SIS documents.
    pub suffix: Option<String>,
}

/// An organisation.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Organization {
    /// id: Struct_IdNat under 1.2.250.1.71.4.2.2.
    pub id: Option<Identifier>,
    /// name.
    pub name: Option<String>,
}

/// author.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Author {
    /// time.
    pub time: Option<Time>,
    /// functionCode: authorRole.
    pub function: Option<Code>,
    /// assignedAuthor/id: PS_IdNat under 1.2.250.1.71.4.2.1, or the patient's INS.
    pub id: Option<Identifier>,
    /// assignedAuthor/code: authorSpecialty.
    pub specialty: Option<Code>,
    /// assignedPerson/name.
    pub person: Option<Name>,
    /// softwareName of an authoring device.
    pub device: Option<String>,
    /// representedOrganization: authorInstitution.
    pub organization: Option<Organization>,
}

/// legalAuthenticator.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Authenticator {
    /// time.
    pub time: Option<Time>,
    /// assignedEntity/id.
    pub id: Option<Identifier>,
    /// assignedEntity/code.
    pub specialty: Option<Code>,
    /// assignedPerson/name.
    pub person: Option<Name>,
    /// representedOrganization.
    pub organization: Option<Organization>,
}

/// documentationOf/serviceEvent: the main act.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ServiceEvent {
    /// code.
    pub code: Option<Code>,
    /// effectiveTime low (or value): serviceStartTime.
    pub low: Option<Time>,
    /// effectiveTime high: serviceStopTime.
    pub high: Option<Time>,
    /// standardIndustryClassCode of the performer's organisation: practiceSettingCode.
    pub practice_setting: Option<Code>,
    /// performer/assignedEntity/id.
    pub performer: Option<Identifier>,
}

/// What the body of a document is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Body {
    /// None was found.
    #[default]
    Absent,
    /// structuredBody: level 2 or 3.
    Structured,
    /// nonXMLBody: level 1.
    NonXml {
        /// MIME type of what it holds.
        media_type: Option<String>,
        /// `B64`, or `TXT` where absent.
        representation: Option<String>,
    },
}

impl Header {
    /// The elements that CI-SIS demands of every header (document-sharing §4.1) and that this one
    /// lacks, as paths.
    pub fn missing(&self) -> Vec<&'static str> {
        let event = self.service_event.as_ref();
        let patient = &self.patient;
        let checks = [
            ("id", self.id.is_some()),
            ("code", self.code.is_some()),
            ("title", self.title.is_some()),
            ("effectiveTime", self.effective_time.is_some()),
            ("confidentialityCode", self.confidentiality.is_some()),
            ("languageCode", self.language.is_some()),
            ("setId", self.set_id.is_some()),
            ("versionNumber", self.version.is_some()),
            ("recordTarget/patientRole/id", !patient.ids.is_empty()),
            ("recordTarget/patientRole/patient/name/family", patient.birth_family.is_some()),
            ("recordTarget/patientRole/patient/administrativeGenderCode", patient.gender.is_some()),
            ("recordTarget/patientRole/patient/birthTime", patient.birth_time.is_some()),
            ("author", !self.authors.is_empty()),
            ("custodian", self.custodian.is_some()),
            ("legalAuthenticator", self.legal_authenticator.is_some()),
            ("documentationOf/serviceEvent", event.is_some()),
            ("documentationOf/serviceEvent/effectiveTime/low", event.is_some_and(|event| event.low.is_some())),
            ("componentOf/encompassingEncounter/location/healthCareFacility/code", self.facility.is_some()),
            ("component", self.body != Body::Absent),
        ];
        checks.into_iter().filter(|(_, present)| !present).map(|(path, _)| path).collect()
    }

    /// The traits that an INS demands (document-sharing §2) and that the header lacks, as paths
    /// below `recordTarget/patientRole/patient`.
    pub fn missing_ins_traits(&self) -> Vec<&'static str> {
        let patient = &self.patient;
        let checks = [
            ("name/family[@qualifier='BR']", patient.birth_family.is_some()),
            ("name/given[@qualifier='BR']", patient.birth_given.is_some()),
            ("name/given", patient.given_names.is_some()),
            ("administrativeGenderCode", patient.gender.is_some()),
            ("birthTime", patient.birth_time.is_some()),
            ("birthplace/place/addr/county", patient.birth_place.is_some()),
        ];
        checks.into_iter().filter(|(_, present)| !present).map(|(path, _)| path).collect()
    }

    /// Whether a templateId has this root.
    pub fn has_template(&self, root: &str) -> bool {
        self.template_ids.iter().any(|template| template.root == root)
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header").field("code", &self.code).field("body", &self.body).finish_non_exhaustive()
    }
}

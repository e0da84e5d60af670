//! Structures, professionals, their exercises, enrolled software, and the ties between a
//! professional and a record.

use jiff::Timestamp;

use crate::ids::{NationalId, PatientKey, StructureId};

/// A structure of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Structure {
    /// National id.
    pub id: StructureId,
    /// Name.
    pub name: String,
    /// Activity sector, TRE_R02 (`SA07`...).
    pub sector: String,
}

/// A professional of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Professional {
    /// National id (`8` + RPPS).
    pub id: NationalId,
    /// Family name.
    pub family: String,
    /// Given name.
    pub given: String,
    /// Profession, TRE_G15 (`10` physician, `60` nurse...).
    pub profession: String,
    /// Savoir-faire, TRE_R38 (`SM26`...), where one applies.
    pub speciality: Option<String>,
    /// Whether PSC says `Acces_Regulation_Medicale`.
    pub may_regulate: bool,
}

/// A professional's exercise in a structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exercise {
    /// Who.
    pub professional: Professional,
    /// Where.
    pub structure: Structure,
    /// Identifier of the situation of exercise.
    pub situation: String,
}

/// Enrolled software of a structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSoftware {
    /// Our id of the enrolment.
    pub id: String,
    /// The structure it works for.
    pub structure: StructureId,
    /// Subject DN of its certificate (RFC 4514), or
    pub subject_dn: Option<String>,
    /// SHA-256 of its certificate, hexadecimal.
    pub fingerprint: Option<String>,
    /// LPS_Nom.
    pub name: String,
    /// LPS_Version.
    pub version: String,
    /// LPS_ID_HOMOLOGATION_DMP.
    pub homologation: Option<String>,
    /// Profiles: alimentation, consultation, webps, messagerie, agenda, catalogue, and for the
    /// national actors portail, assurance-maladie.
    pub profiles: Vec<String>,
    /// Scopes it may ask for.
    pub scopes: Vec<String>,
    /// Since when it is suspended.
    pub suspended_at: Option<Timestamp>,
}

/// What one person is to another, in whose name he acts on the patient side (mes-rules §2.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DelegationKind {
    /// Legal representative of a minor.
    LegalRepresentation,
    /// Carer.
    Caregiving,
}

impl DelegationKind {
    /// The name stored and used in CSV files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LegalRepresentation => "legal-representative",
            Self::Caregiving => "carer",
        }
    }

    /// The kind of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::LegalRepresentation, Self::Caregiving].into_iter().find(|kind| kind.name() == name)
    }
}

/// That `delegate` acts in the name of `patient`, from `from_at` until `until_at`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegation {
    /// The record.
    pub patient: PatientKey,
    /// Who acts: the record of the person connected.
    pub delegate: PatientKey,
    /// As what.
    pub kind: DelegationKind,
    /// In force from.
    pub from_at: Timestamp,
    /// In force until (exclusive): a minor's majority, a revocation; for ever where absent.
    pub until_at: Option<Timestamp>,
}

impl Delegation {
    /// Whether it is in force at `at`.
    pub fn is_in_force(&self, at: Timestamp) -> bool {
        self.from_at <= at && self.until_at.is_none_or(|until| at < until)
    }
}

/// Why a professional may consult a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RelationKind {
    /// Médecin traitant.
    TreatingPhysician,
    /// Member of the care team.
    CareTeam,
    /// Expressly authorised by the patient.
    Authorisation,
    /// Blocked by the patient: no tie, but the refusal of all of them.
    Block,
}

impl RelationKind {
    /// The name stored and used in CSV files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TreatingPhysician => "medecin-traitant",
            Self::CareTeam => "care-team",
            Self::Authorisation => "authorisation",
            Self::Block => "blocage",
        }
    }

    /// The kind of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::TreatingPhysician, Self::CareTeam, Self::Authorisation, Self::Block];
        all.into_iter().find(|kind| kind.name() == name)
    }
}

/// A tie between a professional and a record, in force from `from_at` until `until_at`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// The record.
    pub patient: PatientKey,
    /// The professional.
    pub professional: NationalId,
    /// Its kind.
    pub kind: RelationKind,
    /// In force from.
    pub from_at: Timestamp,
    /// In force until (exclusive); for ever where absent.
    pub until_at: Option<Timestamp>,
}

impl Relation {
    /// Whether it is in force at `at`.
    pub fn is_in_force(&self, at: Timestamp) -> bool {
        self.from_at <= at && self.until_at.is_none_or(|until| at < until)
    }
}

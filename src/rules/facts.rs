//! What must be known for a decision: plain data, loaded by `ops`, judged here and in `access`.

use jiff::Timestamp;

use super::table::axes;
use crate::ids::{Ins, PatientKey};
use crate::model::directory::{Delegation, DelegationKind, Relation, RelationKind};
use crate::model::document::{Document, DocumentStatus};
use crate::model::profile::{Profile, RecordState, SpaceState, states};

states! {
    /// What ties a caller to a record or to a document: one axis of several tables.
    Tie {
        /// The person himself.
        Holder = "holder",
        /// Acts in the name of a minor.
        LegalRepresentative = "legal-representative",
        /// Cares for the person, who shares his space with him.
        Carer = "carer",
        /// Médecin traitant.
        TreatingPhysician = "medecin-traitant",
        /// Member of the care team.
        CareTeam = "care-team",
        /// Authorised by the person, for the moment.
        Authorisation = "authorisation",
        /// Author or authenticator of the document, or the author structure.
        Author = "author",
        /// Nothing.
        None = "none",
    }
}

axes! { Tie = "tie" }

impl Tie {
    /// The tie that a relation is; a block is none.
    const fn of(kind: RelationKind) -> Option<Self> {
        match kind {
            RelationKind::TreatingPhysician => Some(Self::TreatingPhysician),
            RelationKind::CareTeam => Some(Self::CareTeam),
            RelationKind::Authorisation => Some(Self::Authorisation),
            RelationKind::Block => None,
        }
    }
}

impl From<DelegationKind> for Tie {
    fn from(kind: DelegationKind) -> Self {
        match kind {
            DelegationKind::LegalRepresentation => Self::LegalRepresentative,
            DelegationKind::Caregiving => Self::Carer,
        }
    }
}

/// How a request names what it wants: this alone decides the face of a neutral refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// It names the person (a search, an operation, a feed): refused with 403.
    Person,
    /// It names a resource by its id: refused with 404, as if unknown.
    Id,
}

/// All that a decision looks at.
#[derive(Debug, Clone)]
pub struct Facts {
    /// How the request names what it wants.
    pub naming: Naming,
    /// The INS that the request names, where it names one.
    pub subject: Option<Ins>,
    /// The person, unless unknown.
    pub profile: Option<ProfileFacts>,
    /// The caller's relations with the record, in force or not.
    pub relations: Vec<Relation>,
    /// The documents that the request names one by one: those fed, the one read, the one found by
    /// its identifier. Never those that a search happens to find.
    pub documents: Vec<DocumentFacts>,
    /// On the patient side, the state of the connected person's own space.
    pub holder: Option<SpaceState>,
    /// On the patient side, the record of the connected person.
    pub connected: Option<PatientKey>,
    /// On the patient side, the record served where it is another's than the connected person's.
    pub served: Option<Served>,
}

/// The record of another, in whose name somebody of the patient side acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The state of that space.
    pub space: SpaceState,
    /// What the connected person is to that person, in force or not.
    pub delegations: Vec<Delegation>,
}

impl Served {
    /// In whose name one acts at `at`.
    pub fn ties(&self, at: Timestamp) -> Vec<Tie> {
        let in_force = self.delegations.iter().filter(|delegation| delegation.is_in_force(at));
        in_force.map(|delegation| delegation.kind.into()).collect()
    }

    /// Whether the space is offered to who acts for the person: a child's space needs no activation
    /// of its own, for it is managed in the parent's; a carer's and an aided person's both do (mes-rules §2.7).
    pub fn is_active(&self, at: Timestamp) -> bool {
        match self.space {
            SpaceState::Activated => true,
            SpaceState::AutoCreated => self.ties(at).contains(&Tie::LegalRepresentative),
            _ => false,
        }
    }
}

/// What rules look at in a person.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfileFacts {
    /// The record's key.
    pub key: PatientKey,
    /// The space axis.
    pub space: SpaceState,
    /// The record axis.
    pub record: RecordState,
    /// The current INS, then former ones.
    pub identifiers: Vec<Ins>,
    /// Whether an e-mail was given at activation.
    pub has_activation_email: bool,
    /// Whether Assurance maladie knows an e-mail.
    pub has_assurance_maladie_email: bool,
    /// National id of the professional who closed the record.
    pub closure_author: Option<String>,
}

/// What rules look at in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentFacts {
    /// National ids of authors and authenticator.
    pub persons: Vec<String>,
    /// National ids of the authors' structures.
    pub structures: Vec<String>,
    /// typeCode, as `system|code`.
    pub type_code: String,
    /// availabilityStatus.
    pub status: DocumentStatus,
    /// Confidentiality and visibility codes, as `code` or `system|code`.
    pub labels: Vec<String>,
}

impl Facts {
    /// The facts of a request that names a person; `profile` is absent where the INS is unknown.
    pub fn of_person(subject: Option<Ins>, profile: Option<ProfileFacts>) -> Self {
        Self {
            naming: Naming::Person,
            subject,
            profile,
            relations: vec![],
            documents: vec![],
            holder: None,
            connected: None,
            served: None,
        }
    }

    /// The facts of a request that names a resource; `profile` is absent where there is no such record.
    pub fn of_id(profile: Option<ProfileFacts>) -> Self {
        Self { naming: Naming::Id, ..Self::of_person(None, profile) }
    }

    /// Adds the caller's relations with the record.
    pub fn with_relations(mut self, relations: Vec<Relation>) -> Self {
        self.relations = relations;
        self
    }

    /// Adds the documents that the request names.
    pub fn with_documents(mut self, documents: Vec<DocumentFacts>) -> Self {
        self.documents = documents;
        self
    }

    /// The two axes. An unknown person stands where one who was never informed stands, so that no
    /// rule can tell them apart (MES-048).
    pub fn states(&self) -> (SpaceState, RecordState) {
        self.profile
            .as_ref()
            .map_or((SpaceState::Uninformed, RecordState::None), |profile| (profile.space, profile.record))
    }

    /// The ties by relation in force at `at`.
    pub fn ties(&self, at: Timestamp) -> Vec<Tie> {
        self.in_force(at).filter_map(|relation| Tie::of(relation.kind)).collect()
    }

    /// Whether the person has blocked the caller (mes-rules §2.4): he reads nothing in any mode.
    pub fn is_blocked(&self, at: Timestamp) -> bool {
        self.in_force(at).any(|relation| relation.kind == RelationKind::Block)
    }

    fn in_force(&self, at: Timestamp) -> impl Iterator<Item = &Relation> {
        let key = self.profile.as_ref().map(|profile| profile.key);
        let own = self.relations.iter().filter(move |relation| Some(relation.patient) == key);
        own.filter(move |relation| relation.is_in_force(at))
    }
}

impl From<&Profile> for ProfileFacts {
    fn from(profile: &Profile) -> Self {
        Self {
            key: profile.key,
            space: profile.space,
            record: profile.record,
            identifiers: vec![profile.ins.clone()],
            has_activation_email: profile.contact.activation_email.is_some(),
            has_assurance_maladie_email: profile.contact.assurance_maladie_email.is_some(),
            closure_author: profile.closure.as_ref().and_then(|closure| closure.author.clone()),
        }
    }
}

impl From<&Document> for DocumentFacts {
    fn from(document: &Document) -> Self {
        Self {
            persons: document.persons.clone(),
            structures: document.structures.clone(),
            type_code: document.type_code.clone(),
            status: document.status,
            labels: document.labels.clone(),
        }
    }
}

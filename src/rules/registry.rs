//! The one registry of what is served (contract §7): each resource type with where it lives, its
//! interactions, its search parameters and its inclusions. Routes, gate and CapabilityStatement are
//! made of it; a type that is not in it is not served.

use super::table::axes;
use crate::model::profile::states;
use crate::model::resource::ResourceType;

states! {
    /// The interactions of R4 on a type or an instance (R4 `http.html`), by their FHIR codes.
    Interaction {
        /// `POST Type`.
        Create = "create",
        /// `GET Type/id`.
        Read = "read",
        /// `GET Type/id/_history/n`.
        Vread = "vread",
        /// `PUT Type/id`.
        Update = "update",
        /// `PATCH Type/id`.
        Patch = "patch",
        /// `DELETE Type/id`.
        Delete = "delete",
        /// `GET Type/id/_history`.
        HistoryInstance = "history-instance",
        /// `GET Type/_history`.
        HistoryType = "history-type",
        /// `GET Type?…`, `POST Type/_search`.
        SearchType = "search-type",
    }
}

axes! { Interaction = "interaction", ResourceType = "resource" }

impl Interaction {
    /// The letter of SMART v2 that a scope needs for it.
    pub const fn letter(self) -> char {
        match self {
            Self::Create => 'c',
            Self::Read | Self::Vread | Self::HistoryInstance => 'r',
            Self::Update | Self::Patch => 'u',
            Self::Delete => 'd',
            Self::SearchType | Self::HistoryType => 's',
        }
    }

    /// Whether it changes anything.
    pub const fn writes(self) -> bool {
        matches!(self, Self::Create | Self::Update | Self::Patch | Self::Delete)
    }
}

/// Where the resources of a type live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the record of a person, under his key.
    Record,
    /// In the directory, under a key of its own: free of patients.
    Directory,
}

/// One type as it is served.
#[derive(Debug, Clone, Copy)]
pub struct Served {
    /// The FHIR name of the type.
    pub kind: &'static str,
    /// Where it lives.
    pub place: Place,
    /// What the generic operations serve; none where the type has operations of its own.
    pub generic: Option<ResourceType>,
    /// What may be done with it.
    pub interactions: &'static [Interaction],
    /// The search parameters served, where they are not all of the type.
    pub searched: Option<&'static [&'static str]>,
    /// What `_include` may name.
    pub included: &'static [&'static str],
    /// Whether `PUT` makes a resource of an id that the client chose (R4 `http.html#upsert`).
    pub update_creates: bool,
    /// Where it is written that it is served so.
    pub source: &'static str,
}

impl Served {
    /// Whether an interaction is served.
    pub fn serves(&self, interaction: Interaction) -> bool {
        self.interactions.contains(&interaction)
    }
}

use Interaction::{Create, Delete, HistoryInstance, HistoryType, Patch, Read, SearchType, Update, Vread};

const WHOLE: &[Interaction] = &[Create, Read, Vread, Update, Patch, Delete, HistoryInstance, HistoryType, SearchType];
const OF_A_RECORD: &[Interaction] = &[Create, Read, Vread, Update, Patch, Delete, HistoryInstance, SearchType];
const READ_ONLY: &[Interaction] = &[Read, Vread, HistoryInstance, SearchType];

/// A type with operations of its own.
const fn own(
    kind: &'static str,
    interactions: &'static [Interaction],
    searched: Option<&'static [&'static str]>,
    included: &'static [&'static str],
) -> Served {
    let source = "contract §7; MHD, BALP";
    Served {
        kind,
        place: Place::Record,
        generic: None,
        interactions,
        searched,
        included,
        update_creates: false,
        source,
    }
}

/// A type of the directory.
const fn directory(kind: ResourceType, included: &'static [&'static str]) -> Served {
    Served {
        kind: kind.name(),
        place: Place::Directory,
        generic: Some(kind),
        interactions: WHOLE,
        searched: None,
        included,
        update_creates: true,
        source: "contract §7, §8; CSP L1470-4",
    }
}

/// A type of the record that is no document.
const fn record(kind: ResourceType, interactions: &'static [Interaction]) -> Served {
    Served {
        kind: kind.name(),
        place: Place::Record,
        generic: Some(kind),
        interactions,
        searched: None,
        included: &[],
        update_creates: false,
        source: "contract §7, §8",
    }
}

/// Every type that is served, by name.
pub const REGISTRY: &[Served] = &[
    own("AuditEvent", &[Read, SearchType], None, &[]),
    own("Binary", &[Read, Vread], None, &[]),
    own("Bundle", &[Read, Vread], None, &[]),
    record(ResourceType::CareTeam, READ_ONLY),
    directory(ResourceType::Device, &["Device:location", "Device:organization"]),
    own(
        "DocumentReference",
        &[Create, Read, Vread, Patch, HistoryInstance, SearchType],
        None,
        &[
            "DocumentReference:patient",
            "DocumentReference:relatesto",
            "DocumentReference:relatesTo",
            "DocumentReference:subject",
        ],
    ),
    directory(ResourceType::Endpoint, &["Endpoint:organization"]),
    directory(
        ResourceType::HealthcareService,
        &["HealthcareService:endpoint", "HealthcareService:location", "HealthcareService:organization"],
    ),
    own("List", &[Read, Vread, HistoryInstance, SearchType], None, &["List:item", "List:patient", "List:subject"]),
    directory(ResourceType::Location, &["Location:endpoint", "Location:organization", "Location:partof"]),
    record(ResourceType::Observation, OF_A_RECORD),
    directory(ResourceType::Organization, &["Organization:endpoint", "Organization:partof"]),
    own("Patient", &[Read, SearchType], Some(&["identifier"]), &[]),
    directory(ResourceType::Practitioner, &[]),
    directory(
        ResourceType::PractitionerRole,
        &[
            "PractitionerRole:endpoint",
            "PractitionerRole:location",
            "PractitionerRole:organization",
            "PractitionerRole:practitioner",
            "PractitionerRole:service",
        ],
    ),
    record(ResourceType::QuestionnaireResponse, OF_A_RECORD),
    record(ResourceType::RelatedPerson, OF_A_RECORD),
];

/// The row of a type by its FHIR name.
pub fn find(kind: &str) -> Option<&'static Served> {
    REGISTRY.iter().find(|served| served.kind == kind)
}

/// The row of a type that the generic operations serve.
pub fn generic(kind: ResourceType) -> Option<&'static Served> {
    REGISTRY.iter().find(|served| served.generic == Some(kind))
}

/// The types of the directory.
pub fn directories() -> impl Iterator<Item = ResourceType> {
    REGISTRY.iter().filter(|served| served.place == Place::Directory).filter_map(|served| served.generic)
}

//! A person's espace: its two axes, its contacts, its closure (contract §5, mes-rules §2.0).

use jiff::{Timestamp, civil};

use crate::ids::{Ins, PatientKey};

macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $( $(#[$variant_doc:meta])* $variant:ident = $text:literal ),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $( $(#[$variant_doc])* $variant, )* }

        impl $name {
            /// Every state, in the order of the contract.
            pub const ALL: &'static [Self] = &[ $( Self::$variant, )* ];

            /// The name used in tables, CSV files and the database.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$variant => $text, )* }
            }

            /// The state of a name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $( $text => Some(Self::$variant), )* _ => None }
            }
        }
    };
}
pub(crate) use states;

states! {
    /// The space axis: what message, agenda, catalogue and patient rules read.
    SpaceState {
        /// Attached to no French health insurance scheme.
        NotEligible = "not-eligible",
        /// No contact data: never informed, never created (MES-032).
        Uninformed = "uninformed",
        /// The notice was sent; the six weeks run.
        Informed = "informed",
        /// The person objected.
        Opposed = "opposed",
        /// Created after the six weeks; not yet activated.
        AutoCreated = "auto-created",
        /// Connected at least once with the carte Vitale check (MES-027).
        Activated = "activated",
        /// Suspended by the operator.
        Suspended = "suspended",
        /// Closed on request.
        Closed = "closed",
        /// Closed by death.
        DeceasedClosed = "deceased-closed",
        /// Erased after archive or on request.
        Erased = "erased",
    }
}

states! {
    /// The record axis (DMP): what document rules read.
    RecordState {
        /// There is no record.
        None = "none",
        /// A record opened before the space existed.
        FormerOpen = "former-open",
        /// Attached to an opened space.
        Attached = "attached",
        /// Closed, archived ten years.
        Closed = "closed",
        /// Erased.
        Erased = "erased",
    }
}

/// A person known to the service.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// The record's key.
    pub key: PatientKey,
    /// The space axis.
    pub space: SpaceState,
    /// The record axis.
    pub record: RecordState,
    /// The current INS.
    pub ins: Ins,
    /// Identity traits.
    pub traits: Traits,
    /// Known addresses.
    pub contact: Contact,
    /// Day the notice was sent, where one was.
    pub informed_on: Option<civil::Date>,
    /// Why and when the record was closed.
    pub closure: Option<Closure>,
    /// Last change of this row.
    pub updated_at: Timestamp,
    /// Version of this row, from 1.
    pub version: i32,
}

/// The strict identity traits of an INS (RNIV).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Traits {
    /// Birth name.
    pub family: String,
    /// First given name.
    pub given: String,
    /// All given names, separated by spaces.
    pub all_given: String,
    /// FHIR gender: `male`, `female`, `unknown`.
    pub gender: String,
    /// Birth date.
    pub birth_on: Option<civil::Date>,
    /// INSEE code of the birth place.
    pub birth_place: String,
}

/// Where notices may go (MES-060...066).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contact {
    /// E-mail given at activation.
    pub activation_email: Option<String>,
    /// E-mail known to Assurance maladie.
    pub assurance_maladie_email: Option<String>,
    /// Postal address.
    pub postal_address: Option<String>,
}

/// A closure as TD0.2 tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closure {
    /// Day of closure.
    pub on: civil::Date,
    /// Code of `dmp-motif-fermeture`.
    pub motive: String,
    /// Free reason, told only to the médecin traitant and to the closure's author.
    pub reason: Option<String>,
    /// National id of who closed it, where a professional did.
    pub author: Option<String>,
}

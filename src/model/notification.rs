//! Notices to the person: what happened, and on which channel it is told (MES-060...066).

use jiff::Timestamp;
use uuid::Uuid;

use super::profile::states;

states! {
    /// What a notice is about; names as in production (mes-rules §2.10).
    NotifiedEvent {
        /// A document was added (MES-082).
        DocumentAdded = "AJOUT_DOCUMENT",
        /// A professional's first access (MES-081).
        FirstAccess = "ACCES_DMP_PS",
        /// An emergency access.
        EmergencyAccess = "ACCES_BRIS_GLACE",
        /// A message was received.
        MessageReceived = "RECEPTION_MESSAGE",
        /// The space was created.
        SpaceCreated = "CREATION_ESPACE",
    }
}

states! {
    /// How a notice reaches the person.
    Channel {
        /// The e-mail given at activation.
        ActivationEmail = "activation-email",
        /// The e-mail known to Assurance maladie.
        AssuranceMaladieEmail = "assurance-maladie-email",
        /// The next paper activity statement.
        ActivityStatement = "activity-statement",
    }
}

states! {
    /// Where a notice stands.
    NotificationState {
        /// Waiting to be sent.
        Pending = "pending",
        /// Sent.
        Sent = "sent",
        /// Given up.
        Dead = "dead",
    }
}

/// A notice: an outbox row of the same transaction as the act. It carries no health content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Its id within the record.
    pub id: Uuid,
    /// The trace it comes from; with the channel, the key that prevents a second sending.
    pub event_id: Uuid,
    /// What it is about.
    pub event: NotifiedEvent,
    /// How it travels.
    pub channel: Channel,
    /// When it was queued.
    pub created_at: Timestamp,
}

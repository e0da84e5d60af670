//! State of a person × action (MES-040…048): `mes-documents.csv`, `mes-messages.csv`, `states.csv`.

use super::law;
use super::table::{Axis as _, Row};
use crate::model::caller::Action;
use crate::model::profile::{RecordState, SpaceState, states};

states! {
    /// What the state of a record answers to an action, before any tie is looked at.
    Standing {
        /// TD0.2 shows no entry.
        TellAbsent = "tell-absent",
        /// TD0.2 shows a record that is not attached to a space.
        TellFormer = "tell-former",
        /// TD0.2 shows an attached record.
        TellAttached = "tell-attached",
        /// TD0.2 shows a closed record.
        TellClosed = "tell-closed",
        /// A document is accepted, from its author.
        Accept = "accept",
        /// No open record: the one refusal whatever the cause.
        RefuseAbsent = "refuse-absent",
        /// The usual authorisations decide.
        Authorise = "authorise",
        /// Neutral refusal: as without right.
        Neutral = "neutral",
    }
}

states! {
    /// What becomes of a message.
    Delivery {
        /// It is placed in the mailbox.
        Accept = "accept",
        /// It comes back to its sender, later, with a neutral text.
        Bounce = "bounce",
    }
}

states! {
    /// When the person may read a message.
    Reading {
        /// Once connected.
        Now = "now",
        /// Once the space is activated.
        AfterActivation = "after-activation",
        /// Never.
        Never = "never",
    }
}

/// What a space does with messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mailbox {
    /// What becomes of a message.
    pub mailbox: Delivery,
    /// When it may be read.
    pub reading: Reading,
    /// Whether the person may reply.
    pub reply: bool,
}

/// A decision and the rule that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ruled<O> {
    /// What is decided.
    pub outcome: O,
    /// The rule or article.
    pub rule: &'static str,
}

impl<O: Copy> Ruled<O> {
    /// A row's decision, or `fallback` where no row covers the cell (the build proves there is one).
    pub(super) fn of<const N: usize>(row: Option<&Row<N, O>>, fallback: O) -> Self {
        row.map_or(Self { outcome: fallback, rule: "none" }, |row| Self { outcome: row.outcome, rule: row.rule })
    }
}

/// What the two axes answer to an action.
pub fn judge(space: SpaceState, record: RecordState, action: Action) -> Ruled<Standing> {
    Ruled::of(law::DOCUMENTS.find([space.place(), record.place(), action.place()]), Standing::Neutral)
}

/// What a space does with messages. An unknown person's is that of [`SpaceState::Uninformed`].
pub fn mailbox(space: SpaceState) -> Ruled<Mailbox> {
    let shut = Mailbox { mailbox: Delivery::Bounce, reading: Reading::Never, reply: false };
    Ruled::of(law::MESSAGES.find([space.place()]), shut)
}

/// Whether a person may be in these two states at once.
pub fn is_possible(space: SpaceState, record: RecordState) -> bool {
    Ruled::of(law::STATES.find([space.place(), record.place()]), false).outcome
}

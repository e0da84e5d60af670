//! The witness that access was decided, and the value of a refusal.

use crate::error::{Code, Error, Issue};
use crate::ids::{PatientKey, ShardKey};
use crate::model::caller::Action;

/// Proof that `access` allowed an action on one record, or on the directory. Only that room can make one, and
/// every patient-scoped verb of the store asks for it.
#[derive(Debug)]
pub struct Permit {
    shard: ShardKey,
    action: Action,
    rule: &'static str,
}

impl Permit {
    /// A permit; visible to the deciding room only.
    pub(in crate::access) const fn new(shard: ShardKey, action: Action, rule: &'static str) -> Self {
        Self { shard, action, rule }
    }

    /// A permit for proofs and trials of the store, which come before any rule. It exists in debug
    /// builds only: in a released server the deciding room alone can make a permit.
    #[cfg(debug_assertions)]
    #[doc(hidden)]
    pub fn assumed(shard: impl Into<ShardKey>, action: Action) -> Self {
        Self::new(shard.into(), action, "assumed")
    }

    /// The record it opens; nobody's where it opens the directory.
    pub const fn patient(&self) -> PatientKey {
        PatientKey::from_bits(self.shard.get())
    }

    /// What it opens, a record or the directory, as the first column of its rows.
    pub const fn shard(&self) -> ShardKey {
        self.shard
    }

    /// What it allows.
    pub const fn action(&self) -> Action {
        self.action
    }

    /// The rule that allowed it.
    pub const fn rule(&self) -> &'static str {
        self.rule
    }
}

/// A refusal: a value that commits (its trace must), never an error that rolls back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denial {
    /// The catalogue code it shows.
    pub code: Code,
    /// The rule that refused. It goes into the trace; it is shown only where it reveals nothing.
    pub rule: &'static str,
}

impl Denial {
    /// A refusal under a rule.
    pub const fn new(code: Code, rule: &'static str) -> Self {
        Self { code, rule }
    }
}

impl Denial {
    /// The rule that is shown: one per code, whatever refused, so that it reveals nothing.
    const fn shown_rule(self) -> Option<&'static str> {
        match self.code {
            Code::AlreadySuperseded => Some("TD2.1"),
            Code::Forbidden => Some("MES-005"),
            Code::HashDiffers | Code::PatientDiffers | Code::ReferenceTarget | Code::SizeDiffers => Some("MHD ITI-65"),
            Code::PreconditionFailed => Some("R4 http#trules"),
            Code::Profile => Some("MHD UpdateDocumentRefs"),
            Code::Login => Some("ITI-72"),
            Code::NoRecord => Some("MES-048"),
            Code::NotActive => Some("MES-028"),
            Code::NotAuthor => Some("EX_2.1-1140"),
            Code::NotFound | Code::Gone => Some("R4 http#read"),
            _ => None,
        }
    }
}

impl From<Denial> for Error {
    fn from(denial: Denial) -> Self {
        let issue = Issue::new(denial.code);
        match denial.shown_rule() {
            Some(rule) => issue.rule(rule).into(),
            None => issue.into(),
        }
    }
}

/// The decision.
#[derive(Debug)]
pub enum Verdict {
    /// Allowed.
    Permit(Permit),
    /// Refused.
    Deny(Denial),
}

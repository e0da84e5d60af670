//! Why handshakes are refused, counted: security events have no patient and no chained trace
//! (house §4: refusals before a valid token are counted and aggregated).

use std::sync::atomic::{AtomicU64, Ordering};

/// Why a client certificate was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Not readable as X.509.
    Malformed,
    /// Past its end.
    Expired,
    /// Before its beginning.
    NotYetValid,
    /// On a revocation list, itself or a certificate sent above it.
    Revoked,
    /// Neither trusted directly nor under a trusted root.
    UnknownIssuer,
    /// Its usages do not allow to authenticate a client.
    Usage,
    /// The chain does not verify for another cause.
    Chain,
    /// The client does not hold the certificate's key.
    Possession,
}

impl Reason {
    /// Every reason.
    pub const ALL: &'static [Self] = &[
        Self::Malformed,
        Self::Expired,
        Self::NotYetValid,
        Self::Revoked,
        Self::UnknownIssuer,
        Self::Usage,
        Self::Chain,
        Self::Possession,
    ];

    /// The label of a metric or event.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::Revoked => "revoked",
            Self::UnknownIssuer => "unknown-issuer",
            Self::Usage => "usage",
            Self::Chain => "chain",
            Self::Possession => "possession",
        }
    }
}

/// What happened to handshakes since the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshakes {
    /// Client hellos of a version and suite we speak.
    pub begun: u64,
    /// Connections made.
    pub accepted: u64,
    /// Certificates refused, by reason.
    pub refused: Vec<(Reason, u64)>,
}

impl Handshakes {
    /// How many certificates were refused for `reason`.
    pub fn refused_for(&self, reason: Reason) -> u64 {
        self.refused.iter().filter(|(found, _)| *found == reason).map(|(_, count)| count).sum()
    }

    /// Handshakes that are neither: no certificate was shown (rustls refuses that before any hook
    /// of ours), the client broke off, or it is still under way.
    pub fn unfinished(&self) -> u64 {
        let refused = self.refused.iter().map(|(_, count)| count).sum();
        self.begun.saturating_sub(self.accepted).saturating_sub(refused)
    }
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    begun: AtomicU64,
    accepted: AtomicU64,
    malformed: AtomicU64,
    expired: AtomicU64,
    not_yet_valid: AtomicU64,
    revoked: AtomicU64,
    unknown_issuer: AtomicU64,
    usage: AtomicU64,
    chain: AtomicU64,
    possession: AtomicU64,
}

impl Counters {
    pub(super) fn begun(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self, reason: Reason) {
        self.of(reason).fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn snapshot(&self) -> Handshakes {
        let refused = Reason::ALL.iter().map(|reason| (*reason, self.of(*reason).load(Ordering::Relaxed))).collect();
        Handshakes {
            begun: self.begun.load(Ordering::Relaxed),
            accepted: self.accepted.load(Ordering::Relaxed),
            refused,
        }
    }

    const fn of(&self, reason: Reason) -> &AtomicU64 {
        match reason {
            Reason::Malformed => &self.malformed,
            Reason::Expired => &self.expired,
            Reason::NotYetValid => &self.not_yet_valid,
            Reason::Revoked => &self.revoked,
            Reason::UnknownIssuer => &self.unknown_issuer,
            Reason::Usage => &self.usage,
            Reason::Chain => &self.chain,
            Reason::Possession => &self.possession,
        }
    }
}

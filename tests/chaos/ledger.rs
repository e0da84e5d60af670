//! What clients were answered: what the server must still know, whatever happened to it.

use std::sync::{Mutex, MutexGuard};

/// A publication as it was sent.
#[derive(Clone)]
pub(super) struct Sent {
    /// Whose record it is for.
    pub(super) patient: &'static str,
    /// Who sent it.
    pub(super) author: usize,
    /// The bundle.
    pub(super) bundle: Vec<u8>,
    /// SHA-256 of the document.
    pub(super) sha256: [u8; 32],
}

/// A publication that was answered 200.
#[derive(Clone)]
pub(super) struct Published {
    /// Whose record it is in.
    pub(super) patient: &'static str,
    /// `DocumentReference/id`.
    pub(super) fiche: String,
    /// `Binary/id`.
    pub(super) binary: String,
    /// SHA-256 of the document.
    pub(super) sha256: [u8; 32],
}

/// Everything clients keep in mind.
#[derive(Default)]
pub(super) struct Entries {
    /// Answered 200.
    pub(super) published: Vec<Published>,
    /// Never answered: done or not, and to be sent again.
    pub(super) doubtful: Vec<Sent>,
    /// The request ids of everything that was answered 200.
    pub(super) answered: Vec<String>,
    /// Documents read back.
    pub(super) read: u32,
    /// Unanswered publications sent again.
    pub(super) sent_again: u32,
    /// Answers that should not be.
    pub(super) wrong: Vec<String>,
}

/// The entries, shared by all clients.
#[derive(Default)]
pub(super) struct Ledger(Mutex<Entries>);

impl Ledger {
    /// The entries.
    pub(super) fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap()
    }
}

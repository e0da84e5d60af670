//! Who calls, what he may do, and the proof that it was decided. No I/O here: facts are loaded by
//! `ops`, judged here, and the resulting [`permit::Permit`] is what the store's verbs ask for.

pub mod certificate;
pub mod change;
pub mod context;
pub mod decide;
pub mod identity;
pub mod permit;
pub mod resource;
pub mod revocation;

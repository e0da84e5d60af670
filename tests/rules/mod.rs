//! The law as tables (mes-rules §1 to §2.6), printed whole so that a change shows in a diff.

pub(crate) mod callers;
mod decisions;
mod gate;
mod habilitation;
mod matrix;
mod notification;
mod personas;

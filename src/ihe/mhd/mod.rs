//! Mobile access to Health Documents, the shapes of its resources: what a publishing software sends
//! (ITI-65), what a server makes of a document (ITI-105, ITI-106; document-sharing §1.2, ihe §1.2-1.8).

mod contained;
mod derived;
mod fiche;
mod format;
mod hints;
mod metadata;

pub use derived::{Derivation, derived_submission_set};
pub use fiche::{Publication, provide_bundle};
pub use format::{class_of, format_code};
pub use hints::Hints;
pub use metadata::{Coding, Described, Integrity, Missing, Pack, document_reference};

//! Mobile access to Health Documents, from the side of a client: what a publishing software sends
//! (ITI-65; document-sharing §1.2, ihe §1.2-1.3).

mod contained;
mod fiche;
mod format;

pub use fiche::{Coding, Missing, Pack, Publication, provide_bundle};
pub use format::format_code;

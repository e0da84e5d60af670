//! CDA R2: what the metadata of a document is read from (spec/document-sharing.md §4).
//!
//! [`read_header`] reads the header and stops at the body; [`probe`] reads the whole document;
//! [`fn@compose`] is the inverse of the first, for documents of our own.

mod body;
mod compose;
mod datatype;
mod error;
mod header;
mod pdf;
mod read;
mod time;

pub use body::{Probe, probe};
pub use compose::{Content, Section, TEMPLATES_NOTE, TEMPLATES_UNSTRUCTURED, compose};
pub use datatype::{Code, Identifier};
pub use error::Error;
pub use header::{Authenticator, Author, Body, Header, Name, Organization, Patient, ServiceEvent};
pub use pdf::pdf_of_lines;
pub use read::read_header;
pub use time::Time;

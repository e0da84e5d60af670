//! The FHIR routes: each handler decodes, calls its operation, renders.

pub(crate) mod audit_event;
pub(crate) mod binary;
mod bundle;
pub(crate) mod conformance;
pub(crate) mod document_patch;
pub(crate) mod document_reference;
mod encoded;
mod file_name;
mod found;
pub(crate) mod generate_metadata;
pub(crate) mod history;
pub(crate) mod list;
pub(crate) mod patient;
mod query;
pub(crate) mod resource;
pub(crate) mod simplified_publish;
pub(crate) mod system;
pub(crate) mod terminology;
mod transaction;
pub(crate) mod validate;

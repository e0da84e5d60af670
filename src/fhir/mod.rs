//! FHIR R4, pure: definitions, codec, validation, search. No I/O.

pub mod bundle;
pub mod codec;
pub mod datatype;
pub mod definition;
pub mod narrative;
pub mod outcome;
pub mod patch;
pub mod path;
pub mod search;
pub mod terminology;
pub mod validate;
pub mod view;

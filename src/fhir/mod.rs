//! FHIR R4, pure: definitions, codec, validation, search. No I/O.

pub mod codec;
pub mod datatype;
pub mod definition;
pub mod narrative;
pub mod outcome;
pub mod validate;

//! FHIR R4, pure: definitions, codec, validation, search. No I/O.

pub mod bundle;

//! FHIR R4: reading, validating, profiles (contract §8, spec/fhir-r4).

mod deep;
mod examples;
mod invariants;
mod json;
mod outcome;
mod package;
mod patch;
mod path;
mod path_hostile;
mod path_suite;
mod profiles;
mod published;
mod seeded;
mod snapshot;
mod structural;
mod traps;
mod wording;
mod xml;

//! CDA: the published samples, documents of our own, and documents that are not what they should be.

pub(crate) mod builders;
mod compose;
mod hostile;
mod samples;

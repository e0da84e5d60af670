//! The XML door: what passes, and all that does not.

mod hostile;
mod reader;

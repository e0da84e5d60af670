//! Rows as they lie in the tables, and what the model makes of them.

use jiff::{Timestamp, civil};
use uuid::Uuid;

use super::error::{Error, Result};
use crate::clock;

/// Reads stored bytes of a fixed length.
pub(super) fn array<const N: usize>(bytes: &[u8], table: &'static str, column: &'static str) -> Result<[u8; N]> {
    bytes.try_into().map_err(|_length| Error::Inconsistent { table, column })
}

/// Reads a stored UUID.
pub(super) fn uuid(bytes: &[u8], table: &'static str, column: &'static str) -> Result<Uuid> {
    Uuid::from_slice(bytes).map_err(|_length| Error::Inconsistent { table, column })
}

/// Reads a stored instant.
pub(super) fn instant(micros: i64) -> Timestamp {
    clock::from_micros(micros)
}

/// Reads a stored civil date.
pub(super) fn date(text: &str, table: &'static str, column: &'static str) -> Result<civil::Date> {
    text.parse().map_err(|_form| Error::Inconsistent { table, column })
}

/// Reads a stored word of a closed list.
pub(super) fn word<T>(found: Option<T>, table: &'static str, column: &'static str) -> Result<T> {
    found.ok_or(Error::Inconsistent { table, column })
}

/// Writes a list of words.
pub(super) fn list(words: &[String], table: &'static str, column: &'static str) -> Result<String> {
    serde_json::to_string(words).map_err(|_form| Error::Inconsistent { table, column })
}

/// Reads a list of words.
pub(super) fn unlist(text: &str, table: &'static str, column: &'static str) -> Result<Vec<String>> {
    serde_json::from_str(text).map_err(|_form| Error::Inconsistent { table, column })
}

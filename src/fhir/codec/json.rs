//! JSON read strictly and kept as it came (R4 `json.html`, contract §8).

use serde_json::Value;

use crate::error::{Code, Error};

/// Reads one JSON value.
pub fn parse(bytes: &[u8]) -> Result<Value, Error> {
    serde_json::from_slice(bytes).map_err(|error| Error::from(Code::Structure).because(error))
}

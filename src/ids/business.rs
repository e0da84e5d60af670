//! Business identifiers (system and value), OIDs, digests and element paths.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use super::Malformed;

/// An object identifier in dotted form.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Oid(String);

impl Oid {
    /// The dotted form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Oid {
    type Err = Malformed;

    /// Accepts `1.2.3` and `urn:oid:1.2.3`.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let dotted = text.strip_prefix("urn:oid:").unwrap_or(text);
        let arc_is_valid = |arc: &str| {
            !arc.is_empty() && arc.bytes().all(|byte| byte.is_ascii_digit()) && (arc == "0" || !arc.starts_with('0'))
        };
        let valid = dotted.len() <= 128
            && dotted.contains('.')
            && dotted.starts_with(['0', '1', '2'])
            && dotted.split('.').all(arc_is_valid);
        if valid { Ok(Self(dotted.to_owned())) } else { Err(Malformed { what: "OID" }) }
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest256(pub [u8; 32]);

impl fmt::Debug for Digest256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A FHIR Identifier's system and value: a masterIdentifier, an entryUUID...
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BusinessIdentifier {
    /// The namespace; empty where there is none.
    pub system: String,
    /// The value within the namespace.
    pub value: String,
}

impl BusinessIdentifier {
    /// The key of the directory table: SHA-256 of `system|value`.
    pub fn digest(&self) -> Digest256 {
        let mut hasher = Sha256::new();
        hasher.update(self.system.as_bytes());
        hasher.update(b"|");
        hasher.update(self.value.as_bytes());
        Digest256(hasher.finalize().into())
    }
}

/// Where in a resource something is at fault: a FHIRPath such as `Bundle.entry[1].resource.type`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ElementPath(String);

impl ElementPath {
    /// The path of a root.
    pub fn root(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The path of a child element.
    pub fn child(&self, name: &str) -> Self {
        Self(format!("{}.{name}", self.0))
    }

    /// The path of one repetition.
    pub fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    /// The path as FHIRPath.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ElementPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oids_are_read_with_or_without_their_urn() {
        assert_eq!("urn:oid:1.2.250".parse::<Oid>().unwrap().as_str(), "1.2.250");
        for wrong in ["", "1", "1..2", "1.02", "3.1", "1.2.x", "urn:oid:"] {
            assert!(wrong.parse::<Oid>().is_err(), "{wrong}");
        }
    }
}

//! The HL7 V3 datatypes of a header: II and CE (CDA R2, abstract data types).

use std::fmt;

use crate::ids::{BusinessIdentifier, Oid};

/// An instance identifier (II). `Debug` shows the root only: the extension may be an INS.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Identifier {
    /// The OID or UUID of the namespace, or of the thing itself.
    pub root: String,
    /// The value within the namespace.
    pub extension: Option<String>,
}

impl Identifier {
    /// An identifier without extension.
    pub fn root(root: impl Into<String>) -> Self {
        Self { root: root.into(), extension: None }
    }

    /// An identifier within a namespace.
    pub fn new(root: impl Into<String>, extension: impl Into<String>) -> Self {
        Self { root: root.into(), extension: Some(extension.into()) }
    }

    /// The form of an XDS uniqueId: `root`, or `root^extension` (IHE PCC TF-2, XDSDocumentEntry.uniqueId).
    pub fn unique_id(&self) -> String {
        match &self.extension {
            Some(extension) => format!("{}^{extension}", self.root),
            None => self.root.clone(),
        }
    }

    /// The FHIR identifier: `urn:ietf:rfc:3986|urn:oid:root` (or `urn:uuid:`), or `urn:oid:root|extension`.
    pub fn identifier(&self) -> BusinessIdentifier {
        let urn = if self.root.parse::<Oid>().is_ok() {
            format!("urn:oid:{}", self.root)
        } else {
            format!("urn:uuid:{}", self.root.to_ascii_lowercase())
        };
        match &self.extension {
            Some(extension) => BusinessIdentifier { system: urn, value: extension.clone() },
            None => BusinessIdentifier { system: String::from("urn:ietf:rfc:3986"), value: urn },
        }
    }
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extension = self.extension.as_ref().map(|_| "***");
        f.debug_struct("Identifier").field("root", &self.root).field("extension", &extension).finish()
    }
}

/// A coded value (CE).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Code {
    /// The code.
    pub code: String,
    /// The OID of the code system.
    pub system: Option<String>,
    /// displayName.
    pub display: Option<String>,
}

impl Code {
    /// A code with its system's OID and its display.
    pub fn new(code: impl Into<String>, system: impl Into<String>, display: impl Into<String>) -> Self {
        Self { code: code.into(), system: Some(system.into()), display: Some(display.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_has_an_xds_form_and_a_fhir_form() {
        let id = Identifier::new("1.2.3", "ab");
        assert_eq!(id.unique_id(), "1.2.3^ab");
        assert_eq!((id.identifier().system.as_str(), id.identifier().value.as_str()), ("urn:oid:1.2.3", "ab"));
        let id = Identifier::root("1.2.3");
        assert_eq!(id.unique_id(), "1.2.3");
        assert_eq!(id.identifier().value, "urn:oid:1.2.3");
        let id = Identifier::root("5BD8E00D-FFD2-4D00-8000-000000000000");
        assert_eq!(id.identifier().value, "urn:uuid:5bd8e00d-ffd2-4d00-8000-000000000000");
    }

    #[test]
    fn an_extension_is_never_shown_by_debug() {
        assert!(!format!("{:?}", Identifier::new("1.2", "279035121518989")).contains("2790"));
    }
}

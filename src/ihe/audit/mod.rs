//! Traces as FHIR AuditEvents: the IHE view (BALP, MHD) and the French one (TDE). One row of the
//! chain, two renderings; neither is stored (ihe §1.10, §4.1; mes-rules §6).

mod act;
mod agents;
mod balp;
mod tde;

use serde_json::{Value, json};

pub use balp::balp;
pub use tde::tde;

/// The server that recorded, as its traces name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// FHIR base URL, without a slash at its end.
    pub base: String,
    /// Name of the site.
    pub site: String,
}

impl Server {
    /// The reference by which the server is agent and observer: the same in both places
    /// (invariant val-audit-source).
    fn reference(&self) -> Value {
        json!({
            "type": "Device",
            "identifier": {"system": "urn:ietf:rfc:3986", "value": self.base},
            "display": self.site,
        })
    }

    /// `AuditEvent.source`.
    fn source(&self) -> Value {
        json!({
            "site": self.site,
            "observer": self.reference(),
            "type": [{
                "system": "http://terminology.hl7.org/CodeSystem/security-source-type",
                "code": "4",
                "display": "Application Server",
            }],
        })
    }
}

/// A coding.
fn coding(system: &str, code: &str, display: &str) -> Value {
    json!({"system": system, "code": code, "display": display})
}

const DCM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const ENTITY_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
const OBJECT_ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";

//! The seam between profiles and FHIRPath: an expression and a node in, a truth out (R4 `fhirpath.html`).

use serde_json::Value;

use crate::fhir::path::Query;

/// A compiled invariant of a profile.
#[derive(Clone)]
pub(super) struct Expression(Query);

impl Expression {
    /// Compiles an expression; `None` where it is not FHIRPath as we read it.
    pub(super) fn compile(text: &str) -> Option<Self> {
        Query::compile(text).ok().map(Self)
    }

    /// Whether it holds of a node of a resource; `None` where it has no value, or cannot be evaluated.
    pub(super) fn holds(&self, resource: &Value, node: &Value) -> Option<bool> {
        self.0.holds_of(resource, node).ok()
    }
}

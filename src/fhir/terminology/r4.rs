//! HL7's code systems behind the value sets of R4 (`schemas/fhir-r4/code-systems.csv`, `concepts.csv`).

include!(concat!(env!("OUT_DIR"), "/concepts.rs"));

/// One code system, as far as R4's required and extensible bindings need its codes.
pub(super) struct R4System {
    pub(super) url: &'static str,
    pub(super) oid: &'static str,
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) version: &'static str,
    pub(super) is_complete: bool,
    /// Code and English display, by code.
    pub(super) concepts: &'static [(&'static str, &'static str)],
}

/// All of them, by URL.
pub(super) fn systems() -> &'static [R4System] {
    R4_SYSTEMS
}

//! The invariants of R4's own types, as the definitions publish them (R4 `conformance-rules.html#constraints`).

/// An invariant of a type or element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invariant {
    /// `per-1`.
    pub key: &'static str,
    /// The type, the backbone (`Patient.contact`) or the element (`Organization.telecom`) that it is stated of.
    pub path: &'static str,
    /// Whether it only warns.
    pub is_warning: bool,
    /// FHIRPath.
    pub expression: &'static str,
}

static TEXT: &str = include_str!(concat!(env!("OUT_DIR"), "/fhir-invariants.tsv"));

/// All invariants, by key.
pub fn invariants() -> impl Iterator<Item = Invariant> {
    TEXT.lines().filter_map(|line| {
        let mut fields = line.splitn(4, '\t');
        let (key, path, severity) = (fields.next()?, fields.next()?, fields.next()?);
        Some(Invariant { key, path, is_warning: severity == "warning", expression: fields.next()? })
    })
}

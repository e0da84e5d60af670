//! The bounds within which XML is read (house rules §9; RUSTSEC-2026-0194, -0195 are why they exist).

/// Bounds on one document. Memory never exceeds them, whatever the document says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Elements nested in one another.
    pub depth: usize,
    /// Attributes of one element, namespace declarations included.
    pub attributes: usize,
    /// Bytes of one start tag.
    pub tag_bytes: usize,
    /// Bytes of one element or attribute name, prefix included.
    pub name_bytes: usize,
    /// Bytes of one text or attribute value.
    pub text_bytes: usize,
    /// Bytes read in all.
    pub bytes: u64,
}

impl Limits {
    /// For headers and messages. A stylesheet with its images may stand before the header of a
    /// self-presentable document: one text may be long, the whole may not.
    pub const HEADER: Self =
        Self { depth: 100, attributes: 64, tag_bytes: 1 << 20, name_bytes: 256, text_bytes: 8 << 20, bytes: 8 << 20 };

    /// For FHIR resources, an attachment in an attribute among them. The nesting of what they say is bounded by
    /// who reads them.
    pub const RESOURCE: Self = Self {
        depth: 256,
        attributes: 32,
        tag_bytes: 150 << 20,
        name_bytes: 256,
        text_bytes: 150 << 20,
        bytes: 150 << 20,
    };

    /// For whole clinical documents: images and PDF travel in one text.
    pub const DOCUMENT: Self = Self {
        depth: 256,
        attributes: 128,
        tag_bytes: 1 << 20,
        name_bytes: 256,
        text_bytes: 150 << 20,
        bytes: 150 << 20,
    };
}

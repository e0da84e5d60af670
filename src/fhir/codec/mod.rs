//! The two wire forms of a resource (R4 `json.html`, `xml.html`).

pub mod json;

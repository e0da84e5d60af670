//! The name under which a client may keep a document (RFC 6266): made of the document's id and type,
//! never of what a sender wrote.

use crate::ids::LogicalId;

/// Endings by media type; whatever else is `bin`.
const ENDINGS: &[(&str, &str)] = &[
    ("application/dicom", "dcm"),
    ("application/fhir+json", "json"),
    ("application/fhir+xml", "xml"),
    ("application/hl7-cda+xml", "xml"),
    ("application/json", "json"),
    ("application/pdf", "pdf"),
    ("application/rtf", "rtf"),
    ("application/xml", "xml"),
    ("application/zip", "zip"),
    ("image/gif", "gif"),
    ("image/jpeg", "jpg"),
    ("image/png", "png"),
    ("image/tiff", "tif"),
    ("text/csv", "csv"),
    ("text/plain", "txt"),
    ("text/rtf", "rtf"),
    ("text/xml", "xml"),
];

/// `Content-Disposition`: to be kept and not shown, for a document may be a page with scripts.
pub(super) fn disposition(id: &LogicalId, content_type: &str) -> String {
    let media = content_type.split(';').next().unwrap_or_default().trim();
    let ending =
        ENDINGS.iter().find(|(known, _)| known.eq_ignore_ascii_case(media)).map_or("bin", |(_, ending)| ending);
    format!("attachment; filename=\"document-{id}.{ending}\"")
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::ids::PatientKey;

    #[test]
    fn a_name_has_the_ending_of_its_type_and_nothing_of_the_senders() {
        let id = LogicalId::of_patient(PatientKey::from_bits(42), Uuid::from_u128(7));
        for (media, ending) in [
            ("application/pdf", "pdf"),
            ("Text/XML; charset=utf-8", "xml"),
            ("text/html", "bin"),
            ("a/b\"; filename=\"x.exe", "bin"),
            ("", "bin"),
        ] {
            assert_eq!(disposition(&id, media), format!("attachment; filename=\"document-{id}.{ending}\""), "{media}");
        }
    }
}

//! What the patient side may deposit (mes-rules §2.2, mes 40): `deposits.csv`.

use super::law;

/// typeCode of the medical profile: one current document of it per record (DOCPAT08).
pub const MEDICAL_PROFILE: &str = "DOCPAT08";

/// Whether a document of this MIME type and of this many bytes may be deposited by the patient side.
pub fn accepts(content_type: &str, size: i64) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let row =
        law::DEPOSITS.iter().skip(1).find(|row| row.first().is_some_and(|known| known.eq_ignore_ascii_case(essence)));
    let limit = row.and_then(|row| row.get(1)?.parse::<i64>().ok());
    limit.is_some_and(|limit| (0..=limit).contains(&size))
}

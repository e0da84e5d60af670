//! What the patient side may add to a record (mes-rules §2.2, §2.5; contract §8, mes 40).

use uuid::Uuid;

use crate::access::permit::Denial;
use crate::error::{Code, Error};
use crate::ids::PatientKey;
use crate::model::document::{Document, DocumentStatus};
use crate::rules::deposit::{MEDICAL_PROFILE, accepts};
use crate::rules::habilitation::code_of;
use crate::rules::visibility::Label;
use crate::store::Tx;

/// Judges documents, each with its MIME type, that the patient side adds: formats and size of deposits,
/// no document hidden from the person, and one current medical profile, which its author replaces.
pub(crate) fn judge<'a>(
    tx: &mut Tx<'_>,
    patient: PatientKey,
    documents: impl Iterator<Item = (&'a Document, &'a str)>,
    replaced: &[Uuid],
) -> Result<Result<(), Denial>, Error> {
    for (document, content_type) in documents {
        if !accepts(content_type, document.size) {
            return Ok(Err(Denial::new(Code::Profile, "MES-002 deposits")));
        }
        let hides = |label: &String| code_of(label) == Label::InvisibleToPatient.name();
        if document.labels.iter().any(hides) {
            return Ok(Err(Denial::new(Code::Profile, "CSP-R1111-53")));
        }
        let is_profile = |known: &Document| code_of(&known.type_code) == MEDICAL_PROFILE;
        if !is_profile(document) {
            continue;
        }
        let other = |known: &Document| {
            is_profile(known)
                && known.status == DocumentStatus::Current
                && known.unique_id != document.unique_id
                && !replaced.contains(&known.id)
        };
        if tx.fact_documents(patient)?.iter().any(other) {
            return Ok(Err(Denial::new(Code::Profile, "DOCPAT08")));
        }
    }
    Ok(Ok(()))
}

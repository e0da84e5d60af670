//! What the bytes of a document say, held against what its fiche says (MHD §1.2; document-sharing
//! §2, §3.2): size and hash must be exact, the INS of a CDA must be the person's.

use crate::cda;
use crate::error::{Code, Error, Issue};
use crate::fhir::validate::{Conformance, Mode};
use crate::fhir::view::{Attachment, DocumentReference};
use crate::ids::{ElementPath, Ins};
use crate::store::blob::Staged;

/// What a document's header told.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// INS of the patient; none where the document is no CDA or states none.
    pub(super) ins: Vec<Ins>,
    /// What differs without refusing.
    pub(super) warnings: Vec<Issue>,
}

/// Size and hash (base64 of SHA-1) of the attachment must be those of the bytes.
pub(super) fn check_integrity(attachment: &Attachment<'_>, staged: &Staged, path: &ElementPath) -> Result<(), Error> {
    if attachment.size().is_some_and(|size| size != staged.size()) {
        return Err(Issue::new(Code::SizeDiffers).at(path.child("size")).rule("MHD ITI-65").into());
    }
    let hash = base64_simd::STANDARD.encode_to_string(staged.sha1());
    if attachment.hash().is_some_and(|stated| stated != hash) {
        return Err(Issue::new(Code::HashDiffers).at(path.child("hash")).rule("MHD ITI-65").into());
    }
    Ok(())
}

/// Reads the header of a CDA; any other media type has none.
pub(super) fn read(
    staged: &Staged,
    content_type: &str,
    fiche: &DocumentReference<'_>,
    mode: &Mode,
    path: &ElementPath,
) -> Result<Read, Error> {
    if !is_cda(content_type) {
        return Ok(Read::default());
    }
    let header = cda::read_header(staged.capture()).map_err(|error| {
        let path = path.child("content").index(0).child("attachment");
        Error::from(Issue::new(Code::Document).at(path).rule("CDA R2").detail(error.to_string())).because(error)
    })?;
    let mut read = Read::default();
    for id in &header.patient.ids {
        let ins = id.extension.as_deref().and_then(|value| Ins::parse(&id.root, value).ok());
        read.ins.extend(ins);
    }
    if read.ins.is_empty() {
        let issue = Issue::new(Code::PatientDiffers).at(path.child("subject")).rule("CDA recordTarget").detail(NO_INS);
        match mode.mode {
            Conformance::Strict => return Err(issue.into()),
            Conformance::CiSis | Conformance::Lenient => read.warnings.push(issue.warning()),
        }
    }
    if !read.ins.is_empty() {
        let lacking = missing_traits(&header, &path.child("context").child("sourcePatientInfo"));
        match mode.mode {
            Conformance::Strict if !lacking.is_empty() => return Err(Error::many(lacking)),
            _ => read.warnings.extend(lacking.into_iter().map(Issue::warning)),
        }
    }
    read.warnings.extend(author_differs(&header, fiche, path));
    Ok(read)
}

const NO_INS: &str = "l'en-tête du document ne porte pas d'INS";
const OTHER_AUTHOR: &str = "l'auteur de l'en-tête n'est pas celui de la fiche";

/// The traits that an INS demands and the header lacks (ds 74), told at `path`.
pub(super) fn missing_traits(header: &cda::Header, path: &ElementPath) -> Vec<Issue> {
    let lacking = header.missing_ins_traits().into_iter();
    let issue = |lacking: &str| {
        let detail = format!("recordTarget/patientRole/patient/{lacking}");
        Issue::new(Code::Missing).at(path.clone()).rule("INS traits").detail(detail)
    };
    lacking.map(issue).collect()
}

/// Trap T12: three MIME types are in use for CDA.
pub(super) fn is_cda(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    matches!(essence, "text/xml" | "application/xml" | "application/xslt+xml" | "application/hl7-cda+xml")
}

/// The author rule is never judged on the header (contract §6): a header that differs only warns.
fn author_differs(header: &cda::Header, fiche: &DocumentReference<'_>, path: &ElementPath) -> Option<Issue> {
    let ids = header.authors.iter().filter_map(|author| author.id.as_ref()?.extension.as_deref());
    let own: Vec<String> = fiche.authors().iter().flat_map(|actor| &actor.persons).map(ToString::to_string).collect();
    let mut ids = ids.peekable();
    ids.peek()?;
    let differs = !own.is_empty() && !ids.any(|id| own.iter().any(|known| known == id));
    differs
        .then(|| Issue::new(Code::Profile).at(path.child("author")).rule("CDA author").detail(OTHER_AUTHOR).warning())
}

//! formatCode and class of a CDA document: by its templates or by what its level 1 body holds, and
//! by its type (document-sharing §4.2, JDV_J60, ASS_X16).

use super::Coding;
use crate::cda::{Body, Header};
use crate::fhir::terminology;

/// TRE_A03: classes of documents.
const CLASSES: &str = "https://mos.esante.gouv.fr/NOS/TRE_A03-ClasseDocument/FHIR/TRE-A03-ClasseDocument";

/// The formatCode of a document: that of its level 1 content, of its model, or the one for documents
/// that follow no model of IHE or CI-SIS.
pub fn format_code(header: &Header) -> Coding {
    let media_type = match &header.body {
        Body::NonXml { media_type: Some(media_type), .. } => media_type.as_str(),
        _ => "",
    };
    let templates = header.template_ids.iter().map(|template| template.root.as_str());
    let found = terminology::format_of(templates, media_type);
    found.map_or_else(Coding::default, |coding| Coding {
        system: coding.system.to_owned(),
        code: coding.code.to_owned(),
        display: Some(coding.display.to_owned()),
    })
}

/// The class of a type, by ASS_X16.
pub fn class_of(system: &str, code: &str) -> Option<Coding> {
    let class = terminology::class_of_type(system, code)?;
    let display = terminology::display(CLASSES, class).map(str::to_owned);
    Some(Coding { system: CLASSES.to_owned(), code: class.to_owned(), display })
}

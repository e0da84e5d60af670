//! Content negotiation (R4 http.html §2.21.0.1): what the client sends and what it accepts.

use crate::error::{Code, Error, Issue};
use crate::fhir::patch::Form;

/// The forms a FHIR answer can take. XML comes with a later delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// `application/fhir+json`, also for `application/json`, `*/*` and no Accept at all.
    Json,
    /// Only what FHIR cannot be rendered as.
    Nothing,
}

/// What the `Accept` header (or `_format`, which overrides it) asks for of a FHIR answer.
pub(crate) fn fhir_wanted(accept: Option<&str>, format: Option<&str>) -> Wanted {
    let asked = format.or(accept).unwrap_or("*/*");
    let is_json = |range: &str| {
        let range = essence(range);
        is_fhir_json(range) || matches!(range, "json" | "*/*" | "application/*" | "text/json" | "")
    };
    if asked.split(',').any(|range| quality(range) > 0 && is_json(range)) { Wanted::Json } else { Wanted::Nothing }
}

/// Whether a body's `Content-Type` is FHIR JSON.
pub(crate) fn require_fhir_json(content_type: Option<&str>) -> Result<(), Error> {
    match content_type.map(essence) {
        Some(media) if is_fhir_json(media) || media == "text/json" => Ok(()),
        _ => Err(Issue::new(Code::MediaType).rule("R4 http#mime-type").into()),
    }
}

/// Whether a body is an XML document by itself, such as a CDA (document-sharing T12), and not FHIR XML.
pub(crate) fn is_document_xml(content_type: &str) -> bool {
    matches!(essence(content_type), "text/xml" | "application/xml" | "application/xslt+xml" | "application/hl7-cda+xml")
}

/// Whether the body of a `_search` is a form (R4 search.html §3.1.1.1).
pub(crate) fn require_form(content_type: Option<&str>) -> Result<(), Error> {
    match content_type.map(essence) {
        Some("application/x-www-form-urlencoded") => Ok(()),
        _ => Err(Issue::new(Code::MediaType).rule("R4 search#intro").into()),
    }
}

/// The form of a patch, by its `Content-Type` (R4 http.html#patch).
pub(crate) fn patch_form(content_type: Option<&str>) -> Result<Form, Error> {
    let media = content_type.map(essence).unwrap_or_default();
    // FHIRPath Patch is an ordinary FHIR body.
    let media = if is_fhir_json(media) { Form::FhirPath.media_type() } else { media };
    let form = Form::ALL.iter().copied().find(|form| form.media_type() == media);
    form.ok_or_else(|| Issue::new(Code::MediaType).rule("R4 http#patch").into())
}

/// What a client may receive of a document: the raw bytes or the FHIR resource around them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DocumentForm {
    /// The bytes as they were sent.
    Raw,
    /// A `Binary` resource with base64 data.
    Resource,
}

/// Chooses the form of a document (ITI-68): raw unless the client asks for FHIR.
pub(crate) fn document_form(accept: Option<&str>, content_type: &str) -> Result<DocumentForm, Error> {
    let Some(accept) = accept else { return Ok(DocumentForm::Raw) };
    let own = essence(content_type);
    let own_family = own.split('/').next().unwrap_or_default();
    let mut best: Option<(u16, DocumentForm)> = None;
    for range in accept.split(',') {
        let media = essence(range);
        let form = match media {
            "*/*" | "" => DocumentForm::Raw,
            _ if media == own => DocumentForm::Raw,
            _ if media.strip_suffix("/*").is_some_and(|family| family == own_family) => DocumentForm::Raw,
            _ if is_fhir_json(media) => DocumentForm::Resource,
            _ => continue,
        };
        let weight = quality(range);
        if weight > 0 && best.is_none_or(|(heaviest, _)| weight > heaviest) {
            best = Some((weight, form));
        }
    }
    best.map(|(_, form)| form).ok_or_else(|| Issue::new(Code::NotAcceptable).rule("ITI-68 §2:3.68.4.1.2").into())
}

fn is_fhir_json(media: &str) -> bool {
    matches!(media, "application/fhir+json" | "application/json" | "application/json+fhir")
}

/// The media type without its parameters.
fn essence(range: &str) -> &str {
    range.split(';').next().unwrap_or_default().trim()
}

/// The weight of a range, in thousandths (RFC 9110 §12.4.2).
fn quality(range: &str) -> u16 {
    let weight = range.split(';').skip(1).find_map(|part| part.trim().strip_prefix("q="));
    let Some(weight) = weight else { return 1000 };
    let (whole, fraction) = weight.trim().split_once('.').unwrap_or((weight.trim(), ""));
    let fraction = format!("{fraction:0<3}");
    let thousandths = fraction.get(..3).and_then(|digits| digits.parse::<u16>().ok()).unwrap_or_default();
    if whole == "1" { 1000 } else { thousandths }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fhir_json_is_given_to_whoever_can_take_it() {
        for accept in [None, Some("*/*"), Some("application/fhir+json"), Some("text/html, application/json;q=0.5")] {
            assert_eq!(fhir_wanted(accept, None), Wanted::Json, "{accept:?}");
        }
        assert_eq!(fhir_wanted(Some("application/fhir+xml"), None), Wanted::Nothing);
        assert_eq!(fhir_wanted(Some("application/fhir+xml"), Some("json")), Wanted::Json);
        assert_eq!(fhir_wanted(Some("application/json;q=0"), None), Wanted::Nothing);
    }

    #[test]
    fn each_form_of_a_patch_has_its_media_type() {
        let form = |media| patch_form(Some(media)).map_err(|error| error.code());
        assert_eq!(form("application/json-patch+json; charset=utf-8"), Ok(Form::Json));
        assert_eq!(form("application/xml-patch+xml"), Ok(Form::Xml));
        assert_eq!(form("application/fhir+json"), Ok(Form::FhirPath));
        assert_eq!(form("application/json"), Ok(Form::FhirPath));
        assert_eq!(form("application/merge-patch+json"), Ok(Form::Merge));
        assert_eq!(form("application/fhir+xml"), Err(Code::MediaType));
        assert_eq!(patch_form(None).map_err(|error| error.code()), Err(Code::MediaType));
    }

    #[test]
    fn a_document_is_raw_unless_fhir_is_asked_for() {
        let form = |accept| document_form(accept, "text/xml").map_err(|error| error.code());
        assert_eq!(form(None), Ok(DocumentForm::Raw));
        assert_eq!(form(Some("*/*")), Ok(DocumentForm::Raw));
        assert_eq!(form(Some("text/xml")), Ok(DocumentForm::Raw));
        assert_eq!(form(Some("application/fhir+json")), Ok(DocumentForm::Resource));
        assert_eq!(form(Some("application/fhir+json;q=0.5, text/*")), Ok(DocumentForm::Raw));
        assert_eq!(form(Some("image/png")), Err(Code::NotAcceptable));
    }
}

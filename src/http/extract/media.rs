//! Media types: what the client sends, what it may be sent (R4 http.html §2.21.0.6).

use super::accept::{is_spoken, quality};
use crate::error::{Code, Error, Issue};
use crate::fhir::codec::Syntax;
use crate::fhir::patch::Form;

/// The media types that a resource is answered in. A general one is answered as asked for (R4 http#mime-type).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Media {
    /// `application/fhir+json`.
    FhirJson,
    /// `application/json`.
    Json,
    /// `text/json`.
    TextJson,
    /// `application/fhir+xml`.
    FhirXml,
    /// `application/xml`.
    Xml,
    /// `text/xml`.
    TextXml,
}

impl Media {
    const ALL: [Self; 6] = [Self::FhirJson, Self::Json, Self::TextJson, Self::FhirXml, Self::Xml, Self::TextXml];

    /// The media type of a name, those of drafts before R3 among them.
    pub(crate) fn named(essence: &str) -> Option<Self> {
        let is = |name: &str| essence.eq_ignore_ascii_case(name);
        if is("application/json+fhir") {
            return Some(Self::FhirJson);
        }
        if is("application/xml+fhir") {
            return Some(Self::FhirXml);
        }
        Self::ALL.into_iter().find(|media| is(media.essence()))
    }

    /// The media type of a `_format`: a name, or `json` or `xml`.
    pub(crate) fn of_format(format: &str) -> Option<Self> {
        match format {
            "json" => Some(Self::FhirJson),
            "xml" => Some(Self::FhirXml),
            named => Self::named(named),
        }
    }

    /// Its name.
    pub(crate) const fn essence(self) -> &'static str {
        match self {
            Self::FhirJson => "application/fhir+json",
            Self::Json => "application/json",
            Self::TextJson => "text/json",
            Self::FhirXml => "application/fhir+xml",
            Self::Xml => "application/xml",
            Self::TextXml => "text/xml",
        }
    }

    /// What stands in `Content-Type`.
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::FhirJson => "application/fhir+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
            Self::TextJson => "text/json; charset=utf-8",
            Self::FhirXml => "application/fhir+xml; charset=utf-8",
            Self::Xml => "application/xml; charset=utf-8",
            Self::TextXml => "text/xml; charset=utf-8",
        }
    }

    /// The syntax it names.
    pub(crate) const fn syntax(self) -> Syntax {
        match self {
            Self::FhirJson | Self::Json | Self::TextJson => Syntax::Json,
            Self::FhirXml | Self::Xml | Self::TextXml => Syntax::Xml,
        }
    }
}

/// The syntax of a FHIR body, by its `Content-Type`. Another media type, character set or version of FHIR
/// is a [`Code::MediaType`].
pub(crate) fn body_syntax(content_type: Option<&str>) -> Result<Syntax, Error> {
    let sent = content_type.filter(|sent| is_spoken(sent) && charset_holds(sent));
    let media = sent.and_then(|sent| Media::named(essence(sent)));
    media.map(Media::syntax).ok_or_else(|| Issue::new(Code::MediaType).rule("R4 http#mime-type").into())
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

/// The form of a patch, by its `Content-Type` (R4 http.html#patch). FHIRPath Patch is an ordinary FHIR body.
pub(crate) fn patch_form(content_type: Option<&str>) -> Result<Form, Error> {
    let media = content_type.map(essence).unwrap_or_default();
    if let Some(form) = Form::ALL.iter().find(|form| form.media_type() == media && Media::named(media).is_none()) {
        return Ok(*form);
    }
    match body_syntax(content_type) {
        Ok(Syntax::Json) => Ok(Form::FhirPath),
        Ok(Syntax::Xml) => Ok(Form::FhirPathXml),
        Err(_other) => Err(Issue::new(Code::MediaType).rule("R4 http#patch").into()),
    }
}

/// What a client may receive of a document: the raw bytes or the FHIR resource around them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DocumentForm {
    /// The bytes as they were sent.
    Raw,
    /// A `Binary` resource with base64 data, or the document itself where it is FHIR.
    Resource(Media),
}

/// Chooses the form of a document (ITI-68): raw unless the client asks for FHIR, by `_format` or `Accept`.
/// A general type of XML is not FHIR here (R4 http#mime-type: "except for binary").
pub(crate) fn document_form(
    accept: Option<&str>,
    format: Option<&str>,
    content_type: &str,
) -> Result<DocumentForm, Error> {
    let refused = || Error::from(Issue::new(Code::NotAcceptable).rule("ITI-68 §2:3.68.4.1.2"));
    if let Some(format) = format {
        let format = format.trim().replace(' ', "+");
        let media = Media::of_format(essence(&format)).filter(|_| is_spoken(&format));
        return media.map(DocumentForm::Resource).ok_or_else(refused);
    }
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
            _ => match Media::named(media).filter(|_| is_spoken(range)) {
                Some(fhir @ (Media::FhirJson | Media::Json | Media::FhirXml)) => DocumentForm::Resource(fhir),
                _ => continue,
            },
        };
        let weight = quality(range);
        if weight > 0 && best.is_none_or(|(heaviest, _)| weight > heaviest) {
            best = Some((weight, form));
        }
    }
    best.map(|(_, form)| form).ok_or_else(refused)
}

/// The media type without its parameters.
pub(super) fn essence(range: &str) -> &str {
    range.split(';').next().unwrap_or_default().trim()
}

/// A parameter of a media type or range, without its quotes (RFC 9110 §5.6.6).
pub(super) fn parameter<'a>(range: &'a str, name: &str) -> Option<&'a str> {
    range.split(';').skip(1).find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
    })
}

/// FHIR is UTF-8 always (R4 http.html §2.21.0.6).
pub(super) fn charset_holds(range: &str) -> bool {
    parameter(range, "charset").is_none_or(|charset| charset.eq_ignore_ascii_case("utf-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_fhir_in_one_of_two_syntaxes_by_its_type() {
        let syntax = |sent| body_syntax(Some(sent)).map_err(|error| error.code());
        for json in [
            "application/fhir+json",
            "application/fhir+json; charset=UTF-8; fhirVersion=4.0",
            "application/json",
            "text/json",
            "application/json+fhir",
        ] {
            assert_eq!(syntax(json), Ok(Syntax::Json), "{json}");
        }
        for xml in ["application/fhir+xml;charset=\"utf-8\"", "application/xml", "text/xml", "application/xml+fhir"] {
            assert_eq!(syntax(xml), Ok(Syntax::Xml), "{xml}");
        }
        for wrong in [
            "",
            "text/plain",
            "application/fhir+turtle",
            "application/fhir+json;fhirVersion=3.0",
            "application/fhir+xml;charset=iso-8859-15",
            "application/x-www-form-urlencoded",
        ] {
            assert_eq!(syntax(wrong), Err(Code::MediaType), "{wrong}");
        }
        assert_eq!(body_syntax(None).map_err(|error| error.code()), Err(Code::MediaType));
    }

    #[test]
    fn each_form_of_a_patch_has_its_media_type() {
        let form = |media| patch_form(Some(media)).map_err(|error| error.code());
        assert_eq!(form("application/json-patch+json; charset=utf-8"), Ok(Form::Json));
        assert_eq!(form("application/xml-patch+xml"), Ok(Form::Xml));
        assert_eq!(form("application/fhir+json"), Ok(Form::FhirPath));
        assert_eq!(form("application/json"), Ok(Form::FhirPath));
        assert_eq!(form("application/fhir+xml"), Ok(Form::FhirPathXml));
        assert_eq!(form("application/merge-patch+json"), Ok(Form::Merge));
        assert_eq!(form("application/fhir+json; fhirVersion=3.0"), Err(Code::MediaType));
        assert_eq!(form("text/plain"), Err(Code::MediaType));
        assert_eq!(patch_form(None).map_err(|error| error.code()), Err(Code::MediaType));
    }

    #[test]
    fn a_document_is_raw_unless_fhir_is_asked_for() {
        let form = |accept| document_form(accept, None, "text/xml").map_err(|error| error.code());
        assert_eq!(form(None), Ok(DocumentForm::Raw));
        assert_eq!(form(Some("*/*")), Ok(DocumentForm::Raw));
        assert_eq!(form(Some("text/xml")), Ok(DocumentForm::Raw));
        assert_eq!(form(Some("application/fhir+json")), Ok(DocumentForm::Resource(Media::FhirJson)));
        assert_eq!(form(Some("application/fhir+xml")), Ok(DocumentForm::Resource(Media::FhirXml)));
        assert_eq!(form(Some("application/fhir+json;q=0.5, text/*")), Ok(DocumentForm::Raw));
        assert_eq!(form(Some("image/png")), Err(Code::NotAcceptable));
        assert_eq!(form(Some("application/xml")), Err(Code::NotAcceptable));
        let by_query = document_form(Some("text/xml"), Some("xml"), "text/xml").map_err(|error| error.code());
        assert_eq!(by_query, Ok(DocumentForm::Resource(Media::FhirXml)));
    }
}

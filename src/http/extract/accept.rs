//! What form of an answer the client asks for, by `Accept`, `_format` and `_pretty` (R4 http.html §2.21.0.6,
//! §2.21.0.6.1, RFC 9110 §12.5.1), and under which version of FHIR (R4 versioning.html#mt-version).

use actix_web::http::header;
use actix_web::{HttpMessage as _, HttpRequest};

use super::body::pairs;
use super::media::{Media, charset_holds, essence, parameter};
use crate::error::{Code, Error, Issue};
use crate::fhir::search::{Part, subset};
use crate::ids::ElementPath;

/// The version of FHIR that is spoken, and the names it goes by.
const VERSIONS: [&str; 2] = ["4.0", "4.0.1"];

/// How an answer is to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Presentation {
    /// Its media type.
    pub(crate) media: Media,
    /// Whether it is laid out for people.
    pub(crate) is_pretty: bool,
    /// What of a resource is asked for.
    pub(crate) part: Part,
}

impl Presentation {
    /// JSON on one line, whole.
    pub(crate) const PLAIN: Self = Self { media: Media::FhirJson, is_pretty: false, part: Part::WHOLE };

    /// What a request asks for. What cannot be given is an issue.
    pub(crate) fn of(request: &HttpRequest) -> Result<Self, Issue> {
        let query = request.query_string();
        // Nearly every request asks for nothing of this.
        let asked = if query.contains('_') { pairs(query.as_bytes()).unwrap_or_default() } else { Vec::new() };
        Self::read(request, &asked)
    }

    /// Settles the form of the answer by parameters that came otherwise than in the address: in a form, in a
    /// page link.
    pub(crate) fn settle(request: &HttpRequest, given: &[(String, String)]) -> Result<(), Error> {
        let settled = Self::read(request, given)?;
        request.extensions_mut().insert(settled);
        Ok(())
    }

    /// The answer goes out as the handler writes it.
    pub(crate) fn settle_plain(request: &HttpRequest) {
        request.extensions_mut().insert(Self::PLAIN);
    }

    fn read(request: &HttpRequest, given: &[(String, String)]) -> Result<Self, Issue> {
        let accept = accepted(request);
        let (mut format, mut is_pretty, mut wanted) = (None, false, Part::WHOLE);
        for (name, value) in given {
            let wrong = || Issue::new(Code::Value).at(ElementPath::root(name.as_str())).rule("R4 http#parameters");
            match name.as_str() {
                "_format" => format = Some(value.as_str()),
                "_pretty" => is_pretty = value.parse().map_err(|_neither| wrong())?,
                "_summary" => wanted.summary = subset::summary(value).ok_or_else(wrong)?,
                "_elements" => wanted.elements.extend(subset::elements(value).ok_or_else(wrong)?),
                _ => {}
            }
        }
        versions_agree(accept.as_deref(), format, request)?;
        let media = wanted_media(accept.as_deref(), format);
        let media = media.ok_or_else(|| Issue::new(Code::NotAcceptable).rule("R4 http#mime-type"))?;
        Ok(Self { media, is_pretty, part: wanted })
    }

    /// What a refusal is shown in where the request asks for what cannot be given.
    pub(crate) fn of_refusal(request: &HttpRequest) -> Self {
        let media = wanted_media(accepted(request).as_deref(), None).unwrap_or(Media::FhirJson);
        Self { media, ..Self::PLAIN }
    }

    /// Whether an answer of ours may go out as it is.
    pub(crate) fn is_plain(&self) -> bool {
        self.media == Media::FhirJson && !self.is_pretty && self.part.is_whole()
    }
}

/// All that `Accept` says, in one list.
pub(crate) fn accepted(request: &HttpRequest) -> Option<String> {
    let mut lines = request.headers().get_all(header::ACCEPT).filter_map(|value| value.to_str().ok());
    let first = lines.next()?.to_owned();
    Some(lines.fold(first, |all, line| format!("{all},{line}")))
}

/// The media type of the answer: what `_format` says, else the heaviest range that FHIR can be given in, the
/// first of them in the order of the request.
pub(crate) fn wanted_media(accept: Option<&str>, format: Option<&str>) -> Option<Media> {
    if let Some(format) = format {
        // A `+` that was not escaped is a space in a query.
        let format = format.trim().replace(' ', "+");
        return Media::of_format(essence(&format)).filter(|_| is_spoken(&format) && charset_holds(&format));
    }
    let accept = accept.filter(|accept| !accept.trim().is_empty()).unwrap_or("*/*");
    if accept == Media::FhirJson.essence() {
        return Some(Media::FhirJson);
    }
    let mut best: Option<(u16, Media)> = None;
    let mut take = |weight: u16, media: Media| {
        if weight > 0 && best.is_none_or(|(heaviest, _)| weight > heaviest) {
            best = Some((weight, media));
        }
    };
    let ranges = || accept.split(',').filter(|range| is_spoken(range) && charset_holds(range));
    let is_named = |media: Media| accept.split(',').any(|range| essence(range).eq_ignore_ascii_case(media.essence()));
    for range in ranges() {
        match essence(range) {
            "*/*" | "application/*" | "" => [Media::FhirJson, Media::FhirXml]
                .into_iter()
                .filter(|media| !is_named(*media))
                .for_each(|media| take(quality(range), media)),
            named => Media::named(named).into_iter().for_each(|media| take(quality(range), media)),
        }
    }
    best.map(|(_, media)| media)
}

/// Two versions in one request are an error, whichever they are.
fn versions_agree(accept: Option<&str>, format: Option<&str>, request: &HttpRequest) -> Result<(), Issue> {
    let body = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let Some(sent) = body.and_then(|body| parameter(body, "fhirVersion")) else { return Ok(()) };
    let asked = format.or(accept).unwrap_or_default();
    let mut versions = asked.split(',').filter_map(|range| parameter(range, "fhirVersion")).peekable();
    let is_same = |asked: &str| asked == sent || VERSIONS.contains(&asked) && VERSIONS.contains(&sent);
    if versions.peek().is_none() || versions.any(is_same) {
        return Ok(());
    }
    Err(Issue::new(Code::Value).rule("R4 versioning#mt-version").detail("fhirVersion"))
}

/// Whether the version that a range or a media type names, if it names one, is that of this server.
pub(super) fn is_spoken(range: &str) -> bool {
    parameter(range, "fhirVersion").is_none_or(|version| VERSIONS.contains(&version))
}

/// The weight of a range, in thousandths (RFC 9110 §12.4.2).
pub(super) fn quality(range: &str) -> u16 {
    let Some(weight) = parameter(range, "q") else { return 1000 };
    let (whole, fraction) = weight.split_once('.').unwrap_or((weight, ""));
    let fraction = format!("{fraction:0<3}");
    let thousandths = fraction.get(..3).and_then(|digits| digits.parse::<u16>().ok()).unwrap_or_default();
    if whole == "1" { 1000 } else { thousandths }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_range_that_fhir_can_be_given_in_is_taken() {
        for (accept, expected) in [
            ("*/*", Some(Media::FhirJson)),
            ("", Some(Media::FhirJson)),
            ("application/*", Some(Media::FhirJson)),
            ("application/fhir+json", Some(Media::FhirJson)),
            ("application/fhir+xml", Some(Media::FhirXml)),
            ("Application/FHIR+XML ; charset=UTF-8", Some(Media::FhirXml)),
            ("application/json", Some(Media::Json)),
            ("text/json", Some(Media::TextJson)),
            ("application/json+fhir", Some(Media::FhirJson)),
            ("application/xml", Some(Media::Xml)),
            ("text/xml", Some(Media::TextXml)),
            ("application/xml+fhir", Some(Media::FhirXml)),
            ("application/fhir+json;q=0.5, application/fhir+xml", Some(Media::FhirXml)),
            ("application/fhir+xml;q=0.5, application/fhir+json;q=0.50", Some(Media::FhirXml)),
            ("application/fhir+xml;q=0.1, */*;q=0.2", Some(Media::FhirJson)),
            ("*/*, application/fhir+json;q=0", Some(Media::FhirXml)),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Some(Media::Xml)),
            ("text/html, application/json;q=0.5", Some(Media::Json)),
            ("application/json;q=0", None),
            ("text/html", None),
            ("text/turtle", None),
            ("application/fhir+json;fhirVersion=4.0", Some(Media::FhirJson)),
            ("application/fhir+xml; fhirVersion=\"4.0\"", Some(Media::FhirXml)),
            ("application/fhir+json;fhirVersion=3.0", None),
            ("application/fhir+json;fhirVersion=5.0, application/fhir+xml;fhirVersion=4.0", Some(Media::FhirXml)),
            ("application/fhir+json;charset=iso-8859-1", None),
        ] {
            assert_eq!(wanted_media(Some(accept), None), expected, "{accept}");
        }
        assert_eq!(wanted_media(None, None), Some(Media::FhirJson));
    }

    #[test]
    fn the_format_of_the_query_outweighs_the_header() {
        for (format, expected) in [
            ("json", Some(Media::FhirJson)),
            ("xml", Some(Media::FhirXml)),
            ("application/fhir+xml", Some(Media::FhirXml)),
            ("application/fhir xml", Some(Media::FhirXml)),
            ("application/json", Some(Media::Json)),
            ("text/xml", Some(Media::TextXml)),
            ("application/fhir+json;fhirVersion=3.0", None),
            ("html", None),
            ("ttl", None),
            ("", None),
        ] {
            assert_eq!(wanted_media(Some("application/fhir+json"), Some(format)), expected, "{format}");
        }
    }
}

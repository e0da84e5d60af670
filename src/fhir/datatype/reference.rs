//! What a reference points to, read from its text (R4 `references.html`).

use serde_json::Value;

use crate::fhir::definition::Type;

/// The ways a Reference may point. `Debug` tells the way and the type only: ids, addresses and queries may hold an INS.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reference<'a> {
    /// `Type/id`, with or without `/_history/version`.
    Relative {
        /// The type named.
        kind: &'a str,
        /// The logical id.
        id: &'a str,
        /// The version, where one is named.
        version: Option<&'a str>,
    },
    /// A URL with a scheme; `target` where it ends as a FHIR resource's does.
    Absolute {
        /// The whole URL.
        url: &'a str,
        /// Type and id.
        target: Option<(&'a str, &'a str)>,
    },
    /// `#id`; the container itself where the id is empty.
    Contained(&'a str),
    /// `urn:uuid:...` or `urn:oid:...`.
    Urn(&'a str),
    /// `Type?query`, to be found by search in a transaction.
    Conditional {
        /// The type named.
        kind: &'a str,
        /// What follows the question mark.
        query: &'a str,
    },
    /// No reference, an identifier only.
    Logical(&'a Value),
}

impl<'a> Reference<'a> {
    /// Reads the content of a Reference; `None` where it points nowhere, or has a form R4 does not know.
    pub fn of(reference: &'a Value) -> Option<Self> {
        match reference.get("reference") {
            Some(text) => Self::parse(text.as_str()?),
            None => reference.get("identifier").map(Self::Logical),
        }
    }

    /// Reads `Reference.reference`.
    pub fn parse(text: &'a str) -> Option<Self> {
        if let Some(id) = text.strip_prefix('#') {
            return Some(Self::Contained(id));
        }
        if text.starts_with("urn:uuid:") || text.starts_with("urn:oid:") {
            return Some(Self::Urn(text));
        }
        if let Some((kind, query)) = text.split_once('?')
            && !kind.contains(['/', ':'])
        {
            return (Type::resource(kind).is_some() && !query.is_empty()).then_some(Self::Conditional { kind, query });
        }
        if let Some((scheme, rest)) = text.split_once(':') {
            let valid = scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && !rest.is_empty();
            return valid.then(|| Self::Absolute { url: text, target: tail(rest).map(|(kind, id, _)| (kind, id)) });
        }
        let (kind, id, version) = tail(text)?;
        let whole = kind.len() + 1 + id.len() + version.map_or(0, |version| "/_history/".len() + version.len());
        (whole == text.len()).then_some(Self::Relative { kind, id, version })
    }

    /// The type it names, where it names one.
    pub fn kind(self) -> Option<&'a str> {
        match self {
            Self::Relative { kind, .. } | Self::Conditional { kind, .. } => Some(kind),
            Self::Absolute { target, .. } => target.map(|(kind, _)| kind),
            Self::Contained(_) | Self::Urn(_) | Self::Logical(_) => None,
        }
    }
}

impl std::fmt::Debug for Reference<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let way = match self {
            Self::Relative { .. } => "Relative",
            Self::Absolute { .. } => "Absolute",
            Self::Contained(_) => "Contained",
            Self::Urn(_) => "Urn",
            Self::Conditional { .. } => "Conditional",
            Self::Logical(_) => "Logical",
        };
        f.debug_tuple(way).field(&self.kind().unwrap_or_default()).finish()
    }
}

/// The last segments of a path as type, id and version.
fn tail(path: &str) -> Option<(&str, &str, Option<&str>)> {
    let (path, version) = match path.split_once("/_history/") {
        Some((path, version)) => (path, Some(version)),
        None => (path, None),
    };
    let mut segments = path.rsplit('/');
    let (id, kind) = (segments.next()?, segments.next()?);
    let valid = Type::resource(kind).is_some() && is_id(id) && version.is_none_or(is_id);
    valid.then_some((kind, id, version))
}

/// Whether a text is an `id`.
pub fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_told_apart() {
        let parse = Reference::parse;
        assert_eq!(parse("Patient/1"), Some(Reference::Relative { kind: "Patient", id: "1", version: None }));
        assert_eq!(
            parse("Patient/1/_history/2"),
            Some(Reference::Relative { kind: "Patient", id: "1", version: Some("2") })
        );
        assert_eq!(parse("#p"), Some(Reference::Contained("p")));
        assert_eq!(parse("urn:uuid:1"), Some(Reference::Urn("urn:uuid:1")));
        let url = "https://example.org/fhir/List/a/_history/3";
        assert_eq!(parse(url), Some(Reference::Absolute { url, target: Some(("List", "a")) }));
        let query = "identifier=urn:oid:1.2|3";
        let conditional = format!("Patient?{query}");
        assert_eq!(parse(&conditional), Some(Reference::Conditional { kind: "Patient", query }));
        assert_eq!(format!("{:?}", parse(&conditional).unwrap()), "Conditional(\"Patient\")");
        for nowhere in ["", "1", "Nobody/1", "x/Patient/1", "Patient/", "Patient/a b", "Patient?", "Nobody?a=b", ":x"] {
            assert_eq!(parse(nowhere), None, "{nowhere}");
        }
    }
}

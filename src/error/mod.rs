//! The one error type that leaves a room, and the one catalogue of what may go wrong.
//!
//! A layer's own small error converts into [`Error`]; the face it shows (OperationOutcome, OAuth
//! error, SOAP fault) is chosen by the protocol that renders it, never by the operation.

mod catalogue;

use std::borrow::Cow;
use std::fmt;

pub use catalogue::{AuditOutcome, Code, IssueType, Language, LogLevel, Row};

use crate::ids::ElementPath;

/// What stands where something else was expected. Never the value itself: it may be anybody's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// So many.
    Count(usize),
    /// A resource or value of this type.
    Type(&'static str),
    /// JSON of another kind: `object`, `array`, `string`, `number`, `boolean`, `null`.
    Json(&'static str),
}

impl Found {
    /// In words.
    pub fn text(self, language: Language) -> String {
        const KINDS: [(&str, &str); 6] = [
            ("array", "tableau"),
            ("boolean", "booléen"),
            ("null", "null"),
            ("number", "nombre"),
            ("object", "objet"),
            ("string", "texte"),
        ];
        match (self, language) {
            (Self::Count(count), _) => count.to_string(),
            (Self::Json(kind), Language::French) => {
                KINDS.iter().find(|(known, _)| *known == kind).map_or(kind, |(_, french)| french).to_owned()
            }
            (Self::Type(word) | Self::Json(word), _) => word.to_owned(),
        }
    }
}

/// One thing that is wrong: a catalogue code, where, under which rule, and the words that fill its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// The row of the catalogue.
    pub code: Code,
    /// The element at fault, as FHIRPath.
    pub path: Option<ElementPath>,
    /// The rule that was broken: `MES-0xx`, an MHD or R4 section, an invariant's key.
    pub rule: Option<Cow<'static, str>>,
    /// What was found or expected. Never an INS, a name, a body or a token.
    pub detail: Option<String>,
    /// What stands there.
    pub found: Option<Found>,
    /// Where what was broken is written: the page of the specification, or the profile's canonical URL.
    pub written: Option<Box<str>>,
    /// A warning does not refuse; an error does.
    pub is_warning: bool,
}

impl Issue {
    /// An error of the given code.
    pub const fn new(code: Code) -> Self {
        Self { code, path: None, rule: None, detail: None, found: None, written: None, is_warning: false }
    }

    /// Names the element at fault.
    pub fn at(mut self, path: ElementPath) -> Self {
        self.path = Some(path);
        self
    }

    /// Names the rule broken.
    pub fn rule(mut self, rule: impl Into<Cow<'static, str>>) -> Self {
        self.rule = Some(rule.into());
        self
    }

    /// Says what was found or expected (never personal data).
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Says what stands there.
    pub const fn found(mut self, found: Found) -> Self {
        self.found = Some(found);
        self
    }

    /// Says where what was broken is written.
    pub fn written(mut self, place: impl Into<Box<str>>) -> Self {
        self.written = Some(place.into());
        self
    }

    /// The text in a language: what is wrong, what was expected, what was found.
    pub fn text(&self, language: Language) -> String {
        let mut text = self.code.row().text(language).to_owned();
        if let Some(detail) = &self.detail {
            text.push(' ');
            text.push_str(detail);
        }
        if let Some(found) = self.found {
            text.push_str(match language {
                Language::French => " Trouvé : ",
                Language::English => " Found: ",
            });
            text.push_str(&found.text(language));
            text.push('.');
        }
        text
    }

    /// Turns the issue into a warning.
    pub const fn warning(mut self) -> Self {
        self.is_warning = true;
        self
    }
}

/// A request that cannot be served: one or more issues, the first of which decides the status.
#[derive(Debug)]
pub struct Error {
    issues: Vec<Issue>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error with one issue.
    pub fn new(issue: Issue) -> Self {
        Self { issues: vec![issue], source: None }
    }

    /// An error with several issues; an empty list reads as an internal fault.
    pub fn many(issues: Vec<Issue>) -> Self {
        if issues.is_empty() { Code::Internal.into() } else { Self { issues, source: None } }
    }

    /// Tells each issue anew: for what was read in one form and is answered in another.
    pub fn map(mut self, tell: impl FnMut(Issue) -> Issue) -> Self {
        self.issues = std::mem::take(&mut self.issues).into_iter().map(tell).collect();
        self
    }

    /// Keeps what caused it, for the log only.
    pub fn because(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// The code that decides the status: that of the first issue that is an error.
    pub fn code(&self) -> Code {
        let decisive = self.issues.iter().find(|issue| !issue.is_warning).or(self.issues.first());
        decisive.map_or(Code::Internal, |issue| issue.code)
    }

    /// All issues, in the order found.
    pub fn issues(&self) -> &[Issue] {
        &self.issues
    }
}

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        Self::new(Issue::new(code))
    }
}

impl From<Issue> for Error {
    fn from(issue: Issue) -> Self {
        Self::new(issue)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code().row().name)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let source: &(dyn std::error::Error + 'static) = self.source.as_deref()?;
        Some(source)
    }
}

//! The pull reader: resolved, bounded, with nothing to expand and nothing to fetch (house rules §9).

use std::borrow::Cow;

use quick_xml::XmlVersion;
use quick_xml::encoding::EncodingError;
use quick_xml::errors::{IllFormedError, SyntaxError};
use quick_xml::events::attributes::AttrError;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event as Raw};

use super::namespace::Scope;
use super::{Error, Kind, Limits, Namespace};

/// What the reader hands out. Comments and processing instructions are skipped; an empty element
/// is a start and an end. None of these types is `Debug`: documents do not belong in logs.
pub enum Event<'a> {
    /// A start tag.
    Start(Element<'a>),
    /// The end of the innermost open element.
    End,
    /// A piece of text; one text may come in several pieces.
    Text(Cow<'a, str>),
    /// The document is complete.
    Eof,
}

/// A start tag with its namespace.
pub struct Element<'a> {
    /// The namespace of the element.
    pub namespace: Namespace,
    start: BytesStart<'a>,
    /// Where its `<` stands.
    from: u64,
    at: u64,
    limits: Limits,
}

/// One attribute, its value normalised and unescaped.
pub struct Attribute<'a> {
    /// The name as written, prefix included.
    pub name: &'a str,
    /// The value.
    pub value: Cow<'a, str>,
}

impl Element<'_> {
    /// The local name.
    pub fn name(&self) -> &str {
        let name = self.start.name().0;
        name.split_once(':').map_or(name, |(_, local)| local)
    }

    /// The name as written, prefix included.
    pub fn qualified_name(&self) -> &str {
        self.start.name().0
    }

    /// The byte at which it begins.
    pub const fn position(&self) -> u64 {
        self.from
    }

    /// Whether it declares a default namespace itself.
    pub fn declares_default_namespace(&self) -> bool {
        let mut attributes = self.start.attributes();
        attributes.any(|attribute| attribute.is_ok_and(|attribute| attribute.key.0 == "xmlns"))
    }

    /// Whether it is the element `name` of `namespace`.
    pub fn is(&self, namespace: Namespace, name: &str) -> bool {
        self.namespace == namespace && self.name() == name
    }

    /// All attributes but namespace declarations, in document order. A fault ends the iteration.
    pub fn attributes(&self) -> impl Iterator<Item = Result<Attribute<'_>, Error>> {
        let mut seen = 0;
        self.start
            .attributes()
            .map(move |attribute| {
                seen += 1;
                if seen > self.limits.attributes {
                    return Err(self.fault(Kind::Attributes));
                }
                let attribute = attribute.map_err(|error| self.fault(of_attribute(&error)))?;
                let value = attribute
                    .normalized_value(XmlVersion::Implicit1_0)
                    .map_err(|error| self.fault(of_quick_xml(&error)))?;
                if attribute.value.contains('<') || !is_name(attribute.key.0) {
                    return Err(self.fault(Kind::Syntax));
                }
                if value.len() > self.limits.text_bytes || attribute.key.0.len() > self.limits.name_bytes {
                    return Err(self.fault(Kind::Text));
                }
                if value.contains(is_forbidden) {
                    return Err(self.fault(Kind::Character));
                }
                Ok(Attribute { name: attribute.key.0, value })
            })
            .filter(|attribute| !attribute.as_ref().is_ok_and(|attribute| is_declaration(attribute.name)))
    }

    /// The value of one attribute without prefix.
    pub fn attribute(&self, name: &str) -> Result<Option<String>, Error> {
        for attribute in self.attributes() {
            let attribute = attribute?;
            if attribute.name == name {
                return Ok(Some(attribute.value.into_owned()));
            }
        }
        Ok(None)
    }

    const fn fault(&self, kind: Kind) -> Error {
        Error { at: self.at, kind }
    }
}

/// Reads one document from a slice, without copying what it only passes by.
pub struct Reader<'a> {
    inner: quick_xml::Reader<&'a [u8]>,
    bytes: &'a [u8],
    /// Where the event read last begins.
    from: u64,
    limits: Limits,
    scope: Scope,
    depth: usize,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Start,
    Prolog,
    Root,
    Epilog,
}

impl<'a> Reader<'a> {
    /// A reader of `bytes`, which may be the beginning of a document only: reading on past them is
    /// [`Kind::Truncated`].
    pub fn new(bytes: &'a [u8], limits: Limits) -> Self {
        // A byte order mark is not counted in positions: it is taken off where they are counted from.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut inner = quick_xml::Reader::from_reader(bytes);
        inner.config_mut().expand_empty_elements = true;
        Self { inner, bytes, from: 0, limits, scope: Scope::default(), depth: 0, stage: Stage::Start }
    }

    /// Bytes read so far.
    pub const fn position(&self) -> u64 {
        self.inner.buffer_position()
    }

    /// How many elements are open.
    pub const fn depth(&self) -> usize {
        self.depth
    }

    /// The next event.
    pub fn next_event(&mut self) -> Result<Event<'a>, Error> {
        Ok(match self.advance()? {
            Raw::Start(start) => Event::Start(self.element(start)?),
            Raw::End(_) => Event::End,
            Raw::Text(text) => Event::Text(self.admitted(text.xml10_content())?),
            Raw::CData(text) => Event::Text(self.admitted(text.xml10_content())?),
            Raw::GeneralRef(reference) => Event::Text(Cow::Owned(self.resolved(&reference)?.to_string())),
            _ => Event::Eof,
        })
    }

    /// Visits the children of the element just started, and reads its end. Whatever the visitor
    /// leaves unread of a child is skipped.
    pub fn children<E: From<Error>>(
        &mut self,
        mut visit: impl FnMut(&mut Self, &Element<'a>) -> Result<(), E>,
    ) -> Result<(), E> {
        let depth = self.depth;
        loop {
            // The text between children is not even looked at.
            match self.advance()? {
                Raw::Start(start) => {
                    let element = self.element(start)?;
                    visit(self, &element)?;
                    self.skip_to(depth)?;
                }
                Raw::End(_) if self.depth < depth => return Ok(()),
                Raw::Eof => return Err(self.fault(Kind::Truncated).into()),
                _ => {}
            }
        }
    }

    /// The text of the element just started, without that of its children; reads its end.
    pub fn text(&mut self) -> Result<String, Error> {
        let depth = self.depth;
        let mut whole = String::new();
        while self.depth >= depth {
            match self.next_event()? {
                Event::Text(piece) if self.depth == depth => {
                    if whole.len() + piece.len() > self.limits.text_bytes {
                        return Err(self.fault(Kind::Text));
                    }
                    whole.push_str(&piece);
                }
                Event::Eof => return Err(self.fault(Kind::Truncated)),
                Event::Start(_) | Event::End | Event::Text(_) => {}
            }
        }
        Ok(whole)
    }

    /// The element just started as it is written, from its `<` to the end of its end tag, which is read. What is
    /// in it is as well-formed and bounded as everywhere else.
    pub fn verbatim(&mut self, element: &Element<'a>) -> Result<&'a str, Error> {
        self.skip_to(self.depth.saturating_sub(1))?;
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        let written = self.bytes.get(place(element.from)..place(self.position()));
        let written = written.and_then(|written| std::str::from_utf8(written).ok());
        written.filter(|written| written.starts_with('<')).ok_or_else(|| self.fault(Kind::Encoding))
    }

    /// Reads on until no more than `depth` elements are open.
    pub fn skip_to(&mut self, depth: usize) -> Result<(), Error> {
        while self.depth > depth {
            self.advance()?;
        }
        Ok(())
    }

    fn element(&self, start: BytesStart<'a>) -> Result<Element<'a>, Error> {
        let prefix = start.name().0.split_once(':').map_or("", |(prefix, _)| prefix);
        let namespace = self.scope.resolve(prefix).ok_or_else(|| self.fault(Kind::Namespace))?;
        Ok(Element { namespace, start, from: self.from, at: self.position(), limits: self.limits })
    }

    fn advance(&mut self) -> Result<Raw<'a>, Error> {
        loop {
            self.from = self.position();
            let event = self.inner.read_event().map_err(|error| self.fault(of_quick_xml(&error)))?;
            let first = self.stage == Stage::Start;
            if first {
                self.stage = Stage::Prolog;
            }
            if self.position() > self.limits.bytes {
                return Err(self.fault(Kind::Size));
            }
            match &event {
                Raw::Start(start) => self.open(start)?,
                Raw::End(_) => self.close(),
                Raw::Text(text) if self.stage != Stage::Root => {
                    if !text.chars().all(char::is_whitespace) {
                        return Err(self.fault(Kind::Syntax));
                    }
                    continue;
                }
                Raw::Text(text) => self.bounded(text.len())?,
                Raw::CData(_) | Raw::GeneralRef(_) if self.stage != Stage::Root => return Err(self.fault(Kind::Syntax)),
                Raw::CData(text) => self.bounded(text.len())?,
                Raw::GeneralRef(reference) => self.resolved(reference).map(drop)?,
                Raw::Decl(declaration) => {
                    self.declared(declaration, first)?;
                    continue;
                }
                Raw::DocType(_) => return Err(self.fault(Kind::Doctype)),
                Raw::Comment(_) | Raw::PI(_) => continue,
                Raw::Eof if self.stage != Stage::Epilog => return Err(self.fault(Kind::Truncated)),
                Raw::Empty(_) | Raw::Eof => {}
            }
            return Ok(event);
        }
    }

    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), Error> {
        if self.stage == Stage::Epilog {
            return Err(self.fault(Kind::Syntax));
        }
        self.stage = Stage::Root;
        self.depth += 1;
        if self.depth > self.limits.depth {
            return Err(self.fault(Kind::Depth));
        }
        let name = start.name().0;
        if name.len() > self.limits.name_bytes {
            return Err(self.fault(Kind::Name));
        }
        if !is_name(name) {
            return Err(self.fault(Kind::Syntax));
        }
        let raw = start.attributes_raw();
        if raw.len() > self.limits.tag_bytes {
            return Err(self.fault(Kind::Attributes));
        }
        // Most elements declare nothing: their attributes are not even looked at here.
        if mentions_xmlns(raw) { self.declare(start) } else { Ok(()) }
    }

    fn declare(&mut self, start: &BytesStart<'_>) -> Result<(), Error> {
        for (index, attribute) in start.attributes().enumerate() {
            if index >= self.limits.attributes {
                return Err(self.fault(Kind::Attributes));
            }
            let attribute = attribute.map_err(|error| self.fault(of_attribute(&error)))?;
            let name = attribute.key.0;
            if !is_declaration(name) {
                continue;
            }
            let uri = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|error| self.fault(of_quick_xml(&error)))?;
            let prefix = name.strip_prefix("xmlns:").unwrap_or_default();
            if matches!(prefix, "xml" | "xmlns") || (uri.is_empty() && !prefix.is_empty()) {
                return Err(self.fault(Kind::Namespace));
            }
            self.scope.declare(self.depth, prefix, &uri);
        }
        Ok(())
    }

    fn close(&mut self) {
        // quick-xml has matched the names: there is an open element.
        self.depth = self.depth.saturating_sub(1);
        self.scope.leave(self.depth);
        if self.depth == 0 {
            self.stage = Stage::Epilog;
        }
    }

    fn declared(&self, declaration: &BytesDecl<'_>, first: bool) -> Result<(), Error> {
        if !first {
            return Err(self.fault(Kind::Syntax));
        }
        if declaration.version().map_err(|error| self.fault(of_quick_xml(&error)))? != "1.0" {
            return Err(self.fault(Kind::Version));
        }
        match declaration.encoding() {
            None => Ok(()),
            Some(Ok(name)) if name.eq_ignore_ascii_case("utf-8") || name.eq_ignore_ascii_case("us-ascii") => Ok(()),
            Some(_) => Err(self.fault(Kind::Encoding)),
        }
    }

    fn bounded(&self, bytes: usize) -> Result<(), Error> {
        if bytes > self.limits.text_bytes { Err(self.fault(Kind::Text)) } else { Ok(()) }
    }

    fn admitted(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Error> {
        if text.bytes().any(|byte| byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r')) {
            return Err(self.fault(Kind::Character));
        }
        Ok(text)
    }

    /// The character that a reference stands for.
    fn resolved(&self, reference: &BytesRef<'_>) -> Result<char, Error> {
        let character = match &**reference {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            "apos" => Some('\''),
            "quot" => Some('"'),
            _ => reference.resolve_char_ref().ok().flatten().filter(|character| !is_forbidden(*character)),
        };
        character.ok_or_else(|| self.fault(Kind::Entity))
    }

    const fn fault(&self, kind: Kind) -> Error {
        Error { at: self.inner.buffer_position(), kind }
    }
}

/// Characters outside the production Char of XML 1.0.
fn is_forbidden(character: char) -> bool {
    matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// `contains("xmlns")`, without the set-up of a general search: this runs once per element.
fn mentions_xmlns(raw: &str) -> bool {
    raw.as_bytes().split(|byte| *byte == b'x').skip(1).any(|rest| rest.starts_with(b"mlns"))
}

fn is_declaration(name: &str) -> bool {
    name == "xmlns" || name.starts_with("xmlns:")
}

/// A name with at most one prefix. Characters beyond ASCII are taken as letters.
fn is_name(name: &str) -> bool {
    let (prefix, local) = name.split_once(':').unwrap_or(("x", name));
    [prefix, local].iter().all(|part| {
        let mut bytes = part.bytes();
        bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80)
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.') || byte >= 0x80)
    })
}

fn of_attribute(error: &AttrError) -> Kind {
    match error {
        AttrError::Duplicated(..) => Kind::DuplicateAttribute,
        _ => Kind::Syntax,
    }
}

fn of_quick_xml(error: &quick_xml::Error) -> Kind {
    match error {
        quick_xml::Error::Syntax(SyntaxError::InvalidBangMarkup) => Kind::Syntax,
        quick_xml::Error::Syntax(_) | quick_xml::Error::IllFormed(IllFormedError::MissingEndTag(_)) => Kind::Truncated,
        quick_xml::Error::IllFormed(IllFormedError::UnknownVersion) => Kind::Version,
        quick_xml::Error::InvalidAttr(error) => of_attribute(error),
        // A character cut in two by the end of the bytes is a document cut in two.
        quick_xml::Error::Encoding(EncodingError::Utf8(error)) if error.error_len().is_none() => Kind::Truncated,
        quick_xml::Error::Encoding(_) => Kind::Encoding,
        quick_xml::Error::Escape(_) => Kind::Entity,
        quick_xml::Error::Namespace(_) => Kind::Namespace,
        quick_xml::Error::IllFormed(_) | quick_xml::Error::Io(_) => Kind::Syntax,
    }
}

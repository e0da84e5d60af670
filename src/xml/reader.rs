//! The pull reader: resolved, bounded, with nothing to expand and nothing to fetch (house rules §9).

use std::borrow::Cow;

use quick_xml::encoding::EncodingError;
use quick_xml::errors::{IllFormedError, SyntaxError};
use quick_xml::events::{BytesDecl, BytesEnd, BytesRef, BytesStart, Event as Raw};

use super::attribute::{Attribute, Attributes, Bounds, is_forbidden, is_name};
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
    /// Where the local name begins in the name.
    local: usize,
    /// Where its `<` stands.
    from: u64,
    at: u64,
    bounds: Bounds,
}

impl Element<'_> {
    /// The local name.
    pub fn name(&self) -> &str {
        self.qualified_name().get(self.local..).unwrap_or_default()
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
        let mut attributes = Attributes::new(self.start.attributes_raw(), self.bounds);
        attributes.any(|attribute| attribute.is_ok_and(|attribute| attribute.declares() == Some("")))
    }

    /// Whether it is the element `name` of `namespace`.
    pub fn is(&self, namespace: Namespace, name: &str) -> bool {
        self.namespace == namespace && self.name() == name
    }

    /// All attributes but namespace declarations, in document order. A fault ends the iteration.
    pub fn attributes(&self) -> impl Iterator<Item = Result<Attribute<'_>, Error>> {
        Attributes::new(self.start.attributes_raw(), self.bounds)
            .filter(|attribute| attribute.as_ref().map_or(true, |attribute| attribute.declares().is_none()))
            .map(|attribute| attribute.map_err(|kind| self.fault(kind)))
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
    /// The element just started is empty: its end is yet to be handed out.
    is_empty: bool,
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
        let inner = quick_xml::Reader::from_reader(bytes);
        Self { inner, bytes, from: 0, limits, scope: Scope::default(), depth: 0, stage: Stage::Start, is_empty: false }
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
            Raw::Start(start) | Raw::Empty(start) => Event::Start(self.element(start)?),
            Raw::End(_) => Event::End,
            Raw::Text(text) => Event::Text(self.admitted(text.xml10_content())?),
            Raw::CData(text) => Event::Text(self.admitted(text.xml10_content())?),
            Raw::GeneralRef(reference) => Event::Text(Cow::Owned(self.resolved(&reference)?.to_string())),
            _ => Event::Eof,
        })
    }

    /// Whether nothing stands in the element just started, which is ended then: `<a/>`.
    pub fn ends_at_once(&mut self) -> bool {
        let is_empty = std::mem::take(&mut self.is_empty);
        if is_empty {
            self.close();
        }
        is_empty
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
                Raw::Start(start) | Raw::Empty(start) => {
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
        let name = start.name().0;
        let colon = name.bytes().position(|byte| byte == b':');
        let (prefix, local) = colon.map_or(("", 0), |colon| (name.get(..colon).unwrap_or_default(), colon + 1));
        let namespace = self.scope.resolve(prefix).ok_or_else(|| self.fault(Kind::Namespace))?;
        Ok(Element { namespace, start, local, from: self.from, at: self.position(), bounds: Bounds::of(self.limits) })
    }

    fn advance(&mut self) -> Result<Raw<'a>, Error> {
        if self.ends_at_once() {
            return Ok(Raw::End(BytesEnd::new("")));
        }
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
                Raw::Empty(start) => {
                    self.open(start)?;
                    self.is_empty = true;
                }
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
                Raw::Eof => {}
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
        for attribute in Attributes::new(start.attributes_raw(), Bounds::of(self.limits)) {
            let attribute = attribute.map_err(|kind| self.fault(kind))?;
            let Some(prefix) = attribute.declares() else { continue };
            if matches!(prefix, "xml" | "xmlns") || (attribute.value.is_empty() && !prefix.is_empty()) {
                return Err(self.fault(Kind::Namespace));
            }
            self.scope.declare(self.depth, prefix, &attribute.value);
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

/// `contains("xmlns")`, without the set-up of a general search: this runs once per element.
fn mentions_xmlns(raw: &str) -> bool {
    // The first look has no early end: many bytes in one instruction, and most tags have no `x` at all.
    raw.bytes().fold(0_u8, |any, byte| any | u8::from(byte == b'x')) != 0
        && raw.as_bytes().split(|byte| *byte == b'x').skip(1).any(|rest| rest.starts_with(b"mlns"))
}

fn of_quick_xml(error: &quick_xml::Error) -> Kind {
    match error {
        quick_xml::Error::Syntax(SyntaxError::InvalidBangMarkup) => Kind::Syntax,
        quick_xml::Error::Syntax(_) | quick_xml::Error::IllFormed(IllFormedError::MissingEndTag(_)) => Kind::Truncated,
        quick_xml::Error::IllFormed(IllFormedError::UnknownVersion) => Kind::Version,
        // A character cut in two by the end of the bytes is a document cut in two.
        quick_xml::Error::Encoding(EncodingError::Utf8(error)) if error.error_len().is_none() => Kind::Truncated,
        quick_xml::Error::Encoding(_) => Kind::Encoding,
        quick_xml::Error::Escape(_) => Kind::Entity,
        quick_xml::Error::Namespace(_) => Kind::Namespace,
        quick_xml::Error::IllFormed(_) | quick_xml::Error::InvalidAttr(_) | quick_xml::Error::Io(_) => Kind::Syntax,
    }
}

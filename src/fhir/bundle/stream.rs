//! A body read in chunks, its documents cut out on the way (MHD ITI-65, ITI-105; RFC 8259, XML 1.0;
//! contract §8 "malformed JSON", "too large").
//!
//! The JSON goes through to a buffer of bounded size, but the string `entry[n].resource.data` (for
//! the other shapes see [`Shape`]) is decoded to a [`Sink`] and `"#data:n"` stands in its place.
//! Which resource it is may be said later in the object, so the string is cut whatever the type: only
//! `Binary` has an element of that name there. As every such string is cut, a marker in that place is
//! ours; anywhere else it is mere text.
//! On the way to a document the order of tokens is checked, elsewhere the nesting only: that goes to
//! the buffer byte for byte, and the codec that reads it judges it.
//! XML goes the same way, the attribute `value` of the element `data` being the string, and is JSON at the end.

use std::fmt;

use super::base64::{DataDecoder, Quoting};
use super::markup::Markup;
use super::skeleton::{Skeleton, malformed};
use crate::error::{Code, Error};
use crate::fhir::codec::{Syntax, json, xml};
use crate::ids::ElementPath;

/// Where the documents of a body are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `Bundle.entry[n].resource.data` (ITI-65).
    Bundle,
    /// `DocumentReference.content[n].attachment.data` (ITI-105).
    DocumentReference,
    /// `Parameters.parameter[n].resource.data` (ITI-106), or `data` of the body itself, a `Binary`.
    Parameters,
    /// `Communication.payload[n].contentAttachment.data` (messages).
    Communication,
}

impl Shape {
    /// The type, the list, and the member of an item that holds `data`.
    pub(super) const fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Bundle => ("Bundle", "entry", "resource"),
            Self::DocumentReference => ("DocumentReference", "content", "attachment"),
            Self::Parameters => ("Parameters", "parameter", "resource"),
            Self::Communication => ("Communication", "payload", "contentAttachment"),
        }
    }

    /// The path of document `n`.
    pub fn path(self, n: usize) -> ElementPath {
        let (root, list, member) = self.names();
        ElementPath::root(root).child(list).index(n).child(member).child("data")
    }
}

/// Receives the documents of a body, one after the other.
pub trait Sink {
    /// The document of item `n` of the list (of `entry[n]` in a bundle) begins.
    fn begin(&mut self, n: usize) -> Result<(), Error>;
    /// The next bytes of the document, decoded.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error>;
    /// The document is complete.
    fn end(&mut self) -> Result<(), Error>;
}

/// How much a body may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimits {
    /// Bytes of the body without the documents; beyond them the answer is 413.
    pub rest: usize,
    /// Documents in one body, each of which costs its sink something; beyond them the answer is 413.
    pub documents: usize,
    /// Items of the list that documents stand in (entries of a bundle); beyond them the answer is 413.
    pub items: usize,
}

impl Default for BodyLimits {
    /// 4 MiB, 1 000 documents, 4 000 items.
    fn default() -> Self {
        Self { rest: 4 * 1024 * 1024, documents: 1_000, items: 4_000 }
    }
}

/// What stands in the buffer for the document of item `n`, without its quotes.
pub fn marker(n: usize) -> String {
    format!("#data:{n}")
}

/// The item that a marker names. To be asked of the string at [`Shape::path`] only.
pub fn marked_item(text: &str) -> Option<usize> {
    let n = text.strip_prefix("#data:")?.parse().ok()?;
    (marker(n) == text).then_some(n)
}

/// The reader of one body.
pub struct BodyStream<S> {
    sink: S,
    limits: BodyLimits,
    skeleton: Way,
    data: DataDecoder,
    /// The body without its documents.
    rest: Vec<u8>,
    documents: usize,
    state: State,
}

/// The way to the documents of a body.
enum Way {
    Json(Skeleton),
    Xml(Markup),
}

impl Way {
    fn pass<'a>(&mut self, bytes: &'a [u8]) -> Result<Option<&'a [u8]>, Error> {
        match self {
            Self::Json(skeleton) => skeleton.pass(bytes),
            Self::Xml(markup) => markup.pass(bytes),
        }
    }

    const fn document_ended(&mut self) {
        match self {
            Self::Json(skeleton) => skeleton.document_ended(),
            Self::Xml(markup) => markup.document_ended(),
        }
    }

    const fn quoting(&self) -> Quoting {
        match self {
            Self::Json(_) => Quoting::Json,
            Self::Xml(markup) => Quoting::Xml(markup.quote()),
        }
    }

    const fn item(&self) -> usize {
        match self {
            Self::Json(skeleton) => skeleton.item(),
            Self::Xml(markup) => markup.item(),
        }
    }

    const fn items(&self) -> usize {
        match self {
            Self::Json(skeleton) => skeleton.items(),
            Self::Xml(markup) => markup.items(),
        }
    }

    fn is_complete(&self) -> bool {
        match self {
            Self::Json(skeleton) => skeleton.is_complete(),
            // The codec tells where it ends too early.
            Self::Xml(_) => true,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between documents.
    Between,
    /// In a document.
    Data,
    /// An error was reported.
    Failed,
}

impl<S: Sink> BodyStream<S> {
    /// A reader of a JSON body of the given shape whose documents go to `sink`.
    pub fn new(shape: Shape, sink: S, limits: BodyLimits) -> Self {
        Self::of(Syntax::Json, shape, sink, limits)
    }

    /// The same of a body in either syntax.
    pub fn of(syntax: Syntax, shape: Shape, sink: S, limits: BodyLimits) -> Self {
        let skeleton = match syntax {
            Syntax::Json => Way::Json(Skeleton::new(shape)),
            Syntax::Xml => Way::Xml(Markup::new(shape)),
        };
        let data = DataDecoder::new(shape);
        Self { sink, limits, skeleton, data, rest: Vec::new(), documents: 0, state: State::Between }
    }

    /// The sink, to spill what it holds between two chunks.
    pub const fn sink_mut(&mut self) -> &mut S {
        &mut self.sink
    }

    /// Takes the next chunk of the body, cut anywhere. [`Code::Structure`] for malformed JSON or a
    /// repeated key on the path of a document, [`Code::Document`] for what is not base64,
    /// [`Code::TooLarge`] beyond the limits, and whatever the sink refuses; after an error nothing
    /// more is taken.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<(), Error> {
        let result = self.consume(chunk);
        if result.is_err() {
            self.state = State::Failed;
        }
        result
    }

    /// The JSON with markers in place of its documents, and the sink. A body that is not complete
    /// is a [`Code::Structure`]; XML is read here, and refused as [`xml::read`] does.
    pub fn finish(self) -> Result<(Vec<u8>, S), Error> {
        if self.state != State::Between || !self.skeleton.is_complete() {
            return Err(malformed("incomplete"));
        }
        let json = match self.skeleton {
            Way::Json(_) => self.rest,
            Way::Xml(_) => json::bytes(&xml::read(&self.rest)?),
        };
        Ok((json, self.sink))
    }

    fn consume(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            match self.state {
                State::Between => {
                    let passed = self.skeleton.pass(bytes)?;
                    if self.skeleton.items() > self.limits.items {
                        return Err(Code::TooLarge.into());
                    }
                    let Some(rest) = passed else { return self.copy(bytes) };
                    // The string's opening quote is the last byte passed; the marker brings its own.
                    let json = bytes.len().saturating_sub(rest.len()).saturating_sub(1);
                    self.copy(bytes.get(..json).unwrap_or_default())?;
                    self.begin_document()?;
                    bytes = rest;
                }
                State::Data => {
                    let Some(rest) = self.data.feed(bytes, &mut self.sink)? else { return Ok(()) };
                    self.skeleton.document_ended();
                    self.state = State::Between;
                    bytes = rest;
                }
                State::Failed => return Err(malformed("after an error")),
            }
        }
        Ok(())
    }

    /// Copies bytes through to the buffer.
    fn copy(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.rest.len().saturating_add(bytes.len()) > self.limits.rest {
            return Err(Code::TooLarge.into());
        }
        self.rest.extend_from_slice(bytes);
        Ok(())
    }

    fn begin_document(&mut self) -> Result<(), Error> {
        self.documents = self.documents.saturating_add(1);
        if self.documents > self.limits.documents {
            return Err(Code::TooLarge.into());
        }
        let n = self.skeleton.item();
        self.copy(format!("\"{}\"", marker(n)).as_bytes())?;
        self.data.begin(n, self.skeleton.quoting());
        self.state = State::Data;
        self.sink.begin(n)
    }
}

/// Shows how far the reader is, never what it read.
impl<S> fmt::Debug for BodyStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyStream")
            .field("state", &self.state)
            .field("documents", &self.documents)
            .finish_non_exhaustive()
    }
}

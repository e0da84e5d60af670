//! The JSON of a body read in chunks, its documents cut out on the way (MHD ITI-65, ITI-105;
//! RFC 8259; contract §8 "malformed JSON", "too large").
//!
//! The JSON goes through to a buffer of bounded size, but the string `entry[n].resource.data` (for
//! the other shapes see [`Shape`]) is decoded to a [`Sink`] and `"#data:n"` stands in its place.
//! Which resource it is may be said later in the object, so the string is cut whatever the type: only
//! `Binary` has an element of that name there. As every such string is cut, a marker in that place is
//! ours; anywhere else it is mere text.
//! Only the skeleton of the JSON is checked here (nesting, order of tokens, the keys on that path);
//! the rest is left to the codec, which reads the buffer.

use std::fmt;

use super::base64::DataDecoder;
use crate::error::{Code, Error, Issue};
use crate::ids::ElementPath;

/// Deepest nesting of arrays and objects.
const DEPTH: usize = 128;

/// Where the documents of a body are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `Bundle.entry[n].resource.data` (ITI-65).
    Bundle,
    /// `DocumentReference.content[n].attachment.data` (ITI-105).
    DocumentReference,
    /// `Communication.payload[n].contentAttachment.data` (messages).
    Communication,
}

impl Shape {
    /// The type, the list, and the member of an item that holds `data`.
    const fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Bundle => ("Bundle", "entry", "resource"),
            Self::DocumentReference => ("DocumentReference", "content", "attachment"),
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
    /// Bytes of JSON without the documents; beyond them the answer is 413.
    pub rest: usize,
    /// Documents in one body, each of which costs its sink something; beyond them the answer is 413.
    pub documents: usize,
}

impl Default for BodyLimits {
    /// 4 MiB, 256 documents.
    fn default() -> Self {
        Self { rest: 4 * 1024 * 1024, documents: 256 }
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
    shape: Shape,
    sink: S,
    limits: BodyLimits,
    json: Vec<u8>,
    frames: Vec<Frame>,
    state: State,
    /// What the value about to begin is.
    value: Place,
    /// Items of the list begun.
    items: usize,
    documents: usize,
    data: DataDecoder,
}

/// An array or object that is open.
#[derive(Debug, Clone, Copy)]
struct Frame {
    is_array: bool,
    place: Place,
    /// The one key that matters here was met.
    seen: bool,
}

/// Where in the body something is: on the way to a document, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    List,
    Item,
    Member,
    Data,
    Elsewhere,
}

impl Place {
    /// The key that matters in an object at this place, and where its value is.
    const fn key(self, shape: Shape) -> Option<(&'static str, Self)> {
        let (_, list, member) = shape.names();
        match self {
            Self::Root => Some((list, Self::List)),
            Self::Item => Some((member, Self::Member)),
            Self::Member => Some(("data", Self::Data)),
            Self::List | Self::Data | Self::Elsewhere => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A value must come.
    Value,
    /// After `[`: a value or the end.
    FirstItem,
    /// After `{`: a key or the end.
    FirstKey,
    /// A key must come.
    Key,
    /// In a key that began at this place in the buffer.
    KeyText { from: usize, escaped: bool },
    /// A colon must come.
    Colon,
    /// In a string.
    Text { escaped: bool },
    /// In a number or a word.
    Literal,
    /// In a document.
    Data,
    /// After a value in an array or object.
    After,
    /// After the body's value.
    Done,
    /// An error was reported.
    Failed,
}

impl<S: Sink> BodyStream<S> {
    /// A reader of a body of the given shape whose documents go to `sink`.
    pub fn new(shape: Shape, sink: S, limits: BodyLimits) -> Self {
        Self {
            shape,
            sink,
            limits,
            json: Vec::new(),
            frames: Vec::new(),
            state: State::Value,
            value: Place::Root,
            items: 0,
            documents: 0,
            data: DataDecoder::new(shape),
        }
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
    /// is a [`Code::Structure`].
    pub fn finish(self) -> Result<(Vec<u8>, S), Error> {
        if self.state == State::Done { Ok((self.json, self.sink)) } else { Err(malformed("incomplete")) }
    }

    fn consume(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            bytes = match self.state {
                State::Text { escaped } => self.text(bytes, escaped)?,
                State::KeyText { from, escaped } => self.key_text(bytes, from, escaped)?,
                State::Literal => self.literal(bytes)?,
                State::Data => match self.data.feed(bytes, &mut self.sink)? {
                    Some(rest) => {
                        self.state = State::After;
                        rest
                    }
                    None => &[],
                },
                State::Failed => return Err(malformed("after an error")),
                _ => self.token(bytes)?,
            };
        }
        Ok(())
    }

    /// Copies bytes through to the buffer.
    fn copy(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.json.len().saturating_add(bytes.len()) > self.limits.rest {
            return Err(Code::TooLarge.into());
        }
        self.json.extend_from_slice(bytes);
        Ok(())
    }

    fn text<'a>(&mut self, bytes: &'a [u8], escaped: bool) -> Result<&'a [u8], Error> {
        let (closed, escaped, rest) = self.string(bytes, escaped)?;
        self.state = if closed { State::After } else { State::Text { escaped } };
        Ok(rest)
    }

    fn key_text<'a>(&mut self, bytes: &'a [u8], from: usize, escaped: bool) -> Result<&'a [u8], Error> {
        let (closed, escaped, rest) = self.string(bytes, escaped)?;
        if closed {
            self.value = self.place_of_key(from)?;
            self.state = State::Colon;
        } else {
            self.state = State::KeyText { from, escaped };
        }
        Ok(rest)
    }

    /// Copies a string up to its closing quote or an escape: whether it closed, whether the next
    /// byte is escaped, and what follows.
    fn string<'a>(&mut self, bytes: &'a [u8], escaped: bool) -> Result<(bool, bool, &'a [u8]), Error> {
        let plain = if escaped { bytes } else { plain_run(bytes, |byte| byte == b'"' || byte == b'\\').1 };
        let length = bytes.len().saturating_sub(plain.len()).saturating_add(1).min(bytes.len());
        let (taken, rest) = bytes.split_at_checked(length).unwrap_or((bytes, &[]));
        self.copy(taken)?;
        let last = if escaped { None } else { plain.first() };
        Ok((last == Some(&b'"'), last == Some(&b'\\'), rest))
    }

    /// What the value of the key that begins at `from` of the buffer is.
    fn place_of_key(&mut self, from: usize) -> Result<Place, Error> {
        let Some(frame) = self.frames.last_mut() else { return Ok(Place::Elsewhere) };
        let Some((wanted, place)) = frame.place.key(self.shape) else { return Ok(Place::Elsewhere) };
        let quoted = self.json.get(from..).unwrap_or_default();
        let raw = quoted.strip_prefix(b"\"").and_then(|key| key.strip_suffix(b"\"")).unwrap_or_default();
        let matches = if raw.contains(&b'\\') {
            let key: String = serde_json::from_slice(quoted).map_err(|_escape| malformed("key"))?;
            key == wanted
        } else {
            raw == wanted.as_bytes()
        };
        if !matches {
            return Ok(Place::Elsewhere);
        }
        if frame.seen {
            return Err(malformed("repeated key"));
        }
        frame.seen = true;
        Ok(place)
    }

    fn literal<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Error> {
        let end = |byte: u8| !(byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
        let (run, rest) = short_run(bytes, end);
        self.copy(run)?;
        if !rest.is_empty() {
            self.state = State::After;
        }
        Ok(rest)
    }

    /// Takes white space and the one token after it, or the beginning of a longer one.
    fn token<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Error> {
        let (space, rest) = short_run(bytes, |byte| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t'));
        self.copy(space)?;
        let Some((&byte, after)) = rest.split_first() else { return Ok(&[]) };
        let in_array = self.frames.last().is_some_and(|frame| frame.is_array);
        match (self.state, byte) {
            (State::Value | State::FirstItem, _) if byte != b']' => return self.begin_value(rest),
            (State::FirstKey | State::Key, b'"') => {
                self.state = State::KeyText { from: self.json.len(), escaped: false };
            }
            (State::Colon, b':') => self.state = State::Value,
            (State::After, b',') if in_array => self.state = State::Value,
            (State::After, b',') => self.state = State::Key,
            (State::FirstItem, b']') => self.close(),
            (State::After, b']') if in_array => self.close(),
            (State::FirstKey, b'}') => self.close(),
            (State::After, b'}') if !in_array => self.close(),
            _ => return Err(malformed("unexpected character")),
        }
        self.copy(&[byte])?;
        Ok(after)
    }

    fn begin_value<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Error> {
        let Some((&byte, after)) = bytes.split_first() else { return Ok(&[]) };
        let place = self.place_of_value();
        if place == Place::Root && byte != b'{' {
            return Err(malformed("not an object"));
        }
        match byte {
            b'{' => self.open(false, place)?,
            b'[' => self.open(true, place)?,
            b'"' if place == Place::Data => return self.begin_data().map(|()| after),
            b'"' => self.state = State::Text { escaped: false },
            b'-' | b'0'..=b'9' | b'a'..=b'z' => {
                self.state = State::Literal;
                return Ok(bytes);
            }
            _ => return Err(malformed("unexpected character")),
        }
        self.copy(&[byte])?;
        Ok(after)
    }

    /// Where the value about to begin is; counts the items of the list.
    fn place_of_value(&mut self) -> Place {
        match self.frames.last() {
            Some(frame) if frame.is_array && frame.place == Place::List => {
                self.items = self.items.saturating_add(1);
                Place::Item
            }
            Some(frame) if frame.is_array => Place::Elsewhere,
            _ => self.value,
        }
    }

    fn open(&mut self, is_array: bool, place: Place) -> Result<(), Error> {
        if self.frames.len() >= DEPTH {
            return Err(malformed("depth"));
        }
        let place = if is_array == (place == Place::List) { place } else { Place::Elsewhere };
        self.frames.push(Frame { is_array, place, seen: false });
        self.state = if is_array { State::FirstItem } else { State::FirstKey };
        Ok(())
    }

    fn close(&mut self) {
        self.frames.pop();
        self.state = if self.frames.is_empty() { State::Done } else { State::After };
    }

    fn begin_data(&mut self) -> Result<(), Error> {
        self.documents = self.documents.saturating_add(1);
        if self.documents > self.limits.documents {
            return Err(Code::TooLarge.into());
        }
        let n = self.items.saturating_sub(1);
        self.copy(format!("\"{}\"", marker(n)).as_bytes())?;
        self.data.begin(n);
        self.state = State::Data;
        self.sink.begin(n)
    }
}

/// Shows how far the reader is, never what it read.
impl<S> fmt::Debug for BodyStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyStream").field("state", &self.state).field("items", &self.items).finish_non_exhaustive()
    }
}

/// The bytes before the first special one, and the rest. Sixty-four at a time, so that the compiler
/// compares them in vectors.
pub(super) fn plain_run(bytes: &[u8], is_special: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let clean = |block: &&[u8]| !block.iter().fold(false, |any, byte| any | is_special(*byte));
    let skipped = bytes.chunks_exact(64).take_while(clean).count().saturating_mul(64);
    let tail = bytes.get(skipped..).unwrap_or_default();
    let more = short_run(tail, is_special).0.len();
    bytes.split_at_checked(skipped.saturating_add(more)).unwrap_or((bytes, &[]))
}

/// The same for runs that are short as a rule.
fn short_run(bytes: &[u8], is_special: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let length = bytes.iter().position(|byte| is_special(*byte)).unwrap_or(bytes.len());
    bytes.split_at_checked(length).unwrap_or((bytes, &[]))
}

fn malformed(why: &'static str) -> Error {
    Issue::new(Code::Structure).detail(why).into()
}

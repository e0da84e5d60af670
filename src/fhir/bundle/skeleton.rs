//! The skeleton of a JSON body, followed byte by byte to where its documents begin (RFC 8259 §2;
//! contract §8 "malformed JSON": nesting to 128 levels).

use super::stream::Shape;
use crate::error::{Code, Error, Issue};

/// Deepest nesting of arrays and objects.
const DEPTH: usize = 128;
/// Most bytes of a key that are looked at: the longest that matters, all in escapes, is shorter.
const KEY: usize = 128;
/// Bytes scanned at once in search of the end of a string.
const BLOCK: usize = 32;

/// Where in a body the reader is. It holds no bytes but those of a key that may matter.
pub(super) struct Skeleton {
    shape: Shape,
    frames: Vec<Frame>,
    state: State,
    /// What the value about to begin is.
    value: Place,
    /// The key being read, with its opening quote, if it may matter.
    key: Vec<u8>,
    skip: Skip,
    /// Items of the list begun.
    items: usize,
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
    /// Whether a key matters in an object at this place.
    const fn has_key(self) -> bool {
        matches!(self, Self::Root | Self::Item | Self::Member)
    }

    /// Where the value of a key is, if the key matters in an object at this place.
    fn under(self, shape: Shape, key: &str) -> Option<Self> {
        let (_, list, member) = shape.names();
        match self {
            Self::Root if key == list => Some(Self::List),
            Self::Root if key == "data" && shape == Shape::Parameters => Some(Self::Data),
            Self::Item if key == member => Some(Self::Member),
            Self::Member if key == "data" => Some(Self::Data),
            _ => None,
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
    /// In a key.
    KeyText { escaped: bool },
    /// A colon must come.
    Colon,
    /// In a string.
    Text { escaped: bool },
    /// In a number or a word.
    Literal,
    /// In an array or object where no document can be.
    Skip,
    /// In a document, which somebody else reads.
    Document,
    /// After a value in an array or object.
    After,
    /// After the body's value.
    Done,
}

impl Skeleton {
    /// The beginning of a body.
    pub(super) fn new(shape: Shape) -> Self {
        Self {
            shape,
            frames: Vec::new(),
            state: State::Value,
            value: Place::Root,
            key: Vec::new(),
            skip: Skip::default(),
            items: 0,
        }
    }

    /// Passes over the next bytes. Where the string of a document begins among them: what follows its
    /// opening quote, which is to be read elsewhere and ended by [`Skeleton::document_ended`].
    pub(super) fn pass<'a>(&mut self, mut bytes: &'a [u8]) -> Result<Option<&'a [u8]>, Error> {
        while !bytes.is_empty() {
            bytes = match self.state {
                State::Text { escaped } => self.text(bytes, escaped),
                State::KeyText { escaped } => self.key_text(bytes, escaped)?,
                State::Literal => self.literal(bytes),
                State::Skip => self.skip(bytes)?,
                State::Document => return Ok(Some(bytes)),
                _ => self.token(bytes)?,
            };
        }
        Ok((self.state == State::Document).then_some(bytes))
    }

    /// The closing quote of a document was read.
    pub(super) const fn document_ended(&mut self) {
        self.state = State::After;
    }

    /// The number of the list's item that is being read.
    pub(super) const fn item(&self) -> usize {
        self.items.saturating_sub(1)
    }

    /// How many items of the list have begun.
    pub(super) const fn items(&self) -> usize {
        self.items
    }

    /// Whether the body has come to its end.
    pub(super) fn is_complete(&self) -> bool {
        self.state == State::Done
    }

    fn text<'a>(&mut self, bytes: &'a [u8], escaped: bool) -> &'a [u8] {
        let (_, last, rest) = string(bytes, escaped);
        self.state = match last {
            Some(b'"') => State::After,
            last => State::Text { escaped: last == Some(b'\\') },
        };
        rest
    }

    fn key_text<'a>(&mut self, bytes: &'a [u8], escaped: bool) -> Result<&'a [u8], Error> {
        let (taken, last, rest) = string(bytes, escaped);
        // A key that fills this is longer than those that matter.
        let room = KEY.saturating_sub(self.key.len()).min(taken.len());
        self.key.extend_from_slice(taken.get(..room).unwrap_or_default());
        if last == Some(b'"') {
            self.value = self.place_of_key()?;
            self.state = State::Colon;
        } else {
            self.state = State::KeyText { escaped: last == Some(b'\\') };
        }
        Ok(rest)
    }

    /// What the value of the key just read is.
    fn place_of_key(&mut self) -> Result<Place, Error> {
        if self.key.len() >= KEY {
            return Ok(Place::Elsewhere);
        }
        let Some(frame) = self.frames.last_mut() else { return Ok(Place::Elsewhere) };
        if !frame.place.has_key() {
            return Ok(Place::Elsewhere);
        }
        let raw = self.key.strip_prefix(b"\"").and_then(|key| key.strip_suffix(b"\"")).unwrap_or_default();
        let place = if raw.contains(&b'\\') {
            let key: String = serde_json::from_slice(&self.key).map_err(|_escape| malformed("key"))?;
            frame.place.under(self.shape, &key)
        } else {
            std::str::from_utf8(raw).ok().and_then(|key| frame.place.under(self.shape, key))
        };
        let Some(place) = place else { return Ok(Place::Elsewhere) };
        if frame.seen {
            return Err(malformed("repeated key"));
        }
        frame.seen = true;
        Ok(place)
    }

    fn literal<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let (_, rest) = short_run(bytes, |byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')));
        if !rest.is_empty() {
            self.state = State::After;
        }
        rest
    }

    /// Passes white space and the one token after it, or the beginning of a longer one.
    fn token<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Error> {
        let (_, rest) = short_run(bytes, |byte| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t'));
        let Some((&byte, after)) = rest.split_first() else { return Ok(&[]) };
        let in_array = self.frames.last().is_some_and(|frame| frame.is_array);
        match (self.state, byte) {
            (State::Value | State::FirstItem, _) if byte != b']' => self.begin_value(byte)?,
            (State::FirstKey | State::Key, b'"') => {
                self.key.clear();
                self.key.push(byte);
                self.state = State::KeyText { escaped: false };
            }
            (State::Colon, b':') => self.state = State::Value,
            (State::After, b',') if in_array => self.state = State::Value,
            (State::After, b',') => self.state = State::Key,
            (State::FirstItem, b']') | (State::FirstKey, b'}') => self.close(),
            (State::After, b']') if in_array => self.close(),
            (State::After, b'}') if !in_array => self.close(),
            _ => return Err(malformed("unexpected character")),
        }
        Ok(after)
    }

    fn begin_value(&mut self, byte: u8) -> Result<(), Error> {
        let place = self.place_of_value();
        if place == Place::Root && byte != b'{' {
            return Err(malformed("not an object"));
        }
        match byte {
            b'{' | b'[' => return self.open(byte == b'[', place),
            b'"' if place == Place::Data => self.state = State::Document,
            b'"' => self.state = State::Text { escaped: false },
            b'-' | b'0'..=b'9' | b'a'..=b'z' => self.state = State::Literal,
            _ => return Err(malformed("unexpected character")),
        }
        Ok(())
    }

    /// Where the value about to begin is; counts the items of the list.
    fn place_of_value(&mut self) -> Place {
        match self.frames.last() {
            Some(frame) if frame.is_array => {
                self.items = self.items.saturating_add(1);
                Place::Item
            }
            _ => self.value,
        }
    }

    fn open(&mut self, is_array: bool, place: Place) -> Result<(), Error> {
        if self.frames.len() >= DEPTH {
            return Err(malformed("depth"));
        }
        let leads_on = if is_array { place == Place::List } else { place.has_key() };
        if leads_on {
            self.frames.push(Frame { is_array, place, seen: false });
            self.state = if is_array { State::FirstItem } else { State::FirstKey };
        } else {
            self.skip = Skip { depth: 1, arrays: u128::from(is_array), text: false, escaped: false };
            self.state = State::Skip;
        }
        Ok(())
    }

    fn close(&mut self) {
        self.frames.pop();
        self.state = if self.frames.is_empty() { State::Done } else { State::After };
    }

    /// Passes over an array or object, up to its end.
    fn skip<'a>(&mut self, mut bytes: &'a [u8]) -> Result<&'a [u8], Error> {
        let deepest = DEPTH.saturating_sub(self.frames.len());
        while self.skip.depth > 0 && !bytes.is_empty() {
            bytes = self.skip.step(bytes, deepest)?;
        }
        if self.skip.depth == 0 {
            self.state = State::After;
        }
        Ok(bytes)
    }
}

/// How far an array or object in which nothing matters has come.
#[derive(Default)]
struct Skip {
    depth: usize,
    /// One bit for each level, the innermost last: whether it is an array.
    arrays: u128,
    /// In a string.
    text: bool,
    /// After a backslash.
    escaped: bool,
}

impl Skip {
    /// Passes the next byte that matters; what follows it.
    fn step<'a>(&mut self, bytes: &'a [u8], deepest: usize) -> Result<&'a [u8], Error> {
        if self.escaped {
            self.escaped = false;
            return Ok(bytes.split_first().map_or(bytes, |(_, rest)| rest));
        }
        let (_, rest) = if self.text {
            plain_run(bytes, |byte| byte == b'"' || byte == b'\\')
        } else {
            short_run(bytes, |byte| matches!(byte, b'"' | b'{' | b'[' | b'}' | b']'))
        };
        let Some((&byte, rest)) = rest.split_first() else { return Ok(&[]) };
        match byte {
            b'\\' => self.escaped = true,
            b'"' => self.text = !self.text,
            b'{' | b'[' => {
                self.depth = self.depth.saturating_add(1);
                if self.depth > deepest {
                    return Err(malformed("depth"));
                }
                self.arrays = (self.arrays << 1) | u128::from(byte == b'[');
            }
            _ => {
                if (self.arrays & 1 == 1) != (byte == b']') {
                    return Err(malformed("unexpected character"));
                }
                self.depth = self.depth.saturating_sub(1);
                self.arrays >>= 1;
            }
        }
        Ok(rest)
    }
}

/// Reads a string up to its closing quote or an escape: what was read, the quote or backslash it ended
/// with, and what follows.
fn string(bytes: &[u8], escaped: bool) -> (&[u8], Option<u8>, &[u8]) {
    let plain = if escaped { 0 } else { plain_run(bytes, |byte| byte == b'"' || byte == b'\\').0.len() };
    let (taken, rest) = bytes.split_at_checked(plain.saturating_add(1)).unwrap_or((bytes, &[]));
    let last = if escaped { None } else { bytes.get(plain).copied() };
    (taken, last, rest)
}

/// The bytes before the first special one, and the rest. A block at a time, and with an arithmetic
/// `or`, so that the compiler compares them in vectors.
pub(super) fn plain_run(bytes: &[u8], is_special: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    let is_clean = |block: &&[u8; BLOCK]| block.iter().fold(0_u8, |any, byte| any | u8::from(is_special(*byte))) == 0;
    let clean = blocks.iter().take_while(is_clean).count().saturating_mul(BLOCK);
    let tail = bytes.get(clean..).unwrap_or_default();
    let more = short_run(tail, is_special).0.len();
    bytes.split_at_checked(clean.saturating_add(more)).unwrap_or((bytes, &[]))
}

/// The same for runs that are short as a rule.
fn short_run(bytes: &[u8], is_special: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let length = bytes.iter().position(|byte| is_special(*byte)).unwrap_or(bytes.len());
    bytes.split_at_checked(length).unwrap_or((bytes, &[]))
}

/// A refusal of the JSON; `why` holds nothing of it.
pub(super) fn malformed(why: &'static str) -> Error {
    Issue::new(Code::Structure).detail(why).into()
}

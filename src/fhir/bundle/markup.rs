//! The skeleton of an XML body, followed byte by byte to where its documents begin (XML 1.0 §2, §3.1;
//! R4 `xml.html`): the attribute `value` of each element `data` on the way of a [`Shape`].
//!
//! Names count without their prefix, whatever their namespace, so that no document escapes. What is not
//! well-formed is passed over: the codec that reads what is left judges all of it, and tells where.

use super::skeleton::{malformed, plain_run};
use super::stream::Shape;
use crate::error::Error;

/// Most bytes of a name that are looked at: the longest that matters is shorter.
const NAME: usize = 64;

/// Where in a body the reader is. It holds no bytes but those of a name that may matter.
pub(super) struct Markup {
    /// The way to a document, element by element; none: any name.
    way: &'static [Option<&'static str>],
    /// Whether the body may be the `Binary` itself.
    may_be_root: bool,
    state: State,
    /// Elements that are open.
    depth: usize,
    /// How many of them, from the root, are on the way.
    on_way: usize,
    /// The name being read.
    name: Vec<u8>,
    /// The element whose tag is being read is a document's.
    is_data: bool,
    /// The quote of the value being read.
    quote: u8,
    items: usize,
    /// The item of the last document.
    cut: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between tags.
    Text,
    /// After `<`.
    Open,
    /// After `<!`.
    Declaration,
    /// In a comment, after so many `-`.
    Comment(u8),
    /// In a CDATA section, after so many `]`.
    Section(u8),
    /// In a processing instruction, after a `?` or not.
    Instruction(bool),
    /// In the name of a start tag.
    Name,
    /// In a start tag, between attributes; after a `/` or not.
    Tag { is_closed: bool },
    /// In the name of an attribute.
    Attribute,
    /// After an attribute's name: `=` and a quote must come.
    Equals,
    /// In the value of an attribute.
    Value,
    /// In a document, which somebody else reads.
    Document,
    /// In an end tag.
    End,
}

impl Markup {
    /// The beginning of a body.
    pub(super) const fn new(shape: Shape) -> Self {
        let way: &[Option<&str>] = match shape {
            Shape::Bundle => &[None, Some("entry"), Some("resource"), None, Some("data")],
            Shape::Parameters => &[None, Some("parameter"), Some("resource"), None, Some("data")],
            Shape::DocumentReference => &[None, Some("content"), Some("attachment"), Some("data")],
            Shape::Communication => &[None, Some("payload"), Some("contentAttachment"), Some("data")],
        };
        Self {
            way,
            may_be_root: matches!(shape, Shape::Parameters),
            state: State::Text,
            depth: 0,
            on_way: 0,
            name: Vec::new(),
            is_data: false,
            quote: b'"',
            items: 0,
            cut: None,
        }
    }

    /// Passes over the next bytes. Where the value of a document begins among them: what follows its opening
    /// quote, which is to be read elsewhere and ended by [`Markup::document_ended`].
    pub(super) fn pass<'a>(&mut self, mut bytes: &'a [u8]) -> Result<Option<&'a [u8]>, Error> {
        while !bytes.is_empty() {
            bytes = match self.state {
                State::Text => plain_run(bytes, |byte| byte == b'<').1,
                State::Value => {
                    let quote = self.quote;
                    plain_run(bytes, |byte| byte == quote).1
                }
                _ => bytes,
            };
            let Some((&byte, rest)) = bytes.split_first() else { return Ok(None) };
            self.state = self.step(byte)?;
            bytes = rest;
            if self.state == State::Document {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    /// The closing quote of a document was read.
    pub(super) const fn document_ended(&mut self) {
        self.state = State::Tag { is_closed: false };
    }

    /// The quote that ends the document that began.
    pub(super) const fn quote(&self) -> u8 {
        self.quote
    }

    /// The number of the list's item that is being read.
    pub(super) const fn item(&self) -> usize {
        self.items.saturating_sub(1)
    }

    /// How many items of the list have begun.
    pub(super) const fn items(&self) -> usize {
        self.items
    }

    fn step(&mut self, byte: u8) -> Result<State, Error> {
        Ok(match self.state {
            State::Text => State::Open,
            State::Open => match byte {
                b'!' => {
                    self.name.clear();
                    State::Declaration
                }
                b'?' => State::Instruction(false),
                b'/' => State::End,
                _ => {
                    self.name.clear();
                    self.push(byte);
                    State::Name
                }
            },
            State::Declaration => self.declaration(byte),
            State::Comment(dashes) => match byte {
                b'-' => State::Comment(dashes.saturating_add(1)),
                b'>' if dashes >= 2 => State::Text,
                _ => State::Comment(0),
            },
            State::Section(brackets) => match byte {
                b']' => State::Section(brackets.saturating_add(1)),
                b'>' if brackets >= 2 => State::Text,
                _ => State::Section(0),
            },
            State::Instruction(after) if byte == b'>' && after => State::Text,
            State::Instruction(_) => State::Instruction(byte == b'?'),
            State::Name | State::Tag { .. } | State::Attribute => self.tag(byte),
            State::Equals => match byte {
                b'"' | b'\'' => self.value(byte)?,
                b'=' | b' ' | b'\t' | b'\r' | b'\n' => State::Equals,
                b'>' => self.tag(byte),
                _ => State::Tag { is_closed: byte == b'/' },
            },
            State::Value => State::Tag { is_closed: false },
            State::End if byte == b'>' => {
                self.close();
                State::Text
            }
            State::End | State::Document => self.state,
        })
    }

    fn push(&mut self, byte: u8) {
        if self.name.len() < NAME {
            self.name.push(byte);
        }
    }

    /// A comment or a CDATA section. A document type, which is refused later, is text.
    fn declaration(&mut self, byte: u8) -> State {
        self.name.push(byte);
        let (comment, section): (&[u8], &[u8]) = (b"--", b"[CDATA[");
        if self.name == comment {
            State::Comment(0)
        } else if self.name == section {
            State::Section(0)
        } else if comment.starts_with(&self.name) || section.starts_with(&self.name) {
            State::Declaration
        } else {
            State::Text
        }
    }

    /// A byte of a start tag outside of values.
    fn tag(&mut self, byte: u8) -> State {
        let is_name = matches!(self.state, State::Name);
        let is_attribute = matches!(self.state, State::Attribute);
        if is_name && matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'/' | b'>') {
            self.open();
        }
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b'=' if is_attribute => State::Equals,
            b' ' | b'\t' | b'\r' | b'\n' => State::Tag { is_closed: false },
            b'/' => State::Tag { is_closed: true },
            b'>' => {
                if self.state == (State::Tag { is_closed: true }) {
                    self.close();
                }
                State::Text
            }
            _ if is_name || is_attribute => {
                self.push(byte);
                self.state
            }
            _ => {
                self.name.clear();
                self.push(byte);
                State::Attribute
            }
        }
    }

    /// The name of a start tag is read.
    fn open(&mut self) {
        let local = self.name.rsplit(|byte| *byte == b':').next().unwrap_or_default();
        let step = self.way.get(self.depth).copied().filter(|_| self.on_way == self.depth);
        let is_on_way = step.is_some_and(|step| step.is_none_or(|step| step.as_bytes() == local));
        self.is_data = is_on_way && self.depth.saturating_add(1) == self.way.len()
            || self.may_be_root && self.depth == 1 && local == b"data";
        self.depth = self.depth.saturating_add(1);
        if is_on_way {
            self.on_way = self.depth;
            self.items = self.items.saturating_add(usize::from(self.depth == 2));
        }
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.on_way = self.on_way.min(self.depth);
    }

    /// The opening quote of a value is read.
    fn value(&mut self, quote: u8) -> Result<State, Error> {
        self.quote = quote;
        if !self.is_data || self.name != b"value" {
            return Ok(State::Value);
        }
        let item = self.item();
        if self.cut.replace(item) == Some(item) {
            return Err(malformed("repeated element"));
        }
        Ok(State::Document)
    }
}

//! The content of a JSON string or an XML attribute that holds base64, decoded as it arrives (R4 §2.24.0.1
//! base64Binary, RFC 8259 §7, XML 1.0 §3.3.3, RFC 4648 §4).

use base64_simd::STANDARD;

use super::skeleton::plain_run;
use super::stream::{Shape, Sink};
use crate::error::{Code, Error, Issue};

/// Characters decoded at once: whole groups of four, and a size that stays in the nearest cache.
const GATHERED: usize = 64 * 1024;

/// Most characters of a reference, `#x0000A` and the like.
const REFERENCE: usize = 8;

/// The decoder of one string at a time; its buffers serve them all.
pub(super) struct DataDecoder {
    shape: Shape,
    /// The item whose document this is.
    n: usize,
    quoting: Quoting,
    escape: Escape,
    /// Characters without escapes or white space, not decoded yet. To gather them costs a copy, and
    /// spares many short decodings where the base64 is broken into lines.
    gathered: Vec<u8>,
    decoded: Vec<u8>,
    /// What was decoded ended in `=`: nothing may follow.
    padded: bool,
    /// Something was decoded.
    filled: bool,
}

/// What the base64 stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quoting {
    /// A string of JSON.
    Json,
    /// An attribute of XML in these quotes.
    Xml(u8),
}

impl Quoting {
    const fn quote(self) -> u8 {
        match self {
            Self::Json => b'"',
            Self::Xml(quote) => quote,
        }
    }

    const fn escape(self) -> u8 {
        match self {
            Self::Json => b'\\',
            Self::Xml(_) => b'&',
        }
    }
}

#[derive(Clone, Copy)]
enum Escape {
    None,
    /// After the backslash.
    Begun,
    /// After `\u` and some digits.
    Unicode {
        digits: u8,
        value: u32,
    },
    /// After `&` and some characters of a reference.
    Reference {
        read: [u8; REFERENCE],
        count: usize,
    },
}

impl DataDecoder {
    /// A decoder for the documents of a body.
    pub(super) fn new(shape: Shape) -> Self {
        let (gathered, decoded) = (Vec::new(), Vec::new());
        let (quoting, escape) = (Quoting::Json, Escape::None);
        Self { shape, n: 0, quoting, escape, gathered, decoded, padded: false, filled: false }
    }

    /// Begins the string of item `n`.
    pub(super) fn begin(&mut self, n: usize, quoting: Quoting) {
        self.n = n;
        self.quoting = quoting;
        self.escape = Escape::None;
        self.gathered.clear();
        self.padded = false;
        self.filled = false;
    }

    /// Takes what belongs to the string; the rest after its closing quote, or none if it is still open.
    pub(super) fn feed<'a>(&mut self, mut bytes: &'a [u8], sink: &mut impl Sink) -> Result<Option<&'a [u8]>, Error> {
        let (quote, escape) = (self.quoting.quote(), self.quoting.escape());
        loop {
            if matches!(self.escape, Escape::None) {
                let (run, rest) = plain_run(bytes, |byte| byte <= b' ' || byte == quote || byte == escape);
                self.take(run, sink)?;
                bytes = rest;
            }
            let Some((&byte, rest)) = bytes.split_first() else { return Ok(None) };
            bytes = rest;
            match self.escape {
                Escape::None if byte == quote => return self.end(sink).map(|()| Some(rest)),
                Escape::None => self.begin_escape(byte)?,
                Escape::Reference { read, count } => self.reference(read, count, byte, sink)?,
                Escape::Begun => self.escaped(byte, sink)?,
                Escape::Unicode { digits, value } => self.digit(digits, value, byte, sink)?,
            }
        }
    }

    /// White space, or the beginning of an escape.
    fn begin_escape(&mut self, byte: u8) -> Result<(), Error> {
        match (self.quoting, byte) {
            (_, b' ') | (Quoting::Xml(_), b'\t' | b'\r' | b'\n') => {}
            (Quoting::Json, b'\\') => self.escape = Escape::Begun,
            (Quoting::Xml(_), b'&') => self.escape = Escape::Reference { read: [0; REFERENCE], count: 0 },
            _ => return Err(Code::Structure.into()),
        }
        Ok(())
    }

    /// A byte of a character reference. No entity stands for a character of base64.
    fn reference(
        &mut self,
        mut read: [u8; REFERENCE],
        count: usize,
        byte: u8,
        sink: &mut impl Sink,
    ) -> Result<(), Error> {
        if byte != b';' {
            *read.get_mut(count).ok_or_else(|| self.refusal())? = byte;
            self.escape = Escape::Reference { read, count: count.saturating_add(1) };
            return Ok(());
        }
        self.escape = Escape::None;
        let text = read.get(..count).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default();
        let code = match text.strip_prefix("#x") {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => text.strip_prefix('#').and_then(|digits| digits.parse().ok()),
        };
        self.character(code.ok_or_else(|| self.refusal())?, sink)
    }

    /// A character that was written as an escape.
    fn character(&mut self, code: u32, sink: &mut impl Sink) -> Result<(), Error> {
        match u8::try_from(code) {
            Ok(b' ' | b'\t' | b'\n' | b'\r' | 0x0c) => Ok(()),
            Ok(character) => self.take(&[character], sink),
            Err(_not_ascii) => Err(self.refusal()),
        }
    }

    fn escaped(&mut self, byte: u8, sink: &mut impl Sink) -> Result<(), Error> {
        self.escape = Escape::None;
        match byte {
            b'n' | b'r' | b't' | b'f' => Ok(()),
            b'/' => self.take(b"/", sink),
            b'u' => {
                self.escape = Escape::Unicode { digits: 0, value: 0 };
                Ok(())
            }
            b'"' | b'\\' | b'b' => Err(self.refusal()),
            _ => Err(Code::Structure.into()),
        }
    }

    fn digit(&mut self, digits: u8, value: u32, byte: u8, sink: &mut impl Sink) -> Result<(), Error> {
        let digit = char::from(byte).to_digit(16).ok_or(Code::Structure)?;
        let value = (value << 4) | digit;
        if digits < 3 {
            self.escape = Escape::Unicode { digits: digits.saturating_add(1), value };
            return Ok(());
        }
        self.escape = Escape::None;
        self.character(value, sink)
    }

    /// Gathers characters, and decodes them by the bufferful.
    fn take(&mut self, mut characters: &[u8], sink: &mut impl Sink) -> Result<(), Error> {
        while !characters.is_empty() {
            if self.gathered.len() >= GATHERED {
                self.decode(sink)?;
            }
            let room = GATHERED.saturating_sub(self.gathered.len());
            let (head, tail) = characters.split_at_checked(room).unwrap_or((characters, &[]));
            self.gathered.extend_from_slice(head);
            characters = tail;
        }
        Ok(())
    }

    fn decode(&mut self, sink: &mut impl Sink) -> Result<(), Error> {
        self.decoded.clear();
        let decoded = STANDARD.decode_append(&self.gathered, &mut self.decoded);
        if self.padded || decoded.is_err() {
            return Err(self.refusal());
        }
        self.padded = self.gathered.last() == Some(&b'=');
        self.filled = true;
        self.gathered.clear();
        sink.write(&self.decoded)
    }

    fn end(&mut self, sink: &mut impl Sink) -> Result<(), Error> {
        if !self.gathered.is_empty() {
            self.decode(sink)?;
        }
        if self.filled { sink.end() } else { Err(self.refusal()) }
    }

    fn refusal(&self) -> Error {
        Issue::new(Code::Document).at(self.shape.path(self.n)).detail("base64").into()
    }
}

//! The content of a JSON string that holds base64, decoded as it arrives (R4 §2.24.0.1 base64Binary,
//! RFC 8259 §7, RFC 4648 §4).

use base64_simd::STANDARD;

use super::stream::{Shape, Sink, plain_run};
use crate::error::{Code, Error, Issue};

/// Decoded bytes handed to the sink at once.
const PIECE: usize = 48 * 1024;

/// The decoder of one string at a time; its buffer serves them all.
pub(super) struct DataDecoder {
    shape: Shape,
    /// The item whose document this is.
    n: usize,
    escape: Escape,
    /// Up to three characters that wait for the rest of their group of four.
    carry: Vec<u8>,
    /// A group ended in `=`: nothing may follow.
    padded: bool,
    /// The string held something but white space.
    filled: bool,
    decoded: Vec<u8>,
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
}

impl DataDecoder {
    /// A decoder for the documents of a body.
    pub(super) const fn new(shape: Shape) -> Self {
        Self { shape, n: 0, escape: Escape::None, carry: Vec::new(), padded: false, filled: false, decoded: Vec::new() }
    }

    /// Begins the string of item `n`.
    pub(super) fn begin(&mut self, n: usize) {
        self.n = n;
        self.escape = Escape::None;
        self.carry.clear();
        self.decoded.clear();
        self.padded = false;
        self.filled = false;
    }

    /// Takes what belongs to the string; the rest after its closing quote, or none if it is still open.
    pub(super) fn feed<'a>(&mut self, mut bytes: &'a [u8], sink: &mut impl Sink) -> Result<Option<&'a [u8]>, Error> {
        loop {
            if matches!(self.escape, Escape::None) {
                let (run, rest) = plain_run(bytes, |byte| byte <= b' ' || byte == b'"' || byte == b'\\');
                self.take(run, sink)?;
                bytes = rest;
            }
            let Some((&byte, rest)) = bytes.split_first() else { return Ok(None) };
            bytes = rest;
            match self.escape {
                Escape::None => match byte {
                    b'"' => return self.end(sink).map(|()| Some(rest)),
                    b'\\' => self.escape = Escape::Begun,
                    b' ' => {}
                    _ => return Err(Code::Structure.into()),
                },
                Escape::Begun => self.escaped(byte, sink)?,
                Escape::Unicode { digits, value } => self.digit(digits, value, byte, sink)?,
            }
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
        match u8::try_from(value) {
            Ok(b' ' | b'\t' | b'\n' | b'\r' | 0x0c) => Ok(()),
            Ok(character) => self.take(&[character], sink),
            Err(_not_ascii) => Err(self.refusal()),
        }
    }

    /// Decodes characters without escapes or white space among them.
    fn take(&mut self, mut characters: &[u8], sink: &mut impl Sink) -> Result<(), Error> {
        if characters.is_empty() {
            return Ok(());
        }
        self.filled = true;
        if !self.carry.is_empty() {
            let missing = 4_usize.saturating_sub(self.carry.len()).min(characters.len());
            let (head, tail) = characters.split_at_checked(missing).unwrap_or((characters, &[]));
            self.carry.extend_from_slice(head);
            characters = tail;
            if self.carry.len() < 4 {
                return Ok(());
            }
            let group = <[u8; 4]>::try_from(self.carry.as_slice()).unwrap_or_default();
            self.carry.clear();
            self.decode(&group, sink)?;
        }
        let whole = characters.len() & !3;
        let (groups, rest) = characters.split_at_checked(whole).unwrap_or((characters, &[]));
        self.decode(groups, sink)?;
        if self.padded && !rest.is_empty() {
            return Err(self.refusal());
        }
        self.carry.extend_from_slice(rest);
        Ok(())
    }

    /// Decodes whole groups, a full buffer at a time.
    fn decode(&mut self, mut groups: &[u8], sink: &mut impl Sink) -> Result<(), Error> {
        while !groups.is_empty() {
            if self.padded {
                return Err(self.refusal());
            }
            let room = (PIECE.saturating_sub(self.decoded.len()) / 3).saturating_mul(4).min(groups.len());
            let (piece, rest) = groups.split_at_checked(room).unwrap_or((groups, &[]));
            STANDARD.decode_append(piece, &mut self.decoded).map_err(|_junk| self.refusal())?;
            self.padded = piece.last() == Some(&b'=');
            groups = rest;
            if self.decoded.len().saturating_add(3) > PIECE {
                self.flush(sink)?;
            }
        }
        Ok(())
    }

    fn flush(&mut self, sink: &mut impl Sink) -> Result<(), Error> {
        sink.write(&self.decoded)?;
        self.decoded.clear();
        Ok(())
    }

    fn end(&mut self, sink: &mut impl Sink) -> Result<(), Error> {
        if !self.carry.is_empty() || !self.filled {
            return Err(self.refusal());
        }
        if !self.decoded.is_empty() {
            self.flush(sink)?;
        }
        sink.end()
    }

    fn refusal(&self) -> Error {
        Issue::new(Code::Document).at(self.shape.path(self.n)).detail("base64").into()
    }
}

//! JSON read strictly and kept as it came: key order, decimals (R4 `json.html`, RFC 8259, contract §8).
//!
//! Not `serde_json::from_slice`: it lets duplicate keys pass, and with `arbitrary_precision` takes an
//! object with its private key for a number.

use serde_json::{Map, Number, Value};

use crate::error::{Code, Error, Issue};

/// Deepest nesting of arrays and objects that is read (contract §8).
pub const DEEPEST: usize = 128;

/// Reads one JSON value. Duplicate keys, nesting over [`DEEPEST`], invalid UTF-8, lone surrogates,
/// truncation and anything after the value are [`Code::Structure`], with the offset in octets.
pub fn parse(bytes: &[u8]) -> Result<Value, Error> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return Err(refusal("json: invalid UTF-8", error.valid_up_to())),
    };
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    reader.skip_space();
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(reader.refuse("json: content after the value")),
    }
}

/// Writes a value without insignificant white space.
pub fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

/// A text as a number, its digits kept; `None` where it is none by the grammar of JSON, which is that of R4's
/// numbers too.
pub(super) fn number(text: &str) -> Option<Number> {
    let mut reader = Reader { text, at: 0 };
    match reader.number() {
        Ok(Value::Number(number)) if reader.peek().is_none() => Some(number),
        _ => None,
    }
}

/// What was read so far never enters the error: it may be a body.
fn refusal(rule: &'static str, at: usize) -> Error {
    Issue::new(Code::Structure).rule(rule).detail(format!("(octet {at})")).into()
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn refuse(&self, rule: &'static str) -> Error {
        refusal(rule, self.at)
    }

    /// What stands where something else must: the end of the text is told apart.
    fn unexpected(&self) -> Error {
        self.refuse(if self.peek().is_none() { "json: truncated" } else { "json: unexpected character" })
    }

    fn skip_space(&mut self) {
        let spaces = self.rest().iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
        self.at += spaces;
    }

    fn expect(&mut self, byte: u8) -> Result<(), Error> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, Error> {
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.object(depth + 1),
            Some(b'[') => self.array(depth + 1),
            Some(b'"') => self.string().map(Value::String),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.unexpected()),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, Error> {
        if self.rest().starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(value)
        } else {
            Err(self.unexpected())
        }
    }

    fn enter(&mut self, depth: usize) -> Result<(), Error> {
        if depth > DEEPEST {
            return Err(self.refuse("json: nested too deeply"));
        }
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    fn object(&mut self, depth: usize) -> Result<Value, Error> {
        self.enter(depth)?;
        let mut map = Map::new();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(map));
        }
        loop {
            self.skip_space();
            let at_key = self.at;
            let key = self.string()?;
            self.skip_space();
            self.expect(b':')?;
            let value = self.value(depth)?;
            if map.insert(key, value).is_some() {
                return Err(refusal("json: duplicate key", at_key));
            }
            if self.closes(b'}')? {
                return Ok(Value::Object(map));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, Error> {
        self.enter(depth)?;
        let mut items = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value(depth)?);
            if self.closes(b']')? {
                return Ok(Value::Array(items));
            }
        }
    }

    /// After a member: whether the container ends here, or goes on after a comma.
    fn closes(&mut self, end: u8) -> Result<bool, Error> {
        self.skip_space();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(false)
            }
            Some(byte) if byte == end => {
                self.at += 1;
                Ok(true)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn string(&mut self) -> Result<String, Error> {
        self.expect(b'"')?;
        let mut out = String::new();
        loop {
            let plain = self.rest().iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1F)).count();
            // The bytes that end a run are ASCII, so a run ends between characters.
            out.push_str(self.text.get(self.at..self.at + plain).unwrap_or_default());
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.at += 1;
                    out.push(self.escape()?);
                }
                Some(_) => return Err(self.refuse("json: control character in a string")),
                None => return Err(self.unexpected()),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Error> {
        let escaped = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode();
            }
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(escaped)
    }

    /// `XXXX`, or `XXXX\uXXXX` for a surrogate pair.
    fn unicode(&mut self) -> Result<char, Error> {
        let high = self.four_digits()?;
        let code = if (0xD800..0xDC00).contains(&high) && self.rest().starts_with(b"\\u") {
            self.at += 2;
            let low = self.four_digits()?;
            match low.checked_sub(0xDC00) {
                Some(low) if low < 0x400 => 0x1_0000 + ((high - 0xD800) << 10) + low,
                _ => high,
            }
        } else {
            high
        };
        char::from_u32(code).ok_or_else(|| self.refuse("json: lone surrogate"))
    }

    fn four_digits(&mut self) -> Result<u32, Error> {
        let digits = self.text.get(self.at..self.at + 4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let code = code.ok_or_else(|| self.refuse("json: malformed escape"))?;
        self.at += 4;
        Ok(code)
    }

    fn digits(&mut self) -> usize {
        let count = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        count
    }

    fn at_least_one_digit(&mut self) -> Result<(), Error> {
        if self.digits() == 0 { Err(self.unexpected()) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<Value, Error> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.at_least_one_digit()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.at_least_one_digit()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.at_least_one_digit()?;
        }
        // `str::parse` would rewrite `1E5` as `1e+5`. The grammar was checked above, all this constructor asks;
        // it is hidden in serde_json's documentation: the codec's tests fail should it change.
        let digits = self.text.get(start..self.at).unwrap_or_default();
        Ok(Value::Number(Number::from_string_unchecked(digits.to_owned())))
    }
}

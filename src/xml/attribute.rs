//! The attributes of a start tag, one by one (XML 1.0 §3.1, §3.3.3).
//!
//! quick-xml has them too; this reads them once, keeps nothing on the heap, and is strict about names.

use std::borrow::Cow;

use quick_xml::XmlVersion;
use quick_xml::events::attributes::Attribute as Raw;
use quick_xml::name::QName;

use super::{Kind, Limits};

/// One attribute, its value normalised and unescaped.
pub struct Attribute<'a> {
    /// The name as written, prefix included.
    pub name: &'a str,
    /// The value.
    pub value: Cow<'a, str>,
}

impl Attribute<'_> {
    /// The prefix that it declares, empty for the default namespace; `None` where it declares none.
    pub(super) fn declares(&self) -> Option<&str> {
        if self.name == "xmlns" { Some("") } else { self.name.strip_prefix("xmlns:") }
    }
}

/// What of the limits counts here: each start tag carries it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    attributes: u32,
    name: u32,
    text: u32,
}

impl Bounds {
    /// Those of the limits of a document.
    pub(super) fn of(limits: Limits) -> Self {
        let bound = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        Self { attributes: bound(limits.attributes), name: bound(limits.name_bytes), text: bound(limits.text_bytes) }
    }
}

/// Whether there are more than may be.
fn exceeds(length: usize, bound: u32) -> bool {
    u32::try_from(length).unwrap_or(u32::MAX) > bound
}

/// Reads the attributes of a tag in their order. After a fault there is nothing more.
pub(super) struct Attributes<'a> {
    all: &'a str,
    at: usize,
    seen: usize,
    bounds: Bounds,
}

impl<'a> Attributes<'a> {
    /// The attributes in what stands after the name of a start tag.
    pub(super) const fn new(all: &'a str, bounds: Bounds) -> Self {
        Self { all, at: 0, seen: 0, bounds }
    }

    fn byte(&self) -> Option<u8> {
        self.all.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// The text up to the first such byte, which is ASCII.
    fn until(&mut self, is_end: impl Fn(u8) -> bool) -> &'a str {
        let rest = self.all.as_bytes().get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|byte| is_end(*byte)).unwrap_or(rest.len());
        let text = self.all.get(self.at..self.at + length).unwrap_or_default();
        self.at += length;
        text
    }

    fn read(&mut self, start: usize) -> Result<Attribute<'a>, Kind> {
        self.seen += 1;
        if exceeds(self.seen, self.bounds.attributes) {
            return Err(Kind::Attributes);
        }
        let name = self.until(|byte| matches!(byte, b'=' | b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\'' | b'<'));
        self.skip_space();
        // White space parts attributes.
        if start + 1 > self.at - name.len() || !is_name(name) || self.byte() != Some(b'=') {
            return Err(Kind::Syntax);
        }
        self.at += 1;
        self.skip_space();
        let quote = self.byte().filter(|byte| matches!(byte, b'"' | b'\'')).ok_or(Kind::Syntax)?;
        self.at += 1;
        let raw = self.until(|byte| byte == quote);
        if self.byte() != Some(quote) {
            return Err(Kind::Syntax);
        }
        self.at += 1;
        if exceeds(name.len(), self.bounds.name) || exceeds(raw.len(), self.bounds.text) {
            return Err(Kind::Text);
        }
        if self.seen > 1 && self.is_repeated(name, start) {
            return Err(Kind::DuplicateAttribute);
        }
        Ok(Attribute { name, value: normalised(name, raw)? })
    }

    /// Whether an attribute before `end` has this name: few tags have more than two.
    fn is_repeated(&self, name: &str, end: usize) -> bool {
        let before = Self::new(self.all.get(..end).unwrap_or_default(), self.bounds);
        before.names().any(|known| known == name)
    }

    /// The names of attributes that were read without fault.
    fn names(mut self) -> impl Iterator<Item = &'a str> {
        std::iter::from_fn(move || {
            self.skip_space();
            let name = self.until(|byte| matches!(byte, b'=' | b' ' | b'\t' | b'\r' | b'\n'));
            self.until(|byte| matches!(byte, b'"' | b'\''));
            let quote = self.byte()?;
            self.at += 1;
            self.until(|byte| byte == quote);
            self.at += 1;
            Some(name)
        })
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<Attribute<'a>, Kind>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at;
        self.skip_space();
        self.byte()?;
        let read = self.read(start);
        if read.is_err() {
            self.at = self.all.len();
        }
        Some(read)
    }
}

/// A value as it counts: white space as spaces, references resolved.
fn normalised<'a>(name: &'a str, raw: &'a str) -> Result<Cow<'a, str>, Kind> {
    // U+FFFE and U+FFFF, which are refused, begin with 0xEF.
    let is_special = |byte: u8| byte < b' ' || matches!(byte, b'&' | b'<' | 0xEF);
    // Without an early end, so that many bytes are looked at in one instruction.
    if raw.bytes().fold(0_u8, |any, byte| any | u8::from(is_special(byte))) == 0 {
        return Ok(Cow::Borrowed(raw));
    }
    if raw.contains('<') {
        return Err(Kind::Syntax);
    }
    let attribute = Raw { key: QName(name), value: Cow::Borrowed(raw) };
    let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_unknown| Kind::Entity)?;
    if value.contains(is_forbidden) { Err(Kind::Character) } else { Ok(value) }
}

/// A character that XML 1.0 does not admit (§2.2). Surrogates are no characters to begin with.
pub(super) fn is_forbidden(character: char) -> bool {
    matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// A name with at most one prefix. Characters beyond ASCII are taken as letters.
pub(super) fn is_name(name: &str) -> bool {
    let (mut is_start, mut has_prefix) = (true, false);
    for byte in name.bytes() {
        let holds = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => true,
            b'0'..=b'9' | b'-' | b'.' => !is_start,
            b':' => !is_start && !std::mem::replace(&mut has_prefix, true),
            _ => false,
        };
        if !holds {
            return false;
        }
        is_start = byte == b':';
    }
    !is_start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_prefix_at_most() {
        for name in ["a", "a:b", "_a-1.x", "é", "A:b1"] {
            assert!(is_name(name), "{name}");
        }
        for wrong in ["", "1a", "a:", ":a", "a:b:c", "a:1", "a b", "-a", "a/"] {
            assert!(!is_name(wrong), "{wrong}");
        }
    }

    #[test]
    fn attributes_are_read_in_their_order_and_the_first_fault_ends_them() {
        let read = |all| {
            let attributes = Attributes::new(all, Bounds::of(Limits::HEADER));
            let told = |attribute: Result<Attribute<'_>, Kind>| {
                attribute.map_or_else(|kind| format!("{kind:?}"), |found| format!("{}={}", found.name, found.value))
            };
            attributes.map(told).collect::<Vec<_>>().join("|")
        };
        assert_eq!(read(""), "");
        assert_eq!(read("  "), "");
        assert_eq!(read(" a='1'\n b = \"2 'x'\" c:d='\u{e9}&amp;\t&#65;' "), "a=1|b=2 'x'|c:d=\u{e9}& A");
        for (all, kind) in [
            ("a='1'", "Syntax"),
            (" a='1'b='2'", "a=1|Syntax"),
            (" a='1' a='2'", "a=1|DuplicateAttribute"),
            (" a='1' b='2' a='3'", "a=1|b=2|DuplicateAttribute"),
            (" a", "Syntax"),
            (" a=", "Syntax"),
            (" a=1", "Syntax"),
            (" a='1", "Syntax"),
            (" a='<'", "Syntax"),
            (" ='1'", "Syntax"),
            (" a='&x;'", "Entity"),
            (" a='\u{ffff}'", "Character"),
        ] {
            assert_eq!(read(all), kind, "{all}");
        }
    }
}

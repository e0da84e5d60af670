//! The probe of a whole document: well-formed to its end, and what its body is (CDA R2, level 1 or 3).

use super::read::{body, find_clinical_document};
use super::{Body, Error};
use crate::xml::{self, Event, Limits, Namespace, Reader};

/// What a whole document turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// What the body is.
    pub body: Body,
    /// Bytes of what a base64 body holds, once decoded.
    pub embedded_bytes: Option<usize>,
}

/// Reads a document to its end: well-formed, no DOCTYPE, no entity, and base64 that decodes where
/// the body is base64. Costs some 30 times what the header does.
pub fn probe(bytes: &[u8]) -> Result<Probe, Error> {
    xml::check(bytes, Limits::DOCUMENT)?;
    let mut reader = Reader::new(bytes, Limits::DOCUMENT);
    find_clinical_document(&mut reader)?;
    let depth = reader.depth();
    let mut probe = Probe { body: Body::Absent, embedded_bytes: None };
    loop {
        match reader.next_event()? {
            Event::Start(element) if element.is(Namespace::Hl7V3, "component") => {
                probe.body = body(&mut reader)?;
                if let Body::NonXml { representation: Some(representation), .. } = &probe.body
                    && representation == "B64"
                {
                    probe.embedded_bytes = Some(embedded(&mut reader)?);
                }
                return Ok(probe);
            }
            Event::Start(_) => reader.skip_to(depth)?,
            Event::End | Event::Eof => return Ok(probe),
            Event::Text(_) => {}
        }
    }
}

/// Checks the base64 text of the element just started and counts the bytes that it stands for.
fn embedded(reader: &mut Reader<'_>) -> Result<usize, Error> {
    let depth = reader.depth();
    let (mut digits, mut padding) = (0_usize, 0_usize);
    while reader.depth() >= depth {
        match reader.next_event()? {
            Event::Text(piece) => {
                for byte in piece.bytes() {
                    match byte {
                        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' if padding == 0 => digits += 1,
                        b'=' => padding += 1,
                        byte if byte.is_ascii_whitespace() => {}
                        _ => return Err(Error::Base64),
                    }
                }
            }
            Event::End => {}
            Event::Start(_) | Event::Eof => return Err(Error::Base64),
        }
    }
    if padding > 2 || !(digits + padding).is_multiple_of(4) {
        return Err(Error::Base64);
    }
    Ok(digits * 3 / 4)
}

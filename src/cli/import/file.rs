//! The file of an import, read a unit at a time: newline-delimited JSON as a stream, a Bundle whole.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::error::{Code, Error};
use crate::fhir::codec::json;
use crate::model::resource::ResourceType;
use crate::ops::directory::import::{Item, UNIT};
use crate::ops::directory::put::read;

/// Longest line, in bytes.
const LONGEST: usize = 4 * 1024 * 1024;
/// Largest Bundle, in bytes: it is read whole.
const LARGEST: u64 = 256 * 1024 * 1024;
/// What an import is recognised by: the beginning of its file and its length.
const BEGINNING: u64 = 64 * 1024;

/// A part of an import, and where it ends.
pub(super) struct Unit {
    pub(super) items: Vec<Item>,
    pub(super) position: u64,
}

/// A file as it is read.
pub(super) struct Source {
    name: String,
    size: u64,
    body: Body,
}

enum Body {
    /// Position: bytes.
    Lines(BufReader<File>, u64),
    /// Position: entries. What is pointed to comes before what points.
    Entries(Vec<Value>, u64),
}

impl Source {
    /// Opens a file; a Bundle is one JSON object whose type says so.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut beginning = Vec::new();
        file.by_ref().take(BEGINNING).read_to_end(&mut beginning)?;
        let mut digest = Sha256::new();
        digest.update(&beginning);
        digest.update(length.to_be_bytes());
        let start = digest.finalize().iter().take(16).fold(0_u128, |start, byte| (start << 8) | u128::from(*byte));
        let name = format!("{start:032x}");
        file.seek(SeekFrom::Start(0))?;
        if !is_bundle(path, &beginning) {
            return Ok(Self { name, size: length, body: Body::Lines(BufReader::new(file), 0) });
        }
        if length > LARGEST {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "a Bundle beyond 256 MiB: use .ndjson"));
        }
        let mut whole = Vec::new();
        file.read_to_end(&mut whole)?;
        let entries = entries(&whole)?;
        Ok(Self { name, size: u64::try_from(entries.len()).unwrap_or(u64::MAX), body: Body::Entries(entries, 0) })
    }

    /// What it is recognised by when it goes on.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// How much of it lies before a position.
    pub(super) fn percent(&self, position: u64) -> u64 {
        position.saturating_mul(100).checked_div(self.size).unwrap_or(100)
    }

    /// Goes on from a position.
    pub(super) fn skip(&mut self, position: u64) -> io::Result<()> {
        match &mut self.body {
            Body::Lines(reader, at) => {
                reader.seek(SeekFrom::Start(position))?;
                *at = position;
            }
            Body::Entries(_, at) => *at = position,
        }
        Ok(())
    }

    /// The next part; `read` lines lie before it. None at the end.
    pub(super) fn unit(&mut self, read: u64) -> io::Result<Option<Unit>> {
        match &mut self.body {
            Body::Lines(reader, at) => lines(reader, at, read),
            Body::Entries(entries, at) => Ok(some(entries, at)),
        }
    }
}

/// Whether a file is one Bundle: by its name, else by what stands first in it.
fn is_bundle(path: &Path, beginning: &[u8]) -> bool {
    let named = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("ndjson"));
    let start = String::from_utf8_lossy(beginning);
    let first = start.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    // A line that is a whole object is one of many.
    let is_line = serde_json::from_str::<Value>(first)
        .is_ok_and(|line| line.get("resourceType").and_then(Value::as_str) != Some("Bundle"));
    !named && !is_line
}

fn lines(reader: &mut BufReader<File>, at: &mut u64, read: u64) -> io::Result<Option<Unit>> {
    let mut items = Vec::with_capacity(UNIT);
    let mut number = read;
    while items.len() < UNIT {
        let mut line = Vec::new();
        let most = u64::try_from(LONGEST).unwrap_or(u64::MAX).saturating_add(1);
        let taken = reader.by_ref().take(most).read_until(b'\n', &mut line)?;
        if taken == 0 {
            break;
        }
        *at = at.saturating_add(u64::try_from(taken).unwrap_or(u64::MAX));
        number = number.saturating_add(1);
        let is_too_long = line.len() > LONGEST;
        if is_too_long && !line.ends_with(b"\n") {
            *at = at.saturating_add(rest_of_line(reader)?);
        }
        items.push((number, if is_too_long { Err(Code::TooLarge.into()) } else { resource(&line) }));
    }
    Ok((!items.is_empty()).then_some(Unit { items, position: *at }))
}

/// Passes over what is left of a line that is too long.
fn rest_of_line(reader: &mut BufReader<File>) -> io::Result<u64> {
    let mut passed = 0_u64;
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(passed);
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(buffer.len(), |end| end.saturating_add(1));
        reader.consume(used);
        passed = passed.saturating_add(u64::try_from(used).unwrap_or(u64::MAX));
        if end.is_some() {
            return Ok(passed);
        }
    }
}

fn resource(line: &[u8]) -> Result<crate::ops::resource::draft::Draft, Error> {
    read(json::parse(line.trim_ascii())?)
}

fn some(entries: &[Value], at: &mut u64) -> Option<Unit> {
    let start = usize::try_from(*at).unwrap_or(usize::MAX);
    let part: Vec<&Value> = entries.iter().skip(start).take(UNIT).collect();
    if part.is_empty() {
        return None;
    }
    let numbered = part.into_iter().zip(at.saturating_add(1)..).map(|(entry, number)| (number, read(entry.clone())));
    let items: Vec<Item> = numbered.collect();
    *at = at.saturating_add(u64::try_from(items.len()).unwrap_or(u64::MAX));
    Some(Unit { items, position: *at })
}

/// The resources of a Bundle, in the order in which they can be kept.
fn entries(whole: &[u8]) -> io::Result<Vec<Value>> {
    let malformed = |text: &str| io::Error::new(io::ErrorKind::InvalidData, text.to_owned());
    let bundle = json::parse(whole).map_err(|_error| malformed("not JSON"))?;
    if bundle.get("resourceType").and_then(Value::as_str) != Some("Bundle") {
        return Err(malformed("neither newline-delimited resources nor a Bundle"));
    }
    let Value::Object(mut members) = bundle else { return Err(malformed("not a Bundle")) };
    let Some(Value::Array(entries)) = members.shift_remove("entry") else { return Ok(Vec::new()) };
    let resource = |entry| match entry {
        Value::Object(mut entry) => entry.shift_remove("resource").unwrap_or_default(),
        _ => Value::Null,
    };
    let mut resources: Vec<Value> = entries.into_iter().map(resource).collect();
    resources.sort_by_key(|resource| {
        let kind = resource.get("resourceType").and_then(Value::as_str).and_then(ResourceType::from_name);
        kind == Some(ResourceType::PractitionerRole)
    });
    Ok(resources)
}

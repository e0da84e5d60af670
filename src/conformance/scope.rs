//! What `${names}` stand for while a script runs: the environment, variables, fixtures, chance.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use sha1::{Digest as _, Sha1};

use super::script::{Fixture, Script, Variable};
use super::suite::Files;
use super::target::{Answer, NoAnswer, Request};
use crate::fhir::codec::{self, Syntax, json};
use crate::fhir::path::Query;

/// A request and what became of it.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// What was sent.
    pub request: Request,
    /// What came back.
    pub answer: Result<Answer, NoAnswer>,
}

/// Names of a running script.
pub struct Scope<'a> {
    files: &'a Files,
    script: &'a Script,
    environment: &'a BTreeMap<String, String>,
    chance: &'a dyn Fn(&mut [u8]),
    drawn: RefCell<BTreeMap<String, u128>>,
    /// Values known from elsewhere: `base`, `origin`, `token:1`.
    pub given: BTreeMap<String, String>,
    /// What was sent and answered, by `responseId` and `requestId`.
    pub exchanges: BTreeMap<String, Exchange>,
    /// The last exchange.
    pub last: Option<Exchange>,
}

/// References to references: nobody needs more.
const DEPTH: usize = 16;

impl<'a> Scope<'a> {
    /// An empty scope.
    pub fn new(
        files: &'a Files,
        script: &'a Script,
        environment: &'a BTreeMap<String, String>,
        chance: &'a dyn Fn(&mut [u8]),
    ) -> Self {
        let (drawn, given, exchanges) = (RefCell::default(), BTreeMap::new(), BTreeMap::new());
        Self { files, script, environment, chance, drawn, given, exchanges, last: None }
    }

    /// A text with its `${names}` put in.
    ///
    /// # Errors
    /// Names what stands for nothing.
    pub fn fill(&self, text: &str) -> Result<String, String> {
        self.filled(text, &[], 0)
    }

    /// The bytes of a fixture.
    ///
    /// # Errors
    /// Says why it cannot be made.
    pub fn fixture(&self, id: &str) -> Result<Vec<u8>, String> {
        let fixture = self.script.fixtures.iter().find(|fixture| fixture.id == id);
        self.made(fixture.ok_or_else(|| format!("no fixture is called {id}"))?, &[], 0)
    }

    /// The JSON of an answer or of a fixture.
    ///
    /// # Errors
    /// Says why there is none.
    pub fn source(&self, id: &str) -> Result<Value, String> {
        if let Some(exchange) = self.exchanges.get(id) {
            let answer = exchange.answer.as_ref().map_err(ToString::to_string)?;
            return body(answer);
        }
        let bytes = self.fixture(id)?;
        json::parse(&bytes).map_err(|_unread| format!("{id} is not JSON"))
    }

    fn filled(&self, text: &str, with: &[(String, String)], depth: usize) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}').ok_or_else(|| format!("{text}: a name is not closed"))?;
            out.push_str(before);
            out.push_str(&self.named(name, with, depth + 1)?);
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn named(&self, name: &str, with: &[(String, String)], depth: usize) -> Result<String, String> {
        if depth > DEPTH {
            return Err(format!("${{{name}}} refers to itself"));
        }
        if let Some((name, filter)) = name.split_once('|') {
            let fixture = self.script.fixtures.iter().find(|fixture| fixture.id == name);
            let bytes = match fixture {
                Some(fixture) => self.made(fixture, with, depth)?,
                None => self.named(name, with, depth)?.into_bytes(),
            };
            return filtered(&bytes, filter);
        }
        if let Some((_, value)) = with.iter().find(|(known, _)| known == name) {
            return self.filled(value, with, depth);
        }
        if let Some((kind, key)) = name.split_once(':').filter(|(kind, _)| matches!(*kind, "uuid" | "oid")) {
            let series = with.iter().find(|(known, _)| known == "series").map_or("", |(_, series)| series);
            let number = self.draw(&format!("{series}/{key}"));
            return Ok(if kind == "oid" {
                format!("2.25.{number}")
            } else {
                uuid::Uuid::from_u128(number).to_string()
            });
        }
        if let Some(value) = self.given.get(name) {
            return Ok(value.clone());
        }
        let variable = self.script.variables.iter().find(|variable| variable.name == name);
        if let Some(variable) = variable.filter(|variable| variable.source.is_some()) {
            return self.taken(variable);
        }
        let default = variable.and_then(|variable| variable.default.as_ref());
        match self.environment.get(name).or(default) {
            Some(value) => self.filled(value, with, depth),
            None => Err(format!("${{{name}}} stands for nothing")),
        }
    }

    /// A number drawn once for a key: a UUID of version 4.
    fn draw(&self, key: &str) -> u128 {
        *self.drawn.borrow_mut().entry(key.to_owned()).or_insert_with(|| {
            let mut bytes = [0; 16];
            (self.chance)(&mut bytes);
            uuid::Builder::from_random_bytes(bytes).into_uuid().as_u128()
        })
    }

    /// What a variable takes out of its source.
    fn taken(&self, variable: &Variable) -> Result<String, String> {
        let (name, source) = (&variable.name, variable.source.as_deref().unwrap_or_default());
        if let Some(header) = &variable.header {
            let exchange = self.exchanges.get(source).ok_or_else(|| format!("{source} was not answered"))?;
            let answer = exchange.answer.as_ref().map_err(ToString::to_string)?;
            let value = answer.header(header).map(str::to_owned);
            return value.ok_or_else(|| format!("${{{name}}}: {source} has no header {header}"));
        }
        let body = self.source(source)?;
        let found = match (&variable.expression, &variable.path) {
            (Some(expression), _) => texts(&body, &self.fill(expression)?)?,
            (None, Some(path)) => by_path(&body, path)?,
            (None, None) => Vec::new(),
        };
        found.into_iter().next().ok_or_else(|| format!("${{{name}}}: nothing is found in {source}"))
    }

    fn made(&self, fixture: &Fixture, outer: &[(String, String)], depth: usize) -> Result<Vec<u8>, String> {
        if depth > DEPTH {
            return Err(format!("the fixture {} refers to itself", fixture.id));
        }
        let bytes = self.files.get(&fixture.file).ok_or_else(|| format!("there is no file {}", fixture.file))?;
        // What the outer fixture says comes first: a document is made for the bundle that carries it.
        let with: Vec<(String, String)> = outer.iter().chain(&fixture.with).cloned().collect();
        if Path::new(&fixture.file).extension().is_none_or(|kind| kind != "json") {
            let text = String::from_utf8_lossy(bytes);
            return self.filled(text.trim_end_matches('\n'), &with, depth).map(String::into_bytes);
        }
        let mut value = json::parse(bytes).map_err(|error| format!("{}: {error}", fixture.file))?;
        for change in &fixture.changes {
            changed(&mut value, &change.pointer, change.value.clone())
                .ok_or_else(|| format!("{}: there is no {}", fixture.id, change.pointer))?;
        }
        self.filled_json(&mut value, &with, depth)?;
        Ok(json::bytes(&value))
    }

    /// `${names}` in every text of a JSON value; a text that is nothing but a size becomes a number.
    fn filled_json(&self, value: &mut Value, with: &[(String, String)], depth: usize) -> Result<(), String> {
        match value {
            Value::String(text) if text.contains("${") => {
                let filled = self.filled(text, with, depth)?;
                let is_size = text.starts_with("${") && text.ends_with("|size}") && text.matches("${").count() == 1;
                let number = if is_size { filled.parse::<u64>().ok() } else { None };
                *value = number.map_or_else(|| Value::from(filled), Value::from);
                Ok(())
            }
            Value::Array(items) => items.iter_mut().try_for_each(|item| self.filled_json(item, with, depth)),
            Value::Object(members) => members.values_mut().try_for_each(|item| self.filled_json(item, with, depth)),
            _ => Ok(()),
        }
    }
}

/// The resource of an answer in JSON or XML, or other JSON.
///
/// # Errors
/// Where it is none.
pub fn body(answer: &Answer) -> Result<Value, String> {
    let is_xml = answer.header("content-type").is_some_and(|media| media.starts_with("application/fhir+xml"));
    let read = codec::read(if is_xml { Syntax::Xml } else { Syntax::Json }, &answer.body);
    read.map_err(|_unread| if is_xml { "the body is not FHIR XML" } else { "the body is not JSON" }.to_owned())
}

/// The texts that an expression leads to; what has parts as its JSON.
///
/// # Errors
/// Where it cannot be evaluated.
pub fn texts(body: &Value, expression: &str) -> Result<Vec<String>, String> {
    let query = Query::compile(expression).map_err(|error| format!("{expression}: {error}"))?;
    let found = query.evaluate(body).map_err(|error| format!("{expression}: {error}"))?;
    Ok(found.iter().map(|item| item.text().unwrap_or_else(|| item.json().to_string())).collect())
}

/// The texts that a JSON path (`$.a.b[0].c`, `a.b`) leads to.
///
/// # Errors
/// Where it is no such path.
pub fn by_path(body: &Value, path: &str) -> Result<Vec<String>, String> {
    let plain = path.strip_prefix("$.").unwrap_or(path);
    let is_plain = plain.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '[' | ']' | '_'));
    if is_plain { texts(body, plain) } else { Err(format!("{path}: only members and numbers are read of a path")) }
}

fn filtered(bytes: &[u8], filter: &str) -> Result<String, String> {
    match filter {
        "base64" => Ok(base64_simd::STANDARD.encode_to_string(bytes)),
        "sha1" => Ok(sha1_of(bytes)),
        "size" => Ok(bytes.len().to_string()),
        "url" => Ok(encoded(bytes)),
        _ => Err(format!("there is no filter {filter}")),
    }
}

/// The SHA-1 of bytes in base64, as `Attachment.hash` has it.
pub fn sha1_of(bytes: &[u8]) -> String {
    base64_simd::STANDARD.encode_to_string(Sha1::digest(bytes))
}

fn encoded(bytes: &[u8]) -> String {
    let byte = |byte: &u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(*byte).to_string(),
        other => format!("%{other:02X}"),
    };
    bytes.iter().map(byte).collect()
}

/// Puts a value at a pointer, or takes away what stands there.
fn changed(value: &mut Value, pointer: &str, new: Option<Value>) -> Option<()> {
    let (before, last) = pointer.rsplit_once('/')?;
    match (value.pointer_mut(before)?, new) {
        (Value::Object(members), Some(new)) => drop(members.insert(last.to_owned(), new)),
        (Value::Object(members), None) => drop(members.shift_remove(last)?),
        (Value::Array(items), Some(new)) if last == "-" => items.push(new),
        (Value::Array(items), Some(new)) => *items.get_mut(last.parse::<usize>().ok()?)? = new,
        (Value::Array(items), None) => {
            let place = last.parse::<usize>().ok().filter(|place| *place < items.len())?;
            items.remove(place);
        }
        _ => return None,
    }
    Some(())
}

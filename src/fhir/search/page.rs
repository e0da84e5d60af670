//! Page positions that only this server can write and only their owner can use (contract §8,
//! pains 5): sealed, self-contained, no state kept.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use uuid::Uuid;

use crate::error::{Code, Error};
use crate::ids::IdSource;

const NONCE: usize = 12;
/// The layout of what is sealed; another layout gets another number.
const LAYOUT: u8 = 3;

/// A value by which resources are put in order.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// Microseconds, or millionths.
    Number(i64),
    /// A row's text.
    Text(String),
}

/// A text may be somebody's name: never shown.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(_) => f.write_str("***"),
        }
    }
}

/// What the first page saw: the pages after it show the same (R4 search §paging).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapshot {
    /// The last update that it saw, in microseconds.
    pub at: i64,
    /// How many resources it found in all.
    pub total: i64,
}

/// Where a page ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The value of each key of the order; resources without one sort last.
    pub values: Vec<Option<Value>>,
    /// The id of the last resource.
    pub id: Uuid,
    /// What the first page saw, where its like is kept.
    pub snapshot: Option<Snapshot>,
}

impl Position {
    /// A place in what is counted by one number: versions, traces.
    pub fn numbered(number: i64) -> Self {
        Self { values: vec![Some(Value::Number(number))], id: Uuid::nil(), snapshot: None }
    }

    /// The number of the first key.
    pub fn number(&self) -> Option<i64> {
        match self.values.first() {
            Some(Some(Value::Number(number))) => Some(*number),
            _ => None,
        }
    }
}

/// What a page link carries.
#[derive(Clone, PartialEq, Eq)]
pub struct Page {
    /// The query, in the canonical form the caller will parse again.
    pub query: String,
    /// Where the page before ended.
    pub after: Position,
}

/// The query may name a patient: never shown.
impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page").field("after", &self.after).finish_non_exhaustive()
    }
}

/// Seals and opens positions under one key of the server (AES-256-GCM).
pub struct Sealer {
    key: LessSafeKey,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(***)")
    }
}

impl Sealer {
    /// A sealer under a key of 32 bytes; the same key on every server of one service.
    ///
    /// # Errors
    /// [`Code::Internal`] where the library refuses the key.
    pub fn new(key: &[u8; 32]) -> Result<Self, Error> {
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|cause| Error::from(Code::Internal).because(cause))?;
        Ok(Self { key: LessSafeKey::new(key) })
    }

    /// A token for the next page of a search on `kind`, good for `caller` alone. `ids` gives the
    /// nonce: outside tests and replays it must be the system's, for a nonce must not come twice.
    ///
    /// # Errors
    /// [`Code::Internal`] where the library fails.
    pub fn seal(&self, page: &Page, kind: &str, caller: &str, ids: &dyn IdSource) -> Result<String, Error> {
        let count =
            u8::try_from(page.after.values.len()).map_err(|cause| Error::from(Code::Internal).because(cause))?;
        let mut content = vec![LAYOUT, count];
        for value in &page.after.values {
            put(&mut content, value.as_ref());
        }
        content.extend(page.after.id.as_bytes());
        put(&mut content, page.after.snapshot.map(|snapshot| Value::Number(snapshot.at)).as_ref());
        put(&mut content, page.after.snapshot.map(|snapshot| Value::Number(snapshot.total)).as_ref());
        content.extend(page.query.as_bytes());
        self.close(content, &binding("page", kind, caller), ids)
    }

    /// Opens a token of [`Self::seal`].
    ///
    /// # Errors
    /// [`Code::PageLink`] for what this server never wrote for this caller and this type.
    pub fn open(&self, token: &str, kind: &str, caller: &str) -> Result<Page, Error> {
        self.unseal(token, &binding("page", kind, caller))
            .and_then(|content| read(&content))
            .ok_or_else(|| Code::PageLink.into())
    }

    /// A token of a length that depends on `length` alone, in the place of `text` (an INS, an id):
    /// the self link then tells nothing about what was asked. Text longer than `length` is refused.
    ///
    /// # Errors
    /// [`Code::Value`] for text longer than `length` bytes, [`Code::Internal`] where the library fails.
    pub fn seal_constant(&self, text: &str, length: usize, caller: &str, ids: &dyn IdSource) -> Result<String, Error> {
        if text.len() > length || text.contains('\0') {
            return Err(Code::Value.into());
        }
        let mut content = text.as_bytes().to_vec();
        content.resize(length, 0);
        self.close(content, &binding("text", "", caller), ids)
    }

    /// The text of a token of [`Self::seal_constant`].
    ///
    /// # Errors
    /// [`Code::PageLink`] for what this server never wrote for this caller.
    pub fn open_constant(&self, token: &str, caller: &str) -> Result<String, Error> {
        self.unseal(token, &binding("text", "", caller))
            .and_then(|content| String::from_utf8(content).ok())
            .map(|text| text.trim_end_matches('\0').to_owned())
            .ok_or_else(|| Code::PageLink.into())
    }

    fn close(&self, mut content: Vec<u8>, binding: &[u8], ids: &dyn IdSource) -> Result<String, Error> {
        let mut nonce = [0_u8; NONCE];
        ids.fill(&mut nonce);
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(binding), &mut content)
            .map_err(|cause| Error::from(Code::Internal).because(cause))?;
        let sealed = [nonce.as_slice(), content.as_slice()].concat();
        Ok(base64_simd::URL_SAFE_NO_PAD.encode_to_string(sealed))
    }

    fn unseal(&self, token: &str, binding: &[u8]) -> Option<Vec<u8>> {
        let sealed = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(token).ok()?;
        let (nonce, content) = sealed.split_first_chunk::<NONCE>()?;
        let mut content = content.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = self.key.open_in_place(nonce, Aad::from(binding), &mut content).ok()?;
        Some(plain.to_vec())
    }
}

/// What a token is bound to; the lengths keep the parts apart.
fn binding(purpose: &str, kind: &str, caller: &str) -> Vec<u8> {
    format!("{purpose}|{}|{kind}|{caller}", kind.len()).into_bytes()
}

/// A value: its sort, then its bytes; a text after its length.
fn put(content: &mut Vec<u8>, value: Option<&Value>) {
    match value {
        None => content.push(0),
        Some(Value::Number(number)) => {
            content.push(1);
            content.extend(number.to_be_bytes());
        }
        Some(Value::Text(text)) => {
            content.push(2);
            content.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
            content.extend(text.as_bytes());
        }
    }
}

/// A value and what follows it.
fn take(content: &[u8]) -> Option<(Option<Value>, &[u8])> {
    let ([sort], rest) = content.split_first_chunk::<1>()?;
    match sort {
        0 => Some((None, rest)),
        1 => {
            let (number, rest) = rest.split_first_chunk::<8>()?;
            Some((Some(Value::Number(i64::from_be_bytes(*number))), rest))
        }
        2 => {
            let (length, rest) = rest.split_first_chunk::<4>()?;
            let (text, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
            Some((Some(Value::Text(String::from_utf8(text.to_vec()).ok()?)), rest))
        }
        _ => None,
    }
}

fn read(content: &[u8]) -> Option<Page> {
    let ([layout, count], mut rest) = content.split_first_chunk::<2>()?;
    (*layout == LAYOUT).then_some(())?;
    let mut values = Vec::new();
    for _ in 0..*count {
        let (value, after) = take(rest)?;
        values.push(value);
        rest = after;
    }
    let (id, rest) = rest.split_first_chunk::<16>()?;
    let (at, rest) = take(rest)?;
    let (total, query) = take(rest)?;
    let snapshot = match (at, total) {
        (Some(Value::Number(at)), Some(Value::Number(total))) => Some(Snapshot { at, total }),
        _ => None,
    };
    let query = String::from_utf8(query.to_vec()).ok()?;
    Some(Page { query, after: Position { values, id: Uuid::from_bytes(*id), snapshot } })
}

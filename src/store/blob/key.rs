//! Master keys, and the keys of documents wrapped by them (issue: storage; "rotation re-wraps keys only").
//!
//! The key file is text, one `id base64key` a line; `#` begins a comment. The first key is the
//! current one and wraps; the others only unwrap. To rotate: put a new line on top, restart, re-wrap,
//! and remove the old line once no row names it. One master key wraps at most 2^32 documents
//! (NIST SP 800-38D §8.3, random nonces).

use std::fmt;
use std::io;
use std::path::Path;
use std::str::FromStr;

use aws_lc_rs::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};
use uuid::Uuid;
use zeroize::{Zeroize as _, Zeroizing};

use super::Fault;
use super::cipher::{DocumentKey, TAG, aead_key};
use crate::ids::{IdSource, Malformed};
use crate::store::keyfile;

/// First byte of every wrapped key.
const VERSION: u8 = 1;
/// Bytes of a wrapped key after its head: nonce, sealed key, tag.
const WRAPPED_TAIL: usize = NONCE_LEN + 32 + TAG;

/// The name of a master key: 1 to 32 lower-case letters, digits, `-`, `_` or `.`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyId(String);

impl FromStr for KeyId {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let is_known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
        let valid = (1..=32).contains(&text.len()) && text.bytes().all(is_known);
        if valid { Ok(Self(text.to_owned())) } else { Err(Malformed { what: "master key id" }) }
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a key file cannot be used. Never shows a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read or written.
    #[error("the key file cannot be read or written")]
    File(#[from] io::Error),
    /// Others than the owner and the group may read it, or others than the owner may write it.
    #[error("the key file is open to others: set its mode to 0600")]
    Exposed,
    /// A line is not `id base64key` with 32 bytes of key.
    #[error("line {line} of the key file is not `id base64key` with a key of 32 bytes")]
    Line {
        /// The number of the line, from 1.
        line: usize,
    },
    /// Two lines have the same id.
    #[error("line {line} of the key file repeats an id")]
    Repeated {
        /// The number of the line, from 1.
        line: usize,
    },
    /// There is no key in the file.
    #[error("the key file holds no key")]
    Empty,
    /// A key that wraps cannot be taken away.
    #[error("this master key wraps new documents: rotate first")]
    Wraps,
    /// No key of this id.
    #[error("the key file holds no key of this id")]
    Unknown,
}

/// The master keys: the current one, and the older ones whose documents are not re-wrapped yet.
pub struct MasterKeys {
    current: (KeyId, LessSafeKey),
    older: Vec<(KeyId, LessSafeKey)>,
}

impl MasterKeys {
    /// Reads a key file's text.
    pub fn parse(text: &str) -> Result<Self, KeyFileError> {
        let mut keys: Vec<(KeyId, LessSafeKey)> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let number = number.saturating_add(1);
            let (id, key) = read_line(line).ok_or(KeyFileError::Line { line: number })?;
            if keys.iter().any(|(known, _)| *known == id) {
                return Err(KeyFileError::Repeated { line: number });
            }
            keys.push((id, key));
        }
        let mut keys = keys.into_iter();
        let current = keys.next().ok_or(KeyFileError::Empty)?;
        Ok(Self { current, older: keys.collect() })
    }

    /// Reads a key file at start-up. Blocking.
    pub fn load(path: &Path) -> Result<Self, KeyFileError> {
        Self::parse(&read(path)?)
    }

    /// Puts a new random key on top of a key file: it wraps from the next start on. Answers its id.
    pub fn rotate(path: &Path, ids: &dyn IdSource) -> Result<KeyId, KeyFileError> {
        let text = read(path)?;
        let known = Self::parse(&text)?;
        let fresh = (1..).map(|number: u32| KeyId(format!("k{number}")));
        let fresh =
            fresh.into_iter().find(|id| known.all().all(|(known, _)| known != id)).ok_or(KeyFileError::Empty)?;
        let mut whole = new_line(&fresh, ids);
        whole.push_str(&text);
        keyfile::replace(path, whole.as_bytes())?;
        Ok(fresh)
    }

    /// Takes a key out of a key file. What it still wraps cannot be read any more: ask first.
    pub fn retire(path: &Path, id: &KeyId) -> Result<(), KeyFileError> {
        let text = read(path)?;
        let known = Self::parse(&text)?;
        if known.current() == id {
            return Err(KeyFileError::Wraps);
        }
        if known.all().all(|(known, _)| known != id) {
            return Err(KeyFileError::Unknown);
        }
        let names = |line: &str| line.trim().split([' ', '\t']).next() == Some(id.0.as_str());
        let mut rest = Zeroizing::new(String::with_capacity(text.len()));
        for line in text.lines().filter(|line| !names(line)) {
            rest.push_str(line);
            rest.push('\n');
        }
        Ok(keyfile::replace(path, rest.as_bytes())?)
    }

    /// The same, for development: a file with one random key is made, mode 0600, where there is none.
    pub fn load_or_create(path: &Path, ids: &dyn IdSource) -> Result<Self, KeyFileError> {
        keyfile::write_once(path, new_line(&KeyId("k1".to_owned()), ids).as_bytes())?;
        Self::load(path)
    }

    /// The id of the key that wraps.
    pub const fn current(&self) -> &KeyId {
        &self.current.0
    }

    /// The ids of all keys, the one that wraps first.
    pub fn ids(&self) -> Vec<KeyId> {
        self.all().map(|(id, _)| id.clone()).collect()
    }

    fn all(&self) -> impl Iterator<Item = &(KeyId, LessSafeKey)> {
        std::iter::once(&self.current).chain(&self.older)
    }

    /// Wraps a document's key: version, length of the id, id, nonce, sealed key, tag. What comes
    /// before the nonce is authenticated, and the document's id with it.
    pub fn wrap(&self, key: &DocumentKey, ids: &dyn IdSource) -> Result<Vec<u8>, Fault> {
        let mut nonce = [0_u8; NONCE_LEN];
        ids.fill(&mut nonce);
        self.wrap_with(key, nonce)
    }

    /// The same with a nonce already drawn, which must never be used again.
    pub(super) fn wrap_with(&self, key: &DocumentKey, nonce: [u8; NONCE_LEN]) -> Result<Vec<u8>, Fault> {
        let (id, master) = &self.current;
        let head = head_of(id);
        let mut secret = key.secret().clone();
        let sealed = Nonce::assume_unique_for_key(nonce);
        let tag = master
            .seal_in_place_separate_tag(sealed, bound(&head, key.document()), secret.as_mut_slice())
            .map_err(|_unspecified| Fault::WrappedKey)?;
        Ok([head.as_slice(), &nonce, secret.as_slice(), tag.as_ref()].concat())
    }

    /// The key of the document `document` from its wrapped form.
    pub fn unwrap(&self, document: Uuid, wrapped: &[u8]) -> Result<DocumentKey, Fault> {
        let id = master_of(wrapped)?;
        let master = self.all().find(|(known, _)| *known == id).map(|(_, key)| key);
        let master = master.ok_or(Fault::UnknownMasterKey { id })?;
        let split = wrapped.len().saturating_sub(WRAPPED_TAIL);
        let (head, tail) = wrapped.split_at_checked(split).ok_or(Fault::WrappedKey)?;
        let (nonce, sealed) = tail.split_first_chunk::<NONCE_LEN>().ok_or(Fault::WrappedKey)?;
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let opened = master
            .open_in_place(Nonce::assume_unique_for_key(*nonce), bound(head, document), &mut sealed)
            .map_err(|_unspecified| Fault::WrappedKey)?;
        let mut secret = Zeroizing::new([0_u8; 32]);
        if opened.len() != secret.len() {
            return Err(Fault::WrappedKey);
        }
        secret.copy_from_slice(opened);
        DocumentKey::from_secret(document, secret)
    }

    /// The key wrapped anew by the current master key; none where it is already. The document's
    /// bytes are untouched.
    pub fn rewrap(&self, document: Uuid, wrapped: &[u8], ids: &dyn IdSource) -> Result<Option<Vec<u8>>, Fault> {
        if master_of(wrapped)? == *self.current() {
            return Ok(None);
        }
        self.wrap(&self.unwrap(document, wrapped)?, ids).map(Some)
    }
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all().map(|(id, _)| id)).finish()
    }
}

/// A new line for the key file, with a random key.
pub fn new_line(id: &KeyId, ids: &dyn IdSource) -> Zeroizing<String> {
    let mut secret = Zeroizing::new([0_u8; 32]);
    ids.fill(secret.as_mut_slice());
    let encoded = Zeroizing::new(base64_simd::STANDARD.encode_to_string(secret.as_slice()));
    Zeroizing::new(format!("{id} {}\n", *encoded))
}

fn read(path: &Path) -> Result<Zeroizing<String>, KeyFileError> {
    let mut file = std::fs::File::open(path)?;
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::mode(&file.metadata()?) & 0o027 != 0 {
        return Err(KeyFileError::Exposed);
    }
    let mut text = Zeroizing::new(String::new());
    io::Read::read_to_string(&mut file, &mut text)?;
    Ok(text)
}

fn read_line(line: &str) -> Option<(KeyId, LessSafeKey)> {
    let (id, encoded) = line.split_once([' ', '\t'])?;
    let mut decoded = base64_simd::STANDARD.decode_to_vec(encoded.trim()).ok()?;
    let key = <&[u8; 32]>::try_from(decoded.as_slice()).ok().and_then(|secret| aead_key(secret).ok());
    decoded.zeroize();
    Some((id.parse().ok()?, key?))
}

fn head_of(id: &KeyId) -> Vec<u8> {
    let length = u8::try_from(id.0.len()).unwrap_or(u8::MAX);
    [&[VERSION, length], id.0.as_bytes()].concat()
}

/// The id of the master key that a wrapped key names.
pub fn master_of(wrapped: &[u8]) -> Result<KeyId, Fault> {
    let malformed = |_| Fault::WrappedKey;
    let [VERSION, length, rest @ ..] = wrapped else { return Err(Fault::WrappedKey) };
    let (id, tail) = rest.split_at_checked(usize::from(*length)).ok_or(Fault::WrappedKey)?;
    if tail.len() != WRAPPED_TAIL {
        return Err(Fault::WrappedKey);
    }
    let id = std::str::from_utf8(id).map_err(|_utf8| Fault::WrappedKey)?;
    id.parse().map_err(malformed)
}

fn bound(head: &[u8], document: Uuid) -> Aad<Vec<u8>> {
    Aad::from([head, document.as_bytes()].concat())
}

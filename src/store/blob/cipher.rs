//! Segments of a document, sealed and opened one by one (issue: storage; NIST SP 800-38D).
//!
//! The plaintext is cut every 64 KiB; each piece is sealed with AES-256-GCM under the document's own
//! random key and followed by its tag. The nonce is the segment's number, which is safe because a
//! key seals one document once. The document's id, the number and whether the segment is the last
//! are authenticated, so that segments can be neither moved, nor swapped, nor left out at the end; so is
//! whether its bytes were packed before ([`Part`]).

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::Fault;
use crate::ids::IdSource;

/// Plaintext bytes in every segment but the last, which may be shorter.
pub const SEGMENT: usize = 64 * 1024;
/// Bytes of the tag that follows each segment.
pub const TAG: usize = 16;
/// Bytes of a sealed segment that is full.
pub const SEALED_SEGMENT: usize = SEGMENT + TAG;
/// [`SEGMENT`] as sizes of documents are counted.
pub(super) const SEGMENT_WIDE: u64 = 64 * 1024;
/// [`SEALED_SEGMENT`] as sizes of documents are counted.
pub(super) const SEALED_SEGMENT_WIDE: u64 = SEGMENT_WIDE + 16;

/// How many segments a document of `size` bytes has: at least one, so that even nothing is sealed.
pub const fn segments(size: u64) -> u64 {
    if size == 0 { 1 } else { size.div_ceil(SEGMENT_WIDE) }
}

/// How many bytes a document of `size` bytes takes when sealed.
pub const fn sealed_size(size: u64) -> u64 {
    size.saturating_add((SEALED_SEGMENT_WIDE - SEGMENT_WIDE).saturating_mul(segments(size)))
}

/// What a segment is among those of its document. It is authenticated: none passes for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Others follow.
    Inner,
    /// The last one.
    Last,
    /// The only one, its bytes packed.
    Packed,
}

impl Part {
    /// What a segment of bytes as they are is, by whether it is the last.
    pub const fn of(is_last: bool) -> Self {
        if is_last { Self::Last } else { Self::Inner }
    }

    const fn number(self) -> u8 {
        match self {
            Self::Inner => 0,
            Self::Last => 1,
            Self::Packed => 3,
        }
    }
}

/// The key of one document, bound to that document's id.
pub struct DocumentKey {
    document: Uuid,
    secret: Zeroizing<[u8; 32]>,
    aead: LessSafeKey,
}

impl DocumentKey {
    /// A new random key for the document `document`.
    pub fn random(document: Uuid, ids: &dyn IdSource) -> Result<Self, Fault> {
        let mut secret = Zeroizing::new([0_u8; 32]);
        ids.fill(secret.as_mut_slice());
        Self::from_secret(document, secret)
    }

    /// The key with the given bytes.
    pub(super) fn from_secret(document: Uuid, secret: Zeroizing<[u8; 32]>) -> Result<Self, Fault> {
        Ok(Self { document, aead: aead_key(&secret)?, secret })
    }

    /// The id of the document this key belongs to.
    pub const fn document(&self) -> Uuid {
        self.document
    }

    /// The bytes of the key, to be wrapped.
    pub(super) const fn secret(&self) -> &Zeroizing<[u8; 32]> {
        &self.secret
    }

    /// Encrypts `segment` where it lies and returns the tag to be written after it.
    pub fn seal(&self, number: u64, part: Part, segment: &mut [u8]) -> Result<[u8; TAG], Fault> {
        let refused = |_unspecified| Fault::Segment { number };
        let tag =
            self.aead.seal_in_place_separate_tag(nonce(number), self.bound(number, part), segment).map_err(refused)?;
        <[u8; TAG]>::try_from(tag.as_ref()).map_err(|_length| Fault::Segment { number })
    }

    /// Decrypts a sealed segment, tag included, where it lies; the plaintext is its first bytes.
    pub fn open<'a>(&self, number: u64, part: Part, sealed: &'a mut [u8]) -> Result<&'a mut [u8], Fault> {
        self.aead
            .open_in_place(nonce(number), self.bound(number, part), sealed)
            .map_err(|_unspecified| Fault::Segment { number })
    }

    fn bound(&self, number: u64, part: Part) -> Aad<[u8; 25]> {
        let mut bytes = [0_u8; 25];
        let number = number.to_be_bytes();
        let parts = self.document.as_bytes().iter().chain(&number).copied().chain([part.number()]);
        for (byte, part) in bytes.iter_mut().zip(parts) {
            *byte = part;
        }
        Aad::from(bytes)
    }
}

impl fmt::Debug for DocumentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DocumentKey").field("document", &self.document).finish_non_exhaustive()
    }
}

/// An AES-256-GCM key from its bytes.
pub(super) fn aead_key(secret: &[u8; 32]) -> Result<LessSafeKey, Fault> {
    UnboundKey::new(&AES_256_GCM, secret).map(LessSafeKey::new).map_err(|_unspecified| Fault::WrappedKey)
}

fn nonce(number: u64) -> Nonce {
    let mut bytes = [0_u8; 12];
    for (byte, part) in bytes.iter_mut().skip(4).zip(number.to_be_bytes()) {
        *byte = part;
    }
    Nonce::assume_unique_for_key(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SeededIds;

    fn key(document: u128) -> DocumentKey {
        DocumentKey::random(Uuid::from_u128(document), &SeededIds::new(7)).unwrap()
    }

    fn sealed(key: &DocumentKey, number: u64, part: Part) -> Vec<u8> {
        let mut bytes = b"compte rendu".to_vec();
        let tag = key.seal(number, part, &mut bytes).unwrap();
        bytes.extend_from_slice(&tag);
        bytes
    }

    #[test]
    fn a_segment_opens_only_in_its_own_place() {
        let key = key(1);
        let inner = || sealed(&key, 3, Part::Inner);
        assert_eq!(key.open(3, Part::Inner, &mut inner()).unwrap(), b"compte rendu");
        assert!(key.open(4, Part::Inner, &mut inner()).is_err());
        assert!(key.open(3, Part::Last, &mut inner()).is_err());
        assert!(key.open(3, Part::Packed, &mut inner()).is_err());
        assert!(key.open(3, Part::Last, &mut sealed(&key, 3, Part::Packed)).is_err());
    }

    #[test]
    fn the_same_key_under_another_document_id_opens_nothing() {
        let mut bytes = sealed(&key(1), 0, Part::Last);
        assert!(key(2).open(0, Part::Last, &mut bytes).is_err());
    }

    #[test]
    fn sizes_count_a_tag_for_each_segment() {
        for (size, count) in [(0, 1), (1, 1), (65_536, 1), (65_537, 2), (100_000_000, 1_526)] {
            assert_eq!(segments(size), count, "{size}");
            assert_eq!(sealed_size(size), size + 16 * count, "{size}");
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let key = key(1);
        let secret = format!("{:?}", &key.secret()[..4]);
        assert!(!format!("{key:?}").contains(secret.trim_matches(['[', ']'])));
    }
}

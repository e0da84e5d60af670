//! Stored bytes are packed against dictionaries of the release (RFC 8878; docs/decisions/0016-packed-bodies.md).
//!
//! The first byte says how the rest is written: the number of a dictionary, then a Zstandard frame; zero, then the
//! bytes themselves; anything from [`FIRST_TEXT`] on is the first byte of a text that stands as it is, as all
//! did before. A released dictionary is never changed nor removed.

use std::cell::RefCell;
use std::sync::LazyLock;

use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};

/// What a text is like: the dictionary that new ones are packed against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// JSON of a resource.
    Resource,
    /// The bytes of a document: a CDA, most of the time.
    Document,
    /// JSON of a trace.
    Trace,
}

impl Kind {
    /// The number of its dictionary, from 1.
    const fn number(self) -> u8 {
        match self {
            Self::Resource => 1,
            Self::Document => 2,
            Self::Trace => 3,
        }
    }
}

/// Packed bytes that do not unpack: altered, or of a later release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("packed bytes do not unpack")]
pub(super) struct Unreadable;

/// The dictionaries by number, from 1.
const RELEASED: [&[u8]; 3] = [
    include_bytes!("../../schemas/compression/1.zdict"),
    include_bytes!("../../schemas/compression/2.zdict"),
    include_bytes!("../../schemas/compression/3.zdict"),
];
/// The first byte of bytes that are neither packed nor a text.
const AS_IT_IS: u8 = 0;
/// No text of ours begins with a lesser byte; smaller ones are numbers of dictionaries.
const FIRST_TEXT: u8 = 0x20;
/// How hard each is packed. A page of a search unpacks twenty resources, and does so in half the time where their
/// letters are not coded one by one (a level below zero): that is worth a hundred bytes of each. Levels above 1 save a
/// thirtieth at half again the time.
const LEVELS: [i32; 3] = [-1, 1, 1];
/// The most that is unpacked, in bytes: no stored text is as long.
const LARGEST: u64 = 64 << 20;

static PACKING: [LazyLock<EncoderDictionary<'static>>; 3] =
    [LazyLock::new(|| encoder(0)), LazyLock::new(|| encoder(1)), LazyLock::new(|| encoder(2))];
static UNPACKING: [LazyLock<DecoderDictionary<'static>>; 3] =
    [LazyLock::new(|| decoder(0)), LazyLock::new(|| decoder(1)), LazyLock::new(|| decoder(2))];

thread_local! {
    static PACKERS: RefCell<[Option<Compressor<'static>>; 3]> = const { RefCell::new([None, None, None]) };
    static UNPACKERS: RefCell<[Option<Decompressor<'static>>; 3]> = const { RefCell::new([None, None, None]) };
}

fn encoder(place: usize) -> EncoderDictionary<'static> {
    EncoderDictionary::copy(
        RELEASED.get(place).copied().unwrap_or_default(),
        LEVELS.get(place).copied().unwrap_or_default(),
    )
}

fn decoder(place: usize) -> DecoderDictionary<'static> {
    DecoderDictionary::copy(RELEASED.get(place).copied().unwrap_or_default())
}

/// Bytes as they are stored: packed if that is shorter, else as they are.
pub(super) fn pack(kind: Kind, plain: &[u8]) -> Vec<u8> {
    if let Some(packed) = pack_shorter(kind, plain) {
        return packed;
    }
    let is_text = plain.first().is_none_or(|first| *first >= FIRST_TEXT);
    let mut stored = Vec::with_capacity(plain.len() + 1);
    stored.extend((!is_text).then_some(AS_IT_IS));
    stored.extend_from_slice(plain);
    stored
}

/// The packed bytes, if they are shorter.
pub(super) fn pack_shorter(kind: Kind, plain: &[u8]) -> Option<Vec<u8>> {
    let number = kind.number();
    let place = usize::from(number).checked_sub(1)?;
    let frame = PACKERS.with_borrow_mut(|packers| {
        let packer = packers.get_mut(place)?;
        if packer.is_none() {
            *packer = Compressor::with_prepared_dictionary(PACKING.get(place)?).ok();
        }
        packer.as_mut()?.compress(plain).ok()
    })?;
    let mut packed = Vec::with_capacity(frame.len() + 1);
    packed.push(number);
    packed.extend_from_slice(&frame);
    (packed.len() < plain.len()).then_some(packed)
}

/// The bytes that were packed.
pub(super) fn unpack(stored: Vec<u8>) -> Result<Vec<u8>, Unreadable> {
    let Some((first, frame)) = stored.split_first() else { return Ok(stored) };
    match *first {
        AS_IT_IS => Ok(frame.to_vec()),
        FIRST_TEXT.. => Ok(stored),
        number => unframe(number, frame).ok_or(Unreadable),
    }
}

fn unframe(number: u8, frame: &[u8]) -> Option<Vec<u8>> {
    let place = usize::from(number).checked_sub(1)?;
    // Our frames say how long their content is.
    let length = zstd::zstd_safe::get_frame_content_size(frame).ok().flatten().filter(|length| *length <= LARGEST)?;
    let length = usize::try_from(length).ok()?;
    UNPACKERS.with_borrow_mut(|unpackers| {
        let unpacker = unpackers.get_mut(place)?;
        if unpacker.is_none() {
            *unpacker = Decompressor::with_prepared_dictionary(UNPACKING.get(place)?).ok();
        }
        unpacker.as_mut()?.decompress(frame, length).ok().filter(|plain| plain.len() == length)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [Kind; 3] = [Kind::Resource, Kind::Document, Kind::Trace];

    #[test]
    fn whatever_is_packed_unpacks() {
        let text = r#"{"resourceType":"DocumentReference","status":"current"}"#;
        let noise: Vec<u8> = (0..2_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
        let many = text.repeat(5_000);
        for kind in KINDS {
            for plain in
                [&b""[..], b"{", b"\0", b"\x01abc", b"\n {}", b"\xff\xfe", text.as_bytes(), many.as_bytes(), &noise]
            {
                let stored = pack(kind, plain);
                assert!(stored.len() <= plain.len() + 1, "{kind:?}");
                assert_eq!(unpack(stored).as_deref(), Ok(plain), "{kind:?}");
            }
        }
        assert!(pack(Kind::Resource, text.as_bytes()).len() < text.len() * 2 / 3);
    }

    #[test]
    fn what_was_stored_before_there_were_dictionaries_reads_as_it_is() {
        for plain in [&b"{\"resourceType\":\"List\"}"[..], b"", b"{}", b"[1]"] {
            assert_eq!(unpack(plain.to_vec()).as_deref(), Ok(plain));
        }
    }

    #[test]
    fn altered_cut_and_unknown_bytes_are_refused() {
        let plain = r#"{"resourceType":"List","status":"current"}"#.repeat(3);
        let packed = pack(Kind::Resource, plain.as_bytes());
        assert_eq!(packed.first(), Some(&1));
        assert_eq!(unpack(packed[..packed.len() - 1].to_vec()), Err(Unreadable));
        assert_eq!(unpack(packed[..1].to_vec()), Err(Unreadable));
        for number in [2, 3, 4, 0x1f] {
            let mut other = packed.clone();
            other[0] = number;
            assert_eq!(unpack(other), Err(Unreadable), "{number}");
        }
    }

    #[test]
    fn released_dictionaries_never_change() {
        use sha2::{Digest as _, Sha256};
        let digests = [
            "bef357e2633e6df48df185e3659d21e6e9374584450ba506369dd2818db76943",
            "f08071e5e05807cff12d525accfe653f587ea1a0499652991ab1ba2734cf505e",
            "f07c8710e451345c4db493c62d3438eddb224902facbf8634159a862e023eb1e",
        ];
        for (released, digest) in RELEASED.iter().zip(digests) {
            assert_eq!(format!("{:?}", crate::ids::Digest256(Sha256::digest(released).into())), digest);
        }
    }
}

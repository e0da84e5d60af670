//! A document inside its FHIR resource, encoded as it is read (R4 binary.html): no more than a few
//! segments of it are in memory.

use std::future::ready;

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _};

use crate::error::Error;

/// What stands in a frame for the data.
pub(super) const DATA: &str = "#data";

/// A frame, a resource in JSON or XML, with the `size` bytes of `pieces` in base64 where it says [`DATA`] last;
/// and how many bytes that makes.
pub(super) fn encoded<S>(frame: &str, size: u64, pieces: S) -> (u64, impl Stream<Item = Result<Bytes, Error>> + use<S>)
where
    S: Stream<Item = Result<Bytes, Error>>,
{
    let (head, tail) = frame.rsplit_once(DATA).unwrap_or((frame, ""));
    let (head, tail) = (Bytes::copy_from_slice(head.as_bytes()), Bytes::copy_from_slice(tail.as_bytes()));
    let around = u64::try_from(head.len() + tail.len()).unwrap_or(u64::MAX);
    let length = size.div_ceil(3).saturating_mul(4).saturating_add(around);
    let pieces = pieces.map(|piece| piece.map(Some)).chain(stream::iter([Ok(None)]));
    let data = pieces.scan(Vec::new(), |left, piece| ready(Some(piece.map(|piece| encode(left, piece)))));
    (length, stream::iter([Ok(head)]).chain(data).chain(stream::iter([Ok(tail)])))
}

/// The next piece in base64, three bytes at a time; what is left waits for the next one, and after the
/// last one (none) is encoded too.
fn encode(left: &mut Vec<u8>, piece: Option<Bytes>) -> Bytes {
    let is_last = piece.is_none();
    left.extend_from_slice(&piece.unwrap_or_default());
    let threes = left.len() / 3 * 3;
    let rest = left.split_off(if is_last { left.len() } else { threes });
    let text = base64_simd::STANDARD.encode_to_string(&*left);
    *left = rest;
    Bytes::from(text)
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt as _;

    use super::*;

    #[tokio::test]
    async fn pieces_of_any_length_make_one_document() {
        let bytes: Vec<u8> = (0..=255).collect();
        for (size, step) in [(0, 1), (1, 1), (2, 1), (3, 2), (7, 4), (255, 64), (256, 1), (256, 256)] {
            let pieces: Vec<Result<Bytes, Error>> =
                bytes[..size].chunks(step).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
            let (length, stream) =
                encoded(r##"{"a":1,"data":"#data"}"##, u64::try_from(size).unwrap(), stream::iter(pieces));
            let whole = stream.try_collect::<Vec<_>>().await.unwrap().concat();
            assert_eq!(u64::try_from(whole.len()).unwrap(), length, "{size} {step}");
            let read: serde_json::Value = serde_json::from_slice(&whole).unwrap();
            let data = base64_simd::STANDARD.decode_to_vec(read["data"].as_str().unwrap()).unwrap();
            assert!(data == bytes[..size], "{size} {step}");
        }
    }
}

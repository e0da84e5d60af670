//! Request bodies as they arrive: a limit, a pace, and a precise refusal (contract §8: 408, 413).

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::header;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;

use crate::clock::Stopwatch;
use crate::error::{Code, Error, Issue};

/// Slowest pace, once the first idle time is spent: 10 bytes a millisecond.
const BYTES_PER_MS: u64 = 10;

/// A body read piece by piece.
pub(crate) struct Body {
    payload: Payload,
    limit: u64,
    idle: Duration,
    received: u64,
    since: Stopwatch,
}

impl Body {
    /// A body of at most `limit` bytes whose pieces come at most `idle_ms` apart.
    pub(crate) fn new(payload: Payload, limit: u64, idle_ms: u64) -> Self {
        Self { payload, limit, idle: Duration::from_millis(idle_ms), received: 0, since: Stopwatch::start() }
    }

    /// The same, refused before its first byte where its `Content-Length` says that it is too long.
    pub(crate) fn declared(request: &HttpRequest, payload: Payload, limit: u64, idle_ms: u64) -> Result<Self, Error> {
        let length =
            request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        if length.is_some_and(|length: u64| length > limit) {
            Err(too_large(limit))
        } else {
            Ok(Self::new(payload, limit, idle_ms))
        }
    }

    /// The next piece; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let Ok(piece) = tokio::time::timeout(self.idle, self.payload.next()).await else {
            return Err(Code::Timeout.into());
        };
        let Some(piece) = piece else { return Ok(None) };
        let piece = piece.map_err(|error| Error::from(Code::Structure).because(error))?;
        self.received = self.received.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        if self.received > self.limit {
            return Err(too_large(self.limit));
        }
        let allowed = self.idle + Duration::from_millis(self.received / BYTES_PER_MS);
        if self.since.elapsed() > allowed {
            return Err(Code::Timeout.into());
        }
        Ok(Some(piece))
    }

    /// The whole body: for small ones only.
    pub(crate) async fn whole(mut self) -> Result<Bytes, Error> {
        let mut whole = BytesMut::new();
        while let Some(piece) = self.next().await? {
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }
}

fn too_large(limit: u64) -> Error {
    Issue::new(Code::TooLarge).detail(format!("limite : {limit} octets")).into()
}

/// The pairs of a form body or of a query, in their order, decoded.
pub(crate) fn pairs(encoded: &[u8]) -> Result<Vec<(String, String)>, Error> {
    let text = std::str::from_utf8(encoded).map_err(|error| Error::from(Code::Structure).because(error))?;
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        })
        .collect()
}

/// Undoes `application/x-www-form-urlencoded`; what is not valid is refused, not guessed.
fn decode(text: &str) -> Result<String, Error> {
    let malformed = || Error::from(Issue::new(Code::Value).detail("encodage pourcent"));
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
                let high = digit(rest.next()).ok_or_else(malformed)?;
                let low = digit(rest.next()).ok_or_else(malformed)?;
                bytes.push(u8::try_from(high * 16 + low).map_err(|_over| malformed())?);
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).map_err(|_invalid| malformed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_decoded_in_their_order() {
        let read = pairs(b"a=1&b=x+y%7Cz&a=%C3%A9&c").unwrap();
        let expected = [("a", "1"), ("b", "x y|z"), ("a", "é"), ("c", "")];
        assert!(read.iter().map(|(n, v)| (n.as_str(), v.as_str())).eq(expected));
        for wrong in [&b"a=%"[..], b"a=%4", b"a=%zz", b"a=%ff", b"a=\xff"] {
            assert!(pairs(wrong).is_err());
        }
    }
}

//! The hash chain of traces, and the text of a seal (house rules §4.7).
//!
//! The hash of link *n* of a chain is SHA-256 over, in this order and without separators:
//!
//! | bytes | what |
//! |---|---|
//! | 32 | hash of link *n* − 1; for the first link, SHA-256 of `espace-audit-1` |
//! | 8 | `pt`, the chain's key, big endian |
//! | 8 | *n*, big endian |
//! | 8 | `at`, microseconds since the epoch, big endian two's complement |
//! | 8 | length of the body in bytes, big endian |
//! | … | the body: the trace as JSON, as stored |
//!
//! All fields but the last are of fixed width and the last is preceded by its length, so no two
//! different links share an encoding. The columns `id`, `act`, `actor_person` and `actor_structure`
//! repeat what the body says; verification compares them.
//!
//! A seal signs a text: the line `espace-seal-1`, the line `seal <number>`, the line `previous <hex>`
//! (SHA-256 of the payload and the signature of the seal before, zeros for the first), then one line
//! `<pt> <sequence> <hex of the head>` for each chain that grew, by rising key. Each line ends in a
//! line feed.

use sha2::{Digest as _, Sha256};

use super::error::{Error, Result};
use super::records::{Head, Seal};
use crate::ids::{Digest256, ShardKey};
use crate::model::audit::{Act, AuditRecord};

const SEAL_VERSION: &str = "espace-seal-1";

/// What the first link of each chain follows.
pub(super) fn genesis() -> [u8; 32] {
    Sha256::digest(b"espace-audit-1").into()
}

/// The hash of a link.
pub(super) fn link(previous: &[u8; 32], pt: i64, sequence: i64, at: i64, body: &[u8]) -> [u8; 32] {
    let length = u64::try_from(body.len()).unwrap_or(u64::MAX);
    let mut hasher = Sha256::new();
    hasher.update(previous);
    hasher.update(pt.to_be_bytes());
    hasher.update(sequence.to_be_bytes());
    hasher.update(at.to_be_bytes());
    hasher.update(length.to_be_bytes());
    hasher.update(body);
    hasher.finalize().into()
}

/// A trace as it is stored.
pub(super) fn body(record: &AuditRecord) -> Result<Vec<u8>> {
    serde_json::to_vec(record).map_err(|_form| Error::Inconsistent { table: "audit", column: "body" })
}

/// A trace as it was stored.
pub(super) fn record(body: &[u8]) -> Result<AuditRecord> {
    serde_json::from_slice(body).map_err(|_form| Error::Inconsistent { table: "audit", column: "body" })
}

/// The stored name of an act.
pub(super) fn act(act: Act) -> Result<String> {
    match serde_json::to_value(act) {
        Ok(serde_json::Value::String(name)) => Ok(name),
        _ => Err(Error::Inconsistent { table: "audit", column: "act" }),
    }
}

/// What ties a seal to the one before.
pub(super) fn seal_hash(seal: Option<&Seal>) -> [u8; 32] {
    seal.map_or([0; 32], |seal| {
        let mut hasher = Sha256::new();
        hasher.update(seal.payload.as_bytes());
        hasher.update(&seal.signature);
        hasher.finalize().into()
    })
}

/// The text of the seal that follows `previous`.
pub(super) fn seal_payload(previous: Option<&Seal>, heads: &[Head]) -> String {
    let number = previous.map_or(1, |seal| seal.id + 1);
    let mut text = format!("{SEAL_VERSION}\nseal {number}\nprevious {}\n", hex(&seal_hash(previous)));
    let mut heads: Vec<&Head> = heads.iter().collect();
    heads.sort_unstable_by_key(|head| head.pt);
    for head in heads {
        let line = format!("{} {} {}\n", head.pt.get(), head.sequence, hex(&head.hash));
        text.push_str(&line);
    }
    text
}

/// The heads a seal names; nothing if the text is not that of seal `number` after `previous`.
pub(super) fn read_seal(text: &str, number: i64, previous: &[u8; 32]) -> Option<Vec<Head>> {
    let mut lines = text.strip_suffix('\n')?.split('\n');
    let is_ours = lines.next()? == SEAL_VERSION
        && lines.next()? == format!("seal {number}")
        && lines.next()? == format!("previous {}", hex(previous));
    if !is_ours {
        return None;
    }
    lines
        .map(|line| {
            let mut words = line.split(' ');
            let pt: i64 = words.next()?.parse().ok()?;
            let sequence = words.next()?.parse().ok()?;
            let hash = unhex(words.next()?)?;
            words.next().is_none().then_some(Head { pt: ShardKey::from_stored(pt), sequence, hash })
        })
        .collect()
}

fn hex(bytes: &[u8; 32]) -> String {
    format!("{:?}", Digest256(*bytes))
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 {
        return None;
    }
    let mut bytes = [0_u8; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_of_a_link_is_the_documented_one() {
        let mut bytes = genesis().to_vec();
        bytes.extend(7_i64.to_be_bytes());
        bytes.extend(1_i64.to_be_bytes());
        bytes.extend((-3_i64).to_be_bytes());
        bytes.extend(2_u64.to_be_bytes());
        bytes.extend(b"{}");
        assert_eq!(link(&genesis(), 7, 1, -3, b"{}").as_slice(), Sha256::digest(&bytes).as_slice());
    }

    #[test]
    fn a_seal_reads_back_and_only_in_its_place() {
        let head = |pt, sequence| Head { pt: ShardKey::from_stored(pt), sequence, hash: genesis() };
        let text = seal_payload(None, &[head(9, 2), head(4, 1)]);
        assert_eq!(read_seal(&text, 1, &[0; 32]), Some(vec![head(4, 1), head(9, 2)]));
        assert_eq!(read_seal(&text, 2, &[0; 32]), None);
        assert_eq!(read_seal(&text, 1, &[1; 32]), None);
        assert_eq!(read_seal(text.trim_end(), 1, &[0; 32]), None);
    }
}

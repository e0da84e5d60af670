//! Keys that place a row on its shard, and the logical ids that carry them (contract §7).

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Malformed, StructureId};

/// Digits of our base32: Crockford's, lower case, so that text order is numeric order.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Bit 62 tells a structure's key from a patient's.
const STRUCTURE_BIT: i64 = 1 << 62;

/// The key of a person's record: a random 62-bit number, never derived from the INS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PatientKey(i64);

/// The key under which acts without a record are kept: derived from the structure id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StructureKey(i64);

/// The first column of every row that belongs to a record or to a structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShardKey(i64);

impl PatientKey {
    /// A patient key from a stored or drawn number; the bit that marks structures is cleared.
    pub const fn from_bits(bits: i64) -> Self {
        Self(bits & (STRUCTURE_BIT - 1))
    }

    /// The number as stored.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl StructureKey {
    /// The key of a structure: stable, without a look-up.
    pub fn of(structure: &StructureId) -> Self {
        let digest = Sha256::digest(format!("structure|{structure}").as_bytes());
        let bits = digest.iter().take(8).fold(0_i64, |sum, byte| (sum << 8) | i64::from(*byte));
        Self((bits & (STRUCTURE_BIT - 1)) | STRUCTURE_BIT)
    }
}

impl ShardKey {
    /// Where the directory lives (professionals, structures, their services): the resources that belong
    /// to no record. No structure's key is this one, but for one chance in 2^62.
    pub const DIRECTORY: Self = Self(STRUCTURE_BIT);

    /// The key under which a resource of this shard is kept, by its logical id: what stands in the id of a
    /// record's resource, and a digest of an id of the directory, which may come from outside. `None`
    /// where no resource of this shard has such an id.
    pub fn key_of(self, id: &str) -> Option<Uuid> {
        if self != Self::DIRECTORY {
            return id.parse::<LogicalId>().ok().filter(|id| id.shard == self).map(|id| id.uuid);
        }
        let start =
            Sha256::digest(id.as_bytes()).iter().take(16).fold(0, |start, byte| (start << 8) | u128::from(*byte));
        is_fhir_id(id).then(|| Uuid::from_u128(start))
    }

    /// A shard key as it was stored.
    pub const fn from_stored(bits: i64) -> Self {
        Self(bits & i64::MAX)
    }

    /// The number as stored.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The patient this key belongs to, unless it is a structure's.
    pub const fn patient(self) -> Option<PatientKey> {
        if self.0 & STRUCTURE_BIT == 0 { Some(PatientKey(self.0)) } else { None }
    }
}

impl From<PatientKey> for ShardKey {
    fn from(key: PatientKey) -> Self {
        Self(key.0)
    }
}

impl From<StructureKey> for ShardKey {
    fn from(key: StructureKey) -> Self {
        Self(key.0)
    }
}

/// `Patient.id`: the 13 base32 characters of the key.
impl fmt::Display for PatientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode(u128::from(self.0.unsigned_abs()), 13))
    }
}

impl FromStr for PatientKey {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        ShardKey::from_str(text)?.patient().ok_or(Malformed { what: "patient id" })
    }
}

impl fmt::Display for ShardKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode(u128::from(self.0.unsigned_abs()), 13))
    }
}

impl FromStr for ShardKey {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let malformed = Malformed { what: "record id" };
        let bits = decode(text, 13).ok_or_else(|| malformed.clone())?;
        i64::try_from(bits).map(Self).map_err(|_out_of_range| malformed)
    }
}

/// The id of any resource that belongs to a record: shard key, `-`, UUIDv7. It routes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogicalId {
    /// The record (or structure) the resource belongs to.
    pub shard: ShardKey,
    /// What tells it from its siblings; ordered by time.
    pub uuid: Uuid,
}

impl LogicalId {
    /// The id of a resource in a patient's record.
    pub fn of_patient(patient: PatientKey, uuid: Uuid) -> Self {
        Self { shard: patient.into(), uuid }
    }
}

impl fmt::Display for LogicalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.shard, encode(self.uuid.as_u128(), 26))
    }
}

impl FromStr for LogicalId {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let malformed = || Malformed { what: "logical id" };
        let (shard, uuid) = text.split_once('-').ok_or_else(malformed)?;
        let uuid = decode(uuid, 26).ok_or_else(malformed)?;
        Ok(Self { shard: shard.parse()?, uuid: Uuid::from_u128(uuid) })
    }
}

/// Whether a text is of the form of a FHIR id (R4 `datatypes.html#id`).
pub fn is_fhir_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
}

/// A new id for a resource of the directory: 26 base32 characters of a UUIDv7.
pub fn directory_id(uuid: Uuid) -> String {
    encode(uuid.as_u128(), 26)
}

fn encode(mut number: u128, width: usize) -> String {
    let mut digits = vec![b'0'; width];
    for digit in digits.iter_mut().rev() {
        let index = usize::try_from(number & 31).unwrap_or_default();
        *digit = DIGITS.get(index).copied().unwrap_or(b'0');
        number >>= 5;
    }
    String::from_utf8(digits).unwrap_or_default()
}

fn decode(text: &str, width: usize) -> Option<u128> {
    if text.len() != width {
        return None;
    }
    text.bytes().try_fold(0_u128, |sum, byte| {
        let digit = DIGITS.iter().position(|known| *known == byte)?;
        sum.checked_mul(32)?.checked_add(u128::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logical_id_is_forty_characters_and_reads_back() {
        let id = LogicalId::of_patient(PatientKey::from_bits(42), Uuid::from_u128(u128::MAX));
        let text = id.to_string();
        assert_eq!(text.len(), 40);
        assert_eq!(text.parse::<LogicalId>().unwrap(), id);
    }

    #[test]
    fn a_structure_key_is_never_a_patient() {
        let key = ShardKey::from(StructureKey::of(&"1750803447".parse().unwrap()));
        assert_eq!(key.patient(), None);
        assert!(key.to_string().parse::<PatientKey>().is_err());
    }

    #[test]
    fn an_id_of_the_directory_may_come_from_outside() {
        let key = |id| ShardKey::DIRECTORY.key_of(id);
        assert_eq!(ShardKey::DIRECTORY.patient(), None);
        assert!(key("003-123456").is_some() && key("003-123456") != key("003-123457"));
        for text in ["", "a/b", "é", "a b", &"x".repeat(65)] {
            assert_eq!(key(text), None, "{text}");
        }
        let own = LogicalId::of_patient(PatientKey::from_bits(42), Uuid::from_u128(7));
        assert_eq!(own.shard.key_of(&own.to_string()), Some(own.uuid));
        assert_eq!(ShardKey::from(PatientKey::from_bits(43)).key_of(&own.to_string()), None);
    }

    #[test]
    fn ids_that_are_not_ours_are_refused() {
        for text in ["", "-", "../../etc/passwd", "zzzzzzzzzzzzz", "0000000000000-", "É000000000000"] {
            assert!(text.parse::<LogicalId>().is_err(), "{text}");
        }
        assert!("zzzzzzzzzzzzz".parse::<ShardKey>().is_err());
    }
}

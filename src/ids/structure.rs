//! Identifiers of actors: structures (Struct_IdNat) and professionals (PS_IdNat).
//! Source: mes-rules §9.1, document-sharing §3.3.

use std::fmt;
use std::str::FromStr;

use super::Malformed;

/// What the first digit of a structure's national id says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StructureKind {
    /// `0`: practice identified by ADELI.
    AdeliPractice,
    /// `1`: FINESS, 9 characters.
    Finess,
    /// `2`: SIREN, 9 digits.
    Siren,
    /// `3`: SIRET, 14 digits.
    Siret,
    /// `4`: practice identified by RPPS and rank, 11 + 3 digits.
    RppsPractice,
}

/// A structure's national id: prefix digit and identifier, as in the `OU` of its certificate.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StructureId(String);

impl StructureId {
    /// The register the id comes from.
    pub fn kind(&self) -> StructureKind {
        match self.0.as_bytes().first() {
            Some(b'1') => StructureKind::Finess,
            Some(b'2') => StructureKind::Siren,
            Some(b'3') => StructureKind::Siret,
            Some(b'4') => StructureKind::RppsPractice,
            _ => StructureKind::AdeliPractice,
        }
    }

    /// The id with its prefix.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for StructureId {
    type Err = Malformed;

    /// An id without the `/internal` part some sources append.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let bytes = text.as_bytes();
        let length = match bytes.first() {
            Some(b'0') => 2..=20,
            Some(b'1' | b'2') => 10..=10,
            Some(b'3' | b'4') => 15..=15,
            _ => return Err(Malformed { what: "structure id" }),
        };
        let digits_only = bytes.first() != Some(&b'1') && bytes.first() != Some(&b'0');
        let valid = length.contains(&bytes.len())
            && bytes.iter().all(|byte| byte.is_ascii_digit() || (!digits_only && byte.is_ascii_uppercase()));
        if valid { Ok(Self(text.to_owned())) } else { Err(Malformed { what: "structure id" }) }
    }
}

impl fmt::Display for StructureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A professional's national id: `8` + RPPS (11 digits), `0` + ADELI, or the internal id of a structure: the prefix of
/// the structure (`1` and `6` practice, `3` FINESS, `4` SIREN, `5` SIRET), its number, `/`, the internal id (T16).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NationalId(String);

impl NationalId {
    /// The national id of an RPPS number.
    pub fn from_rpps(rpps: &str) -> Result<Self, Malformed> {
        format!("8{rpps}").parse()
    }

    /// The RPPS number, without its prefix, where it is one.
    pub fn rpps(&self) -> Option<&str> {
        self.0.strip_prefix('8')
    }

    /// The id with its prefix.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NationalId {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let bytes = text.as_bytes();
        let length_fits = match bytes.first() {
            Some(b'8') => bytes.len() == 12,
            Some(b'0') => (9..=20).contains(&bytes.len()),
            _ => false,
        };
        let is_word =
            |text: &str| (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let is_internal = text.split_once('/').is_some_and(|(structure, own)| {
            structure.starts_with(['1', '3', '4', '5', '6']) && is_word(structure) && is_word(own)
        });
        let valid = is_internal || (length_fits && bytes.iter().all(u8::is_ascii_alphanumeric));
        if valid { Ok(Self(text.to_owned())) } else { Err(Malformed { what: "national id of a professional" }) }
    }
}

impl fmt::Display for NationalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structure_ids_of_real_certificates_are_read() {
        for (text, kind) in [
            ("401234567897001", StructureKind::RppsPractice),
            ("1750803447", StructureKind::Finess),
            ("10B0172805", StructureKind::Finess),
            ("318751275100020", StructureKind::Siret),
        ] {
            assert_eq!(text.parse::<StructureId>().unwrap().kind(), kind);
        }
        for text in ["", "9", "1", "175080344", "3750100125/1453", "<1750803447>"] {
            assert!(text.parse::<StructureId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_national_id_carries_its_rpps() {
        let id = NationalId::from_rpps("01234567897").unwrap();
        assert_eq!(id.as_str(), "801234567897");
        assert_eq!(id.rpps(), Some("01234567897"));
        assert!("1234".parse::<NationalId>().is_err());
    }
}

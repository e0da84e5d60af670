//! INS, the national health identity (spec/document-sharing.md §2): matricule, key, assigning domain.

use std::fmt;

use zeroize::Zeroize as _;

/// The assigning authority of an INS: a NIR, a temporary NIA, or one of the two test domains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum InsDomain {
    /// `1.2.250.1.213.1.4.8`: INS-NIR, production.
    Nir,
    /// `1.2.250.1.213.1.4.9`: INS-NIA, a temporary identifier.
    Nia,
    /// `1.2.250.1.213.1.4.10`: INS-NIR of test.
    Test,
    /// `1.2.250.1.213.1.4.11`: INS-NIR of demonstration.
    Demo,
}

impl InsDomain {
    /// The OID of the domain.
    pub const fn oid(self) -> &'static str {
        match self {
            Self::Nir => "1.2.250.1.213.1.4.8",
            Self::Nia => "1.2.250.1.213.1.4.9",
            Self::Test => "1.2.250.1.213.1.4.10",
            Self::Demo => "1.2.250.1.213.1.4.11",
        }
    }

    /// The domain of an OID, with or without `urn:oid:`.
    pub fn from_oid(text: &str) -> Option<Self> {
        match text.strip_prefix("urn:oid:").unwrap_or(text) {
            "1.2.250.1.213.1.4.8" => Some(Self::Nir),
            "1.2.250.1.213.1.4.9" => Some(Self::Nia),
            "1.2.250.1.213.1.4.10" => Some(Self::Test),
            "1.2.250.1.213.1.4.11" => Some(Self::Demo),
            _ => None,
        }
    }

    /// Whether a wrong key is an error (`.8`, `.9`) or only a warning (`.10`, `.11`).
    pub const fn key_is_binding(self) -> bool {
        matches!(self, Self::Nir | Self::Nia)
    }
}

/// Why a text is no INS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InsError {
    /// The system is not an INS domain.
    #[error("not an INS domain")]
    Domain,
    /// Not 15 characters of the form of a NIR.
    #[error("not of the form of an INS")]
    Form,
}

/// An INS with its domain. Its text never appears in `Debug` and is wiped on drop.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Ins {
    domain: InsDomain,
    value: String,
}

impl Ins {
    /// An INS of 15 characters (13 of matricule, 2 of key). The key is not judged here.
    pub fn parse(system: &str, value: &str) -> Result<Self, InsError> {
        let domain = InsDomain::from_oid(system).ok_or(InsError::Domain)?;
        if value.len() != 15 || matricule(value).is_none() {
            return Err(InsError::Form);
        }
        Ok(Self { domain, value: value.to_owned() })
    }

    /// An INS in the CX form `value^^^&oid&ISO^NH` (XDS, IUA `person_id`).
    pub fn parse_cx(text: &str) -> Result<Self, InsError> {
        let mut parts = text.split('^');
        let value = parts.next().unwrap_or_default();
        let authority = parts.nth(2).ok_or(InsError::Form)?;
        let oid = authority.split('&').nth(1).ok_or(InsError::Domain)?;
        Self::parse(oid, value)
    }

    /// The assigning domain.
    pub const fn domain(&self) -> InsDomain {
        self.domain
    }

    /// The 15 characters. Never to be logged.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The FHIR system, `urn:oid:…`.
    pub fn system(&self) -> String {
        format!("urn:oid:{}", self.domain.oid())
    }

    /// The CX form used by XDS and by IUA tokens.
    pub fn to_cx(&self) -> String {
        format!("{}^^^&{}&ISO^NH", self.value, self.domain.oid())
    }

    /// The name under which a person of the patient side stands among the authors of a document: a
    /// digest, so that no INS is written beside documents.
    pub fn author_name(&self) -> String {
        let whole = super::BusinessIdentifier { system: self.system(), value: self.value.clone() };
        format!("ins:{:?}", whole.digest())
    }

    /// Whether the two last digits are `97 − (matricule mod 97)`.
    pub fn key_is_valid(&self) -> bool {
        let key = self.value.get(13..).and_then(|key| key.parse::<u64>().ok());
        matricule(&self.value).zip(key).is_some_and(|(number, key)| key == 97 - number % 97)
    }
}

/// The 13 first characters as a number; the Corsican departments 2A and 2B count as 19 and 18.
fn matricule(value: &str) -> Option<u64> {
    let key = value.get(13..)?;
    if !key.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let department = value.get(5..7)?;
    let department = match department {
        "2A" => "19",
        "2B" => "18",
        other => other,
    };
    let digits = format!("{}{}{}", value.get(..5)?, department, value.get(7..13)?);
    digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(())?;
    digits.parse().ok()
}

impl fmt::Debug for Ins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ins").field("domain", &self.domain).field("value", &"***").finish()
    }
}

impl Drop for Ins {
    fn drop(&mut self) {
        self.value.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_published_identities_are_judged_as_the_sources_say() {
        for valid in ["279035121518989", "277076322082910", "248039263001064", "255069999999934", "265075598096690"] {
            assert!(Ins::parse("1.2.250.1.213.1.4.10", valid).unwrap().key_is_valid(), "{valid}");
        }
        for wrong in ["123456789012345", "221042545611404", "222127505611201"] {
            assert!(!Ins::parse("1.2.250.1.213.1.4.10", wrong).unwrap().key_is_valid(), "{wrong}");
        }
    }

    #[test]
    fn a_corsican_matricule_counts_2a_as_19() {
        let key = 97 - 1_850_119_004_001_u64 % 97;
        let ins = Ins::parse("urn:oid:1.2.250.1.213.1.4.10", &format!("185012A004001{key:02}")).unwrap();
        assert!(ins.key_is_valid());
    }

    #[test]
    fn an_ins_is_never_shown_by_debug() {
        let ins = Ins::parse("1.2.250.1.213.1.4.10", "279035121518989").unwrap();
        assert!(!format!("{ins:?}").contains("279035"));
    }

    #[test]
    fn the_cx_form_reads_back() {
        let ins = Ins::parse("1.2.250.1.213.1.4.10", "279035121518989").unwrap();
        assert_eq!(Ins::parse_cx(&ins.to_cx()), Ok(ins));
        assert_eq!(Ins::parse_cx("279035121518989"), Err(InsError::Form));
    }
}

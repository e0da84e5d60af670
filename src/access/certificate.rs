//! X.509 as identity reads it: subject, structure, public key, dev marker
//! (mes-rules §9.1; RFC 4514 for subjects; contract §2 for the marker).

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use x509_parser::asn1_rs::ToDer as _;
use x509_parser::certificate::X509Certificate;
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_PKCS1_RSAENCRYPTION, OID_X509_EXT_CERTIFICATE_POLICIES,
    OID_X509_ORGANIZATIONAL_UNIT,
};
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

use super::identity::Certificate;
use crate::ids::StructureId;

/// The `OU` that marks every authority of a development PKI, hence every issuer name under it.
pub const DEV_UNIT: &str = "ESPACE DEV";

/// Content octets of `2.25.35145125311381360965458277272740327214`, the certificate policy of the
/// development PKI. Under `2.25` an OID belongs to whoever drew its UUID (ITU-T X.667).
pub const DEV_POLICY: &[u8] =
    &[0x69, 0xb4, 0xf0, 0xda, 0x9d, 0xbc, 0x83, 0xca, 0xe8, 0x8d, 0x93, 0x87, 0xdd, 0xa3, 0x92, 0xa2, 0x99, 0xde, 0x2e];

/// Bytes that are no X.509 certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a readable X.509 certificate")]
pub struct Unreadable;

/// The kinds of key whose signatures we verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// ECDSA on P-256.
    EcP256,
    /// RSA.
    Rsa,
}

/// A certificate's public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// What it is.
    pub algorithm: KeyAlgorithm,
    /// EC: the uncompressed point; RSA: the DER of `RSAPublicKey` (the SPKI's bit string).
    pub bits: Vec<u8>,
}

impl Certificate {
    /// Reads a certificate from its DER. Where several `OU` name different structures, none is
    /// taken: to choose one would be to guess who calls.
    pub fn from_der(der: &[u8]) -> Result<Self, Unreadable> {
        let parsed = parse(der)?;
        let subject = parsed.subject();
        Ok(Self {
            fingerprint: Sha256::digest(der).into(),
            subject: rfc4514(subject),
            issuer: parsed.issuer().as_raw().to_vec(),
            serial: canonical_serial(parsed.raw_serial()).to_vec(),
            structure: structure_of(subject),
            common_name: subject.iter_common_name().next().and_then(text).unwrap_or_default().to_owned(),
            der: der.to_vec(),
        })
    }

    /// The public key, where it is of a kind we verify signatures with.
    pub fn public_key(&self) -> Option<PublicKey> {
        let parsed = parse(&self.der).ok()?;
        let spki = parsed.public_key();
        let algorithm = if spki.algorithm.algorithm == OID_PKCS1_RSAENCRYPTION {
            KeyAlgorithm::Rsa
        } else if spki.algorithm.algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY
            && spki.algorithm.parameters.as_ref().and_then(|curve| curve.as_oid().ok()) == Some(OID_EC_P256)
        {
            KeyAlgorithm::EcP256
        } else {
            return None;
        };
        Some(PublicKey { algorithm, bits: spki.subject_public_key.data.to_vec() })
    }

    /// The dates between which it is valid, both inclusive.
    pub fn validity(&self) -> Option<(Timestamp, Timestamp)> {
        let parsed = parse(&self.der).ok()?;
        let validity = parsed.validity();
        Some((instant(validity.not_before.timestamp()), instant(validity.not_after.timestamp())))
    }

    /// Whether a certificate belongs to a development PKI: `OU=ESPACE DEV` in its subject or issuer,
    /// or the policy of the development PKI. Production refuses such roots and server certificates.
    pub fn is_dev(der: &[u8]) -> bool {
        let Ok(parsed) = parse(der) else { return false };
        let named = |name: &X509Name<'_>| units(name).any(|unit| unit == DEV_UNIT);
        named(parsed.subject()) || named(parsed.issuer()) || bears_dev_policy(&parsed)
    }

    /// The subject of a certificate authority's or other certificate's DER, RFC 4514.
    pub fn subject_of(der: &[u8]) -> Result<String, Unreadable> {
        parse(der).map(|parsed| rfc4514(parsed.subject()))
    }
}

/// A whole certificate and nothing after it.
pub(super) fn parse(der: &[u8]) -> Result<X509Certificate<'_>, Unreadable> {
    match X509Certificate::from_der(der) {
        Ok(([], parsed)) => Ok(parsed),
        _ => Err(Unreadable),
    }
}

/// An instant of X.509. `99991231235959Z`, "no end" (RFC 5280 §4.1.2.5), is beyond what jiff holds.
pub(super) fn instant(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// A serial without the zero that DER puts before a high first bit, so that serials compare.
pub(super) fn canonical_serial(raw: &[u8]) -> &[u8] {
    let zeros = raw.iter().take_while(|byte| **byte == 0).count();
    raw.get(zeros..).unwrap_or_default()
}

fn bears_dev_policy(parsed: &X509Certificate<'_>) -> bool {
    let policies = parsed.extensions().iter().filter(|extension| extension.oid == OID_X509_EXT_CERTIFICATE_POLICIES);
    // OBJECT IDENTIFIER, length, content: unmistakable in a list of policies.
    let encoded: Vec<u8> = [0x06, 0x13].iter().chain(DEV_POLICY).copied().collect();
    policies.into_iter().any(|extension| extension.value.windows(encoded.len()).any(|window| window == encoded))
}

fn structure_of(subject: &X509Name<'_>) -> Option<StructureId> {
    let mut named: Vec<StructureId> = units(subject).filter_map(|unit| unit.parse().ok()).collect();
    named.dedup();
    match named.as_slice() {
        [one] => Some(one.clone()),
        _ => None,
    }
}

fn units<'a>(name: &'a X509Name<'_>) -> impl Iterator<Item = &'a str> {
    name.iter_by_oid(&OID_X509_ORGANIZATIONAL_UNIT).filter_map(text)
}

fn text<'a>(attribute: &'a AttributeTypeAndValue<'_>) -> Option<&'a str> {
    attribute.as_str().ok()
}

/// A name as RFC 4514 writes it: last relative name first, keywords of its §3 table only, every
/// other attribute as dotted type and hexadecimal BER.
pub(super) fn rfc4514(name: &X509Name<'_>) -> String {
    let relative: Vec<String> =
        name.iter_rdn().map(|relative| relative.iter().map(rfc4514_attribute).collect::<Vec<_>>().join("+")).collect();
    relative.into_iter().rev().collect::<Vec<_>>().join(",")
}

fn rfc4514_attribute(attribute: &AttributeTypeAndValue<'_>) -> String {
    let dotted = attribute.attr_type().to_id_string();
    let keyword = match dotted.as_str() {
        "2.5.4.3" => Some("CN"),
        "2.5.4.7" => Some("L"),
        "2.5.4.8" => Some("ST"),
        "2.5.4.10" => Some("O"),
        "2.5.4.11" => Some("OU"),
        "2.5.4.6" => Some("C"),
        "2.5.4.9" => Some("STREET"),
        "0.9.2342.19200300.100.1.25" => Some("DC"),
        "0.9.2342.19200300.100.1.1" => Some("UID"),
        _ => None,
    };
    match (keyword, text(attribute)) {
        (Some(keyword), Some(value)) => format!("{keyword}={}", escaped(value)),
        (keyword, _) => {
            let ber = attribute.attr_value().to_der_vec().unwrap_or_default();
            let mut out = format!("{}=#", keyword.unwrap_or(&dotted));
            for byte in ber {
                let nibbles = [byte >> 4, byte & 0xf].map(|nibble| char::from_digit(nibble.into(), 16));
                out.extend(nibbles.into_iter().flatten());
            }
            out
        }
    }
}

/// RFC 4514 §2.4.
fn escaped(value: &str) -> String {
    let last = value.chars().count().saturating_sub(1);
    let mut out = String::with_capacity(value.len());
    for (position, character) in value.chars().enumerate() {
        match character {
            '\0' => out.push_str("\\00"),
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => out.extend(['\\', character]),
            '#' | ' ' if position == 0 => out.extend(['\\', character]),
            ' ' if position == last => out.extend(['\\', character]),
            _ => out.push(character),
        }
    }
    out
}

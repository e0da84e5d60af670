//! PKCS#12 files of the development PKI (RFC 7292): what browsers, Java and Windows take instead of PEM.
//!
//! The key is under PBES2 (PBKDF2 with HMAC-SHA-256, AES-256-CBC), the whole under HMAC-SHA-256; all
//! ciphers are those of the one cryptographic provider. The certificates are in the clear, as they are
//! in every handshake.

use std::num::NonZeroU32;

use aws_lc_rs::cipher::{AES_256, AES_256_KEY_LEN, DecryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::{hmac, pbkdf2, rand};
use sha2::{Digest as _, Sha256};

/// What opens the files: they hold test keys, and tools refuse an empty password.
pub const PASSWORD: &str = "espace";

const ROUNDS: u32 = 2_048;

const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
const KEY_BAG: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01, 0x02];
const CERTIFICATE_BAG: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01, 0x03];
const X509: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x16, 0x01];
const FRIENDLY_NAME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x14];
const LOCAL_KEY_ID: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x15];
const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c];
const HMAC_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x09];
const AES_256_CBC: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a];
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];

/// The file of a key (PKCS#8) with its certificate and the root above it, all DER.
pub(super) fn file(name: &str, key: &[u8], leaf: &[u8], root: &[u8]) -> Result<Vec<u8>, Unspecified> {
    let id = Sha256::digest(leaf);
    let own = [attribute(FRIENDLY_NAME, &tagged(0x1e, &bmp(name))), attribute(LOCAL_KEY_ID, &tagged(0x04, &id))];
    let own = tagged(0x31, &own.concat());
    let keys = bag(KEY_BAG, &shrouded(key)?, &own);
    let certificates = [bag(CERTIFICATE_BAG, &certificate(leaf), &own), bag(CERTIFICATE_BAG, &certificate(root), &[])];
    let contents = [content(&sequence(&[&certificates.concat()])), content(&sequence(&[&keys]))];
    let safe = sequence(&[&contents.concat()]);
    Ok(sequence(&[&integer(3), &content(&safe), &mac(&safe)?]))
}

/// The key under PBES2.
fn shrouded(key: &[u8]) -> Result<Vec<u8>, Unspecified> {
    let salt = salt()?;
    let mut secret = [0; AES_256_KEY_LEN];
    let rounds = NonZeroU32::new(ROUNDS).ok_or(Unspecified)?;
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, &salt, PASSWORD.as_bytes(), &mut secret);
    let cipher = PaddedBlockEncryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_256, &secret)?)?;
    let mut sealed = key.to_vec();
    let DecryptionContext::Iv128(vector) = cipher.encrypt(&mut sealed)? else { return Err(Unspecified) };
    let derivation =
        sequence(&[&tagged(0x04, &salt), &integer(ROUNDS), &sequence(&[&tagged(0x06, HMAC_SHA256), &[0x05, 0x00]])]);
    let derivation = sequence(&[&tagged(0x06, PBKDF2), &derivation]);
    let cipher = sequence(&[&tagged(0x06, AES_256_CBC), &tagged(0x04, vector.as_ref())]);
    let scheme = sequence(&[&tagged(0x06, PBES2), &sequence(&[&derivation, &cipher])]);
    Ok(sequence(&[&scheme, &tagged(0x04, &sealed)]))
}

fn certificate(der: &[u8]) -> Vec<u8> {
    sequence(&[&tagged(0x06, X509), &tagged(0xa0, &tagged(0x04, der))])
}

fn bag(kind: &[u8], value: &[u8], attributes: &[u8]) -> Vec<u8> {
    sequence(&[&tagged(0x06, kind), &tagged(0xa0, value), attributes])
}

fn attribute(kind: &[u8], value: &[u8]) -> Vec<u8> {
    sequence(&[&tagged(0x06, kind), &tagged(0x31, value)])
}

fn content(der: &[u8]) -> Vec<u8> {
    sequence(&[&tagged(0x06, DATA), &tagged(0xa0, &tagged(0x04, der))])
}

/// The integrity of the whole, under a key made of the password by RFC 7292 appendix B.2.
fn mac(safe: &[u8]) -> Result<Vec<u8>, Unspecified> {
    const BLOCK: usize = 64;
    const PURPOSE: u8 = 3;
    let salt = salt()?;
    let password: Vec<u8> = bmp(PASSWORD).into_iter().chain([0, 0]).collect();
    let filled =
        |bytes: &[u8]| -> Vec<u8> { bytes.iter().copied().cycle().take(bytes.len().div_ceil(BLOCK) * BLOCK).collect() };
    // One digest is as long as the key that is wanted: the first block of the derivation is all of it.
    let start = [vec![PURPOSE; BLOCK], filled(&salt), filled(&password)].concat();
    let key = (1..ROUNDS).fold(Sha256::digest(&start), |digest, _| Sha256::digest(digest));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), safe);
    let digest = sequence(&[&sequence(&[&tagged(0x06, SHA256), &[0x05, 0x00]]), &tagged(0x04, tag.as_ref())]);
    Ok(sequence(&[&digest, &tagged(0x04, &salt), &integer(ROUNDS)]))
}

fn salt() -> Result<[u8; 16], Unspecified> {
    let mut salt = [0; 16];
    rand::fill(&mut salt)?;
    Ok(salt)
}

/// BMPString: big-endian UTF-16.
fn bmp(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tagged(0x30, &parts.concat())
}

fn integer(value: u32) -> Vec<u8> {
    let mut bytes: Vec<u8> = value.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    // Without it a high first bit would make the number negative.
    if bytes.first().is_none_or(|first| *first > 0x7f) {
        bytes.insert(0, 0);
    }
    tagged(0x02, &bytes)
}

/// A DER element: tag, length, content.
fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut element = vec![tag];
    match length.as_slice() {
        [] => element.push(0),
        [short] if *short < 0x80 => element.push(*short),
        long => {
            element.push(0x80 | u8::try_from(long.len()).unwrap_or_default());
            element.extend(long);
        }
    }
    element.extend(content);
    element
}

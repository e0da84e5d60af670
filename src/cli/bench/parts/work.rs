//! The parts that need no store: hashing, encryption, base64, JSON, validation, CDA header, index rows.

use std::hint::black_box;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use serde_json::Value;
use sha2::Digest as _;

use super::stage::Stage;
use super::{Meter, Part};
use crate::cda;
use crate::cli::Failure;
use crate::fhir::codec::json;
use crate::fhir::codec::xml::{self, Layout};
use crate::fhir::validate;
use crate::ops::resource::stamp;

/// The profile of the bundle that the driver sends.
const PROFILE: &str =
    "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-comprehensive-provide-document-bundle";

/// The profile of its fiche.
const FICHE: &str =
    "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-comprehensive-document-reference";

/// Measures them all on one submission.
pub(super) async fn measure(stage: &Stage, meter: &Meter) -> Result<Vec<Part>, Failure> {
    let body = stage.body(1);
    let whole: Value = serde_json::from_slice(&body).map_err(|error| Failure::from_error("bundle", &error))?;
    let encoded = data(&whole).ok_or_else(|| Failure::Failed("the bundle has no document".to_owned()))?;
    let decode = || base64_simd::STANDARD.decode_to_vec(encoded.as_bytes());
    let document = decode().map_err(|error| Failure::from_error("base64", &error))?;
    let cut = String::from_utf8_lossy(&body).replace(encoded, "#data:2");
    let parse = || json::parse(cut.as_bytes()).map_err(|error| Failure::from_error("bundle", &error));
    let parsed = parse()?;
    let provision = stage.provision(2).await?;
    let fiche = provision.documents.first().map_or(&Value::Null, |document| &document.fiche);
    let list = &provision.submission;
    let mut parts = vec![
        meter.alone("base64", "decode the document", || {
            black_box(decode().map_err(|error| Failure::from_error("base64", &error))?);
            Ok(())
        })?,
        meter.alone("sha1", "of the document", || {
            black_box(sha1::Sha1::digest(&document));
            Ok(())
        })?,
        meter.alone("sha256", "of the document", || {
            black_box(sha2::Sha256::digest(&document));
            Ok(())
        })?,
        aes(*meter, &document)?,
        meter.alone("json", "parse the bundle without its document", || {
            black_box(parse()?);
            Ok(())
        })?,
        meter.alone("structure", "validate the bundle: R4", || {
            black_box(validate::structural_with(&parsed, validate::Options { data_was_cut: true }));
            Ok(())
        })?,
        meter.alone("profile", "validate the bundle: PDSm", || {
            black_box(validate::profile(&parsed, PROFILE, &stage.started.app.mode));
            Ok(())
        })?,
        meter.alone("fiche", "validate one fiche: R4", || {
            black_box(validate::structural(fiche));
            Ok(())
        })?,
        meter.alone("fiche-pdsm", "validate one fiche: R4, then PDSm", || {
            black_box(validate::structural(fiche));
            black_box(validate::profile(fiche, FICHE, &stage.started.app.mode));
            Ok(())
        })?,
        meter.alone("cda", "read the header of the document", || {
            black_box(cda::read_header(&document).map_err(|error| Failure::from_error("document", &error))?);
            Ok(())
        })?,
        meter.alone("index", "index rows of fiche and submission set", || {
            black_box((stamp::index(fiche), stamp::index(list)));
            Ok(())
        })?,
    ];
    parts.extend(codecs(*meter, fiche)?);
    Ok(parts)
}

/// The fiche in its two forms.
fn codecs(meter: Meter, fiche: &Value) -> Result<[Part; 3], Failure> {
    let failed = |error: crate::error::Error| Failure::from_error("fiche", &error);
    let in_json = json::bytes(fiche);
    let in_xml = xml::write(fiche, Layout::Dense).map_err(failed)?;
    Ok([
        meter.alone("json-fiche", "read the fiche in JSON", || {
            black_box(json::parse(&in_json).map_err(failed)?);
            Ok(())
        })?,
        meter.alone("xml-fiche", "read the same fiche in XML", || {
            black_box(xml::read(in_xml.as_bytes()).map_err(failed)?);
            Ok(())
        })?,
        meter.alone("xml-write", "write the fiche in XML", || {
            black_box(xml::write(fiche, Layout::Dense).map_err(failed)?);
            Ok(())
        })?,
    ])
}

/// The base64 of the only document.
fn data(bundle: &Value) -> Option<&str> {
    let entries = bundle.get("entry")?.as_array()?;
    entries.iter().find_map(|entry| entry.pointer("/resource/data")?.as_str())
}

/// AES-256-GCM over the document in one piece, as for its one segment.
fn aes(meter: Meter, document: &[u8]) -> Result<Part, Failure> {
    let broken = |_unspecified| Failure::Failed("AES-256-GCM is not to be had".to_owned());
    let key = UnboundKey::new(&AES_256_GCM, &[7; 32]).map(LessSafeKey::new).map_err(broken)?;
    let mut buffer = document.to_vec();
    meter.alone("aes", "encrypt or decrypt the document", || {
        let nonce = Nonce::assume_unique_for_key([0; 12]);
        drop(black_box(key.seal_in_place_separate_tag(nonce, Aad::empty(), &mut buffer).map_err(broken)?));
        Ok(())
    })
}

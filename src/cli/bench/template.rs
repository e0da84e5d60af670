//! A Provide Document Bundle made once and sent many times, each time under fresh names and around a
//! document of its own: every `urn:uuid:` and every `urn:oid:2.25.` of it is replaced, and so are one
//! number in the text and the hash, all at the same length (MHD §1.2).

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write as _;

use base64_simd::STANDARD as BASE64;
use serde_json::Value;
use sha1::{Digest as _, Sha1};

use crate::cli::Failure;
use crate::cli::demo::personas::{DemoProfessional, Persona};
use crate::cli::demo::{Document, demo_bundle};
use crate::ids::IdSource;

const UUID: &str = "urn:uuid:";
const OID: &str = "urn:oid:2.25.";
/// What stands in the text of a document where its number comes: run and operation.
const NUMBER: &str = "No 0000000000000000000000000000000000";

/// A body with places for fresh names and, where it is a bundle, for the bytes of each document.
#[derive(Debug)]
pub(super) struct Template {
    pieces: Vec<Piece>,
    size: usize,
    document: Option<Varied>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Uuid,
    Oid,
    Bytes,
    Hash,
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(Vec<u8>),
    Uuid(usize),
    Oid(usize),
    /// The part of `Binary.data` that holds the number.
    Bytes,
    /// `attachment.hash`.
    Hash,
}

/// A document of which one number varies. Its SHA-1 is taken from the number on: what stands before it
/// is hashed once, so that the driver spends little on what the server must do in full.
#[derive(Debug)]
struct Varied {
    before: Sha1,
    /// The bytes around the number, a multiple of three in all and at a multiple of three.
    head: Vec<u8>,
    tail: Vec<u8>,
    behind: Vec<u8>,
    /// The same part in base64, and the hash, as the bundle has them.
    encoded: String,
    hash: String,
}

impl Template {
    /// A bundle around a document of about `size` bytes.
    pub(super) fn bundle(
        size: usize,
        patient: &Persona,
        author: &DemoProfessional,
        at: jiff::Timestamp,
        ids: &dyn IdSource,
    ) -> Result<Self, Failure> {
        let mut note = note(size, at);
        note.text.push_str(NUMBER);
        let bundle = demo_bundle(&note, patient, author, ids)?;
        let varied = Varied::of(&bundle).ok_or_else(|| Failure::Failed("the bundle holds no document".to_owned()))?;
        Ok(Self::of(&bundle.to_string(), Some(varied)))
    }

    /// A template of a body.
    fn of(body: &str, document: Option<Varied>) -> Self {
        let mut pieces = Vec::new();
        let (mut uuids, mut oids) = (HashMap::new(), HashMap::new());
        let mut rest = body;
        while let Some((place, mark)) = next(rest, document.as_ref()) {
            let name_at = match mark {
                Mark::Uuid => place + UUID.len(),
                Mark::Oid => place + OID.len(),
                Mark::Bytes | Mark::Hash => place,
            };
            let (before, after) = rest.split_at(name_at);
            pieces.push(Piece::Text(before.as_bytes().to_vec()));
            let (piece, length) = match (mark, &document) {
                (Mark::Bytes, Some(varied)) => (Piece::Bytes, varied.encoded.len()),
                (Mark::Hash, Some(varied)) => (Piece::Hash, varied.hash.len()),
                _ => {
                    let (names, named): (&mut HashMap<_, _>, fn(usize) -> Piece) =
                        if mark == Mark::Oid { (&mut oids, Piece::Oid) } else { (&mut uuids, Piece::Uuid) };
                    let name = after.split('"').next().unwrap_or_default();
                    let known = names.len();
                    (named(*names.entry(name).or_insert(known)), name.len())
                }
            };
            pieces.push(piece);
            rest = after.split_at(length).1;
        }
        pieces.push(Piece::Text(rest.as_bytes().to_vec()));
        let mut template = Self { pieces, size: 0, document };
        let mut sample = Vec::new();
        template.write(0, 0, &mut sample);
        template.size = sample.len();
        template
    }

    /// Length of every body.
    pub(super) const fn size(&self) -> usize {
        self.size
    }

    /// Writes body `number` of the run `run`: no other run or number has its names or its document.
    pub(super) fn write(&self, run: u64, number: u64, out: &mut Vec<u8>) {
        let (bytes, hash) = self.document.as_ref().map(|varied| varied.at(run, number)).unwrap_or_default();
        for piece in &self.pieces {
            // Writing to a vector cannot fail.
            drop(match piece {
                Piece::Text(text) => out.write_all(text),
                Piece::Uuid(place) => {
                    let (low, high) = (run & 0xffff_ffff, (run >> 32) & 0xffff);
                    write!(out, "{low:08x}-{high:04x}-4000-8{place:03x}-{number:012x}")
                }
                Piece::Oid(place) => write!(out, "1{run:020}{number:014}{place:03}"),
                Piece::Bytes => out.write_all(bytes.as_bytes()),
                Piece::Hash => out.write_all(hash.as_bytes()),
            });
        }
    }
}

/// The place of the next thing that varies.
fn next(rest: &str, document: Option<&Varied>) -> Option<(usize, Mark)> {
    let of = |text: &str, mark| Some((rest.find(text)?, mark));
    let names = [of(UUID, Mark::Uuid), of(OID, Mark::Oid)];
    let parts = document.map(|varied| [of(&varied.encoded, Mark::Bytes), of(&varied.hash, Mark::Hash)]);
    names.into_iter().chain(parts.into_iter().flatten()).flatten().min_by_key(|(place, _)| *place)
}

impl Varied {
    /// The document of a bundle, if it has one that holds [`NUMBER`].
    fn of(bundle: &Value) -> Option<Self> {
        let resources = || bundle.get("entry").and_then(Value::as_array).into_iter().flatten();
        let data = resources().find_map(|entry| entry.pointer("/resource/data")?.as_str())?;
        let hash = resources().find_map(|entry| entry.pointer("/resource/content/0/attachment/hash")?.as_str())?;
        let bytes = BASE64.decode_to_vec(data).ok()?;
        let place = bytes.windows(NUMBER.len()).position(|window| window == NUMBER.as_bytes())?;
        let (from, to) = (place / 3 * 3, (place + NUMBER.len()).div_ceil(3) * 3);
        Some(Self {
            before: Sha1::new_with_prefix(bytes.get(..from)?),
            head: bytes.get(from..place)?.to_vec(),
            tail: bytes.get(place + NUMBER.len()..to)?.to_vec(),
            behind: bytes.get(to..)?.to_vec(),
            encoded: data.get(from / 3 * 4..to / 3 * 4)?.to_owned(),
            hash: hash.to_owned(),
        })
    }

    /// What stands in the places of the number and of the hash.
    fn at(&self, run: u64, number: u64) -> (String, String) {
        let number = format!("No {run:020}{number:014}");
        let part = [&self.head, number.as_bytes(), &self.tail].concat();
        let hash = self.before.clone().chain_update(&part).chain_update(&self.behind).finalize();
        (BASE64.encode_to_string(part), BASE64.encode_to_string(hash))
    }
}

/// Words of a report, the frequent ones first.
const WORDS: &str = "de le la et les à une un en par pas avec sans sous pour est au aux patient traitement examen \
    tension artérielle droite gauche clinique normal normale depuis contrôle mois jours matin soir douleur bilan \
    stable présence absence retrouvé auscultation cardiaque pulmonaire abdomen souple dépressible indolore poids \
    taille température saturation glycémie créatinine hémoglobine cholestérol prescription posologie comprimé mg \
    poursuite arrêt reprise surveillance infirmière domicile consultation spécialiste cardiologue radiographie \
    échographie scanner thorax genou hanche lombaire cervical chirurgie antécédents allergie connue aucune familiale \
    tabac sevré activité physique régulière conseillée régime diététique vaccination jour rappel prévu compte rendu \
    adressé confrère remerciements dossier évolution favorable discrète persistance œdème membres inférieurs dyspnée \
    effort repos fatigue sommeil appétit conservé transit régulier";

/// A report whose CDA has about `size` bytes. Its words come in no order and with figures between them, so
/// that it packs as a text does and no better; the same size has the same text.
pub(super) fn note(size: usize, at: jiff::Timestamp) -> Document {
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let mut text = String::new();
    let mut state: u64 = 0x2545_f491;
    let mut draw = |below: usize| {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        usize::try_from(state >> 33).unwrap_or_default() % below.max(1)
    };
    // The header around the text is about 3.6 KB.
    while text.len() < size.saturating_sub(3_600) {
        // The smaller of two: the first words come more often.
        let place = draw(words.len()).min(draw(words.len()));
        text.push_str(words.get(place).copied().unwrap_or_default());
        match draw(12) {
            0 => text.push_str(". "),
            // Writing to a string cannot fail.
            1 => drop(write!(text, " {},{} ", draw(200), draw(10))),
            2 => text.push_str(", "),
            _ => text.push(' '),
        }
    }
    Document { text, ..Document::note(at) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_replaced_wherever_it_stands_and_the_length_stays() {
        let template = Template::of(r#"{"a":"urn:uuid:AA","b":["urn:oid:2.25.7","urn:uuid:AA","urn:uuid:BB"]}"#, None);
        let write = |run, number| {
            let mut out = Vec::new();
            template.write(run, number, &mut out);
            assert_eq!(out.len(), template.size());
            String::from_utf8(out).unwrap()
        };
        let (one, two) = (write(u64::MAX, 1), write(u64::MAX, 2));
        let names: Vec<&str> = one.split('"').filter(|text| text.starts_with("urn:")).collect();
        assert_eq!(names.len(), 4);
        assert_eq!(names[0], names[2]);
        assert_ne!(names[0], names[3]);
        assert!(names.iter().all(|name| !two.contains(name)));
    }

    #[test]
    fn each_document_has_bytes_and_a_hash_of_its_own() {
        let demo = crate::cli::demo::personas::Demo::load().unwrap();
        let (patient, author) = (demo.persona("dominique").unwrap(), demo.professional("dr-martin").unwrap());
        let (ids, at) = (crate::ids::SystemIds::default(), "2026-01-05T08:00:00Z".parse().unwrap());
        let template = Template::bundle(10_000, patient, author, at, &ids).unwrap();
        let write = |run, number| {
            let mut out = Vec::new();
            template.write(run, number, &mut out);
            assert_eq!(out.len(), template.size());
            let bundle: Value = serde_json::from_slice(&out).unwrap();
            let entries = bundle["entry"].as_array().unwrap();
            let data = entries.iter().find_map(|entry| entry["resource"]["data"].as_str()).unwrap();
            let hash = entries.iter().find_map(|entry| entry.pointer("/resource/content/0/attachment/hash"));
            let bytes = BASE64.decode_to_vec(data).unwrap();
            assert_eq!(hash.unwrap(), &BASE64.encode_to_string(Sha1::digest(&bytes)));
            bytes
        };
        let documents = [write(1, 1), write(1, 2), write(2, 1), write(u64::MAX, 99)];
        assert!(documents.iter().enumerate().all(|(place, one)| !documents[..place].contains(one)));
        assert!(documents.iter().all(|document| document.len() == documents[0].len()));
    }
}

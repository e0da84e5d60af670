//! A Provide Document Bundle made once and sent many times, each time under fresh names: every
//! `urn:uuid:` and every `urn:oid:2.25.` of it is replaced, all at the same length (MHD §1.2).

use std::collections::HashMap;
use std::io::Write as _;

use crate::cli::Failure;
use crate::cli::demo::personas::{DemoProfessional, Persona};
use crate::cli::demo::{Document, demo_bundle};
use crate::ids::IdSource;

const UUID: &str = "urn:uuid:";
const OID: &str = "urn:oid:2.25.";

/// A body with places for fresh names.
#[derive(Debug)]
pub(super) struct Template {
    pieces: Vec<Piece>,
    size: usize,
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(Vec<u8>),
    Uuid(usize),
    Oid(usize),
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
        Ok(Self::of(&demo_bundle(&note(size, at), patient, author, ids)?.to_string()))
    }

    /// A template of a body.
    fn of(body: &str) -> Self {
        let mut pieces = Vec::new();
        let (mut uuids, mut oids) = (HashMap::new(), HashMap::new());
        let mut rest = body;
        loop {
            let next = [(rest.find(UUID), UUID), (rest.find(OID), OID)];
            let next = next.into_iter().filter_map(|(place, mark)| Some((place?, mark))).min();
            let Some((place, mark)) = next else { break };
            let (before, after) = rest.split_at(place + mark.len());
            let name = after.split('"').next().unwrap_or_default();
            let (names, piece): (&mut HashMap<_, _>, fn(usize) -> Piece) =
                if mark == UUID { (&mut uuids, Piece::Uuid) } else { (&mut oids, Piece::Oid) };
            let known = names.len();
            let number = *names.entry(name).or_insert(known);
            pieces.push(Piece::Text(before.as_bytes().to_vec()));
            pieces.push(piece(number));
            rest = after.split_at(name.len()).1;
        }
        pieces.push(Piece::Text(rest.as_bytes().to_vec()));
        let size = pieces.iter().map(Piece::size).sum();
        Self { pieces, size }
    }

    /// Length of every body.
    pub(super) const fn size(&self) -> usize {
        self.size
    }

    /// Writes body `number` of the run `run`: no other run or number has its names.
    pub(super) fn write(&self, run: u64, number: u64, out: &mut Vec<u8>) {
        for piece in &self.pieces {
            // Writing to a vector cannot fail.
            drop(match piece {
                Piece::Text(text) => out.write_all(text),
                Piece::Uuid(place) => {
                    let (low, high) = (run & 0xffff_ffff, (run >> 32) & 0xffff);
                    write!(out, "{low:08x}-{high:04x}-4000-8{place:03x}-{number:012x}")
                }
                Piece::Oid(place) => write!(out, "1{run:020}{number:014}{place:03}"),
            });
        }
    }
}

impl Piece {
    fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Uuid(_) => 36,
            Self::Oid(_) => 38,
        }
    }
}

/// A report whose CDA has about `size` bytes.
pub(super) fn note(size: usize, at: jiff::Timestamp) -> Document {
    let sentence = "Examen clinique sans particularité ; poursuite du traitement, contrôle à trois mois. ";
    // The header around the text is about 3.6 KB.
    let text = sentence.repeat((size.saturating_sub(3_600) / sentence.len()).max(1));
    Document { text, ..Document::note(at) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_replaced_wherever_it_stands_and_the_length_stays() {
        let template = Template::of(r#"{"a":"urn:uuid:AA","b":["urn:oid:2.25.7","urn:uuid:AA","urn:uuid:BB"]}"#);
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
}

//! Clients that publish and read back without a pause until their server is gone.

use std::sync::atomic::{AtomicU64, Ordering};

use espace::cli::demo::personas::Demo;
use espace::cli::demo::{Document, demo_bundle};
use espace::ids::{IdSource as _, SystemIds};
use reqwest::Method;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::ledger::{Ledger, Published, Sent};
use crate::support::client::{Actor, Answer};
use crate::support::pki::pki;
use crate::support::process::Dev;
use crate::support::server::NOW;

/// Who publishes, and with whose software.
const AUTHORS: [(&str, &str); 3] = [("dr-martin", "cabinet"), ("dr-petit", "hopital"), ("bio-laurent", "labo")];
/// Whose records are fed; dr-martin may read them all.
pub(super) const PATIENTS: [&str; 3] = ["dominique", "cree-mail", "cree-papier"];
/// Every so many documents one is too large for a row and goes to a file.
const LARGE: u64 = 4;

/// The software of every author, with a token of a running server.
pub(super) struct Clients(Vec<Actor>);

impl Clients {
    pub(super) async fn of(server: &Dev) -> Self {
        let mut clients = Vec::new();
        for (author, structure) in AUTHORS {
            let actor = Actor::of(&server.origin, pki(), Some(structure));
            clients.push(actor.as_professional(author, &[("expires_in", "300")]).await);
        }
        Self(clients)
    }

    /// The médecin traitant of all records fed.
    pub(super) fn reader(&self) -> &Actor {
        &self.0[0]
    }

    /// Publishes, and now and then reads back, until the server does not answer any more.
    pub(super) async fn load(&self, ledger: &Ledger, demo: &Demo) {
        loop {
            let again = Self::doubtful(ledger);
            let sent = again.unwrap_or_else(|| write_one(demo));
            if !self.publish(ledger, sent).await || !self.read_back(ledger).await {
                return;
            }
        }
    }

    /// Sends what was never answered again; true unless the server went away.
    pub(super) async fn settle_doubts(&self, ledger: &Ledger) -> bool {
        loop {
            let Some(sent) = Self::doubtful(ledger) else { return true };
            if !self.publish(ledger, sent).await {
                return false;
            }
        }
    }

    fn doubtful(ledger: &Ledger) -> Option<Sent> {
        let mut entries = ledger.entries();
        let sent = entries.doubtful.pop();
        entries.sent_again += u32::from(sent.is_some());
        sent
    }

    async fn publish(&self, ledger: &Ledger, sent: Sent) -> bool {
        let headers = [("content-type", "application/fhir+json")];
        let answer = self.0[sent.author].try_send(Method::POST, "/fhir", &headers, sent.bundle.clone()).await;
        let mut entries = ledger.entries();
        match answer {
            Err(_gone) => {
                entries.doubtful.push(sent);
                false
            }
            Ok(busy) if busy.status == 503 => {
                entries.doubtful.push(sent);
                true
            }
            Ok(answer) if answer.status == 200 => {
                let locations = answer.locations();
                let of = |kind: &str| locations.iter().find(|location| location.starts_with(kind)).unwrap().clone();
                entries.answered.push(answer.header("x-request-id").to_owned());
                entries.published.push(Published {
                    patient: sent.patient,
                    fiche: of("DocumentReference/"),
                    binary: of("Binary/"),
                    sha256: sent.sha256,
                });
                true
            }
            Ok(wrong) => {
                entries.wrong.push(told(&wrong));
                false
            }
        }
    }

    /// Reads the document published last.
    async fn read_back(&self, ledger: &Ledger) -> bool {
        let Some(last) = ledger.entries().published.last().cloned() else { return true };
        let answer = self.reader().try_send(Method::GET, &format!("/fhir/{}", last.binary), &[], Vec::new()).await;
        let mut entries = ledger.entries();
        match answer {
            Err(_gone) => false,
            Ok(busy) if busy.status == 503 => true,
            Ok(answer) if is_document(&answer, &last) => {
                entries.answered.push(answer.header("x-request-id").to_owned());
                entries.read += 1;
                true
            }
            Ok(wrong) => {
                entries.wrong.push(told(&wrong));
                false
            }
        }
    }
}

/// Whether an answer is the very document that was published.
pub(super) fn is_document(answer: &Answer, published: &Published) -> bool {
    answer.status == 200 && <[u8; 32]>::from(Sha256::digest(&answer.body)) == published.sha256
}

fn told(answer: &Answer) -> String {
    format!("{}: {}", answer.status, answer.text().chars().take(500).collect::<String>())
}

/// A new document of the next author for the next record.
fn write_one(demo: &Demo) -> Sent {
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
    let next = |length: usize| usize::try_from(number).unwrap() % length;
    let (author, patient) = (next(AUTHORS.len()), PATIENTS[next(PATIENTS.len() + 1) % PATIENTS.len()]);
    let at = NOW.parse().unwrap();
    let document = if number % LARGE == LARGE - 1 {
        let mut bytes = vec![0; 64];
        SystemIds::default().fill(&mut bytes);
        Document::pdf(at, bytes.repeat(3_200 + next(4_000)))
    } else {
        Document { text: format!("Document {number} sous charge."), ..Document::note(at) }
    };
    let (persona, named) = (demo.persona(patient).unwrap(), demo.professional(AUTHORS[author].0).unwrap());
    let bundle = demo_bundle(&document, persona, named, &SystemIds::default()).unwrap();
    let entries = bundle["entry"].as_array().unwrap();
    let is_binary = |entry: &&Value| entry["resource"]["resourceType"] == "Binary";
    let binary = entries.iter().find(is_binary).unwrap();
    let bytes = base64_simd::STANDARD.decode_to_vec(binary["resource"]["data"].as_str().unwrap()).unwrap();
    Sent { patient, author, bundle: bundle.to_string().into_bytes(), sha256: Sha256::digest(&bytes).into() }
}

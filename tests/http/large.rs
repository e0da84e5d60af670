//! Documents of the largest size, both ways, through a server that is a process of its own and whose
//! memory is looked at (contract §8; issue: storage).
//!
//! `ESPACE_LARGE_MB=100 cargo test --test espace large_documents` for the largest there may be; 16 MB
//! otherwise.

use std::io::Write as _;

use espace::cli::demo::personas::Demo;
use espace::cli::demo::{Document, demo_bundle};
use espace::clock::{Clock as _, SystemClock};
use espace::ids::SystemIds;
use reqwest::Method;

use super::conditional::deposit;
use crate::refusal::document;
use crate::support::client::Actor;
use crate::support::pki::pki;
use crate::support::process::Home;

/// More than this a server of two workers never holds, in kB, however large the document...
const MOST_MEMORY: u64 = 150_000;
/// ... nor more than this beyond what it held before: less than the smallest document sent here.
const MOST_GROWTH: u64 = 14_000;

/// How large a document is sent, in MB: `ESPACE_LARGE_MB`, else 16.
pub(crate) fn megabytes() -> usize {
    let given = std::env::var_os("ESPACE_LARGE_MB").map(|given| given.to_str().unwrap().parse().unwrap());
    given.unwrap_or(16)
}

/// Bytes that do not repeat within a segment.
fn noise(length: usize) -> Vec<u8> {
    let block: Vec<u8> = (0_u32..1_000_003).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    block.iter().copied().cycle().take(length).collect()
}

/// The bytes come back whole, by the head, by a range within and as a resource.
async fn comes_back(martin: &Actor, path: &str, bytes: &[u8]) {
    let size = bytes.len();
    let head = martin.send(Method::HEAD, path, &[], Vec::new()).await;
    assert_eq!((head.status.as_u16(), head.body.len(), head.header("content-length")), (200, 0, &*size.to_string()));
    let whole = martin.get(path).await;
    assert!(whole.status == 200 && whole.body == bytes, "{}", whole.status);
    let (first, last) = (size / 2 - 70_000, size / 2 + 70_000);
    let part = martin.get_with(path, &[("range", &format!("bytes={first}-{last}"))]).await;
    assert!(part.status == 206 && part.body == bytes[first..=last], "{}", part.status);
    let resource = martin.get_with(path, &[("accept", "application/fhir+json")]).await;
    let marker = b"\"data\":\"";
    let at = resource.body.windows(marker.len()).position(|found| found == marker).unwrap() + marker.len();
    let data = base64_simd::STANDARD.decode_to_vec(&resource.body[at..resource.body.len() - 2]).unwrap();
    assert!(resource.status == 200 && data == bytes, "{}", resource.status);
}

#[tokio::test]
async fn large_documents_go_both_ways_in_bounded_memory() {
    let size = megabytes() * 1_000_000;
    let (home, demo, ids) =
        (Home::new().with("ESPACE__SERVER__WORKERS", "2"), Demo::load().unwrap(), SystemIds::default());
    let server = home.dev("");
    // A token lives a minute: one for each step.
    let martin = || async { Actor::of(&server.origin, pki(), Some("cabinet")).as_professional("dr-martin", &[]).await };
    drop(martin().await.get("/fhir/metadata").await);
    let before = server.peak_memory();
    let (patient, author) = (demo.persona("dominique").unwrap(), demo.professional("dr-martin").unwrap());

    // ITI-65: a CDA around a PDF, in base64 twice.
    let pdf = Document::pdf(SystemClock.now(), noise(size / 4 * 3 - 20_000));
    let bundle = demo_bundle(&pdf, patient, author, &ids).unwrap();
    let answer = martin().await.post("/fhir", &bundle).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let path = format!("/fhir/{}", answer.locations()[2]);
    let bytes = document(&bundle);
    drop((pdf, bundle, answer));
    comes_back(&martin().await, &path, &bytes).await;
    drop(bytes);

    // ITI-105: a PDF, to the last byte that there may be.
    let bundle = demo_bundle(&Document::note(SystemClock.now()), patient, author, &ids).unwrap();
    let bytes = noise(size);
    let (_, path) = deposit(&martin().await, &bundle, "application/pdf", &bytes).await;
    comes_back(&martin().await, &path, &bytes).await;

    let (Some(before), Some(peak)) = (before, server.peak_memory()) else { return };
    let _ = writeln!(std::io::stderr(), "documents of {} MB both ways: VmHWM {before}, then {peak} kB", megabytes());
    assert!(peak < MOST_MEMORY && peak - before < MOST_GROWTH, "{before}, then {peak} kB");
}

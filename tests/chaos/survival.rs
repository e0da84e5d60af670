//! Killed again and again under a load of publications, a server loses nothing it has answered,
//! keeps no document without its trace, and its chains and seals stay whole.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use espace::cli::demo::personas::Demo;
use espace::clock::{Clock as _, SystemClock};
use espace::model::audit::{Act, AuditRecord};
use espace::store::Store;
use espace::store::blob::{BlobFolder, orphan};
use futures_util::future::join_all;
use jiff::SignedDuration;

use super::ledger::{Ledger, Published};
use super::load::{Clients, PATIENTS, is_document};
use super::{Dice, kills, tell};
use crate::support::db::{Db, stories};
use crate::support::process::Home;

stories! { kill_9_loses_no_answered_publication_and_leaves_no_document_without_its_trace }

/// Clients at work at once.
const CLIENTS: usize = 4;
/// A server is killed within so many milliseconds of its start...
const DURING_START: u64 = 150;
/// ... or of the first publication.
const UNDER_LOAD: u64 = 700;

async fn kill_9_loses_no_answered_publication_and_leaves_no_document_without_its_trace(db: Db) {
    let back_end = if db.is_sqlite() { "SQLite" } else { "PostgreSQL" };
    let (dice, demo, ledger) = (Dice::of(back_end), Demo::load().unwrap(), Ledger::default());
    let home = Home::new().with("ESPACE__STORE__URL", &db.config.url).with("ESPACE__AUDIT__SEAL_EVERY_SECONDS", "1");
    for _kill in 0..kills() {
        if dice.below(4) == 0 {
            let starting = home.spawn_dev("");
            tokio::time::sleep(Duration::from_millis(dice.below(DURING_START))).await;
            starting.kill();
            continue;
        }
        let server = home.dev("");
        let clients = Clients::of(&server).await;
        let end = Duration::from_millis(dice.below(UNDER_LOAD));
        let load = join_all((0..CLIENTS).map(|_client| clients.load(&ledger, &demo)));
        let end = async {
            tokio::time::sleep(end).await;
            server.kill();
        };
        tokio::join!(load, end);
        assert_eq!(ledger.entries().wrong, Vec::<String>::new());
    }

    let in_doubt = ledger.entries().doubtful.len();
    let server = home.dev("");
    assert!(Clients::of(&server).await.settle_doubts(&ledger).await);
    assert_eq!(ledger.entries().wrong, Vec::<String>::new());
    server.kill();
    verify_chains(&home);
    let store = db.open().await;
    every_document_has_its_trace(&store, &ledger).await;
    let orphans = only_orphans_are_collected(&store, &home.state().join("documents")).await;
    drop(store);
    rows_agree(&db, &ledger).await;

    let server = home.dev("");
    let clients = Clients::of(&server).await;
    nothing_answered_is_lost_and_nothing_is_there_twice(&clients, &ledger).await;
    assert_eq!(server.stop(), 0);
    verify_chains(&home);

    let entries = ledger.entries();
    let (published, read) = (entries.published.len(), entries.read);
    tell(&format!(
        "{back_end}: {} kills, {published} publications answered, 0 lost, 0 doubled; {} unanswered ones sent again \
         ({in_doubt} at the end); {read} documents read under load; {orphans} files without a row collected; chains intact",
        kills(),
        entries.sent_again,
    ));
    assert!(published > 0, "no publication was ever answered: nothing was shown");
}

/// `espace audit verify` finds nothing.
fn verify_chains(home: &Home) {
    let verified = home.run("audit verify --state data");
    assert_eq!((verified.code, verified.out.trim_end().ends_with(": intact")), (0, true), "{verified:?}");
}

/// Documents and traces name each other, and whatever was answered is traced.
async fn every_document_has_its_trace(store: &Store, ledger: &Ledger) {
    let (mut fiches, mut requests) = (BTreeSet::new(), BTreeSet::new());
    let heads = store.system_read("test.chains", |tx| tx.list_chains(None, 1_000)).await.unwrap();
    for head in heads {
        let rows = store.system_read("test.chain", move |tx| tx.list_chain(head.pt, 0, i64::MAX)).await.unwrap();
        for row in rows {
            let record: AuditRecord = serde_json::from_slice(&row.body).unwrap();
            requests.insert(record.request_id);
            if record.act == Act::ProvideDocumentBundle && record.outcome == "0" {
                fiches.extend(record.entities.into_iter().map(|entity| entity.reference));
            }
        }
    }
    fiches.retain(|reference| reference.starts_with("DocumentReference/"));
    let entries = ledger.entries();
    let untraced: Vec<_> = entries.published.iter().filter(|one| !fiches.contains(bare(&one.fiche))).collect();
    assert_eq!(untraced.len(), 0, "published, but not traced");
    // Beyond what was published there are the three documents of the demonstration.
    assert_eq!(fiches.len(), entries.published.len() + 3, "traced, but never answered");
    let untraced: Vec<_> = entries.answered.iter().filter(|request| !requests.contains(*request)).collect();
    assert_eq!(untraced, Vec::<&String>::new(), "answered, but not traced");
}

/// Every file that a row names is there; the collector takes all others and nothing else.
async fn only_orphans_are_collected(store: &Store, documents: &Path) -> u64 {
    let named = store.system_read("test.files", |tx| tx.list_blob_files(None, i64::MAX)).await.unwrap();
    let folder = BlobFolder::open(documents).unwrap();
    assert!(named.iter().all(|file| folder.path_of(file.id).is_file()), "a row names a file that is not there");
    assert!(!named.is_empty(), "no document was large enough for a file");
    let known: BTreeSet<_> = named.iter().map(|file| file.id).collect();
    let later = SystemClock.now() + SignedDuration::from_secs(1);
    let collected = orphan::collect(&folder, later, SignedDuration::ZERO, |ids| {
        let known = ids.into_iter().filter(|id| known.contains(id)).collect();
        async move { Ok(known) }
    });
    let collected = collected.await.unwrap();
    assert_eq!((collected.named, collected.foreign), (u64::try_from(named.len()).unwrap(), 0));
    let most = u64::from(kills()) * u64::try_from(CLIENTS).unwrap();
    assert!(collected.orphans + collected.leftovers <= most, "{collected:?}");
    collected.orphans + collected.leftovers
}

/// No row lacks another one of its unit of work.
async fn rows_agree(db: &Db, ledger: &Ledger) {
    let documents = i64::try_from(ledger.entries().published.len()).unwrap() + 3;
    for table in ["document", "document_identifier", "blob", "document JOIN blob ON blob.id = binary_id"] {
        assert_eq!(db.count(&format!("SELECT count(*) FROM {table}")).await, documents, "{table}");
    }
    for id in ["id", "submission"] {
        let stored = format!("SELECT count(*) FROM document d JOIN resource r ON r.pt = d.pt AND r.id = d.{id}");
        assert_eq!(db.count(&stored).await, documents, "{id}");
    }
    let told = "SELECT count(*) FROM document JOIN outbox ON event_id = document.id";
    assert_eq!(db.count(told).await, documents, "every addition is told once");
}

/// Every answered publication is read back by ITI-68 as it was sent; ITI-67 finds these and no more.
async fn nothing_answered_is_lost_and_nothing_is_there_twice(clients: &Clients, ledger: &Ledger) {
    let published = ledger.entries().published.clone();
    let reads = published.chunks(published.len().div_ceil(CLIENTS)).map(|part| async move {
        for one in part {
            let answer = clients.reader().get(&format!("/fhir/{}", one.binary)).await;
            assert!(is_document(&answer, one), "{}: {}", one.fiche, answer.status);
        }
    });
    join_all(reads).await;
    for patient in PATIENTS {
        let sent: BTreeSet<_> = published.iter().filter(|one| one.patient == patient).map(fiche).collect();
        assert_eq!(found(clients, patient).await, sent, "{patient}");
    }
}

fn fiche(published: &Published) -> String {
    bare(&published.fiche).to_owned()
}

fn bare(location: &str) -> &str {
    location.split("/_history/").next().unwrap()
}

/// The fiches of a record, page by page.
async fn found(clients: &Clients, patient: &str) -> BTreeSet<String> {
    let ins = Demo::load().unwrap().persona(patient).unwrap().ins.value().to_owned();
    let identifier = format!("urn:oid:1.2.250.1.213.1.4.10%7C{ins}");
    let mut found = BTreeSet::new();
    let mut next = Some(format!("/fhir/DocumentReference?patient.identifier={identifier}&status=current&_count=1000"));
    while let Some(url) = next {
        let page = clients.reader().get(&url).await;
        for fiche in page.matches() {
            let is_new = found.insert(format!("DocumentReference/{}", fiche["id"].as_str().unwrap()));
            assert!(is_new, "{patient}: a fiche is found twice");
        }
        let links = page.json()["link"].as_array().cloned().unwrap_or_default();
        let link = links.iter().find(|link| link["relation"] == "next");
        next = link.map(|link| link["url"].as_str().unwrap().to_owned());
    }
    found
}

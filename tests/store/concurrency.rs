//! Many at once: nothing lost, nothing doubled, and a full store says so.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use espace::access::permit::Denial;
use espace::error::Code;
use espace::model::document::{Document, DocumentStatus};
use espace::store::{AuditFilter, Settled, Store};
use futures_util::future::join_all;

use super::actors::{MARIE, PAUL, at, context, document, fiche, id, permit, trace};
use crate::support::db::{Db, stories};

stories! {
    as_many_traces_as_documents_after_64_writers,
    one_of_two_racers_replaces_a_document,
    an_overloaded_store_says_so_and_writes_nothing,
    a_unit_that_waits_too_long_is_given_up,
    a_unit_whose_caller_has_gone_is_not_run,
    transactions_that_meet_are_run_again,
}

const ALL: AuditFilter =
    AuditFilter { from: None, until: None, person: None, structure: None, before: None, limit: 1_000 };

async fn as_many_traces_as_documents_after_64_writers(db: Db) {
    let store = db.open_with(|config| config.ticket_ms = 60_000).await;
    let writers = (1..=64_u128).map(|number| {
        // Two records, so that writers of one record meet and those of the other do not wait for them.
        let patient = if number % 2 == 0 { MARIE } else { PAUL };
        store.write("provide", context(), move |tx| {
            let permit = permit(patient);
            tx.put_resource(&permit, &fiche(number, 1, vec![]))?;
            tx.put_document(&permit, &document(patient, number), at(0))?;
            if number % 8 == 0 {
                return Err(Code::Profile.into());
            }
            Ok(Settled::done((), trace(patient, number)))
        })
    });
    let outcomes = join_all(writers).await;
    let failed = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    assert_eq!(failed, 8);
    let numbers = |patient| {
        let store = store.clone();
        async move {
            let found = store.system_read("audit", move |tx| {
                Ok((
                    tx.fact_documents_of_submission(patient, document(patient, 1).submission)?.len(),
                    tx.list_audit(&permit(patient), &ALL)?,
                ))
            });
            let (documents, traces) = found.await.unwrap();
            let sequences: Vec<i64> = traces.iter().rev().map(|trace| trace.sequence).collect();
            let expected: Vec<i64> = (1..=i64::try_from(documents).unwrap()).collect();
            assert_eq!(sequences, expected);
            documents
        }
    };
    assert_eq!((numbers(MARIE).await, numbers(PAUL).await), (24, 32));
    let report = store.verify_audit(|_seal| true).await.unwrap();
    assert_eq!((report.links, report.findings), (56, vec![]));
}

async fn one_of_two_racers_replaces_a_document(db: Db) {
    let store = db.open_with(|config| config.ticket_ms = 60_000).await;
    store.system("put", |tx| tx.put_document(&permit(MARIE), &document(MARIE, 1), at(0))).await.unwrap();
    let racers = (2..=17_u128).map(|number| {
        store.write("replace", context(), move |tx| {
            let replaced = tx.fact_document(MARIE, id(1))?.unwrap();
            if replaced.status != DocumentStatus::Current {
                let denial = Denial::new(Code::AlreadySuperseded, "900");
                return Ok(Settled::refused(denial, trace(MARIE, 100 + number)));
            }
            let superseded = Document { status: DocumentStatus::Superseded, ..replaced };
            tx.put_document(&permit(MARIE), &superseded, at(1))?;
            tx.put_document(&permit(MARIE), &document(MARIE, number), at(1))?;
            Ok(Settled::done(number, trace(MARIE, number)))
        })
    });
    let outcomes: Vec<_> = join_all(racers).await.into_iter().map(|outcome| outcome.unwrap().into_result()).collect();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let others = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
    assert!(others.into_iter().all(|error| error.code() == Code::AlreadySuperseded));
    let kept = store.system_read("audit", |tx| tx.list_audit(&permit(MARIE), &ALL)).await.unwrap();
    assert_eq!(kept.len(), 16);
}

/// A gate that holds a unit within its transaction until it is opened.
struct Gate {
    entered: mpsc::Receiver<()>,
    open: mpsc::Sender<()>,
}

impl Gate {
    fn new() -> (Self, impl Fn() + Send + Clone + 'static) {
        let (enter, entered) = mpsc::channel();
        let (open, opened) = mpsc::channel();
        let opened = Arc::new(Mutex::new(opened));
        let pass = move || {
            enter.send(()).unwrap();
            opened.lock().unwrap().recv().unwrap();
        };
        (Self { entered, open }, pass)
    }
}

/// Fills every writing thread with a unit that waits at the gate.
async fn occupy(store: &Store, threads: usize) -> (Gate, Vec<tokio::task::JoinHandle<()>>) {
    let (gate, pass) = Gate::new();
    let mut held = Vec::new();
    for _thread in 0..threads {
        let (store, pass) = (store.clone(), pass.clone());
        held.push(tokio::spawn(async move {
            let hold = move |_tx: &mut espace::store::Tx<'_>| {
                pass();
                Ok(())
            };
            store.system("hold", hold).await.unwrap();
        }));
        tokio::task::yield_now().await;
        gate.entered.recv().unwrap();
    }
    (gate, held)
}

async fn an_overloaded_store_says_so_and_writes_nothing(db: Db) {
    let store = db.open_with(|config| {
        config.queue = 1;
        config.pool = 1;
        config.ticket_ms = 60_000;
    });
    let store = store.await;
    let (gate, held) = occupy(&store, 1).await;
    let put = |number: u128| {
        let store = store.clone();
        tokio::spawn(async move {
            store.system("put", move |tx| tx.put_resource(&permit(MARIE), &fiche(number, 1, vec![]))).await
        })
    };
    let waiting = put(1);
    tokio::task::yield_now().await;
    let refused = put(2).await.unwrap();
    assert_eq!(refused.unwrap_err().code(), Code::Busy);
    gate.open.send(()).unwrap();
    waiting.await.unwrap().unwrap();
    for unit in held {
        unit.await.unwrap();
    }
    let kept = store.system_read("fact", |tx| tx.fact_resource_exists(MARIE, fiche(2, 1, vec![]).kind, id(2))).await;
    assert!(!kept.unwrap());
    assert_eq!(store.statistics().busy, 1);
}

async fn a_unit_that_waits_too_long_is_given_up(db: Db) {
    let store = db.open_with(|config| {
        config.pool = 1;
        config.ticket_ms = 20;
    });
    let store = store.await;
    let (gate, held) = occupy(&store, 1).await;
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    let refused = store.system("late", move |_tx| {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(())
    });
    assert_eq!(refused.await.unwrap_err().code(), Code::Busy);
    gate.open.send(()).unwrap();
    for unit in held {
        // It was taken in time: however long it runs, its own answer is waited for.
        unit.await.unwrap();
    }
    store.system_read("after", |_tx| Ok(())).await.unwrap();
    assert_eq!(runs.load(Ordering::Relaxed), 0);
}

async fn a_unit_whose_caller_has_gone_is_not_run(db: Db) {
    let store = db.open_with(|config| config.pool = 1).await;
    let (gate, held) = occupy(&store, 1).await;
    let runs = Arc::new(AtomicU32::new(0));
    let (other, counted) = (store.clone(), Arc::clone(&runs));
    let caller = tokio::spawn(async move {
        let count = move |_tx: &mut espace::store::Tx<'_>| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok(())
        };
        other.system("gone", count).await
    });
    tokio::task::yield_now().await;
    assert_eq!(store.statistics().waiting, 1);
    caller.abort();
    drop(caller.await);
    gate.open.send(()).unwrap();
    for unit in held {
        unit.await.unwrap();
    }
    store.system("after", |_tx| Ok(())).await.unwrap();
    assert_eq!(runs.load(Ordering::Relaxed), 0);
}

async fn transactions_that_meet_are_run_again(db: Db) {
    let store = db.open_with(|config| config.ticket_ms = 60_000).await;
    store.system("set", |tx| tx.put_setting("count", "0")).await.unwrap();
    // A second server on the same database, or on SQLite the same one: its writer is single.
    let other = if db.is_sqlite() { store.clone() } else { db.open().await };
    let increment = |store: &Store| {
        let store = store.clone();
        async move {
            store
                .system("count", |tx| {
                    let count: u32 = tx.find_setting("count")?.unwrap().parse().unwrap();
                    tx.put_setting("count", &(count + 1).to_string())
                })
                .await
                .unwrap();
        }
    };
    join_all((0..40).map(|number| increment(if number % 2 == 0 { &store } else { &other }))).await;
    let count = store.system_read("count", |tx| tx.find_setting("count")).await.unwrap();
    assert_eq!(count.as_deref(), Some("40"));
    let retries = store.statistics().retries + other.statistics().retries;
    assert!(db.is_sqlite() || retries > 0, "nobody met: the story proves nothing");
}

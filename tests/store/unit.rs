//! A unit of work: what commits, what rolls back, what spares its neighbours.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use espace::access::permit::Denial;
use espace::error::{Code, Error};
use espace::model::resource::ResourceType;
use espace::store::{AuditFilter, Settled, Store};

use super::actors::{DOCTOR, MARIE, context, document, fiche, id, permit, trace};
use crate::support::db::{Db, stories};

stories! {
    done_commits_the_work_with_its_trace,
    refused_commits_its_trace_and_nothing_else,
    err_leaves_nothing,
    a_panic_spares_its_neighbours,
    an_error_taken_for_an_answer_does_not_commit,
    a_read_waits_for_its_trace,
    a_read_cannot_write,
    a_read_whose_trace_cannot_be_kept_hands_nothing_out,
}

const ALL: AuditFilter =
    AuditFilter { from: None, until: None, person: None, structure: None, before: None, limit: 100 };

async fn traces(store: &Store) -> Vec<(i64, u128)> {
    let found = store.system_read("audit", |tx| tx.list_audit(&permit(MARIE), &ALL)).await.unwrap();
    found.into_iter().map(|chained| (chained.sequence, chained.record.id.as_u128())).collect()
}

async fn is_kept(store: &Store, number: u128) -> bool {
    store
        .system_read("fact", move |tx| tx.fact_resource_exists(MARIE, ResourceType::DocumentReference, id(number)))
        .await
        .unwrap()
}

async fn done_commits_the_work_with_its_trace(db: Db) {
    let store = db.open().await;
    let settled = store
        .write("put", context(), |tx| {
            tx.put_resource(&permit(MARIE), &fiche(1, 1, vec![]))?;
            Ok(Settled::done(7, trace(MARIE, 100)))
        })
        .await
        .unwrap();
    assert_eq!(settled.into_result().unwrap(), 7);
    assert!(is_kept(&store, 1).await);
    assert_eq!(traces(&store).await, [(1, 100)]);
}

async fn refused_commits_its_trace_and_nothing_else(db: Db) {
    let store = db.open().await;
    let settled = store
        .write("put", context(), |_tx| {
            let denial = Denial::new(Code::Forbidden, "MES-000");
            Ok(Settled::<()>::refused(denial, trace(MARIE, 100)))
        })
        .await
        .unwrap();
    assert_eq!(settled.into_result().unwrap_err().code(), Code::Forbidden);
    assert!(!is_kept(&store, 1).await);
    assert_eq!(traces(&store).await, [(1, 100)]);
}

async fn err_leaves_nothing(db: Db) {
    let store = db.open().await;
    let failed = store
        .write("put", context(), |tx| {
            tx.put_resource(&permit(MARIE), &fiche(1, 1, vec![]))?;
            tx.put_document(&permit(MARIE), &document(MARIE, 1), super::actors::at(0))?;
            Err::<Settled<()>, Error>(Code::Profile.into())
        })
        .await;
    assert_eq!(failed.unwrap_err().code(), Code::Profile);
    assert!(!is_kept(&store, 1).await);
    assert_eq!(traces(&store).await, []);
    // Neither a number of the chain nor the masterIdentifier was used up.
    store
        .write("put", context(), |tx| {
            tx.put_document(&permit(MARIE), &document(MARIE, 1), super::actors::at(0))?;
            Ok(Settled::done((), trace(MARIE, 101)))
        })
        .await
        .unwrap();
    assert_eq!(traces(&store).await, [(1, 101)]);
}

async fn a_panic_spares_its_neighbours(db: Db) {
    let store = db.open().await;
    let put = |number: u128| {
        store.write("put", context(), move |tx| {
            tx.put_resource(&permit(MARIE), &fiche(number, 1, vec![]))?;
            assert_ne!(number, 2, "a defect");
            Ok(Settled::done((), trace(MARIE, 100 + number)))
        })
    };
    let (first, second, third) = tokio::join!(put(1), put(2), put(3));
    assert_eq!(second.unwrap_err().code(), Code::Internal);
    first.unwrap();
    third.unwrap();
    put(4).await.unwrap();
    assert_eq!(
        (is_kept(&store, 1).await, is_kept(&store, 2).await, is_kept(&store, 3).await, is_kept(&store, 4).await),
        (true, false, true, true)
    );
    assert_eq!(traces(&store).await.len(), 3);
}

async fn an_error_taken_for_an_answer_does_not_commit(db: Db) {
    let store = db.open().await;
    db.execute("DROP TABLE first_access").await;
    let failed = store
        .write("put", context(), |tx| {
            tx.put_resource(&permit(MARIE), &fiche(1, 1, vec![]))?;
            let taken_for_no = tx.record_first_access(&permit(MARIE), DOCTOR, super::actors::at(0)).is_ok();
            assert!(tx.put_setting("after", "the fault").is_err());
            Ok(Settled::done(taken_for_no, trace(MARIE, 100)))
        })
        .await;
    assert_eq!(failed.unwrap_err().code(), Code::Internal);
    assert!(!is_kept(&store, 1).await);
    assert_eq!(traces(&store).await, []);
}

async fn a_read_waits_for_its_trace(db: Db) {
    let store = db.open().await;
    store.system("put", |tx| tx.put_resource(&permit(MARIE), &fiche(1, 1, vec![]))).await.unwrap();
    let before = store.statistics().commits;
    let settled = store
        .read("read", context(), |tx| {
            let found = tx.find_resource(&permit(MARIE), ResourceType::DocumentReference, id(1))?;
            Ok(Settled::done(found, trace(MARIE, 100)))
        })
        .await
        .unwrap();
    assert_eq!(settled.into_result().unwrap().unwrap().version, 1);
    assert!(store.statistics().commits > before);
    assert_eq!(traces(&store).await, [(1, 100)]);
}

async fn a_read_cannot_write(db: Db) {
    let store = db.open().await;
    let failed = store.system_read("put", |tx| tx.put_resource(&permit(MARIE), &fiche(1, 1, vec![]))).await;
    assert_eq!(failed.unwrap_err().code(), Code::Internal);
    assert!(!is_kept(&store, 1).await);
}

async fn a_read_whose_trace_cannot_be_kept_hands_nothing_out(db: Db) {
    let store = db.open().await;
    db.execute("DROP TABLE audit").await;
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    let failed = store
        .read("read", context(), move |_tx| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok(Settled::done("secret", trace(MARIE, 100)))
        })
        .await;
    assert_eq!(failed.unwrap_err().code(), Code::Internal);
    assert_eq!(runs.load(Ordering::Relaxed), 1);
}

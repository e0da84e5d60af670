//! Traces cannot be changed unseen: changed, removed, reordered and cut off links are named.

use espace::error::Code;
use espace::ids::ShardKey;
use espace::store::{AuditFilter, Finding, Settled, Store};

use super::actors::{DOCTOR, MARIE, PAUL, at, context, id, permit, trace};
use crate::support::db::{Db, stories};

stories! {
    whole_chains_have_no_finding,
    a_changed_trace_is_named,
    a_changed_column_is_named,
    a_removed_trace_is_named,
    reordered_traces_are_named,
    a_chain_cut_off_with_its_head_is_named_by_its_seal,
    a_chain_cut_off_behind_its_head_is_named,
    a_chain_that_vanished_is_named_by_its_seal,
    a_chain_rewritten_as_a_whole_is_named_by_its_seal,
    a_forged_and_a_missing_seal_are_named,
    a_seal_covers_what_grew_since_the_one_before,
    traces_are_listed_newest_first_and_filtered,
}

#[expect(clippy::unnecessary_wraps, reason = "the shape that a seal asks for")]
fn sign(text: &str) -> Result<Vec<u8>, espace::error::Error> {
    Ok(text.bytes().rev().collect())
}

async fn append(store: &Store, patient: espace::ids::PatientKey, numbers: std::ops::RangeInclusive<u128>) {
    for number in numbers {
        let write = move |_tx: &mut espace::store::Tx<'_>| Ok(Settled::done((), trace(patient, number)));
        store.write("act", context(), write).await.unwrap();
    }
}

async fn findings(store: &Store) -> Vec<Finding> {
    let report = store.verify_audit(|seal| sign(&seal.payload).is_ok_and(|signed| signed == seal.signature)).await;
    report.unwrap().findings
}

fn marie() -> ShardKey {
    MARIE.into()
}

async fn whole_chains_have_no_finding(db: Db) {
    let store = db.open().await;
    append(&store, MARIE, 1..=5).await;
    append(&store, PAUL, 1..=3).await;
    assert_eq!(store.seal(at(0), 100, sign).await.unwrap(), 2);
    append(&store, MARIE, 6..=7).await;
    let report = store.verify_audit(|seal| sign(&seal.payload).unwrap() == seal.signature).await.unwrap();
    assert_eq!((report.chains, report.links, report.seals, report.findings), (2, 10, 1, vec![]));
}

async fn a_changed_trace_is_named(db: Db) {
    let store = db.open().await;
    append(&store, MARIE, 1..=4).await;
    db.execute("UPDATE audit SET at = at + 1 WHERE pt = 1001 AND sequence = 2").await;
    assert_eq!(findings(&store).await, [Finding::Changed { pt: marie(), sequence: 2 }]);
}

async fn a_changed_column_is_named(db: Db) {
    let store = db.open().await;
    append(&store, MARIE, 1..=2).await;
    db.execute("UPDATE audit SET actor_person = '899999999999' WHERE pt = 1001 AND sequence = 1").await;
    assert_eq!(findings(&store).await, [Finding::Changed { pt: marie(), sequence: 1 }]);
}

async fn a_removed_trace_is_named(db: Db) {
    let store = db.open().await;
    append(&store, MARIE, 1..=5).await;
    db.execute("DELETE FROM audit WHERE pt = 1001 AND sequence IN (2, 3)").await;
    assert_eq!(findings(&store).await, [Finding::Removed { pt: marie(), from: 2, to: 3 }]);
    // Closing the gap hides nothing.
    db.execute("UPDATE audit SET sequence = 2 WHERE pt = 1001 AND sequence = 4").await;
    let found = findings(&store).await;
    assert!(found.contains(&Finding::Changed { pt: marie(), sequence: 2 }), "{found:?}");
}

async fn reordered_traces_are_named(db: Db) {
    let store = db.open().await;
    append(&store, MARIE, 1..=4).await;
    db.execute(
        "UPDATE audit SET sequence = -2 WHERE pt = 1001 AND sequence = 2;
         UPDATE audit SET sequence = 2 WHERE pt = 1001 AND sequence = 3;
         UPDATE audit SET sequence = 3 WHERE pt = 1001 AND sequence = -2;",
    )
    .await;
    let expected = [
        Finding::Reordered { pt: marie(), sequence: 2, belongs: 3 },
        Finding::Reordered { pt: marie(), sequence: 3, belongs: 2 },
    ];
    assert_eq!(findings(&store).await, expected);
}

async fn a_chain_cut_off_behind_its_head_is_named(db: Db) {
    let store = db.open().await;
    append(&store, MARIE, 1..=4).await;
    db.execute("DELETE FROM audit WHERE pt = 1001 AND sequence > 2").await;
    assert_eq!(findings(&store).await, [Finding::Truncated { pt: marie(), expected: 4, found: 2 }]);
}

async fn a_chain_cut_off_with_its_head_is_named_by_its_seal(db: Db) {
    let store = db.open().await;
    append(&store, MARIE, 1..=4).await;
    store.seal(at(0), 100, sign).await.unwrap();
    db.execute(
        "DELETE FROM audit WHERE pt = 1001 AND sequence > 2;
         UPDATE audit_chain SET sequence = 2, head = (SELECT hash FROM audit WHERE pt = 1001 AND sequence = 2)
         WHERE pt = 1001;",
    )
    .await;
    assert_eq!(findings(&store).await, [Finding::Truncated { pt: marie(), expected: 4, found: 2 }]);
}

async fn a_chain_that_vanished_is_named_by_its_seal(db: Db) {
    let store = db.open().await;
    append(&store, MARIE, 1..=2).await;
    append(&store, PAUL, 1..=2).await;
    store.seal(at(0), 100, sign).await.unwrap();
    db.execute("DELETE FROM audit WHERE pt = 1001; DELETE FROM audit_chain WHERE pt = 1001;").await;
    assert_eq!(findings(&store).await, [Finding::Truncated { pt: marie(), expected: 2, found: 0 }]);
}

async fn a_chain_rewritten_as_a_whole_is_named_by_its_seal(db: Db) {
    let store = db.open().await;
    append(&store, MARIE, 1..=2).await;
    store.seal(at(0), 100, sign).await.unwrap();
    db.execute("DELETE FROM audit WHERE pt = 1001; DELETE FROM audit_chain WHERE pt = 1001;").await;
    // The store itself now makes a chain that is whole, only not the one that was sealed.
    append(&store, MARIE, 11..=12).await;
    assert_eq!(findings(&store).await, [Finding::Replaced { pt: marie(), sequence: 2 }]);
}

async fn a_forged_and_a_missing_seal_are_named(db: Db) {
    let store = db.open().await;
    for number in 1..=3 {
        append(&store, MARIE, number..=number).await;
        store.seal(at(0), 100, sign).await.unwrap();
    }
    assert_eq!(findings(&store).await, []);
    db.execute("UPDATE audit_seal SET payload = replace(payload, '1001 2', '1001 1') WHERE id = 2").await;
    // The signature fails, the next seal no longer follows, and the false head matches no link.
    let expected =
        [Finding::SealBroken { id: 2 }, Finding::SealBroken { id: 3 }, Finding::Replaced { pt: marie(), sequence: 1 }];
    assert_eq!(findings(&store).await, expected);
    db.execute("DELETE FROM audit_seal WHERE id = 2").await;
    assert_eq!(findings(&store).await, [Finding::SealBroken { id: 3 }]);
}

async fn a_seal_covers_what_grew_since_the_one_before(db: Db) {
    let store = db.open().await;
    append(&store, MARIE, 1..=2).await;
    append(&store, PAUL, 1..=1).await;
    assert_eq!(store.seal(at(0), 1, sign).await.unwrap(), 1);
    assert_eq!(store.seal(at(1), 100, sign).await.unwrap(), 1);
    assert_eq!(store.seal(at(2), 100, sign).await.unwrap(), 0);
    append(&store, MARIE, 3..=4).await;
    assert_eq!(store.seal(at(3), 100, sign).await.unwrap(), 1);
    let seals = store.system_read("seals", |tx| tx.list_seals(0, 10)).await.unwrap();
    let lines: Vec<usize> = seals.iter().map(|seal| seal.payload.lines().count() - 3).collect();
    assert_eq!(lines, [1, 1, 1]);
    assert!(seals[2].payload.contains("\n1001 4 "), "{}", seals[2].payload);
    let refused = store.seal(at(4), 100, |_text| Err(Code::Internal.into())).await;
    assert_eq!(refused.unwrap(), 0);
}

async fn traces_are_listed_newest_first_and_filtered(db: Db) {
    let store = db.open().await;
    append(&store, MARIE, 1..=6).await;
    append(&store, PAUL, 7..=7).await;
    let any = AuditFilter { from: None, until: None, person: None, structure: None, before: None, limit: 10 };
    let list = |filter: AuditFilter| {
        let store = store.clone();
        async move {
            let found = store.system_read("audit", move |tx| tx.list_audit(&permit(MARIE), &filter)).await.unwrap();
            found.iter().map(|chained| chained.sequence).collect::<Vec<_>>()
        }
    };
    assert_eq!(list(any.clone()).await, [6, 5, 4, 3, 2, 1]);
    assert_eq!(list(AuditFilter { limit: 2, before: Some(5), ..any.clone() }).await, [4, 3]);
    assert_eq!(list(AuditFilter { from: Some(at(2)), until: Some(at(4)), ..any.clone() }).await, [4, 3, 2]);
    assert_eq!(list(AuditFilter { person: Some(DOCTOR.to_owned()), limit: 1, ..any.clone() }).await, [6]);
    assert_eq!(list(AuditFilter { person: Some("other".to_owned()), ..any.clone() }).await, [0; 0]);
    assert_eq!(list(AuditFilter { structure: Some("other".to_owned()), ..any }).await, [0; 0]);
    let one = store.system_read("audit", |tx| tx.find_audit(&permit(MARIE), id(3))).await.unwrap().unwrap();
    assert_eq!((one.sequence, one.record), (3, trace(MARIE, 3)));
    let foreign = store.system_read("audit", |tx| tx.find_audit(&permit(MARIE), id(7))).await.unwrap();
    assert_eq!(foreign, None);
}

//! Files that no row names are collected, and no others.

use std::collections::HashSet;

use espace::clock::{Clock as _, SystemClock};
use espace::error::Code;
use espace::store::blob::orphan::{Collected, PAGE, collect};
use jiff::SignedDuration;
use uuid::Uuid;

use super::{Vault, noise};

const GRACE: SignedDuration = SignedDuration::from_hours(1);

#[tokio::test]
async fn old_files_without_a_row_go_and_the_rest_stays() {
    let vault = Vault::new();
    for id in 1..=3 {
        vault.kept(id, &noise(270_000)).await;
    }
    std::fs::write(vault.root.join("staging").join(Uuid::from_u128(9).to_string()), b"cut off").unwrap();
    std::fs::create_dir(vault.root.join("00")).unwrap();
    std::fs::write(vault.root.join("00").join("lost+found"), b"not ours").unwrap();
    let now = SystemClock.now();
    let rows = HashSet::from([Uuid::from_u128(1), Uuid::from_u128(7)]);
    let lookup = |ids: Vec<Uuid>| {
        let named: HashSet<Uuid> = ids.into_iter().filter(|id| rows.contains(id)).collect();
        async move { Ok(named) }
    };

    let young = collect(&vault.folder, now, GRACE, lookup).await.unwrap();
    assert_eq!(young, Collected { foreign: 1, ..Collected::default() });
    assert_eq!(vault.files().len(), 5);

    let later = collect(&vault.folder, now + GRACE * 2, GRACE, lookup).await.unwrap();
    assert_eq!(later, Collected { orphans: 2, leftovers: 1, named: 1, foreign: 1 });
    let mut left = vault.files();
    left.sort();
    assert_eq!(left, [vault.root.join("00").join("lost+found"), vault.folder.path_of(Uuid::from_u128(1))]);
}

#[tokio::test]
async fn nothing_is_deleted_when_the_rows_cannot_be_asked() {
    let vault = Vault::new();
    vault.kept(1, &noise(270_000)).await;
    let later = SystemClock.now() + GRACE * 2;
    let failed = collect(&vault.folder, later, GRACE, async |_ids| Err(Code::Busy.into())).await;
    assert_eq!(failed.unwrap_err().code(), Code::Busy);
    assert_eq!(vault.files().len(), 1);
}

#[tokio::test]
async fn rows_are_asked_about_by_the_page() {
    let vault = Vault::new();
    std::fs::create_dir(vault.root.join("00")).unwrap();
    for number in 0..PAGE + 3 {
        let id = Uuid::from_u128(u128::try_from(number).unwrap() << 8);
        std::fs::write(vault.folder.path_of(id), b"").unwrap();
    }
    let mut asked = Vec::new();
    let later = SystemClock.now() + GRACE * 2;
    let found = collect(&vault.folder, later, GRACE, |ids: Vec<Uuid>| {
        asked.push(ids.len());
        async move { Ok(ids.into_iter().collect()) }
    });
    assert_eq!(found.await.unwrap().named, u64::try_from(PAGE + 3).unwrap());
    assert_eq!(asked, [PAGE, 3]);
}

//! A document is hashed, encrypted and made durable on its way in, and reads back whole or in part.

use espace::error::Code;
use espace::model::document::{Blob, BlobPlace};
use espace::store::blob::cipher::sealed_size;
use espace::store::blob::{BlobLimits, BlobReader};
use futures_util::TryStreamExt as _;
use proptest::prelude::*;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::{Vault, noise};

const SEGMENT: usize = 65_536;

async fn pieces(vault: &Vault, blob: &Blob, range: std::ops::Range<u64>) -> Vec<bytes::Bytes> {
    let reader = BlobReader::new(blob.clone(), &vault.folder, &vault.keys).unwrap();
    reader.stream(range).await.unwrap().try_collect().await.unwrap()
}

#[tokio::test]
async fn a_document_of_any_size_reads_back_with_its_digests() {
    let vault = Vault::new();
    let inline = 256 * 1024;
    for (id, size) in [0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, inline, inline + 1, 1_000_001].into_iter().enumerate() {
        let plain = noise(size);
        let blob = vault.kept(u128::try_from(id).unwrap(), &plain).await;
        assert_eq!(blob.size, i64::try_from(size).unwrap());
        assert_eq!(blob.sha1, <[u8; 20]>::from(Sha1::digest(&plain)), "{size}");
        assert_eq!(blob.sha256, <[u8; 32]>::from(Sha256::digest(&plain)), "{size}");
        assert_eq!(blob.place == BlobPlace::File, size > inline, "{size}");
        let reader = BlobReader::new(blob.clone(), &vault.folder, &vault.keys).unwrap();
        assert!(reader.whole().await.unwrap() == plain, "{size}");
        let streamed = pieces(&vault, &blob, 0..u64::MAX).await;
        assert!(streamed.iter().all(|piece| piece.len() <= SEGMENT));
        assert!(streamed.concat() == plain, "{size}");
    }
}

#[tokio::test]
async fn what_lies_on_disk_or_beside_the_row_is_ciphertext() {
    let vault = Vault::new();
    for (id, size) in [(1, 100_000), (2, 600_000)] {
        let plain = b"compte rendu d'hospitalisation. ".repeat(size / 32);
        let blob = vault.kept(id, &plain).await;
        let sealed = match &blob.place {
            BlobPlace::Inline(bytes) => bytes.clone(),
            BlobPlace::File => std::fs::read(vault.folder.path_of(blob.id)).unwrap(),
        };
        assert_eq!(u64::try_from(sealed.len()).unwrap(), sealed_size(u64::try_from(plain.len()).unwrap()));
        assert!(!sealed.windows(8).any(|window| window == &plain[..8]));
    }
}

#[tokio::test]
async fn a_small_text_takes_less_room_than_its_bytes_and_reads_back_whole_and_in_part() {
    let vault = Vault::new();
    let packed_up_to = 16 * 1024;
    for (id, size) in [(1, 100), (2, 4_000), (3, packed_up_to), (4, packed_up_to + 1)] {
        let plain: Vec<u8> =
            b"<paragraph>Compte rendu de consultation</paragraph>".iter().copied().cycle().take(size).collect();
        let blob = vault.kept(id, &plain).await;
        let BlobPlace::Inline(sealed) = &blob.place else { panic!("a small document is in a file") };
        assert_eq!(sealed.len() < size, size <= packed_up_to, "{size}");
        assert!(!sealed.windows(8).any(|window| window == &plain[11..19]));
        assert_eq!(blob.size, i64::try_from(size).unwrap());
        assert_eq!(blob.sha256, <[u8; 32]>::from(Sha256::digest(&plain)), "{size}");
        let reader = BlobReader::new(blob.clone(), &vault.folder, &vault.keys).unwrap();
        assert!(reader.whole().await.unwrap() == plain, "{size}");
        assert!(pieces(&vault, &blob, 0..u64::MAX).await.concat() == plain, "{size}");
        assert!(pieces(&vault, &blob, 7..60).await.concat() == plain[7..60], "{size}");
        assert!(pieces(&vault, &blob, 60..60).await.is_empty());
    }
}

#[tokio::test]
async fn a_document_over_the_limit_is_refused_and_leaves_nothing() {
    let mut vault = Vault::new();
    vault.limits = BlobLimits { document: 500_000, inline: 65_536, capture: 0 };
    assert_eq!(vault.store(1, &noise(500_000)).await.unwrap().0.size, 500_000);
    assert_eq!(vault.store(2, &noise(500_001)).await.unwrap_err().code(), Code::TooLarge);
    vault.vanished().await;
}

#[tokio::test]
async fn the_beginning_is_kept_in_the_clear_for_the_header_only_up_to_its_limit() {
    let mut vault = Vault::new();
    vault.limits.capture = 1_000;
    for size in [0, 999, 1_000, 1_001, 300_000] {
        let plain = noise(size);
        let mut stage = vault.stage(1);
        for chunk in plain.chunks(77) {
            stage.write(chunk).unwrap();
        }
        assert_eq!(stage.capture(), &plain[..size.min(1_000)]);
        let staged = stage.finish(&vault.keys).await.unwrap();
        assert_eq!(staged.capture(), &plain[..size.min(1_000)]);
        assert_eq!(staged.is_captured_whole(), size <= 1_000);
        assert!(!format!("{staged:?}").contains("capture"));
    }
}

#[tokio::test]
async fn a_file_goes_with_its_guard_unless_kept_and_a_kept_one_when_refused() {
    let vault = Vault::new();
    let plain = noise(300_000);
    drop(vault.store(1, &plain).await.unwrap());
    let (_, mut kept) = vault.store(2, &plain).await.unwrap();
    kept.keep();
    drop(kept);
    let (refused, mut guard) = vault.store(3, &plain).await.unwrap();
    guard.keep();
    assert!(vault.folder.path_of(refused.id).exists());
    guard.discard().await.unwrap();
    let mut unfinished = vault.stage(4);
    unfinished.write(&plain).unwrap();
    unfinished.spill().await.unwrap();
    assert_eq!(vault.files().iter().filter(|path| path.parent().unwrap().ends_with("staging")).count(), 1);
    drop(unfinished);
    vault.settles_to(&[vault.folder.path_of(uuid::Uuid::from_u128(2))]).await;
}

#[test]
fn a_guard_dropped_outside_a_runtime_deletes_at_once() {
    let vault = Vault::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let guarded = runtime.block_on(vault.store(1, &noise(300_000))).unwrap();
    assert_eq!(vault.files().len(), 1);
    drop(guarded);
    assert_eq!(vault.files().len(), 0);
}

#[tokio::test]
async fn a_disk_that_refuses_is_an_error_of_ours_and_shows_no_path() {
    let vault = Vault::new();
    std::fs::remove_dir_all(vault.root.join("staging")).unwrap();
    let error = vault.store(1, &noise(300_000)).await.unwrap_err();
    assert_eq!(error.code(), Code::Internal);
    assert!(!format!("{error:?}").contains("espace-blob"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_range_of_any_document_is_that_slice(
        size in prop_oneof![0_usize..700_000, Just(SEGMENT), Just(4 * SEGMENT), Just(5 * SEGMENT)],
        first in any::<prop::sample::Index>(),
        last in any::<prop::sample::Index>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let vault = Vault::new();
        let plain = noise(size);
        let from = first.index(size + 1);
        let to = last.index(size + 70_000);
        let wide = |length: usize| u64::try_from(length).unwrap();
        let streamed = runtime.block_on(async {
            let blob = vault.kept(1, &plain).await;
            pieces(&vault, &blob, wide(from)..wide(to)).await.concat()
        });
        let expected = plain.get(from..to.min(size)).unwrap_or_default();
        prop_assert!(streamed == expected, "{from}..{to} of {size}");
    }
}

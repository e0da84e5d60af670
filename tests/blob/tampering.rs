//! Stored bytes that were altered, cut, moved or exchanged are never given out.

use espace::error::{Code, Error};
use espace::model::document::{Blob, BlobPlace};
use espace::store::blob::BlobReader;
use futures_util::TryStreamExt as _;
use uuid::Uuid;

use super::{Vault, noise};

const SEALED: usize = 65_536 + 16;

async fn whole(vault: &Vault, blob: &Blob) -> Result<Vec<u8>, Error> {
    Ok(BlobReader::new(blob.clone(), &vault.folder, &vault.keys)?.whole().await?.to_vec())
}

async fn streamed(vault: &Vault, blob: &Blob, range: std::ops::Range<u64>) -> Result<Vec<u8>, Error> {
    let reader = BlobReader::new(blob.clone(), &vault.folder, &vault.keys)?;
    let pieces: Vec<bytes::Bytes> = reader.stream(range).await?.try_collect().await?;
    Ok(pieces.concat())
}

/// Applies `change` to the sealed bytes, wherever they are.
fn tamper(vault: &Vault, blob: &Blob, change: impl FnOnce(&mut Vec<u8>)) -> Blob {
    let mut blob = blob.clone();
    match &mut blob.place {
        BlobPlace::Inline(bytes) => change(bytes),
        BlobPlace::File => {
            let path = vault.folder.path_of(blob.id);
            let mut bytes = std::fs::read(&path).unwrap();
            change(&mut bytes);
            std::fs::write(&path, bytes).unwrap();
        }
    }
    blob
}

async fn refused(vault: &Vault, blob: &Blob) {
    assert_eq!(whole(vault, blob).await.unwrap_err().code(), Code::Internal);
    assert_eq!(streamed(vault, blob, 0..u64::MAX).await.unwrap_err().code(), Code::Internal);
}

#[tokio::test]
async fn altered_cut_and_moved_segments_do_not_open() {
    let vault = Vault::new();
    // The second one is in a file.
    for (id, segments) in [(1, 3), (2, 6)] {
        let plain = noise(65_536 * segments);
        let intact = vault.kept(id, &plain).await;
        let sealed = SEALED * segments;
        refused(&vault, &tamper(&vault, &intact, |bytes| bytes[SEALED + 5] ^= 1)).await;
        tamper(&vault, &intact, |bytes| bytes[SEALED + 5] ^= 1);
        assert_eq!(whole(&vault, &intact).await.unwrap(), plain, "restored");
        let swap = |bytes: &mut Vec<u8>| {
            let (one, two) = bytes.split_at_mut(SEALED);
            one.swap_with_slice(&mut two[..SEALED]);
        };
        refused(&vault, &tamper(&vault, &intact, swap)).await;
        tamper(&vault, &intact, swap);
        refused(&vault, &tamper(&vault, &intact, |bytes| bytes.truncate(sealed - SEALED))).await;
    }
}

#[tokio::test]
async fn a_document_cut_at_a_segment_is_refused_even_if_its_row_agrees() {
    let vault = Vault::new();
    for (id, segments) in [(1, 3), (2, 6)] {
        let blob = vault.kept(id, &noise(65_536 * segments)).await;
        let mut blob = tamper(&vault, &blob, |bytes| bytes.truncate(SEALED * (segments - 1)));
        blob.size -= 65_536;
        refused(&vault, &blob).await;
    }
}

#[tokio::test]
async fn a_row_that_claims_another_size_is_refused() {
    let vault = Vault::new();
    let blob = vault.kept(1, &noise(1_000)).await;
    for size in [-1, 0, 999, 1_001, 70_000] {
        let result = whole(&vault, &Blob { size, ..blob.clone() }).await;
        assert_eq!(result.unwrap_err().code(), Code::Internal, "{size}");
    }
}

#[tokio::test]
async fn packed_bytes_do_not_pass_for_others_whatever_their_row_says() {
    let vault = Vault::new();
    let plain = b"compte rendu ".repeat(100);
    let blob = vault.kept(1, &plain).await;
    let BlobPlace::Inline(sealed) = &blob.place else { panic!("a small document is in a file") };
    // As long as they are, they would be a document as it is.
    let as_it_is = i64::try_from(sealed.len() - 16).unwrap();
    for size in [0, as_it_is, as_it_is + 1, 1_299, 1_301, 70_000] {
        refused(&vault, &Blob { size, ..blob.clone() }).await;
    }
    refused(&vault, &tamper(&vault, &blob, |bytes| bytes[3] ^= 1)).await;
    refused(&vault, &tamper(&vault, &blob, |bytes| bytes.truncate(bytes.len() - 1))).await;
    assert_eq!(whole(&vault, &blob).await.unwrap(), plain);
}

#[tokio::test]
async fn a_document_under_the_name_of_another_is_refused() {
    let vault = Vault::new();
    let plain = noise(400_000);
    let one = vault.kept(1, &plain).await;
    let two = vault.kept(2, &plain).await;
    std::fs::copy(vault.folder.path_of(two.id), vault.folder.path_of(one.id)).unwrap();
    refused(&vault, &one).await;
    // Not even with the other's wrapped key beside it.
    refused(&vault, &Blob { wrapped_key: two.wrapped_key.clone(), ..one.clone() }).await;
    refused(&vault, &Blob { id: Uuid::from_u128(2), wrapped_key: one.wrapped_key, ..two.clone() }).await;
    assert_eq!(whole(&vault, &two).await.unwrap(), plain);
}

#[tokio::test]
async fn a_range_opens_its_own_segments_only() {
    let vault = Vault::new();
    for (id, segments) in [(1, 4), (2, 12)] {
        let plain = noise(65_536 * segments);
        let blob = vault.kept(id, &plain).await;
        let blob = tamper(&vault, &blob, |bytes| {
            bytes[0] ^= 1;
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
        });
        let middle = streamed(&vault, &blob, 65_536..131_100).await.unwrap();
        assert!(middle == plain[65_536..131_100]);
        refused(&vault, &blob).await;
        assert!(streamed(&vault, &blob, 65_535..131_072).await.is_err());
    }
}

#[tokio::test]
async fn a_missing_file_is_known_before_the_answer_begins() {
    let vault = Vault::new();
    let blob = vault.kept(1, &noise(400_000)).await;
    std::fs::remove_file(vault.folder.path_of(blob.id)).unwrap();
    let reader = BlobReader::new(blob, &vault.folder, &vault.keys).unwrap();
    assert_eq!(reader.stream(0..10).await.err().unwrap().code(), Code::Internal);
}

//! A body kept for the time of its request.

use espace::error::Code;
use espace::store::blob::{BlobLimits, Spool};
use uuid::Uuid;

use super::Vault;

#[tokio::test]
async fn a_spooled_body_reads_back_as_often_as_needed_and_goes_with_its_request() {
    let vault = Vault::new();
    for (id, size) in [(1, 0), (2, 200_000), (3, 700_000)] {
        let plain = b"une ligne du corps de la demande".repeat(size / 32);
        let mut spool = Spool::new(Uuid::from_u128(id), &vault.ids, vault.limits, &vault.folder).unwrap();
        for chunk in plain.chunks(10_007) {
            spool.write(chunk).unwrap();
            spool.spill().await.unwrap();
        }
        let spooled = spool.finish().await.unwrap();
        let files = vault.files();
        assert_eq!(files.len(), usize::from(size == 700_000));
        for file in files {
            assert!(!std::fs::read(file).unwrap().windows(9).any(|window| window == b"une ligne"));
        }
        for _ in 0..2 {
            assert_eq!(spooled.reader().unwrap().whole().await.unwrap(), plain);
        }
        drop(spooled);
        vault.vanished().await;
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let vault = Vault::new();
    let limits = BlobLimits { document: 10, ..vault.limits };
    let mut spool = Spool::new(Uuid::from_u128(1), &vault.ids, limits, &vault.folder).unwrap();
    spool.write(&[0; 10]).unwrap();
    assert_eq!(spool.write(&[0]).unwrap_err().code(), Code::TooLarge);
}

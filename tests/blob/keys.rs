//! Master keys: their file, and the keys of documents wrapped by them.

use espace::ids::SeededIds;
use espace::store::blob::cipher::DocumentKey;
use espace::store::blob::{BlobReader, Fault, KeyFileError, MasterKeys};
use uuid::Uuid;

use super::{KEY_FILE, Vault, noise};

const NEWER: &str = "2026-01 AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=\n";

#[tokio::test]
async fn rotation_wraps_the_key_anew_and_leaves_the_bytes() {
    let vault = Vault::new();
    let plain = noise(300_000);
    let mut blob = vault.kept(1, &plain).await;
    let sealed = std::fs::read(vault.folder.path_of(blob.id)).unwrap();
    let both = MasterKeys::parse(&format!("{NEWER}# until all are re-wrapped\n\n{KEY_FILE}")).unwrap();
    assert_eq!(both.current().to_string(), "2026-01");
    blob.wrapped_key = both.rewrap(blob.id, &blob.wrapped_key, &vault.ids).unwrap().unwrap();
    assert_eq!(both.rewrap(blob.id, &blob.wrapped_key, &vault.ids).unwrap(), None);
    assert_eq!(std::fs::read(vault.folder.path_of(blob.id)).unwrap(), sealed);
    let newer = MasterKeys::parse(NEWER).unwrap();
    let reader = BlobReader::new(blob.clone(), &vault.folder, &newer).unwrap();
    assert_eq!(reader.whole().await.unwrap(), plain);
    let older = vault.keys.unwrap(blob.id, &blob.wrapped_key).unwrap_err();
    assert!(matches!(older, Fault::UnknownMasterKey { id } if id.to_string() == "2026-01"));
}

#[test]
fn a_wrapped_key_opens_unaltered_and_for_its_document_only() {
    let keys = MasterKeys::parse(KEY_FILE).unwrap();
    let ids = SeededIds::new(1);
    let document = Uuid::from_u128(1);
    let wrapped = keys.wrap(&DocumentKey::random(document, &ids).unwrap(), &ids).unwrap();
    assert!(keys.unwrap(document, &wrapped).is_ok());
    assert!(keys.unwrap(Uuid::from_u128(2), &wrapped).is_err());
    for place in 0..wrapped.len() {
        let mut altered = wrapped.clone();
        altered[place] ^= 1;
        assert!(keys.unwrap(document, &altered).is_err(), "byte {place}");
        assert!(keys.unwrap(document, &wrapped[..place]).is_err(), "cut at {place}");
    }
    assert!(keys.unwrap(document, &[wrapped.as_slice(), b"x"].concat()).is_err());
}

#[test]
fn a_key_file_that_is_not_plain_is_refused_without_showing_a_key() {
    let key = KEY_FILE.trim_end().split_once(' ').unwrap().1;
    let malformed = [
        "k1".to_owned(),
        format!("k1{key}"),
        format!("K1 {key}"),
        format!(" {key}"),
        format!("k1 {}", key.trim_start_matches("AgIC")),
        format!("k1 {key}AAAA"),
        format!("{} {key}", "k".repeat(33)),
        "k1 AgIC".to_owned(),
    ];
    for text in malformed {
        let error = MasterKeys::parse(&format!("# ours\n{text}")).unwrap_err();
        assert!(matches!(error, KeyFileError::Line { line: 2 }), "{text}");
        assert!(!format!("{error} {error:?}").contains("AgIC"));
    }
    assert!(matches!(MasterKeys::parse("\n# none\n"), Err(KeyFileError::Empty)));
    assert!(matches!(MasterKeys::parse(&KEY_FILE.repeat(2)), Err(KeyFileError::Repeated { line: 2 })));
    assert_eq!(format!("{:?}", MasterKeys::parse(KEY_FILE).unwrap()), r#"[KeyId("k2")]"#);
}

#[test]
fn a_development_key_file_is_made_once_for_the_owner_alone() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let vault = Vault::new();
    let path = vault.root.join("staging").join("master.keys");
    let made = MasterKeys::load_or_create(&path, &vault.ids).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    let document = Uuid::from_u128(1);
    let wrapped = made.wrap(&DocumentKey::random(document, &vault.ids).unwrap(), &vault.ids).unwrap();
    let again = MasterKeys::load_or_create(&path, &vault.ids).unwrap();
    assert!(again.unwrap(document, &wrapped).is_ok());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o604)).unwrap();
    assert!(matches!(MasterKeys::load(&path), Err(KeyFileError::Exposed)));
    assert!(matches!(MasterKeys::load(&vault.root.join("absent")), Err(KeyFileError::File(_))));
}

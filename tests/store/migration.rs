//! A database of another version is not served.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use espace::ids::SeededIds;
use espace::store::{Config, Store};

use crate::support::db::{Db, block_on, stories};

stories! {
    a_migrated_database_has_nothing_pending,
    a_database_of_a_later_release_is_refused,
    a_database_with_a_pending_migration_is_refused,
}

async fn refusal(config: &Config) -> String {
    Store::open(config.clone(), Arc::new(SeededIds::new(1))).await.map(drop).unwrap_err().to_string()
}

async fn a_migrated_database_has_nothing_pending(db: Db) {
    let again = Store::migrate(&db.config).await.unwrap();
    let status = Store::migration_status(&db.config).await.unwrap();
    assert_eq!(again, status);
    assert_eq!((status.pending(), status.unknown()), (vec![], vec![]));
    assert_eq!(status.known.first().map(String::as_str), Some("0001"));
}

async fn a_database_of_a_later_release_is_refused(db: Db) {
    db.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')").await;
    assert!(refusal(&db.config).await.contains("9999"));
    let refused = Store::migrate(&db.config).await.unwrap_err().to_string();
    assert!(refused.contains("9999"), "{refused}");
}

async fn a_database_with_a_pending_migration_is_refused(db: Db) {
    db.execute("DELETE FROM __diesel_schema_migrations WHERE version = '0001'").await;
    let refused = refusal(&db.config).await;
    assert!(refused.contains("0001") && refused.contains("migrate"), "{refused}");
}

#[test]
fn a_database_that_does_not_exist_is_neither_served_nor_made() {
    block_on(async {
        let db = Db::sqlite().await;
        let config = Config { url: format!("{}.mistyped", db.config.url), ..db.config.clone() };
        assert!(refusal(&config).await.contains("migrate"));
        assert!(!std::path::Path::new(config.url.trim_start_matches("sqlite:")).exists());
    });
}

#[test]
fn a_database_is_readable_by_its_owner_only() {
    block_on(async {
        let db = Db::sqlite().await;
        let store = db.open().await;
        store.system("set", |tx| tx.put_setting("a", "b")).await.unwrap();
        for suffix in ["", "-wal"] {
            let path = format!("{}{suffix}", db.config.url.trim_start_matches("sqlite:"));
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{path}");
        }
    });
}

//! How a database is reached: over TLS, again after it was lost, and past whoever holds its lock.

use std::sync::Arc;

use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;
use espace::error::Code;
use espace::ids::SeededIds;
use espace::model::resource::ResourceType;
use espace::store::{Config, Error, Store};

use super::actors::{MARIE, fiche, id, permit};
use crate::support::cluster::Cluster;
use crate::support::db::{Db, block_on};

async fn is_kept(store: &Store, number: u128) -> bool {
    let exists = move |tx: &mut espace::store::Tx<'_>| {
        tx.fact_resource_exists(MARIE, ResourceType::DocumentReference, id(number))
    };
    store.system_read("fact", exists).await.unwrap()
}

#[test]
fn a_lost_postgres_is_connected_again() {
    block_on(async {
        let Some(db) = Db::postgres().await else { return };
        let store = db.open_with(|config| config.pool = 1).await;
        for number in 1..=3 {
            store.system("put", move |tx| tx.put_resource(&permit(MARIE), &fiche(number, 1, vec![]))).await.unwrap();
            db.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            .await;
        }
        assert!(is_kept(&store, 3).await);
        assert!(store.statistics().retries > 0, "no connection was lost: the story proves nothing");
    });
}

#[test]
fn postgres_is_reached_over_tls_and_only_if_it_is_the_right_one() {
    block_on(async {
        let Some(db) = Db::postgres().await else { return };
        let Some(roots) = Cluster::of_this_run().and_then(|cluster| cluster.tls_roots.clone()) else { return };
        let named = db.config.url.replace("127.0.0.1", "localhost");
        let config = Config { url: named, tls_roots: Some(roots), ..db.config.clone() };
        let store = Store::open(config.clone(), Arc::new(SeededIds::new(1))).await.unwrap();
        store.system("put", |tx| tx.put_resource(&permit(MARIE), &fiche(1, 1, vec![]))).await.unwrap();
        assert!(is_kept(&store, 1).await);

        let wrong_name = Config { url: db.config.url.clone(), ..config.clone() };
        let refused = Store::migration_status(&wrong_name).await;
        assert!(matches!(refused, Err(Error::Lost(_))), "{refused:?}");

        let other = std::env::temp_dir().join(format!("espace-roots-{}.pem", std::process::id()));
        let stranger = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(&other, stranger.cert.pem()).unwrap();
        let wrong_root = Config { tls_roots: Some(other.clone()), ..config };
        let refused = Store::migration_status(&wrong_root).await;
        std::fs::remove_file(other).unwrap();
        assert!(matches!(refused, Err(Error::Lost(_))), "{refused:?}");
    });
}

#[test]
fn a_sqlite_locked_by_another_process_is_busy_and_then_goes_on() {
    block_on(async {
        let db = Db::sqlite().await;
        let store = db.open_with(|config| config.ticket_ms = 50).await;
        let mut other = diesel::SqliteConnection::establish(db.config.url.trim_start_matches("sqlite:")).unwrap();
        other.batch_execute("BEGIN IMMEDIATE").unwrap();
        let put = |number| store.system("put", move |tx| tx.put_resource(&permit(MARIE), &fiche(number, 1, vec![])));
        assert_eq!(put(1).await.unwrap_err().code(), Code::Busy);
        other.batch_execute("ROLLBACK").unwrap();
        // The writer may still be waiting for the lock on behalf of the first unit.
        while put(2).await.is_err() {}
        assert!(!is_kept(&store, 1).await);
        assert!(is_kept(&store, 2).await);
    });
}

#[test]
fn the_group_commit_can_be_turned_off() {
    block_on(async {
        let db = Db::sqlite().await;
        let store = db.open_with(|config| config.batch = 1).await;
        let units = (1..=8)
            .map(|number| store.system("put", move |tx| tx.put_resource(&permit(MARIE), &fiche(number, 1, vec![]))));
        for outcome in futures_util::future::join_all(units).await {
            outcome.unwrap();
        }
        assert_eq!((store.statistics().units, store.statistics().commits), (8, 8));
    });
}

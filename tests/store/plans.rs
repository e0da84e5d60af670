//! No search by a parameter of ITI-66 or ITI-67 reads a whole table: asked of PostgreSQL as it counts
//! its own scans, for SQLite see `src/store/sqlite/plans.rs`, where each form of condition is planned.

use espace::fhir::search::{Kind, Naming, Options, of, parse};
use espace::fhir::terminology::canonical_system;
use espace::model::resource::ResourceType;
use espace::ops::resource::search::predicate;

use super::actors::{MARIE, day, fiche, permit, token};
use crate::support::db::{Db, block_on};

/// A value that a search by the parameter may have.
fn value(code: &str, kind: Kind) -> &'static str {
    match (code, kind) {
        ("isArchived", _) => "true",
        (_, Kind::Date) => "ge2026-01-01",
        (_, Kind::Reference) => "https://example.org/Any/x",
        (_, Kind::Composite) => "DocumentReference/x$replaces",
        (_, Kind::Uri) => "https://example.org/x",
        _ => "x,y",
    }
}

/// Every parameter of both types, alone, with its modifiers, and as the key of an order.
fn queries() -> Vec<(ResourceType, String)> {
    let mut queries = Vec::new();
    for kind in [ResourceType::DocumentReference, ResourceType::List] {
        for parameter in of(kind.name()).iter().filter(|parameter| !matches!(parameter.code, "patient" | "subject")) {
            let value = value(parameter.code, parameter.kind);
            queries.push((kind, format!("{}={value}", parameter.code)));
            queries.push((kind, format!("{}:missing=true", parameter.code)));
            match parameter.kind {
                Kind::Token => {
                    queries.push((kind, format!("{}:not={value}", parameter.code)));
                    let many: Vec<String> = (0..100).map(|number| number.to_string()).collect();
                    // What is archived is true or false, and nothing else.
                    if parameter.code != "isArchived" {
                        queries.push((kind, format!("{}:in=JDV_J06-XdsClassCode-CISIS", parameter.code)));
                        queries.push((kind, format!("{}={}", parameter.code, many.join(","))));
                    }
                }
                Kind::Uri => {
                    queries.push((kind, format!("{}:below={value}", parameter.code)));
                    queries.push((kind, format!("{}:above={value}", parameter.code)));
                }
                Kind::String => {
                    queries.push((kind, format!("{}:exact={value}", parameter.code)));
                    queries.push((kind, format!("{}:contains={value}", parameter.code)));
                }
                Kind::Date => queries.push((kind, format!("_sort=-{}", parameter.code))),
                _ => {}
            }
        }
    }
    queries
}

#[test]
fn on_postgres_no_parameter_of_iti_66_or_iti_67_scans_a_table() {
    block_on(async {
        let Some(db) = Db::postgres().await else { return };
        let store = db.open().await;
        let rows = vec![token(1, "a"), day(2, 1, 2)];
        let seed = move |tx: &mut espace::store::Tx<'_>| tx.put_resource(&permit(MARIE), &fiche(1, 1, rows.clone()));
        store.system("seed", seed).await.unwrap();
        drop(store);
        // What fits one page is scanned by choice; a scan that is left then had no index to use.
        let name = db.config.url.rsplit('/').next().unwrap().split('?').next().unwrap().to_owned();
        db.execute(&format!("ALTER DATABASE \"{name}\" SET enable_seqscan = off")).await;
        let scans = "SELECT coalesce(sum(seq_scan), 0)::bigint FROM pg_stat_user_tables \
                     WHERE relname LIKE 'search_index%' OR relname IN ('resource', 'document')";
        let keyed =
            "SELECT coalesce(sum(idx_scan), 0)::bigint FROM pg_stat_user_tables WHERE relname LIKE 'search_index%'";
        let before = db.count(scans).await;

        let store = db.open().await;
        let queries = queries();
        assert!(queries.len() > 120, "{}", queries.len());
        let asked = i64::try_from(queries.len()).unwrap();
        for (kind, query) in queries {
            let naming = Naming { base: "", canonical_system: &canonical_system };
            let options = Options { strict: true, max_count: 100, now: espace::clock::from_micros(0), naming };
            let (name, value) = query.split_once('=').unwrap();
            let search = parse(kind.name(), &[(name.to_owned(), value.to_owned())], &options);
            let search = search.unwrap_or_else(|issues| panic!("{query}: {issues:?}"));
            let predicate = predicate(&search, kind, MARIE);
            store
                .system_read("search", move |tx| {
                    tx.search(&permit(MARIE), &predicate)?;
                    tx.count(&permit(MARIE), &predicate)
                })
                .await
                .unwrap_or_else(|error| panic!("{query}: {error}"));
        }
        drop(store);
        // The counts are told when the sessions end.
        let mut told = db.count(keyed).await;
        for _ in 0..100 {
            if told >= asked {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            told = db.count(keyed).await;
        }
        assert!(told >= asked, "{told} scans by key for {asked} searches");
        assert_eq!(db.count(scans).await, before);
    });
}

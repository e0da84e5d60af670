//! A server killed during its first start: the next one finishes what was begun.

use std::time::Duration;

use super::Dice;
use crate::support::client::Actor;
use crate::support::db::{Db, block_on};
use crate::support::pki::Pki;
use crate::support::process::Home;

/// Folders begun in, and kills in each.
const HOMES: u32 = 4;
const KILLS: u32 = 3;
/// A first start is over within so many milliseconds, most of the time.
const START: u64 = 400;

#[test]
fn a_first_start_that_was_killed_is_finished_by_the_next_one() {
    block_on(async {
        let dice = Dice::of("first start");
        for _home in 0..HOMES {
            let home = Home::without_pki();
            for _kill in 0..KILLS {
                let starting = home.spawn_dev("");
                tokio::time::sleep(Duration::from_millis(dice.below(START))).await;
                starting.kill();
            }
            let server = home.dev("");
            let pki = Pki::read(&home.certs());
            let metadata = Actor::of(&server.origin, &pki, Some("cabinet")).get("/fhir/metadata").await;
            assert_eq!(metadata.status, 200);
            server.kill();
            let verified = home.run("audit verify --state data");
            assert_eq!((verified.code, verified.out.contains(" in 1 chains")), (0, true), "{verified:?}");
            let db = Db::elsewhere(&format!("sqlite:{}", home.state().join("espace.sqlite").display()));
            assert_eq!(db.count("SELECT count(*) FROM document").await, 3, "a document of the demonstration twice");
        }
    });
}

//! No statement of a read walks a whole table: each is planned by SQLite and its plan looked at.

use std::sync::{Arc, Mutex};

use diesel::connection::InstrumentationEvent;
use diesel::prelude::*;
use diesel::sql_types::Text;
use uuid::Uuid;

use super::Conn;
use crate::access::permit::Permit;
use crate::clock::from_micros;
use crate::error::Error;
use crate::ids::{Digest256, PatientKey};
use crate::model::caller::Action;
use crate::model::notification::NotificationState;
use crate::model::resource::{IndexRow, NewResource, ResourceType};
use crate::model::search::{Condition, Interval, Match, Order, Position, Predicate};
use crate::store::records::{AuditFilter, ChangeFilter, ChangePlace, VersionFilter};
use crate::store::tx::Tx;

const MARIE: PatientKey = PatientKey::from_bits(1);
const FICHE: ResourceType = ResourceType::DocumentReference;

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// The statements that `act` runs, and SQLite's plan of each.
fn plans(act: impl Fn(&mut Tx<'_>) -> Result<(), Error>) -> Vec<(String, Vec<String>)> {
    let mut conn = Conn::establish(":memory:").unwrap();
    crate::store::migrate::migrate_sqlite(&mut conn).unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&heard);
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            let text = query.to_string();
            ear.lock().unwrap().push(text.split(" -- binds").next().unwrap_or_default().to_owned());
        }
    });
    act(&mut Tx::sqlite(&mut conn)).unwrap();
    let statements = std::mem::take(&mut *heard.lock().unwrap());
    statements
        .into_iter()
        .map(|statement| {
            let steps: Vec<Step> =
                diesel::sql_query(format!("EXPLAIN QUERY PLAN {statement}")).load(&mut conn).unwrap();
            (statement, steps.into_iter().map(|step| step.detail).collect())
        })
        .collect()
}

/// Each step that reads a table does so by a key of which the first column is given.
fn assert_by_key(plans: &[(String, Vec<String>)], first_columns: &[&str]) {
    assert!(!plans.is_empty());
    for (statement, steps) in plans {
        let reads = |step: &&String| step.starts_with("SCAN") || step.starts_with("SEARCH");
        for step in steps.iter().filter(reads).filter(|step| *step != "SCAN CONSTANT ROW") {
            let is_by_key = first_columns.iter().any(|column| step.contains(&format!("({column}=?")));
            assert!(is_by_key, "{step}\n{statement}");
        }
    }
}

fn searches() -> Vec<Predicate> {
    let exact = |value: &str| Match::Exact(value.to_owned());
    let index = |any_of, negated| Condition::Index { parameter: 1, any_of, negated };
    let interval = Interval { low_from: Some(1), high_to: Some(9), ..Interval::default() };
    let conditions = [
        vec![],
        vec![index(vec![exact("a")], false)],
        vec![index(vec![exact("a"), exact("b"), Match::Prefix("c".to_owned()), Match::Suffix("d".to_owned())], false)],
        vec![index(vec![Match::Interval(interval)], false), index(vec![exact("a")], true)],
        vec![Condition::Missing { parameter: 1, missing: true }, Condition::Missing { parameter: 2, missing: false }],
        vec![Condition::Id(vec![Uuid::nil(), Uuid::max()]), Condition::LastUpdated(vec![interval, interval])],
        vec![index(vec![Match::Contains("c".to_owned()), exact("a")], false)],
        vec![Condition::NotId(vec![Uuid::nil(), Uuid::max()]), index(vec![exact("a")], false)],
        vec![index(vec![Match::Measured("a".to_owned(), interval), exact("b")], false)],
        vec![index((0..100).map(|number| exact(&number.to_string())).collect(), false)],
        vec![index((0..100).map(|number| Match::Prefix(number.to_string())).collect(), false)],
        vec![Condition::Any(vec![index(vec![exact("a")], false), Condition::Id(vec![Uuid::nil()])])],
    ];
    let mut searches = Vec::new();
    for conditions in conditions {
        for parameter in [None, Some(2)] {
            for descending in [false, true] {
                for value in [None, Some(Some(5)), Some(None)] {
                    searches.push(Predicate {
                        kind: FICHE,
                        conditions: conditions.clone(),
                        order: Order { parameter, descending },
                        after: value.map(|value| Position { value, id: Uuid::nil() }),
                        limit: 20,
                    });
                }
            }
        }
    }
    searches
}

#[test]
fn a_search_reads_its_record_only_and_by_keys() {
    let index = vec![IndexRow { parameter: 2, value: String::new(), low: 7, high: 7 }];
    let at = from_micros(1);
    let new =
        NewResource { kind: FICHE, id: Uuid::max(), version: 1, body: vec![], updated_at: at, index, former: vec![] };
    let permit = Permit::assumed(MARIE, Action::FindDocuments);
    let plans = plans(|tx| {
        tx.put_resource(&permit, &new)?;
        for predicate in searches() {
            tx.search(&permit, &predicate)?;
            tx.count(&permit, &predicate)?;
            tx.fact_hits(MARIE, &predicate)?;
            tx.find_hits(&permit, &predicate)?;
            tx.find_values(&permit, &predicate, 3)?;
        }
        Ok(())
    });
    let reads: Vec<_> = plans.into_iter().filter(|(statement, _)| statement.starts_with("SELECT")).collect();
    assert!(reads.len() > 150, "{}", reads.len());
    assert_by_key(&reads, &["pt"]);
}

#[test]
fn facts_and_finds_are_read_by_keys() {
    let permit = Permit::assumed(MARIE, Action::FindDocuments);
    let (id, digest) = (Uuid::nil(), Digest256([0; 32]));
    let filter = AuditFilter {
        from: Some(from_micros(1)),
        until: Some(from_micros(2)),
        person: Some(String::new()),
        structure: Some(String::new()),
        before: Some(9),
        limit: 9,
    };
    let plans = plans(|tx| {
        tx.fact_patient_by_identifier("s", "v")?;
        tx.fact_profile(MARIE)?;
        tx.fact_relations(MARIE, &"801234567897".parse().unwrap())?;
        tx.fact_document(MARIE, id)?;
        tx.fact_document_by_identifier(MARIE, &digest)?;
        tx.fact_records_of_identifier(&digest)?;
        tx.fact_binary_document(MARIE, id)?;
        tx.fact_documents_of_submission(MARIE, id)?;
        tx.fact_resource_exists(MARIE, FICHE, id)?;
        tx.fact_listed_fiches(MARIE, id)?;
        tx.find_resource(&permit, FICHE, id)?;
        tx.find_version(&permit, FICHE, id, 1)?;
        tx.list_versions(&permit, FICHE, id, &VersionFilter { since: None, before: Some(9), limit: 9 })?;
        tx.count_versions(&permit, FICHE, id, None)?;
        tx.find_state(&permit, FICHE, id)?;
        let place = ChangePlace { at: from_micros(1), id, version: 9 };
        let changes = ChangeFilter { since: None, until: None, before: Some(place), limit: 9 };
        for one in [None, Some(id)] {
            tx.list_changes(&permit, FICHE, one, &changes)?;
            tx.count_changes(&permit, FICHE, one, &changes)?;
        }
        tx.find_version_at(&permit, FICHE, id, 5)?;
        tx.find_blob(&permit, id)?;
        tx.find_same_bytes(&permit, &digest.0)?;
        tx.list_audit(&permit, &filter)?;
        tx.find_audit(&permit, id)?;
        tx.list_chain(MARIE.into(), 0, 9)?;
        tx.find_structure(&"1750803447".parse().unwrap())?;
        tx.find_exercises(&"801234567897".parse().unwrap())?;
        tx.find_client("a")?;
        tx.fact_is_enrolled("a")?;
        tx.find_client_by_certificate("CN=a", "00")?;
        tx.list_outbox(NotificationState::Pending, 9)?;
        tx.find_setting("a")?;
        Ok(())
    });
    let keys = ["pt", "system", "digest", "id", "professional", "subject_dn", "fingerprint", "state", "name"];
    assert_by_key(&plans, &keys);
}

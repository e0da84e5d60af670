//! Searches: conditions, orders, pages.

use espace::model::resource::ResourceType;
use espace::model::search::{Condition, Interval, Match, Order, Position, Predicate};
use espace::store::Store;

use super::actors::{MARIE, PAUL, at, day, fiche, id, permit, revised, token};
use crate::support::db::{Db, stories};

stories! {
    conditions_are_anded_and_their_values_ored,
    negation_and_absence_are_told_apart,
    intervals_compare_both_ends,
    prefixes_end_where_they_should,
    a_part_of_a_text_is_found_whatever_stands_around_it,
    what_is_found_is_told_without_its_content,
    last_update_and_id_are_conditions_too,
    an_order_by_a_parameter_puts_those_without_a_value_last,
    pages_meet_without_gap_or_overlap,
    many_values_of_one_condition_are_accepted,
    a_new_version_is_found_by_its_new_values_only,
}

const TYPE: i32 = 1;
const DATE: i32 = 2;
const TEXT: i32 = 3;
const UPDATED: Order = Order { parameter: None, descending: true };

/// Five fiches of Marie, one of Paul.
async fn seeded(db: &Db) -> Store {
    let store = db.open().await;
    store
        .system("seed", |tx| {
            let marie = permit(MARIE);
            tx.put_resource(&marie, &fiche(1, 1, vec![token(TYPE, "a"), day(DATE, 10, 19), token(TEXT, "dupont")]))?;
            tx.put_resource(&marie, &fiche(2, 1, vec![token(TYPE, "b"), day(DATE, 30, 39), token(TEXT, "dupond")]))?;
            tx.put_resource(&marie, &fiche(3, 1, vec![token(TYPE, "a"), day(DATE, 20, 29), day(DATE, 50, 59)]))?;
            tx.put_resource(&marie, &fiche(4, 1, vec![token(TYPE, "a"), token(TYPE, "b"), token(TEXT, "durand")]))?;
            tx.put_resource(&marie, &fiche(5, 1, vec![]))?;
            tx.put_resource(&permit(PAUL), &fiche(6, 1, vec![token(TYPE, "a")]))
        })
        .await
        .unwrap();
    store
}

fn predicate(conditions: Vec<Condition>, order: Order) -> Predicate {
    Predicate { kind: ResourceType::DocumentReference, conditions, order, after: None, limit: 100 }
}

async fn run(store: &Store, predicate: Predicate) -> Vec<(u128, Option<i64>)> {
    let counted = predicate.clone();
    let count = store.system_read("count", move |tx| tx.count(&permit(MARIE), &counted)).await.unwrap();
    let is_whole = predicate.after.is_none() && predicate.limit == 100;
    let found = store.system_read("search", move |tx| tx.search(&permit(MARIE), &predicate)).await.unwrap();
    assert!(!is_whole || count == i64::try_from(found.len()).unwrap(), "count {count}, found {}", found.len());
    found.into_iter().map(|(resource, value)| (resource.id.as_u128(), value)).collect()
}

async fn ids(store: &Store, conditions: Vec<Condition>) -> Vec<u128> {
    run(store, predicate(conditions, UPDATED)).await.into_iter().map(|(id, _value)| id).collect()
}

fn one_of(parameter: i32, values: &[&str]) -> Condition {
    let any_of = values.iter().map(|value| Match::Exact((*value).to_owned())).collect();
    Condition::Index { parameter, any_of, negated: false }
}

fn interval(any_of: Interval) -> Condition {
    Condition::Index { parameter: DATE, any_of: vec![Match::Interval(any_of)], negated: false }
}

fn prefix(text: &str) -> Condition {
    Condition::Index { parameter: TEXT, any_of: vec![Match::Prefix(text.to_owned())], negated: false }
}

async fn conditions_are_anded_and_their_values_ored(db: Db) {
    let store = seeded(&db).await;
    assert_eq!(ids(&store, vec![]).await, [5, 4, 3, 2, 1]);
    assert_eq!(ids(&store, vec![one_of(TYPE, &["a"])]).await, [4, 3, 1]);
    assert_eq!(ids(&store, vec![one_of(TYPE, &["a", "b"])]).await, [4, 3, 2, 1]);
    assert_eq!(ids(&store, vec![one_of(TYPE, &["a"]), one_of(TYPE, &["b"])]).await, [4]);
    assert_eq!(ids(&store, vec![one_of(TYPE, &["a"]), one_of(TEXT, &["dupont", "durand"])]).await, [4, 1]);
    assert_eq!(ids(&store, vec![one_of(TYPE, &["c"])]).await, [0; 0]);
    assert_eq!(ids(&store, vec![one_of(TYPE, &[])]).await, [0; 0]);
    assert_eq!(ids(&store, vec![one_of(TYPE, &["a"]), Condition::Never]).await, [0; 0]);
}

async fn negation_and_absence_are_told_apart(db: Db) {
    let store = seeded(&db).await;
    let not = |values: &[&str]| match one_of(TYPE, values) {
        Condition::Index { parameter, any_of, .. } => Condition::Index { parameter, any_of, negated: true },
        other => other,
    };
    assert_eq!(ids(&store, vec![not(&["a"])]).await, [5, 2]);
    assert_eq!(ids(&store, vec![not(&["a", "b"])]).await, [5]);
    assert_eq!(ids(&store, vec![not(&[])]).await, [5, 4, 3, 2, 1]);
    assert_eq!(ids(&store, vec![Condition::Missing { parameter: TEXT, missing: true }]).await, [5, 3]);
    assert_eq!(ids(&store, vec![Condition::Missing { parameter: TEXT, missing: false }]).await, [4, 2, 1]);
}

async fn intervals_compare_both_ends(db: Db) {
    let store = seeded(&db).await;
    let eq = Interval { low_from: Some(20), high_to: Some(29), ..Interval::default() };
    let ge = Interval { high_from: Some(35), ..Interval::default() };
    let lt = Interval { low_to: Some(19), ..Interval::default() };
    assert_eq!(ids(&store, vec![interval(eq)]).await, [3]);
    assert_eq!(ids(&store, vec![interval(ge)]).await, [3, 2]);
    assert_eq!(ids(&store, vec![interval(lt)]).await, [1]);
    assert_eq!(ids(&store, vec![interval(ge), interval(lt)]).await, [0; 0]);
}

async fn prefixes_end_where_they_should(db: Db) {
    let store = seeded(&db).await;
    assert_eq!(ids(&store, vec![prefix("dupon")]).await, [2, 1]);
    assert_eq!(ids(&store, vec![prefix("dupont")]).await, [1]);
    assert_eq!(ids(&store, vec![prefix("du")]).await, [4, 2, 1]);
    assert_eq!(ids(&store, vec![prefix("")]).await, [4, 2, 1]);
    assert_eq!(ids(&store, vec![prefix("du%")]).await, [0; 0]);
    assert_eq!(ids(&store, vec![prefix("du\u{10FFFF}")]).await, [0; 0]);
}

async fn last_update_and_id_are_conditions_too(db: Db) {
    let store = seeded(&db).await;
    let micros = |seconds: i64| at(seconds).as_microsecond();
    let between = |from, to| Interval { low_from: Some(from), high_to: Some(to), ..Interval::default() };
    assert_eq!(ids(&store, vec![Condition::Id(vec![id(2), id(4), id(6)])]).await, [4, 2]);
    assert_eq!(ids(&store, vec![Condition::Id(vec![])]).await, [0; 0]);
    let updated = Condition::LastUpdated(vec![between(micros(21), micros(31)), between(micros(51), micros(51))]);
    assert_eq!(ids(&store, vec![updated.clone()]).await, [5, 3, 2]);
    assert_eq!(ids(&store, vec![updated, one_of(TYPE, &["a"])]).await, [3]);
}

async fn an_order_by_a_parameter_puts_those_without_a_value_last(db: Db) {
    let store = seeded(&db).await;
    let by = |descending| predicate(vec![], Order { parameter: Some(DATE), descending });
    let down = [(3, Some(50)), (2, Some(30)), (1, Some(10)), (5, None), (4, None)];
    let up = [(1, Some(10)), (3, Some(20)), (2, Some(30)), (4, None), (5, None)];
    assert_eq!(run(&store, by(true)).await, down);
    assert_eq!(run(&store, by(false)).await, up);
    let only = Predicate { conditions: vec![one_of(TYPE, &["a"])], ..by(true) };
    assert_eq!(run(&store, only).await, [(3, Some(50)), (1, Some(10)), (4, None)]);
}

async fn pages_meet_without_gap_or_overlap(db: Db) {
    let store = seeded(&db).await;
    for parameter in [None, Some(DATE)] {
        for descending in [true, false] {
            let whole = predicate(vec![], Order { parameter, descending });
            let expected = run(&store, whole.clone()).await;
            for limit in 1..=4 {
                let mut pages = Vec::new();
                let mut after = None;
                loop {
                    let page = run(&store, Predicate { after, limit, ..whole.clone() }).await;
                    let Some((last, value)) = page.last().copied() else { break };
                    after = Some(Position { value, id: id(last) });
                    pages.extend(page);
                }
                assert_eq!(pages, expected, "{parameter:?} {descending} {limit}");
            }
        }
    }
}

async fn many_values_of_one_condition_are_accepted(db: Db) {
    let store = seeded(&db).await;
    let values: Vec<String> = (0..3_000).map(|number| format!("v{number}")).chain(["b".to_owned()]).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    assert_eq!(ids(&store, vec![one_of(TYPE, &values)]).await, [4, 2]);
}

async fn a_new_version_is_found_by_its_new_values_only(db: Db) {
    let store = seeded(&db).await;
    store
        .system("put", |tx| {
            let former = vec![token(TYPE, "a"), day(DATE, 10, 19), token(TEXT, "dupont")];
            tx.put_resource(&permit(MARIE), &revised(1, 2, former, vec![token(TYPE, "z")]))
        })
        .await
        .unwrap();
    assert_eq!(ids(&store, vec![one_of(TYPE, &["z"])]).await, [1]);
    assert_eq!(ids(&store, vec![one_of(TEXT, &["dupont"])]).await, [0; 0]);
    store
        .system("withdraw", |tx| {
            tx.withdraw_resource(&permit(MARIE), ResourceType::DocumentReference, id(1), &[token(TYPE, "z")], at(0))
        })
        .await
        .unwrap();
    assert_eq!(ids(&store, vec![one_of(TYPE, &["z"])]).await, [0; 0]);
    assert_eq!(ids(&store, vec![]).await, [5, 4, 3, 2]);
}

async fn a_part_of_a_text_is_found_whatever_stands_around_it(db: Db) {
    let store = seeded(&db).await;
    let contains = |part: &str| {
        let any_of = vec![Match::Contains(part.to_owned())];
        vec![Condition::Index { parameter: TEXT, any_of, negated: false }]
    };
    for (part, expected) in [
        ("upon", vec![2, 1]),
        ("dupont", vec![1]),
        ("du", vec![4, 2, 1]),
        ("%", vec![]),
        ("d_p", vec![]),
        ("\\", vec![]),
    ] {
        let mut found = ids(&store, contains(part)).await;
        found.sort_unstable_by(|one, other| other.cmp(one));
        assert_eq!(found, expected, "{part}");
    }
    let text = token(TEXT, "50%_\\fin");
    store.system("put", move |tx| tx.put_resource(&permit(MARIE), &fiche(7, 1, vec![text.clone()]))).await.unwrap();
    for part in ["50%", "%_", "_\\f", "\\fin"] {
        assert_eq!(ids(&store, contains(part)).await, [7], "{part}");
    }
}

async fn what_is_found_is_told_without_its_content(db: Db) {
    let store = seeded(&db).await;
    let others = |ids: Vec<u128>| vec![Condition::NotId(ids.into_iter().map(id).collect())];
    for (without, expected) in [(vec![], 5), (vec![1], 4), (vec![1, 5, 6, 99], 3)] {
        let wanted = predicate(others(without.clone()), Order { parameter: Some(DATE), descending: false });
        let whole = run(&store, wanted.clone()).await;
        assert_eq!(whole.len(), expected, "{without:?}");
        assert!(whole.iter().all(|(id, _)| !without.contains(id)), "{without:?}");
        let hits = store.system_read("hits", move |tx| tx.fact_hits(MARIE, &wanted)).await.unwrap();
        let hits: Vec<_> = hits.into_iter().map(|(id, value)| (id.as_u128(), value)).collect();
        assert_eq!(hits, whole);
    }
}

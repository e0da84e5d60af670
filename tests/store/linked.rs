//! Chains, `_has` and inclusions between two shards: what the caller may not reach is empty (contract §8).

use espace::access::permit::Permit;
use espace::clock::from_micros;
use espace::error::{Code, Error};
use espace::fhir::search::{Naming, Options, Search, index, parse};
use espace::fhir::terminology::canonical_system;
use espace::ids::{LogicalId, PatientKey};
use espace::model::caller::Action;
use espace::model::resource::{IndexRow, NewResource, ResourceType};
use espace::model::search::Condition;
use espace::ops::resource::include::included;
use espace::ops::resource::resolve::LED_TO;
use espace::ops::resource::scope::Scope;
use espace::ops::resource::search::{resolved, run};
use espace::store::{Store, Tx};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::db::{Db, stories};

stories! {
    a_search_follows_links_into_another_shard_as_far_as_the_caller_reaches,
    a_search_that_leads_to_too_much_is_refused,
}

const NAMING: Naming<'static> = Naming { base: "", canonical_system: &canonical_system };
const RECORD: PatientKey = PatientKey::from_bits(1);
const DIRECTORY: PatientKey = PatientKey::from_bits(2);

/// Lists live in one shard, fiches in another; one fiche is not seen.
struct Two {
    lists: Permit,
    fiches: Option<Permit>,
    hidden: Vec<Uuid>,
}

impl Two {
    fn of(reaches_fiches: bool, hidden: &[u128]) -> Self {
        let permit = |key| Permit::assumed(key, Action::FindDocuments);
        Self {
            lists: permit(RECORD),
            fiches: reaches_fiches.then(|| permit(DIRECTORY)),
            hidden: hidden.iter().map(|id| Uuid::from_u128(*id)).collect(),
        }
    }
}

impl Scope for Two {
    fn permit(&self, kind: ResourceType) -> Option<&Permit> {
        match kind {
            ResourceType::List => Some(&self.lists),
            ResourceType::DocumentReference => self.fiches.as_ref(),
            _ => None,
        }
    }

    fn seen(&self, _tx: &mut Tx<'_>, kind: ResourceType) -> Result<Vec<Condition>, Error> {
        let hides = kind == ResourceType::DocumentReference && !self.hidden.is_empty();
        Ok(hides.then(|| Condition::NotId(self.hidden.clone())).into_iter().collect())
    }
}

fn put(tx: &mut Tx<'_>, key: PatientKey, kind: ResourceType, id: u128, body: &Value) -> Result<(), Error> {
    let row = |entry: espace::fhir::search::IndexEntry| IndexRow {
        parameter: entry.parameter,
        value: entry.value,
        low: entry.low,
        high: entry.high,
    };
    let new = NewResource {
        kind,
        id: Uuid::from_u128(id),
        version: 1,
        body: body.to_string().into_bytes(),
        updated_at: from_micros(i64::try_from(id).unwrap()),
        index: index(body, &NAMING).into_iter().map(row).collect(),
        former: vec![],
    };
    tx.put_resource(&Permit::assumed(key, Action::FindDocuments), &new)
}

/// Lists 1..=3 hold fiche of the same number; list 3 holds fiche 1 too, and names its source.
async fn seeded(db: &Db) -> Store {
    let store = db.open().await;
    let seed = |tx: &mut Tx<'_>| {
        let place = |id: u128| format!("DocumentReference/{}", LogicalId::of_patient(DIRECTORY, Uuid::from_u128(id)));
        for id in 1..=3_u128 {
            let kind = if id == 2 { "x" } else { "y" };
            let fiche = json!({ "resourceType": "DocumentReference", "status": "current", "type": { "coding": [{ "code": kind }] } });
            put(tx, DIRECTORY, ResourceType::DocumentReference, id, &fiche)?;
            let mut entries = vec![json!({ "item": { "reference": place(id) } })];
            if id == 3 {
                entries.push(json!({ "item": { "reference": place(1) } }));
            }
            let list =
                json!({ "resourceType": "List", "status": "current", "title": format!("L{id}"), "entry": entries });
            put(tx, RECORD, ResourceType::List, id, &list)?;
        }
        Ok(())
    };
    store.system("seed", seed).await.unwrap();
    store
}

fn asked(kind: ResourceType, query: &str) -> Search {
    let pairs: Vec<_> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let pairs: Vec<_> = pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let options = Options { strict: true, max_count: 100, now: from_micros(0), naming: NAMING };
    parse(kind.name(), &pairs, &options).unwrap()
}

/// The numbers of the matches and of what is included, or the code of the refusal.
async fn found(store: &Store, kind: ResourceType, query: &str, scope: fn() -> Two) -> Result<String, Code> {
    let search = asked(kind, query);
    let act = move |tx: &mut Tx<'_>| {
        let scope = scope();
        let seen = scope.seen(tx, kind)?;
        let predicate = resolved(tx, &scope, &search, kind, seen.clone())?;
        let page = run(tx, scope.permit(kind).unwrap(), &search, &predicate, &seen, None)?;
        let beside = included(tx, &scope, &search, kind, &page.matches)?;
        let numbers = |ids: Vec<Uuid>| {
            let mut numbers: Vec<String> = ids.iter().map(|id| id.as_u128().to_string()).collect();
            numbers.sort();
            numbers.join(" ")
        };
        let matches = numbers(page.matches.iter().map(|one| one.id).collect());
        Ok(format!("{matches}|{}", numbers(beside.iter().map(|one| one.resource.id).collect())))
    };
    store.system_read("find", act).await.map_err(|error: Error| error.code())
}

async fn a_search_follows_links_into_another_shard_as_far_as_the_caller_reaches(db: Db) {
    let store = seeded(&db).await;
    let (lists, fiches) = (ResourceType::List, ResourceType::DocumentReference);
    for (kind, query, whole, hiding, none) in [
        (lists, "item:DocumentReference.type=y", "1 3|", "3|", "|"),
        (lists, "item:DocumentReference.type:not=x", "1 3|", "3|", "|"),
        (lists, "item:DocumentReference.type=y&_include=List:item", "1 3|1 3", "3|3", "|"),
        (lists, "title=l1&_include=List:item", "1|1", "1|", "1|"),
        (lists, "title=l1&_include=List:item&_revinclude:iterate=List:item", "1|1 3", "1|", "1|"),
        (lists, "item:DocumentReference._has:List:item:title=l3", "1 3|", "3|", "|"),
    ] {
        assert_eq!(found(&store, kind, query, || Two::of(true, &[])).await.unwrap(), whole, "{query}");
        assert_eq!(found(&store, kind, query, || Two::of(true, &[1])).await.unwrap(), hiding, "{query}: hidden");
        assert_eq!(found(&store, kind, query, || Two::of(false, &[])).await.unwrap(), none, "{query}: out of reach");
    }
    for (query, whole, hiding) in [
        ("_has:List:item:title=l3", "1 3|", "3|"),
        ("_has:List:item:title=l1", "1|", "|"),
        ("_has:List:item:item:DocumentReference.type=x", "2|", "2|"),
        ("type=y&_revinclude=List:item", "1 3|1 3", "3|3"),
    ] {
        assert_eq!(found(&store, fiches, query, || Two::of(true, &[])).await.unwrap(), whole, "{query}");
        assert_eq!(found(&store, fiches, query, || Two::of(true, &[1])).await.unwrap(), hiding, "{query}: hidden");
    }
}

async fn a_search_that_leads_to_too_much_is_refused(db: Db) {
    let store = seeded(&db).await;
    let many = LED_TO + 1;
    store
        .system("many", move |tx| {
            for number in 0..many {
                let id = 1_000 + u128::try_from(number).unwrap();
                let fiche = json!({ "resourceType": "DocumentReference", "status": "superseded" });
                put(tx, DIRECTORY, ResourceType::DocumentReference, id, &fiche)?;
            }
            Ok(())
        })
        .await
        .unwrap();
    let reach = || Two::of(true, &[]);
    for (kind, query, told) in [
        (ResourceType::List, "item:DocumentReference.status=superseded", Err(Code::TooCostly)),
        (ResourceType::List, "item:DocumentReference.status=current", Ok("1 2 3|".to_owned())),
        (ResourceType::DocumentReference, "_content=x", Err(Code::TooCostly)),
        (ResourceType::DocumentReference, "_content=current&status=current", Ok("1 2 3|".to_owned())),
    ] {
        assert_eq!(found(&store, kind, query, reach).await, told, "{query}");
    }
}

//! What a practice's software does with a record (document-sharing §1.5): a first opening over two
//! years, then what was added and what changed since, without importing anything twice.

use std::collections::BTreeMap;

use espace::access::permit::Permit;
use espace::cli::demo::Document;
use espace::fhir::search::{Naming, index};
use espace::fhir::terminology::canonical_system;
use espace::ids::LogicalId;
use espace::model::caller::Action;
use espace::model::resource::{IndexRow, NewResource, ResourceType};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::traces_are_whole;
use crate::support::client::{Actor, Answer};
use crate::support::db::{Db, stories};
use crate::support::server::TestServer;

stories! { ds_78_a_practice_opens_a_record_then_follows_its_changes }

const DOMINIQUE: &str = "patient.identifier=urn:oid:1.2.250.1.213.1.4.10%7C279035121518989";
/// Fiches asked for at once.
const BATCH: usize = 20;

/// The software: what it holds of one record, by masterIdentifier, and when it last asked.
struct Software<'a> {
    actor: &'a Actor,
    held: BTreeMap<String, Value>,
    imports: usize,
    since: Timestamp,
}

impl Software<'_> {
    /// Keeps what it did not have, or had in another version; tells how many were new to it.
    fn keep(&mut self, fiches: Vec<Value>) -> usize {
        let before = self.imports;
        for fiche in fiches {
            let unique = fiche["masterIdentifier"]["value"].as_str().unwrap().to_owned();
            let known = self.held.insert(unique, fiche.clone());
            match known {
                None => self.imports += 1,
                Some(known) => assert_eq!(known["id"], fiche["id"], "one document, one logical id"),
            }
        }
        self.imports - before
    }

    /// First opening: the current fiches of acts of the last two years.
    async fn open(&mut self, from: &str, now: Timestamp) {
        let query = format!("{DOMINIQUE}&status=current&period-start=ge{from}&_sort=_lastUpdated&_count={BATCH}");
        for page in pages(self.actor, format!("/fhir/DocumentReference?{query}")).await {
            assert!(page.matches().len() <= BATCH);
            self.keep(page.matches());
        }
        self.since = now;
    }

    /// Later: the submission sets since the last call, what they hold in batches, and the fiches
    /// whose metadata changed. Answers how many documents were new and how many had changed.
    async fn follow(&mut self, now: Timestamp) -> (usize, usize) {
        let since = self.since;
        let sets =
            format!("{DOMINIQUE}&code=submissionset&status=current&isArchived=true,false&_lastUpdated=gt{since}");
        let mut members = Vec::new();
        for page in pages(self.actor, format!("/fhir/List?{sets}&_count={BATCH}")).await {
            let entries = page.matches().into_iter().flat_map(|list| list["entry"].as_array().cloned().unwrap());
            members.extend(entries.map(|entry| entry["item"]["reference"].as_str().unwrap().to_owned()));
        }
        let mut added = 0;
        for batch in members.chunks(BATCH) {
            let ids: Vec<_> = batch.iter().map(|member| member.split_once('/').unwrap().1).collect();
            let form = [
                ("patient.identifier", "urn:oid:1.2.250.1.213.1.4.10|279035121518989"),
                ("status", "current,superseded"),
                ("_id", &ids.join(",")),
            ];
            let answer = self.actor.form("/fhir/DocumentReference/_search", &form).await;
            assert_eq!(answer.matches().len(), batch.len(), "{}", answer.text());
            added += self.keep(answer.matches());
        }
        let changed = format!(
            "/fhir/DocumentReference?{DOMINIQUE}&status=current,superseded&isArchived=true,false&_lastUpdated=gt{since}"
        );
        let mut changes = 0;
        for page in pages(self.actor, changed).await {
            let fiches = page.matches();
            changes += fiches.iter().filter(|fiche| fiche["meta"]["versionId"] != "1").count();
            assert_eq!(self.keep(fiches), 0, "every new document came in a submission set");
        }
        self.since = now;
        (added, changes)
    }

    /// What it shows: the documents that are current.
    fn current(&self) -> usize {
        self.held.values().filter(|fiche| fiche["status"] == "current").count()
    }
}

/// Every page of a search, by its links.
async fn pages(actor: &Actor, start: String) -> Vec<Answer> {
    let mut pages = Vec::new();
    let mut next = Some(start);
    while let Some(url) = next {
        let page = actor.get(&url).await;
        let body = page.json();
        assert_eq!(page.status, 200, "{}", page.text());
        let link = body["link"].as_array().unwrap().iter().find(|link| link["relation"] == "next");
        next = link.map(|link| link["url"].as_str().unwrap().to_owned());
        pages.push(page);
    }
    pages
}

async fn publish(server: &TestServer, author: &Actor, title: &str, at: &str) -> (Value, String) {
    let document = Document { title: title.to_owned(), ..Document::note(at.parse().unwrap()) };
    let bundle = server.bundle_of(&document, "dominique", "dr-petit");
    let locations = author.post("/fhir", &bundle).await.locations();
    // The tokens of the story live a minute.
    server.clock.advance(SignedDuration::from_millis(10));
    (bundle, locations[1].clone())
}

/// A new version of a fiche, kept behind the server's back: until PATCH (TD3.3) and the replacement
/// of ITI-65 (TD2.1) come, which this is to be replaced by.
async fn revised(server: &TestServer, location: &str, change: impl Fn(&mut Value) + Send + Sync + 'static) {
    let id: LogicalId = location.split_once('/').unwrap().1.parse().unwrap();
    let permit = Permit::assumed(id.shard.patient().unwrap(), Action::UpdateMetadata);
    let at = server.now();
    let rows = |fiche: &Value| -> Vec<IndexRow> {
        let naming = Naming { base: "", canonical_system: &canonical_system };
        let row = |e: espace::fhir::search::IndexEntry| IndexRow {
            parameter: e.parameter,
            value: e.value,
            low: e.low,
            high: e.high,
        };
        index(fiche, &naming).into_iter().map(row).collect()
    };
    let kept = server.app.service.store.system("test.revise", move |tx| {
        let kind = ResourceType::DocumentReference;
        let current = tx.find_resource(&permit, kind, id.uuid)?.unwrap();
        let before: Value = serde_json::from_slice(&current.body).unwrap();
        let mut fiche = before.clone();
        change(&mut fiche);
        let version = current.version + 1;
        fiche["meta"]["versionId"] = version.to_string().into();
        fiche["meta"]["lastUpdated"] = at.to_string().into();
        let (body, index, former) = (fiche.to_string().into_bytes(), rows(&fiche), rows(&before));
        tx.put_resource(&permit, &NewResource { kind, id: id.uuid, version, body, updated_at: at, index, former })
    });
    kept.await.unwrap();
    server.clock.advance(SignedDuration::from_millis(10));
}

/// The newer document says what it replaces, and what it replaces is superseded.
async fn replaced(server: &TestServer, older: &str, newer: &str) {
    let target = older.to_owned();
    revised(server, older, |fiche| fiche["status"] = "superseded".into()).await;
    revised(server, newer, move |fiche| {
        fiche["relatesTo"] = json!([{ "code": "replaces", "target": { "reference": target } }]);
    })
    .await;
}

async fn ds_78_a_practice_opens_a_record_then_follows_its_changes(db: Db) {
    let server = TestServer::start_on(db).await;
    let (martin, petit) = (server.professional("dr-martin").await, server.professional("dr-petit").await);
    publish(&server, &petit, "old", "2023-05-10T08:00:00Z").await;
    let mut first = Vec::new();
    for number in 0..=BATCH {
        first.push(publish(&server, &petit, &format!("D{number}"), "2026-03-10T08:00:00Z").await);
    }
    let mut software = Software { actor: &martin, held: BTreeMap::new(), imports: 0, since: server.now() };
    software.open("2024-11-22", server.now()).await;
    assert_eq!((software.imports, software.current()), (21, 21), "two pages, without what is older than two years");
    assert_eq!(software.follow(server.now()).await, (0, 0), "nothing since");

    // What is sent again is the same document; 25 new ones come in two batches.
    server.clock.advance(SignedDuration::from_secs(1));
    petit.post("/fhir", &first[0].0).await.locations();
    let mut later = Vec::new();
    for number in 0..25 {
        later.push(publish(&server, &petit, &format!("E{number}"), "2026-11-20T08:00:00Z").await.1);
    }
    assert_eq!(software.follow(server.now()).await, (25, 0));
    assert_eq!((software.imports, software.held.len()), (46, 46), "nothing twice");

    // X is replaced by Y and Y by Z; the label of another document changes; a third is archived.
    server.clock.advance(SignedDuration::from_secs(1));
    let [x, y, z] = [&later[0], &later[1], &later[2]];
    replaced(&server, x, y).await;
    replaced(&server, y, z).await;
    revised(&server, &later[3], |fiche| {
        fiche["securityLabel"].as_array_mut().unwrap().push(json!({ "coding": [{ "code": "R" }] }));
    })
    .await;
    revised(&server, &later[4], |fiche| {
        let url = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-ext-is-archived";
        fiche["extension"] = json!([{ "url": url, "valueBoolean": true }]);
    })
    .await;
    assert_eq!(software.follow(server.now()).await, (0, 5));
    assert_eq!((software.imports, software.held.len(), software.current()), (46, 46, 44));
    ds_35_the_chain_is_walked_to_the_only_current_document(&martin, [x, y, z]).await;
    let listed = pages(&martin, format!("/fhir/DocumentReference?{DOMINIQUE}&status=current&_count=500")).await;
    assert_eq!(listed[0].matches().len(), 44, "45 are current with the old one, and one is archived");
    traces_are_whole(&server).await;
}

async fn ds_35_the_chain_is_walked_to_the_only_current_document(martin: &Actor, [x, y, z]: [&String; 3]) {
    let of = |condition: String| format!("/fhir/DocumentReference?{DOMINIQUE}&status=current,superseded&{condition}");
    let location = |fiche: &Value| format!("DocumentReference/{}", fiche["id"].as_str().unwrap());
    let mut at = x.clone();
    let mut walked = Vec::new();
    loop {
        let found = martin.get(&of(format!("relatesto={at}&relation=replaces"))).await.matches();
        let Some(newer) = found.first() else { break };
        at = location(newer);
        walked.push((at.clone(), newer["status"].as_str().unwrap().to_owned()));
    }
    assert_eq!(walked, [(y.clone(), "superseded".to_owned()), (z.clone(), "current".to_owned())]);
    let pair = martin.get(&of(format!("relationship={y}$replaces&_include=DocumentReference:relatesto"))).await;
    let entries = pair.json()["entry"].as_array().unwrap().clone();
    let told: Vec<_> = entries
        .iter()
        .map(|entry| format!("{} {}", entry["search"]["mode"].as_str().unwrap(), location(&entry["resource"])))
        .collect();
    assert_eq!(told, [format!("match {z}"), format!("include {y}")]);
    let current = martin.get(&of(format!("_id={}", [x, y, z].map(|l| l.split_once('/').unwrap().1).join(",")))).await;
    let statuses = current.matches().iter().filter(|fiche| fiche["status"] == "current").count();
    assert_eq!((statuses, current.matches().len()), (1, 3));
}

//! Hidden and absent cannot be told apart (contract §8): the same requests in two worlds, one that hides
//! documents from the reader and one where they never existed.
//!
//! `ESPACE_REQUESTS=100000 cargo test --test espace hidden_and_absent` asks as many as the issue names.

use std::fmt::Write as _;
use std::sync::Arc;

use espace::access::context::Context;
use espace::fhir::search::{Naming, Options, Search, parse};
use espace::fhir::terminology::canonical_system;
use espace::ids::{LogicalId, PatientKey, SeededIds};
use espace::ihe::audit::Server;
use espace::model::profile::SpaceState;
use espace::ops::Service;
use espace::ops::audit;
use espace::ops::document::find::{Found, Query, find};
use espace::ops::document::history::{self, history};
use espace::ops::document::intake::Intake;
use espace::ops::document::lists;
use espace::ops::document::provide::provide;
use espace::ops::document::read::{Asked, Readable, read};
use espace::ops::document::retrieve::{DocumentType, retrieve};
use espace::ops::document::submission::Provision;
use espace::ops::facts::Named;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::rules::callers::{direct, patient};
use crate::support::db::{Db, block_on};
use crate::support::server::TestServer;

/// How many requests the suite asks; the environment may ask for more.
const REQUESTS: u64 = 1_500;
/// Requests on their way at once.
const BATCH: u64 = 64;

/// A repeatable choice.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.roll(of.len())]
    }
}

/// One request.
#[derive(Debug, Clone)]
enum Request {
    /// The type, the query, and whether its pages are followed.
    Search(&'static str, Vec<(String, String)>, bool),
    Read(Readable, String, Option<i32>),
    Retrieve(String),
    /// What, its id, versions on a page, below which version.
    History(Readable, String, u32, Option<i32>),
    /// The traces until this instant, so many on a page, that are so.
    Traces(Timestamp, i64, Vec<(String, String)>),
}

/// A publication as both worlds would take it: the same bundle, instant and ids.
async fn publish(server: &TestServer, bundle: &Value, author: &str, seed: u64) -> Vec<String> {
    let service = Service { ids: Arc::new(SeededIds::new(seed)), ..server.app.service.clone() };
    let ctx = Arc::new(caller(direct(author), seed));
    let mut intake = Intake::begin(&service, ctx.at);
    intake.take(bundle.to_string().as_bytes()).await.unwrap();
    let received = intake.finish(&service).await.unwrap();
    let provision = Provision::read(&service, received, &server.app.mode, ctx.at).await.unwrap();
    let provided = provide(&service, ctx, provision).await.unwrap();
    provided.entries.iter().map(|entry| entry.location.split("/_history").next().unwrap().to_owned()).collect()
}

fn caller(mut ctx: Context, after: u64) -> Context {
    let certificate = ["cabinet", "hopital", "portail"]
        .into_iter()
        .find(|name| crate::support::pki::pki().certificate(name).structure.as_ref() == Some(&ctx.caller.structure));
    ctx.caller.client_id = format!("dev-{}", certificate.unwrap());
    ctx.at += SignedDuration::from_secs(i64::try_from(after).unwrap());
    ctx
}

/// The search that these pairs ask for.
fn searched(kind: &str, pairs: &[(String, String)], now: Timestamp) -> Search {
    let naming = Naming { base: "https://localhost/fhir", canonical_system: &canonical_system };
    parse(kind, pairs, &Options { strict: false, max_count: 100, now, naming }).unwrap()
}

/// One page of a search as its reader sees it, and where the next one starts.
fn shown(found: &Found) -> String {
    let text = |body: &[u8]| String::from_utf8_lossy(body).into_owned();
    let bodies: Vec<String> = found.page.matches.iter().map(|one| text(&one.body)).collect();
    let included: Vec<String> =
        found.included.iter().map(|one| format!("{} {}", one.id, text(&one.resource.body))).collect();
    let (total, next, person) = (found.page.total, &found.page.next, found.patient.is_some());
    format!("{total} {next:?} {person} {} + {}\n", bodies.join("\n"), included.join("\n"))
}

/// A search, and its further pages where they are followed.
async fn pages(
    service: &Service,
    ctx: &Arc<Context>,
    key: PatientKey,
    kind: &str,
    pairs: &[(String, String)],
    follows: bool,
) -> String {
    let (mut after, mut told) = (None, String::new());
    for _ in 0..12 {
        let search = searched(kind, pairs, ctx.at);
        let query = Query { patient: Named::Key(key), search, after, own_only: false, traced: String::new() };
        let found = match kind {
            "List" => lists::find(service, Arc::clone(ctx), query).await,
            _ => find(service, Arc::clone(ctx), query).await,
        };
        let found = match found {
            Ok(found) => found,
            Err(error) => return format!("{told}{:?} {:?}", error.code(), error.issues()),
        };
        told.push_str(&shown(&found));
        after = found.page.next;
        if after.is_none() || !follows {
            break;
        }
    }
    told
}

/// A page of traces, and all those after it.
async fn traces(
    service: &Service,
    ctx: &Arc<Context>,
    key: PatientKey,
    (until, count, asked): (Timestamp, i64, &[(String, String)]),
) -> String {
    let (mut before, mut told) = (None, String::new());
    loop {
        let patient = Named::Key(key);
        let server = Server { base: "https://localhost/fhir".to_owned(), site: "localhost".to_owned() };
        let terms = searched("AuditEvent", asked, ctx.at).terms;
        let traced = String::new();
        let query = audit::Query { patient, from: None, until: Some(until), terms, server, before, count, traced };
        let found = match audit::find(service, Arc::clone(ctx), query).await {
            Ok(found) => found,
            Err(error) => return format!("{told}{:?} {:?}", error.code(), error.issues()),
        };
        for chained in &found.records {
            let record = &chained.record;
            let entities: Vec<&str> = record.entities.iter().map(|entity| entity.reference.as_str()).collect();
            let (act, person, sequence) = (record.act, &record.actor.person, chained.sequence);
            writeln!(told, "{act:?} {person:?} {sequence} {entities:?}").unwrap();
        }
        told.push_str("-- page\n");
        before = found.next;
        if before.is_none() {
            return told;
        }
    }
}

/// What a reader is shown, or how he is refused.
async fn answer(service: &Service, ctx: &Arc<Context>, key: PatientKey, request: &Request) -> String {
    let refused = |error: espace::error::Error| format!("{:?} {:?}", error.code(), error.issues());
    match request {
        Request::Search(kind, pairs, follows) => return pages(service, ctx, key, kind, pairs, *follows).await,
        Request::Traces(until, count, asked) => return traces(service, ctx, key, (*until, *count, asked)).await,
        _ => {}
    }
    let ctx = Arc::clone(ctx);
    match request {
        Request::Search(..) | Request::Traces(..) => unreachable!("answered above"),
        Request::History(what, id, count, before) => {
            let asked =
                history::Asked { what: *what, id, since: None, before: *before, count: *count, own_only: false };
            match history(service, ctx, asked).await {
                Ok(found) => {
                    let bodies = found.versions.iter().map(|one| String::from_utf8_lossy(&one.body).into_owned());
                    format!("{} {} {}", found.total, found.goes_on, bodies.collect::<Vec<_>>().join("\n"))
                }
                Err(error) => refused(error),
            }
        }
        Request::Read(what, id, version) => {
            match read(service, ctx, Asked { what: *what, id, version: *version, own_only: false }).await {
                Ok(found) => format!("{} {}", found.version, String::from_utf8_lossy(&found.body)),
                Err(error) => refused(error),
            }
        }
        Request::Retrieve(id) => match retrieve(service, ctx, DocumentType::Binary, id).await {
            Ok(blob) => format!("{} {:?}", blob.content_type, blob.sha256),
            Err(error) => refused(error),
        },
    }
}

/// The same, asked again of a server that was too busy: that tells of the machine, not of documents.
async fn patiently(service: &Service, ctx: &Arc<Context>, key: PatientKey, request: &Request) -> String {
    for _ in 0..20 {
        let told = answer(service, ctx, key, request).await;
        if !told.contains("Busy [") {
            return told;
        }
    }
    panic!("busy for ever: {request:?}")
}

/// What is published: shown to everybody, or hidden from a nurse, a dentist or the person.
fn bundles(server: &TestServer) -> (Vec<Value>, Vec<Value>) {
    let flag = |mut bundle: Value, code: &str| {
        let system = espace::ihe::fhir_system("1.2.250.1.213.1.1.4.13");
        let labels = bundle["entry"][1]["resource"]["securityLabel"].as_array_mut().unwrap();
        labels.push(json!({ "coding": [{ "system": system, "code": code }] }));
        bundle
    };
    let of_type = |code: &str| {
        let mut bundle = server.bundle("dominique", "dr-petit");
        bundle["entry"][1]["resource"]["type"]["coding"][0]["code"] = json!(code);
        bundle
    };
    let shown = (0..5).map(|_| server.bundle("dominique", "dr-petit")).collect();
    let masked = || flag(server.bundle("dominique", "dr-petit"), "MASQUE_PS");
    let both = || flag(flag(server.bundle("dominique", "dr-petit"), "MASQUE_PS"), "INVISIBLE_PATIENT");
    let hidden = vec![both(), masked(), both(), of_type("83901-9"), of_type("68599-0")];
    (shown, hidden)
}

/// What the requests name.
struct World {
    places: Vec<Vec<String>>,
    masters: Vec<String>,
    key: PatientKey,
    /// When nothing was asked yet.
    quiet: Timestamp,
}

impl World {
    /// An id that is hidden, shown, or never was.
    fn id(&self, dice: &mut Dice, entry: usize) -> String {
        match dice.roll(8) {
            0 => LogicalId::of_patient(self.key, uuid::Uuid::from_u128(7)).to_string(),
            _ => dice.pick(&self.places)[entry].split('/').next_back().unwrap().to_owned(),
        }
    }

    /// One condition of a search of fiches.
    fn fiche_condition(&self, dice: &mut Dice) -> (&'static str, String) {
        match dice.roll(15) {
            12 | 13 => self.linked_fiche(dice),
            0 => ("security-label", "MASQUE_PS".to_owned()),
            1 => ("security-label:not", "MASQUE_PS".to_owned()),
            2 => ("type", (*dice.pick(&["83901-9", "68599-0", "11488-4"])).to_owned()),
            3 => ("type:not", "11488-4".to_owned()),
            4 => ("identifier", dice.pick(&self.masters).clone()),
            5 => ("_id", self.id(dice, 1)),
            6 => ("_lastUpdated", format!("ge2026-11-22T10:00:{:02}Z", dice.roll(20))),
            7 => ("_count", (1 + dice.roll(4)).to_string()),
            8 => (
                "_sort",
                (*dice.pick(&["date", "-date", "_lastUpdated", "-type,_lastUpdated", "security-label"])).to_owned(),
            ),
            9 => ("relatesto", format!("DocumentReference/{}", self.id(dice, 1))),
            10 => ("relatesto:missing", (*dice.pick(&["true", "false"])).to_owned()),
            11 => ("_include", "DocumentReference:patient".to_owned()),
            _ => ("_summary", "count".to_owned()),
        }
    }

    /// One condition that leads elsewhere, or brings something along.
    fn linked_fiche(&self, dice: &mut Dice) -> (&'static str, String) {
        let label = (*dice.pick(&["MASQUE_PS", "INVISIBLE_PATIENT", "N"])).to_owned();
        match dice.roll(14) {
            0 => ("relatesto:DocumentReference.security-label", label),
            1 => ("relatesto:DocumentReference.security-label:not", label),
            2 => ("relatesto:DocumentReference._id", self.id(dice, 1)),
            3 => ("_has:DocumentReference:relatesto:security-label", label),
            4 => ("_has:DocumentReference:relatesto:_id", self.id(dice, 1)),
            5 => ("_has:List:item:_id", self.id(dice, 0)),
            6 => ("_list", self.id(dice, 0)),
            7 => ("_has:List:item:item", format!("DocumentReference/{}", self.id(dice, 1))),
            8 => ("_content", (*dice.pick(&["petit", "consultation", "MASQUE_PS", "signature"])).to_owned()),
            9 => ("type:text", (*dice.pick(&["cr", "x"])).to_owned()),
            10 => ("custodian.name", (*dice.pick(&["hopital", "cabinet"])).to_owned()),
            11 => ("_revinclude", (*dice.pick(&["DocumentReference:relatesto", "List:item"])).to_owned()),
            12 => ("_include:iterate", "DocumentReference:relatesto".to_owned()),
            _ => ("_revinclude:iterate", (*dice.pick(&["DocumentReference:*", "List:*"])).to_owned()),
        }
    }

    /// One condition of a search of lists.
    fn list_condition(&self, dice: &mut Dice) -> (&'static str, String) {
        match dice.roll(14) {
            8 => ("item:DocumentReference.security-label", (*dice.pick(&["MASQUE_PS", "N"])).to_owned()),
            9 => ("item:DocumentReference._id", self.id(dice, 1)),
            10 => ("item:DocumentReference.type:not", "11488-4".to_owned()),
            11 => ("_has:List:item:_id", self.id(dice, 0)),
            12 => ("_content", (*dice.pick(&["petit", "martin", "submissionset"])).to_owned()),
            13 => ("_revinclude", (*dice.pick(&["List:item", "List:*"])).to_owned()),
            0 => ("item", format!("DocumentReference/{}", self.id(dice, 1))),
            1 => ("_id", self.id(dice, 0)),
            2 => ("_lastUpdated", format!("ge2026-11-22T10:00:{:02}Z", dice.roll(20))),
            3 => ("_count", (1 + dice.roll(4)).to_string()),
            4 => ("_sort", (*dice.pick(&["date", "-date", "_lastUpdated", "date,-_lastUpdated"])).to_owned()),
            5 => ("source.family", (*dice.pick(&["petit", "martin"])).to_owned()),
            6 => ("_summary", "count".to_owned()),
            _ => ("_include", (*dice.pick(&["List:item", "List:patient"])).to_owned()),
        }
    }

    /// A request that may name what is hidden, what is shown, or what never was.
    fn request(&self, dice: &mut Dice) -> Request {
        match dice.roll(16) {
            0 | 1 => {
                let version = *dice.pick(&[None, Some(1), Some(2)]);
                Request::Read(Readable::Fiche, self.id(dice, 1), version)
            }
            2 | 3 => Request::Read(Readable::Submission, self.id(dice, 0), None),
            4 | 5 => Request::Retrieve(self.id(dice, 2)),
            6 => {
                let (what, entry) = *dice.pick(&[(Readable::Fiche, 1), (Readable::Submission, 0)]);
                let count = *dice.pick(&[0, 1, 10]);
                Request::History(what, self.id(dice, entry), count, *dice.pick(&[None, Some(1), Some(2)]))
            }
            7 => {
                let asked = match dice.roll(5) {
                    0 => vec![("entity".to_owned(), format!("DocumentReference/{}", self.id(dice, 1)))],
                    1 => vec![("entity:missing".to_owned(), "true".to_owned())],
                    2 => vec![("_content".to_owned(), self.id(dice, 1))],
                    3 => vec![("subtype".to_owned(), "ITI-65".to_owned())],
                    _ => Vec::new(),
                };
                Request::Traces(self.quiet, *dice.pick(&[1, 3, 50]), asked)
            }
            roll => {
                let kind = if roll < 11 { "List" } else { "DocumentReference" };
                let mut pairs = vec![("status".to_owned(), "current".to_owned())];
                if kind == "List" {
                    pairs.push(("code".to_owned(), "submissionset".to_owned()));
                }
                for _ in 0..dice.roll(4) {
                    let (name, value) =
                        if kind == "List" { self.list_condition(dice) } else { self.fiche_condition(dice) };
                    if pairs.iter().all(|(known, _)| known != name) {
                        pairs.push((name.to_owned(), value));
                    }
                }
                Request::Search(kind, pairs, dice.roll(2) == 0)
            }
        }
    }
}

/// The same, appended to a document that everybody sees: a hidden one to the one before it, another to
/// the one before that.
fn related(bundle: &Value, number: usize, places: &[Vec<String>]) -> Value {
    let mut bundle = bundle.clone();
    if let Some(target) = number.checked_sub(if number % 2 == 1 { 1 } else { 2 }) {
        let reference = &places[target][1];
        bundle["entry"][1]["resource"]["relatesTo"] =
            json!([{ "code": "appends", "target": { "reference": reference } }]);
    }
    bundle
}

/// The documents of `bundles` as places, and the numbers of those that the reader must not see.
async fn worlds(dbs: (Db, Db), unseen: &[usize]) -> (TestServer, TestServer, Vec<Vec<String>>, Vec<String>) {
    let (hiding, without) = (TestServer::start_on(dbs.0).await, TestServer::start_on(dbs.1).await);
    let (shown, hidden) = bundles(&hiding);
    let mut places = Vec::new();
    for (number, bundle) in shown.iter().zip(&hidden).flat_map(|(shown, hidden)| [shown, hidden]).enumerate() {
        let seed = u64::try_from(number).unwrap() + 1;
        let bundle = &related(bundle, number, &places);
        places.push(publish(&hiding, bundle, "dr-petit", seed).await);
        let is_unseen = number % 2 == 1 && unseen.contains(&(number / 2));
        if !is_unseen {
            assert_eq!(publish(&without, bundle, "dr-petit", seed).await, places[number], "the same in both worlds");
        }
    }
    let master = |bundle: &Value| {
        let master = &bundle["entry"][1]["resource"]["masterIdentifier"];
        format!("{}|{}", master["system"].as_str().unwrap(), master["value"].as_str().unwrap())
    };
    let masters = shown.iter().chain(&hidden).map(master).collect();
    (hiding, without, places, masters)
}

/// How many requests are asked for besides the few of the suite.
#[expect(clippy::disallowed_methods, reason = "the environment says how long a proof may take")]
fn asked_for() -> Option<u64> {
    std::env::var("ESPACE_REQUESTS").ok()?.parse().ok()
}

async fn cannot_tell(dbs: (Db, Db), ctx: Context, unseen: &[usize], share: u64) {
    let (hiding, without, places, masters) = worlds(dbs, unseen).await;
    for server in [&hiding, &without] {
        server.put_space("dominique", SpaceState::Activated).await;
    }
    let key = hiding.persona("dominique").key;
    let ctx = Arc::new(caller(ctx, 60));
    let world = World { places, masters, key, quiet: ctx.at - SignedDuration::from_secs(30) };
    let asked = asked_for().unwrap_or(REQUESTS) / share;
    let mut dice = Dice(11);
    let mut seen = 0;
    for _ in 0..asked.div_ceil(BATCH) {
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..BATCH {
            let request = world.request(&mut dice);
            let (one, other) = (hiding.app.service.clone(), without.app.service.clone());
            let ctx = Arc::clone(&ctx);
            running.spawn(async move {
                let answers =
                    (patiently(&one, &ctx, key, &request).await, patiently(&other, &ctx, key, &request).await);
                (request, answers)
            });
        }
        while let Some(done) = running.join_next().await {
            let (request, (hidden, absent)) = done.unwrap();
            assert_eq!(hidden, absent, "{request:?}");
            seen += usize::from(hidden.contains("DocumentReference"));
        }
    }
    assert!(seen > 0, "documents were shown");
}

/// Two databases of SQLite.
async fn sqlite() -> (Db, Db) {
    (Db::of_this_run().await, Db::of_this_run().await)
}

#[test]
fn a_nurse_cannot_tell_hidden_and_absent_apart() {
    block_on(async { cannot_tell(sqlite().await, direct("inf-leroy"), &[0, 1, 2, 3, 4], 3).await });
}

#[test]
fn a_nurse_cannot_tell_hidden_and_absent_apart_on_postgres() {
    block_on(async {
        if let (Some(one), Some(other)) = (Db::postgres().await, Db::postgres().await) {
            cannot_tell((one, other), direct("inf-leroy"), &[0, 1, 2, 3, 4], 12).await;
        }
    });
}

#[test]
fn a_physician_of_the_team_cannot_tell_masked_hidden_and_absent_apart() {
    // He wrote none of them: the author is dr-petit, and the treating physician would see all.
    let mut ctx = direct("dent-moreau");
    ctx.caller.person.as_mut().unwrap().habilitation = espace::rules::habilitation::Habilitation::built_in("10");
    block_on(async { cannot_tell(sqlite().await, ctx, &[0, 1, 2], 3).await });
}

#[test]
fn the_person_cannot_tell_hidden_and_absent_apart() {
    block_on(async { cannot_tell(sqlite().await, patient("dominique"), &[0, 2], 3).await });
}

#[test]
fn the_person_cannot_tell_hidden_and_absent_apart_on_postgres() {
    block_on(async {
        if let (Some(one), Some(other)) = (Db::postgres().await, Db::postgres().await) {
            cannot_tell((one, other), patient("dominique"), &[0, 2], 12).await;
        }
    });
}

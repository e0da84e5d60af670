//! Hidden and absent cannot be told apart (contract §8): the same requests in two worlds, one that hides
//! documents from the reader and one where they never existed.
//!
//! `ESPACE_REQUESTS=100000 cargo test --test espace hidden_and_absent` asks as many as the issue names.

use std::sync::Arc;

use espace::access::context::Context;
use espace::fhir::search::{Naming, Options, Search, parse};
use espace::fhir::terminology::canonical_system;
use espace::ids::{LogicalId, PatientKey, SeededIds};
use espace::model::profile::SpaceState;
use espace::ops::Service;
use espace::ops::document::find::{Query, find};
use espace::ops::document::intake::Intake;
use espace::ops::document::provide::provide;
use espace::ops::document::read::{Asked, Readable, read};
use espace::ops::document::retrieve::{DocumentType, retrieve};
use espace::ops::document::submission::Provision;
use espace::ops::facts::Named;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::rules::callers::{direct, patient};
use crate::support::db::block_on;
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
    Search(Vec<(String, String)>),
    Read(Readable, String, Option<i32>),
    Retrieve(String),
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
fn searched(pairs: &[(String, String)], now: Timestamp) -> Search {
    let naming = Naming { base: "https://localhost/fhir", canonical_system: &canonical_system };
    parse("DocumentReference", pairs, &Options { strict: false, max_count: 100, now, naming }).unwrap()
}

/// What a reader is shown, or how he is refused.
async fn answer(service: &Service, ctx: &Arc<Context>, key: PatientKey, request: &Request) -> String {
    let ctx = Arc::clone(ctx);
    match request {
        Request::Search(pairs) => {
            let search = searched(pairs, ctx.at);
            let query = Query { patient: Named::Key(key), search, after: None, own_only: false, traced: String::new() };
            match find(service, ctx, query).await {
                Ok(found) => {
                    let bodies = found.page.matches.iter().map(|one| String::from_utf8_lossy(&one.body).into_owned());
                    let bodies: Vec<String> = bodies.collect();
                    format!(
                        "{} {:?} {} {}",
                        found.page.total,
                        found.page.next,
                        found.patient.is_some(),
                        bodies.join("\n")
                    )
                }
                Err(error) => format!("{:?} {:?}", error.code(), error.issues()),
            }
        }
        Request::Read(what, id, version) => {
            match read(service, ctx, Asked { what: *what, id, version: *version, own_only: false }).await {
                Ok(found) => format!("{} {}", found.version, String::from_utf8_lossy(&found.body)),
                Err(error) => format!("{:?} {:?}", error.code(), error.issues()),
            }
        }
        Request::Retrieve(id) => match retrieve(service, ctx, DocumentType::Binary, id).await {
            Ok(blob) => format!("{} {:?}", blob.content_type, blob.sha256),
            Err(error) => format!("{:?} {:?}", error.code(), error.issues()),
        },
    }
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

/// A request that may name what is hidden, what is shown, or what never was.
fn request(dice: &mut Dice, places: &[Vec<String>], masters: &[String], key: PatientKey) -> Request {
    let unknown = LogicalId::of_patient(key, uuid::Uuid::from_u128(7)).to_string();
    let id = |dice: &mut Dice, entry: usize| match dice.roll(8) {
        0 => unknown.clone(),
        _ => dice.pick(places)[entry].split('/').next_back().unwrap().to_owned(),
    };
    match dice.roll(5) {
        0 => {
            let version = *dice.pick(&[None, Some(1), Some(2)]);
            let id = id(dice, 1);
            Request::Read(Readable::Fiche, id, version)
        }
        1 => {
            let id = id(dice, 0);
            Request::Read(Readable::Submission, id, None)
        }
        2 => Request::Retrieve(id(dice, 2)),
        _ => {
            let mut pairs = vec![("status".to_owned(), "current".to_owned())];
            for _ in 0..dice.roll(3) {
                let (name, value) = match dice.roll(10) {
                    0 => ("security-label", "MASQUE_PS".to_owned()),
                    1 => ("security-label:not", "MASQUE_PS".to_owned()),
                    2 => ("type", dice.pick(&["83901-9", "68599-0", "11488-4"]).to_string()),
                    3 => ("type:not", "11488-4".to_owned()),
                    4 => ("identifier", dice.pick(masters).clone()),
                    5 => ("_id", id(dice, 1)),
                    6 => ("_lastUpdated", format!("ge2026-11-22T10:00:{:02}Z", dice.roll(20))),
                    7 => ("_count", (1 + dice.roll(4)).to_string()),
                    8 => ("_sort", dice.pick(&["date", "-date", "_lastUpdated"]).to_string()),
                    _ => ("_summary", "count".to_owned()),
                };
                if pairs.iter().all(|(known, _)| known != name) {
                    pairs.push((name.to_owned(), value));
                }
            }
            if dice.roll(4) == 0 {
                pairs.push(("_include".to_owned(), "DocumentReference:patient".to_owned()));
            }
            Request::Search(pairs)
        }
    }
}

/// The documents of `bundles` as places, and the numbers of those that the reader must not see.
async fn worlds(unseen: &[usize]) -> (TestServer, TestServer, Vec<Vec<String>>, Vec<String>) {
    let (hiding, without) = (TestServer::start().await, TestServer::start().await);
    let (shown, hidden) = bundles(&hiding);
    let mut places = Vec::new();
    for (number, bundle) in shown.iter().zip(&hidden).flat_map(|(shown, hidden)| [shown, hidden]).enumerate() {
        let seed = u64::try_from(number).unwrap() + 1;
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

async fn cannot_tell(ctx: Context, unseen: &[usize], share: u64) {
    let (hiding, without, places, masters) = worlds(unseen).await;
    for server in [&hiding, &without] {
        server.put_space("dominique", SpaceState::Activated).await;
    }
    let key = hiding.persona("dominique").key;
    let ctx = Arc::new(caller(ctx, 60));
    let asked = std::env::var("ESPACE_REQUESTS").ok().and_then(|text| text.parse().ok()).unwrap_or(REQUESTS) / share;
    let mut dice = Dice(11);
    let mut seen = 0;
    for _ in 0..asked.div_ceil(BATCH) {
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..BATCH {
            let request = request(&mut dice, &places, &masters, key);
            let (one, other) = (hiding.app.service.clone(), without.app.service.clone());
            let ctx = Arc::clone(&ctx);
            running.spawn(async move {
                let answers = (answer(&one, &ctx, key, &request).await, answer(&other, &ctx, key, &request).await);
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

#[test]
fn a_nurse_cannot_tell_hidden_and_absent_apart() {
    block_on(cannot_tell(direct("inf-leroy"), &[0, 1, 2, 3, 4], 3));
}

#[test]
fn a_physician_of_the_team_cannot_tell_masked_hidden_and_absent_apart() {
    // He wrote none of them: the author is dr-petit, and the treating physician would see all.
    let mut ctx = direct("dent-moreau");
    ctx.caller.person.as_mut().unwrap().habilitation = espace::rules::habilitation::Habilitation::built_in("10");
    block_on(cannot_tell(ctx, &[0, 1, 2], 3));
}

#[test]
fn the_person_cannot_tell_hidden_and_absent_apart() {
    block_on(cannot_tell(patient("dominique"), &[0, 2], 3));
}

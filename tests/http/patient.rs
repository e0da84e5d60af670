//! TD0.2: what each state of a person shows, and that absence is one answer (MES-048; contract §8).

use espace::config::Config;
use espace::model::directory::{Relation, RelationKind};
use espace::model::profile::{RecordState, SpaceState};
use serde_json::{Value, json};

use super::faults;
use crate::support::client::{Actor, Answer};
use crate::support::db::{Db, block_on, stories};
use crate::support::server::TestServer;

stories! {
    ds_1_2_5_6_each_persona_shows_its_record_and_nothing_more,
    ds_3_absence_is_one_answer_whatever_its_cause,
}

const DMP: &str = "https://interop.esante.gouv.fr/ig/fhir/dmp/StructureDefinition";

/// Persona, active, attached to a space.
const PRESENT: [(&str, bool, bool); 12] = [
    ("dominique", true, true),
    ("cree-mail", true, true),
    ("cree-papier", true, true),
    ("oppose-dmp", true, false),
    ("ancien-dmp", true, false),
    ("suspendu", true, true),
    ("ferme", false, false),
    ("mineur", true, true),
    ("decede", false, false),
    ("aidant", true, true),
    ("temporaire", true, true),
    ("corse", true, true),
];
const ABSENT: [&str; 3] = ["oppose", "informe", "non-informe"];

async fn exists(actor: &Actor, cx: &str) -> Answer {
    actor.get_with(&format!("/fhir/Patient?identifier={cx}"), &[("x-request-id", "the-same")]).await
}

fn named(server: &TestServer, persona: &str) -> String {
    let ins = &server.persona(persona).ins;
    format!("{}%7C{}", ins.system(), ins.value())
}

fn extension<'a>(patient: &'a Value, name: &str) -> Option<&'a Value> {
    let url = format!("{DMP}/{name}");
    patient["extension"].as_array()?.iter().find(|extension| extension["url"] == url.as_str())
}

/// The parts of dmp-fermeture, by name.
fn closure(patient: &Value) -> Vec<String> {
    let parts = extension(patient, "dmp-fermeture").and_then(|closure| closure["extension"].as_array());
    parts.into_iter().flatten().map(|part| part["url"].as_str().unwrap().to_owned()).collect()
}

async fn ds_1_2_5_6_each_persona_shows_its_record_and_nothing_more(db: Db) {
    let server = TestServer::start_on(db).await;
    let martin = server.professional("dr-martin").await;
    let labo = server.structure("labo").await;
    assert_eq!(PRESENT.len() + ABSENT.len(), server.demo.personas.len(), "a persona is missing here");

    for (persona, is_active, is_attached) in PRESENT {
        for caller in [&martin, &labo] {
            let answer = exists(caller, &named(&server, persona)).await;
            let found = answer.matches();
            assert_eq!((found.len(), answer.json()["total"].as_i64()), (1, Some(1)), "{persona}");
            let patient = &found[0];
            assert_eq!(patient["id"], server.persona(persona).key.to_string(), "{persona}");
            assert_eq!(patient["active"], is_active, "{persona}");
            assert_eq!(extension(patient, "dmp-rattachement-mes").unwrap()["valueBoolean"], is_attached, "{persona}");
            let expected: &[&str] = if is_active { &[] } else { &["dateFermeture", "motifFermeture"] };
            assert_eq!(closure(patient), expected, "{persona}");
            let is_temporary = persona == "temporaire";
            let identifier = &patient["identifier"][0];
            assert_eq!(identifier["use"], if is_temporary { "temp" } else { "official" }, "{persona}");
            let code = if is_temporary { "INS-NIA" } else { "INS-NIR-TEST" };
            assert_eq!(identifier["type"]["coding"][0]["code"], code, "{persona}");
            let elements: Vec<&String> = patient.as_object().unwrap().keys().collect();
            assert_eq!(elements, ["resourceType", "id", "meta", "extension", "identifier", "active"], "{persona}");
            assert_eq!(faults(&answer.json()), [], "{persona}");
            let form = [("identifier", named(&server, persona).replace("%7C", "|"))];
            let posted = caller.form("/fhir/Patient/_search", &[(form[0].0, &form[0].1)]).await;
            assert_eq!(posted.matches(), found, "{persona}");
        }
    }
    crate::story::traces_are_whole(&server).await;
}

async fn ds_3_absence_is_one_answer_whatever_its_cause(db: Db) {
    let server = TestServer::start_on(db).await;
    let martin = server.professional("dr-martin").await;
    let labo = server.structure("labo").await;
    let erased = server.persona("ferme").key;
    let store = &server.app.service.store;
    let erase = store.system("test.erase", move |tx| {
        let mut profile = tx.fact_profile(erased)?.unwrap();
        (profile.space, profile.record) = (SpaceState::Erased, RecordState::Erased);
        tx.put_profile(&profile)
    });
    erase.await.unwrap();
    let unknown = ["urn:oid:1.2.250.1.213.1.4.10%7C255069999999934", "urn:oid:1.2.250.1.213.1.4.10%7C255069999999999"];
    let mut asked: Vec<String> = ABSENT.iter().chain(&["ferme"]).map(|persona| named(&server, persona)).collect();
    asked.extend(unknown.map(str::to_owned));
    for caller in [&martin, &labo] {
        let mut answers = Vec::new();
        for cx in &asked {
            let answer = exists(caller, cx).await;
            assert_eq!((answer.status.as_u16(), answer.json()["total"].as_i64()), (200, Some(0)), "{cx}");
            answers.push(answer);
        }
        let outcome = &answers[0].json()["entry"][0];
        assert_eq!(outcome["search"]["mode"], "outcome");
        let text = outcome["resource"]["issue"][0]["details"]["text"].as_str().unwrap();
        assert_eq!(
            text,
            "Aucun DMP ouvert pour ce patient. S'il ne s'est pas opposé et n'a pas été informé, l'inviter à appeler le 34 22."
        );
        assert_eq!(faults(&answers[0].json()), []);
        for (answer, cx) in answers.iter().zip(&asked) {
            assert_eq!(constant(answer), constant(&answers[0]), "{cx}");
            assert_eq!(answer.body.len(), answers[0].body.len(), "{cx}: the length tells");
        }
    }
    assert!(server.traces("oppose").await.iter().all(|trace| trace == "existence-test 0"));
    assert_eq!(server.notices("oppose").await, Vec::<String>::new());
    crate::story::traces_are_whole(&server).await;
}

/// An absence without the id, the instant and the sealed token; and the headers that may tell.
fn constant(answer: &Answer) -> (String, String) {
    let mut body = answer.json();
    for place in ["/id", "/meta/lastUpdated"] {
        *body.pointer_mut(place).unwrap() = Value::Null;
    }
    let link = body["link"][0]["url"].as_str().unwrap();
    body["link"][0]["url"] = json!(link.split_once("_sealed=").unwrap().0);
    let mut headers = answer.headers.clone();
    headers.remove("date");
    (body.to_string(), format!("{headers:?}"))
}

#[test]
fn the_reason_of_a_closure_is_told_to_the_treating_physician_alone() {
    block_on(async {
        let server = TestServer::start().await;
        let (martin, petit) = (server.professional("dr-martin").await, server.professional("dr-petit").await);
        let all = ["dateFermeture", "motifFermeture", "raisonFermeture"];
        assert_eq!(closure(&exists(&martin, &named(&server, "ferme")).await.matches()[0]), all[..2]);
        let relation = Relation {
            patient: server.persona("ferme").key,
            professional: server.author("dr-martin").exercise.professional.id.clone(),
            kind: RelationKind::TreatingPhysician,
            from_at: "2020-01-01T00:00:00Z".parse().unwrap(),
            until_at: None,
        };
        let store = &server.app.service.store;
        store.system("test.tie", move |tx| tx.put_relation(&relation)).await.unwrap();
        let told = exists(&martin, &named(&server, "ferme")).await.matches();
        assert_eq!(closure(&told[0]), all);
        assert!(told[0].to_string().contains("Fermeture demandée par la personne"));
        assert_eq!(closure(&exists(&petit, &named(&server, "ferme")).await.matches()[0]), all[..2]);
    });
}

#[test]
fn traits_are_told_where_the_operator_lets_them_be() {
    block_on(async {
        let server = TestServer::start_with(Db::of_this_run().await, |config| config.td02.traits = true).await;
        let martin = server.professional("dr-martin").await;
        let patient = exists(&martin, &named(&server, "dominique")).await.matches().remove(0);
        assert_eq!(patient["name"][0]["family"], "PAT-TROIS");
        assert_eq!((patient["gender"].as_str(), patient["birthDate"].as_str()), (Some("female"), Some("1979-03-28")));
        assert_eq!(faults(&patient), []);
    });
}

#[test]
fn ds_4_an_existence_test_names_one_ins_of_a_served_domain() {
    block_on(async {
        let server = TestServer::start().await;
        let martin = server.professional("dr-martin").await;
        let ins = named(&server, "dominique");
        for (query, expected) in [
            (String::new(), "400 required identifier"),
            ("identifier=279035121518989".to_owned(), "400 parametre-non-pris-en-charge identifier"),
            (format!("identifier={ins}&identifier={}", named(&server, "corse")), "400 parametre-non-pris-en-charge"),
            (format!("identifier={ins}&family=PAT-TROIS"), "400 parametre-non-pris-en-charge family"),
            (format!("identifier={ins}&active=false"), "400 parametre-non-pris-en-charge active"),
            ("identifier=urn:oid:1.2.250.1.213.1.4.8%7C279035121518988".to_owned(), "400 ins-domaine patient"),
            ("identifier=urn:oid:1.2.250.1.213.1.4.9%7C791069913904243".to_owned(), "400 ins-cle patient"),
        ] {
            let answer = martin.get(&format!("/fhir/Patient?{query}")).await;
            assert_eq!(answer.outcome(), expected, "{query}");
        }
        // Under the test domains a wrong key is tolerated, and said of a person who exists.
        let unknown = exists(&martin, "urn:oid:1.2.250.1.213.1.4.10%7C255069999999999").await;
        assert_eq!(unknown.json()["entry"].as_array().unwrap().len(), 1);
        let warned = martin.get(&format!("/fhir/Patient?identifier={ins}&familly=x")).await;
        assert_eq!(warned.matches().len(), 1);
        assert_eq!(warned.json()["entry"][1]["search"]["mode"], "outcome");

        let key = server.persona("dominique").key;
        let read = martin.get(&format!("/fhir/Patient/{key}")).await;
        assert_eq!((read.status.as_u16(), read.header("etag")), (200, "W/\"1\""));
        let held = martin.get_with(&format!("/fhir/Patient/{key}"), &[("if-none-match", "W/\"1\"")]).await;
        assert_eq!(held.status, 304);
        let outsider = server.professional("dr-externe").await;
        assert_eq!(outsider.get(&format!("/fhir/Patient/{key}")).await.outcome(), "404 not-found");
    });
}

#[test]
fn more_existence_tests_in_a_minute_than_allowed_are_refused_to_the_structure() {
    assert_eq!(Config::default().td02.per_minute, 600);
    block_on(async {
        let server = TestServer::start_with(Db::of_this_run().await, |config| config.td02.per_minute = 5).await;
        let (martin, petit) = (server.professional("dr-martin").await, server.professional("dr-petit").await);
        let ins = named(&server, "dominique");
        // The minute is that of the real clock: it may end once between two tests.
        let mut refused = None;
        for number in 1..=11 {
            let answer = exists(&martin, &ins).await;
            if answer.status != 200 {
                refused = Some((number, answer));
                break;
            }
        }
        let (number, answer) = refused.expect("never refused");
        assert!(number >= 6, "refused at {number}");
        assert_eq!((answer.outcome(), answer.header("retry-after")), ("429 throttled".to_owned(), "60"));
        assert_eq!(exists(&petit, &ins).await.status, 200, "another structure");
        crate::story::traces_are_whole(&server).await;
    });
}

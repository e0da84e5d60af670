//! Cases 15, 16, 56 and 57, each under its number (document-sharing §7, contract §8, CSP L1111-17).

use espace::config::Config;
use espace::model::directory::{Relation, RelationKind};
use serde_json::{Value, json};

use super::traces_are_whole;
use crate::refusal::Watch;
use crate::support::client::Actor;
use crate::support::db::{Db, stories};
use crate::support::server::TestServer;

stories! {
    ds_56_without_a_tie_after_its_end_or_blocked_a_professional_reads_nothing,
    ds_57_an_emergency_opens_the_record_for_a_reason_and_the_person_hears_of_it,
}

const DOMINIQUE: &str =
    "/fhir/DocumentReference?patient.identifier=urn:oid:1.2.250.1.213.1.4.10%7C279035121518989&status=current";

/// A bundle whose fiche has another type, or another class than its type has.
fn typed(server: &TestServer, member: &str, coding: &Value) -> Value {
    let mut bundle = server.bundle("dominique", "dr-martin");
    let fiche = &mut bundle["entry"][1]["resource"];
    fiche[member] = if member == "category" { json!([{ "coding": [coding] }]) } else { json!({ "coding": [coding] }) };
    bundle
}

#[tokio::test]
async fn ds_15_16_a_type_of_no_dmp_list_or_another_class_than_its_own_warns_and_is_refused_in_strict_mode() {
    let outside = json!({ "system": "http://loinc.org", "code": "51851-4" });
    let strict = |config: &mut Config| config.conformance.mode = espace::config::Mode::Strict;
    let (lenient, strict) = (TestServer::start().await, TestServer::start_with(Db::of_this_run().await, strict).await);
    // Of the same list, but not the class that ASS_X16 gives to this type.
    let mut category =
        lenient.bundle("dominique", "dr-martin")["entry"][1]["resource"]["category"][0]["coding"][0].clone();
    assert_ne!(category["code"], "11");
    category["code"] = "11".into();
    for (case, member, coding) in [("ds 15", "type", outside), ("ds 16", "category", category)] {
        let martin = lenient.professional("dr-martin").await;
        let answer = martin.post("/fhir", &typed(&lenient, member, &coding)).await;
        assert_eq!(answer.status, 200, "{case}: {}", answer.text());
        let outcome = &answer.json()["entry"][1]["response"]["outcome"];
        let severities: Vec<_> = outcome["issue"].as_array().unwrap().iter().map(|issue| &issue["severity"]).collect();
        assert!(!severities.is_empty() && severities.iter().all(|severity| **severity == "warning"), "{case}");

        let martin = strict.professional("dr-martin").await;
        let mut watch = Watch::over(&strict).await;
        let refused = martin.post("/fhir", &typed(&strict, member, &coding)).await;
        assert_eq!(refused.status, 422, "{case}: {}", refused.text());
        watch.refused(case, &refused, "422 code-invalide", "provide-document-bundle 4 code-invalide").await;
    }
}

async fn ds_56_without_a_tie_after_its_end_or_blocked_a_professional_reads_nothing(db: Db) {
    let server = TestServer::start_on(db).await;
    let martin = server.professional("dr-martin").await;
    let binary = martin.post("/fhir", &server.bundle("dominique", "dr-martin")).await.locations()[2].clone();
    let reads = async |reader: &Actor| {
        let search = reader.get(DOMINIQUE).await;
        let read = reader.get(&format!("/fhir/{binary}")).await;
        (search.outcome(), read.outcome())
    };
    let refused = ("403 forbidden".to_owned(), "404 not-found".to_owned());
    for name in ["dr-externe", "pharm-garcia"] {
        assert_eq!(reads(&server.professional(name).await).await, refused, "{name}");
    }
    let petit = server.professional("dr-petit").await;
    assert_eq!(petit.get(DOMINIQUE).await.matches().len(), 1, "a member of the care team");
    let block = Relation {
        patient: server.persona("dominique").key,
        professional: server.author("dr-petit").exercise.professional.id.clone(),
        kind: RelationKind::Block,
        from_at: server.now(),
        until_at: None,
    };
    let store = &server.app.service.store;
    store.system("test.block", move |tx| tx.put_relation(&block)).await.unwrap();
    assert_eq!(reads(&petit).await, refused, "blocked, at the next request");
    let emergency = [("purpose_of_use", "bris_de_glace"), ("mode_acces_raison", "Patient inconscient")];
    let glass = server.certificate("hopital").as_professional("dr-petit", &emergency).await;
    assert_eq!(reads(&glass).await, refused, "blocked in an emergency too");
    assert_eq!(petit.post("/fhir", &server.bundle("dominique", "dr-petit")).await.status, 200, "and still feeds");
    traces_are_whole(&server).await;
}

async fn ds_57_an_emergency_opens_the_record_for_a_reason_and_the_person_hears_of_it(db: Db) {
    let server = TestServer::start_on(db).await;
    let martin = server.professional("dr-martin").await;
    let binary = martin.post("/fhir", &server.bundle("dominique", "dr-martin")).await.locations()[2].clone();
    let told = async || {
        let notices = server.notices("dominique").await;
        notices.iter().filter(|notice| *notice == "ACCES_BRIS_GLACE activation-email").count()
    };
    for (told_before, (name, structure, purpose)) in
        [("dr-externe", "hopital", "bris_de_glace"), ("reg-roux", "hopital", "centre_15")].into_iter().enumerate()
    {
        assert_eq!(server.professional(name).await.get(DOMINIQUE).await.outcome(), "403 forbidden", "{name}");
        let reason = "Douleur thoracique, patient seul";
        let mode = [("purpose_of_use", purpose), ("mode_acces_raison", reason)];
        let reader = server.certificate(structure).as_professional(name, &mode).await;
        assert_eq!(reader.get(DOMINIQUE).await.matches().len(), 1, "{name}");
        assert_eq!(reader.get(&format!("/fhir/{binary}")).await.status, 200, "{name}");
        assert_eq!(told().await, told_before + 1, "{name}: one access, told once");

        // The person reads who it was, in which mode and why.
        let person = server.patient("dominique", "dominique").await;
        let key = server.persona("dominique").key;
        let path = format!("/fhir/AuditEvent?patient=Patient/{key}&date=ge2026-01-01&_count=100");
        let events = person.get(&path).await.matches();
        let of_mode = |event: &&Value| event["purposeOfEvent"].to_string().contains(purpose);
        let events: Vec<_> = events.iter().filter(of_mode).collect();
        assert_eq!(events.len(), 2, "{name}: the search and the read");
        assert!(events.iter().all(|event| event.to_string().contains(reason)), "{name}");
        // What an emergency opens is the reading of documents: of the traces, he has his own.
        let own = server.author(name).exercise.professional.id.to_string();
        let traces = reader.get(&path).await.matches();
        assert!(traces.len() > 1 && traces.iter().all(|event| event.to_string().contains(&own)), "{name}");
    }
    let again = [("purpose_of_use", "bris_de_glace"), ("mode_acces_raison", "Rechute")];
    let again = server.certificate("hopital").as_professional("dr-externe", &again).await;
    assert_eq!(again.get(DOMINIQUE).await.matches().len(), 1);
    assert_eq!(told().await, 3, "another emergency is told again");
    traces_are_whole(&server).await;
}

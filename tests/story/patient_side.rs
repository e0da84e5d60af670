//! The patient side in full: what the person masks, withdraws and replaces, who acts in his name, and
//! nothing before activation (mes-rules §2.2, §2.5; document-sharing §7, 58 to 60; contract §8).

use espace::model::profile::SpaceState;
use reqwest::Method;
use serde_json::{Value, json};

use super::replacement::patching;
use super::traces_are_whole;
use super::visibility::{all, audit, deposit, flagged, readable_by_id, seen, unknown_by_id};
use crate::http::simplified_publish::alone;
use crate::support::client::{Actor, Answer};
use crate::support::db::{Db, block_on, stories};
use crate::support::server::TestServer;

stories! {
    ds_58_mes_39_the_person_masks_a_document_and_unmasks_it_and_changes_nothing_else_of_anothers,
    ds_60_a_minors_own_token_tells_his_secret_and_keeps_it_from_his_representative,
    mes_39_the_person_withdraws_and_replaces_what_he_added,
}

async fn patch(actor: &Actor, place: &str, operations: &Value) -> Answer {
    let form = [("content-type", "application/json-patch+json")];
    actor.send(Method::PATCH, &format!("/fhir/{place}"), &form, operations.to_string().into_bytes()).await
}

fn adds(code: &str) -> Value {
    let system = espace::ihe::fhir_system("1.2.250.1.213.1.1.4.13");
    json!([{ "op": "add", "path": "/securityLabel/-", "value": { "coding": [{ "system": system, "code": code }] } }])
}

fn lifts() -> Value {
    let normal =
        json!({ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "N" }] });
    json!([{ "op": "replace", "path": "/securityLabel", "value": [normal] }])
}

fn status(value: &str) -> Value {
    json!([{ "op": "replace", "path": "/status", "value": value }])
}

async fn ds_58_mes_39_the_person_masks_a_document_and_unmasks_it_and_changes_nothing_else_of_anothers(db: Db) {
    let server = TestServer::start_on(db).await;
    let (martin, petit, leroy) = (
        server.professional("dr-martin").await,
        server.professional("dr-petit").await,
        server.professional("inf-leroy").await,
    );
    let locations = petit.post("/fhir", &server.bundle("dominique", "dr-petit")).await.locations();
    let (holder, carer) = (server.patient("dominique", "dominique").await, server.patient("aidant", "dominique").await);
    let url = all(&server, "dominique");
    assert_eq!(seen(&leroy, &url).await, (1, 1));
    assert_eq!(
        patch(&carer, &locations[1], &adds("MASQUE_PS")).await.outcome(),
        "403 forbidden",
        "a carer reads and adds"
    );
    let masked = patch(&holder, &locations[1], &adds("MASQUE_PS")).await;
    assert_eq!((masked.status.as_u16(), masked.header("etag")), (200, "W/\"2\""), "{}", masked.text());
    for (reader, count) in [(&leroy, 0), (&petit, 1), (&martin, 1), (&holder, 1), (&carer, 1)] {
        assert_eq!(seen(reader, &url).await.0, count);
    }
    unknown_by_id(&leroy, &locations).await;
    for (operations, outcome) in [
        (adds("INVISIBLE_PATIENT"), "403 forbidden"),
        (status("entered-in-error"), "403 non-auteur"),
        (status("superseded"), "403 non-auteur"),
    ] {
        assert_eq!(patch(&holder, &locations[1], &operations).await.outcome(), outcome, "{operations}");
    }
    assert_eq!(patch(&holder, &locations[1], &lifts()).await.header("etag"), "W/\"3\"");
    readable_by_id(&leroy, &locations).await;

    // ds 59: who does not see it can do nothing to it, and it is news when it is announced.
    let hidden = flagged(server.bundle("dominique", "dr-petit"), "INVISIBLE_PATIENT");
    let hidden = petit.post("/fhir", &hidden).await.locations();
    for operations in [adds("MASQUE_PS"), lifts(), status("entered-in-error")] {
        assert_eq!(patch(&holder, &hidden[1], &operations).await.outcome(), "404 not-found", "{operations}");
    }
    unknown_by_id(&holder, &hidden).await;
    assert_eq!(holder.get(&format!("/fhir/{}/_history", hidden[1])).await.outcome(), "404 not-found");
    let told = server.notices("dominique").await.len();
    assert_eq!(patch(&petit, &hidden[1], &lifts()).await.status, 200);
    assert_eq!(server.notices("dominique").await.len(), told + 1, "announced");
    readable_by_id(&holder, &hidden).await;
    assert_eq!(seen(&holder, &url).await, (2, 2));
    traces_are_whole(&server).await;
}

async fn ds_60_a_minors_own_token_tells_his_secret_and_keeps_it_from_his_representative(db: Db) {
    let server = TestServer::start_on(db).await;
    let martin = server.professional("dr-martin").await;
    let locations = martin.post("/fhir", &server.bundle("mineur", "dr-martin")).await.locations();
    server.put_space("mineur", SpaceState::Activated).await;
    let (parent, minor) = (server.patient("dominique", "mineur").await, server.patient("mineur", "mineur").await);
    let url = all(&server, "mineur");
    let secret = "INVISIBLE_REPRESENTANTS_LEGAUX";
    assert_eq!(
        patch(&parent, &locations[1], &adds(secret)).await.outcome(),
        "403 forbidden",
        "not the parent's to ask"
    );
    let kept = patch(&minor, &locations[1], &adds(secret)).await;
    assert_eq!(kept.status, 200, "{}", kept.text());
    for (reader, count) in [(&parent, 0), (&minor, 1), (&martin, 1)] {
        assert_eq!(seen(reader, &url).await.0, count);
        assert_eq!(seen(reader, &format!("{url}&security-label={secret}")).await.0, count);
    }
    unknown_by_id(&parent, &locations).await;
    for operations in [lifts(), adds("MASQUE_PS"), status("entered-in-error")] {
        assert_eq!(patch(&parent, &locations[1], &operations).await.outcome(), "404 not-found");
    }
    let told = |answer: Answer| locations.iter().any(|own| answer.text().contains(own.as_str()));
    assert!(!told(parent.get(&audit(&server, "mineur")).await), "nor its traces");
    assert!(told(minor.get(&audit(&server, "mineur")).await), "his own are his");
    // What the parent may do: mask what he sees.
    let shown = martin.post("/fhir", &server.bundle("mineur", "dr-martin")).await.locations();
    assert_eq!(patch(&parent, &shown[1], &adds("MASQUE_PS")).await.status, 200);
    assert_eq!(patch(&minor, &locations[1], &lifts()).await.status, 200);
    assert_eq!(seen(&parent, &url).await, (2, 2));
    traces_are_whole(&server).await;
}

async fn mes_39_the_person_withdraws_and_replaces_what_he_added(db: Db) {
    let server = TestServer::start_on(db).await;
    let (holder, petit) = (server.patient("dominique", "dominique").await, server.professional("dr-petit").await);
    let carer = server.patient("aidant", "dominique").await;
    let url = all(&server, "dominique");
    let own = holder.post("/fhir", &deposit(&server, "dominique", "EXPPAT_2", "text/plain", b"note")).await.locations();
    readable_by_id(&petit, &own).await;
    assert_eq!(patch(&petit, &own[1], &status("entered-in-error")).await.outcome(), "403 non-auteur");
    assert_eq!(patch(&carer, &own[1], &status("entered-in-error")).await.outcome(), "403 non-auteur");
    let gone = patch(&holder, &own[1], &status("entered-in-error")).await;
    assert_eq!(gone.status, 200, "{}", gone.text());
    for reader in [&holder, &petit] {
        assert_eq!(reader.get(&format!("/fhir/{}", own[1])).await.outcome(), "410 deleted");
        assert_eq!(seen(reader, &url).await, (0, 0));
    }

    // One current medical profile: the next one says that it replaces it, by either way in.
    let profile = |text: &str| deposit(&server, "dominique", "DOCPAT08", "text/plain", text.as_bytes());
    let relating = |mut bundle: Value, target: &str| {
        let relation = json!([{ "code": "replaces", "target": { "reference": target } }]);
        bundle["entry"][1]["resource"]["relatesTo"] = relation;
        bundle
    };
    let first = holder.post("/fhir", &profile("un")).await.locations()[1].clone();
    let second = holder.post("/fhir", &patching(relating(profile("deux"), &first), &first)).await;
    let second = second.locations()[1].clone();
    assert_eq!(holder.get(&format!("/fhir/{first}")).await.json()["status"], "superseded");
    let refused =
        holder.post("/fhir/DocumentReference", &alone(&profile("trois"), Some(("text/plain", b"trois")))).await;
    assert_eq!(refused.outcome(), "422 profil XDSRegistryMetadataError", "{}", refused.text());
    let third = alone(&relating(profile("trois"), &second), Some(("text/plain", b"trois")));
    let created = holder.post("/fhir/DocumentReference", &third).await;
    assert_eq!(created.status, 201, "{}", created.text());
    assert_eq!(holder.get(&format!("/fhir/{second}")).await.json()["status"], "superseded");
    assert_eq!(seen(&petit, &url).await, (1, 1), "the last one");
    // Another's document is not the person's to replace.
    let petits = petit.post("/fhir", &server.bundle("dominique", "dr-petit")).await.locations()[1].clone();
    let note = deposit(&server, "dominique", "EXPPAT_2", "text/plain", b"mieux");
    let refused = holder.post("/fhir", &patching(relating(note, &petits), &petits)).await;
    assert_eq!(refused.outcome(), "403 non-auteur");
    traces_are_whole(&server).await;
}

#[test]
fn mes_9_before_activation_no_route_of_the_patient_side_answers() {
    block_on(async {
        let server = TestServer::start().await;
        let martin = server.professional("dr-martin").await;
        let places = martin.post("/fhir", &server.bundle("cree-mail", "dr-martin")).await.locations();
        let holder = server.patient("cree-mail", "cree-mail").await;
        let key = server.persona("cree-mail").key;
        let lists = format!("/fhir/List?patient={key}&code=submissionset&status=current");
        let mut urls = vec![all(&server, "cree-mail"), audit(&server, "cree-mail"), lists];
        urls.extend(places.iter().map(|place| format!("/fhir/{place}")));
        for place in [&places[0], &places[1]] {
            urls.extend([format!("/fhir/{place}/_history"), format!("/fhir/{place}/_history/1")]);
        }
        for url in &urls {
            assert_eq!(holder.get(url).await.outcome(), "403 non-active", "{url}");
        }
        for operations in [adds("MASQUE_PS"), status("entered-in-error")] {
            assert_eq!(patch(&holder, &places[1], &operations).await.outcome(), "403 non-active");
        }
        let own = deposit(&server, "cree-mail", "EXPPAT_2", "text/plain", b"note");
        assert_eq!(holder.post("/fhir", &own).await.outcome(), "403 non-active", "ITI-65");
        let simplified = alone(&own, Some(("text/plain", b"note")));
        assert_eq!(holder.post("/fhir/DocumentReference", &simplified).await.outcome(), "403 non-active", "ITI-105");
        for place in ["DocumentReference/x", "List/x", "Binary/x", "AuditEvent/x", "Patient/x"] {
            let answer = holder.get(&format!("/fhir/{place}")).await;
            assert_eq!(answer.outcome(), "403 non-active", "whatever it names: {place}");
        }
        let nothing = patch(&holder, "DocumentReference/x", &adds("MASQUE_PS")).await;
        assert_eq!(nothing.outcome(), "403 non-active");
        server.put_space("cree-mail", SpaceState::Activated).await;
        for url in &urls {
            assert_eq!(holder.get(url).await.status, 200, "{url}");
        }
    });
}

//! A document replaced by the next one: chains, authors, races (document-sharing §7, cases 30 to 35, 76; TD2.1).

use serde_json::{Value, json};

use super::traces_are_whole;
use crate::refusal::Watch;
use crate::support::client::{Actor, Answer};
use crate::support::db::{Db, stories};
use crate::support::server::TestServer;

stories! {
    ds_31_52_a_replacement_supersedes_its_target_and_leaves_its_first_version_readable,
    ds_33_35_in_a_chain_of_replacements_only_the_last_is_current_and_may_be_replaced,
    ds_76_of_two_replacements_at_once_exactly_one_wins,
}

const DOMINIQUE: &str = "patient.identifier=urn:oid:1.2.250.1.213.1.4.10%7C279035121518989";

/// A fresh bundle whose fiche has a relation.
pub(crate) fn relating(server: &TestServer, author: &str, code: &str, target: &Value) -> Value {
    let mut bundle = server.bundle("dominique", author);
    bundle["entry"][1]["resource"]["relatesTo"] = json!([{ "code": code, "target": target }]);
    bundle
}

/// The same with the PATCH entry that a replacement comes with.
pub(crate) fn patching(mut bundle: Value, url: &str) -> Value {
    let part = |name: &str, form: &str, value: &str| json!({ "name": name, form: value });
    let parts = [
        part("type", "valueCode", "replace"),
        part("path", "valueString", "DocumentReference.status"),
        part("value", "valueCode", "superseded"),
    ];
    bundle["entry"].as_array_mut().unwrap().push(json!({
        "fullUrl": "urn:uuid:bbbbbbbb-0000-4000-8000-000000000004",
        "resource": { "resourceType": "Parameters", "parameter": [{ "name": "operation", "part": parts }] },
        "request": { "method": "PATCH", "url": url },
    }));
    bundle
}

fn by_id(reference: &str) -> Value {
    json!({ "reference": reference })
}

fn entry_uuids(fiche: &Value) -> Vec<String> {
    let identifiers = fiche["identifier"].as_array().unwrap().iter();
    let own = identifiers.filter(|identifier| identifier["use"] == "official");
    own.filter(|i| i["type"]["coding"][0]["code"] == "entryUUID")
        .map(|i| i["value"].as_str().unwrap().to_owned())
        .collect()
}

async fn read(actor: &Actor, reference: &str) -> Value {
    let answer = actor.get(&format!("/fhir/{reference}")).await;
    assert_eq!(answer.status, 200, "{reference}: {}", answer.text());
    answer.json()
}

fn response(answer: &Answer, entry: usize) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["entry"][entry]["response"].clone()
}

async fn ds_31_52_a_replacement_supersedes_its_target_and_leaves_its_first_version_readable(db: Db) {
    let server = TestServer::start_on(db).await;
    let martin = server.professional("dr-martin").await;
    let first = server.bundle("dominique", "dr-martin");
    let x = martin.post("/fhir", &first).await.locations()[1].clone();
    let before = read(&martin, &x).await;
    let bundle = patching(relating(&server, "dr-martin", "replaces", &by_id(&x)), &x);
    let answer = martin.post("/fhir", &bundle).await;
    let statuses: Vec<_> = (0..4).map(|entry| response(&answer, entry)["status"].clone()).collect();
    assert_eq!(statuses, ["201", "201", "201", "200"]);
    assert_eq!(response(&answer, 3)["location"], format!("{x}/_history/2"));
    assert_eq!(response(&answer, 3)["etag"], "W/\"2\"");
    let y = answer.locations()[1].clone();

    let after = read(&martin, &x).await;
    assert_eq!((&after["status"], &after["meta"]["versionId"]), (&json!("superseded"), &json!("2")));
    assert_eq!(after["id"], before["id"], "T8: the id stays");
    assert_ne!(entry_uuids(&after), entry_uuids(&before), "T8: each version has its entryUUID");
    assert_eq!((entry_uuids(&before).len(), entry_uuids(&after).len()), (1, 1), "T5");
    assert_eq!(read(&martin, &format!("{x}/_history/1")).await, before);
    let new = read(&martin, &y).await;
    assert_eq!(new["relatesTo"][0], json!({ "code": "replaces", "target": { "reference": x } }));
    let bytes = martin.get(after["content"][0]["attachment"]["url"].as_str().unwrap()).await;
    assert_eq!(bytes.status, 200, "what was superseded is still read (contract §8)");

    let again = martin.post("/fhir", &bundle).await;
    assert_eq!(again.locations(), answer.locations(), "sent again, it is answered with what it left");
    assert_eq!(read(&martin, &x).await["meta"]["versionId"], "2", "and does nothing more");
    let status = format!("/fhir/DocumentReference?{DOMINIQUE}");
    assert_eq!(martin.get(&format!("{status}&status=current")).await.matches().len(), 1);
    assert_eq!(martin.get(&format!("{status}&status=superseded")).await.matches().len(), 1);
    let notices = server.notices("dominique").await;
    assert_eq!(notices.iter().filter(|notice| notice.starts_with("AJOUT_DOCUMENT")).count(), 2);
    traces_are_whole(&server).await;
}

async fn ds_33_35_in_a_chain_of_replacements_only_the_last_is_current_and_may_be_replaced(db: Db) {
    let server = TestServer::start_on(db).await;
    let martin = server.professional("dr-martin").await;
    let first = server.bundle("dominique", "dr-martin");
    let mut chain = vec![martin.post("/fhir", &first).await.locations()[1].clone()];
    let master = first["entry"][1]["resource"]["masterIdentifier"].clone();
    let token = format!("{}|{}", master["system"].as_str().unwrap(), master["value"].as_str().unwrap());
    // Named in each way there is: by its masterIdentifier, by a condition, by its entryUUID.
    let conditional = format!("DocumentReference?identifier={token}");
    let logical =
        json!({ "type": "DocumentReference", "identifier": { "system": master["system"], "value": master["value"] } });
    let bundle = patching(relating(&server, "dr-martin", "replaces", &logical), &conditional);
    let answer = martin.post("/fhir", &bundle).await;
    assert_eq!(response(&answer, 3)["location"], format!("{}/_history/2", chain[0]));
    chain.push(answer.locations()[1].clone());
    let entry_uuid = &entry_uuids(&read(&martin, &chain[1]).await)[0];
    let conditional = format!("DocumentReference?identifier=urn:ietf:rfc:3986%7C{entry_uuid}");
    let bundle = relating(&server, "dr-martin", "replaces", &by_id(&conditional));
    chain.push(martin.post("/fhir", &bundle).await.locations()[1].clone());

    let id = |reference: &str| reference.rsplit('/').next().unwrap().to_owned();
    let current = martin.get(&format!("/fhir/DocumentReference?{DOMINIQUE}&status=current")).await.matches();
    assert_eq!(current.iter().map(|fiche| fiche["id"].clone()).collect::<Vec<_>>(), [id(&chain[2])]);
    for (number, reference) in chain.iter().enumerate().skip(1) {
        let fiche = read(&martin, reference).await;
        assert_eq!(fiche["relatesTo"][0]["target"]["reference"], chain[number - 1], "the chain is walked back");
        assert_eq!(fiche["relatesTo"][0]["code"], "replaces");
    }
    let mut watch = Watch::over(&server).await;
    let late = martin.post("/fhir", &relating(&server, "dr-martin", "replaces", &by_id(&chain[0]))).await;
    let told = "409 version-remplacee XDSRegistryDeprecatedDocumentError";
    watch.refused("ds 33", &late, told, "provide-document-bundle 4 version-remplacee").await;
    traces_are_whole(&server).await;
}

async fn ds_76_of_two_replacements_at_once_exactly_one_wins(db: Db) {
    let server = TestServer::start_on(db).await;
    let martin = server.professional("dr-martin").await;
    let mut target = martin.post("/fhir", &server.bundle("dominique", "dr-martin")).await.locations()[1].clone();
    for _ in 0..3 {
        let racer = || relating(&server, "dr-martin", "replaces", &by_id(&target));
        let bundles = [racer(), racer(), racer()];
        let (one, two, three) = tokio::join!(
            martin.post("/fhir", &bundles[0]),
            martin.post("/fhir", &bundles[1]),
            martin.post("/fhir", &bundles[2])
        );
        let (won, lost): (Vec<_>, Vec<_>) = [one, two, three].into_iter().partition(|answer| answer.status == 200);
        assert_eq!(won.len(), 1);
        for lost in lost {
            assert_eq!(lost.outcome(), "409 version-remplacee XDSRegistryDeprecatedDocumentError");
        }
        assert_eq!(read(&martin, &target).await["meta"]["versionId"], "2");
        target = won[0].locations()[1].clone();
    }
    let current = martin.get(&format!("/fhir/DocumentReference?{DOMINIQUE}&status=current")).await.matches();
    assert_eq!(current.len(), 1, "nothing of the losers was kept");
    let old = martin.get(&format!("/fhir/DocumentReference?{DOMINIQUE}&status=superseded")).await.matches();
    assert_eq!(old.len(), 3);
    traces_are_whole(&server).await;
}

#[tokio::test]
async fn ds_34_only_the_author_replaces_and_who_may_not_read_the_target_is_told_as_if_unknown() {
    let server = TestServer::start().await;
    let (martin, petit) = (server.professional("dr-martin").await, server.professional("dr-petit").await);
    let laurent = server.professional("bio-laurent").await;
    let of_martin = martin.post("/fhir", &server.bundle("dominique", "dr-martin")).await.locations()[1].clone();
    let of_petit = petit.post("/fhir", &server.bundle("dominique", "dr-petit")).await.locations()[1].clone();
    let mut watch = Watch::over(&server).await;

    let theft = martin.post("/fhir", &relating(&server, "dr-martin", "replaces", &by_id(&of_petit))).await;
    watch.refused("he reads it", &theft, "403 non-auteur", "provide-document-bundle 8 non-auteur").await;
    let shard = of_martin.split_once('-').unwrap().0;
    let unknown = format!("{shard}-00000000000000000000000000");
    let elsewhere = "DocumentReference/x".to_owned();
    let foreign = "DocumentReference/28xjc43wv8efw-00000000000000000000000001".to_owned();
    let mut answers = Vec::new();
    for target in [of_martin.clone(), unknown, elsewhere, foreign] {
        for code in ["replaces", "appends", "transforms", "signs"] {
            let bundle = relating(&server, "bio-laurent", code, &by_id(&target));
            let bundle = if code == "replaces" { patching(bundle, &target) } else { bundle };
            let body = serde_json::to_vec(&bundle).unwrap();
            let headers = [("content-type", "application/fhir+json"), ("x-request-id", "ds34ds34ds34")];
            let answer = laurent.send(reqwest::Method::POST, "/fhir", &headers, body).await;
            let told = "422 reference XDSRegistryMetadataError";
            watch.refused(code, &answer, told, "provide-document-bundle 4 reference").await;
            answers.push(answer.text());
        }
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "hidden and unknown are one answer: {answers:?}");
    // By indirect authentication and in its own name, the author is the structure.
    let structure = server.structure(&server.demo.professional("dr-martin").unwrap().structure.clone()).await;
    let own = structure.post("/fhir", &relating(&server, "dr-martin", "replaces", &by_id(&of_martin))).await;
    assert_eq!(own.status, 200, "{}", own.text());
    assert_eq!(read(&martin, &of_martin).await["status"], "superseded");
}

#[tokio::test]
async fn ds_32_a_replacement_without_its_patch_entry_is_refused_in_strict_mode_only() {
    let strict = TestServer::start_with(Db::of_this_run().await, |config| {
        config.conformance.mode = espace::config::Mode::Strict;
    })
    .await;
    let martin = strict.professional("dr-martin").await;
    let target = martin.post("/fhir", &strict.bundle("dominique", "dr-martin")).await.locations()[1].clone();
    let mut watch = Watch::over(&strict).await;
    let bare = relating(&strict, "dr-martin", "replaces", &by_id(&target));
    let answer = martin.post("/fhir", &bare).await;
    watch.refused("bare", &answer, "422 profil XDSRegistryMetadataError", "provide-document-bundle 4 profil").await;
    assert_eq!(martin.post("/fhir", &patching(bare, &target)).await.status, 200);
    assert_eq!(read(&martin, &target).await["status"], "superseded");
}

#[tokio::test]
async fn other_relations_are_kept_and_change_nothing_of_their_target() {
    let server = TestServer::start().await;
    let (martin, petit) = (server.professional("dr-martin").await, server.professional("dr-petit").await);
    let target = petit.post("/fhir", &server.bundle("dominique", "dr-petit")).await.locations()[1].clone();
    for code in ["appends", "transforms", "signs"] {
        let answer = martin.post("/fhir", &relating(&server, "dr-martin", code, &by_id(&target))).await;
        let fiche = read(&martin, &answer.locations()[1]).await;
        assert_eq!(fiche["relatesTo"], json!([{ "code": code, "target": { "reference": target } }]));
    }
    let fiche = read(&martin, &target).await;
    assert_eq!((&fiche["status"], &fiche["meta"]["versionId"]), (&json!("current"), &json!("1")));

    // A fiche of the same bundle may be appended to, but not replaced.
    let (mut pair, other) = (server.bundle("dominique", "dr-martin"), server.bundle("dominique", "dr-martin"));
    let url = other["entry"][1]["fullUrl"].clone();
    let listed = other["entry"][0]["resource"]["entry"][0].clone();
    pair["entry"][0]["resource"]["entry"].as_array_mut().unwrap().push(listed);
    pair["entry"].as_array_mut().unwrap().extend([other["entry"][1].clone(), other["entry"][2].clone()]);
    pair["entry"][1]["resource"]["relatesTo"] = json!([{ "code": "replaces", "target": { "reference": url } }]);
    let mut watch = Watch::over(&server).await;
    let answer = martin.post("/fhir", &pair).await;
    let told = "422 reference XDSRegistryMetadataError Bundle.entry[1].resource.relatesTo[0].target";
    watch.refused("within", &answer, told, "provide-document-bundle 4 reference").await;
    pair["entry"][1]["resource"]["relatesTo"][0]["code"] = "appends".into();
    let locations = martin.post("/fhir", &pair).await.locations();
    let fiche = read(&martin, &locations[1]).await;
    assert_eq!(fiche["relatesTo"][0]["target"]["reference"], locations[3]);

    // A PATCH entry of what nothing here replaces, and one target replaced twice.
    let mut watch = Watch::over(&server).await;
    let lone = patching(server.bundle("dominique", "dr-martin"), &locations[1]);
    let answer = martin.post("/fhir", &lone).await;
    watch
        .refused("lone", &answer, "422 reference XDSRegistryMetadataError", "provide-document-bundle 4 reference")
        .await;
    pair["entry"][1]["resource"]["masterIdentifier"]["value"] = "urn:oid:2.25.11".into();
    pair["entry"][3]["resource"]["masterIdentifier"]["value"] = "urn:oid:2.25.12".into();
    let both = json!([{ "code": "replaces", "target": { "reference": locations[1] } }]);
    pair["entry"][1]["resource"]["relatesTo"] = both.clone();
    pair["entry"][3]["resource"]["relatesTo"] = both;
    let answer = martin.post("/fhir", &pair).await;
    let told = "409 version-remplacee XDSRegistryDeprecatedDocumentError";
    watch.refused("twice", &answer, told, "provide-document-bundle 4 version-remplacee").await;
}

//! TD3.3 by PATCH: masks, visibility, withdrawal, archive; races, refusals, forms (document-sharing
//! §7, cases 58 to 68).

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::{DOMINIQUE, faults, label, master, unknown};
use crate::story::traces_are_whole;
use crate::support::client::{Actor, Answer};
use crate::support::db::{Db, block_on, stories};
use crate::support::server::TestServer;

stories! {
    ds_58_t10_a_document_is_masked_and_unmasked_by_its_business_identifier,
    ds_61_62_a_document_is_archived_and_unarchived_by_selector_and_by_pointer,
    ds_65_a_stale_if_match_is_refused_and_of_two_patches_at_once_one_wins,
    ds_52_66_an_author_withdraws_his_document_and_nobody_else_does,
}

const ARCHIVED: &str = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-ext-is-archived";
const JSON_PATCH: &str = "application/json-patch+json";
const VISIBILITY: &str =
    "https://mos.esante.gouv.fr/NOS/TRE_A07-StatutVisibiliteDocument/FHIR/TRE-A07-StatutVisibiliteDocument";

/// A fiche that was published, with what the tests need of it.
struct Published {
    /// `/fhir/DocumentReference/…`.
    fiche: String,
    /// `/fhir/Binary/…`.
    binary: String,
    /// `identifier=system|value`.
    identifier: String,
}

async fn publish(author: &Actor, bundle: &Value) -> Published {
    let locations = author.post("/fhir", bundle).await.locations();
    let identifier = format!("identifier={}", master(bundle));
    Published { fiche: format!("/fhir/{}", locations[1]), binary: format!("/fhir/{}", locations[2]), identifier }
}

async fn send(actor: &Actor, path: &str, form: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let headers: Vec<_> = headers.iter().copied().chain([("content-type", form)]).collect();
    actor.send(Method::PATCH, path, &headers, body.as_bytes().to_vec()).await
}

async fn patch(actor: &Actor, path: &str, operations: &Value) -> Answer {
    send(actor, path, JSON_PATCH, &[("x-request-id", "the-same")], &operations.to_string()).await
}

fn coded(system: &str, code: &str) -> Value {
    json!({ "coding": [{ "system": system, "code": code }] })
}

fn normal() -> Value {
    coded("http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "N")
}

fn labelled(code: &str) -> Value {
    json!([{ "op": "add", "path": "/securityLabel/-", "value": coded(VISIBILITY, code) }])
}

fn relabelled(label: &Value) -> Value {
    json!([{ "op": "replace", "path": "/securityLabel/0", "value": label }])
}

fn status(value: &str) -> Value {
    json!([{ "op": "replace", "path": "/status", "value": value }])
}

fn codes(fiche: &Value) -> BTreeSet<String> {
    let labels = fiche["securityLabel"].as_array().unwrap();
    labels.iter().map(|label| label["coding"][0]["code"].as_str().unwrap().to_owned()).collect()
}

fn set(codes: &[&str]) -> BTreeSet<String> {
    codes.iter().map(|code| (*code).to_owned()).collect()
}

fn entry_uuid(fiche: &Value) -> String {
    let identifiers = fiche["identifier"].as_array().unwrap();
    let is_entry = |id: &&Value| id["value"].as_str().unwrap().starts_with("urn:uuid:");
    let found: Vec<_> = identifiers.iter().filter(is_entry).collect();
    assert_eq!(found.len(), 1, "one entryUUID a version");
    found[0]["value"].as_str().unwrap().to_owned()
}

async fn found(actor: &Actor, published: &Published) -> usize {
    let path = format!("/fhir/DocumentReference?{DOMINIQUE}&status=current&{}", published.identifier);
    actor.get(&path).await.matches().len()
}

async fn ds_58_t10_a_document_is_masked_and_unmasked_by_its_business_identifier(db: Db) {
    let server = TestServer::start_on(db).await;
    let (martin, petit) = (server.professional("dr-martin").await, server.professional("dr-petit").await);
    let published = publish(&martin, &server.bundle("dominique", "dr-martin")).await;
    let before = petit.get(&published.fiche).await.json();
    let conditional = format!("/fhir/DocumentReference?{}", published.identifier);

    // T10: the flag stands where N stood; T11: under the system that PDSm's example misspells.
    let misspelt = VISIBILITY.replace("Statut", "Status");
    let masked = patch(&martin, &conditional, &relabelled(&coded(&misspelt, "MASQUE_PS"))).await;
    assert_eq!((masked.status.as_u16(), masked.header("etag")), (200, "W/\"2\""), "{}", masked.text());
    assert_eq!(masked.header("last-modified"), "Sun, 22 Nov 2026 10:00:00 GMT");
    let fiche = masked.json();
    assert_eq!((codes(&fiche), faults(&fiche)), (set(&["N", "MASQUE_PS"]), vec![]));
    assert_eq!(fiche["securityLabel"][0]["coding"][0]["system"], VISIBILITY);
    assert_eq!((&fiche["id"], fiche["meta"]["versionId"].as_str()), (&before["id"], Some("2")));
    assert_ne!(entry_uuid(&fiche), entry_uuid(&before), "T8: an entryUUID for each version");
    assert_eq!(petit.get(&published.fiche).await.outcome(), "404 not-found");
    assert_eq!((found(&petit, &published).await, found(&martin, &published).await), (0, 1));

    // The masked document and one that never was are patched with one answer.
    let unknown = unknown(&published.fiche);
    for operations in [labelled("MASQUE_PS"), status("entered-in-error"), status("nonsense"), json!([])] {
        let (hidden, absent) =
            (patch(&petit, &published.fiche, &operations).await, patch(&petit, &unknown, &operations).await);
        assert_eq!(hidden.outcome(), "404 not-found", "{operations}");
        assert_eq!(hidden.text(), absent.text());
        let by_identifier = patch(&petit, &format!("{conditional}&{DOMINIQUE}"), &operations).await;
        let none = format!("/fhir/DocumentReference?identifier=urn:x%7Cnone&{DOMINIQUE}");
        assert_eq!(by_identifier.text(), patch(&petit, &none, &operations).await.text());
        assert_eq!(by_identifier.outcome(), "404 not-found");
    }

    let unmasked = patch(&martin, &format!("{conditional}&{DOMINIQUE}"), &relabelled(&normal())).await;
    assert_eq!((unmasked.header("etag"), codes(&unmasked.json())), ("W/\"3\"", set(&["N"])), "{}", unmasked.text());
    assert_eq!(found(&petit, &published).await, 1);
    // Nothing changes: no version is made.
    assert_eq!(patch(&martin, &published.fiche, &relabelled(&normal())).await.header("etag"), "W/\"3\"");
    for (version, labels) in [(1, set(&["N"])), (2, set(&["N", "MASQUE_PS"])), (3, set(&["N"]))] {
        let read = petit.get(&format!("{}/_history/{version}", published.fiche)).await;
        assert_eq!((codes(&read.json()), read.header("etag")), (labels, format!("W/\"{version}\"").as_str()));
    }
    let traces = server.traces("dominique").await;
    assert_eq!(traces.iter().filter(|trace| *trace == "update-document-metadata 0").count(), 3, "{traces:?}");
    traces_are_whole(&server).await;
}

#[test]
fn ds_59_a_document_that_becomes_visible_to_the_person_is_notified() {
    block_on(async {
        let server = TestServer::start().await;
        let (martin, petit) = (server.professional("dr-martin").await, server.professional("dr-petit").await);
        let mut bundle = server.bundle("dominique", "dr-martin");
        label(&mut bundle, "INVISIBLE_PATIENT");
        let published = publish(&martin, &bundle).await;
        assert_eq!(found(&petit, &published).await, 1, "professionals see it");
        let told = server.notices("dominique").await.len();
        patch(&martin, &published.fiche, &labelled("MASQUE_PS")).await.json();
        assert_eq!(server.notices("dominique").await.len(), told, "still invisible");
        let lift = json!([{ "op": "replace", "path": "/securityLabel", "value": [normal()] }]);
        assert_eq!(codes(&patch(&martin, &published.fiche, &lift).await.json()), set(&["N"]));
        let notices = server.notices("dominique").await;
        // The author's first access was not told while its one document was hidden; now both are.
        let access = "ACCES_DMP_PS activation-email";
        assert_eq!(
            (told, notices),
            (1, ["AJOUT_DOCUMENT activation-email", access, access].map(str::to_owned).to_vec())
        );
        let holder = server.patient("dominique", "dominique").await;
        assert_eq!((holder.get(&published.fiche).await.status.as_u16(), found(&holder, &published).await), (200, 1));
        let hidden = patch(&martin, &published.fiche, &labelled("INVISIBLE_PATIENT")).await;
        assert_eq!(codes(&hidden.json()), set(&["N", "INVISIBLE_PATIENT"]));
        assert_eq!(server.notices("dominique").await.len(), told + 2);
        assert_eq!(holder.get(&published.fiche).await.outcome(), "404 not-found");
        assert_eq!(found(&holder, &published).await, 0);
        traces_are_whole(&server).await;
    });
}

async fn ds_61_62_a_document_is_archived_and_unarchived_by_selector_and_by_pointer(db: Db) {
    let server = TestServer::start_on(db).await;
    let martin = server.professional("dr-martin").await;
    let published = publish(&martin, &server.bundle("dominique", "dr-martin")).await;
    let selector = format!("/extension[url:'{ARCHIVED}']/valueBoolean");
    let write = |op: &str, path: &str, value: Value| json!([{ "op": op, "path": path, "value": value }]);
    let archived = async || {
        let path = format!("/fhir/DocumentReference?{DOMINIQUE}&status=current&isArchived=true");
        martin.get(&path).await.matches().len()
    };
    let first = |fiche: &Value| fiche["extension"][0]["valueBoolean"].clone();

    // ds 62: absent, it cannot be replaced; it can be added.
    for path in [selector.as_str(), "/extension/0/valueBoolean"] {
        let refused = patch(&martin, &published.fiche, &write("replace", path, json!(true))).await;
        assert!(refused.outcome().starts_with("422 modification-inapplicable"), "{}", refused.text());
    }
    let added = patch(&martin, &published.fiche, &write("add", &selector, json!(true))).await;
    assert_eq!((first(&added.json()), archived().await), (json!(true), 1), "{}", added.text());
    let back = patch(&martin, &published.fiche, &write("replace", &selector, json!(false))).await;
    assert_eq!((first(&back.json()), archived().await), (json!(false), 0));
    let again = patch(&martin, &published.fiche, &write("replace", "/extension/0/valueBoolean", json!(true))).await;
    assert_eq!((first(&again.json()), archived().await), (json!(true), 1));
    let gone = patch(&martin, &published.fiche, &json!([{ "op": "remove", "path": "/extension" }])).await;
    assert_eq!((gone.json().get("extension").is_none(), archived().await), (true, 0));
    let whole = write("add", "/extension", json!([{ "url": ARCHIVED, "valueBoolean": true }]));
    assert_eq!(patch(&martin, &published.fiche, &whole).await.header("etag"), "W/\"6\"");

    // T9: the published examples' wrong types.
    for (operations, refusal) in [
        (write("replace", &selector, json!("true")), "422"),
        (write("replace", "/extension/0", json!({ "url": ARCHIVED, "valueString": "true" })), "422 type-de-donnee"),
        (write("add", "/extension/-", json!({ "url": ARCHIVED, "valueBoolean": false })), "422 profil"),
        (write("replace", "/securityLabel/0", json!("restricted")), "422"),
        (write("replace", "/securityLabel/0", coded(VISIBILITY, "MASQUE_TOUS")), "422 code-invalide"),
        (
            write("add", "/securityLabel/-", coded("http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "R")),
            "422 profil",
        ),
        (status("current "), "422"),
        (status("preliminary"), "422"),
        (json!([{ "op": "remove", "path": "/status" }]), "422"),
    ] {
        let refused = patch(&martin, &published.fiche, &operations).await;
        assert!(refused.outcome().starts_with(refusal), "{operations}: {}", refused.outcome());
    }
    assert_eq!(martin.get(&published.fiche).await.header("etag"), "W/\"6\"", "a refusal changes nothing");
    traces_are_whole(&server).await;
}

#[test]
fn ds_63_another_element_is_not_modifiable() {
    block_on(async {
        let server = TestServer::start().await;
        let martin = server.professional("dr-martin").await;
        let published = publish(&martin, &server.bundle("dominique", "dr-martin")).await;
        let before = martin.get(&published.fiche).await.text();
        let unknown = unknown(&published.fiche);
        for (path, element) in [
            ("/type", "DocumentReference.type"),
            ("/content/0/attachment/title", "DocumentReference.content"),
            ("/meta/profile", "DocumentReference.meta"),
            ("/masterIdentifier/value", "DocumentReference.masterIdentifier"),
            ("/_status", "DocumentReference.status"),
            ("/279035121518989", "DocumentReference"),
        ] {
            let operations = json!([{ "op": "replace", "path": path, "value": "x" }]);
            let refused = patch(&martin, &published.fiche, &operations).await;
            assert_eq!(refused.outcome(), format!("405 element-non-modifiable {element}"), "{path}");
            assert_eq!(refused.header("allow"), "GET, HEAD, PATCH");
            assert_eq!(patch(&martin, &unknown, &operations).await.text(), refused.text(), "told of any id");
        }
        for operations in [
            json!([{ "op": "add", "path": "/extension", "value": [{ "url": "http://x", "valueString": "y" }] }]),
            json!([{ "op": "replace", "path": "", "value": { "resourceType": "Patient" } }]),
        ] {
            let refused = patch(&martin, &published.fiche, &operations).await;
            assert!(refused.outcome().starts_with("405 element-non-modifiable DocumentReference"), "{operations}");
        }
        let merge = r#"{"status":"superseded","description":"x"}"#;
        let refused = send(&martin, &published.fiche, "application/merge-patch+json", &[], merge).await;
        assert_eq!(refused.outcome(), "405 element-non-modifiable DocumentReference.description");
        assert_eq!(martin.get(&published.fiche).await.text(), before, "nothing was changed");
        assert!(
            server.traces("dominique").await.contains(&"update-document-metadata 4 element-non-modifiable".to_owned())
        );
        traces_are_whole(&server).await;
    });
}

#[test]
fn ds_64_a_conditional_patch_needs_exactly_one_match() {
    block_on(async {
        let server = TestServer::start().await;
        let (martin, externe) = (server.professional("dr-martin").await, server.professional("dr-externe").await);
        let bundles = [server.bundle("dominique", "dr-martin"), server.bundle("dominique", "dr-martin")];
        let first = publish(&martin, &bundles[0]).await;
        publish(&martin, &bundles[1]).await;
        let at = |query: &str| format!("/fhir/DocumentReference?{query}");
        let masked = labelled("MASQUE_PS");
        let both = format!("identifier={},{}", master(&bundles[0]), master(&bundles[1]));
        for (query, outcome) in [
            ("identifier=urn:x%7Cnone".to_owned(), "404 not-found"),
            (format!("identifier=urn:x%7Cnone&{DOMINIQUE}"), "404 not-found"),
            (both.clone(), "412 precondition"),
            (format!("{both}&{DOMINIQUE}"), "412 precondition"),
            (DOMINIQUE.to_owned(), "400 required identifier"),
            (String::new(), "400 required identifier"),
            (format!("{}&status=current", first.identifier), "400 parametre-non-pris-en-charge status"),
        ] {
            assert_eq!(patch(&martin, &at(&query), &masked).await.outcome(), outcome, "{query}");
        }
        // Who may not read the record finds there no document but his own, and is told no more.
        for query in [&first.identifier, "identifier=urn:x%7Cnone"] {
            assert_eq!(patch(&externe, &at(query), &masked).await.outcome(), "404 not-found");
            let named = patch(&externe, &at(&format!("{query}&{DOMINIQUE}")), &masked).await;
            assert_eq!(named.outcome(), "403 forbidden");
        }
        let uuid = entry_uuid(&patch(&martin, &first.fiche, &masked).await.json());
        let by_entry = format!("identifier=urn:ietf:rfc:3986%7C{uuid}&{DOMINIQUE}");
        let unmasked = patch(&martin, &at(&by_entry), &relabelled(&normal())).await;
        assert_eq!(unmasked.header("etag"), "W/\"3\"", "an entryUUID names its fiche: {}", unmasked.text());
    });
}

async fn ds_65_a_stale_if_match_is_refused_and_of_two_patches_at_once_one_wins(db: Db) {
    let server = TestServer::start_on(db).await;
    let martin = server.professional("dr-martin").await;
    let published = publish(&martin, &server.bundle("dominique", "dr-martin")).await;
    let held = async |tag: &str, operations: &Value| {
        send(&martin, &published.fiche, JSON_PATCH, &[("if-match", tag)], &operations.to_string()).await
    };
    for stale in ["W/\"2\"", "\"0\"", "7", "nonsense"] {
        assert_eq!(held(stale, &labelled("MASQUE_PS")).await.outcome(), "412 precondition", "{stale}");
    }
    let (mask, hide) = (labelled("MASQUE_PS"), labelled("INVISIBLE_PATIENT"));
    let (one, other) = tokio::join!(held("W/\"1\"", &mask), held("1", &hide));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert!(statuses[0] == 200 && [409, 412].contains(&statuses[1]), "{statuses:?}");
    let kept = martin.get(&published.fiche).await;
    assert_eq!((kept.header("etag"), codes(&kept.json()).len()), ("W/\"2\"", 2), "one of the two");

    // Without a condition both may come through, one after the other, and none is lost.
    let restricted = json!([{ "op": "replace", "path": "/securityLabel", "value": [normal()] }]);
    held("*", &restricted).await.json();
    let (one, other) = tokio::join!(patch(&martin, &published.fiche, &mask), patch(&martin, &published.fiche, &hide));
    let done = [one, other].iter().filter(|answer| answer.status == 200).count();
    let kept = martin.get(&published.fiche).await;
    assert_eq!(codes(&kept.json()).len(), 1 + done, "{}", kept.text());
    assert_eq!(kept.header("etag"), format!("W/\"{}\"", 3 + done));
    traces_are_whole(&server).await;
}

async fn ds_52_66_an_author_withdraws_his_document_and_nobody_else_does(db: Db) {
    let server = TestServer::start_on(db).await;
    let (martin, petit) = (server.professional("dr-martin").await, server.professional("dr-petit").await);
    let externe = server.professional("dr-externe").await;
    let published = publish(&petit, &server.bundle("dominique", "dr-petit")).await;
    for value in ["entered-in-error", "superseded"] {
        // The médecin traitant reads it; its author alone answers for it (901).
        let refused = patch(&martin, &published.fiche, &status(value)).await;
        assert_eq!(refused.outcome(), "403 non-auteur", "{value}");
        assert_eq!(patch(&externe, &published.fiche, &status(value)).await.outcome(), "404 not-found");
    }
    let superseded = patch(&petit, &published.fiche, &status("superseded")).await;
    assert_eq!((superseded.status.as_u16(), superseded.json()["status"].as_str()), (200, Some("superseded")));
    assert_eq!((martin.get(&published.fiche).await.status.as_u16(), found(&martin, &published).await), (200, 0));
    let revived = patch(&petit, &published.fiche, &status("current")).await;
    assert!(revived.outcome().starts_with("409 version-remplacee"), "{}", revived.outcome());

    let withdrawn = patch(&petit, &published.fiche, &status("entered-in-error")).await;
    assert_eq!((withdrawn.status.as_u16(), withdrawn.header("etag")), (200, "W/\"3\""), "{}", withdrawn.text());
    assert_eq!((withdrawn.json()["status"].as_str(), faults(&withdrawn.json())), (Some("entered-in-error"), vec![]));
    for reader in [&martin, &petit] {
        for path in ["", "/_history", "/_history/1", "/_history/3"] {
            let gone = reader.get(&format!("{}{path}", published.fiche)).await;
            assert_eq!(gone.outcome(), "410 deleted", "{path}");
        }
        assert_eq!(reader.get(&published.binary).await.outcome(), "410 deleted");
        assert_eq!(patch(reader, &published.fiche, &status("current")).await.outcome(), "410 deleted");
    }
    for path in ["", "/_history", "/_history/1"] {
        assert_eq!(externe.get(&format!("{}{path}", published.fiche)).await.outcome(), "404 not-found");
    }
    for query in ["status=current", "status=entered-in-error", "status=superseded", &published.identifier] {
        let path = format!("/fhir/DocumentReference?{DOMINIQUE}&{query}");
        assert_eq!(martin.get(&path).await.matches().len(), 0, "{query}");
    }
    let conditional = format!("/fhir/DocumentReference?{}", published.identifier);
    assert_eq!(patch(&petit, &conditional, &status("current")).await.outcome(), "404 not-found");
    let traces = server.traces("dominique").await;
    assert!(traces.contains(&"update-document-metadata 8 non-auteur".to_owned()), "{traces:?}");
    traces_are_whole(&server).await;
}

#[test]
fn ds_67_the_four_forms_of_a_patch_have_one_result() {
    block_on(async {
        let server = TestServer::start().await;
        let martin = server.professional("dr-martin").await;
        let json = json!([
            { "op": "add", "path": "/securityLabel/-", "value": coded(VISIBILITY, "MASQUE_PS") },
            { "op": "add", "path": "/extension", "value": [{ "url": ARCHIVED, "valueBoolean": true }] },
        ]);
        let part = |name: &str, key: &str, value: Value| {
            let mut part = json!({ "name": name });
            part[key] = value;
            part
        };
        let add = |name: &str, value: Value| {
            json!({ "name": "operation", "part": [
                part("type", "valueCode", json!("add")), part("path", "valueString", json!("DocumentReference")),
                part("name", "valueString", json!(name)), value,
            ] })
        };
        let flag = [part("url", "valueUri", json!(ARCHIVED)), part("value", "valueBoolean", json!(true))];
        let fhirpath = json!({ "resourceType": "Parameters", "parameter": [
            add("securityLabel", part("value", "valueCodeableConcept", coded(VISIBILITY, "MASQUE_PS"))),
            add("extension", part("value", "part", json!(flag))),
        ] });
        let xml = format!(
            r#"<diff xmlns="http://hl7.org/fhir"><add sel="/DocumentReference"><securityLabel><coding>
            <system value="{VISIBILITY}"/><code value="MASQUE_PS"/></coding></securityLabel></add>
            <add sel="DocumentReference"><extension url="{ARCHIVED}"><valueBoolean value="true"/></extension></add></diff>"#,
        );
        let merge = json!({
            "securityLabel": [normal(), coded(VISIBILITY, "MASQUE_PS")],
            "extension": [{ "url": ARCHIVED, "valueBoolean": true }],
        });
        for (form, body) in [
            (JSON_PATCH, json.to_string()),
            ("application/fhir+json", fhirpath.to_string()),
            ("application/xml-patch+xml", xml),
            ("application/merge-patch+json", merge.to_string()),
        ] {
            let published = publish(&martin, &server.bundle("dominique", "dr-martin")).await;
            let patched = send(&martin, &published.fiche, form, &[], &body).await;
            assert_eq!(patched.header("etag"), "W/\"2\"", "{form}: {}", patched.text());
            let fiche = patched.json();
            assert_eq!(codes(&fiche), set(&["N", "MASQUE_PS"]), "{form}");
            assert_eq!(fiche["extension"], json!([{ "url": ARCHIVED, "valueBoolean": true }]), "{form}");
            assert_eq!(faults(&fiche), [], "{form}");
        }
    });
}

#[test]
fn what_is_no_patch_is_refused_and_an_answer_is_as_long_as_preferred() {
    block_on(async {
        let server = TestServer::start().await;
        let martin = server.professional("dr-martin").await;
        let published = publish(&martin, &server.bundle("dominique", "dr-martin")).await;
        for (form, body, outcome) in [
            ("text/plain", "[]", "415 type-de-contenu"),
            ("application/fhir+xml", "<Parameters/>", "400 structure"),
            ("application/fhir+turtle", "[]", "415 type-de-contenu"),
            (JSON_PATCH, "[", "400 structure"),
            (JSON_PATCH, r#"[{"op":"grow","path":"/status"}]"#, "400 structure"),
            ("application/xml-patch+xml", "<!DOCTYPE d [<!ENTITY e 'x'>]><diff/>", "400 structure"),
        ] {
            let refused = send(&martin, &published.fiche, form, &[], body).await;
            assert_eq!(refused.outcome(), outcome, "{form} {body}");
        }
        let long = format!("[{}]", " ".repeat(300_000));
        assert_eq!(send(&martin, &published.fiche, JSON_PATCH, &[], &long).await.outcome(), "413 too-long");
        for (prefer, kind) in
            [("return=OperationOutcome", "OperationOutcome"), ("return=representation", "DocumentReference")]
        {
            let answer = send(&martin, &published.fiche, JSON_PATCH, &[("prefer", prefer)], "[]").await;
            assert_eq!((answer.status.as_u16(), answer.json()["resourceType"].as_str()), (200, Some(kind)));
        }
        let minimal = send(&martin, &published.fiche, JSON_PATCH, &[("prefer", "return=minimal")], "[]").await;
        assert_eq!((minimal.status.as_u16(), minimal.body.len(), minimal.header("etag")), (200, 0, "W/\"1\""));
    });
}

#[test]
fn ds_68_a_document_is_not_deleted_by_delete() {
    block_on(async {
        let server = TestServer::start().await;
        let martin = server.professional("dr-martin").await;
        let published = publish(&martin, &server.bundle("dominique", "dr-martin")).await;
        let refused = martin.send(Method::DELETE, &published.fiche, &[], Vec::new()).await;
        assert_eq!((refused.status.as_u16(), refused.header("allow")), (405, "GET, HEAD, PATCH"));
        assert_eq!(martin.get(&published.fiche).await.status, 200);
    });
}

#[test]
fn masks_are_for_those_whom_the_rules_name() {
    block_on(async {
        let server = TestServer::start().await;
        let (martin, petit) = (server.professional("dr-martin").await, server.professional("dr-petit").await);
        let bundle = server.bundle("dominique", "dr-petit");
        let published = publish(&petit, &bundle).await;
        let archive =
            json!([{ "op": "add", "path": format!("/extension[url:'{ARCHIVED}']/valueBoolean"), "value": true }]);
        // The médecin traitant masks and shows, but does not archive; the care team reads only.
        for flag in ["MASQUE_PS", "INVISIBLE_PATIENT", "INVISIBLE_REPRESENTANTS_LEGAUX"] {
            assert_eq!(patch(&martin, &published.fiche, &labelled(flag)).await.status, 200, "{flag}");
            let unflagged = json!([{ "op": "replace", "path": "/securityLabel", "value": [normal()] }]);
            assert_eq!(patch(&martin, &published.fiche, &unflagged).await.status, 200, "{flag}");
            let leroy = server.professional("inf-leroy").await;
            let expected =
                if leroy.get(&published.fiche).await.status == 200 { "403 forbidden" } else { "404 not-found" };
            assert_eq!(patch(&leroy, &published.fiche, &labelled(flag)).await.outcome(), expected, "{flag}");
        }
        assert_eq!(patch(&martin, &published.fiche, &archive).await.outcome(), "403 forbidden");
        let both = json!([labelled("MASQUE_PS")[0], archive[0]]);
        assert_eq!(patch(&martin, &published.fiche, &both).await.outcome(), "403 forbidden", "all or nothing");
        assert_eq!(codes(&martin.get(&published.fiche).await.json()), set(&["N"]));
        // A structure's own token has no scope of TD3.3 (contract §6), not even for its own documents.
        for structure in ["hopital", "labo"] {
            let structure = server.structure(structure).await;
            assert_eq!(patch(&structure, &published.fiche, &archive).await.outcome(), "403 forbidden");
        }
        traces_are_whole(&server).await;
    });
}

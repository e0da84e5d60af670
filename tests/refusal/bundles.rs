//! Submissions that are no Provide Document Bundle, or a broken one (contract §8; MHD ITI-65).

use espace::error::Code;
use serde_json::{Value, json};

use super::{Watch, document, kept, provide, with_document};
use crate::support::client::Answer;
use crate::support::db::{Db, stories};
use crate::support::server::TestServer;

stories! {
    one_bad_entry_of_many_keeps_all_the_others_out,
    two_racing_publications_of_one_identifier_leave_one_document,
    ds_21_the_same_identifier_with_other_content_is_refused_and_with_the_same_is_answered_again,
}

/// One way to break a bundle: what is done, and what is answered.
type Broken = (&'static str, fn(&mut Value), &'static str);

fn fiche(bundle: &mut Value) -> &mut Value {
    &mut bundle["entry"][1]["resource"]
}

fn list(bundle: &mut Value) -> &mut Value {
    &mut bundle["entry"][0]["resource"]
}

fn remove(value: &mut Value, member: &str) {
    assert!(value.as_object_mut().unwrap().remove(member).is_some(), "{member} was there to be removed");
}

/// What nobody points to any more is not contained: dom-3.
fn not_contained(bundle: &mut Value, kind: &str) {
    fiche(bundle)["contained"].as_array_mut().unwrap().retain(|own| own["resourceType"] != kind);
}

fn push(bundle: &mut Value, url: &str, resource: Value) {
    let kind = resource["resourceType"].clone();
    let entry = json!({ "fullUrl": url, "resource": resource, "request": { "method": "POST", "url": kind } });
    bundle["entry"].as_array_mut().unwrap().push(entry);
}

const OTHER: &str = "urn:uuid:11111111-1111-4111-8111-111111111111";
const INNER: &str = "urn:uuid:22222222-2222-4222-8222-222222222222";

/// A whole FHIR document.
fn fhir_document() -> Value {
    let composition = json!({
        "resourceType": "Composition", "status": "final", "type": { "text": "note" }, "date": "2026-11-22",
        "author": [{ "display": "somebody" }], "title": "A note",
    });
    json!({
        "resourceType": "Bundle", "type": "document", "timestamp": "2026-11-22T10:00:00Z",
        "identifier": { "system": "urn:ietf:rfc:3986", "value": OTHER },
        "entry": [{ "fullUrl": INNER, "resource": composition }],
    })
}

const BROKEN: &[Broken] = &[
    (
        "no masterIdentifier",
        |b| remove(fiche(b), "masterIdentifier"),
        "422 element-manquant XDSRegistryMetadataError Bundle.entry[1].resource.masterIdentifier",
    ),
    (
        "a foreign entry",
        |b| push(b, OTHER, json!({ "resourceType": "Observation", "status": "final", "code": { "text": "x" } })),
        "422 entree-etrangere XDSRegistryMetadataError Bundle.entry[3]",
    ),
    (
        "two submission sets",
        |b| {
            let mut second = b["entry"][0].clone();
            second["fullUrl"] = OTHER.into();
            b["entry"].as_array_mut().unwrap().push(second);
        },
        "422 entree-etrangere XDSRegistryMetadataError Bundle.entry[3]",
    ),
    (
        "no submission set",
        |b| drop(b["entry"].as_array_mut().unwrap().remove(0)),
        "422 lot-incomplet XDSMissingDocument Bundle.entry",
    ),
    (
        "attachment.data beside its url",
        |b| fiche(b)["content"][0]["attachment"]["data"] = "AAAA".into(),
        "422 profil XDSRegistryMetadataError Bundle.entry[1].resource.content[0].attachment.data",
    ),
    (
        "the url of no Binary of the bundle",
        |b| fiche(b)["content"][0]["attachment"]["url"] = OTHER.into(),
        "422 lot-incomplet XDSMissingDocument Bundle.entry[1].resource.content[0].attachment.url",
    ),
    (
        "a Binary without a fiche",
        |b| push(b, OTHER, json!({ "resourceType": "Binary", "contentType": "text/plain", "data": "AAAA" })),
        "422 entree-etrangere XDSRegistryMetadataError Bundle.entry[3].resource",
    ),
    (
        "two fiches of one Binary",
        |b| {
            let mut twin = b["entry"][1].clone();
            twin["fullUrl"] = OTHER.into();
            b["entry"].as_array_mut().unwrap().push(twin);
            list(b)["entry"].as_array_mut().unwrap().push(json!({ "item": { "reference": OTHER } }));
        },
        "422 lot-incomplet XDSMissingDocument Bundle.entry[2].resource.data",
    ),
    (
        "no Binary at all",
        |b| drop(b["entry"].as_array_mut().unwrap().remove(2)),
        "422 lot-incomplet XDSMissingDocument Bundle.entry[1].resource.content[0].attachment.url",
    ),
    (
        "a list that points elsewhere",
        |b| list(b)["entry"][0]["item"]["reference"] = OTHER.into(),
        "422 lot-incomplet XDSMissingDocument Bundle.entry[0].resource.entry",
    ),
    (
        "a list that points elsewhere too",
        |b| list(b)["entry"].as_array_mut().unwrap().push(json!({ "item": { "reference": OTHER } })),
        "422 reference XDSRegistryMetadataError Bundle.entry[0].resource.entry",
    ),
    (
        "a list without entries",
        |b| remove(list(b), "entry"),
        "422 lot-incomplet XDSMissingDocument Bundle.entry[0].resource.entry",
    ),
    (
        "a fiche entered in error",
        |b| fiche(b)["status"] = "entered-in-error".into(),
        "422 code-invalide XDSRegistryMetadataError Bundle.entry[1].resource.status",
    ),
    (
        "no securityLabel",
        |b| remove(fiche(b), "securityLabel"),
        "422 element-manquant XDSRegistryMetadataError Bundle.entry[1].resource.securityLabel",
    ),
    (
        "no sourcePatientInfo",
        |b| {
            not_contained(b, "Patient");
            remove(&mut fiche(b)["context"], "sourcePatientInfo");
        },
        "422 element-manquant XDSRegistryMetadataError Bundle.entry[1].resource.context.sourcePatientInfo",
    ),
    (
        "a sourcePatientInfo that is not contained",
        |b| {
            not_contained(b, "Patient");
            fiche(b)["context"]["sourcePatientInfo"] = json!({ "reference": "Patient/28xjc43wv8efw" });
        },
        "422 profil XDSRegistryMetadataError Bundle.entry[1].resource.context.sourcePatientInfo",
    ),
    (
        "another subject in the list",
        |b| list(b)["subject"]["identifier"]["value"] = "153067505600148".into(),
        "422 identite-differente XDSPatientIdDoesNotMatch Bundle.entry[1].resource.subject",
    ),
    (
        "no subject in the fiche",
        |b| remove(fiche(b), "subject"),
        "422 element-manquant XDSRegistryMetadataError Bundle.entry[1].resource.subject",
    ),
    (
        "a subject of a domain not served",
        |b| {
            for n in 0..2 {
                b["entry"][n]["resource"]["subject"]["identifier"]["system"] = "urn:oid:1.2.250.1.213.1.4.8".into();
            }
        },
        "422 ins-domaine XDSUnknownPatientId Bundle.entry[0].resource.subject",
    ),
    (
        "a folder with a source",
        |b| {
            let mut folder = b["entry"][0].clone();
            folder["fullUrl"] = OTHER.into();
            folder["resource"]["code"]["coding"][0]["code"] = "folder".into();
            b["entry"].as_array_mut().unwrap().push(folder);
        },
        "422 profil XDSRegistryMetadataError Bundle.entry[3].resource.source",
    ),
    (
        "a FHIR document that no fiche points to",
        |b| push(b, OTHER, fhir_document()),
        "422 entree-etrangere XDSRegistryMetadataError Bundle.entry[3].resource",
    ),
    (
        "a PATCH of another element",
        |b| {
            b["entry"].as_array_mut().unwrap().push(json!({ "fullUrl": OTHER, "resource": { "resourceType": "Parameters" }, "request": { "method": "PATCH", "url": "DocumentReference/x" } }));
        },
        "422 profil XDSRegistryMetadataError Bundle.entry[3].resource.parameter",
    ),
    (
        "a replacement of nothing known",
        |b| fiche(b)["relatesTo"] = json!([{ "code": "replaces", "target": { "reference": "DocumentReference/x" } }]),
        "422 reference XDSRegistryMetadataError",
    ),
    (
        "a replacement of what the bundle itself lacks",
        |b| fiche(b)["relatesTo"] = json!([{ "code": "replaces", "target": { "reference": OTHER } }]),
        "422 reference XDSRegistryMetadataError Bundle.entry[1].resource.relatesTo[0].target",
    ),
    (
        "a document that comes later",
        |b| {
            let attachment = &mut fiche(b)["content"][0]["attachment"];
            attachment["hash"] = "2jmj7l5rSw0yVb/vlWAYkK/YBwk=".into();
            attachment["size"] = 0.into();
        },
        "422 not-supported Bundle.entry[1].resource.content[0].attachment.hash",
    ),
    ("a transaction of no profile", |b| remove(b, "meta"), "422 not-supported Bundle.meta.profile"),
    (
        "a transaction of another profile",
        |b| b["meta"]["profile"] = json!(["https://example.org/StructureDefinition/ProvideBundle"]),
        "422 not-supported Bundle.meta.profile",
    ),
    ("a batch", |b| b["type"] = "batch".into(), "422 not-supported Bundle.type"),
    (
        "two entries of one fullUrl",
        |b| b["entry"][2]["fullUrl"] = b["entry"][1]["fullUrl"].clone(),
        "422 profil XDSRegistryMetadataError Bundle",
    ),
    (
        "an entry without fullUrl",
        |b| remove(&mut b["entry"][1], "fullUrl"),
        "422 profil XDSRegistryMetadataError Bundle.entry[1].fullUrl",
    ),
    (
        "an entry without a resource",
        |b| remove(&mut b["entry"][1], "resource"),
        "422 entree-etrangere XDSRegistryMetadataError Bundle.entry[1]",
    ),
    (
        "an entry without a request",
        |b| remove(&mut b["entry"][1], "request"),
        "422 profil XDSRegistryMetadataError Bundle",
    ),
    (
        "an entry that would be deleted",
        |b| b["entry"][1]["request"]["method"] = "DELETE".into(),
        "422 entree-etrangere XDSRegistryMetadataError Bundle.entry[1].request.method",
    ),
    ("no entries", |b| remove(b, "entry"), "422 element-manquant XDSRegistryMetadataError Bundle.entry"),
    (
        "an element nobody knows",
        |b| fiche(b)["colour"] = "blue".into(),
        "422 element XDSRegistryMetadataError Bundle.entry[1].resource.colour",
    ),
    (
        "a status of no value set",
        |b| fiche(b)["status"] = "verified".into(),
        "422 code-invalide XDSRegistryMetadataError Bundle.entry[1].resource.status",
    ),
    (
        "another resource altogether",
        |b| *b = json!({ "resourceType": "Patient", "active": true }),
        "422 not-supported Bundle.type",
    ),
    ("an unknown resource", |b| *b = json!({ "resourceType": "Cupboard" }), "422 not-supported Bundle.type"),
    ("a resource of no type", |b| *b = json!({ "type": "transaction" }), "422 not-supported Bundle.type"),
    (
        "a wrong hash",
        |b| fiche(b)["content"][0]["attachment"]["hash"] = "2jmj7l5rSw0yVb/vlWAYkK/YBwk=".into(),
        "422 empreinte XDSNonIdenticalHash Bundle.entry[1].resource.content[0].attachment.hash",
    ),
    (
        "a wrong size",
        |b| fiche(b)["content"][0]["attachment"]["size"] = 7.into(),
        "422 taille XDSNonIdenticalSize Bundle.entry[1].resource.content[0].attachment.size",
    ),
];

#[tokio::test]
async fn a_broken_bundle_is_refused_where_it_is_broken_and_leaves_its_trace_only() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let mut watch = Watch::over(&server).await;
    for (case, break_it, expected) in BROKEN {
        let mut bundle = server.bundle("dominique", "dr-martin");
        break_it(&mut bundle);
        let answer = martin.post("/fhir", &bundle).await;
        watch.refused(case, &answer, expected, &trace_of(&answer)).await;
    }
    assert_eq!(server.notices("dominique").await, [""; 0], "nobody was told");
}

/// The trace that this refusal leaves: its code, as grave as the catalogue says.
fn trace_of(answer: &Answer) -> String {
    let code = answer.json()["issue"][0]["details"]["coding"][0]["code"].as_str().unwrap().to_owned();
    let mut rows = Code::ALL.iter().map(|known| known.row());
    let row = rows.find(|row| row.name == code && row.status == answer.status.as_u16()).unwrap();
    provide(row.audit.code().parse().unwrap(), &code)
}

async fn one_bad_entry_of_many_keeps_all_the_others_out(db: Db) {
    let server = TestServer::start_on(db).await;
    let martin = server.professional("dr-martin").await;
    let mut whole = server.bundle("dominique", "dr-martin");
    for _ in 0..40 {
        let other = server.bundle("dominique", "dr-martin");
        list(&mut whole)["entry"].as_array_mut().unwrap().push(other["entry"][0]["resource"]["entry"][0].clone());
        whole["entry"].as_array_mut().unwrap().extend([other["entry"][1].clone(), other["entry"][2].clone()]);
    }
    let mut watch = Watch::over(&server).await;
    let mut bad = whole.clone();
    bad["entry"][79]["resource"]["content"][0]["attachment"]["size"] = 3.into();
    let answer = martin.post("/fhir", &bad).await;
    let told = "422 taille XDSNonIdenticalSize Bundle.entry[79].resource.content[0].attachment.size";
    watch.refused("one of forty-one", &answer, told, &provide(8, "taille")).await;
    // The last fiche is another's: decided inside the transaction, after forty were ready.
    let mut foreign = whole.clone();
    let petit = server.bundle("dominique", "dr-petit");
    foreign["entry"][81] = petit["entry"][1].clone();
    foreign["entry"][82] = petit["entry"][2].clone();
    let listed = foreign["entry"][0]["resource"]["entry"].as_array_mut().unwrap();
    *listed.last_mut().unwrap() = petit["entry"][0]["resource"]["entry"][0].clone();
    let answer = martin.post("/fhir", &foreign).await;
    watch.refused("another's", &answer, "403 non-auteur", &provide(8, "non-auteur")).await;
    assert_eq!(martin.post("/fhir", &whole).await.locations().len(), 83, "and whole it is kept");
}

#[tokio::test]
async fn a_thousand_entries_are_refused_whole_whatever_is_wrong_with_them() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let mut bundle = server.bundle("dominique", "dr-martin");
    let pair = [bundle["entry"][1].clone(), bundle["entry"][2].clone()];
    let mut foreign = bundle.clone();
    for number in 0..997 {
        let url = format!("urn:uuid:33333333-3333-4333-8333-{number:012}");
        push(&mut foreign, &url, json!({ "resourceType": "Patient", "active": true }));
    }
    for number in 0..2_000 {
        bundle["entry"].as_array_mut().unwrap().push(pair[number % 2].clone());
    }
    let mut watch = Watch::over(&server).await;
    let answer = martin.post("/fhir", &bundle).await;
    watch.refused("more documents than a body may hold", &answer, "413 too-long", &trace_of(&answer)).await;
    let answer = martin.post("/fhir", &foreign).await;
    // The profile admits one Patient, the first: the others are told, two hundred of them.
    let told = "422 entree-etrangere XDSRegistryMetadataError Bundle.entry[4]";
    watch.refused("persons", &answer, told, &trace_of(&answer)).await;
    assert_eq!(answer.outcome().lines().count(), 200);
}

#[tokio::test]
async fn an_identifier_twice_in_one_bundle_is_refused() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let mut bundle = server.bundle("dominique", "dr-martin");
    let other = server.bundle("dominique", "dr-martin");
    list(&mut bundle)["entry"].as_array_mut().unwrap().push(other["entry"][0]["resource"]["entry"][0].clone());
    bundle["entry"].as_array_mut().unwrap().extend([other["entry"][1].clone(), other["entry"][2].clone()]);
    bundle["entry"][3]["resource"]["masterIdentifier"] = bundle["entry"][1]["resource"]["masterIdentifier"].clone();
    let mut watch = Watch::over(&server).await;
    let answer = martin.post("/fhir", &bundle).await;
    let told = "422 profil XDSRegistryMetadataError Bundle.entry[3].resource.masterIdentifier";
    watch.refused("twice", &answer, told, &provide(4, "profil")).await;
}

async fn ds_21_the_same_identifier_with_other_content_is_refused_and_with_the_same_is_answered_again(db: Db) {
    let server = TestServer::start_on(db).await;
    let martin = server.professional("dr-martin").await;
    let bundle = server.bundle("dominique", "dr-martin");
    let first = martin.post("/fhir", &bundle).await.locations();
    let stored = kept(&server).await;
    let mut watch = Watch::over(&server).await;
    let mut other = document(&bundle);
    other.extend(b"<!-- changed -->");
    let answer = martin.post("/fhir", &with_document(bundle.clone(), &other)).await;
    watch.refused("other content", &answer, "422 empreinte XDSNonIdenticalHash", &provide(8, "empreinte")).await;
    let again = martin.post("/fhir", &bundle).await.locations();
    assert_eq!((again, kept(&server).await), (first, stored), "sent again, it is answered from what is there");
}

async fn two_racing_publications_of_one_identifier_leave_one_document(db: Db) {
    let server = TestServer::start_on(db).await;
    let martin = server.professional("dr-martin").await;
    let bundle = server.bundle("dominique", "dr-martin");
    let mut other = document(&bundle);
    other.extend(b"<!-- the other -->");
    let other = with_document(bundle.clone(), &other);
    let (one, two) = tokio::join!(martin.post("/fhir", &bundle), martin.post("/fhir", &other));
    let (won, lost) = if one.status == 200 { (one, two) } else { (two, one) };
    assert_eq!(won.locations().len(), 3);
    assert_eq!(lost.outcome(), "422 empreinte XDSNonIdenticalHash");
    let found = kept(&server).await;
    // Three documents and three lists are those of the demonstration, as are eight structures, nine people,
    // nine exercises and a care team.
    assert_eq!((found[0], found[3], found[5]), (8 + 27, 4, 4), "resources, documents, blobs: {found:?}");
    assert_eq!(server.notices("dominique").await.iter().filter(|n| n.starts_with("AJOUT")).count(), 1);
    let same = server.bundle("dominique", "dr-martin");
    let (one, two) = tokio::join!(martin.post("/fhir", &same), martin.post("/fhir", &same));
    assert_eq!(one.locations(), two.locations(), "the same content raced is one document too");
    assert_eq!(kept(&server).await[3], 5);
}

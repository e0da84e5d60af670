//! ITI-105 on the wire (document-sharing §7, cases 27 to 30; T2, T7).

use espace::config::{self, Config};
use espace::fhir::validate::{self, Conformance, Mode, Pdsm};
use serde_json::{Value, json};

use super::{DOMINIQUE, faults, master};
use crate::refusal::{Watch, document};
use crate::support::client::{Actor, Answer};
use crate::support::db::Db;
use crate::support::server::TestServer;
use crate::support::shared::sample;

const PATH: &str = "/fhir/DocumentReference";
const SIMPLIFIED: &str = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-simplified-publish";
const SET: &str = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-submissionset-comprehensive";

/// The fiche of a demo bundle, published alone around its own document or another.
pub(crate) fn alone(bundle: &Value, other: Option<(&str, &[u8])>) -> Value {
    let mut fiche = bundle["entry"][1]["resource"].clone();
    fiche["meta"]["profile"] = json!([SIMPLIFIED]);
    fiche.as_object_mut().unwrap().remove("identifier");
    let own = document(bundle);
    let (content_type, bytes) = other.unwrap_or(("text/xml", &own));
    let attachment = fiche["content"][0]["attachment"].as_object_mut().unwrap();
    for name in ["url", "size", "hash", "language", "creation"] {
        attachment.remove(name);
    }
    attachment.insert("contentType".into(), content_type.into());
    attachment.insert("data".into(), base64_simd::STANDARD.encode_to_string(bytes).into());
    fiche
}

async fn with_prefer(actor: &Actor, fiche: &Value, prefer: &str) -> Answer {
    let headers = [("content-type", "application/fhir+json"), ("prefer", prefer)];
    actor.send(reqwest::Method::POST, PATH, &headers, fiche.to_string().into_bytes()).await
}

fn hash(bytes: &[u8]) -> String {
    use sha1::Digest as _;
    base64_simd::STANDARD.encode_to_string(sha1::Sha1::digest(bytes))
}

#[tokio::test]
async fn ds_27_a_fiche_with_its_document_is_created_with_a_binary_and_a_submission_set() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let bundle = server.bundle("dominique", "dr-martin");
    let pdf = b"%PDF-1.4 a document of our own";
    let mut sent = alone(&bundle, Some(("application/pdf", pdf)));
    sent["content"][0].as_object_mut().unwrap().remove("format");
    for name in ["category", "securityLabel", "date"] {
        sent.as_object_mut().unwrap().remove(name);
    }
    let created = martin.post(PATH, &sent).await;
    assert_eq!(created.status, 201, "{}", created.text());
    assert_eq!(created.header("etag"), "W/\"1\"");
    assert!(!created.header("last-modified").is_empty());
    let location = created.header("location").to_owned();
    let fiche = created.json();
    assert_eq!(faults(&fiche), []);
    assert_eq!(location, format!("{}/DocumentReference/{}/_history/1", server.base(), fiche["id"].as_str().unwrap()));
    let attachment = &fiche["content"][0]["attachment"];
    assert_eq!(attachment["data"], Value::Null);
    assert_eq!(attachment["size"], pdf.len());
    assert_eq!(attachment["hash"], hash(pdf));
    assert_eq!(attachment["language"], "fr-FR");
    // T7: creation defaults, and is never left out.
    assert_eq!(attachment["creation"], "2026-11-22T10:00:00.000Z");
    assert_eq!(fiche["date"], "2026-11-22T10:00:00.000Z");
    assert_eq!(fiche["category"][0]["coding"][0]["code"], "10", "by ASS_X16");
    assert_eq!(fiche["securityLabel"][0]["coding"][0]["code"], "N");
    assert_eq!(fiche["masterIdentifier"], sent["masterIdentifier"]);
    assert!(fiche["identifier"][0]["value"].as_str().unwrap().starts_with("urn:uuid:"));
    assert_ne!(fiche["meta"]["profile"][0], SIMPLIFIED, "it has a url and no data");
    assert_eq!(martin.get(&location).await.json(), fiche);
    let read = martin.get(attachment["url"].as_str().unwrap()).await;
    assert_eq!((read.header("content-type"), read.body.as_slice()), ("application/pdf", &pdf[..]));

    let traces = martin.get(&format!("/fhir/AuditEvent?{DOMINIQUE}&date=2026-11-22")).await.text();
    let list = traces.split("List/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let list = martin.get(&format!("/fhir/List/{list}")).await;
    assert_eq!(list.status, 200, "{}", list.text());
    let list = list.json();
    assert_eq!(list["entry"][0]["item"]["reference"], format!("DocumentReference/{}", fiche["id"].as_str().unwrap()));
    assert_eq!(faults(&list), []);
    let strict = Mode { mode: Conformance::Strict, pdsm: Pdsm::Main };
    let told = validate::profile(&list, SET, &strict);
    assert!(told.iter().all(|issue| issue.is_warning), "{told:?}");
    assert_eq!(server.traces("dominique").await[0], "simplified-publish 0");
    assert_eq!(server.notices("dominique").await, ["AJOUT_DOCUMENT activation-email", "ACCES_DMP_PS activation-email"]);
}

#[tokio::test]
async fn ds_30_a_fiche_published_alone_replaces_another_of_its_author() {
    let server = TestServer::start().await;
    let (martin, petit) = (server.professional("dr-martin").await, server.professional("dr-petit").await);
    let first = martin.post(PATH, &alone(&server.bundle("dominique", "dr-martin"), None)).await.json();
    let target = format!("DocumentReference/{}", first["id"].as_str().unwrap());
    let replacing = |author: &str| {
        let mut sent = alone(&server.bundle("dominique", author), None);
        sent["relatesTo"] = json!([{ "code": "replaces", "target": { "reference": target } }]);
        sent
    };
    let refused = petit.post(PATH, &replacing("dr-petit")).await;
    assert!(refused.outcome().starts_with("403 non-auteur"), "{}", refused.text());
    let second = martin.post(PATH, &replacing("dr-martin")).await;
    assert_eq!(second.status, 201, "{}", second.text());
    let before = martin.get(&format!("/fhir/{target}")).await.json();
    assert_eq!((&before["status"], &before["meta"]["versionId"]), (&json!("superseded"), &json!("2")));
    let again = martin.post(PATH, &replacing("dr-martin")).await;
    assert!(again.outcome().starts_with("409"), "{}", again.text());
}

#[tokio::test]
async fn ds_27_sending_again_changes_nothing_and_the_sender_chooses_what_comes_back() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let bundle = server.bundle("dominique", "dr-martin");
    let sent = alone(&bundle, None);
    let first = martin.post(PATH, &sent).await;
    assert_eq!(first.status, 201, "{}", first.text());
    let again = martin.post(PATH, &sent).await;
    assert_eq!((again.status.as_u16(), again.header("location")), (201, first.header("location")));
    assert_eq!(again.json(), first.json());
    let minimal = with_prefer(&martin, &sent, "return=minimal").await;
    assert_eq!((minimal.status.as_u16(), minimal.body.len()), (201, 0));
    assert_eq!(minimal.header("location"), first.header("location"));
    let told = with_prefer(&martin, &sent, "respond-async, return=OperationOutcome").await;
    assert_eq!((told.status.as_u16(), told.json()["resourceType"].clone()), (201, json!("OperationOutcome")));
    let other = alone(&bundle, Some(("application/pdf", b"%PDF-1.4 other bytes")));
    assert_eq!(martin.post(PATH, &other).await.outcome(), "422 empreinte XDSNonIdenticalHash");
    let notices = server.notices("dominique").await;
    assert_eq!(notices.iter().filter(|notice| notice.starts_with("AJOUT_DOCUMENT")).count(), 1);
    // What a bundle has published is the same document.
    let twin = server.bundle("dominique", "dr-martin");
    let location = martin.post("/fhir", &twin).await.locations()[1].clone();
    let created = martin.post(PATH, &alone(&twin, None)).await;
    assert_eq!(created.header("location"), format!("{}/{location}/_history/1", server.base()));
}

#[tokio::test]
async fn the_header_of_a_cda_fills_in_what_the_sender_left_out() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let bundle = server.bundle("dominique", "dr-martin");
    let whole = bundle["entry"][1]["resource"].clone();
    let mut sent = alone(&bundle, None);
    let members = sent.as_object_mut().unwrap();
    for name in ["type", "category", "securityLabel", "context"] {
        members.remove(name);
    }
    members["content"][0].as_object_mut().unwrap().remove("format");
    // Nothing may be contained that nobody refers to.
    members["contained"].as_array_mut().unwrap().retain(|resource| resource["resourceType"] != "Patient");
    let created = martin.post(PATH, &sent).await;
    assert_eq!(created.status, 201, "{}", created.text());
    let fiche = created.json();
    assert_eq!(faults(&fiche), []);
    for path in [
        "/type/coding/0/code",
        "/category/0/coding/0/code",
        "/securityLabel/0/coding/0/code",
        "/content/0/format/code",
        "/content/0/attachment/creation",
        "/context/period",
        "/context/facilityType",
        "/context/practiceSetting",
    ] {
        assert!(whole.pointer(path).is_some(), "{path}");
        assert_eq!(fiche.pointer(path), whole.pointer(path), "{path}");
    }
    let source = fiche["context"]["sourcePatientInfo"]["reference"].as_str().unwrap().strip_prefix('#').unwrap();
    let contained = fiche["contained"].as_array().unwrap();
    let patient = contained.iter().find(|resource| resource["id"] == source).unwrap();
    assert_eq!(patient["identifier"][0]["value"], "279035121518989");
    let comprehensive =
        "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-comprehensive-document-reference";
    assert_eq!(fiche["meta"]["profile"], json!([comprehensive]), "it lacks nothing now");
    let found = martin.get(&format!("{PATH}?{DOMINIQUE}&identifier={}", master(&bundle))).await;
    assert_eq!(found.matches(), [fiche]);
}

/// A way to spoil a fiche, and what is told of it.
type Spoilt = (&'static str, fn(&mut Value), &'static str, &'static str);

/// Ten ways to spoil one.
fn spoilt() -> [Spoilt; 10] {
    [
        (
            "a url",
            |f| f["content"][0]["attachment"]["url"] = "Binary/x".into(),
            "422 profil",
            "DocumentReference.content[0].attachment.url",
        ),
        (
            "no data",
            |f| drop(f["content"][0]["attachment"].as_object_mut().unwrap().remove("data")),
            "422 element-manquant",
            "DocumentReference.content[0].attachment.data",
        ),
        (
            "no masterIdentifier",
            |f| drop(f.as_object_mut().unwrap().remove("masterIdentifier")),
            "422 element-manquant",
            "DocumentReference.masterIdentifier",
        ),
        (
            "an entryUUID",
            |f| f["identifier"] = json!([{"use": "official", "system": "urn:ietf:rfc:3986", "value": "urn:uuid:6f1c1b64-0c3b-4b52-9d8f-3a1f0c7f9a10"}]),
            "422 profil",
            "DocumentReference.identifier",
        ),
        ("another status", |f| f["status"] = "superseded".into(), "422 profil", "DocumentReference.status"),
        (
            "no title",
            |f| drop(f["content"][0]["attachment"].as_object_mut().unwrap().remove("title")),
            "422 element-manquant",
            "DocumentReference.content[0].attachment.title",
        ),
        (
            "a wrong size",
            |f| f["content"][0]["attachment"]["size"] = 7.into(),
            "422 taille XDSNonIdenticalSize",
            "DocumentReference.content[0].attachment.size",
        ),
        (
            "the hash of nothing",
            |f| f["content"][0]["attachment"]["hash"] = "2jmj7l5rSw0yVb/vlWAYkK/YBwk=".into(),
            "422 empreinte XDSNonIdenticalHash",
            "DocumentReference.content[0].attachment.hash",
        ),
        (
            "a person who is none",
            |f| f["subject"] = json!({"reference": "Group/x"}),
            "422 reference",
            "DocumentReference.subject",
        ),
        ("another resource", |f| f["resourceType"] = "List".into(), "422 profil", "DocumentReference.resourceType"),
    ]
}

#[tokio::test]
async fn ds_28_what_a_simplified_fiche_must_not_be_is_refused_and_changes_nothing() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let mut watch = Watch::over(&server).await;
    let metadata = "XDSRegistryMetadataError";
    for (case, spoil, told, place) in spoilt() {
        let mut fiche = alone(&server.bundle("dominique", "dr-martin"), None);
        spoil(&mut fiche);
        let answer = martin.post(PATH, &fiche).await;
        let outcome = answer.outcome();
        let first = outcome.lines().next().unwrap().replace(&format!(" {metadata}"), "");
        assert_eq!(first.split(' ').next_back(), Some(place), "{case}: {outcome}");
        assert!(first.starts_with(told), "{case}: {outcome}");
        let code = first.split(' ').nth(1).unwrap();
        let weight = if ["taille", "empreinte"].contains(&code) { 8 } else { 4 };
        let told = outcome.lines().next().unwrap();
        watch.refused(case, &answer, told, &format!("simplified-publish {weight} {code}")).await;
    }
}

#[tokio::test]
async fn ds_28_who_may_not_feed_may_not_publish_either_and_what_is_no_document_is_refused() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let mut watch = Watch::over(&server).await;
    let unreadable = alone(&server.bundle("dominique", "dr-martin"), Some(("text/xml", b"<html/>")));
    let answer = martin.post(PATH, &unreadable).await;
    let told = "422 document-illisible XDSRepositoryMetadataError DocumentReference.content[0].attachment";
    watch.refused("no CDA", &answer, told, "simplified-publish 8 document-illisible").await;
    let petit = server.professional("dr-petit").await;
    let answer = petit.post(PATH, &alone(&server.bundle("dominique", "dr-martin"), None)).await;
    watch.refused("not the author", &answer, "403 non-auteur", "simplified-publish 8 non-auteur").await;
    let answer = martin.post(PATH, &alone(&server.bundle("oppose", "dr-martin"), None)).await;
    let told = "422 dmp-inexistant XDSUnknownPatientId";
    watch.refused("nobody's record", &answer, told, "simplified-publish 4 dmp-inexistant").await;
    let bytes = b"{\"resourceType\":\"DocumentReference\",\"content\":[{\"attachment\":{\"data\":\"QQ".to_vec();
    let answer = martin.post_bytes(PATH, bytes).await;
    watch.refused("half a body", &answer, "400 structure", "simplified-publish 8 structure").await;
}

/// The published example, its person and its author those of the demonstration.
fn example() -> Option<Value> {
    let bytes = sample("samples/pdsm/DocumentReference-example-td2-iti105-publication-simplifiee.json")?;
    let text = String::from_utf8(bytes).unwrap();
    let text = text.replace("1.2.250.1.213.1.4.8|123456789012345", "1.2.250.1.213.1.4.10|279035121518989");
    Some(serde_json::from_str(&text.replace("899700218896", "801234567897")).unwrap())
}

async fn server_of(mode: config::Mode, pdsm: config::Pdsm) -> TestServer {
    let change = move |config: &mut Config| (config.conformance.mode, config.conformance.pdsm) = (mode, pdsm);
    TestServer::start_with(Db::of_this_run().await, change).await
}

#[tokio::test]
async fn ds_29_t2_the_published_example_passes_leniently_and_not_under_main_in_strict_mode() {
    let Some(fiche) = example() else { return };
    let lenient = server_of(config::Mode::Lenient, config::Pdsm::V311).await;
    let martin = lenient.professional("dr-martin").await;
    let created = martin.post(PATH, &fiche).await;
    assert_eq!(created.status, 201, "{}", created.text());
    assert_eq!(created.json()["content"][0]["attachment"]["size"], 80);
    // T13: the sample's hash, as the fact sheet has computed it.
    assert_eq!(created.json()["content"][0]["attachment"]["hash"], "A/hMRrv6Y15BjSM8kMLidrz+mHc=");
    assert_eq!(created.json()["content"][0]["attachment"]["creation"], "2026-06-12T10:00:00+02:00");
    // T12: the type of the document as sent.
    let read = martin.get(created.json()["content"][0]["attachment"]["url"].as_str().unwrap()).await;
    assert_eq!(read.header("content-type"), "application/xml");
    drop(lenient);

    let strict = server_of(config::Mode::Strict, config::Pdsm::Main).await;
    let martin = strict.professional("dr-martin").await;
    let mut watch = Watch::over(&strict).await;
    let answer = martin.post(PATH, &fiche).await;
    let told = "422 element-manquant XDSRegistryMetadataError DocumentReference.custodian";
    watch.refused("no custodian", &answer, told, "simplified-publish 4 element-manquant").await;
}

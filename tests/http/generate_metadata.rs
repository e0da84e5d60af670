//! ITI-106 on the wire (document-sharing §7, cases 71 to 74; T12).

use espace::config::{self, Config};
use espace::fhir::validate::{self, Conformance, Mode, Pdsm};
use reqwest::Method;
use serde_json::{Value, json};

use super::faults;
use crate::refusal::{Watch, document, kept};
use crate::support::client::{Actor, Answer};
use crate::support::db::Db;
use crate::support::server::TestServer;
use crate::support::shared::sample;

const PATH: &str = "/fhir/DocumentReference/$generate-metadata";
const COMPREHENSIVE: &str =
    "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-comprehensive-document-reference";

/// The parameters of the operation around a document.
pub(crate) fn parameters(bytes: &[u8], content_type: &str) -> Value {
    let data = base64_simd::STANDARD.encode_to_string(bytes);
    let binary = json!({ "resourceType": "Binary", "contentType": content_type, "data": data });
    json!({ "resourceType": "Parameters", "parameter": [{ "name": "document", "resource": binary }] })
}

/// The fiche that was made.
pub(crate) fn fiche(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    assert_eq!(faults(&body), []);
    assert_eq!(body["parameter"][0]["name"], "DocumentReference");
    body["parameter"][0]["resource"].clone()
}

async fn raw(actor: &Actor, bytes: &[u8], content_type: &str) -> Answer {
    actor.send(Method::POST, PATH, &[("content-type", content_type)], bytes.to_vec()).await
}

fn codes(fiche: &Value, paths: &[&str]) -> Vec<String> {
    paths.iter().map(|path| fiche.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()).collect()
}

const CODES: [&str; 6] = [
    "/type/coding/0/code",
    "/category/0/coding/0/code",
    "/context/facilityType/coding/0/code",
    "/context/practiceSetting/coding/0/code",
    "/content/0/format/code",
    "/content/0/attachment/contentType",
];

#[tokio::test]
async fn ds_71_72_the_metadata_of_the_published_documents_come_from_their_headers() {
    let Some(pdf) = sample("samples/cda/DOC_NON_STRUCTURE_CDA-R2-N1.xml") else { return };
    let wrapped = sample("samples/cda/BIO-CR-BIO_2021.01_Auto-Presentable.xml").unwrap();
    let server = TestServer::start().await;
    let laurent = server.professional("bio-laurent").await;
    let before = kept(&server).await;

    let made = fiche(&laurent.post(PATH, &parameters(&pdf, "text/xml")).await);
    let expected = ["11502-2", "10", "SA07", "AMBULATOIRE", "urn:ihe:iti:xds-sd:pdf:2008", "text/xml"];
    assert_eq!(codes(&made, &CODES), expected);
    assert_eq!(made["context"]["period"]["start"], "2021-01-04T13:47:00+01:00");
    assert_eq!(made["context"]["period"]["end"], "2021-01-04T13:55:00+01:00");
    assert_eq!(made["content"][0]["attachment"]["size"], pdf.len());
    assert_eq!(made["content"][0]["attachment"]["language"], "fr-FR");
    assert_eq!(made["masterIdentifier"]["value"], "urn:oid:1.3.6.1.4.1.19376.1.2.20.12345.1.1");
    assert_eq!(made["subject"]["identifier"]["value"], "279035121518989");
    assert_eq!(made["securityLabel"][0]["coding"][0]["code"], "N");

    // T12: the type that was sent stays, and the header is found inside the stylesheet.
    let made = fiche(&laurent.post(PATH, &parameters(&wrapped, "application/xslt+xml")).await);
    let expected = ["11502-2", "10", "SA25", "AMBULATOIRE", "urn:ihe:lab:xd-lab:2008", "application/xslt+xml"];
    assert_eq!(codes(&made, &CODES), expected);
    assert_eq!(made["context"]["event"][0]["coding"][0]["code"], "18719-5");
    assert_eq!(made["context"]["related"][0]["identifier"]["value"], "2014123456789");
    let orders = "urn:ihe:iti:xds:2013:order";
    assert_eq!(made["context"]["related"][0]["identifier"]["type"]["coding"][0]["code"], orders);

    // It lacks nothing but the place of the document, which is the sender's.
    let mut whole = made;
    whole["content"][0]["attachment"]["url"] = "urn:uuid:6f1c1b64-0c3b-4b52-9d8f-3a1f0c7f9a10".into();
    assert_eq!(faults(&whole), []);
    let strict = Mode { mode: Conformance::Strict, pdsm: Pdsm::Main };
    let told = validate::profile(&whole, COMPREHENSIVE, &strict);
    assert!(told.iter().all(|issue| issue.is_warning), "{told:?}");

    assert_eq!(kept(&server).await, before, "nothing is kept");
    assert_eq!(server.traces("dominique").await, [""; 0], "no record was looked for");
}

#[tokio::test]
async fn a_document_may_come_in_parameters_as_a_binary_or_by_itself() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let bytes = document(&server.bundle("dominique", "dr-martin"));
    let mut watch = Watch::over(&server).await;
    let comparable = |mut fiche: Value| {
        fiche.as_object_mut().unwrap().remove("identifier").unwrap();
        fiche
    };
    let whole = parameters(&bytes, "text/xml");
    let made = comparable(fiche(&martin.post(PATH, &whole).await));
    watch.traced_once("Parameters", "generate-metadata 0").await;
    let binary = martin.post(PATH, &whole["parameter"][0]["resource"]).await;
    assert_eq!(comparable(fiche(&binary)), made);
    watch.traced_once("Binary", "generate-metadata 0").await;
    assert_eq!(comparable(fiche(&raw(&martin, &bytes, "text/xml").await)), made);
    watch.traced_once("CDA", "generate-metadata 0").await;
    let structure = server.structure("cabinet").await;
    assert_eq!(comparable(fiche(&structure.post(PATH, &whole).await)), made);
}

/// A way to spoil the parameters, and what is told of it.
type Spoilt = (&'static str, fn(&mut Value), &'static str);

#[tokio::test]
async fn parameters_that_hold_no_one_document_are_refused() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let bytes = document(&server.bundle("dominique", "dr-martin"));
    let mut watch = Watch::over(&server).await;
    let cases: [Spoilt; 7] = [
        ("none", |p| p["parameter"] = json!([{"name": "other", "valueString": "x"}]), "422 profil"),
        ("no parameter", |p| drop(p.as_object_mut().unwrap().remove("parameter")), "422 element-manquant"),
        (
            "two",
            |p| {
                let first = p["parameter"][0].clone();
                p["parameter"].as_array_mut().unwrap().push(first);
            },
            "422 profil",
        ),
        ("another name", |p| p["parameter"][0]["name"] = "binary".into(), "422 profil"),
        ("a value", |p| p["parameter"][0] = json!({"name": "document", "valueString": "x"}), "422 element-manquant"),
        (
            "no data",
            |p| drop(p["parameter"][0]["resource"].as_object_mut().unwrap().remove("data")),
            "422 element-manquant",
        ),
        (
            "no CDA by its type",
            |p| p["parameter"][0]["resource"]["contentType"] = "application/pdf".into(),
            "422 document-illisible",
        ),
    ];
    for (case, spoil, told) in cases {
        let mut body = parameters(&bytes, "text/xml");
        spoil(&mut body);
        let answer = martin.post(PATH, &body).await;
        let outcome = answer.outcome();
        assert!(outcome.starts_with(told), "{case}: {outcome}");
        let code = told.split(' ').nth(1).unwrap();
        let weight = if code == "document-illisible" { 8 } else { 4 };
        let trace = format!("generate-metadata {weight} {code}");
        watch.refused(case, &answer, outcome.lines().next().unwrap(), &trace).await;
    }
    let answer = raw(&martin, b"a,b", "text/csv").await;
    watch.refused("a table", &answer, "415 type-de-contenu", "generate-metadata 4 type-de-contenu").await;
}

#[tokio::test]
async fn ds_73_a_document_that_attacks_is_refused_within_bounds() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let text = String::from_utf8(document(&server.bundle("dominique", "dr-martin"))).unwrap();
    let mut watch = Watch::over(&server).await;
    let with_doctype =
        |doctype: &str| text.replacen("<ClinicalDocument", &format!("{doctype}<ClinicalDocument"), 1).into_bytes();
    let entity = format!("<!ENTITY big \"{}\">", "x".repeat(10 << 20));
    let cases = [
        ("a DTD elsewhere", with_doctype("<!DOCTYPE a SYSTEM \"http://127.0.0.1:1/x.dtd\">")),
        ("an entity of 10 MB", with_doctype(&format!("<!DOCTYPE a [{entity}]>"))),
        ("an entity in the body", text.replace("<structuredBody>", "<structuredBody>&x;").into_bytes()),
        ("a body cut short", text.as_bytes()[..text.len() - 40].to_vec()),
        ("another namespace", text.replace("urn:hl7-org:v3", "urn:hl7-org:v2").into_bytes()),
        ("no XML", b"%PDF-1.4".to_vec()),
    ];
    for (case, bytes) in cases {
        assert_ne!(bytes, text.as_bytes(), "{case}");
        let answer = raw(&martin, &bytes, "application/xml").await;
        let told = "422 document-illisible XDSRepositoryMetadataError";
        watch.refused(case, &answer, told, "generate-metadata 8 document-illisible").await;
    }
    // Of a document of any length only the first bytes are kept.
    let long = text.replace("<structuredBody>", &format!("<structuredBody><!--{}-->", " ".repeat(8 << 20)));
    let made = fiche(&raw(&martin, long.as_bytes(), "text/xml").await);
    assert_eq!(made["content"][0]["attachment"]["size"], long.len());
    let marked = format!("\u{feff}{text}");
    assert_eq!(fiche(&raw(&martin, marked.as_bytes(), "text/xml").await)["type"], made["type"]);
}

/// A demo document without the birth place of its patient.
fn without_birth_place(server: &TestServer) -> (Value, Vec<u8>) {
    let bundle = server.bundle("dominique", "dr-martin");
    let text = String::from_utf8(document(&bundle)).unwrap();
    let (before, rest) = text.split_once("<birthplace>").unwrap();
    let (_, after) = rest.split_once("</birthplace>").unwrap();
    let bytes = format!("{before}{after}").into_bytes();
    (crate::refusal::with_document(bundle, &bytes), bytes)
}

#[tokio::test]
async fn ds_74_a_document_that_lacks_an_ins_trait_warns_and_is_refused_in_strict_mode() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let (bundle, bytes) = without_birth_place(&server);
    let warned = martin.post(PATH, &parameters(&bytes, "text/xml")).await;
    assert_eq!(warned.status, 200, "{}", warned.text());
    let told = warned.json()["parameter"][1]["resource"].clone();
    assert_eq!(
        (told["resourceType"].clone(), told["issue"][0]["severity"].clone()),
        (json!("OperationOutcome"), json!("warning"))
    );
    assert!(told.to_string().contains("birthplace"));
    let fed = martin.post("/fhir", &bundle).await;
    assert_eq!(fed.status, 200, "{}", fed.text());
    assert!(fed.json()["entry"][1]["response"]["outcome"].to_string().contains("birthplace"));
    drop(server);

    let strict = |config: &mut Config| config.conformance.mode = config::Mode::Strict;
    let server = TestServer::start_with(Db::of_this_run().await, strict).await;
    let martin = server.professional("dr-martin").await;
    let (bundle, bytes) = without_birth_place(&server);
    let mut watch = Watch::over(&server).await;
    let answer = martin.post(PATH, &parameters(&bytes, "text/xml")).await;
    let told = "422 element-manquant XDSRegistryMetadataError";
    watch.refused("generated", &answer, told, "generate-metadata 4 element-manquant").await;
    let answer = martin.post("/fhir", &bundle).await;
    watch.refused("fed", &answer, told, "provide-document-bundle 4 element-manquant").await;
    let whole = document(&server.bundle("dominique", "dr-martin"));
    assert_eq!(martin.post(PATH, &parameters(&whole, "text/xml")).await.status, 200);
}

#[tokio::test]
async fn a_header_without_what_metadata_demand_is_not_structured_enough() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let text = String::from_utf8(document(&server.bundle("dominique", "dr-martin"))).unwrap();
    let mut watch = Watch::over(&server).await;
    let without = |element: &str| {
        let (before, rest) = text.split_once(&format!("<{element}>")).unwrap();
        let (_, after) = rest.split_once(&format!("</{element}>")).unwrap();
        format!("{before}{after}").into_bytes()
    };
    for element in ["recordTarget", "legalAuthenticator", "documentationOf", "componentOf", "title"] {
        let answer = raw(&martin, &without(element), "text/xml").await;
        let told = "422 element-manquant XDSRegistryMetadataError";
        watch.refused(element, &answer, told, "generate-metadata 4 element-manquant").await;
    }
    let real = text.replace("1.2.250.1.213.1.4.10", "1.2.250.1.213.1.4.8").into_bytes();
    let answer = raw(&martin, &real, "text/xml").await;
    let told = "422 ins-domaine XDSUnknownPatientId";
    watch.refused("another domain", &answer, told, "generate-metadata 4 ins-domaine").await;
}

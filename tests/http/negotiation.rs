//! What form an answer takes and what form a body may come in: media types, versions, layout, parts
//! (R4 http.html §2.21.0.6, search.html §3.1.1.5.8, IHE TF-2 Appendix Z.6).

use espace::fhir::codec::xml::{self, Layout};
use reqwest::Method;
use serde_json::{Value, json};

use super::generate_metadata::parameters;
use super::simplified_publish::alone;
use super::{DOMINIQUE, faults};
use crate::refusal::{Watch, document};
use crate::story::folders::with_fhir_document;
use crate::support::client::{Actor, Answer};
use crate::support::db::block_on;
use crate::support::server::TestServer;

const XML: (&str, &str) = ("accept", "application/fhir+xml");

/// The resource of an XML answer, as JSON.
fn resource(answer: &Answer) -> Value {
    let resource = xml::read(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.text()));
    assert_eq!(faults(&resource), []);
    resource
}

fn in_xml(resource: &Value) -> Vec<u8> {
    xml::write(resource, Layout::Indented).unwrap().into_bytes()
}

async fn send_xml(actor: &Actor, path: &str, resource: &Value, headers: &[(&str, &str)]) -> Answer {
    let mut all = vec![("content-type", "application/fhir+xml")];
    all.extend_from_slice(headers);
    actor.send(Method::POST, path, &all, in_xml(resource)).await
}

/// A bundle without what differs at every answer.
fn without_identity(answer: &Answer) -> Value {
    let mut body = if answer.body.first() == Some(&b'<') { resource(answer) } else { answer.json() };
    for name in ["id", "meta"] {
        if body["resourceType"] == "Bundle" {
            body.as_object_mut().unwrap().remove(name);
        }
    }
    body
}

#[test]
fn every_answer_is_given_in_the_form_asked_for_and_says_the_same() {
    block_on(async {
        let server = TestServer::start().await;
        let martin = server.professional("dr-martin").await;
        let set = martin.post("/fhir", &with_fhir_document(server.bundle("dominique", "dr-martin"))).await.locations();
        let locations = martin.post("/fhir", &server.bundle("dominique", "dr-martin")).await.locations();
        let (fiche, key) = (format!("/fhir/{}", locations[1]), server.persona("dominique").key);
        let trace = martin.get(&format!("/fhir/AuditEvent?{DOMINIQUE}&date=2026-11-22")).await.matches();
        for path in [
            "/fhir/metadata".to_owned(),
            fiche.clone(),
            format!("{fiche}/_history/1"),
            format!("{fiche}/_history"),
            format!("/fhir/{}", locations[0]),
            format!("/fhir/{}", locations[2]),
            format!("/fhir/{}", set[2]),
            format!("/fhir/Patient/{key}"),
            format!("/fhir/Patient?{}", DOMINIQUE.replace("patient.identifier", "identifier")),
            format!("/fhir/DocumentReference?{DOMINIQUE}&status=current&_include=DocumentReference:patient&autor=x"),
            format!("/fhir/List?{DOMINIQUE}&code=submissionset&status=current"),
            format!("/fhir/AuditEvent/{}", trace[0]["id"].as_str().unwrap()),
        ] {
            let id = ("x-request-id", "one-and-the-same");
            let json = martin.get_with(&path, &[("accept", "application/fhir+json"), id]).await;
            let in_xml = martin.get_with(&path, &[XML, id]).await;
            assert_eq!((json.status.as_u16(), in_xml.status.as_u16()), (200, 200), "{path}: {}", in_xml.text());
            assert_eq!(in_xml.header("content-type"), "application/fhir+xml; charset=utf-8", "{path}");
            assert_eq!(in_xml.header("content-length"), in_xml.body.len().to_string(), "{path}");
            assert_eq!(in_xml.header("last-modified"), json.header("last-modified"), "{path}");
            assert!(without_identity(&in_xml) == without_identity(&json), "{path}: {}", in_xml.text());
            if !path.contains('?') {
                let head = martin.send(Method::HEAD, &path, &[XML], Vec::new()).await;
                assert!([200, 405].contains(&head.status.as_u16()) && head.body.is_empty(), "{path}");
            }
        }
        let etag = martin.get_with(&fiche, &[XML]).await.header("etag").to_owned();
        let held = martin.get_with(&fiche, &[XML, ("if-none-match", &etag)]).await;
        assert_eq!((held.status.as_u16(), held.body.len()), (304, 0));
        for (path, status) in [("/fhir/List/x", 404), ("/fhir/Nothing", 404), ("/fhir/DocumentReference?status=x", 400)]
        {
            let refused = martin.get_with(path, &[XML]).await;
            assert_eq!(
                (refused.status.as_u16(), &resource(&refused)["resourceType"]),
                (status, &json!("OperationOutcome"))
            );
        }
        let anonymous = martin.without_token().get_with(&fiche, &[XML]).await;
        assert_eq!((anonymous.status.as_u16(), &resource(&anonymous)["issue"][0]["code"]), (401, &json!("login")));
        media_types(&martin, &fiche).await;
        layout(&martin, &fiche).await;
        versions(&martin, &fiche).await;
        forms_and_pages(&martin).await;
    });
}

/// Each name of a form, in the header and in the query.
async fn media_types(martin: &Actor, fiche: &str) {
    for (accept, query, expected) in [
        ("application/json", "", "application/json; charset=utf-8"),
        ("text/json", "", "text/json; charset=utf-8"),
        ("application/xml", "", "application/xml; charset=utf-8"),
        ("text/xml", "", "text/xml; charset=utf-8"),
        ("application/json+fhir", "", "application/fhir+json; charset=utf-8"),
        ("application/fhir+json;q=0.2, application/fhir+xml", "", "application/fhir+xml; charset=utf-8"),
        ("application/fhir+xml", "?_format=json", "application/fhir+json; charset=utf-8"),
        ("text/html", "?_format=xml", "application/fhir+xml; charset=utf-8"),
        ("*/*", "?_format=application/fhir+xml", "application/fhir+xml; charset=utf-8"),
        ("*/*", "?_format=text/xml", "text/xml; charset=utf-8"),
    ] {
        let answer = martin.get_with(&format!("{fiche}{query}"), &[("accept", accept)]).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, expected), "{accept} {query}");
        assert_eq!(answer.body.first(), Some(if expected.contains("xml") { &b'<' } else { &b'{' }));
    }
    for (accept, query) in [("text/turtle", ""), ("application/fhir+json", "?_format=ttl"), ("text/html", "")] {
        let answer = martin.get_with(&format!("{fiche}{query}"), &[("accept", accept)]).await;
        assert_eq!(answer.outcome(), "406 not-acceptable", "{accept} {query}");
    }
    let told = martin.get_with(&format!("{fiche}?_format=html"), &[XML]).await;
    assert_eq!((told.status.as_u16(), &resource(&told)["issue"][0]["code"]), (406, &json!("not-supported")));
}

async fn layout(martin: &Actor, fiche: &str) {
    let plain = martin.get(fiche).await;
    assert!(!plain.text().contains('\n'));
    let pretty = martin.get(&format!("{fiche}?_pretty=true")).await;
    assert!(pretty.text().starts_with("{\n  \"resourceType\""), "{}", pretty.text());
    assert_eq!(pretty.json(), plain.json());
    let xml = martin.get_with(&format!("{fiche}?_pretty=true"), &[XML]).await;
    assert!(xml.text().contains("\n  <id value="), "{}", xml.text());
    assert_eq!(resource(&xml), plain.json());
    assert!(martin.get(&format!("{fiche}?_pretty=false")).await.body == plain.body, "the bytes that are kept");
    for wrong in ["_pretty=yes", "_summary=all", "_elements=a%20b"] {
        let expected = format!("400 value {}", wrong.split_once('=').unwrap().0);
        assert_eq!(martin.get(&format!("{fiche}?{wrong}")).await.outcome(), expected);
    }
}

/// `fhirVersion` on either side.
async fn versions(martin: &Actor, fiche: &str) {
    let get = async |accept: &str| martin.get_with(fiche, &[("accept", accept)]).await.status.as_u16();
    assert_eq!(get("application/fhir+json; fhirVersion=4.0").await, 200);
    assert_eq!(get("application/fhir+json; fhirVersion=3.0").await, 406);
    let post = async |sent: &str, accept: &str| {
        let headers = [("content-type", sent), ("accept", accept)];
        martin.send(Method::POST, "/fhir", &headers, b"{}".to_vec()).await.outcome()
    };
    assert!(post("application/fhir+json;fhirVersion=4.0", "*/*").await.starts_with("422 "));
    assert_eq!(post("application/fhir+json;fhirVersion=3.0", "*/*").await, "415 type-de-contenu");
    assert_eq!(post("application/fhir+json;charset=iso-8859-1", "*/*").await, "415 type-de-contenu");
    assert_eq!(post("text/plain", "*/*").await, "415 type-de-contenu");
    let two = post("application/fhir+json;fhirVersion=4.0", "application/fhir+json;fhirVersion=3.0").await;
    assert_eq!(two, "400 value", "two versions in one request");
}

/// What a form asks for holds for its answer, what a page link carries for the next page.
async fn forms_and_pages(martin: &Actor) {
    let (name, value) = DOMINIQUE.split_once('=').unwrap();
    let value = value.replace("%7C", "|");
    let form = [(name, value.as_str()), ("status", "current"), ("_format", "xml"), ("_count", "1")];
    let found = martin.form("/fhir/DocumentReference/_search", &form).await;
    let first = resource(&found);
    assert_eq!(first["entry"].as_array().unwrap().len(), 1);
    let next = first["link"].as_array().unwrap().iter().find(|link| link["relation"] == "next").unwrap();
    let page = resource(&martin.get(next["url"].as_str().unwrap()).await);
    assert_ne!(page["entry"][0]["fullUrl"], first["entry"][0]["fullUrl"]);
    let turtle = martin
        .form("/fhir/DocumentReference/_search", &[(name, &value), ("status", "current"), ("_format", "ttl")])
        .await;
    assert_eq!(turtle.outcome(), "406 not-acceptable");
}

fn is_tagged(resource: &Value) -> bool {
    resource["meta"]["tag"].as_array().is_some_and(|tags| tags.iter().any(|tag| tag["code"] == "SUBSETTED"))
}

#[test]
fn a_part_is_given_of_what_is_read_by_id_in_a_history_and_in_a_search() {
    block_on(async {
        let server = TestServer::start().await;
        let martin = server.professional("dr-martin").await;
        let locations = martin.post("/fhir", &server.bundle("dominique", "dr-martin")).await.locations();
        let fiche = format!("/fhir/{}", locations[1]);
        let search = format!("/fhir/DocumentReference?{DOMINIQUE}&status=current&_include=DocumentReference:patient");
        for path in [fiche.clone(), format!("{fiche}/_history/1"), format!("{fiche}/_history"), search] {
            let with = |query: &str| format!("{path}{}{query}", if path.contains('?') { '&' } else { '?' });
            let part = async |query: &str| {
                let answer = martin.get(&with(query)).await;
                assert_eq!(answer.status, 200, "{query}: {}", answer.text());
                let body = answer.json();
                if body["resourceType"] == "Bundle" { body["entry"][0]["resource"].clone() } else { body }
            };
            let whole = part("_summary=false").await;
            assert!(!is_tagged(&whole) && whole.get("authenticator").is_some(), "{path}");
            let summary = part("_summary=true").await;
            assert!(
                is_tagged(&summary) && summary.get("authenticator").is_none() && summary.get("type").is_some(),
                "{path}"
            );
            let elements = part("_elements=date").await;
            let names: Vec<_> = elements.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(names, ["resourceType", "id", "meta", "status", "date", "content"], "{path}");
            assert!(is_tagged(&elements) && elements["meta"]["versionId"] == "1", "{path}");
            assert!(is_tagged(&part("_summary=text").await) && is_tagged(&part("_summary=data").await), "{path}");
            let in_xml = martin.get_with(&with("_summary=true"), &[XML]).await;
            assert_eq!(faults(&resource(&in_xml)), [], "{path}");
        }
        let counted = martin.get(&format!("{fiche}/_history?_summary=count")).await.json();
        assert_eq!((&counted["total"], &counted["entry"]), (&json!(1), &Value::Null));
        let page = martin.get(&format!("{fiche}/_history?_summary=true&_format=json")).await.json();
        assert!(page["link"][0]["url"].as_str().unwrap().ends_with("?_summary=true&_format=json"), "{}", page["link"]);
        let statement = martin.get("/fhir/metadata?_elements=fhirVersion").await.json();
        assert!(statement.get("fhirVersion").is_some() && statement.get("software").is_none());
        let refused = martin.get("/fhir/List/x?_summary=true").await.json();
        assert!(!is_tagged(&refused), "an outcome is whole");
        let created = alone(&server.bundle("dominique", "dr-martin"), None);
        let headers = [("content-type", "application/fhir+json")];
        let path = "/fhir/DocumentReference?_summary=text";
        let created = martin.send(Method::POST, path, &headers, created.to_string().into_bytes()).await;
        assert_eq!((created.status.as_u16(), is_tagged(&created.json())), (201, false), "{}", created.text());
    });
}

#[test]
fn every_write_takes_xml_and_is_answered_as_asked() {
    block_on(async {
        let server = TestServer::start().await;
        let martin = server.professional("dr-martin").await;
        let bundle = server.bundle("dominique", "dr-martin");
        let created = send_xml(&martin, "/fhir/DocumentReference", &alone(&bundle, None), &[XML]).await;
        assert_eq!(created.status, 201, "{}", created.text());
        let fiche = resource(&created);
        assert_eq!(martin.get(created.header("location")).await.json(), fiche);
        let url = fiche["content"][0]["attachment"]["url"].as_str().unwrap().to_owned();
        assert!(martin.get(&url).await.body == document(&bundle));

        let minimal = [("prefer", "return=minimal"), XML];
        let bundle = server.bundle("dominique", "dr-martin");
        let nothing = send_xml(&martin, "/fhir/DocumentReference", &alone(&bundle, None), &minimal).await;
        assert_eq!((nothing.status.as_u16(), nothing.body.len(), nothing.header("content-type")), (201, 0, ""));

        let path = "/fhir/DocumentReference/$generate-metadata";
        let generated = send_xml(&martin, path, &parameters(&document(&bundle), "text/xml"), &[]).await;
        assert_eq!(generated.status, 200, "{}", generated.text());
        assert_eq!(generated.json()["parameter"][0]["name"], "DocumentReference");

        let part = |name: &str, value: Value| {
            let mut part = json!({ "name": name });
            part.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
            part
        };
        let operation = json!({ "resourceType": "Parameters", "parameter": [{ "name": "operation", "part": [
            part("type", json!({ "valueCode": "replace" })),
            part("path", json!({ "valueString": "DocumentReference.securityLabel[0].coding[0].code" })),
            part("value", json!({ "valueCode": "R" })),
        ] }] });
        let id = format!("/fhir/DocumentReference/{}", fiche["id"].as_str().unwrap());
        let headers = [("content-type", "application/fhir+xml"), XML, ("prefer", "return=OperationOutcome")];
        let patched = martin.send(Method::PATCH, &id, &headers, in_xml(&operation)).await;
        assert_eq!((patched.status.as_u16(), patched.header("etag")), (200, "W/\"2\""), "{}", patched.text());
        assert_eq!(resource(&patched)["resourceType"], "OperationOutcome");
        assert_eq!(martin.get(&id).await.json()["securityLabel"][0]["coding"][0]["code"], "R");
    });
}

#[test]
fn a_body_in_xml_that_is_none_is_refused_with_its_place_and_changes_nothing() {
    block_on(async {
        let server = TestServer::start().await;
        let martin = server.professional("dr-martin").await;
        let text = String::from_utf8(in_xml(&server.bundle("dominique", "dr-martin"))).unwrap();
        let mut watch = Watch::over(&server).await;
        for (broken, expected) in [
            (text.replace("</Bundle>", ""), "400 structure"),
            (
                text.replace("<type value=\"transaction\"/>", "<kind value=\"transaction\"/>"),
                "422 element XDSRegistryMetadataError Bundle",
            ),
            (
                text.replace("<mode value", "<mode xmlns='urn:x' value"),
                "422 element XDSRegistryMetadataError Bundle.entry[0].resource.mode",
            ),
            (text.replace("http://hl7.org/fhir\"", "urn:x\""), "400 structure"),
            (format!("<!DOCTYPE Bundle [<!ENTITY e 'x'>]>{text}"), "400 structure"),
            (text.replace("<type value=\"transaction\"/>", "<type value=\"&e;\"/>"), "400 structure"),
            ("{}".to_owned(), "400 structure"),
        ] {
            let headers = [("content-type", "application/fhir+xml")];
            let answer = martin.send(Method::POST, "/fhir", &headers, broken.into_bytes()).await;
            let code = expected.split(' ').nth(1).unwrap();
            let outcome = if code == "structure" { 8 } else { 4 };
            watch.refused(expected, &answer, expected, &format!("provide-document-bundle {outcome} {code}")).await;
            assert!(answer.text().contains("octet "), "the place is told: {}", answer.text());
        }
        let outcome =
            martin.send(Method::POST, "/fhir", &[("content-type", "application/fhir+xml"), XML], b"<".to_vec()).await;
        assert_eq!(resource(&outcome)["resourceType"], "OperationOutcome", "in XML though the body could not be read");
    });
}

//! `$validate` on the wire: at the root, on a type, on an instance; what packages bring (R4 `resource-operation-validate.html`).

use espace::config::Config;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::client::{Actor, Answer};
use crate::support::db::{Db, block_on};
use crate::support::pki::Scratch;
use crate::support::server::TestServer;

const NAMED: &str = "https://example.org/StructureDefinition/named";
const FICHE: &str =
    "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-comprehensive-document-reference";

/// A profile of a type with one element that must be there.
fn demanding(url: &str, kind: &str, element: &str) -> Value {
    json!({"resourceType": "StructureDefinition", "url": url, "name": "Demanding", "type": kind, "derivation": "constraint",
        "baseDefinition": format!("http://hl7.org/fhir/StructureDefinition/{kind}"),
        "differential": {"element": [{"id": format!("{kind}.{element}"), "path": format!("{kind}.{element}"), "min": 1}]}})
}

async fn with(definitions: &[Value]) -> (TestServer, Scratch) {
    let folder = Scratch::empty();
    if definitions.is_empty() {
        return (TestServer::start().await, folder);
    }
    for (number, definition) in definitions.iter().enumerate() {
        folder.write(&format!("{number}.json"), definition.to_string());
    }
    let place = folder.path().to_owned();
    let server = TestServer::start_with(Db::sqlite().await, move |config: &mut Config| {
        config.conformance.package.push(place);
    });
    (server.await, folder)
}

/// Severity, code and place of each issue.
fn told(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    assert_eq!(body["resourceType"], "OperationOutcome");
    let issue = |issue: &Value| {
        let text = |pointer: &str| issue.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let told = [text("/severity"), text("/details/coding/0/code"), text("/expression/0")].join(" ");
        told.trim().to_owned()
    };
    body["issue"].as_array().unwrap().iter().map(issue).collect()
}

async fn ask(actor: &Actor, path: &str, body: &Value) -> Vec<String> {
    told(&actor.post(path, body).await)
}

const WELL: &str = "information";

/// What R4 advises every resource to have.
fn narrative() -> Value {
    json!({"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"})
}

fn patient(more: Value) -> Value {
    let mut patient = json!({"resourceType": "Patient", "id": "p1", "text": narrative(), "birthDate": "1979-03-05"});
    patient.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    patient
}

fn parameters(more: &[(&str, Value)]) -> Value {
    let named = more.iter().map(|(name, value)| match value {
        Value::Object(_) => json!({"name": name, "resource": value}),
        value => json!({"name": name, "valueString": value}),
    });
    json!({"resourceType": "Parameters", "parameter": named.collect::<Vec<_>>()})
}

#[test]
fn a_resource_is_judged_by_itself_whatever_address_and_form_it_comes_by() {
    block_on(async {
        let (server, _folder) = with(&[demanding(NAMED, "Patient", "name")]).await;
        let cabinet = server.certificate("cabinet");
        let wrong = patient(json!({"colour": "red"}));
        for path in ["/fhir/$validate", "/fhir/Patient/$validate", "/fhir/Patient/p1/$validate"] {
            assert_eq!(ask(&cabinet, path, &patient(json!({}))).await, [WELL], "{path}");
            assert_eq!(ask(&cabinet, path, &wrong).await, ["error element Patient.colour"], "{path}");
            let wrapped = parameters(&[("resource", wrong.clone())]);
            assert_eq!(ask(&cabinet, path, &wrapped).await, ["error element Patient.colour"], "{path}");
        }
        // R4's good advice is told, and refuses nothing; the other form of a resource is judged alike.
        let bare = json!({"resourceType": "Patient"});
        assert_eq!(ask(&cabinet, "/fhir/$validate", &bare).await, ["warning profil Patient"]);
        let xml = r#"<Patient xmlns="http://hl7.org/fhir"><gender value="x"/></Patient>"#;
        let headers = [("content-type", "application/fhir+xml"), ("accept", "application/fhir+json")];
        let answer = cabinet.send(Method::POST, "/fhir/$validate", &headers, xml.into()).await;
        assert_eq!(told(&answer), ["error code-invalide Patient.gender", "warning profil Patient"]);
        // Of the profile: by its parameter in either place, by the claim, and not at all.
        let missing = ["error element-manquant Patient.name"];
        let by_query = format!("/fhir/Patient/$validate?profile={NAMED}");
        assert_eq!(ask(&cabinet, &by_query, &patient(json!({}))).await, missing);
        let wrapped =
            parameters(&[("profile", json!(NAMED)), ("mode", json!("profile")), ("resource", patient(json!({})))]);
        assert_eq!(ask(&cabinet, "/fhir/$validate", &wrapped).await, missing);
        let claims = patient(json!({"meta": {"profile": [format!("{NAMED}|1.0")]}}));
        assert_eq!(ask(&cabinet, "/fhir/$validate", &claims).await, missing);
        let claims = patient(json!({"meta": {"profile": ["urn:x"]}}));
        assert_eq!(ask(&cabinet, "/fhir/$validate", &claims).await, ["warning profil-inconnu"]);
        let asked = ask(&cabinet, "/fhir/$validate?profile=urn:x", &patient(json!({}))).await;
        assert_eq!(asked, ["error profil-inconnu"]);
        assert_eq!(ask(&cabinet, "/fhir/$validate?mode=profile", &patient(json!({}))).await, ["error required"]);
        // Of the address: another type, another id, an update that names none, an unknown type.
        assert_eq!(ask(&cabinet, "/fhir/List/$validate", &patient(json!({}))).await, ["error value Patient"]);
        assert_eq!(ask(&cabinet, "/fhir/Patient/p2/$validate", &patient(json!({}))).await, ["error value Patient.id"]);
        let mut nameless = patient(json!({}));
        nameless.as_object_mut().unwrap().shift_remove("id");
        let update = "/fhir/Patient/$validate?mode=update";
        assert_eq!(ask(&cabinet, update, &nameless).await, ["error element-manquant Patient.id"]);
        assert_eq!(ask(&cabinet, update, &patient(json!({}))).await, [WELL]);
        assert_eq!(cabinet.post("/fhir/Nobody/$validate", &nameless).await.outcome(), "404 not-found");
    });
}

#[test]
fn what_cannot_be_read_is_told_and_what_cannot_be_asked_is_refused() {
    block_on(async {
        let (server, _folder) = with(&[]).await;
        let cabinet = server.certificate("cabinet");
        for (body, expected) in [
            ("{\"a\": 1, \"a\": 2}", "error structure"),
            ("", "error structure"),
            ("[]", "error element Resource"),
            ("{}", "error element-manquant Resource.resourceType"),
            (
                r#"{"resourceType": "Parameters", "parameter": [{"name": "mode", "valueCode": "create"}]}"#,
                "error required Parameters.parameter",
            ),
        ] {
            assert_eq!(told(&cabinet.post_bytes("/fhir/$validate", body.into()).await), [expected], "{body}");
        }
        // A batch of another operation's parameters is what it is.
        let others = json!({"resourceType": "Parameters", "parameter": [{"name": "x"}]});
        assert_eq!(ask(&cabinet, "/fhir/$validate", &others).await, ["error profil Parameters.parameter[0]"]);
        assert_eq!(cabinet.post("/fhir/$validate?mode=think", &others).await.outcome(), "400 value");
        let xml = cabinet.send(Method::POST, "/fhir/$validate", &[("content-type", "text/plain")], b"x".to_vec()).await;
        assert_eq!(xml.outcome(), "415 type-de-contenu");
        // Nobody deletes a document, so nothing could be deleted; Patients are created elsewhere.
        let fiche = json!({"resourceType": "DocumentReference", "id": "x"});
        let deleted = ask(&cabinet, "/fhir/DocumentReference/x/$validate?mode=delete", &fiche).await;
        assert_eq!(deleted, ["error methode-non-permise DocumentReference"]);
        let created = ask(
            &cabinet,
            "/fhir/$validate?mode=create",
            &json!({"resourceType": "Basic", "text": narrative(), "code": {"text": "x"}}),
        )
        .await;
        assert_eq!(created, ["error methode-non-permise Basic"]);
    });
}

#[test]
fn an_issue_says_where_what_was_expected_what_was_found_and_where_it_is_written_in_both_languages() {
    block_on(async {
        let (server, _folder) = with(&[demanding(NAMED, "Patient", "name")]).await;
        let cabinet = server.certificate("cabinet");
        let body = patient(json!({"active": "yes", "gender": "x", "meta": {"profile": [NAMED]}}));
        let mut texts = Vec::new();
        for language in ["fr", "en"] {
            let headers = [("content-type", "application/fhir+json"), ("accept-language", language)];
            let answer = cabinet.send(Method::POST, "/fhir/$validate", &headers, body.to_string().into_bytes()).await;
            assert_eq!(super::faults(&answer.json()), []);
            for issue in answer.json()["issue"].as_array().unwrap() {
                let text = |pointer: &str| issue.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
                texts.push(format!("{} {}", text("/expression/0"), text("/details/text")));
                let written = text("/diagnostics");
                let place = if texts.last().unwrap().contains("name") {
                    NAMED
                } else {
                    "https://hl7.org/fhir/R4/patient-definitions.html#Patient."
                };
                assert!(written.contains(place), "{written}");
            }
        }
        assert_eq!(
            texts,
            [
                "Patient.active La valeur d'un élément n'est pas du type attendu. (boolean) Trouvé : texte.",
                "Patient.gender Ce code n'appartient pas au jeu de valeurs exigé. (http://hl7.org/fhir/ValueSet/administrative-gender)",
                "Patient.name Un élément obligatoire manque. (min 1) Trouvé : 0.",
                "Patient.active The value of an element is not of the expected type. (boolean) Found: string.",
                "Patient.gender This code is not in the required value set. (http://hl7.org/fhir/ValueSet/administrative-gender)",
                "Patient.name A required element is missing. (min 1) Found: 0.",
            ]
        );
    });
}

#[test]
fn every_resource_of_a_body_is_judged_by_its_type_and_by_what_it_claims() {
    block_on(async {
        let (server, _folder) = with(&[demanding(NAMED, "Patient", "name")]).await;
        let cabinet = server.certificate("cabinet");
        let claims = patient(json!({"meta": {"profile": [NAMED]}}));
        let missing = |path: &str| [format!("error element-manquant {path}.name")];
        let bundle = json!({"resourceType": "Bundle", "type": "collection", "entry": [{"fullUrl": "urn:uuid:1", "resource": claims}]});
        assert_eq!(ask(&cabinet, "/fhir/$validate", &bundle).await, missing("Bundle.entry[0].resource"));
        let nested = json!({"resourceType": "Parameters", "parameter": [{"name": "a", "part": [{"name": "b", "resource": bundle}]}]});
        let place = "Parameters.parameter[0].part[0].resource.entry[0].resource";
        assert_eq!(ask(&cabinet, "/fhir/$validate", &nested).await, missing(place));
        let list = json!({"resourceType": "List", "text": narrative(), "status": "current", "mode": "working", "contained": [claims],
            "subject": {"reference": "#p1"}});
        assert_eq!(ask(&cabinet, "/fhir/$validate", &list).await, missing("List.contained[0]"));
        let wrapped = parameters(&[("resource", bundle)]);
        assert_eq!(ask(&cabinet, "/fhir/Bundle/$validate", &wrapped).await, missing("Bundle.entry[0].resource"));
    });
}

#[test]
fn definitions_of_a_package_come_before_ours_and_retire_codes() {
    block_on(async {
        let mut undescribed = demanding(FICHE, "DocumentReference", "description");
        undescribed["differential"]["element"][0] =
            json!({"id": "DocumentReference.description", "path": "DocumentReference.description", "max": "0"});
        let (server, _folder) = with(&[undescribed]).await;
        let plain = TestServer::start().await;
        for (server, expected) in
            [(&server, "422 profil XDSRegistryMetadataError Bundle.entry[1].resource.description"), (&plain, "200")]
        {
            let martin = server.professional("dr-martin").await;
            let mut bundle = server.bundle("dominique", "dr-martin");
            bundle["entry"][1]["resource"]["description"] = json!("Bilan");
            let answer = martin.post("/fhir", &bundle).await;
            let told = if answer.status == 200 { "200".to_owned() } else { answer.outcome() };
            assert_eq!(told, expected, "{}", answer.text());
        }
    });
}

#[test]
fn a_code_that_a_newer_edition_left_out_is_retired_and_one_of_no_edition_is_foreign() {
    block_on(async {
        let plain = TestServer::start().await;
        let mut fiche = plain.bundle("dominique", "dr-martin")["entry"][1]["resource"].clone();
        let coding = fiche["type"]["coding"][0].clone();
        let (system, code) = (coding["system"].as_str().unwrap(), coding["code"].as_str().unwrap());
        let newer: Vec<Value> = espace::fhir::terminology::value_sets()
            .iter()
            .filter(|set| set.contains(system, code))
            .map(|set| {
                let kept = set.codings().filter(|coding| coding.code != code);
                let include = kept.map(|coding| json!({"system": coding.system, "concept": [{"code": coding.code}]}));
                json!({"resourceType": "ValueSet", "url": set.url, "compose": {"include": include.collect::<Vec<_>>()}})
            })
            .collect();
        let (server, _folder) = with(&newer).await;
        let url = format!("/fhir/DocumentReference/$validate?profile={FICHE}");
        let path = "DocumentReference.type";
        for (server, told) in [(&plain, None), (&server, Some(format!("warning code-retire {path}")))] {
            let said = ask(&server.certificate("cabinet"), &url, &fiche).await;
            let of_type: Vec<_> = said.into_iter().filter(|told| told.ends_with(path)).collect();
            assert_eq!(of_type, Vec::from_iter(told));
        }
        fiche["type"]["coding"][0]["code"] = json!("00000-0");
        for server in [&plain, &server] {
            let said = ask(&server.certificate("cabinet"), &url, &fiche).await;
            assert!(said.contains(&format!("warning code-invalide {path}")), "{said:?}");
        }
        // What a newer edition retires is not refused.
        let martin = server.professional("dr-martin").await;
        assert_eq!(martin.post("/fhir", &server.bundle("dominique", "dr-martin")).await.status, 200);
    });
}

//! The terminology operations on the wire: GET and POST, refusals, languages (R4 `terminology-service.html`).

use espace::fhir::codec::xml::{self, Layout};
use reqwest::Method;
use serde_json::{Value, json};

use super::faults;
use crate::support::client::{Actor, Answer};
use crate::support::db::block_on;
use crate::support::server::TestServer;

const TYPES: &str = "https://mos.esante.gouv.fr/NOS/JDV_J66-TypeCode-DMP/FHIR/JDV-J66-TypeCode-DMP";
const GENDER: &str = "http://hl7.org/fhir/ValueSet/administrative-gender";

/// The value of an answered parameter.
fn out(answer: &Answer, name: &str) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    assert_eq!(faults(&body), [], "{body}");
    let parameters = body["parameter"].as_array().unwrap();
    let Some(found) = parameters.iter().find(|one| one["name"] == name) else { return Value::Null };
    found.as_object().unwrap().iter().find(|(name, _)| name.starts_with("value")).unwrap().1.clone()
}

fn parameters(given: Value) -> Value {
    json!({"resourceType": "Parameters", "parameter": given})
}

async fn expanded(actor: &Actor, query: &str) -> Value {
    let answer = actor.get(&format!("/fhir/ValueSet/$expand?{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let set = answer.json();
    assert_eq!(faults(&set), []);
    set["expansion"].clone()
}

#[test]
fn a_value_set_is_expanded_filtered_and_paged() {
    block_on(async {
        let server = TestServer::start().await;
        let bare = server.certificate("cabinet");
        let whole = expanded(&bare, &format!("url={TYPES}")).await;
        assert_eq!((&whole["total"], whole["contains"].as_array().unwrap().len()), (&json!(108), 108));
        for spelling in ["JDV_J66-TypeCode-DMP", "urn:oid:1.2.250.1.213.1.1.5.7", "1.2.250.1.213.1.1.5.7"] {
            assert_eq!(expanded(&bare, &format!("url={spelling}")).await["contains"], whole["contains"]);
        }
        // Pages meet without gap or overlap.
        let mut pieces = Vec::new();
        for offset in (0..120).step_by(40) {
            let page = expanded(&bare, &format!("url={TYPES}&offset={offset}&count=40")).await;
            assert_eq!((&page["total"], &page["offset"]), (&json!(108), &json!(offset)));
            pieces.extend(page["contains"].as_array().cloned().unwrap_or_default());
        }
        assert_eq!(Value::Array(pieces), whole["contains"]);
        let none = expanded(&bare, &format!("url={TYPES}&count=0")).await;
        assert_eq!((&none["total"], &none["contains"]), (&json!(108), &Value::Null));
        let found = expanded(&bare, &format!("url={TYPES}&filter=EXAMENS%20biologiqu")).await;
        assert!(found["contains"].as_array().unwrap().iter().any(|one| one["code"] == "11502-2"), "{found}");
        assert!(found["total"].as_u64().unwrap() < 10);
        let by_code = expanded(&bare, &format!("url={TYPES}&filter=11502")).await;
        assert_eq!(by_code["contains"][0]["display"], "CR d'examens biologiques");
        // A copy that lacks codes says so.
        let formats = expanded(&bare, "url=JDV_J10-XdsFormatCode-CISIS&count=1").await;
        assert_eq!(formats["extension"][0]["valueBoolean"], true);
        // Of an instance, by what an element is bound to, and of a definition that is sent.
        let instance = bare.get("/fhir/ValueSet/JDV-J66-TypeCode-DMP/$expand?count=1").await.json();
        assert_eq!((&instance["url"], &instance["expansion"]["total"]), (&json!(TYPES), &json!(108)));
        let bound = bare.get("/fhir/ValueSet/$expand?context=Patient.gender").await.json();
        assert_eq!((&bound["url"], &bound["version"]), (&json!(GENDER), &json!("4.0.1")));
        let profile =
            "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-comprehensive-document-reference";
        let bound =
            bare.get(&format!("/fhir/ValueSet/$expand?context={profile}%23DocumentReference.type&count=1")).await;
        assert!(bound.json()["url"].as_str().unwrap().contains("TypeCode"), "{}", bound.text());
        let definition = json!({"resourceType": "ValueSet", "status": "active", "compose": {
            "include": [{"valueSet": [GENDER]}],
            "exclude": [{"system": "http://hl7.org/fhir/administrative-gender", "concept": [{"code": "other"}]}],
        }});
        let sent = parameters(json!([{"name": "valueSet", "resource": definition}]));
        let sent = bare.post("/fhir/ValueSet/$expand", &sent).await;
        assert_eq!(sent.json()["expansion"]["total"], 3, "{}", sent.text());
        assert_eq!(faults(&sent.json()), []);
    });
}

#[test]
fn displays_come_in_the_language_asked_for() {
    block_on(async {
        let server = TestServer::start().await;
        let bare = server.certificate("cabinet");
        let errors = format!("{}/CodeSystem/mes-error", server.base());
        let look_up = format!("/fhir/CodeSystem/$lookup?system={errors}&code=login");
        let french = bare.get(&look_up).await;
        assert_eq!(out(&french, "display"), "Un jeton d'accès valable est nécessaire.");
        for english in [
            bare.get_with(&look_up, &[("accept-language", "en")]).await,
            bare.get(&format!("{look_up}&displayLanguage=en-GB")).await,
        ] {
            assert_eq!(out(&english, "display"), "A valid access token is required.");
        }
        // A mother is one by HL7's table, and by the French one.
        let mother = "url=http://terminology.hl7.org/CodeSystem/v3-RoleCode&code=MTH";
        let mother = mother.replace("url=", "system=");
        let said = async |language: &str| {
            out(&bare.get(&format!("/fhir/CodeSystem/$lookup?{mother}&displayLanguage={language}")).await, "display")
        };
        assert_eq!((said("fr").await, said("en").await), (json!("Mère"), json!("mother")));
        let designations =
            expanded(&bare, "url=JDV_J11-RelationPatient-CISIS&filter=m%C3%A8re&includeDesignations=true").await;
        let named: Vec<_> =
            designations["contains"].as_array().unwrap().iter().filter(|one| one["code"] == "MTH").collect();
        assert_eq!(named[0]["designation"].as_array().unwrap().len(), 2);
    });
}

#[test]
fn a_code_is_looked_up_under_every_name_of_its_system() {
    block_on(async {
        let server = TestServer::start().await;
        let bare = server.certificate("cabinet");
        for system in ["http://loinc.org", "urn:oid:2.16.840.1.113883.6.1", "2.16.840.1.113883.6.1"] {
            let found = bare.get(&format!("/fhir/CodeSystem/$lookup?system={system}&code=11502-2")).await;
            assert_eq!(out(&found, "display"), "CR d'examens biologiques");
            let oid = "urn:oid:2.16.840.1.113883.6.1";
            assert!(found.text().contains(oid) && found.text().contains("\"class\""), "{}", found.text());
        }
        let only =
            bare.get("/fhir/CodeSystem/$lookup?system=http://loinc.org&code=11502-2&property=class").await.json();
        let properties = only["parameter"].as_array().unwrap().iter().filter(|one| one["name"] == "property");
        assert_eq!(properties.map(|one| one["part"][0]["valueCode"].as_str().unwrap()).collect::<Vec<_>>(), ["class"]);
        let coding = json!({"system": "http://hl7.org/fhir/administrative-gender", "code": "female"});
        let coding = parameters(json!([{"name": "coding", "valueCoding": coding}]));
        let posted = bare.post("/fhir/CodeSystem/$lookup", &coding).await;
        assert_eq!((out(&posted, "display"), out(&posted, "version")), (json!("Female"), json!("4.0.1")));
        let of_version =
            "/fhir/CodeSystem/$lookup?system=http://hl7.org/fhir/administrative-gender&code=female&version=";
        assert_eq!(bare.get(&format!("{of_version}4.0.1")).await.status, 200);
        assert_eq!(bare.get(&format!("{of_version}3.0.1")).await.outcome(), "404 nomenclature-inconnue system");
    });
}

#[test]
fn codes_are_validated_against_sets_and_systems() {
    block_on(async {
        let server = TestServer::start().await;
        let bare = server.certificate("cabinet");
        let judged = async |path: &str| bare.get(&format!("/fhir/{path}")).await;
        let set = format!("ValueSet/$validate-code?url={TYPES}");
        for system in ["http://loinc.org", "urn:oid:2.16.840.1.113883.6.1"] {
            let good = judged(&format!("{set}&system={system}&code=11502-2")).await;
            assert_eq!((out(&good, "result"), out(&good, "display")), (json!(true), json!("CR d'examens biologiques")));
        }
        let other = judged(&format!("{set}&system=http://loinc.org&code=51851-4")).await;
        assert_eq!(out(&other, "result"), false, "a code of LOINC, not of the set");
        assert_eq!(out(&other, "message"), "Ce code n'y figure pas.");
        let misnamed = judged(&format!("{set}&system=http://loinc.org&code=11502-2&display=Ordonnance")).await;
        assert_eq!(
            (out(&misnamed, "result"), out(&misnamed, "display")),
            (json!(false), json!("CR d'examens biologiques"))
        );
        let named =
            judged(&format!("{set}&system=http://loinc.org&code=11502-2&display=cr%20d%27EXAMENS%20biologiques")).await;
        assert_eq!(out(&named, "result"), true);
        let instance = judged("ValueSet/JDV-J66-TypeCode-DMP/$validate-code?code=11502-2").await;
        assert_eq!(out(&instance, "result"), true, "the set has it in one system only");
        let lacking = judged("ValueSet/$validate-code?url=JDV_J10-XdsFormatCode-CISIS&system=URN&code=x").await;
        assert_eq!(out(&lacking, "result"), false);
        assert!(out(&lacking, "message").as_str().unwrap().contains("pas complète"));
        let bound = judged("ValueSet/$validate-code?context=Patient.gender&code=femal").await;
        assert_eq!(out(&bound, "result"), false);
        let concept = json!({"coding": [
            {"system": "http://loinc.org", "code": "51851-4"},
            {"system": "http://loinc.org", "code": "11502-2"},
        ]});
        let sent = parameters(json!([
            {"name": "url", "valueUri": TYPES},
            {"name": "codeableConcept", "valueCodeableConcept": concept},
        ]));
        assert_eq!(out(&bare.post("/fhir/ValueSet/$validate-code", &sent).await, "result"), true);
        let system = "CodeSystem/$validate-code?url=http://hl7.org/fhir/administrative-gender";
        assert_eq!(out(&judged(&format!("{system}&code=female")).await, "display"), "Female");
        assert_eq!(out(&judged(&format!("{system}&code=Female")).await, "result"), false);
        let instance = judged("CodeSystem/administrative-gender/$validate-code?code=female&display=Femelle").await;
        assert_eq!(out(&instance, "result"), false);
    });
}

#[test]
fn what_a_terminology_operation_cannot_do_is_refused_precisely() {
    block_on(async {
        let server = TestServer::start().await;
        let bare = server.certificate("cabinet");
        for (path, refusal) in [
            ("ValueSet/$expand?url=http://example.org/none", "404 jeu-de-valeurs-inconnu url"),
            (
                "ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender&valueSetVersion=3.0",
                "404 jeu-de-valeurs-inconnu url",
            ),
            ("ValueSet/$expand?context=Patient.nothing", "404 jeu-de-valeurs-inconnu context"),
            ("ValueSet/$expand", "400 required url"),
            ("ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/ucum-units", "422 jeu-non-enumerable url"),
            ("ValueSet/$expand?url=x&count=-1", "400 value count"),
            ("ValueSet/$expand?url=x&url=y", "400 value url"),
            ("ValueSet/$expand?url=x&activeOnly=perhaps", "400 value activeOnly"),
            ("ValueSet/$expand?url=x&valueSet=y", "400 value valueSet"),
            ("ValueSet/$expand?url=x&property=y", "400 parametre-inconnu"),
            ("ValueSet/no-such/$expand", "404 not-found"),
            ("ValueSet/$validate-code?url=http://example.org/none&code=x&system=y", "404 jeu-de-valeurs-inconnu url"),
            ("ValueSet/$validate-code?url=JDV_J66-TypeCode-DMP", "400 required code"),
            ("CodeSystem/$lookup?system=http://example.org/none&code=x", "404 nomenclature-inconnue system"),
            ("CodeSystem/$lookup?system=http://loinc.org&code=0", "404 code-inconnu code"),
            ("CodeSystem/$lookup?system=http://loinc.org", "400 required code"),
            ("CodeSystem/$lookup?code=x", "400 required system"),
            ("CodeSystem/$validate-code?code=x", "400 required url"),
            ("CodeSystem/$validate-code?url=http://example.org/none&code=x", "404 nomenclature-inconnue system"),
        ] {
            assert_eq!(bare.get(&format!("/fhir/{path}")).await.outcome(), refusal, "{path}");
        }
        let filtered = json!({"resourceType": "ValueSet", "status": "active", "compose": {"include": [{
            "system": "http://loinc.org", "filter": [{"property": "concept", "op": "is-a", "value": "x"}],
        }]}});
        let unknown =
            json!({"resourceType": "ValueSet", "status": "active", "compose": {"include": [{"system": "urn:x"}]}});
        let part = json!({"resourceType": "ValueSet", "status": "active", "compose": {"include": [{"system": "http://loinc.org"}]}});
        for (set, refusal) in [
            (filtered, "422 jeu-non-enumerable valueSet"),
            (unknown, "404 nomenclature-inconnue valueSet"),
            (part, "404 nomenclature-inconnue valueSet"),
            (json!({"resourceType": "ValueSet", "status": "active"}), "400 structure valueSet"),
        ] {
            let sent = parameters(json!([{"name": "valueSet", "resource": set}]));
            assert_eq!(bare.post("/fhir/ValueSet/$expand", &sent).await.outcome(), refusal, "{sent}");
        }
        for (body, refusal) in [
            (json!({"resourceType": "Patient"}), "400 structure"),
            (parameters(json!([{"name": "count", "valueString": "3"}])), "400 value count"),
            (parameters(json!([{"name": "nothing", "valueString": "3"}])), "400 parametre-inconnu"),
            (parameters(json!([{"name": "url", "valueNothing": "3"}])), "422 element"),
        ] {
            let told = bare.post("/fhir/ValueSet/$expand", &body).await.outcome();
            assert!(told.starts_with(refusal), "{body}: {told}");
        }
        assert_eq!(bare.post_bytes("/fhir/ValueSet/$expand", b"{".to_vec()).await.outcome(), "400 structure");
        let put = bare.send(Method::PUT, "/fhir/ValueSet/$expand", &[], Vec::new()).await;
        assert_eq!((put.status.as_u16(), put.header("allow")), (405, "GET, POST"));
    });
}

#[test]
fn the_terminology_operations_take_and_give_xml() {
    block_on(async {
        let server = TestServer::start().await;
        let bare = server.certificate("cabinet");
        let headers = [("content-type", "application/fhir+xml"), ("accept", "application/fhir+xml")];
        let send = async |path: &str, given: Value| {
            let body = xml::write(&parameters(given), Layout::Dense).unwrap().into_bytes();
            bare.send(Method::POST, &format!("/fhir/{path}"), &headers, body).await
        };
        let coding = json!({"system": "http://loinc.org", "code": "11502-2"});
        let known = send("CodeSystem/$lookup", json!([{"name": "coding", "valueCoding": coding}])).await;
        assert_eq!((known.status.as_u16(), known.header("content-type")), (200, "application/fhir+xml; charset=utf-8"));
        let in_json = bare.get("/fhir/CodeSystem/$lookup?system=http://loinc.org&code=11502-2").await;
        assert_eq!(xml::read(&known.body).unwrap(), in_json.json());
        let few = json!([{"name": "url", "valueUri": TYPES}, {"name": "count", "valueInteger": 2}]);
        let expanded = xml::read(&send("ValueSet/$expand", few).await.body).unwrap();
        assert_eq!(faults(&expanded), []);
        assert_eq!(expanded["expansion"]["contains"].as_array().unwrap().len(), 2);
        // What is read and found too, and what is refused.
        let read = bare.get("/fhir/ValueSet/JDV-J66-TypeCode-DMP").await.json();
        let asked = bare.get("/fhir/ValueSet/JDV-J66-TypeCode-DMP?_format=xml").await;
        assert_eq!(xml::read(&asked.body).unwrap(), read);
        let found = bare.get("/fhir/ValueSet?_id=JDV-J66-TypeCode-DMP&_format=xml").await;
        assert_eq!(xml::read(&found.body).unwrap()["total"], 1);
        let refused = send("ValueSet/$expand", json!([{"name": "nothing", "valueString": "x"}])).await;
        assert_eq!(xml::read(&refused.body).unwrap()["resourceType"], "OperationOutcome");
        // A part of it, by the parameters of every interaction.
        let part = bare.get("/fhir/ValueSet/JDV-J66-TypeCode-DMP?_elements=url").await.json();
        assert_eq!((&part["url"], &part["compose"]), (&read["url"], &Value::Null));
        for query in ["_revinclude=List:item", "_include=x", "_sort=url", "_text=x", "name:nothing=x"] {
            let refused = bare.get(&format!("/fhir/ValueSet?{query}")).await;
            assert_eq!(refused.status, 400, "{query}: {}", refused.text());
        }
    });
}

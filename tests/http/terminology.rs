//! Codes and definitions on the wire: `$expand`, `$validate-code`, `$lookup`, conformance resources (contract §7).

use serde_json::{Value, json};

use super::faults;
use crate::support::client::{Actor, Answer};
use crate::support::db::{Db, block_on};
use crate::support::pki::Scratch;
use crate::support::server::TestServer;

const TYPES: &str = "https://mos.esante.gouv.fr/NOS/JDV_J66-TypeCode-DMP/FHIR/JDV-J66-TypeCode-DMP";
const CLASSES: &str = "https://mos.esante.gouv.fr/NOS/TRE_A03-ClasseDocument/FHIR/TRE-A03-ClasseDocument";
const COLOURS: &str = "https://example.org/CodeSystem/colours";
const SOME: &str = "https://example.org/ValueSet/some";

/// A server with a code system, nested, in two languages, one code retired, and a set that filters it.
async fn server() -> (TestServer, Scratch) {
    let folder = Scratch::empty();
    let colours = json!({"resourceType": "CodeSystem", "url": COLOURS, "name": "Colours", "version": "2", "status": "active",
        "content": "complete", "concept": [
            {"code": "warm", "display": "Warm", "concept": [
                {"code": "red", "display": "Red", "definition": "As blood", "designation": [{"language": "fr", "value": "Rouge"}]},
                {"code": "puce", "display": "Puce", "property": [{"code": "status", "valueCode": "retired"}]}]},
            {"code": "blue", "display": "Blue"}]});
    let some = json!({"resourceType": "ValueSet", "url": SOME, "status": "active", "compose": {"include": [
        {"system": COLOURS, "filter": [{"property": "concept", "op": "is-a", "value": "warm"}]}]}});
    folder.write("a.json", colours.to_string());
    folder.write("b.json", some.to_string());
    let place = folder.path().to_owned();
    let server = TestServer::start_with(Db::sqlite().await, move |config| config.conformance.package.push(place)).await;
    (server, folder)
}

fn codes(answer: &Answer) -> Vec<String> {
    let body = answer.json();
    assert_eq!((answer.status.as_u16(), faults(&body)), (200, vec![]), "{}", answer.text());
    let listed = body["expansion"]["contains"].as_array().cloned().unwrap_or_default();
    listed
        .iter()
        .map(|one| format!("{} {}", one["code"].as_str().unwrap(), one["display"].as_str().unwrap_or("-")))
        .collect()
}

/// The first value of each parameter of an answer, by name.
fn said(answer: &Answer, name: &str) -> Vec<String> {
    let body = answer.json();
    assert_eq!((answer.status.as_u16(), faults(&body)), (200, vec![]), "{}", answer.text());
    let named = body["parameter"].as_array().unwrap().iter().filter(|one| one["name"] == name).cloned();
    let value = |one: Value| {
        let found = one.as_object().unwrap().iter().find(|(key, _)| *key != "name").unwrap().1.clone();
        found.as_str().map_or_else(|| found.to_string(), str::to_owned)
    };
    named.map(value).collect()
}

#[test]
fn value_sets_are_expanded_by_url_by_id_and_as_given() {
    block_on(async {
        let (server, _folder) = server().await;
        let cabinet = server.certificate("cabinet");
        let get = async |query: &str| cabinet.get(&format!("/fhir/ValueSet/$expand?{query}")).await;
        let all = get(&format!("url={TYPES}")).await;
        let known = espace::fhir::terminology::value_set(TYPES).unwrap().codings().count();
        assert_eq!((codes(&all).len(), all.json()["expansion"]["total"].as_u64()), (known, u64::try_from(known).ok()));
        let by_id = cabinet.get("/fhir/ValueSet/JDV-J66-TypeCode-DMP/$expand?count=3&offset=2").await;
        assert_eq!(codes(&by_id), codes(&all)[2..5]);
        let found = codes(&get(&format!("url={TYPES}&filter=IMAGERIE&displayLanguage=fr")).await);
        assert!(!found.is_empty() && found.iter().all(|one| one.to_lowercase().contains("imagerie")), "{found:?}");
        assert_eq!(codes(&get(&format!("url={SOME}")).await), ["warm Warm", "red Red", "puce Puce"]);
        assert_eq!(
            codes(&get(&format!("url={SOME}|2&displayLanguage=fr-FR&activeOnly=true")).await),
            ["warm Warm", "red Rouge"]
        );
        assert_eq!(codes(&get(&format!("url={SOME}&count=0")).await), [""; 0]);
        assert_eq!(
            codes(&get("url=http://hl7.org/fhir/ValueSet/administrative-gender&filter=fem").await),
            ["female -"]
        );
        let given = json!({"resourceType": "Parameters", "parameter": [
            {"name": "filter", "valueString": "bl"},
            {"name": "valueSet", "resource": {"resourceType": "ValueSet", "status": "draft", "compose": {
                "include": [{"system": COLOURS}], "exclude": [{"system": COLOURS, "concept": [{"code": "red"}]}]}}}]});
        assert_eq!(codes(&cabinet.post("/fhir/ValueSet/$expand", &given).await), ["blue Blue"]);
        for (query, refused) in [
            ("url=urn:x", "404 not-found"),
            ("filter=x", "400 required"),
            ("url=http://hl7.org/fhir/ValueSet/mimetypes", "422 not-supported"),
            (&*format!("url={SOME}&count=-1"), "400 value"),
        ] {
            assert_eq!(get(query).await.outcome(), refused, "{query}");
        }
        assert_eq!(cabinet.get("/fhir/ValueSet/nobody/$expand").await.outcome(), "404 not-found");
    });
}

async fn result(actor: &Actor, path: &str) -> String {
    let answer = actor.get(path).await;
    let message = said(&answer, "message").concat();
    format!("{} {message}", said(&answer, "result").concat()).trim().to_owned()
}

#[test]
fn codes_are_held_against_sets_and_systems() {
    block_on(async {
        let (server, _folder) = server().await;
        let cabinet = server.certificate("cabinet");
        let set = format!("/fhir/ValueSet/$validate-code?url={SOME}&system={COLOURS}");
        for (query, expected) in [
            ("code=red", "true"),
            ("code=red&display=RED", "true"),
            ("code=red&display=Blue", "false Le code y est, mais sous un autre libellé."),
            ("code=puce", "true Ce code a été retiré : ne plus l'employer."),
            ("code=blue", "false Ce code n'y est pas."),
        ] {
            assert_eq!(result(&cabinet, &format!("{set}&{query}")).await, expected, "{query}");
        }
        // By any spelling of the system, in French tables; by id.
        let oid = "urn:oid:1.2.250.1.213.1.1.4.1";
        let of_system = format!("/fhir/CodeSystem/$validate-code?url={oid}&code=10");
        assert_eq!(result(&cabinet, &of_system).await, "true");
        let by_id = "/fhir/ValueSet/administrative-gender/$validate-code?code=female";
        assert_eq!(result(&cabinet, by_id).await, "true");
        let concept = json!({"resourceType": "Parameters", "parameter": [{"name": "url", "valueUri": SOME},
            {"name": "codeableConcept", "valueCodeableConcept": {"coding": [{"system": "urn:x", "code": "y"}, {"system": COLOURS, "code": "red"}]}}]});
        let answer = cabinet.post("/fhir/ValueSet/$validate-code", &concept).await;
        assert_eq!(
            (said(&answer, "result"), said(&answer, "display")),
            (vec!["true".to_owned()], vec!["Red".to_owned()])
        );
        // Nobody knows this set, nor whether the system has more codes than we hold.
        for path in [
            "/fhir/ValueSet/$validate-code?url=urn:x&code=y".to_owned(),
            format!("/fhir/CodeSystem/$validate-code?url={CLASSES}&code=zzz"),
        ] {
            assert_eq!(cabinet.get(&path).await.outcome(), "404 not-found", "{path}");
        }
        assert_eq!(cabinet.get(&format!("{set}&display=x")).await.outcome(), "400 required");
    });
}

#[test]
fn a_code_is_looked_up_under_every_spelling_of_its_system() {
    block_on(async {
        let (server, _folder) = server().await;
        let cabinet = server.certificate("cabinet");
        for system in [CLASSES, "urn:oid:1.2.250.1.213.1.1.4.1", "1.2.250.1.213.1.1.4.1"] {
            let answer = cabinet.get(&format!("/fhir/CodeSystem/$lookup?system={system}&code=10")).await;
            assert_eq!(said(&answer, "display"), ["Compte rendu"], "{system}");
            // The map, both ways.
            for spelling in [CLASSES, "urn:oid:1.2.250.1.213.1.1.4.1"] {
                assert!(answer.text().contains(&format!("\"valueString\":\"{spelling}\"")), "{}", answer.text());
            }
        }
        let answer =
            cabinet.get(&format!("/fhir/CodeSystem/$lookup?system={COLOURS}&code=red&displayLanguage=fr")).await;
        assert_eq!(said(&answer, "display"), ["Rouge"]);
        assert_eq!(
            (said(&answer, "name"), said(&answer, "version"), said(&answer, "definition")),
            (vec!["Colours".to_owned()], vec!["2".to_owned()], vec!["As blood".to_owned()])
        );
        assert!(answer.text().contains(r#""valueCode":"warm""#));
        for (query, refused) in
            [("code=10", "400 required"), ("system=urn:x&code=10", "404 not-found"), ("system=urn:x", "400 required")]
        {
            assert_eq!(cabinet.get(&format!("/fhir/CodeSystem/$lookup?{query}")).await.outcome(), refused, "{query}");
        }
    });
}

#[test]
fn definitions_are_found_by_url_read_by_id_and_valid() {
    block_on(async {
        let (server, _folder) = server().await;
        let cabinet = server.certificate("cabinet");
        for (kind, query) in [
            ("ValueSet", format!("url={TYPES}")),
            ("ValueSet", "identifier=urn:oid:1.2.250.1.213.1.1.5.461".to_owned()),
            ("ValueSet", format!("url={SOME}")),
            ("CodeSystem", "url=urn:oid:1.2.250.1.213.1.1.4.1".to_owned()),
            ("CodeSystem", "identifier=urn:ietf:rfc:3986|urn:oid:1.2.250.1.213.1.1.4.1".to_owned()),
            ("CodeSystem", format!("system={COLOURS}")),
            ("SearchParameter", "code=security-label&base=DocumentReference".to_owned()),
            (
                "StructureDefinition",
                "url=https://profiles.ihe.net/ITI/MHD/StructureDefinition/IHE.MHD.Minimal.DocumentReference".to_owned(),
            ),
            ("OperationDefinition", "code=generate-metadata".to_owned()),
            ("CapabilityStatement", "name=espace".to_owned()),
        ] {
            let answer = cabinet.get(&format!("/fhir/{kind}?{query}")).await;
            let bundle = answer.json();
            assert_eq!(
                (faults(&bundle), bundle["total"].as_u64()),
                (vec![], Some(1)),
                "{kind}?{query}: {}",
                answer.text()
            );
            let found = bundle["entry"][0]["resource"].clone();
            let read = cabinet.get(&format!("/fhir/{kind}/{}", found["id"].as_str().unwrap())).await;
            assert_eq!((read.status.as_u16(), read.json()), (200, found), "{kind}?{query}");
        }
        let strict = [("prefer", "handling=strict")];
        assert_eq!(
            cabinet.get("/fhir/ValueSet?colour=red&_count=1").await.json()["entry"][1]["search"]["mode"],
            "outcome"
        );
        assert_eq!(cabinet.get_with("/fhir/ValueSet?colour=red", &strict).await.outcome(), "400 parametre-inconnu");
        assert_eq!(cabinet.get("/fhir/ValueSet?publisher=x").await.outcome(), "400 parametre-non-pris-en-charge");
        assert_eq!(cabinet.form("/fhir/ValueSet/_search", &[("url", SOME)]).await.json()["total"], 1);
    });
}

#[test]
fn every_definition_is_listed_once_page_by_page_and_valid() {
    block_on(async {
        let (server, _folder) = server().await;
        let cabinet = server.certificate("cabinet");
        for (kind, least) in [
            ("ValueSet", 200),
            ("CodeSystem", 15),
            ("SearchParameter", 60),
            ("StructureDefinition", 15),
            ("OperationDefinition", 6),
        ] {
            let (mut path, mut ids) = (format!("/fhir/{kind}?_count=150"), Vec::new());
            loop {
                let bundle = cabinet.get(&path).await.json();
                assert_eq!(faults(&bundle), [], "{path}");
                let entries = bundle["entry"].as_array().unwrap();
                ids.extend(entries.iter().map(|entry| entry["resource"]["id"].as_str().unwrap().to_owned()));
                let next = bundle["link"].as_array().unwrap().iter().find(|link| link["relation"] == "next");
                let Some(next) = next else { break };
                path = next["url"].as_str().unwrap().strip_prefix(&server.origin).unwrap().to_owned();
            }
            let all = ids.len();
            ids.sort();
            ids.dedup();
            assert_eq!(ids.len(), all, "{kind}");
            assert!(all >= least, "{kind}: {all}");
        }
    });
}

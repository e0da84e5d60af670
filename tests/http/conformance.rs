//! The conformance resources: true to the tables, valid, found and paged, open to every certificate.

use std::collections::BTreeSet;

use serde_json::Value;

use super::faults;
use crate::support::client::Actor;
use crate::support::db::block_on;
use crate::support::server::TestServer;

const KINDS: [&str; 6] =
    ["CapabilityStatement", "CodeSystem", "OperationDefinition", "SearchParameter", "StructureDefinition", "ValueSet"];

/// All resources of a type, page after page.
async fn all(actor: &Actor, kind: &str) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    let mut next = format!("/fhir/{kind}?_count=97");
    loop {
        let answer = actor.get(&next).await;
        let page = answer.matches();
        assert!(page.len() <= 97);
        found.extend(page);
        let bundle = answer.json();
        let links = bundle["link"].as_array().unwrap().clone();
        let Some(link) = links.iter().find(|link| link["relation"] == "next") else {
            assert_eq!(bundle["total"], found.len(), "{kind}");
            return found;
        };
        next = link["url"].as_str().unwrap().to_owned();
    }
}

#[test]
fn every_conformance_resource_is_valid_and_read_as_it_is_found() {
    block_on(async {
        let server = TestServer::start().await;
        let bare = server.certificate("cabinet");
        for (kind, at_least) in KINDS.iter().zip([1, 280, 5, 50, 200, 250]) {
            let found = all(&bare, kind).await;
            assert!(found.len() >= at_least, "{kind}: {}", found.len());
            let ids: BTreeSet<_> = found.iter().map(|one| one["id"].as_str().unwrap()).collect();
            assert_eq!(ids.len(), found.len(), "{kind}: each id once");
            for one in &found {
                let told = faults(one);
                assert!(told.is_empty(), "{kind} {}: {told:?}", one["id"]);
                assert_eq!(one["resourceType"], *kind);
            }
            let some = &found[found.len() / 2];
            let path = format!("/fhir/{kind}/{}", some["id"].as_str().unwrap());
            let read = bare.get(&path).await;
            assert_eq!(read.json(), *some);
            let held = bare.get_with(&path, &[("if-none-match", read.header("etag"))]).await;
            assert_eq!((held.status.as_u16(), held.body.len()), (304, 0));
            let url = some["url"].as_str().unwrap().replace('#', "%23").replace('|', "%7C");
            let by_url = bare.get(&format!("/fhir/{kind}?url={url}")).await.matches();
            assert!(by_url.contains(some), "{kind} {url}");
            assert_eq!(bare.get(&format!("/fhir/{kind}/no-such")).await.outcome(), "404 not-found");
        }
        // Nothing of it is a consultation: no record, no trace.
        assert_eq!(server.traces("dominique").await, [""; 0]);
    });
}

#[test]
fn conformance_resources_are_found_by_what_stands_at_their_head() {
    block_on(async {
        let server = TestServer::start().await;
        let martin = server.professional("dr-martin").await;
        let ids = async |query: &str| -> Vec<String> {
            let found = martin.get(&format!("/fhir/{query}")).await.matches();
            found.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
        };
        let types = ["JDV-J07-XdsTypeCode-CISIS", "JDV-J66-TypeCode-DMP"];
        assert_eq!(ids("ValueSet?name:contains=j07_xdstype,66_TYPE").await, types);
        assert_eq!(ids("ValueSet?name=jdv_j66").await, types[1..]);
        assert_eq!(ids("ValueSet?title:exact=JDV_J66-TypeCode-DMP").await, types[1..]);
        assert_eq!(ids("ValueSet?_id=JDV-J66-TypeCode-DMP,none&status=active").await, types[1..]);
        assert_eq!(ids("ValueSet?status=draft").await, [""; 0]);
        assert_eq!(ids("CodeSystem?version=01").await, ["DCM"]);
        assert_eq!(ids("CodeSystem?publisher=espace").await, ["mes-error"]);
        assert_eq!(ids("StructureDefinition?url=http://hl7.org/fhir/StructureDefinition/Patient").await, ["Patient"]);
        let url = "http://hl7.org/fhir/StructureDefinition/Patient";
        assert_eq!(ids(&format!("StructureDefinition?url:below={url}")).await, ["Patient"]);
        assert_eq!(ids(&format!("StructureDefinition?url:above={url}/x")).await, ["Patient"]);
        assert_eq!(ids("StructureDefinition?date=ge2026&publisher=ihe&_count=1").await.len(), 1);
        assert_eq!(ids("StructureDefinition?date=lt2026&publisher=ihe").await, [""; 0]);
        let counted = martin.get("/fhir/StructureDefinition?_summary=count").await.json();
        assert!(counted["total"].as_u64().unwrap() > 200 && counted["entry"].is_null());
        let form = martin.form("/fhir/ValueSet/_search", &[("name", "JDV_J66")]).await;
        assert_eq!(form.matches().len(), 1);
        // What is not served is never left out; what is unknown is told.
        let refused = async |query: &str| martin.get(&format!("/fhir/{query}")).await.outcome();
        assert_eq!(refused("ValueSet?code=10").await, "400 parametre-non-pris-en-charge code");
        assert_eq!(refused("ValueSet?_sort=date").await, "400 parametre-non-pris-en-charge _sort");
        let unknown = martin.get("/fhir/ValueSet?nam=x&_count=1").await.json();
        assert_eq!(unknown["entry"][1]["search"]["mode"], "outcome");
        let xml = martin.get_with("/fhir/ValueSet/JDV-J66-TypeCode-DMP", &[("accept", "text/html")]).await;
        assert_eq!(xml.outcome(), "406 not-acceptable");
    });
}

#[test]
fn a_page_of_conformance_resources_is_good_for_its_owner_alone() {
    block_on(async {
        let server = TestServer::start().await;
        let first = server.certificate("cabinet").get("/fhir/ValueSet?_count=2&status=active").await.json();
        let next = first["link"][1]["url"].as_str().unwrap().to_owned();
        assert_eq!(server.certificate("cabinet").get(&next).await.matches().len(), 2);
        assert_eq!(server.certificate("hopital").get(&next).await.outcome(), "400 lien-de-page");
        let other = next.replace("ValueSet", "CodeSystem");
        assert_eq!(server.certificate("cabinet").get(&other).await.outcome(), "400 lien-de-page");
    });
}

#[test]
fn definitions_say_what_is_checked() {
    block_on(async {
        let server = TestServer::start().await;
        let bare = server.certificate("cabinet");
        let read = async |path: &str| bare.get(&format!("/fhir/{path}")).await.json();
        let element = |definition: &Value, id: &str| -> Value {
            let elements = definition["differential"]["element"].as_array().unwrap();
            elements.iter().find(|one| one["id"] == id).unwrap_or_else(|| panic!("{id}")).clone()
        };
        let patient = read("StructureDefinition/Patient").await;
        let gender = element(&patient, "Patient.gender");
        assert_eq!(gender["binding"]["valueSet"], "http://hl7.org/fhir/ValueSet/administrative-gender");
        assert_eq!((&gender["min"], &gender["max"]), (&Value::from(0), &Value::from("1")));
        assert_eq!(element(&patient, "Patient.deceased[x]")["type"][1]["code"], "dateTime");
        assert_eq!(element(&patient, "Patient.contact.relationship")["max"], "*");
        let targets = &element(&patient, "Patient.managingOrganization")["type"][0]["targetProfile"];
        assert_eq!(targets[0], "http://hl7.org/fhir/StructureDefinition/Organization");
        let items = read("StructureDefinition/Questionnaire").await;
        assert_eq!(element(&items, "Questionnaire.item.item")["contentReference"], "#Questionnaire.item");
        let fiche = read("StructureDefinition/pdsm-comprehensive-document-reference").await;
        assert_eq!(fiche["derivation"], "constraint");
        let binding = &element(&fiche, "DocumentReference.type")["binding"];
        assert!(binding["valueSet"].as_str().unwrap().contains("JDV"), "{binding}");
        let archived = element(&fiche, "DocumentReference.extension:isArchived");
        assert_eq!((&archived["sliceName"], &archived["max"]), (&Value::from("isArchived"), &Value::from("1")));
        let parameter = read("SearchParameter/DocumentReference-facility").await;
        assert_eq!((&parameter["code"], &parameter["type"]), (&Value::from("facility"), &Value::from("token")));
        let statement = read("CapabilityStatement/espace").await;
        assert_eq!(statement, read("metadata").await);
        let lookup = read("OperationDefinition/CodeSystem-lookup").await;
        assert_eq!(lookup["url"], "http://hl7.org/fhir/OperationDefinition/CodeSystem-lookup");
        let errors = read("CodeSystem/mes-error").await;
        assert_eq!(errors["url"], format!("{}/CodeSystem/mes-error", server.base()));
    });
}

#[test]
fn every_operation_and_search_parameter_that_is_declared_has_its_definition_here() {
    block_on(async {
        let server = TestServer::start().await;
        let bare = server.certificate("cabinet");
        let statement = bare.get("/fhir/metadata").await.json();
        let urls = async |kind: &str| -> BTreeSet<String> {
            all(&bare, kind).await.iter().map(|one| one["url"].as_str().unwrap().to_owned()).collect()
        };
        let (operations, parameters) = (urls("OperationDefinition").await, urls("SearchParameter").await);
        let (mut named, mut searched) = (BTreeSet::new(), BTreeSet::new());
        for resource in statement["rest"][0]["resource"].as_array().unwrap() {
            let each = |list: &str| resource[list].as_array().cloned().unwrap_or_default();
            let definition = |one: &Value| one["definition"].as_str().map(str::to_owned);
            named.extend(each("operation").iter().filter_map(definition));
            searched.extend(each("searchParam").iter().filter_map(definition));
        }
        assert_eq!(named, operations);
        assert_eq!(searched, parameters);
    });
}

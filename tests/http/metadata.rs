//! The CapabilityStatement says what the server does, and nothing else.

use reqwest::Method;
use serde_json::Value;

use super::{DOMINIQUE, faults};
use crate::story::folders::with_fhir_document;
use crate::support::client::Actor;
use crate::support::db::block_on;
use crate::support::server::TestServer;

/// One live instance of each type, and a search that its reader may make.
struct Live {
    kind: &'static str,
    id: String,
    search: String,
}

async fn live(server: &TestServer, martin: &Actor) -> Vec<Live> {
    let locations = martin.post("/fhir", &server.bundle("dominique", "dr-martin")).await.locations();
    let id = |location: &str| location.rsplit('/').next().unwrap().to_owned();
    let fhir = martin.post("/fhir", &with_fhir_document(server.bundle("dominique", "dr-martin"))).await.locations();
    let traces = format!("{DOMINIQUE}&date=2026-11-22");
    let trace = martin.get(&format!("/fhir/AuditEvent?{traces}")).await.matches()[0]["id"].as_str().unwrap().to_owned();
    let ins = DOMINIQUE.split_once('=').unwrap().1;
    vec![
        Live { kind: "AuditEvent", id: trace, search: traces },
        Live { kind: "Binary", id: id(&locations[2]), search: String::new() },
        Live { kind: "Bundle", id: id(&fhir[2]), search: String::new() },
        Live { kind: "DocumentReference", id: id(&locations[1]), search: format!("{DOMINIQUE}&status=current") },
        Live { kind: "List", id: id(&locations[0]), search: format!("{DOMINIQUE}&code=submissionset&status=current") },
        Live { kind: "Patient", id: server.persona("dominique").key.to_string(), search: format!("identifier={ins}") },
        Live { kind: "Communication", id: "x".to_owned(), search: DOMINIQUE.to_owned() },
        Live { kind: "Observation", id: "x".to_owned(), search: DOMINIQUE.to_owned() },
    ]
}

/// What each interaction of R4 is on the wire.
fn requests(live: &Live) -> Vec<(&'static str, Method, String)> {
    let Live { kind, id, search } = live;
    vec![
        ("read", Method::GET, format!("/fhir/{kind}/{id}")),
        ("vread", Method::GET, format!("/fhir/{kind}/{id}/_history/1")),
        ("search-type", Method::GET, format!("/fhir/{kind}?{search}")),
        ("create", Method::POST, format!("/fhir/{kind}")),
        ("generate-metadata", Method::POST, format!("/fhir/{kind}/$generate-metadata")),
        ("update", Method::PUT, format!("/fhir/{kind}/{id}")),
        ("patch", Method::PATCH, format!("/fhir/{kind}/{id}")),
        ("delete", Method::DELETE, format!("/fhir/{kind}/{id}")),
        ("history-instance", Method::GET, format!("/fhir/{kind}/{id}/_history")),
        ("history-type", Method::GET, format!("/fhir/{kind}/_history")),
    ]
}

#[test]
fn the_statement_is_valid_public_and_true_of_every_interaction() {
    block_on(async {
        let server = TestServer::start().await;
        let martin = server.professional("dr-martin").await;
        let answer = server.certificate("cabinet").get("/fhir/metadata").await;
        assert_eq!(answer.status, 200, "without a token");
        let statement = answer.json();
        assert_eq!(faults(&statement), []);
        assert_eq!(statement["implementation"]["url"], server.base());
        let rest = &statement["rest"][0];
        assert_eq!(rest["interaction"][0]["code"], "transaction");
        let conditional = rest["resource"].as_array().unwrap().iter().filter(|kind| kind["conditionalUpdate"] == true);
        assert_eq!(conditional.map(|kind| kind["type"].as_str().unwrap()).collect::<Vec<_>>(), ["DocumentReference"]);
        assert_eq!(statement["patchFormat"].as_array().unwrap().len(), 4);
        let declared = |kind: &str, code: &str| {
            let resource = rest["resource"].as_array().unwrap().iter().find(|resource| resource["type"] == kind);
            let among = |list: &str, name: &str| {
                let known = resource.and_then(|resource| resource[list].as_array());
                known.is_some_and(|known| known.iter().any(|known| known[name] == code))
            };
            among("interaction", "code") || among("operation", "name")
        };
        let live = live(&server, &martin).await;
        for resource in rest["resource"].as_array().unwrap() {
            assert!(live.iter().any(|live| resource["type"] == live.kind), "untried: {}", resource["type"]);
        }
        for live in &live {
            for (code, method, path) in requests(live) {
                let headers = [("content-type", "application/fhir+json")];
                // A patch of no operation leaves all as it is.
                let body = match method {
                    Method::GET => Vec::new(),
                    Method::PATCH => br#"{"resourceType":"Parameters"}"#.to_vec(),
                    _ => b"{}".to_vec(),
                };
                let answer = martin.send(method, &path, &headers, body).await;
                let status = answer.status.as_u16();
                if declared(live.kind, code) {
                    // `{}` is nothing that could be created: the answer is about that.
                    let expected = if ["create", "generate-metadata"].contains(&code) { 422 } else { 200 };
                    assert_eq!(status, expected, "{code} {path}: {}", answer.text());
                } else {
                    assert!([404, 405].contains(&status), "{code} {path} is not declared: {status}");
                    assert_eq!(answer.json()["resourceType"], "OperationOutcome", "{code} {path}");
                }
            }
        }
    });
}

#[test]
fn every_search_parameter_declared_is_served_and_no_other() {
    block_on(async {
        let server = TestServer::start().await;
        let martin = server.professional("dr-martin").await;
        let statement = martin.get("/fhir/metadata").await.json();
        let resources = statement["rest"][0]["resource"].as_array().unwrap().clone();
        let parameters = |kind: &str| -> Vec<(String, String)> {
            let resource = resources.iter().find(|resource| resource["type"] == kind).unwrap();
            let of = |parameter: &Value| {
                let text = |name: &str| parameter[name].as_str().unwrap().to_owned();
                (text("name"), text("type"))
            };
            resource["searchParam"].as_array().unwrap().iter().map(of).collect()
        };
        let names = |kind: &str| parameters(kind).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names("AuditEvent"), ["date", "patient"]);
        assert_eq!(names("Patient"), ["identifier"]);
        let served = names("DocumentReference");
        for name in ["patient", "status", "type", "category", "identifier", "date", "creation", "period"] {
            assert!(served.iter().any(|known| known == name), "{name}");
        }
        for (resource, all) in [("DocumentReference", "status=current"), ("List", "code=folder")] {
            for (name, kind) in parameters(resource) {
                if name.starts_with("patient") || name == "subject" || name == "status" {
                    continue;
                }
                let value = match (name.as_str(), kind.as_str()) {
                    ("isArchived", _) => "true",
                    (_, "date") => "2026",
                    (_, "reference") => "https://example.org/Any/x",
                    (_, "composite") => "DocumentReference/x$replaces",
                    _ => "x",
                };
                let path = format!("/fhir/{resource}?{DOMINIQUE}&{all}&{name}={value}");
                let answer = martin.get_with(&path, &[("prefer", "handling=strict")]).await;
                assert_eq!(answer.status, 200, "{resource} {name}: {}", answer.text());
            }
            let declared = resources.iter().find(|known| known["type"] == resource).unwrap();
            for include in declared["searchInclude"].as_array().unwrap() {
                let path = format!("/fhir/{resource}?{DOMINIQUE}&{all}&_include={}", include.as_str().unwrap());
                assert_eq!(martin.get(&path).await.status, 200, "{include}");
            }
        }
    });
}

// PDSm §1.3 and MHD §1.4, §1.5, `facility` included, which PDSm's own statement forgets.
const ITI_67: &str = "type facility setting identifier creation security-label status isArchived period-start \
    period-end format category relatesTo event period patient patient.identifier author author.given \
    author.family author:PractitionerRole.name date related _id _lastUpdated";
const ITI_66: &str = "date designationType identifier status isArchived title sourceId source source.given \
    source.family source:PractitionerRole.name source:Patient.given source:Patient.family authorOrg patient \
    patient.identifier code _id _lastUpdated";

#[test]
fn ds_77_t14_every_parameter_of_mhd_and_pdsm_is_declared_by_its_code() {
    block_on(async {
        let server = TestServer::start().await;
        let statement = server.certificate("cabinet").get("/fhir/metadata").await.json();
        let declared = |kind: &str| -> Vec<String> {
            let resources = statement["rest"][0]["resource"].as_array().unwrap();
            let resource = resources.iter().find(|resource| resource["type"] == kind).unwrap();
            let names = resource["searchParam"].as_array().unwrap().iter();
            names.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect()
        };
        for (kind, codes) in [("DocumentReference", ITI_67), ("List", ITI_66)] {
            let names = declared(kind);
            for code in codes.split_whitespace() {
                assert_eq!(names.iter().filter(|name| *name == code).count(), 1, "{kind} {code}");
            }
        }
        let responder = "packages/ihe.iti.mhd/CapabilityStatement-IHE.MHD.DocumentResponder.json";
        let Some(bytes) = crate::support::shared::sample(responder) else { return };
        let demanded: Value = serde_json::from_slice(&bytes).unwrap();
        for resource in demanded["rest"][0]["resource"].as_array().unwrap() {
            let Some(parameters) = resource["searchParam"].as_array() else { continue };
            let names = declared(resource["type"].as_str().unwrap());
            for parameter in parameters {
                let name = parameter["name"].as_str().unwrap();
                // MHD writes `_lastupdated`, which R4 calls `_lastUpdated`.
                assert!(names.iter().any(|known| known.eq_ignore_ascii_case(name)), "{} {name}", resource["type"]);
            }
        }
    });
}

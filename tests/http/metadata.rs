//! The CapabilityStatement says what the server does, and nothing else.

use reqwest::Method;
use serde_json::Value;

use super::{DOMINIQUE, faults};
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
    let traces = format!("{DOMINIQUE}&date=2026-11-22");
    let trace = martin.get(&format!("/fhir/AuditEvent?{traces}")).await.matches()[0]["id"].as_str().unwrap().to_owned();
    let ins = DOMINIQUE.split_once('=').unwrap().1;
    vec![
        Live { kind: "AuditEvent", id: trace, search: traces },
        Live { kind: "Binary", id: id(&locations[2]), search: String::new() },
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
            let codes = resource.and_then(|resource| resource["interaction"].as_array());
            codes.is_some_and(|codes| codes.iter().any(|known| known["code"] == code))
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
                    assert_eq!(status, 200, "{code} {path}: {}", answer.text());
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
        for (name, kind) in parameters("DocumentReference") {
            if name.starts_with("patient") || name == "subject" || name == "status" {
                continue;
            }
            let value = match kind.as_str() {
                "date" => "2026",
                "reference" => "https://example.org/Any/x",
                "composite" => "DocumentReference/x$replaces",
                _ => "x",
            };
            let path = format!("/fhir/DocumentReference?{DOMINIQUE}&status=current&{name}={value}");
            let answer = martin.get_with(&path, &[("prefer", "handling=strict")]).await;
            assert_eq!(answer.status, 200, "{name}: {}", answer.text());
        }
        for include in resources.iter().filter_map(|resource| resource["searchInclude"].as_array()).flatten() {
            let path =
                format!("/fhir/DocumentReference?{DOMINIQUE}&status=current&_include={}", include.as_str().unwrap());
            assert_eq!(martin.get(&path).await.status, 200, "{include}");
        }
    });
}

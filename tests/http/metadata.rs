//! The CapabilityStatement says what the server does, and nothing else.

use std::collections::BTreeSet;

use espace::http::{ROUTES, resource_routes};
use espace::rules::registry::{Interaction, Place, REGISTRY, find};
use reqwest::Method;
use serde_json::{Value, json};

use super::directory::operator;
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
    /// Who may do with it all that is declared.
    actor: Actor,
}

async fn live(server: &TestServer, martin: &Actor) -> Vec<Live> {
    let locations = martin.post("/fhir", &server.bundle("dominique", "dr-martin")).await.locations();
    let id = |location: &str| location.rsplit('/').next().unwrap().to_owned();
    let fhir = martin.post("/fhir", &with_fhir_document(server.bundle("dominique", "dr-martin"))).await.locations();
    let traces = format!("{DOMINIQUE}&date=2026-11-22");
    let trace = martin.get(&format!("/fhir/AuditEvent?{traces}")).await.matches()[0]["id"].as_str().unwrap().to_owned();
    let ins = DOMINIQUE.split_once('=').unwrap().1;
    let of_documents = [
        ("AuditEvent", trace, traces),
        ("Binary", id(&locations[2]), String::new()),
        ("Bundle", id(&fhir[2]), String::new()),
        ("DocumentReference", id(&locations[1]), format!("{DOMINIQUE}&status=current")),
        ("List", id(&locations[0]), format!("{DOMINIQUE}&code=submissionset&status=current")),
        ("Patient", server.persona("dominique").key.to_string(), format!("identifier={ins}")),
        ("Communication", "x".to_owned(), DOMINIQUE.to_owned()),
    ];
    let of_documents = of_documents.map(|(kind, id, search)| Live { kind, id, search, actor: martin.clone() });
    let mut live = Vec::from(of_documents);
    let (operator, dominique) = (operator(server).await, server.patient("dominique", "dominique").await);
    for served in REGISTRY.iter().filter(|served| served.generic.is_some()) {
        let (kind, search) = (served.kind, String::new());
        live.push(match served.place {
            Place::Directory => {
                let path = format!("/fhir/{kind}/live");
                let body = minimal(kind).to_string().into_bytes();
                let made = operator.send(Method::PUT, &path, &[("content-type", "application/fhir+json")], body).await;
                assert_eq!(made.status, 201, "{}", made.text());
                Live { kind, id: "live".to_owned(), search, actor: operator.clone() }
            }
            Place::Record => {
                let mut body = minimal(kind);
                let subject = if kind == "RelatedPerson" { "patient" } else { "subject" };
                body[subject] = json!({ "reference": format!("Patient/{}", server.persona("dominique").key) });
                body.as_object_mut().unwrap().remove("id");
                let made = dominique.post(&format!("/fhir/{kind}"), &body).await;
                let known = dominique.get(&format!("/fhir/{kind}")).await.matches();
                assert!(made.status == 201 || kind == "CareTeam", "{}", made.text());
                let id = known[0]["id"].as_str().unwrap().to_owned();
                Live { kind, id, search, actor: dominique.clone() }
            }
        });
    }
    live
}

/// The least that a type is.
fn minimal(kind: &str) -> Value {
    let mut least = json!({ "resourceType": kind, "id": "live" });
    let more = match kind {
        "Organization" => json!({ "name": "x" }),
        "Endpoint" => json!({
            "status": "active",
            "connectionType": { "system": "http://terminology.hl7.org/CodeSystem/endpoint-connection-type", "code": "hl7-fhir-rest" },
            "payloadType": [{ "text": "x" }],
            "address": "https://example.org",
        }),
        "Observation" => {
            json!({ "status": "final", "code": { "coding": [{ "system": "http://loinc.org", "code": "8302-2" }] } })
        }
        "QuestionnaireResponse" => json!({ "status": "completed" }),
        _ => json!({}),
    };
    least.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    least
}

/// The types whose update may be conditional; of documents it is the patch (PDSm, T14).
fn conditional_types() -> Vec<&'static str> {
    let updated = |kind: &str| kind == "DocumentReference" || find(kind).unwrap().serves(Interaction::Update);
    REGISTRY.iter().map(|served| served.kind).filter(|kind| updated(kind)).collect()
}

/// The registry, the routes and the statement say the same, both ways.
#[test]
fn the_registry_the_routes_and_the_statement_agree() {
    block_on(async {
        let server = TestServer::start().await;
        let statement = server.certificate("cabinet").get("/fhir/metadata").await.json();
        let declared: Vec<(String, Vec<String>)> = statement["rest"][0]["resource"]
            .as_array()
            .unwrap()
            .iter()
            .map(|resource| {
                let codes = resource["interaction"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|one| one["code"].as_str().unwrap().to_owned());
                (resource["type"].as_str().unwrap().to_owned(), codes.collect())
            })
            .collect();
        let registered: Vec<(String, Vec<String>)> = REGISTRY
            .iter()
            .map(|served| {
                (served.kind.to_owned(), served.interactions.iter().map(|one| one.name().to_owned()).collect())
            })
            .collect();
        assert_eq!(declared, registered);
        let routed: BTreeSet<(String, &str)> = ROUTES
            .iter()
            .chain(resource_routes())
            .flat_map(|route| route.methods.iter().filter_map(|method| interaction(method, &route.path)))
            .collect();
        let served: BTreeSet<(String, &str)> = REGISTRY
            .iter()
            .flat_map(|served| served.interactions.iter().map(|one| (served.kind.to_owned(), one.name())))
            .collect();
        // Refused to all where it is not served: the route tells no more than the gate.
        let refused =
            |(kind, code): &(String, &str)| *code == "history-type" && !served.contains(&(kind.clone(), *code));
        let routed: BTreeSet<_> = routed.into_iter().filter(|one| !refused(one)).collect();
        assert_eq!(routed, served);
    });
}

/// What a method of a route of a type is in R4's words.
fn interaction(method: &str, path: &str) -> Option<(String, &'static str)> {
    let parts: Vec<&str> = path.strip_prefix("/fhir/")?.split('/').collect();
    let kind = parts.first()?.to_string();
    if !kind.starts_with(|first: char| first.is_ascii_uppercase())
        || path.contains('$')
        || path.contains("{compartment}")
    {
        return None;
    }
    let code = match (method, &parts[1..]) {
        ("POST", []) => "create",
        ("GET", []) | ("POST", ["_search"]) => "search-type",
        ("GET" | "HEAD", ["{id}"]) => "read",
        ("PUT", [] | ["{id}"]) => "update",
        ("PATCH", [] | ["{id}"]) => "patch",
        ("DELETE", [] | ["{id}"]) => "delete",
        ("GET", ["_history"]) => "history-type",
        ("GET", ["{id}", "_history"]) => "history-instance",
        ("GET" | "HEAD", ["{id}", "_history", _]) => "vread",
        _ => panic!("{method} {path}"),
    };
    Some((kind, code))
}

/// What each interaction of R4 is on the wire.
fn requests(live: &Live) -> Vec<(&'static str, Method, String)> {
    let Live { kind, id, search, .. } = live;
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
        assert_eq!(conditional.map(|kind| kind["type"].as_str().unwrap()).collect::<Vec<_>>(), conditional_types());
        assert_eq!(statement["patchFormat"].as_array().unwrap().len(), 5);
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
                let answer = live.actor.send(method, &path, &headers, body).await;
                let status = answer.status.as_u16();
                if declared(live.kind, code) {
                    // `{}` is nothing that could be kept: the answer is about that.
                    let is_generic = find(live.kind).is_some_and(|served| served.generic.is_some());
                    let expected = match code {
                        "create" | "update" if is_generic => 400,
                        "create" | "generate-metadata" => 422,
                        "delete" => 204,
                        _ => 200,
                    };
                    assert_eq!(status, expected, "{code} {path}: {}", answer.text());
                } else {
                    // The history of a type is refused as a search without a right is (contract §8).
                    let refusals: &[u16] = if code == "history-type" { &[403, 404] } else { &[404, 405] };
                    assert!(refusals.contains(&status), "{code} {path} is not declared: {status}");
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
        for name in ["date", "patient", "agent", "entity", "type", "outcome"] {
            assert!(names("AuditEvent").iter().any(|known| known == name), "{name}");
        }
        assert_eq!(names("Patient"), ["identifier"]);
        let served = names("DocumentReference");
        for name in ["patient", "status", "type", "category", "identifier", "date", "creation", "period"] {
            assert!(served.iter().any(|known| known == name), "{name}");
        }
        for (resource, all) in
            [("DocumentReference", "status=current"), ("List", "code=folder"), ("AuditEvent", "date=2026")]
        {
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
            let inclusions = |name: &str| declared[name].as_array().cloned().unwrap_or_default();
            for include in inclusions("searchInclude") {
                let path = format!("/fhir/{resource}?{DOMINIQUE}&{all}&_include={}", include.as_str().unwrap());
                assert_eq!(martin.get(&path).await.status, 200, "{include}");
            }
            for include in inclusions("searchRevInclude") {
                let path = format!("/fhir/{resource}?{DOMINIQUE}&{all}&_revinclude={}", include.as_str().unwrap());
                assert_eq!(martin.get(&path).await.status, 200, "{include}");
            }
        }
    });
}

/// The parameters that a statement declares of a type: name and kind.
fn declared(statement: &Value, kind: &str) -> Vec<(String, String)> {
    let resources = statement["rest"][0]["resource"].as_array().unwrap();
    let resource = resources.iter().find(|resource| resource["type"] == kind).unwrap();
    let text = |parameter: &Value, name: &str| parameter[name].as_str().unwrap().to_owned();
    let parameters = resource["searchParam"].as_array().unwrap().iter();
    parameters.map(|parameter| (text(parameter, "name"), text(parameter, "type"))).collect()
}

#[test]
fn every_search_parameter_and_inclusion_of_a_generic_type_is_served() {
    block_on(async {
        let server = TestServer::start().await;
        let martin = server.professional("dr-martin").await;
        let statement = martin.get("/fhir/metadata").await.json();
        for live in live(&server, &martin).await {
            let Some(kind) = find(live.kind).and_then(|served| served.generic) else { continue };
            for (name, of) in declared(&statement, kind.name()) {
                if name.starts_with("patient") || name == "subject" {
                    continue;
                }
                let value = match of.as_str() {
                    "date" => "2026",
                    "number" | "quantity" => "1",
                    "reference" => "https://example.org/Any/x",
                    "composite" => continue,
                    _ => "x",
                };
                let path = format!("/fhir/{}?{name}={value}", kind.name());
                let answer = live.actor.get_with(&path, &[("prefer", "handling=strict")]).await;
                assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            }
            for include in find(live.kind).unwrap().included {
                let answer = live.actor.get(&format!("/fhir/{}?_include={include}", kind.name())).await;
                assert_eq!(answer.status, 200, "{include}");
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

//! Every endpoint refuses whom it must: one table over all routes, so that none comes without its
//! cases (contract §6, §8).

use std::collections::BTreeSet;

use espace::http::{DEV_ROUTES, OPERATION_ROUTES, ROUTES, resource_routes};
use espace::rules::registry::{Place, Served, find};
use reqwest::Method;

use crate::support::client::{Actor, Answer};
use crate::support::pki::pki;
use crate::support::server::TestServer;

/// What an endpoint answers to whom. `oppose` stands for the opposed person's INS, `key` for her id,
/// `id` for an id within her record.
struct Endpoint {
    method: &'static str,
    path: &'static str,
    /// How it is asked about the opposed person: what follows the path, and the form.
    query: &'static str,
    form: &'static str,
    /// To who has a certificate and no token.
    bare: &'static str,
    /// To a structure in its own name, enrolled for nothing of the kind.
    structure: &'static str,
    /// To the treating physician of somebody else, about the opposed person.
    opposed: &'static str,
}

const OPEN: &str = "200";
const LOGIN: &str = "401 login";
const FORBIDDEN: &str = "403 forbidden";
const UNKNOWN: &str = "404 not-found";
/// Parameters are FHIR, not a form.
const FORM: &str = "415 type-de-contenu";
/// The endpoint names no person.
const NOBODY: &str = "";

const fn by_certificate(method: &'static str, path: &'static str, bare: &'static str) -> Endpoint {
    Endpoint { method, path, query: "", form: "", bare, structure: bare, opposed: NOBODY }
}

/// By certificate, with a query.
const fn asked(path: &'static str, query: &'static str) -> Endpoint {
    Endpoint { method: "GET", path, query, form: "", bare: OPEN, structure: OPEN, opposed: NOBODY }
}

const fn by_id(path: &'static str, structure: &'static str) -> Endpoint {
    Endpoint { method: "GET", path, query: "", form: "", bare: LOGIN, structure, opposed: UNKNOWN }
}

const fn search(path: &'static str, query: &'static str, structure: &'static str, opposed: &'static str) -> Endpoint {
    Endpoint { method: "GET", path, query, form: "", bare: LOGIN, structure, opposed }
}

const fn search_form(
    path: &'static str,
    form: &'static str,
    structure: &'static str,
    opposed: &'static str,
) -> Endpoint {
    Endpoint { method: "POST", path, query: "", form, bare: LOGIN, structure, opposed }
}

const fn feed(path: &'static str) -> Endpoint {
    let opposed = "422 dmp-inexistant XDSUnknownPatientId";
    Endpoint { method: "POST", path, query: "", form: "", bare: LOGIN, structure: "403 non-auteur", opposed }
}

const fn patch(path: &'static str, query: &'static str, structure: &'static str, opposed: &'static str) -> Endpoint {
    Endpoint { method: "PATCH", path, query, form: "", bare: LOGIN, structure, opposed }
}

/// A patch that would be applied, were it allowed.
const SUPERSEDED: &str = r#"[{"op":"replace","path":"/status","value":"superseded"}]"#;

const ENDPOINTS: &[Endpoint] = &[
    // Nothing is read: what was sent is judged by itself.
    by_certificate("POST", "/fhir/$validate", OPEN),
    by_certificate("POST", "/fhir/{type}/$validate", OPEN),
    by_certificate("POST", "/fhir/{type}/{id}/$validate", OPEN),
    feed("/fhir"),
    feed("/fhir/"),
    search("/fhir", "?_type=Patient,Observation&_id=key", FORBIDDEN, FORBIDDEN),
    search("/fhir/", "", FORBIDDEN, FORBIDDEN),
    search_form("/fhir/_search", "_type=Practitioner", FORBIDDEN, FORBIDDEN),
    feed("/fhir/DocumentReference"),
    // The document names a person; nobody looks for her, and what is answered is what was sent.
    Endpoint {
        method: "POST",
        path: "/fhir/DocumentReference/$generate-metadata",
        query: "",
        form: "",
        bare: LOGIN,
        structure: OPEN,
        opposed: NOBODY,
    },
    by_certificate("GET", "/fhir/metadata", OPEN),
    search("/fhir/DocumentReference", "?patient.identifier=oppose&status=current", FORBIDDEN, FORBIDDEN),
    search_form("/fhir/DocumentReference/_search", "patient=Patient%2Fkey&status=current", FORBIDDEN, FORBIDDEN),
    patch("/fhir/DocumentReference", "?identifier=urn:x%7C1&patient=Patient%2Fkey", FORBIDDEN, FORBIDDEN),
    by_id("/fhir/DocumentReference/{id}", UNKNOWN),
    patch("/fhir/DocumentReference/{id}", "", FORBIDDEN, UNKNOWN),
    by_id("/fhir/DocumentReference/{id}/_history", UNKNOWN),
    by_id("/fhir/DocumentReference/{id}/_history/{version}", UNKNOWN),
    search("/fhir/List", "?patient.identifier=oppose&code=submissionset&status=current", FORBIDDEN, FORBIDDEN),
    search_form("/fhir/List/_search", "patient=Patient%2Fkey&code=folder", FORBIDDEN, FORBIDDEN),
    by_id("/fhir/List/{id}", UNKNOWN),
    by_id("/fhir/List/{id}/_history", UNKNOWN),
    by_id("/fhir/List/{id}/_history/{version}", UNKNOWN),
    by_id("/fhir/Binary/{id}", FORBIDDEN),
    by_id("/fhir/Binary/{id}/_history/1", FORBIDDEN),
    by_id("/fhir/Bundle/{id}", FORBIDDEN),
    by_id("/fhir/Bundle/{id}/_history/1", FORBIDDEN),
    search("/fhir/Patient", "?identifier=oppose", OPEN, OPEN),
    search_form("/fhir/Patient/_search", "identifier=oppose", OPEN, OPEN),
    by_id("/fhir/Patient/{id}", FORBIDDEN),
    search("/fhir/Patient/{compartment}/AuditEvent", "?date=ge2026-01-01", FORBIDDEN, FORBIDDEN),
    search("/fhir/Patient/{compartment}/DocumentReference", "?status=current", FORBIDDEN, FORBIDDEN),
    search("/fhir/Patient/{compartment}/List", "?code=folder", FORBIDDEN, FORBIDDEN),
    search("/fhir/AuditEvent", "?patient=key&date=ge2026-01-01", FORBIDDEN, FORBIDDEN),
    search_form("/fhir/AuditEvent/_search", "patient=key&date=ge2026-01-01", FORBIDDEN, FORBIDDEN),
    by_id("/fhir/AuditEvent/{id}", UNKNOWN),
    by_certificate("GET", "/fhir/openapi.json", OPEN),
    asked("/fhir/CapabilityStatement", "?status=active&_count=1"),
    by_certificate("POST", "/fhir/CapabilityStatement/_search", OPEN),
    by_certificate("GET", "/fhir/CapabilityStatement/{id}", UNKNOWN),
    asked("/fhir/CodeSystem", "?status=active&_count=1"),
    by_certificate("POST", "/fhir/CodeSystem/_search", OPEN),
    by_certificate("GET", "/fhir/CodeSystem/{id}", UNKNOWN),
    asked("/fhir/CodeSystem/$lookup", "?system=http://loinc.org&code=11502-2"),
    by_certificate("POST", "/fhir/CodeSystem/$lookup", FORM),
    asked("/fhir/CodeSystem/$validate-code", "?url=http://loinc.org&code=11502-2"),
    by_certificate("POST", "/fhir/CodeSystem/$validate-code", FORM),
    by_certificate("GET", "/fhir/CodeSystem/{id}/$validate-code", UNKNOWN),
    by_certificate("POST", "/fhir/CodeSystem/{id}/$validate-code", UNKNOWN),
    asked("/fhir/OperationDefinition", "?status=active&_count=1"),
    by_certificate("POST", "/fhir/OperationDefinition/_search", OPEN),
    by_certificate("GET", "/fhir/OperationDefinition/{id}", UNKNOWN),
    asked("/fhir/SearchParameter", "?status=active&_count=1"),
    by_certificate("POST", "/fhir/SearchParameter/_search", OPEN),
    by_certificate("GET", "/fhir/SearchParameter/{id}", UNKNOWN),
    asked("/fhir/StructureDefinition", "?status=active&_count=1"),
    by_certificate("POST", "/fhir/StructureDefinition/_search", OPEN),
    by_certificate("GET", "/fhir/StructureDefinition/{id}", UNKNOWN),
    asked("/fhir/ValueSet", "?status=active&_count=1"),
    by_certificate("POST", "/fhir/ValueSet/_search", OPEN),
    by_certificate("GET", "/fhir/ValueSet/{id}", UNKNOWN),
    asked("/fhir/ValueSet/$expand", "?url=JDV_J66-TypeCode-DMP"),
    by_certificate("POST", "/fhir/ValueSet/$expand", FORM),
    by_certificate("GET", "/fhir/ValueSet/{id}/$expand", UNKNOWN),
    by_certificate("POST", "/fhir/ValueSet/{id}/$expand", UNKNOWN),
    asked("/fhir/ValueSet/$validate-code", "?url=JDV_J66-TypeCode-DMP&system=http://loinc.org&code=11502-2"),
    by_certificate("POST", "/fhir/ValueSet/$validate-code", FORM),
    by_certificate("GET", "/fhir/ValueSet/{id}/$validate-code", UNKNOWN),
    by_certificate("POST", "/fhir/ValueSet/{id}/$validate-code", UNKNOWN),
    by_certificate("POST", "/oauth2/token", "400"),
    by_certificate("POST", "/oauth2/introspect", OPEN),
    by_certificate("GET", "/oauth2/jwks", OPEN),
    by_certificate("GET", "/.well-known/oauth-authorization-server", OPEN),
    by_certificate("GET", "/.well-known/smart-configuration", OPEN),
    by_certificate("POST", "/dev/psc/token", "400 required"),
];

/// The cases of the routes that are made of the registry: what the gate says of each type, each way.
fn endpoints() -> &'static [Endpoint] {
    static ALL: std::sync::LazyLock<Vec<Endpoint>> = std::sync::LazyLock::new(|| {
        let mut all: Vec<Endpoint> = ENDPOINTS.iter().map(|known| Endpoint { ..*known }).collect();
        for route in resource_routes() {
            let methods = route.methods.iter().filter(|method| **method != "HEAD");
            all.extend(methods.map(|method| of_registry(method, route.path.as_ref())));
        }
        all
    });
    &ALL
}

fn of_registry(method: &'static str, path: &'static str) -> Endpoint {
    let parts: Vec<&str> = path.split('/').collect();
    let kind = if path.contains("{compartment}") { parts[4] } else { parts[2] };
    let served: Option<&Served> = find(kind);
    let is_directory = served.is_none_or(|served| served.place == Place::Directory);
    let is_search = method == "POST" && path.ends_with("_search")
        || method == "GET" && parts.len() == 3
        || parts.len() == 5 && path.contains('}') && !path.contains("_history");
    let is_history = path.ends_with(&format!("{kind}/_history")) || path == "/fhir/_history";
    let reads = method == "GET" || is_search;
    let structure = match (is_directory, reads && !is_history) {
        (true, true) if is_search => OPEN,
        (true, true) => UNKNOWN,
        _ => FORBIDDEN,
    };
    // To a professional who may read measures of others: 404 by id, 403 by person.
    let by_id = reads && !is_search && !is_history && kind != "RelatedPerson";
    let opposed = match (is_directory, by_id) {
        (true, _) => NOBODY,
        (false, true) => UNKNOWN,
        (false, false) => FORBIDDEN,
    };
    let names = !is_directory && is_search && !path.contains("{compartment}");
    let (query, form) = match (names, method) {
        (true, "GET") => ("?patient=Patient/key", ""),
        (true, _) => ("", "patient=Patient%2Fkey"),
        // Criteria, for the conditional forms of a whole type.
        _ if matches!(method, "PUT" | "PATCH" | "DELETE") && parts.len() == 3 => ("?_id=x", ""),
        _ => ("", ""),
    };
    Endpoint { method, path, query, form, bare: LOGIN, structure, opposed }
}

/// Endpoints without a case. This list may only shrink.
const UNCOVERED: &[(&str, &str)] = &[];

/// Every endpoint and whether it asks for a token.
pub(crate) fn tokens_asked_for() -> impl Iterator<Item = (&'static str, &'static str, bool)> {
    endpoints().iter().map(|endpoint| (endpoint.method, endpoint.path, endpoint.bare == LOGIN))
}

#[test]
fn every_endpoint_has_its_cases() {
    let routes = OPERATION_ROUTES.iter().chain(ROUTES).chain(DEV_ROUTES).chain(resource_routes());
    let served: BTreeSet<_> =
        routes.flat_map(|route| route.methods.iter().map(|m| (*m, route.path.as_ref()))).collect();
    // HEAD is GET without a body, by the same handler: it has no outcome to compare.
    let (heads, served): (BTreeSet<_>, BTreeSet<_>) = served.into_iter().partition(|(method, _)| *method == "HEAD");
    assert!(heads.iter().all(|(_, path)| served.contains(&("GET", *path))), "{heads:?}");
    let covered: Vec<_> = endpoints().iter().map(|endpoint| (endpoint.method, endpoint.path)).collect();
    let distinct: BTreeSet<_> = covered.iter().chain(UNCOVERED).copied().collect();
    assert_eq!(distinct, served);
    assert_eq!(distinct.len(), covered.len() + UNCOVERED.len(), "each once");
}

/// The fiche of a bundle with its document in it.
fn alone(bundle: &serde_json::Value) -> serde_json::Value {
    let mut fiche = bundle["entry"][1]["resource"].clone();
    fiche.as_object_mut().unwrap().retain(|name, _| !["identifier", "meta"].contains(&name.as_str()));
    let attachment = fiche["content"][0]["attachment"].as_object_mut().unwrap();
    attachment.remove("url");
    attachment.insert("data".into(), bundle["entry"][2]["resource"]["data"].clone());
    fiche
}

/// Asks an endpoint about the opposed person.
async fn ask(server: &TestServer, actor: &Actor, endpoint: &Endpoint) -> Result<Answer, reqwest::Error> {
    let person = server.persona("oppose");
    let ins = format!("{}%7C{}", person.ins.system(), person.ins.value());
    let key = person.key.to_string();
    let name = |text: &str| text.replace("oppose", &ins).replace("key", &key);
    let id = if endpoint.path.contains("Patient") { key.clone() } else { format!("{key}-00000000000000000000000000") };
    let path = endpoint.path.replace("{id}", &id).replace("{version}", "1").replace("{compartment}", &key);
    let path = path.replace("{type}", "DocumentReference");
    let json = "application/fhir+json";
    let (kind, body) = match (endpoint.method, endpoint.path.trim_end_matches('/')) {
        ("POST", "/fhir") => (json, server.bundle("oppose", "dr-martin").to_string()),
        ("PATCH", _) => ("application/json-patch+json", SUPERSEDED.to_owned()),
        ("POST", "/fhir/DocumentReference") => (json, alone(&server.bundle("oppose", "dr-martin")).to_string()),
        (_, "/fhir/DocumentReference/$generate-metadata") => {
            (json, server.bundle("oppose", "dr-martin")["entry"][2]["resource"].to_string())
        }
        (_, path) if path.ends_with("$validate") => (json, alone(&server.bundle("oppose", "dr-martin")).to_string()),
        _ => ("application/x-www-form-urlencoded", name(endpoint.form)),
    };
    let headers: &[_] = if endpoint.method == "GET" { &[] } else { &[("content-type", kind)] };
    let body = if endpoint.method == "GET" { Vec::new() } else { body.into_bytes() };
    let method = Method::from_bytes(endpoint.method.as_bytes()).unwrap();
    actor.try_send(method, &format!("{path}{}", name(endpoint.query)), headers, body).await
}

fn told(answer: &Answer) -> String {
    if answer.text().contains("\"OperationOutcome\"") && !answer.status.is_success() {
        answer.outcome()
    } else {
        answer.status.as_u16().to_string()
    }
}

#[tokio::test]
async fn every_endpoint_refuses_whom_it_must() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    // A laboratory in its own name: no author of what is sent, in no record's care team.
    let structure = server.structure("labo").await;
    let whole = Actor::of(&server.origin, pki(), Some("cabinet"));
    for endpoint in endpoints() {
        let case = format!("{} {}", endpoint.method, endpoint.path);
        for stranger in [None, Some("autre-ca"), Some("revoked"), Some("expired")] {
            let actor = Actor::of(&server.origin, pki(), stranger);
            assert!(ask(&server, &actor, endpoint).await.is_err(), "{case}: {stranger:?}");
        }
        let person = Actor::of(&server.origin, pki(), Some("personne")).with_token(martin.token());
        assert_eq!(told(&ask(&server, &person, endpoint).await.unwrap()), "403 logiciel-inconnu", "{case}");
        assert_eq!(told(&ask(&server, &whole, endpoint).await.unwrap()), endpoint.bare, "{case}: bare");
        let answer = ask(&server, &structure, endpoint).await.unwrap();
        assert_eq!(told(&answer), endpoint.structure, "{case}: structure");
        if endpoint.opposed != NOBODY {
            let answer = ask(&server, &martin, endpoint).await.unwrap();
            assert_eq!(told(&answer), endpoint.opposed, "{case}: opposed");
            assert!(!answer.text().contains(server.persona("oppose").ins.value()), "{case}");
            assert!(answer.status != 200 || answer.matches().is_empty(), "{case}: nobody is found");
        }
    }
    assert_eq!(server.notices("oppose").await, [""; 0]);
}

#[tokio::test]
async fn every_endpoint_refuses_a_revoked_certificate_on_an_open_connection() {
    let server = TestServer::start().await;
    let token = server.professional("dr-martin").await.token().to_owned();
    let mut open = Vec::new();
    for endpoint in endpoints() {
        let actor = Actor::of(&server.origin, pki(), Some("cabinet")).with_token(&token);
        assert_eq!(actor.get("/fhir/metadata").await.status, 200);
        open.push((endpoint, actor));
    }
    let before = server.app.tls.generation();
    server.certs.write("crl.pem", pki().list_of(&["cabinet"]));
    while server.app.tls.generation() == before {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    for (endpoint, actor) in open {
        let answer = ask(&server, &actor, endpoint).await.unwrap();
        assert_eq!(told(&answer), LOGIN, "{} {}", endpoint.method, endpoint.path);
    }
}

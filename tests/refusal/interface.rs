//! The interface itself: page links, odd paths, methods, request ids, languages (contract §8).

use std::collections::BTreeSet;

use espace::http::{DEV_ROUTES, OPERATION_ROUTES, ROUTES, resource_routes};
use reqwest::Method;

use super::Watch;
use super::wire::Wire;
use crate::support::db::Db;
use crate::support::server::TestServer;

#[tokio::test]
async fn a_page_link_serves_only_whom_it_was_made_for_and_what_it_was_made_of() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    for _ in 0..2 {
        assert_eq!(martin.post("/fhir", &server.bundle("dominique", "dr-martin")).await.status, 200);
    }
    let search = "/fhir/DocumentReference?patient.identifier=urn:oid:1.2.250.1.213.1.4.10%7C279035121518989&status=current&_count=1";
    let page = martin.get(search).await;
    let link = page.json()["link"].as_array().unwrap().iter().find(|link| link["relation"] == "next").cloned();
    let next = link.unwrap()["url"].as_str().unwrap().to_owned();
    assert!(!next.contains("279035121518989"));
    assert_eq!(martin.get(&next).await.matches().len(), 1, "its owner turns the page");

    let mut watch = Watch::over(&server).await;
    let petit = server.professional("dr-petit").await;
    let cabinet = server.certificate("cabinet");
    let bound =
        cabinet.as_professional("dr-martin", &[("person_id", "153067505600148^^^&1.2.250.1.213.1.4.10&ISO^NH")]);
    let (at, token) = next.split_once('=').unwrap();
    let last = if token.ends_with('A') { "B" } else { "A" };
    let forged = format!("{at}={}{last}", token.split_at(token.len() - 1).0);
    let cases = [
        ("a colleague's", petit.get(&next).await),
        ("under another record", bound.await.get(&next).await),
        ("forged", martin.get(&forged).await),
        ("cut short", martin.get(next.split_at(next.len() - 9).0).await),
        ("empty", martin.get(&format!("{at}=")).await),
        ("made up", martin.get(&format!("{at}=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")).await),
    ];
    let mut expected = 0;
    for (case, answer) in &cases {
        assert_eq!(answer.outcome(), "400 lien-de-page", "{case}");
        expected += 1;
    }
    let traced = watch.traced().await;
    assert_eq!(traced, vec!["find-document-references 8 lien-de-page"; expected]);
    for (kind, act) in [("AuditEvent", "retrieve-audit-event"), ("Patient", "existence-test")] {
        let answer = martin.get(&next.replace("DocumentReference", kind)).await;
        watch.refused(kind, &answer, "400 lien-de-page", &format!("{act} 8 lien-de-page")).await;
    }
    let absent = petit.get(&format!("/fhir/Patient?identifier={}", super::absence::NOBODY)).await.json();
    let sealed = absent["link"][0]["url"].as_str().unwrap().split_once("_sealed=").unwrap().1.to_owned();
    assert_eq!(petit.get(&format!("{at}={sealed}")).await.outcome(), "400 lien-de-page", "a sealed INS is no page");
}

#[tokio::test]
async fn existence_tests_beyond_the_limit_are_429_for_this_structure_and_minute() {
    let change = |config: &mut espace::config::Config| config.td02.per_minute = 3;
    let server = TestServer::start_with(Db::of_this_run().await, change).await;
    let martin = server.professional("dr-martin").await;
    let path = format!("/fhir/Patient?identifier={}", super::absence::NOBODY);
    // Seven in three minutes at most: the clock of this limit is the real one.
    let mut refused = None;
    for _ in 0..7 {
        let answer = martin.get(&path).await;
        if answer.status != 200 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.unwrap();
    assert_eq!(refused.outcome(), "429 throttled");
    assert_eq!(refused.header("retry-after"), "60");
    assert_eq!(server.structure("labo").await.get(&path).await.status, 200, "another structure has its own count");
}

#[tokio::test]
async fn the_601st_existence_test_of_a_minute_is_429() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let path = format!("/fhir/Patient?identifier={}", super::absence::NOBODY);
    // Sent at once by tens: were a minute to end meanwhile, the next one has as many again.
    let mut answered = 0;
    while answered < 1_300 {
        let tests = futures_util::future::join_all((0..10).map(|_| martin.get(&path))).await;
        let refused: Vec<_> = tests.iter().filter(|answer| answer.status != 200).collect();
        answered += tests.len() - refused.len();
        if let Some(refused) = refused.first() {
            assert_eq!((refused.outcome(), refused.header("retry-after")), ("429 throttled".to_owned(), "60"));
            break;
        }
    }
    assert!((600..1_300).contains(&answered), "{answered}");
    assert_eq!(server.structure("labo").await.get(&path).await.status, 200, "another structure has its own count");
}

#[tokio::test]
async fn odd_paths_are_not_found_and_told_as_an_outcome() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let mut wire = Wire::open(&server, "cabinet").await;
    for path in [
        "/fhir/Binary/..",
        "/fhir/Binary/../Patient/28xjc43wv8efw",
        "/fhir/Binary/%2e%2e%2fPatient%2f28xjc43wv8efw",
        "/fhir/Binary/%00",
        "/fhir/Binary/%ff",
        "/fhir/Binary/%zz",
        "/fhir/Binary/a%2fb",
        "/fhir/Binary/'%20OR%201=1--",
        "/fhir/Binary/%C3%A9",
        "/fhir//Patient",
        "//fhir/Patient",
        "/fhir/patient",
        "/fhir/Patient/",
        "/fhir/Communication",
        "/fhir/Nothing/1",
        "/fhir/DocumentReference/1/2/3",
        "/FHIR/metadata",
        "/xds/registry",
        "/openapi.json",
        "/dev",
        "/",
    ] {
        let reply = wire.get(path, martin.token()).await.unwrap();
        assert_eq!(reply.status, 404, "{path}: {}", reply.body);
        assert!(
            reply.body.contains("\"OperationOutcome\"") && reply.body.contains("not-found"),
            "{path}: {}",
            reply.body
        );
        assert!(reply.head.contains("x-request-id: wire"), "{path}");
    }
}

#[tokio::test]
async fn a_method_that_a_route_does_not_have_is_405_and_names_those_it_has() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let mut watch = Watch::over(&server).await;
    for route in OPERATION_ROUTES.iter().chain(ROUTES).chain(DEV_ROUTES).chain(resource_routes()) {
        let path = route.path.replace("{id}", "28xjc43wv8efw-00000000000000000000000000").replace("{version}", "1");
        let path = path.replace("{compartment}", "28xjc43wv8efw");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            // A search's form is POSTed to its own path; GET there is a read of an id nobody has.
            if route.methods.contains(&method) {
                continue;
            }
            let answer = martin.send(Method::from_bytes(method.as_bytes()).unwrap(), &path, &[], Vec::new()).await;
            assert_eq!(answer.outcome(), "405 methode-non-permise", "{method} {path}");
            assert_eq!(answer.header("allow"), route.methods.join(", "), "{method} {path}");
        }
    }
    watch.untouched("methods").await;
}

#[tokio::test]
async fn a_request_id_is_echoed_where_it_is_one_and_made_where_it_is_not() {
    let server = TestServer::start().await;
    let labo = server.certificate("labo");
    let ask = |id: String| {
        let labo = labo.clone();
        async move { labo.get_with("/fhir/Nothing", &[("x-request-id", &id)]).await }
    };
    let answer = ask("my-request.1_A".to_owned()).await;
    assert_eq!(answer.header("x-request-id"), "my-request.1_A");
    assert!(answer.json()["issue"][0]["diagnostics"].as_str().unwrap().contains("my-request.1_A"));
    let mut made = BTreeSet::new();
    for given in ["x".repeat(500), "a b".to_owned(), "<script>".to_owned(), "279035121518989".to_owned()] {
        let answer = ask(given.clone()).await;
        let id = answer.header("x-request-id").to_owned();
        assert!(!id.is_empty() && id != given, "{given}");
        assert!(!answer.text().contains(&given), "{given}");
        made.insert(id);
    }
    made.insert(labo.get("/fhir/Nothing").await.header("x-request-id").to_owned());
    assert_eq!(made.len(), 5, "each has its own");
}

#[tokio::test]
async fn a_refusal_speaks_french_unless_english_is_asked_for() {
    let server = TestServer::start().await;
    let labo = server.certificate("labo");
    let text = |language: &'static str| {
        let labo = labo.clone();
        async move {
            let headers: &[_] = if language.is_empty() { &[] } else { &[("accept-language", language)] };
            labo.get_with("/fhir/Nothing", headers).await.json()["issue"][0]["details"]["text"].clone()
        }
    };
    for french in ["", "fr", "de", "fr-FR, en;q=0.5", "*"] {
        assert_eq!(text(french).await, "Ressource inconnue.", "{french}");
    }
    for english in ["en", "en-GB,en;q=0.9", "de, en"] {
        assert_eq!(text(english).await, "Unknown resource.", "{english}");
    }
}

#[tokio::test]
async fn searches_that_lack_what_they_must_name_or_ask_the_impossible_are_400() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let dominique = "patient=Patient/28xjc43wv8efw";
    let cases = [
        ("DocumentReference?status=current".to_owned(), "400 required patient"),
        (format!("DocumentReference?{dominique}"), "400 required status"),
        (format!("AuditEvent?{dominique}"), "400 required date"),
        ("AuditEvent?date=ge2026".to_owned(), "400 required patient"),
        ("Patient?name=x".to_owned(), "400 parametre-non-pris-en-charge name"),
        ("Patient?_id=28xjc43wv8efw".to_owned(), "400 parametre-non-pris-en-charge _id"),
        ("Patient?identifier=urn:oid:1.2.250.1.213.1.4.8%7C279035121518989".to_owned(), "400 ins-domaine patient"),
        ("Patient?identifier=urn:oid:1.2.3%7C279035121518989".to_owned(), "400 ins-domaine patient"),
        ("Patient?identifier=urn:oid:1.2.250.1.213.1.4.9%7C279035121518900".to_owned(), "400 ins-cle patient"),
        (format!("DocumentReference?{dominique}&status:nonsense=current"), "400"),
        (format!("DocumentReference?{dominique}&status=current&date=yesterday"), "400"),
        (format!("DocumentReference?{dominique}&status=current&date=xx2020"), "400"),
        (format!("DocumentReference?{dominique}&status=current&_count=many"), "400"),
        (format!("DocumentReference?{dominique}&status=current&_sort=colour"), "400"),
        (format!("DocumentReference?{dominique}&status=current&_include=everything"), "400"),
        (format!("DocumentReference?{dominique}&status=%zz"), "400 value"),
        (format!("DocumentReference?{dominique}&status=%ff"), "400 value"),
    ];
    let mut watch = Watch::over(&server).await;
    for (query, expected) in cases {
        let answer = martin.get(&format!("/fhir/{query}")).await;
        assert!(answer.outcome().starts_with(expected), "{query}: {}", answer.text());
        assert_eq!(watch.traced().await.len(), 1, "{query}");
        assert!(!answer.text().contains("279035121518989"), "{query}: {}", answer.text());
    }
    let unknown = format!("/fhir/DocumentReference?{dominique}&status=current&colour=blue");
    let strict = martin.get_with(&unknown, &[("prefer", "handling=strict")]).await;
    assert_eq!(strict.outcome(), "400 parametre-inconnu");
    let turtle = martin.get_with(&unknown, &[("accept", "text/turtle")]).await;
    assert_eq!(turtle.outcome(), "406 not-acceptable");
}

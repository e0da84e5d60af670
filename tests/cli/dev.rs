//! `espace dev` (contract §1): ready line, data kept, `--reset`, `--clock`, and `espace token` beside it.

use serde_json::Value;

use crate::support::client::Actor;
use crate::support::db::block_on;
use crate::support::pki::Pki;
use crate::support::process::{Dev, Home};

const DOMINIQUE: &str = "patient.identifier=urn:oid:1.2.250.1.213.1.4.10%7C279035121518989&status=current";

/// The token that `espace token` prints, and nothing but it.
fn token(home: &Home, server: &Dev, arguments: &str) -> String {
    let ended = home.run(&format!("token --url {} --certs certs {arguments}", server.origin));
    assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{arguments}");
    let token = ended.out.strip_suffix('\n').unwrap();
    assert_eq!(token.split('.').count(), 3, "{token}");
    assert!(token.bytes().all(|byte| byte.is_ascii_graphic()), "{token}");
    token.to_owned()
}

fn claims(token: &str) -> Value {
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64_simd::URL_SAFE_NO_PAD.decode_to_vec(claims).unwrap()).unwrap()
}

/// dr-martin with his own software.
fn martin(home: &Home, server: &Dev) -> Actor {
    let actor = Actor::of(&server.origin, &Pki::read(&home.certs()), Some("cabinet"));
    actor.with_token(&token(home, server, "--as dr-martin"))
}

fn documents(home: &Home, server: &Dev) -> usize {
    block_on(async { martin(home, server).get(&format!("/fhir/DocumentReference?{DOMINIQUE}")).await.matches().len() })
}

#[test]
fn a_second_start_keeps_the_data_and_a_reset_forgets_it_and_nothing_else() {
    let home = Home::without_pki();
    let server = home.dev("");
    assert_eq!(server.announced[0], format!("espace ready: {}/fhir", server.origin));
    assert!(server.announced[2].contains(home.certs().to_str().unwrap()), "{:?}", server.announced);
    let bundle = home.run("demo bundle");
    assert_eq!((bundle.code, bundle.err.as_str()), (0, ""));
    let published = block_on(async { martin(&home, &server).post_bytes("/fhir", bundle.out.into_bytes()).await });
    assert_eq!(published.status, 200, "{}", published.text());

    // A server that runs keeps its data, whoever asks for a reset.
    let port = server.origin.rsplit(':').next().unwrap();
    let mut other = home.command("dev --state data --certs certs --reset");
    let refused = other.env("ESPACE__SERVER__PORT", port).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("nothing was reset"), "{refused:?}");
    assert_eq!(documents(&home, &server), 1);
    assert_eq!(server.stop(), 0);

    let root = std::fs::read(home.certs().join("ca.pem")).unwrap();
    let server = home.dev("");
    assert_eq!(documents(&home, &server), 1);
    assert_eq!(server.stop(), 0);

    std::fs::write(home.state().join("notes.txt"), "mine").unwrap();
    let server = home.dev("--reset");
    assert_eq!(documents(&home, &server), 0);
    assert_eq!(std::fs::read(home.state().join("notes.txt")).unwrap(), b"mine");
    assert_eq!(std::fs::read(home.certs().join("ca.pem")).unwrap(), root);
}

#[test]
fn the_clock_starts_where_it_is_told_and_does_not_go_back_after_a_crash() {
    let home = Home::new();
    let issued = |server: &Dev| claims(&token(&home, server, "--as hopital"))["iat"].as_i64().unwrap();
    let instant = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_second();

    let server = home.dev("");
    assert!(issued(&server) >= instant("2026-11-22T10:00:00Z"));
    server.kill();

    let server = home.dev("--clock 2031-05-06T07:08:09Z");
    let before = issued(&server);
    assert!(before >= instant("2031-05-06T07:08:09Z"), "{before}");
    server.kill();

    let server = home.dev("");
    let after = issued(&server);
    assert!(after >= before, "{after} < {before}");
    assert_eq!(server.stop(), 0);

    let server = home.dev("--clock 2028-02-29T00:00:00+01:00");
    let chosen = issued(&server);
    assert!((instant("2028-02-28T23:00:00Z")..before).contains(&chosen), "{chosen}");
}

#[test]
fn tokens_are_of_whom_they_are_asked_for() {
    let home = Home::new();
    let server = home.dev("");
    let of = |arguments: &str| claims(&token(&home, &server, arguments));

    let professional = of("--as dr-martin --patient dominique --ttl 30s --purpose bris_de_glace --reason Urgence");
    assert_eq!(professional["exp"].as_i64().unwrap() - professional["iat"].as_i64().unwrap(), 30);
    let text = professional.to_string();
    assert!(text.contains("bris_de_glace") && text.contains("279035121518989"), "{text}");

    let elsewhere = of("--as dr-petit --structure hopital --scope ITI-67");
    assert_eq!(elsewhere["scope"], "ITI-67");

    let structure = of("--as hopital");
    assert!(!structure.to_string().contains("ITI-67"), "a structure in its own name does not search: {structure}");

    let patient = of("--as dominique");
    assert!(patient.to_string().contains("279035121518989"), "{patient}");
    assert!(patient["scope"].as_str().unwrap().contains("patient/"), "{patient}");
    let foreign = home.run(&format!("token --url {} --certs certs --as dominique --structure cabinet", server.origin));
    assert_eq!((foreign.code, foreign.out.as_str()), (1, ""), "{foreign:?}");
}

#[test]
fn a_search_parameter_of_the_operator_is_served_once_the_index_is_filled_anew() {
    let home = Home::new();
    let find = |home: &Home, server: &Dev, query: &str| {
        block_on(async { martin(home, server).get(&format!("/fhir/DocumentReference?{DOMINIQUE}&{query}")).await })
    };
    let server = home.dev("");
    let bundle: Value = serde_json::from_str(&home.run("demo bundle").out).unwrap();
    let title = bundle["entry"][1]["resource"]["content"][0]["attachment"]["title"].as_str().unwrap().to_owned();
    block_on(async { martin(&home, &server).post("/fhir", &bundle).await.locations() });
    let lenient = find(&home, &server, "document-title=nothing");
    assert!(lenient.text().contains("parametre-inconnu") && lenient.matches().len() == 1, "{}", lenient.text());
    assert_eq!(server.stop(), 0);

    std::fs::create_dir(home.path().join("parameters")).unwrap();
    let parameter = serde_json::json!({
        "resourceType": "SearchParameter", "url": "https://example.org/SearchParameter/document-title",
        "code": "document-title", "base": ["DocumentReference"], "type": "string",
        "expression": "DocumentReference.content.attachment.title",
    });
    std::fs::write(home.path().join("parameters/title.json"), parameter.to_string()).unwrap();
    let home = home.with("ESPACE__SEARCH__PARAMETERS", "parameters");
    let server = home.dev("");
    for (query, count) in [
        (format!("document-title:exact={}", title.replace(' ', "%20")), 1),
        (format!("document-title={}", title.split(' ').next().unwrap().to_uppercase()), 1),
        ("document-title=nothing".to_owned(), 0),
        ("document-title:missing=true".to_owned(), 0),
        ("_sort=-document-title".to_owned(), 1),
    ] {
        let found = find(&home, &server, &query);
        assert_eq!(found.matches().len(), count, "{query}: {}", found.text());
    }
    let declared = block_on(async { martin(&home, &server).get("/fhir/metadata").await.text() });
    assert!(declared.contains("document-title"), "the CapabilityStatement says so");
    assert_eq!(server.stop(), 0);

    std::fs::write(home.path().join("parameters/wrong.json"), r#"{"resourceType":"SearchParameter"}"#).unwrap();
    let refused = home.run("dev");
    assert!(refused.code == 1 && refused.err.contains("search.parameters"), "{refused:?}");
}

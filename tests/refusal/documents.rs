//! Documents that lie or attack: the answer is 422 and nothing is kept (contract §8; limits of `xml`).

use serde_json::Value;

use super::{Watch, document, provide, with_document};
use crate::support::server::TestServer;

/// A demo bundle whose document was rewritten, hash and size agreeing.
fn rewritten(server: &TestServer, change: impl FnOnce(String) -> Vec<u8>) -> Value {
    let bundle = server.bundle("dominique", "dr-martin");
    let text = String::from_utf8(document(&bundle)).unwrap();
    let changed = change(text);
    with_document(bundle, &changed)
}

const TITLE: &str = "<title>";

/// What is done to the text of a document.
type Change = Box<dyn FnOnce(String) -> Vec<u8>>;

fn with_doctype(text: &str, doctype: &str) -> Vec<u8> {
    text.replacen("<ClinicalDocument", &format!("{doctype}<ClinicalDocument"), 1).into_bytes()
}

#[tokio::test]
async fn a_document_with_a_doctype_an_entity_or_broken_xml_is_refused() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let mut watch = Watch::over(&server).await;
    let bomb = {
        let levels = (1..10).map(|n| {
            let inner = format!("&l{};", n - 1).repeat(10);
            format!("<!ENTITY l{n} \"{inner}\">")
        });
        format!("<!DOCTYPE ClinicalDocument [<!ENTITY l0 \"lol\">{}]>", levels.collect::<String>())
    };
    let cases: [(&str, Change); 12] = [
        (
            "a DTD",
            Box::new(|text| with_doctype(&text, "<!DOCTYPE ClinicalDocument SYSTEM \"http://127.0.0.1:1/x.dtd\">")),
        ),
        (
            "an external entity",
            Box::new(|text| {
                let text = text.replace(TITLE, "<title>&x;");
                with_doctype(&text, "<!DOCTYPE ClinicalDocument [<!ENTITY x SYSTEM \"file:///etc/hostname\">]>")
            }),
        ),
        ("an entity bomb", Box::new(move |text| with_doctype(&text.replace(TITLE, "<title>&l9;"), &bomb))),
        ("an entity of nobody", Box::new(|text| text.replace(TITLE, "<title>&x;").into_bytes())),
        ("a NUL in its text", Box::new(|text| text.replace(TITLE, "<title>\0").into_bytes())),
        ("a NUL by its number", Box::new(|text| text.replace(TITLE, "<title>&#0;").into_bytes())),
        (
            "text that is not UTF-8",
            Box::new(|text| {
                let at = text.find(TITLE).unwrap() + TITLE.len();
                let mut bytes = text.into_bytes();
                bytes.insert(at, 0xff);
                bytes
            }),
        ),
        ("a header cut short", Box::new(|text| text.into_bytes()[..600].to_vec())),
        ("elements that cross", Box::new(|text| text.replace("</recordTarget>", "</author>").into_bytes())),
        ("another root", Box::new(|_| b"<html/>".to_vec())),
        ("no XML", Box::new(|_| b"%PDF-1.4".to_vec())),
        (
            "elements ten thousand deep",
            Box::new(|text| {
                text.replace(TITLE, &format!("{}{}<title>", "<a>".repeat(10_000), "</a>".repeat(10_000))).into_bytes()
            }),
        ),
    ];
    for (case, change) in cases {
        let answer = martin.post("/fhir", &rewritten(&server, change)).await;
        let told = "422 document-illisible XDSRepositoryMetadataError Bundle.entry[1].resource.content[0].attachment";
        watch.refused(case, &answer, told, &provide(8, "document-illisible")).await;
        assert!(!answer.text().contains("root:"), "{case}");
    }
}

#[tokio::test]
async fn junk_in_base64_is_refused_at_its_place() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let mut watch = Watch::over(&server).await;
    for junk in ["!!!!", "AAAAA", "AA=A", "A===", "QUJD\u{0}REVG", "été", "QQ==QQ=="] {
        let mut bundle = server.bundle("dominique", "dr-martin");
        bundle["entry"][2]["resource"]["data"] = junk.into();
        let answer = martin.post("/fhir", &bundle).await;
        let told = "422 document-illisible XDSRepositoryMetadataError Bundle.entry[2].resource.data";
        watch.refused(junk, &answer, told, &provide(8, "document-illisible")).await;
    }
    for not_text in [Value::from(7), Value::Null, serde_json::json!([]), serde_json::json!({}), Value::from("")] {
        let mut bundle = server.bundle("dominique", "dr-martin");
        bundle["entry"][2]["resource"]["data"] = not_text.clone();
        let answer = martin.post("/fhir", &bundle).await;
        assert!(answer.status == 422 || answer.status == 400, "{not_text}: {}", answer.text());
    }
}

#[tokio::test]
async fn ds_20_a_document_of_another_person_is_refused() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let mut watch = Watch::over(&server).await;
    let (own, other) = ("279035121518989", server.persona("cree-mail").ins.value().to_owned());
    let bundle = rewritten(&server, |text| {
        assert!(text.contains(own));
        text.replace(own, &other).into_bytes()
    });
    let answer = martin.post("/fhir", &bundle).await;
    let told = "422 identite-differente XDSPatientIdDoesNotMatch";
    watch.refused("another INS", &answer, told, &provide(8, "identite-differente")).await;
    assert!(!answer.text().contains(own) && !answer.text().contains(&other), "the refusal names nobody");
}

#[tokio::test]
async fn a_nul_in_the_metadata_is_refused() {
    let server = TestServer::start().await;
    let martin = server.professional("dr-martin").await;
    let mut watch = Watch::over(&server).await;
    let mut bundle = server.bundle("dominique", "dr-martin");
    bundle["entry"][1]["resource"]["description"] = "a\u{0}b".into();
    let answer = martin.post("/fhir", &bundle).await;
    let code = answer.json()["issue"][0]["details"]["coding"][0]["code"].as_str().unwrap().to_owned();
    assert!(["type-de-donnee", "structure"].contains(&code.as_str()), "{}", answer.text());
    let (status, severity) = if code == "structure" { (400, 8) } else { (422, 4) };
    watch.refused("NUL", &answer, &format!("{status} {code}"), &provide(severity, &code)).await;
}

//! Documents cut out of a body while it streams: the same whatever the chunks, and never fooled.

use espace::error::{Code, Error};
use espace::fhir::bundle::{BodyLimits, BodyStream, Shape, Sink, marked_item, marker};
use espace::ids::ElementPath;
use espace::store::blob::{BlobReader, Stage};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Vault, noise};

/// Keeps every document whole.
#[derive(Debug, Default, PartialEq)]
struct Kept {
    documents: Vec<(usize, Vec<u8>)>,
    complete: usize,
}

impl Sink for Kept {
    fn begin(&mut self, n: usize) -> Result<(), Error> {
        self.documents.push((n, Vec::new()));
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        assert!(!bytes.is_empty() && bytes.len() <= 65_536);
        self.documents.last_mut().unwrap().1.extend_from_slice(bytes);
        Ok(())
    }

    fn end(&mut self) -> Result<(), Error> {
        self.complete += 1;
        Ok(())
    }
}

fn read(shape: Shape, chunks: &[&[u8]]) -> Result<(Vec<u8>, Kept), Error> {
    let mut stream = BodyStream::new(shape, Kept::default(), BodyLimits::default());
    for chunk in chunks {
        stream.feed(chunk)?;
    }
    stream.finish()
}

fn bundle(text: &str) -> Result<(Vec<u8>, Kept), Error> {
    read(Shape::Bundle, &[text.as_bytes()])
}

/// The bundle whose one entry is the resource `text`.
fn of(resource: &str) -> String {
    format!(r#"{{"entry":[{{"resource":{resource}}}]}}"#)
}

#[track_caller]
fn cut(resource: &str, rest: &str, document: &[u8]) {
    let (json, kept) = bundle(&of(resource)).unwrap();
    assert_eq!(String::from_utf8(json).unwrap(), of(rest));
    assert_eq!(kept, Kept { documents: vec![(0, document.to_vec())], complete: 1 });
}

#[track_caller]
fn refused(text: &str, code: Code) {
    let error = bundle(text).unwrap_err();
    assert_eq!(error.code(), code, "{text}");
    let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
    assert_eq!(read(Shape::Bundle, &bytes).unwrap_err().code(), code, "{text}, byte by byte");
    let path = (code == Code::Document).then_some("Bundle.entry[0].resource.data");
    assert_eq!(error.issues()[0].path.as_ref().map(ElementPath::as_str), path);
}

#[test]
fn a_document_is_cut_wherever_the_resource_says_its_type() {
    cut(r#"{"resourceType":"Binary","data":"QUJD"}"#, r##"{"resourceType":"Binary","data":"#data:0"}"##, b"ABC");
    cut(r#"{"data":"QUI=","resourceType":"Binary"}"#, r##"{"data":"#data:0","resourceType":"Binary"}"##, b"AB");
    cut(r#"{ "data" : "QQ==" }"#, r##"{ "data" : "#data:0" }"##, b"A");
}

#[test]
fn white_space_and_escapes_within_a_document_are_understood() {
    for text in [r"QU\n JD\r\n\t", r"\u0051\u0055J\u0044", r" Q U J D ", r"QU\fJD\u000a\u0020"] {
        cut(&format!(r#"{{"data":"{text}"}}"#), r##"{"data":"#data:0"}"##, b"ABC");
    }
    cut(r#"{"data":"\/\/+\u002B"}"#, r##"{"data":"#data:0"}"##, &[0xff, 0xff, 0xbe]);
    let lines: Vec<String> = noise(5_000).chunks(57).map(|line| base64_simd::STANDARD.encode_to_string(line)).collect();
    cut(&format!(r#"{{"data":"{}"}}"#, lines.join(r"\r\n")), r##"{"data":"#data:0"}"##, &noise(5_000));
}

#[test]
fn a_key_in_escapes_is_the_same_key() {
    cut(r#"{"\u0064at\u0061":"QUJD"}"#, r##"{"\u0064at\u0061":"#data:0"}"##, b"ABC");
    let text = r#"{"\u0065ntry":[{"r\u0065source":{"data":"QUJD"}}]}"#;
    assert_eq!(bundle(text).unwrap().1.documents.len(), 1);
    // A long key is another key, wherever the reader stops to look at it.
    for length in 100..140 {
        let text = format!(r#"{{"{}\"\"":[{{"resource":{{"data":"QUJD"}}}}]}}"#, "e".repeat(length));
        assert_eq!(bundle(&text).unwrap().0, text.as_bytes());
    }
}

#[test]
fn a_marker_sent_by_a_client_is_base64_or_mere_text() {
    refused(&of(r##"{"data":"#data:0"}"##), Code::Document);
    for elsewhere in [
        r##"{"entry":[{"data":"#data:0"}],"data":"#data:0"}"##,
        r##"{"entry":[{"resource":{"contained":[{"data":"#data:0"}],"x":{"data":"#data:0"}}}]}"##,
        r##"{"entry":[{"resource":[{"data":"#data:0"}]}]}"##,
        r##"{"entry":[{"request":{"data":"#data:0"}},[{"resource":{"data":"#data:0"}}]]}"##,
        r##"{"entry":{"resource":{"data":"#data:0"}}}"##,
        r##"{"x":[{"resource":{"data":"#data:0"}}],"y":{"entry":[{"resource":{"data":"#data:0"}}]}}"##,
        r#"{"entry":[{"resource":{"data":["QUJD"],"_data":"QUJD","datax":"QUJD","":"data"}}]}"#,
    ] {
        let (json, kept) = bundle(elsewhere).unwrap();
        assert_eq!(String::from_utf8(json).unwrap(), elsewhere);
        assert_eq!(kept, Kept::default());
    }
}

#[test]
fn a_marker_names_its_item_and_nothing_else_does() {
    assert_eq!(marked_item(&marker(12)), Some(12));
    for text in ["", "#data:", "#data:+1", "#data:01", "#data:1 ", "data:1", "#data:99999999999999999999999"] {
        assert_eq!(marked_item(text), None, "{text}");
    }
}

#[test]
fn each_entry_has_its_own_document() {
    let text = r#"{"entry":[{"resource":{"data":"QQ=="}},7,{"fullUrl":"u"},{"resource":{"data":"QUI="}}]}"#;
    let (json, kept) = bundle(text).unwrap();
    assert_eq!(kept.documents, [(0, b"A".to_vec()), (3, b"AB".to_vec())]);
    assert_eq!(serde_json::from_slice::<Value>(&json).unwrap()["entry"][3]["resource"]["data"], "#data:3");
}

#[test]
fn the_other_bodies_that_carry_documents_are_cut_alike() {
    for (shape, text) in [
        (Shape::DocumentReference, r#"{"content":[{"attachment":{"data":"QUJD","size":3}}]}"#),
        (Shape::Parameters, r#"{"parameter":[{"name":"document","resource":{"data":"QUJD"}}]}"#),
        (Shape::Parameters, r#"{"resourceType":"Binary","data":"QUJD"}"#),
        (Shape::Communication, r#"{"payload":[{"contentAttachment":{"data":"QUJD","size":3}}]}"#),
    ] {
        let (json, kept) = read(shape, &[text.as_bytes()]).unwrap();
        assert_eq!(String::from_utf8(json).unwrap(), text.replace("QUJD", "#data:0"));
        assert_eq!(kept.documents, [(0, b"ABC".to_vec())]);
        assert!(bundle(text).unwrap().1.documents.is_empty());
    }
}

#[test]
fn what_is_not_base64_is_an_unreadable_document() {
    for data in
        ["", " ", "QUJ", "Q", "QQ=", "QQ", "QQ==QUJD", "QQ== QQ", "Q===", "====", "QUJ-", "QUé=", r"\b", r"QU\u20acJ"]
    {
        refused(&of(&format!(r#"{{"data":"{data}"}}"#)), Code::Document);
    }
    refused(&of(r#"{"data":"QUJD\"x"}"#), Code::Document);
    refused(&of(r#"{"data":"QU\\JD"}"#), Code::Document);
    refused(&of(&format!(r#"{{"data":"{}=QUJD"}}"#, "QUJD".repeat(40_000))), Code::Document);
    // Padding just before the decoder's buffer is full, and more after it.
    refused(&of(&format!(r#"{{"data":"{}QQ==QUJD"}}"#, "QUJD".repeat(16_383))), Code::Document);
}

#[test]
fn malformed_json_is_refused() {
    for text in [
        "",
        " ",
        "[]",
        "7",
        r#""x""#,
        "{",
        r#"{"a""#,
        r#"{"a":"#,
        r#"{"a":1"#,
        r#"{"a":1}}"#,
        r#"{"a":1}x"#,
        r#"{"a":[1,]"#,
        "{]",
        r#"{"a":[}"#,
        r#"{"a" 1}"#,
        r#"{"a":1 2}"#,
        "{1:2}",
        r#"{"a":,}"#,
        r#"{"a":'x'}"#,
        r"{,}",
        r#"{"a":1,}"#,
        r#"{"a":[1]]"#,
        r#"{"a":[1}}"#,
        "\u{feff}{}",
        r#"{"a":]}"#,
        r#"{"\x64ata":1}"#,
    ] {
        assert!(serde_json::from_str::<Value>(text).is_err() || !text.starts_with('{'), "{text}");
        refused(text, Code::Structure);
    }
    for data in ["QUJD\n", "QU\u{0}JD", r"QU\xJD", r"QU\u00g0", r"QUJD"] {
        refused(&of(&format!(r#"{{"data":"{data}"#)).replace("}}]}", ""), Code::Structure);
    }
}

#[test]
fn a_key_repeated_on_the_way_to_a_document_is_refused() {
    refused(&of(r#"{"data":"QUJD","data":"QUJD"}"#), Code::Structure);
    refused(&of(r#"{"data":7,"d\u0061ta":"QUJD"}"#), Code::Structure);
    refused(r#"{"entry":[{"resource":{},"resource":{"data":"QUJD"}}]}"#, Code::Structure);
    refused(r#"{"entry":[],"entry":[{"resource":{"data":"QUJD"}}]}"#, Code::Structure);
}

#[test]
fn nesting_is_followed_to_128_levels() {
    let nested = |levels: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(levels - 1), "]".repeat(levels - 1));
    assert!(bundle(&nested(128)).is_ok());
    refused(&nested(129), Code::Structure);
}

#[test]
fn only_the_documents_may_be_large() {
    let limits = BodyLimits { rest: 60, documents: 2, items: 9 };
    let with = |text: &str| {
        let mut stream = BodyStream::new(Shape::Bundle, Kept::default(), limits);
        stream.feed(text.as_bytes()).and_then(|()| stream.finish()).map(|(json, _)| json.len()).map_err(|e| e.code())
    };
    assert_eq!(with(&of(&format!(r#"{{"data":"{}"}}"#, "QUJD".repeat(100_000)))), Ok(43));
    assert_eq!(with(&of(&format!(r#"{{"date":"{}"}}"#, "QUJD".repeat(10)))), Err(Code::TooLarge));
    assert_eq!(with(&format!("{}{}", of("{}"), " ".repeat(60))), Err(Code::TooLarge));
    let limits = BodyLimits { rest: 4_000, documents: 2, items: 9 };
    let many = |count: usize| {
        let text = format!(r#"{{"entry":[{}]}}"#, vec![r#"{"resource":{"data":"QQ=="}}"#; count].join(","));
        BodyStream::new(Shape::Bundle, Kept::default(), limits).feed(text.as_bytes()).map_err(|e| e.code())
    };
    assert_eq!(many(2), Ok(()));
    assert_eq!(many(3), Err(Code::TooLarge));
    let bare = |count: usize| {
        let text = format!(r#"{{"entry":[{}]}}"#, vec!["{}"; count].join(","));
        BodyStream::new(Shape::Bundle, Kept::default(), limits).feed(text.as_bytes()).map_err(|e| e.code())
    };
    assert_eq!((bare(9), bare(10)), (Ok(()), Err(Code::TooLarge)), "entries without a document too");
}

#[test]
fn nothing_is_taken_after_an_error_and_debug_shows_no_body() {
    let mut stream = BodyStream::new(Shape::Bundle, Kept::default(), BodyLimits::default());
    stream.feed(br#"{"name":"Dupont","#).unwrap();
    assert!(!format!("{stream:?}").contains("Dupont"));
    assert!(stream.feed(b"}").is_err());
    assert_eq!(stream.feed(br#""a":1}"#).unwrap_err().code(), Code::Structure);
    assert!(stream.finish().is_err());
}

/// A sink that stages, as the operation does.
struct Staging<'a> {
    vault: &'a Vault,
    stages: Vec<Stage>,
}

impl Sink for Staging<'_> {
    fn begin(&mut self, n: usize) -> Result<(), Error> {
        self.stages.push(self.vault.stage(u128::try_from(n).unwrap()));
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.stages.last_mut().unwrap().write(bytes)
    }

    fn end(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

#[tokio::test]
async fn documents_go_from_the_body_to_the_store_and_back() {
    let vault = Vault::new();
    let documents = [noise(10), noise(700_000), noise(100_000)];
    let entry = |bytes: &Vec<u8>| json!({"resource": {"data": base64_simd::STANDARD.encode_to_string(bytes)}});
    let text = json!({"entry": documents.iter().map(entry).collect::<Vec<_>>()}).to_string();
    let sink = Staging { vault: &vault, stages: Vec::new() };
    let mut stream = BodyStream::new(Shape::Bundle, sink, BodyLimits::default());
    for chunk in text.as_bytes().chunks(16_384) {
        stream.feed(chunk).unwrap();
        if let Some(stage) = stream.sink_mut().stages.last_mut() {
            stage.spill().await.unwrap();
        }
    }
    let (_, sink) = stream.finish().unwrap();
    for (stage, document) in sink.stages.into_iter().zip(documents) {
        let staged = stage.finish(&vault.keys).await.unwrap();
        let (blob, guard) = staged.into_blob(espace::ids::PatientKey::from_bits(1), "text/plain");
        let reader = BlobReader::new(blob, &vault.folder, &vault.keys).unwrap();
        assert!(reader.whole().await.unwrap() == document);
        guard.discard().await.unwrap();
    }
    assert!(vault.files().is_empty());
}

/// Any JSON value, with the words that matter among its keys.
fn value() -> impl Strategy<Value = Value> {
    let word = prop_oneof!["entry|resource|data|content|a", "\\PC{0,4}"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((word.clone(), inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn entry() -> impl Strategy<Value = (Value, Option<Vec<u8>>)> {
    let document = prop::option::of(prop::collection::vec(any::<u8>(), 1..300));
    (value(), document, any::<bool>()).prop_map(|(other, document, first)| {
        let Some(bytes) = document else { return (json!({"resource": {"x": other}}), None) };
        let data = base64_simd::STANDARD.encode_to_string(&bytes);
        let resource = if first { json!({"data": data, "x": other}) } else { json!({"x": other, "data": data}) };
        (json!({"a": {"entry": [{"resource": {"data": "#data:0"}}]}, "resource": resource}), Some(bytes))
    })
}

/// `text` in pieces cut at `cuts`.
fn split<'a>(text: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
    at.extend([0, text.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect()
}

proptest! {
    #[test]
    fn any_split_of_a_bundle_gives_what_the_whole_gives(
        entries in prop::collection::vec(entry(), 0..5),
        pretty in any::<bool>(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let mut expected = json!({"resourceType": "Bundle", "entry": entries.iter().map(|(entry, _)| entry).collect::<Vec<_>>()});
        let text = if pretty { serde_json::to_vec_pretty(&expected) } else { serde_json::to_vec(&expected) }.unwrap();
        let mut documents = Vec::new();
        for (n, (_, document)) in entries.into_iter().enumerate() {
            if let Some(bytes) = document {
                expected["entry"][n]["resource"]["data"] = marker(n).into();
                documents.push((n, bytes));
            }
        }
        let whole = read(Shape::Bundle, &[&text]).unwrap();
        prop_assert_eq!(&whole, &read(Shape::Bundle, &split(&text, &cuts)).unwrap());
        prop_assert_eq!(whole.1.complete, documents.len());
        prop_assert_eq!(whole.1.documents, documents);
        prop_assert_eq!(serde_json::from_slice::<Value>(&whole.0).unwrap(), expected);
    }

    #[test]
    fn json_without_documents_comes_through_to_the_byte(
        members in prop::collection::vec(("[a-d]{1,3}", value()), 0..4),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let text = serde_json::to_vec(&Value::Object(members.into_iter().collect())).unwrap();
        let (json, kept) = read(Shape::Bundle, &split(&text, &cuts)).unwrap();
        prop_assert_eq!(json, text);
        prop_assert_eq!(kept, Kept::default());
    }

    #[test]
    fn soup_of_tokens_is_accepted_or_refused_the_same_in_any_chunks(
        tokens in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"entry\"", "\"resource\"", "\"data\"", "\"QUJD\"", "\"QQ==\"", "\"Q", "\"", "\\", "u0041",
            "1", "-", "null", " ", "\n", "=", "é", r#"{"entry":[{"resource":{"data":""#, r#""}}]}"#,
        ]), 0..30),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let text = tokens.concat();
        let whole = bundle(&text).map_err(|e| e.code());
        let parts = read(Shape::Bundle, &split(text.as_bytes(), &cuts)).map_err(|e| e.code());
        prop_assert_eq!(&whole, &parts);
        // Cutting never turns what no parser reads into JSON.
        if let Ok((json, _)) = whole && serde_json::from_slice::<Value>(&json).is_ok() {
            prop_assert!(serde_json::from_str::<Value>(&text).is_ok(), "{}", text);
        }
    }

    #[test]
    fn random_bytes_never_panic(
        head in prop::sample::select(vec!["", "{", r#"{"entry":[{"resource":{"data":""#, r#"{"entry":[{"resource":{"data":"QUJDRE\"#]),
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
    ) {
        let text = [head.as_bytes(), &bytes].concat();
        let whole = read(Shape::Bundle, &[&text]).map_err(|e| e.code());
        let parts = read(Shape::Bundle, &split(&text, &cuts)).map_err(|e| e.code());
        prop_assert_eq!(whole, parts);
    }
}

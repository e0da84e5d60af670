//! JSON is read strictly and written back as it came (contract §8: malformed, duplicate, deep, truncated).

use std::collections::BTreeMap;

use espace::error::{Code, Error};
use espace::fhir::codec::json;
use proptest::prelude::*;
use serde_json::{Map, Number, Value};

fn rule_of(text: &[u8]) -> String {
    let error: Error = json::parse(text).expect_err("refused");
    assert_eq!(error.code(), Code::Structure);
    error.issues()[0].rule.clone().expect("a rule").into_owned()
}

#[test]
fn numbers_and_key_order_come_back_as_they_were() {
    for text in [
        r#"{"z":1.10,"a":-0,"m":1E5,"e":1e+05,"f":0.00,"big":123456789012345678901234567890.0}"#,
        r#"[true,false,null,"","é𝄞",{},[]]"#,
        r#"{"$serde_json::private::Number":"12","$serde_json::private::RawValue":"x"}"#,
    ] {
        assert_eq!(String::from_utf8(json::bytes(&json::parse(text.as_bytes()).unwrap())).unwrap(), text);
    }
}

#[test]
fn escapes_are_read_and_surrogates_paired() {
    let value = json::parse(br#""\u00e9\ud834\udd1e\n\/\"""#).unwrap();
    assert_eq!(value, Value::String("é𝄞\n/\"".to_owned()));
    for lone in [&br#""\ud834""#[..], br#""\udd1e""#, br#""\ud834\u0041""#] {
        assert_eq!(rule_of(lone), "json: lone surrogate");
    }
}

#[test]
fn each_malformation_is_refused_under_its_own_rule() {
    for (text, rule) in [
        (&b"{\"a\":1,\"a\":2}"[..], "json: duplicate key"),
        (b"{\"a\":1,\"\\u0061\":2}", "json: duplicate key"),
        (b"{\"a\":[{\"b\":1,\"b\":1}]}", "json: duplicate key"),
        (b"{\"a\":\"\xff\"}", "json: invalid UTF-8"),
        (b"{\"a\":1", "json: truncated"),
        (b"{\"a\":\"1", "json: truncated"),
        (b"", "json: truncated"),
        (b"tru", "json: unexpected character"),
        (b"{} x", "json: content after the value"),
        (b"{}{}", "json: content after the value"),
        (b"[1,]", "json: unexpected character"),
        (b"{\"a\":1,}", "json: unexpected character"),
        (b"[01]", "json: unexpected character"),
        (b"[1.]", "json: unexpected character"),
        (b"[+1]", "json: unexpected character"),
        (b"[NaN]", "json: unexpected character"),
        (b"\"a\tb\"", "json: control character in a string"),
        (b"\"\\x\"", "json: unexpected character"),
        (b"\"\\u00g0\"", "json: malformed escape"),
        (b"\xef\xbb\xbf{}", "json: unexpected character"),
    ] {
        assert_eq!(rule_of(text), rule, "{}", String::from_utf8_lossy(text));
    }
}

#[test]
fn nesting_is_read_to_128_levels_and_ten_thousand_are_refused() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(json::parse(nested(128).as_bytes()).is_ok());
    assert_eq!(rule_of(nested(129).as_bytes()), "json: nested too deeply");
    assert_eq!(rule_of("{\"a\":".repeat(10_000).as_bytes()), "json: nested too deeply");
    assert_eq!(rule_of("[".repeat(10_000_000).as_bytes()), "json: nested too deeply");
}

#[test]
fn a_refusal_never_quotes_what_was_sent() {
    let error = json::parse(br#"{"nom":"SECRET","nom":"SECRET"}"#).unwrap_err();
    assert!(!format!("{error:?} {error}").contains("SECRET") && !format!("{error:?}").contains("nom"));
}

fn values() -> impl Strategy<Value = Value> {
    let number = "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number.prop_map(|text| Value::Number(text.parse::<Number>().expect("a JSON number"))),
        any::<String>().prop_map(Value::String),
    ];
    leaf.prop_recursive(6, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|map: BTreeMap<_, _>| Value::Object(map.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back_the_same(value in values()) {
        let written = json::bytes(&value);
        let read = json::parse(&written).expect("our own output is read");
        prop_assert_eq!(&read, &value);
        prop_assert_eq!(json::bytes(&read), written);
    }

    #[test]
    fn any_octets_are_read_or_refused_but_never_panic(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        let ours = json::parse(&octets).is_ok();
        // Whatever we accept, the reference parser accepts as well.
        prop_assert!(!ours || serde_json::from_slice::<serde_json::Value>(&octets).is_ok());
    }

    #[test]
    fn broken_json_is_refused_where_the_reference_parser_refuses(value in values(), cut in any::<prop::sample::Index>()) {
        let mut written = json::bytes(&value);
        let cut = cut.index(written.len());
        written.truncate(cut);
        prop_assert_eq!(json::parse(&written).is_ok(), serde_json::from_slice::<Value>(&written).is_ok());
    }
}

//! FHIRPath from whoever means no good: nothing panics, nothing runs for ever (FHIRPath N1; house rules §5).

use espace::fhir::path::{Environment, EvaluationError, FUNCTIONS, Query};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Pieces that expressions are made of, and some that they are not.
const PIECES: [&str; 64] = [
    "name",
    "given",
    "value",
    "extension",
    "Patient",
    "System.Integer",
    "$this",
    "$index",
    "$total",
    "%resource",
    "%`ext-x`",
    "%ucum",
    "1",
    "0",
    "2.50",
    "-1",
    "'a'",
    "'\\u0041'",
    "'\\",
    "`b c`",
    "@2026",
    "@2026-02-30",
    "@2026-01-01T10:00:00+01:00",
    "@T10:30",
    "4 days",
    "3 'mg'",
    "true",
    "{}",
    "(",
    ")",
    "[",
    "]",
    ".",
    ",",
    "|",
    "+",
    "-",
    "*",
    "/",
    "&",
    "=",
    "!=",
    "~",
    "!~",
    "<",
    ">=",
    " is ",
    " as ",
    " in ",
    " contains ",
    " and ",
    " or ",
    " xor ",
    " implies ",
    " div ",
    " mod ",
    ".where(",
    ".select($this",
    ".repeat(children())",
    ".descendants()",
    ".matches('(a+)+')",
    "/*",
    "//",
    "é",
];

fn patient() -> Value {
    json!({
        "resourceType": "Patient", "active": true, "birthDate": "1979-03", "multipleBirthInteger": 2,
        "name": [{"family": "A", "given": ["B", "C"]}, {"_family": {"extension": [{"url": "u", "valueString": "x"}]}}],
        "extension": [{"url": "u", "valueQuantity": {"value": 1.5, "code": "mg", "system": "http://unitsofmeasure.org"}}],
        "contained": [{"resourceType": "Organization", "id": "o"}], "managingOrganization": {"reference": "#o"},
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_written_is_read_or_refused_and_never_panics(
        pieces in prop::collection::vec(0..PIECES.len(), 0..14)
    ) {
        let text: String = pieces.into_iter().map(|piece| PIECES[piece]).collect();
        if let Ok(query) = Query::compile(&text) {
            let again = Query::compile(&query.to_string());
            prop_assert_eq!(again.as_ref(), Ok(&query), "{}", text);
            let patient = patient();
            for is_strict in [false, true] {
                let environment = Environment::of(&patient).with_steps(20_000);
                let environment = if is_strict { environment.strict() } else { environment };
                drop(query.run(&environment, &patient, None));
            }
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
        drop(Query::compile(&text));
    }
}

#[test]
fn every_function_meets_every_kind_of_value_without_panic() {
    let inputs = [
        "{}",
        "1",
        "2147483648",
        "-9223372036854775807",
        "1.50",
        "'é'",
        "''",
        "true",
        "@2026",
        "@2026-12-31T23:59:59.999-12:00",
        "@T23:59",
        "1 'mg'",
        "1 year",
        "name",
        "name.given",
        "birthDate",
        "extension.value",
        "$this",
        "1.type()",
    ];
    let arguments = ["1", "-1", "9223372036854775807", "0.5", "'a'", "''", "{}", "$this", "name", "@2026", "1 'h'"];
    let patient = patient();
    for (function, least, most) in FUNCTIONS {
        for input in inputs {
            for argument in arguments {
                for count in *least..=(*most).min(2) {
                    let given = vec![argument; count].join(", ");
                    let text = format!("({input}).{function}({given})");
                    let query = Query::compile(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
                    drop(query.run(&Environment::of(&patient).with_steps(10_000), &patient, None));
                }
            }
        }
    }
    for operator in
        ["+", "-", "*", "/", "div", "mod", "&", "|", "=", "~", "<", ">=", "in", "contains", "and", "implies"]
    {
        for left in inputs {
            for right in inputs {
                let query = Query::compile(&format!("({left}) {operator} ({right})")).unwrap();
                drop(query.run(&Environment::of(&patient).with_steps(10_000), &patient, None));
            }
        }
    }
}

#[test]
fn what_never_ends_or_grows_without_bound_is_stopped() {
    let wide: Vec<Value> = (0..3_000).map(|number| json!({"linkId": number.to_string(), "prefix": "x"})).collect();
    let wide = json!({"resourceType": "Questionnaire", "item": wide});
    let grown = (0..30).fold("'ab'".to_owned(), |text, _| format!("{text}.select($this & $this)"));
    for expression in [
        "1.repeat($this + 1)",
        "(1 | 2).repeat($this.toString() + 'x')",
        "item.select(%resource.item.select(%resource.item.linkId))",
        "item.where(%resource.item.where(linkId = '7').exists()).where(%resource.item.linkId contains 'x')",
        "item.select(%resource.item).select(%resource.descendants())",
        "item.linkId.aggregate($total & %resource.item.linkId.join(','), '')",
        "item.combine(%resource.item).combine(%resource.item).intersect(%resource.item)",
        grown.as_str(),
        "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'.select($this.replace('a', $this).replace('a', $this).replace('a', $this))",
    ] {
        let found = Query::compile(expression).unwrap().run(&Environment::of(&wide), &wide, None);
        assert_eq!(found.err(), Some(EvaluationError::TooLong), "{expression}");
    }
    let patterns =
        [format!("(a{{1000}}){{{}}}", 1000), "(".repeat(2000), "a".repeat(5000), "[a".to_owned(), "\\9".to_owned()];
    for pattern in patterns {
        let text = format!("'aaa'.matches('{}')", pattern.replace('\\', "\\\\"));
        let found = Query::compile(&text).unwrap().evaluate(&wide);
        assert_eq!(found.err(), Some(EvaluationError::Pattern), "{} characters", text.len());
    }
}

#[test]
fn a_tree_as_high_as_is_read_needs_no_deep_stack() {
    let rows = [
        format!("1{}", " + 1".repeat(248)),
        format!("$this{}", ".children()".repeat(248)),
        format!("name{}", "[0]".repeat(248)),
        format!("{}1{}", "(".repeat(39), ")".repeat(39)),
        format!("{}true{}", "iif(true, ".repeat(39), ")".repeat(39)),
        format!("{}name{}", "name.where(".repeat(39), ")".repeat(39)),
        format!("{}1", "-".repeat(39)),
    ];
    let patient = patient();
    for text in rows {
        let query = Query::compile(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        drop(query.evaluate(&patient));
        drop(query.to_string());
    }
    for text in
        [format!("1{}", " + 1".repeat(300)), "(".repeat(60), "-".repeat(60), "name".to_owned() + &".a".repeat(300)]
    {
        assert!(Query::compile(&text).is_err());
    }
    assert!(Query::compile(&" ".repeat(40_000)).is_err());
}

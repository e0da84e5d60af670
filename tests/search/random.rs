//! Whatever a client sends, reading ends in a search or in issues.

use espace::fhir::path::Expression;
use espace::fhir::search::page::Sealer;
use espace::fhir::search::{Parameter, index, of, parse};
use proptest::prelude::*;

use super::{NAMING, options};

fn names() -> impl Strategy<Value = String> {
    let known: Vec<String> = ["DocumentReference", "Observation", "Resource"]
        .into_iter()
        .flat_map(of)
        .map(|parameter: &Parameter| parameter.code.to_owned())
        .chain(
            ["_sort", "_count", "_include", "_elements", "_has", "_page", "_list", "_text", "_revinclude"]
                .map(str::to_owned),
        )
        .collect();
    let suffix = prop_oneof![
        Just(String::new()),
        proptest::sample::select(vec![
            ":missing",
            ".identifier",
            ":text",
            ":of-type",
            ":in",
            ":not-in",
            ":above",
            ":below",
            ":not",
            ":iterate",
        ])
        .prop_map(str::to_owned),
        "[:.]?\\PC{0,6}",
    ];
    let link = proptest::sample::select(vec![
        "",
        "",
        "",
        "relatesto.",
        "author:PractitionerRole.",
        "_has:List:item:",
        "_has:Observation:derived-from:",
        "performer.",
    ]);
    let linked = (proptest::collection::vec(link, 0..7), proptest::sample::select(known), suffix);
    prop_oneof![linked.prop_map(|(links, name, suffix)| links.concat() + &name + &suffix), "\\PC{0,12}"]
}

fn values() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,20}",
        "(eq|ne|gt|ge|lt|le|sa|eb|ap)?[0-9T:.Z+-]{0,30}",
        "[a-z0-9|,$\\\\/:.é]{0,20}",
        "-?[0-9]{0,40}(\\.[0-9]{0,40})?(e-?[0-9]{0,12})?",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parse_never_panics(pairs in proptest::collection::vec((names(), values()), 0..6), strict in any::<bool>()) {
        for kind in ["DocumentReference", "Observation", "Patient", "Nothing"] {
            if let Ok(search) = parse(kind, &pairs, &options(strict)) {
                prop_assert!(search.applied.len() <= pairs.len());
            }
        }
    }

    #[test]
    fn index_never_panics_on_odd_dates_and_codes(text in "\\PC{0,40}", number in any::<f64>()) {
        let resource = serde_json::json!({
            "resourceType": "Observation", "code": { "coding": [{ "system": text, "code": text }] }, "status": text,
            "effectivePeriod": { "start": text, "end": text }, "valueQuantity": { "value": number }, "subject": { "reference": text }
        });
        prop_assert!(index(&resource, &NAMING).iter().all(|entry| entry.value.len() <= 255));
    }

    #[test]
    fn expressions_and_page_links_never_panic(text in "\\PC{0,40}") {
        let _ = Expression::compile(&text);
        prop_assert!(Sealer::new(&[1; 32]).unwrap().open(&text, "List", "c").is_err());
    }
}

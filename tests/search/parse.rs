//! Queries: what is applied, warned of and refused (contract §8 rows on searches, pains 2, 3).

use espace::error::{Code, Issue};
use espace::fhir::search::{Match, Sort, Summary, Term, Total, find, index};
use serde_json::json;

use super::{NAMING, is_found, read};

fn refused(query: &str, strict: bool) -> Issue {
    let issues = read("DocumentReference", query, strict).expect_err(query);
    issues.into_iter().next().unwrap()
}

#[test]
fn both_forms_of_a_reference_have_one_plan() {
    let terms = |query: &str| read("List", query, true).unwrap().terms;
    let relative = terms("item=DocumentReference/d1");
    assert_eq!(terms("item:DocumentReference=d1"), relative);
    assert_eq!(terms("item=https://localhost:8443/fhir/DocumentReference/d1"), relative);
    assert_eq!(terms("item=DocumentReference/d1/_history/3"), relative);
    let organization = read("DocumentReference", "custodian=Organization/o", true).unwrap().terms;
    assert_eq!(read("DocumentReference", "custodian=o", true).unwrap().terms, organization);
}

#[test]
fn ored_values_are_one_list_however_many() {
    for count in [1_usize, 2, 11, 100] {
        let values: Vec<_> = (0..count).map(|number| format!("http://loinc.org|{number}")).collect();
        let search = read("DocumentReference", &format!("type={}", values.join(",")), true).unwrap();
        let [Term::Index { any_of, negated: false, .. }] = search.terms.as_slice() else { panic!("{count}: one term") };
        assert_eq!(any_of.len(), count);
        assert!(any_of.iter().all(|wanted| matches!(wanted, Match::Exact(_))));
    }
}

#[test]
fn repeated_values_and_terms_are_asked_once() {
    let search = read("DocumentReference", "type=b,a,b&type=a,b", true).unwrap();
    assert_eq!(search.terms.len(), 1);
    assert_eq!(search.applied.len(), 2);
}

#[test]
fn an_unknown_name_is_ignored_with_the_nearest_valid_one_or_refused_under_strict() {
    let search = read("DocumentReference", "statut=current&type=x", false).unwrap();
    assert_eq!(search.applied, [("type".to_owned(), "x".to_owned())]);
    assert!(!search.has("statut") && search.has("type"));
    let [warning] = search.warnings.as_slice() else { panic!("one warning") };
    assert!(warning.is_warning && warning.code == Code::UnknownParameter);
    assert_eq!(warning.detail.as_deref(), Some("statut → status"));
    assert_eq!(refused("statut=current", true).code, Code::UnknownParameter);
}

/// What no search honours.
const REFUSED: &[&str] = &[
    "type:in=x",
    "type:above=x",
    "type=",
    "type=a|b|c",
    "type=|",
    "date:exact=2026",
    "description:below=x",
    "description:exact=",
    "description:contains=-",
    "isArchived=perhaps",
    "isArchived:exact=true",
    "description=",
    "custodian=Organization?x=y",
    "related=42",
    "status:missing=perhaps",
    "relationship=a$b$c",
    "relationship:missing=1",
    "_id=é",
    "_id:exact=a",
    "_lastUpdated=soon",
    "_has:Provenance:target:recorded=soon",
    "_has:Provenance:nothing:agent=x",
    "_has:Provenance:target:nothing=x",
    "_has:List:item:patient=x",
    "_has:List:source:code=folder",
    "_has:List:item=x",
    "_list=$current-problems",
    "_list:not=x",
    "_text=,",
    "_content=-",
    "_text:exact=x",
    "type:of-type=a|b|c",
    "identifier:of-type=a|b",
    "type:in=https://nowhere.example/ValueSet/x",
    "type:not-in=x",
    "type:below=http://loinc.org|11488-4",
    "type:below=11488-4",
    "custodian:below=Practitioner/x",
    "author:below=https://example.org/x",
    "_filter=x",
    "_revinclude=*",
    "_revinclude=Provenance:agent",
    "_revinclude=List:item:Patient",
    "_revinclude:exact=List:item",
    "_include=Nothing:*",
    "_include:up=DocumentReference:relatesto",
    "_include=List:item",
    "_include=DocumentReference:type",
    "_include=DocumentReference:custodian:Patient",
    "_sort=date,-date",
    "_sort=_text",
    "_sort=patient",
    "_sort=relationship",
    "_sort=relatesto",
    "_sort=-relation",
    "_sort=date,type,status,creation,period,format,setting,facility,event,category,language",
    "_sort=date,",
    "_sort=date&_sort=creation",
    "_sort=",
    "_count=-1",
    "_count=ten",
    "_count=1&_count=2",
    "_total=some",
    "_summary=all",
    "_contained=true",
    "_pretty=maybe",
    "_query=x",
    "author.given:below=x",
    "author:Patient.name.given=x",
    "author:Encounter.status=x",
    "author:Practitioner.nothing=x",
    "related.status=x",
    "subject:Patient.name=x",
    "type.code=x",
];

#[test]
fn a_known_name_that_cannot_be_honoured_is_always_refused_by_name() {
    for query in REFUSED {
        for strict in [false, true] {
            let issue = refused(query, strict);
            assert_eq!((issue.code, issue.is_warning), (Code::UnsupportedParameter, false), "{query}");
            let name = query.rsplit('&').next().unwrap().split('=').next().unwrap();
            assert_eq!(issue.detail.as_deref(), Some(name), "{query}");
        }
    }
}

#[test]
fn a_name_that_may_hold_somebodys_number_is_not_shown() {
    let search = read("DocumentReference", "279035121518989=x&patient%279=x", false).unwrap();
    assert!(search.warnings.iter().all(|warning| warning.detail.as_deref() == Some("***")));
}

#[test]
fn a_system_on_status_is_tolerated_unless_strict() {
    let query = "status=http://hl7.org/fhir/document-reference-status|current";
    let search = read("DocumentReference", query, false).unwrap();
    assert_eq!(search.terms, read("DocumentReference", "status=current", true).unwrap().terms);
    assert_eq!(search.warnings.len(), 1);
    assert_eq!(refused(query, true).rule.as_deref(), Some("MHD ITI-67"));
}

#[test]
fn parameters_that_shape_the_answer_are_read() {
    let query = "_sort=-creation&_count=5000&_total=accurate&_summary=data&_elements=type,DocumentReference.status\
                 &_format=json&_pretty=true&_include=DocumentReference:subject:Patient&_page=opaque&_id=b,a&_contained=false";
    let search = read("DocumentReference", query, true).unwrap();
    let creation = find("DocumentReference", "creation").map(|parameter| parameter.number);
    assert_eq!(search.sort, [Sort { parameter: creation, descending: true }]);
    assert_eq!(search.count, Some(100));
    assert_eq!((search.total, search.summary), (Total::Accurate, Summary::Data));
    assert_eq!(search.elements, ["type", "status"]);
    assert_eq!((search.format.as_deref(), search.pretty, search.page.as_deref()), (Some("json"), true, Some("opaque")));
    assert_eq!(search.includes[0].parameters[0].code, "subject");
    assert_eq!(search.includes[0].target.as_deref(), Some("Patient"));
    assert_eq!(search.terms, [Term::Id(vec!["a".to_owned(), "b".to_owned()])]);
    assert!(search.applied.iter().all(|(name, _)| name != "_page"));
    assert!(read("List", "_count=0", true).unwrap().wants_total_only());
    assert!(read("List", "_summary=count", true).unwrap().wants_total_only());
    assert_eq!(
        read("List", "_sort=-date,_lastUpdated", true).unwrap().sort,
        [
            Sort { parameter: find("List", "date").map(|parameter| parameter.number), descending: true },
            Sort { parameter: None, descending: false }
        ]
    );
}

#[test]
fn escapes_keep_separators_within_a_value() {
    let search = read("DocumentReference", r"identifier=a\,b,s\|t|c\$d", true).unwrap();
    let found = |system: &str, value: &str| {
        let fiche = json!({
            "resourceType": "DocumentReference",
            "identifier": [{ "system": system, "value": value }],
        });
        is_found(&index(&fiche, &NAMING), &search)
    };
    assert!(found("whatever", "a,b") && found("s|t", "c$d"));
    assert!(!found("whatever", "a") && !found("s", "t|c$d") && !found("t", "c$d") && !found("s|t", "c"));
}

#[test]
fn more_values_than_one_search_may_ask_for_are_too_costly() {
    let values = vec!["a"; 501].join(",");
    assert_eq!(refused(&format!("type={values}"), false).code, Code::TooCostly);
}

#[test]
fn ds_42_whoever_does_not_ask_for_what_is_archived_is_known() {
    for (query, wanted) in [
        ("status=current", false),
        ("isArchived=true", true),
        ("isArchived=false", false),
        ("isArchived=true,false", true),
        ("isArchived:not=true", false),
        ("isArchived:not=false", true),
        ("isArchived:missing=true", false),
    ] {
        for kind in ["DocumentReference", "List"] {
            let search = read(kind, query, true).unwrap();
            assert_eq!(search.wants_archived(), wanted, "{kind}?{query}");
            assert!(!search.names_one_by_one(), "{query}");
        }
    }
    assert!(read("DocumentReference", "identifier=x", true).unwrap().names_one_by_one());
    let never = read("DocumentReference", "isArchived:not=true,false", true).unwrap();
    assert_eq!(never.terms, [Term::Id(Vec::new())], "neither archived nor not: nothing");
}

#[test]
fn the_identifiers_asked_for_are_told_apart_from_the_rest() {
    let search = read("DocumentReference", "identifier=a,urn:s|b&identifier=c&status=current&identifier:not=d", true);
    let terms = search.unwrap().identifier_terms();
    assert_eq!(terms.len(), 2, "each that must hold, and none that must not");
    let alone = |query: &str| read("DocumentReference", query, true).unwrap().identifier_terms();
    assert!(alone("identifier:missing=false").is_empty() && alone("status=current").is_empty());
    assert_eq!(alone("identifier=c"), terms[1..]);
}

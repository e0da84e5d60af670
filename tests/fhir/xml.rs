//! FHIR XML is read and written by the definitions, and nothing is lost on the way (R4 `xml.html`, `json.html`).

use std::fmt::Write as _;

use espace::error::{Code, Error};
use espace::fhir::codec::xml::{Layout, read, write};
use espace::fhir::codec::{Syntax, json};
use proptest::prelude::*;
use serde_json::{Map, Number, Value, json};

use super::examples;

/// A resource with everything in which the two forms differ.
const PATIENT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<Patient xmlns="http://hl7.org/fhir" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://hl7.org/fhir ../patient.xsd">
  <!-- a comment -->
  <id value="p1"/>
  <meta><lastUpdated value="2026-01-01T00:00:00.10Z"/></meta>
  <text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">A &lt; <b class='x'>B</b>&#233;<!-- c --><br/></div></text>
  <contained><Organization><id value="o"/><name value="H&#10;ôpital &amp; &quot;Cie&quot;"/></Organization></contained>
  <extension id="e" url="urn:x"><valueDecimal value="1.50"/></extension>
  <active id="a" value="true"/>
  <name>
    <given id="g" value="Ann"/>
    <given><extension url="urn:y"><valueBoolean value="false"/></extension></given>
    <given value="Lou"/>
  </name>
  <birthDate><extension url="urn:z"><valueCode value="unknown"/></extension></birthDate>
  <multipleBirthInteger value="2"/>
</Patient>"#;

fn patient() -> Value {
    json!({
        "resourceType": "Patient",
        "id": "p1",
        "meta": { "lastUpdated": "2026-01-01T00:00:00.10Z" },
        "text": {
            "status": "generated",
            "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">A &lt; <b class='x'>B</b>&#233;<!-- c --><br/></div>",
        },
        "contained": [{ "resourceType": "Organization", "id": "o", "name": "H\nôpital & \"Cie\"" }],
        "extension": [{ "id": "e", "url": "urn:x", "valueDecimal": number("1.50") }],
        "active": true,
        "_active": { "id": "a" },
        "name": [{
            "given": ["Ann", null, "Lou"],
            "_given": [{ "id": "g" }, { "extension": [{ "url": "urn:y", "valueBoolean": false }] }, null],
        }],
        "_birthDate": { "extension": [{ "url": "urn:z", "valueCode": "unknown" }] },
        "multipleBirthInteger": number("2"),
    })
}

fn number(text: &str) -> Number {
    json::parse(text.as_bytes()).unwrap().as_number().unwrap().clone()
}

fn patient_of(inside: &str) -> String {
    format!("<Patient xmlns=\"http://hl7.org/fhir\">{inside}</Patient>")
}

fn again(resource: &Value) -> Value {
    let dense = write(resource, Layout::Dense).unwrap();
    let read_back = read(dense.as_bytes()).unwrap();
    let indented = write(resource, Layout::Indented).unwrap();
    assert_eq!(read(indented.as_bytes()).unwrap(), read_back, "white space says nothing");
    read_back
}

#[test]
fn every_difference_of_the_two_forms_is_bridged_both_ways() {
    let resource = read(PATIENT.as_bytes()).unwrap();
    assert_eq!(resource, patient());
    assert_eq!(resource.as_object().unwrap().keys().next().unwrap(), "resourceType");
    assert_eq!(again(&resource), resource);
    let dense = write(&resource, Layout::Dense).unwrap();
    let (_, xml) = dense.split_once('\n').unwrap();
    assert!(xml.starts_with(r#"<Patient xmlns="http://hl7.org/fhir"><id value="p1"/><meta><lastUpdated "#), "{xml}");
    for piece in [
        r#"<extension id="e" url="urn:x"><valueDecimal value="1.50"/></extension><active id="a" value="true"/>"#,
        r#"<given id="g" value="Ann"/><given><extension url="urn:y"><valueBoolean value="false"/></extension></given>"#,
        r#"<name value="H&#10;ôpital &amp; &quot;Cie&quot;"/>"#,
        r#"<div xmlns="http://www.w3.org/1999/xhtml">A &lt; <b class='x'>B</b>&#233;<!-- c --><br/></div>"#,
    ] {
        assert!(xml.contains(piece), "{piece} in {xml}");
    }
    assert_eq!(write(&resource, Layout::Indented).unwrap().lines().nth(2), Some("  <id value=\"p1\"/>"));
}

#[test]
fn members_in_any_order_are_written_in_that_of_the_definitions() {
    let shuffled = json!({
        "birthDate": "2000", "_gender": { "id": "x" }, "name": [{ "given": ["A"], "family": "B" }],
        "resourceType": "Patient", "gender": "female", "id": "1", "active": false,
    });
    let dense = write(&shuffled, Layout::Dense).unwrap();
    let expected = r#"<id value="1"/><active value="false"/><name><family value="B"/><given value="A"/></name><gender id="x" value="female"/><birthDate value="2000"/>"#;
    assert_eq!(dense.lines().nth(1).unwrap(), patient_of(expected));
    assert_eq!(again(&shuffled), shuffled);
}

#[test]
fn prefixes_are_read_like_a_default_namespace_and_narratives_stand_by_themselves() {
    let prefixed = r#"<f:Patient xmlns:f="http://hl7.org/fhir" xmlns="http://www.w3.org/1999/xhtml">
        <f:text><f:status value="generated"/><div>x</div></f:text><f:active value="true"/></f:Patient>"#;
    let expected = json!({
        "resourceType": "Patient",
        "text": { "status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>" },
        "active": true,
    });
    assert_eq!(read(prefixed.as_bytes()).unwrap(), expected);
    let named = r#"<text><status value="generated"/><h:div xmlns:h="http://www.w3.org/1999/xhtml">x</h:div></text>"#;
    assert_eq!(refused(&patient_of(named)), "element Patient.text.div namespace prefix of the narrative");
    let with_bom = format!("\u{feff}{}", patient_of("<active value='true'/>"));
    assert_eq!(read(with_bom.as_bytes()).unwrap()["active"], true);
    let narrative = |before: &str| {
        let div = r#"<div xmlns="http://www.w3.org/1999/xhtml">é</div>"#;
        format!("{before}{}", patient_of(&format!("<text><status value='generated'/>{div}</text>")))
    };
    let plain = read(narrative("").as_bytes()).unwrap();
    assert_eq!(read(narrative("\u{feff}").as_bytes()).unwrap(), plain, "a byte order mark moves nothing");
    let html = json!({
        "resourceType": "Patient",
        "text": { "status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">a&nbsp;b</div>" },
    });
    let xml = write(&html, Layout::Dense).unwrap();
    assert!(xml.contains("a\u{a0}b"), "a name of HTML would need a DTD: {xml}");
}

/// `code path what` of a refusal, the octet left out.
fn refused(text: &str) -> String {
    let error: Error = read(text.as_bytes()).expect_err(text);
    let issue = &error.issues()[0];
    let path = issue.path.as_ref().map(|path| path.as_str()).unwrap_or_default();
    let detail = issue.detail.as_deref().unwrap_or_default();
    assert!(detail.contains("octet ") || error.code() == Code::TooLarge, "{text}: the place is told");
    match error.code() {
        Code::Element => format!("element {path} {}", detail.trim_start_matches('(').split(", octet").next().unwrap()),
        _ => issue.rule.as_deref().unwrap_or_default().to_owned(),
    }
}

#[test]
fn what_is_no_resource_is_refused_with_its_place() {
    for (inside, expected) in [
        ("<name/>", "element Patient.name[0] empty"),
        ("<active/>", "element Patient.active empty"),
        ("<unknown value='1'/>", "element Patient unknown element"),
        ("<name><given value='a'/><given/></name>", "element Patient.name[0].given[1] empty"),
        ("<name><x value='1'/></name>", "element Patient.name[0] unknown element"),
        ("<gender value='male'/><active value='true'/>", "element Patient order of elements"),
        ("<name><given value='a'/><family value='b'/></name>", "element Patient.name[0] order of elements"),
        ("<active value='true'/><id value='1'/>", "element Patient order of elements"),
        ("<active value='true'/><active value='true'/>", "element Patient element twice"),
        (
            "<name><text value='a'/></name><gender value='male'/><name><text value='b'/></name>",
            "element Patient order of elements",
        ),
        ("<deceasedBoolean value='true'/><deceasedDateTime value='2020'/>", "element Patient element twice"),
        ("<active xmlns='' value='true'/>", "element Patient.active namespace"),
        ("<active xmlns='urn:hl7-org:v3' value='true'/>", "element Patient.active namespace"),
        ("<text><status value='empty'/><div>x</div></text>", "element Patient.text.div namespace"),
        ("<active value='true' other='x'/>", "element Patient.active attribute"),
        ("<name value='x'/>", "element Patient.name[0] attribute"),
        ("<name url='x'/>", "element Patient.name[0] attribute"),
        ("<extension><url value='x'/></extension>", "element Patient.extension[0] unknown element"),
        ("<name><id value='x'/></name>", "element Patient.name[0] unknown element"),
        ("<active value='true'>yes</active>", "element Patient.active text"),
        ("x", "element Patient text"),
        ("<contained/>", "element Patient.contained[0] empty"),
        ("<contained><Nothing/></contained>", "element Patient.contained[0] resource type"),
        (
            "<contained><Patient><id value='1'/></Patient><Patient><id value='2'/></Patient></contained>",
            "element Patient.contained[0] element twice",
        ),
        ("<contained><Patient xmlns='urn:hl7-org:v3'/></contained>", "element Patient.contained[0] namespace"),
        ("<active value='&nbsp;'/>", "xml: entities are refused"),
        ("<active value='true'", "xml: not well-formed"),
        ("<active value='true'></name>", "xml: not well-formed"),
        ("<active value='true' value='true'/>", "xml: duplicate attribute"),
        ("<f:active value='true'/>", "xml: undeclared namespace prefix"),
    ] {
        assert_eq!(refused(&patient_of(inside)), expected, "{inside}");
    }
    for (text, expected) in [
        ("", "xml: truncated"),
        ("<Patient xmlns='http://hl7.org/fhir'><active value='true'/>", "xml: truncated"),
        ("{}", "xml: not well-formed"),
        ("<Patient/>", "xml: not in the namespace of FHIR"),
        ("<Patient xmlns='urn:hl7-org:v3'/>", "xml: not in the namespace of FHIR"),
        ("<Nothing xmlns='http://hl7.org/fhir'/>", "element  resource type"),
        ("<HumanName xmlns='http://hl7.org/fhir'/>", "element  resource type"),
        ("<!DOCTYPE Patient []><Patient xmlns='http://hl7.org/fhir'/>", "xml: DOCTYPE is refused"),
        ("<Patient xmlns='http://hl7.org/fhir'/><Patient/>", "xml: not well-formed"),
        ("<Patient xmlns='http://hl7.org/fhir' id='1'/>", "element Patient attribute"),
    ] {
        assert_eq!(refused(text), expected, "{text}");
    }
    let position = read(patient_of("<active value='true'/><id value='1'/>").as_bytes()).expect_err("order");
    assert_eq!(position.issues()[0].detail.as_deref(), Some("(order of elements, octet 59)"));
}

#[test]
fn nesting_is_bounded_as_in_json() {
    let nested = |levels: usize| {
        let mut inside = String::new();
        (0..levels).for_each(|_| inside.push_str("<extension url='urn:x'>"));
        inside.push_str("<valueCode value='a'/>");
        (0..levels).for_each(|_| inside.push_str("</extension>"));
        patient_of(&inside)
    };
    let deep = read(nested(63).as_bytes()).unwrap();
    assert!(json::parse(&json::bytes(&deep)).is_ok(), "what was read can be kept");
    assert_eq!(refused(&nested(64)), "xml: nested too deep");
    assert_eq!(refused(&nested(10_000)), "xml: nested too deep");
}

#[test]
fn a_value_of_another_type_stays_what_it_was_for_validation_to_tell() {
    let wrong = patient_of("<active value='yes'/><multipleBirthInteger value='01'/>");
    let resource = read(wrong.as_bytes()).unwrap();
    assert_eq!(resource["active"], "yes");
    assert_eq!(resource["multipleBirthInteger"], "01");
    let issues = espace::fhir::validate::structural(&resource);
    let paths: Vec<_> = issues.iter().map(|issue| issue.path.as_ref().unwrap().as_str()).collect();
    assert_eq!(paths, ["Patient.active", "Patient.multipleBirth"]);
}

#[test]
fn what_no_definition_knows_is_not_written() {
    for unknown in [
        json!({ "resourceType": "Nothing" }),
        json!({ "id": "1" }),
        json!([]),
        json!({ "resourceType": "Patient", "secret": 1 }),
        json!({ "resourceType": "Patient", "active": {} }),
        json!({ "resourceType": "Patient", "name": "x" }),
        json!({ "resourceType": "Patient", "contained": [{ "id": "x" }] }),
        json!({ "resourceType": "Patient", "name": [{ "_id": { "id": "x" } }] }),
    ] {
        assert_eq!(write(&unknown, Layout::Dense).expect_err("refused").code(), Code::NotAcceptable, "{unknown}");
    }
}

#[test]
fn both_forms_are_read_by_one_door() {
    let xml = espace::fhir::codec::read(Syntax::Xml, PATIENT.as_bytes()).unwrap();
    assert_eq!(espace::fhir::codec::read(Syntax::Json, &json::bytes(&xml)).unwrap(), xml);
}

/// The examples that come back otherwise, each with its reason; there is none.
const EXCEPTIONS: [&str; 0] = [];

#[test]
fn every_published_example_comes_back_from_xml_as_it_was() {
    let Some(files) = examples::files() else { return };
    let faults = |files: &[std::path::PathBuf]| -> String {
        let mut told = String::new();
        for file in files {
            let name = file.file_name().unwrap().to_str().unwrap();
            let Ok(resource) = json::parse(&std::fs::read(file).unwrap()) else { continue };
            let xml = write(&resource, Layout::Dense);
            let found = xml.and_then(|xml| read(xml.as_bytes()));
            let is_same = found.as_ref().is_ok_and(|found| *found == resource);
            if is_same == EXCEPTIONS.contains(&name) {
                writeln!(told, "{name}: {:?}", found.map(|_| "another").map_err(|error| error.issues().to_vec()))
                    .unwrap();
            }
        }
        told
    };
    let (first, second) = files.split_at(files.len() / 2);
    let told = std::thread::scope(|scope| {
        let other = scope.spawn(|| faults(second));
        faults(first) + &other.join().unwrap()
    });
    assert!(told.is_empty(), "{told}");
}

/// Texts of all that XML can carry in an attribute.
fn text() -> impl Strategy<Value = String> {
    proptest::string::string_regex("[ -~\\t\\n\\ré€𝄞<>&\"']{1,24}").unwrap()
}

fn extension() -> impl Strategy<Value = Value> {
    let decimal =
        proptest::string::string_regex("-?(0|[1-9][0-9]{0,8})(\\.[0-9]{1,6})?([eE][+-]?[0-9]{1,2})?").unwrap();
    let leaf = prop_oneof![
        (text(), text()).prop_map(|(url, value)| json!({ "url": url, "valueString": value })),
        (text(), decimal).prop_map(|(url, value)| json!({ "url": url, "valueDecimal": number(&value) })),
        (text(), any::<bool>()).prop_map(|(url, value)| json!({ "url": url, "valueBoolean": value })),
        (text(), text()).prop_map(|(url, id)| json!({ "url": url, "_valueUri": { "id": id } })),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        (text(), proptest::collection::vec(inner, 1..3))
            .prop_map(|(url, parts)| json!({ "url": url, "extension": parts }))
    })
}

/// A list of primitives, each with a value, with something beside it, or with both.
fn strings(name: &'static str) -> impl Strategy<Value = Map<String, Value>> {
    let beside = || proptest::collection::vec(extension(), 1..3).prop_map(|parts| json!({ "extension": parts }));
    let item = prop_oneof![
        text().prop_map(|value| (Value::from(value), Value::Null)),
        beside().prop_map(|beside| (Value::Null, beside)),
        (text(), beside()).prop_map(|(value, beside)| (Value::from(value), beside)),
    ];
    proptest::collection::vec(item, 1..4).prop_map(move |items| {
        let (values, besides): (Vec<_>, Vec<_>) = items.into_iter().unzip();
        let mut members = Map::new();
        for (name, list) in [(name.to_owned(), values), (format!("_{name}"), besides)] {
            if list.iter().any(|item| !item.is_null()) {
                members.insert(name, Value::Array(list));
            }
        }
        members
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_resource_comes_back_from_xml_as_it_was(
        given in strings("given"),
        extensions in proptest::collection::vec(extension(), 0..3),
        family in text(),
    ) {
        let mut name = given;
        name.insert("family".to_owned(), family.into());
        let mut patient = json!({ "resourceType": "Patient", "name": [name] });
        if !extensions.is_empty() {
            patient["extension"] = extensions.into();
        }
        let bundle = json!({ "resourceType": "Bundle", "type": "collection", "entry": [{ "resource": patient }] });
        prop_assert_eq!(again(&bundle), bundle);
    }

    #[test]
    fn any_bytes_are_read_or_refused_and_nothing_else(
        before in "[ -~]{0,8}",
        inside in "(<(/?(name|given|id|f:x|div|contained|Patient)( value='[a-z&;#0-9]{0,4}')?/?)>|&[a-z#0-9]{0,3};?|<!--|-->|[ -~é]){0,12}",
    ) {
        let _ = read(before.as_bytes());
        let _ = read(patient_of(&inside).as_bytes());
    }
}

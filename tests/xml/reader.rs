//! Documents that are as they should be.

use espace::xml::{Event, Limits, Namespace, Reader, Writer, check};
use proptest::prelude::*;

fn first_element(text: &str) -> (Namespace, String) {
    let mut reader = Reader::new(text.as_bytes(), Limits::HEADER);
    let Ok(Event::Start(element)) = reader.next_event() else { panic!("no element") };
    (element.namespace, element.name().to_owned())
}

#[test]
fn a_namespace_is_the_same_by_default_and_by_prefix() {
    let expected = (Namespace::Hl7V3, String::from("a"));
    assert_eq!(first_element("<a xmlns='urn:hl7-org:v3'/>"), expected);
    assert_eq!(first_element("<c:a xmlns:c='urn:hl7-org:v3'/>"), expected);
    assert_eq!(first_element("\u{feff}<?xml version='1.0'?><?pi?><!-- c --><a xmlns='urn:hl7-org:v3'/>"), expected);
    assert_eq!(first_element("<a/>"), (Namespace::None, String::from("a")));
}

#[test]
fn a_namespace_ends_with_the_element_that_declares_it() {
    let text = "<a xmlns='urn:hl7-org:v3'><b xmlns='http://hl7.org/fhir'/><b/><b xmlns=''/></a>";
    let mut reader = Reader::new(text.as_bytes(), Limits::HEADER);
    assert!(matches!(reader.next_event(), Ok(Event::Start(_))));
    let mut seen = Vec::new();
    reader
        .children(|_, child| {
            seen.push(child.namespace);
            Ok::<(), espace::xml::Error>(())
        })
        .unwrap();
    assert_eq!(seen, [Namespace::Fhir, Namespace::Hl7V3, Namespace::None]);
}

#[test]
fn a_text_comes_whole_whatever_its_pieces() {
    let text = "<a>x &amp; <!-- no --><![CDATA[<y>]]>&#233;\r\n<b>not this</b>z</a>";
    let mut reader = Reader::new(text.as_bytes(), Limits::HEADER);
    assert!(matches!(reader.next_event(), Ok(Event::Start(_))));
    assert_eq!(reader.text().unwrap(), "x & <y>é\nz");
    assert!(matches!(reader.next_event(), Ok(Event::Eof)));
}

#[test]
fn what_a_visitor_leaves_unread_is_skipped() {
    let text = "<a><b><c><d>1</d></c></b><e f='2'/></a>";
    let mut reader = Reader::new(text.as_bytes(), Limits::HEADER);
    assert!(matches!(reader.next_event(), Ok(Event::Start(_))));
    let mut names = Vec::new();
    reader
        .children(|reader, child| {
            names.push(format!("{}{:?}", child.name(), child.attribute("f")?));
            if child.name() == "b" {
                // Half of the child is read, the rest is left.
                assert!(matches!(reader.next_event()?, Event::Start(_)));
            }
            Ok::<(), espace::xml::Error>(())
        })
        .unwrap();
    assert_eq!(names, ["bNone", "eSome(\"2\")"]);
    assert!(matches!(reader.next_event(), Ok(Event::Eof)));
}

proptest! {
    #[test]
    fn what_is_written_reads_back(text in "\\PC{0,40}", value in any::<String>()) {
        let mut writer = Writer::document();
        writer.start("a").attribute("v", &value).leaf("b", &text);
        let written = writer.finish();
        let mut reader = Reader::new(written.as_bytes(), Limits::HEADER);
        let Ok(Event::Start(element)) = reader.next_event() else { panic!("no element") };
        let expected: String = value.chars().map(|c| match c {
            '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
            other => other,
        }).collect();
        prop_assert_eq!(element.attribute("v").unwrap(), Some(expected));
        prop_assert!(matches!(reader.next_event(), Ok(Event::Start(_))));
        prop_assert_eq!(reader.text().unwrap(), text);
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = check(&bytes, Limits::HEADER);
    }

    #[test]
    fn random_markup_never_panics(text in "[<>&;/!?a-c:='\"\\[\\]\\-# xmlnsDOCTYPE]{0,120}") {
        let _ = check(text.as_bytes(), Limits::HEADER);
    }
}

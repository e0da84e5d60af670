//! What is no CDA, or a CDA that wants something.

use espace::cda::{Content, Error, compose, probe, read_header};
use espace::error::{Code, Issue};
use espace::xml::{self, Kind};
use proptest::prelude::*;

use super::builders::header;

fn kind(bytes: &[u8]) -> Kind {
    match read_header(bytes).unwrap_err() {
        Error::Xml(xml::Error { kind, .. }) => kind,
        other => panic!("{other}"),
    }
}

#[test]
fn a_document_with_a_doctype_is_refused_before_anything_is_read() {
    let text = compose(&header(), &Content::Sections(&[]));
    let bad = text.replacen("<ClinicalDocument", "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><ClinicalDocument", 1);
    assert_eq!(kind(bad.as_bytes()), Kind::Doctype);
    assert!(probe(bad.as_bytes()).is_err());
}

#[test]
fn an_entity_in_the_body_is_found_by_the_probe() {
    let text = compose(&header(), &Content::Sections(&[]));
    let bad = text.replace("<structuredBody/>", "<structuredBody>&xxe;</structuredBody>");
    assert!(read_header(bad.as_bytes()).is_ok());
    assert!(matches!(probe(bad.as_bytes()), Err(Error::Xml(xml::Error { kind: Kind::Entity, .. }))));
}

#[test]
fn another_namespace_is_not_cda() {
    for text in ["<ClinicalDocument/>", "<ClinicalDocument xmlns='urn:hl7-org:v2'/>", "<a><b/></a>"] {
        assert_eq!(read_header(text.as_bytes()).unwrap_err(), Error::NotCda, "{text}");
    }
}

#[test]
fn a_document_with_next_to_nothing_is_read_and_found_wanting() {
    let read =
        read_header(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?><ClinicalDocument xmlns=\"urn:hl7-org:v3\"/>").unwrap();
    assert!(read.missing().contains(&"id"));
    assert!(read.missing().contains(&"component"));
    assert_eq!(read.missing_ins_traits().len(), 6);
}

#[test]
fn prefixes_are_as_good_as_a_default_namespace() {
    let text = compose(&header(), &Content::Sections(&[]));
    let prefixed = text
        .replace("</", "</c:")
        .replace('<', "<c:")
        .replace("<c:/c:", "</c:")
        .replace("<c:?xml", "<?xml")
        .replace("xmlns=\"", "xmlns:c=\"");
    assert!(read_header(prefixed.as_bytes()).unwrap() == read_header(text.as_bytes()).unwrap());
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    let text = compose(&header(), &Content::Sections(&[]));
    let marked = format!("\u{feff}{text}");
    assert!(read_header(marked.as_bytes()).unwrap() == read_header(text.as_bytes()).unwrap());
    assert!(probe(marked.as_bytes()).is_ok());
}

#[test]
fn an_element_of_another_namespace_is_not_taken_for_ours() {
    let text = compose(&header(), &Content::Sections(&[]));
    let mixed = text.replacen("<id ", "<id xmlns=\"urn:other\" root=\"9.9\"/><id ", 1);
    assert_eq!(read_header(mixed.as_bytes()).unwrap().id, header().id);
}

#[test]
fn a_hundred_megabytes_of_body_are_not_read() {
    let text = compose(&header(), &Content::Sections(&[]));
    let head = text.split("<structuredBody/>").next().unwrap();
    let mut bytes = format!("{head}<structuredBody>").into_bytes();
    let start = bytes.len();
    // Not even valid UTF-8: whoever read it would stumble.
    bytes.resize(start + (100 << 20), 0xff);
    assert_eq!(read_header(&bytes).unwrap().id, header().id);
}

#[test]
fn a_header_without_end_is_refused_within_its_bound() {
    let mut bytes = b"<ClinicalDocument xmlns='urn:hl7-org:v3'>".to_vec();
    while bytes.len() < 10 << 20 {
        bytes.extend_from_slice(b"<author><time value='2021'/></author>");
    }
    assert_eq!(kind(&bytes), Kind::Size);
}

#[test]
fn bad_base64_is_found_by_the_probe() {
    let text = compose(&header(), &Content::File { media_type: "application/pdf", bytes: b"%PDF-1.4 and more" });
    assert_eq!(probe(text.as_bytes()).unwrap().embedded_bytes, Some(17));
    for junk in ["*", "=", "A"] {
        let bad = text.replace("JVBERi0", &format!("JVB{junk}ERi0"));
        assert_eq!(probe(bad.as_bytes()).unwrap_err(), Error::Base64, "{junk}");
    }
}

#[test]
fn the_refusal_shown_is_that_of_an_unreadable_document() {
    let issue = Issue::from(read_header(b"<a>").unwrap_err());
    assert_eq!((issue.code, issue.detail.as_deref()), (Code::Document, Some("truncated (byte 3)")));
    assert_eq!(Code::Document.row().status, 422);
}

proptest! {
    #[test]
    fn bytes_changed_at_random_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = compose(&header(), &Content::Sections(&[])).into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = read_header(&bytes);
        let _ = probe(&bytes);
    }

    #[test]
    fn a_document_cut_anywhere_never_panics(cut in any::<prop::sample::Index>()) {
        let bytes = compose(&header(), &Content::Sections(&[])).into_bytes();
        let cut = cut.index(bytes.len());
        let _ = read_header(&bytes[..cut]);
        prop_assert!(probe(&bytes[..cut]).is_err());
    }
}

//! Documents of our own read back as they were meant.

use espace::cda::{
    Body, Code, Content, Header, Identifier, Section, TEMPLATES_UNSTRUCTURED, compose, pdf_of_lines, probe, read_header,
};
use proptest::prelude::*;

use super::builders::header;

fn section() -> Section {
    Section {
        code: Code::new("10164-2", "2.16.840.1.113883.6.1", "Historique"),
        title: "Motif & <suite>".into(),
        paragraphs: vec!["Toux depuis 3 jours.".into()],
    }
}

#[test]
fn a_note_reads_back_as_it_was_composed() {
    let sections = [section()];
    let content = Content::Sections(&sections);
    let text = compose(&header(), &content);
    assert!(read_header(text.as_bytes()).unwrap() == Header { body: content.body(), ..header() });
    assert_eq!(probe(text.as_bytes()).unwrap().body, Body::Structured);
    assert_eq!(read_header(text.as_bytes()).unwrap().missing(), Vec::<&str>::new());
}

#[test]
fn a_level_one_document_carries_its_file() {
    let pdf = pdf_of_lines(&["Compte rendu", "Prénom : Dominique"]);
    let content = Content::File { media_type: "application/pdf", bytes: &pdf };
    let header =
        Header { template_ids: TEMPLATES_UNSTRUCTURED.into_iter().map(Identifier::root).collect(), ..header() };
    let text = compose(&header, &content);
    let read = read_header(text.as_bytes()).unwrap();
    assert!(read == Header { body: content.body(), ..header });
    assert!(read.has_template("1.3.6.1.4.1.19376.1.2.20"));
    assert_eq!(probe(text.as_bytes()).unwrap().embedded_bytes, Some(pdf.len()));
}

#[test]
fn the_beginning_of_a_document_is_enough_if_the_header_is_whole() {
    let sections = [section()];
    let text = compose(&header(), &Content::Sections(&sections));
    let body = text.find("<structuredBody>").unwrap();
    for end in [body, body + "<structuredBody>".len(), body + 40] {
        let read = read_header(&text.as_bytes()[..end]).unwrap();
        assert_eq!(read.id, header().id);
    }
    for end in [0, 1, 40, body / 2, body - "<component>".len(), body - 1] {
        let error = read_header(&text.as_bytes()[..end]).unwrap_err();
        assert!(error.to_string().starts_with("truncated"), "{end}: {error}");
    }
}

#[test]
fn the_debug_of_a_header_names_nobody() {
    let shown = format!("{:?}", header());
    for secret in ["279035121518989", "PAT-TROIS", "DOMINIQUE", "MARTIN", "801234567897", "Martin"] {
        assert!(!shown.contains(secret), "{secret}");
    }
}

proptest! {
    #[test]
    fn any_words_survive_the_round_trip(words in prop::collection::vec("[^\\s\\pC]{1,12}", 1..5)) {
        let phrase = words.join(" ");
        let mut header = header();
        header.title = Some(phrase.clone());
        header.patient.birth_family = Some(phrase.clone());
        header.id = Some(Identifier::new("1.2.3", phrase));
        let text = compose(&header, &Content::Sections(&[]));
        let same = read_header(text.as_bytes()).unwrap() == Header { body: Body::Structured, ..header };
        prop_assert!(same);
    }
}

#[test]
fn accession_numbers_are_read_in_the_namespace_of_dicom() {
    let text = compose(&header(), &Content::Sections(&[]));
    let number = r#"<p:accessionNumber xmlns:p="urn:dicom-org:ps3-20" root="1.2.250.1.999" extension="A-1"/></order>"#;
    let read = read_header(text.replace("</order>", number).as_bytes()).unwrap();
    assert!(read.orders == header().orders);
    assert!(read.accessions == [Identifier::new("1.2.250.1.999", "A-1")]);
}

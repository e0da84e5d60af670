//! A body in XML: its documents are cut out while it arrives, and it is JSON at its end (MHD ITI-65, R4 `xml.html`).

use espace::error::{Code, Error};
use espace::fhir::bundle::{BodyLimits, BodyStream, Shape, Sink};
use espace::fhir::codec::xml::{Layout, write};
use espace::fhir::codec::{Syntax, json};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::noise;

#[derive(Debug, Default, PartialEq, Eq)]
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

fn read_within(limits: BodyLimits, shape: Shape, text: &[u8], step: usize) -> Result<(Value, Kept), Error> {
    let mut stream = BodyStream::of(Syntax::Xml, shape, Kept::default(), limits);
    text.chunks(step.max(1)).try_for_each(|chunk| stream.feed(chunk))?;
    let (bytes, kept) = stream.finish()?;
    Ok((json::parse(&bytes)?, kept))
}

/// The same whole and byte by byte.
fn read(shape: Shape, text: &str) -> Result<(Value, Kept), Code> {
    let read = |step| read_within(BodyLimits::default(), shape, text.as_bytes(), step).map_err(|error| error.code());
    let whole = read(text.len());
    assert_eq!(read(1), whole, "{text}");
    whole
}

fn root(name: &str, inside: &str) -> String {
    format!("<?xml version='1.0'?><!-- a > b --><{name} xmlns='http://hl7.org/fhir'>{inside}</{name}>")
}

/// A bundle whose one Binary says `data` so.
fn bundle(data: &str) -> String {
    root("Bundle", &format!("<type value='transaction'/><entry><resource><Binary>{data}</Binary></resource></entry>"))
}

#[test]
fn a_document_is_cut_however_its_attribute_is_written() {
    for data in [
        "<data value='QUJD'/>",
        "<data value=\"QUJD\"/>",
        "<data\n\tvalue = 'QUJD' ></data>",
        "<data id='>' value='QUJD'/>",
        "<data value='QUJD' id='/'/>",
        "<data value='QU\r\n JD\t'/>",
        "<data value='&#81;U&#x4A;&#x0000D;&#10;D'/>",
        "<!-- <data value='Zm9v'/> --><?pi <data value='Zm9v'?><data value='QUJD'/>",
    ] {
        let (resource, kept) = read(Shape::Bundle, &bundle(data)).unwrap_or_else(|code| panic!("{data}: {code:?}"));
        assert_eq!(resource["entry"][0]["resource"]["data"], "#data:0", "{data}");
        assert_eq!(kept, Kept { documents: vec![(0, b"ABC".to_vec())], complete: 1 }, "{data}");
    }
    let prefixed = "<f:Bundle xmlns:f='http://hl7.org/fhir'><f:type value='batch'/><f:entry><f:resource><f:Binary>\
        <f:data value='QQ=='/></f:Binary></f:resource></f:entry></f:Bundle>";
    assert_eq!(read(Shape::Bundle, prefixed).unwrap().1.documents, [(0, b"A".to_vec())]);
}

#[test]
fn the_other_shapes_have_their_documents_elsewhere_and_nothing_else_is_cut() {
    let attachment = "<status value='current'/><content><attachment><data value='QQ=='/></attachment></content>\
        <content><attachment><url value='x'/></attachment></content><content><attachment><data value='Qg=='/>\
        </attachment></content>";
    let (fiche, kept) = read(Shape::DocumentReference, &root("DocumentReference", attachment)).unwrap();
    assert_eq!(kept.documents, [(0, b"A".to_vec()), (2, b"B".to_vec())]);
    assert_eq!(fiche["content"][2]["attachment"]["data"], "#data:2");

    let parameters = "<parameter><name value='document'/><resource><Binary><contentType value='a/b'/>\
        <data value='QQ=='/></Binary></resource></parameter>";
    assert_eq!(read(Shape::Parameters, &root("Parameters", parameters)).unwrap().1.documents, [(0, b"A".to_vec())]);
    let binary = root("Binary", "<contentType value='a/b'/><data value='QQ=='/>");
    assert_eq!(read(Shape::Parameters, &binary).unwrap().1.documents, [(0, b"A".to_vec())]);

    for elsewhere in [
        "<entry><resource><Media><content><data value='QQ=='/></content></Media></resource></entry>",
        "<entry><resource><DocumentReference><content><attachment><data value='QQ=='/></attachment></content>\
         </DocumentReference></resource></entry>",
        "<signature><data value='QQ=='/></signature>",
    ] {
        let (_, kept) = read(Shape::Bundle, &root("Bundle", elsewhere)).unwrap_or_default();
        assert_eq!(kept, Kept::default(), "{elsewhere}");
    }
}

#[test]
fn what_is_malformed_repeated_or_too_long_is_refused() {
    for (data, code) in [
        ("<data value='QUJ'/>", Code::Document),
        ("<data value=''/>", Code::Document),
        ("<data value='QQ==QQ=='/>", Code::Document),
        ("<data value='Q&lt;=='/>", Code::Document),
        ("<data value='Q&#12345678901;'/>", Code::Document),
        ("<data value='Q<=='/>", Code::Document),
        ("<data value='QUJD' value='QUJD'/>", Code::Structure),
        ("<data value='QUJD'/><data value='QUJD'/>", Code::Structure),
        ("<data value/>", Code::Structure),
        ("<data value=x/>", Code::Structure),
        ("<data value='QU\u{1}JD'/>", Code::Structure),
        ("<data value='QUJD'/><!DOCTYPE x>", Code::Structure),
        ("<data value='QUJD'/><other/>", Code::Element),
    ] {
        assert_eq!(read(Shape::Bundle, &bundle(data)).unwrap_err(), code, "{data}");
    }
    let whole = bundle("<data value='QUJD'/>");
    for end in 1..whole.len() {
        let cut = whole.get(..end).unwrap();
        assert_eq!(read(Shape::Bundle, cut).unwrap_err(), Code::Structure, "{cut}");
    }
    let limits = BodyLimits { rest: 300, documents: 1, items: 2 };
    let code =
        |text: &str| read_within(limits, Shape::Bundle, text.as_bytes(), 7).map(drop).map_err(|error| error.code());
    assert_eq!(code(&whole), Ok(()));
    assert_eq!(code(&bundle(&format!("<!--{}-->", "x".repeat(300)))), Err(Code::TooLarge));
    let entry = "<entry><resource><Binary><data value='QQ=='/></Binary></resource></entry>";
    assert_eq!(code(&root("Bundle", &entry.repeat(2))), Err(Code::TooLarge), "two documents");
    assert_eq!(code(&root("Bundle", &"<entry/>".repeat(3))), Err(Code::TooLarge), "three entries");
}

#[test]
fn a_bundle_of_documents_comes_out_as_the_same_bundle_in_json_does() {
    let documents = [noise(10), noise(200_000), noise(70_000)];
    let entry = |(number, bytes): (usize, &Vec<u8>)| {
        let data = base64_simd::STANDARD.encode_to_string(bytes);
        json!({ "fullUrl": format!("urn:x:{number}"), "resource": { "resourceType": "Binary", "contentType": "a/b", "data": data } })
    };
    let bundle = json!({
        "resourceType": "Bundle", "type": "transaction",
        "entry": documents.iter().enumerate().map(entry).collect::<Vec<_>>(),
    });
    let mut stream = BodyStream::new(Shape::Bundle, Kept::default(), BodyLimits::default());
    stream.feed(bundle.to_string().as_bytes()).unwrap();
    let (expected, expected_kept) = stream.finish().unwrap();
    for layout in [Layout::Dense, Layout::Indented] {
        let text = write(&bundle, layout).unwrap();
        for step in [977, 65_536] {
            let (found, kept) = read_within(BodyLimits::default(), Shape::Bundle, text.as_bytes(), step).unwrap();
            assert_eq!(found, json::parse(&expected).unwrap());
            assert!(kept == expected_kept, "{step}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_markup_makes_it_panic_and_how_it_is_cut_never_matters(
        inside in "(<(/?(entry|resource|Binary|data|f:x)( (value|id)=['\"][A-Za-z&;#/>= ]{0,5}['\"]?)?/?)>|<!--|-->|<!\\[CDATA\\[|\\]\\]>|<\\?|\\?>|[ -~é]){0,10}",
    ) {
        let _ = read(Shape::Bundle, &bundle(&inside));
        let _ = read(Shape::Parameters, &inside);
    }
}

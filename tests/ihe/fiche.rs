//! The bundle that a publishing software sends, held against MHD Comprehensive and PDSm.

use espace::cda::{Content, Header, compose, pdf_of_lines, read_header};
use espace::ids::{Ins, SeededIds};
use espace::ihe::mhd::{Coding, Missing, Pack, Publication, format_code, provide_bundle};
use serde_json::{Value, json};

use super::profile::faults;
use crate::cda::builders::header;
use crate::support::shared::sample;

fn class_of(system: &str, code: &str) -> Option<Coding> {
    let known = system == "http://loinc.org" && ["11488-4", "11502-2"].contains(&code);
    let system = "https://mos.esante.gouv.fr/NOS/TRE_A03-ClasseDocument/FHIR/TRE-A03-ClasseDocument";
    known.then(|| Coding { system: system.into(), code: "10".into(), display: Some("Compte rendu".into()) })
}

fn publish_with(header: &Header, bytes: &[u8], pack: Pack, flags: &[&str]) -> Result<Value, Missing> {
    let subject = Ins::parse("1.2.250.1.213.1.4.10", "279035121518989").unwrap();
    let publication = Publication {
        header,
        bytes,
        content_type: "text/xml",
        subject: &subject,
        at: "2026-11-22T10:00:00.5Z".parse().unwrap(),
        source_oid: "1.2.250.1.999.9",
        pack,
        flags,
        author: None,
        replaces: None,
        class_of: &class_of,
    };
    provide_bundle(&publication, &SeededIds::new(1))
}

fn publish(pack: Pack) -> Value {
    let text = compose(&header(), &Content::Sections(&[]));
    publish_with(&read_header(text.as_bytes()).unwrap(), text.as_bytes(), pack, &[]).unwrap()
}

#[test]
fn the_resources_satisfy_mhd_comprehensive_whatever_they_claim() {
    for pack in [Pack::Mhd, Pack::Pdsm] {
        let bundle = publish(pack);
        for (index, profile) in
            ["IHE.MHD.Comprehensive.SubmissionSet", "IHE.MHD.Comprehensive.DocumentReference"].iter().enumerate()
        {
            let resource = &bundle["entry"][index]["resource"];
            let canonical = format!("https://profiles.ihe.net/ITI/MHD/StructureDefinition/{profile}");
            let Some(found) = faults(&canonical, resource) else { return };
            assert_eq!(found, Vec::<String>::new(), "{profile}");
            let mut broken = resource.clone();
            broken["identifier"] = json!([broken["identifier"][0], broken["identifier"][0], broken["identifier"][0]]);
            assert!(!faults(&canonical, &broken).unwrap().is_empty());
        }
    }
}

#[test]
fn the_fiche_has_all_that_pdsm_demands() {
    let bundle = publish(Pack::Pdsm);
    assert_eq!(
        bundle["meta"]["profile"][0],
        "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-comprehensive-provide-document-bundle"
    );
    let fiche = &bundle["entry"][1]["resource"];
    for pointer in [
        "/contained/0",
        "/masterIdentifier/value",
        "/type/coding/0/code",
        "/category/0/coding/0/code",
        "/subject/identifier/value",
        "/date",
        "/author/0/reference",
        "/authenticator/reference",
        "/custodian/reference",
        "/securityLabel/0/coding/0/code",
        "/content/0/attachment/contentType",
        "/content/0/attachment/language",
        "/content/0/attachment/url",
        "/content/0/attachment/size",
        "/content/0/attachment/hash",
        "/content/0/attachment/title",
        "/content/0/attachment/creation",
        "/content/0/format/code",
        "/context/period/start",
        "/context/facilityType/coding/0/code",
        "/context/practiceSetting/coding/0/code",
        "/context/sourcePatientInfo/reference",
    ] {
        assert!(fiche.pointer(pointer).is_some(), "{pointer}");
    }
    assert_eq!(fiche["masterIdentifier"]["value"], "urn:oid:1.2.250.1.999.1.1.1234");
    assert_eq!(fiche["date"], "2026-11-22T11:00:00+01:00");
    assert_eq!(fiche["content"][0]["attachment"]["creation"], "2026-11-22T10:00:00+01:00");
    assert_eq!(fiche["subject"]["type"], "Patient");
    assert_eq!(fiche["context"]["period"]["end"], "2026-11-22T10:30:00+01:00");
}

#[test]
fn every_reference_to_a_contained_resource_resolves_and_each_is_referred_to() {
    let bundle = publish(Pack::Pdsm);
    for entry in 0..2 {
        let resource = &bundle["entry"][entry]["resource"];
        let text = resource.to_string();
        let contained = resource["contained"].as_array().unwrap();
        for inner in contained {
            let reference = format!("\"#{}\"", inner["id"].as_str().unwrap());
            assert!(text.contains(&reference), "dom-3: {reference}");
            assert!(inner.get("contained").is_none() && inner.get("meta").is_none());
        }
        for piece in text.split("\"#").skip(1) {
            let id = piece.split('"').next().unwrap();
            assert!(contained.iter().any(|inner| inner["id"] == id), "{id}");
        }
    }
    let kinds: Vec<_> = bundle["entry"][1]["resource"]["contained"]
        .as_array()
        .unwrap()
        .iter()
        .map(|inner| inner["resourceType"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["Organization", "Practitioner", "PractitionerRole", "Patient"]);
}

#[test]
fn the_entries_point_at_one_another_and_the_document_is_whole() {
    let text = compose(&header(), &Content::Sections(&[]));
    let bundle = publish(Pack::Pdsm);
    let urls: Vec<_> = (0..3).map(|index| bundle["entry"][index]["fullUrl"].clone()).collect();
    assert_eq!(bundle["entry"][0]["resource"]["entry"][0]["item"]["reference"], urls[1]);
    let attachment = &bundle["entry"][1]["resource"]["content"][0]["attachment"];
    assert_eq!(attachment["url"], urls[2]);
    assert_eq!(attachment["size"], text.len());
    let data = bundle["entry"][2]["resource"]["data"].as_str().unwrap();
    assert_eq!(base64_simd::STANDARD.decode_to_vec(data).unwrap(), text.as_bytes());
}

#[test]
fn the_hash_is_that_of_the_published_example() {
    let bytes = br#"<?xml version="1.0" encoding="UTF-8"?><ClinicalDocument xmlns="urn:hl7-org:v3"/>"#;
    let bundle = publish_with(&header(), bytes, Pack::Pdsm, &[]).unwrap();
    let attachment = &bundle["entry"][1]["resource"]["content"][0]["attachment"];
    assert_eq!((&attachment["size"], &attachment["hash"]), (&json!(80), &json!("A/hMRrv6Y15BjSM8kMLidrz+mHc=")));
}

#[test]
fn visibility_flags_stand_beside_confidentiality() {
    let bundle = publish_with(&header(), b"x", Pack::Pdsm, &["MASQUE_PS", "INVISIBLE_PATIENT"]).unwrap();
    let labels: Vec<_> = bundle["entry"][1]["resource"]["securityLabel"]
        .as_array()
        .unwrap()
        .iter()
        .map(|label| label["coding"][0]["code"].as_str().unwrap())
        .collect();
    assert_eq!(labels, ["N", "MASQUE_PS", "INVISIBLE_PATIENT"]);
}

#[test]
fn another_author_may_publish_and_a_fiche_may_be_replaced() {
    let mut publisher = header().authors.remove(0);
    publisher.id = Some(espace::cda::Identifier::new("1.2.250.1.71.4.2.1", "801234534765"));
    let (header, subject) = (header(), Ins::parse("1.2.250.1.213.1.4.10", "279035121518989").unwrap());
    let publication = Publication {
        header: &header,
        bytes: b"x",
        content_type: "application/xslt+xml",
        subject: &subject,
        at: "2026-07-22T10:00:00Z".parse().unwrap(),
        source_oid: "1.2.3",
        pack: Pack::Mhd,
        flags: &[],
        author: Some(&publisher),
        replaces: Some("DocumentReference/old"),
        class_of: &class_of,
    };
    let bundle = provide_bundle(&publication, &SeededIds::new(2)).unwrap();
    let fiche = &bundle["entry"][1]["resource"];
    assert_eq!(fiche["relatesTo"], json!([{"code": "replaces", "target": {"reference": "DocumentReference/old"}}]));
    assert_eq!(fiche["author"].as_array().unwrap().len(), 1);
    assert_ne!(fiche["author"][0], fiche["authenticator"]);
    assert!(fiche["contained"].to_string().contains("801234534765"));
    assert_eq!(fiche["date"], "2026-07-22T12:00:00+02:00");
    assert_eq!(bundle["entry"][2]["resource"]["contentType"], "application/xslt+xml");
}

#[test]
fn a_patient_who_writes_is_author_as_a_patient() {
    let mut header = header();
    header.authors[0] =
        espace::cda::Author { id: header.patient.ids.first().cloned(), ..espace::cda::Author::default() };
    let bundle = publish_with(&header, b"x", Pack::Pdsm, &[]).unwrap();
    let fiche = &bundle["entry"][1]["resource"];
    assert_eq!(fiche["author"][0], fiche["context"]["sourcePatientInfo"]);
}

#[test]
fn a_header_that_lacks_what_metadata_demands_is_named() {
    let lacking = |change: fn(&mut Header)| {
        let mut header = header();
        change(&mut header);
        publish_with(&header, b"x", Pack::Pdsm, &[]).unwrap_err().0
    };
    assert_eq!(lacking(|header| header.id = None), "id");
    assert_eq!(lacking(|header| header.title = None), "title");
    assert_eq!(lacking(|header| header.authors.clear()), "author");
    assert_eq!(lacking(|header| header.service_event = None), "documentationOf/serviceEvent");
    assert_eq!(lacking(|header| header.facility = None), "healthCareFacility/code");
    assert_eq!(lacking(|header| header.code.as_mut().unwrap().code = "?".into()), "code with a class in ASS_X16");
}

#[test]
fn the_fiche_of_the_published_pdf_is_as_the_fact_sheet_says() {
    let Some(bytes) = sample("samples/cda/DOC_NON_STRUCTURE_CDA-R2-N1.xml") else { return };
    let bundle = publish_with(&read_header(&bytes).unwrap(), &bytes, Pack::Pdsm, &[]).unwrap();
    let fiche = &bundle["entry"][1]["resource"];
    let facts = [
        "/type/coding/0/code",
        "/category/0/coding/0/code",
        "/context/facilityType/coding/0/code",
        "/context/practiceSetting/coding/0/code",
        "/content/0/format/code",
        "/context/period/start",
    ]
    .map(|pointer| fiche.pointer(pointer).and_then(Value::as_str).unwrap());
    assert_eq!(
        facts,
        ["11502-2", "10", "SA07", "AMBULATOIRE", "urn:ihe:iti:xds-sd:pdf:2008", "2021-01-04T13:47:00+01:00"]
    );
    assert_eq!(
        fiche["context"]["facilityType"]["coding"][0]["system"],
        "https://mos.esante.gouv.fr/NOS/TRE_R02-SecteurActivite/FHIR/TRE-R02-SecteurActivite"
    );
    // The authenticator of this document is not its author.
    assert_ne!(fiche["authenticator"]["reference"], fiche["author"][0]["reference"]);
}

#[test]
fn the_format_follows_the_model_or_the_level_one_content() {
    for (file, format) in [
        ("VSM_1.4_2022.01.xml", "urn:asip:ci-sis:vsm:2012"),
        ("BIO-CR-BIO_2021.01_Auto-Presentable.xml", "urn:ihe:lab:xd-lab:2008"),
        ("CSE-MDE_2023.01.xml", "urn:ans:ci-sis:cse-mde:2023"),
        ("LDL-SES_2022.01.xml", "urn:asip:ci-sis:ldl-ses:2017"),
        ("VAC-NOTE_2023.01.xml", "urn:asip:ci-sis:vac-note:2021"),
        ("eP-MED-DM_2024.01_PosoStruct.xml", "urn:ihe:pharm:pre:2010"),
    ] {
        let Some(bytes) = sample(&format!("samples/cda/{file}")) else { return };
        assert_eq!(format_code(&read_header(&bytes).unwrap()).code, format, "{file}");
    }
    assert_eq!(format_code(&header()).code, "urn:asipSante:modelesHorsProfils:2011");
    let pdf = pdf_of_lines(&["x"]);
    let content = Content::File { media_type: "application/pdf", bytes: &pdf };
    let level_one = Header {
        template_ids: espace::cda::TEMPLATES_UNSTRUCTURED.into_iter().map(espace::cda::Identifier::root).collect(),
        body: content.body(),
        ..header()
    };
    assert_eq!(format_code(&level_one).code, "urn:ihe:iti:xds-sd:pdf:2008");
}

//! The eight published documents (document-sharing §7, rows 71, 72, 80).

use espace::cda::{Body, Header, probe, read_header};

use crate::support::shared::sample;

/// file, id, type, template of the model, act, low, high, setting, facility, author, structure
const FILES: [[&str; 11]; 8] = [
    [
        "BIO-CR-BIO_2021.01_Auto-Presentable.xml",
        "1.2.250.1.213.1.1.1.55.2021.1.1",
        "11502-2",
        "1.2.250.1.213.1.1.1.55",
        "18719-5",
        "2021-01-04T09:22:00+01:00",
        "2021-01-04T16:05:00+01:00",
        "AMBULATOIRE",
        "SA25",
        "801234534765",
        "1120459876",
    ],
    [
        "BIO-CR-BIO_2024.01_TSH_1.xml",
        "1.2.250.1.213.1.1.1.55.2024.9.1",
        "11502-2",
        "1.2.250.1.213.1.1.1.55",
        "18719-5",
        "2021-01-04T09:22:00+01:00",
        "2021-01-04T16:05:00+01:00",
        "AMBULATOIRE",
        "SA25",
        "801234534765",
        "1120459876",
    ],
    [
        "CSE-MDE_2023.01.xml",
        "1.2.250.1.213.1.1.1.5.2023.1.1",
        "29274-8",
        "1.2.250.1.213.1.1.1.5.4",
        "11429006",
        "2023-01-06T11:36:23+01:00",
        "",
        "ETABLISSEMENT",
        "SA05",
        "801234567897",
        "2801234567",
    ],
    [
        "DOC_NON_STRUCTURE_CDA-R2-N1.xml",
        "1.3.6.1.4.1.19376.1.2.20.12345.1.1",
        "11502-2",
        "1.3.6.1.4.1.19376.1.2.20",
        "18723-7",
        "2021-01-04T13:47:00+01:00",
        "2021-01-04T13:55:00+01:00",
        "AMBULATOIRE",
        "SA07",
        "801234534765",
        "1120459876",
    ],
    [
        "LDL-SES_2022.01.xml",
        "1.2.250.1.213.1.1.1.29.2022.1.1",
        "11490-0",
        "1.2.250.1.213.1.1.1.29",
        "IMP",
        "2019-10-29T11:17:00+01:00",
        "2019-12-03T13:30:00+01:00",
        "ETABLISSEMENT",
        "SA01",
        "801234567897",
        "1750803447",
    ],
    [
        "VAC-NOTE_2023.01.xml",
        "1.2.250.1.213.1.1.1.46.2023.1.1",
        "87273-9",
        "1.2.250.1.213.1.1.1.46",
        "87273-9",
        "2021-04-09T15:35:00+01:00",
        "",
        "AMBULATOIRE",
        "SA07",
        "801234567897",
        "1750803447",
    ],
    [
        "VSM_1.4_2022.01.xml",
        "1.2.250.1.213.1.1.1.13.2022.1.1",
        "SYNTH",
        "1.2.250.1.213.1.1.1.13",
        "34117-2",
        "2020-03-12T11:17:00+01:00",
        "",
        "ETABLISSEMENT",
        "SA04",
        "801234567897",
        "2801234567",
    ],
    [
        "eP-MED-DM_2024.01_PosoStruct.xml",
        "1.2.250.1.213.1.1.1.39.2024.2.1",
        "57833-6",
        "1.2.250.1.213.1.1.1.39",
        "57833-6",
        "2023-12-01T09:10:00+01:00",
        "2024-07-30T09:10:00+01:00",
        "AMBULATOIRE",
        "SA07",
        "801234567897",
        "1750512345",
    ],
];

#[test]
fn the_eight_published_documents_are_read() {
    for row in FILES {
        let Some(bytes) = sample(&format!("samples/cda/{}", row[0])) else { return };
        let header = read_header(&bytes).unwrap();
        assert_eq!(facts(&header), row[1..], "{}", row[0]);
        let body = header.body.clone();
        assert_eq!(body == Body::Structured, !row[0].starts_with("DOC_NON"), "{}", row[0]);
        assert_eq!(probe(&bytes).unwrap().body, body, "{}", row[0]);
        assert_eq!(header.missing(), Vec::<&str>::new(), "{}", row[0]);
        assert_eq!(header.confidentiality.unwrap().code, "N");
        assert_eq!(header.language.as_deref(), Some("fr-FR"));
        assert_eq!(header.replaces, None);
    }
}

fn facts(header: &Header) -> Vec<String> {
    let event = header.service_event.clone().unwrap_or_default();
    let author = header.authors[0].clone();
    let code = |code: &Option<espace::cda::Code>| code.as_ref().map(|code| code.code.clone()).unwrap_or_default();
    let time = |time: &Option<espace::cda::Time>| time.as_ref().map(espace::cda::Time::to_fhir).unwrap_or_default();
    vec![
        header.id.as_ref().unwrap().unique_id(),
        code(&header.code),
        header.template_ids.last().unwrap().root.clone(),
        code(&event.code),
        time(&event.low),
        time(&event.high),
        code(&event.practice_setting),
        code(&header.facility),
        author.id.unwrap().extension.unwrap(),
        author.organization.unwrap().id.unwrap().extension.unwrap(),
    ]
}

#[test]
fn the_traits_of_the_patient_of_the_samples_are_read() {
    let Some(bytes) = sample("samples/cda/VSM_1.4_2022.01.xml") else { return };
    let header = read_header(&bytes).unwrap();
    assert!(header.patient.ids[0] == espace::cda::Identifier::new("1.2.250.1.213.1.4.10", "279035121518989"));
    let expected = super::builders::patient();
    assert!(espace::cda::Patient { ids: expected.ids.clone(), ..header.patient.clone() } == expected);
    assert_eq!(header.missing_ins_traits(), Vec::<&str>::new());
    let author = &header.authors[0];
    let name = author.person.as_ref().unwrap();
    assert_eq!((name.family.as_deref(), name.given.first().map(String::as_str)), (Some("MEDIONI"), Some("Stéphane")));
    assert_eq!(author.function.as_ref().unwrap().code, "PCP");
    assert_eq!(author.specialty.as_ref().unwrap().code, "G15_10/SM26");
    assert_eq!(header.custodian.unwrap().id.unwrap().extension.as_deref(), Some("1120456789"));
}

#[test]
fn the_pdf_of_the_unstructured_document_is_described() {
    let Some(bytes) = sample("samples/cda/DOC_NON_STRUCTURE_CDA-R2-N1.xml") else { return };
    let found = probe(&bytes).unwrap();
    let expected = Body::NonXml { media_type: Some("application/pdf".into()), representation: Some("B64".into()) };
    assert_eq!(found.body, expected);
    assert!(found.embedded_bytes.is_some_and(|size| size > 300_000));
}

#[test]
fn all_event_codes_are_kept_and_the_main_act_is_the_first_complete_one() {
    let Some(bytes) = sample("samples/cda/eP-MED-DM_2024.01_PosoStruct.xml") else { return };
    let header = read_header(&bytes).unwrap();
    let codes: Vec<_> = header.event_codes.iter().map(|code| code.code.as_str()).collect();
    assert_eq!(codes.first(), Some(&"57833-6"));
    assert_eq!(codes.len(), 8);
}

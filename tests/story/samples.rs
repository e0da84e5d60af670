//! Real input: the published CDA of the ANS, each fed by its author, found and read back byte for byte.

use espace::cda::{Author, Header, Identifier, pdf_of_lines, read_header};
use espace::cli::demo::Document;
use espace::fhir::terminology;
use espace::ids::SystemIds;
use espace::ihe::mhd::{Coding, Pack, Publication, provide_bundle};
use serde_json::Value;

use super::traces_are_whole;
use crate::support::db::{Db, stories};
use crate::support::server::TestServer;
use crate::support::shared::sample;

stories! { the_published_documents_are_fed_by_their_authors_and_read_back_byte_for_byte }

/// File, author, media type.
const SAMPLES: [(&str, &str, &str); 7] = [
    ("BIO-CR-BIO_2021.01_Auto-Presentable.xml", "bio-laurent", "application/xslt+xml"),
    ("BIO-CR-BIO_2024.01_TSH_1.xml", "bio-laurent", "text/xml"),
    ("DOC_NON_STRUCTURE_CDA-R2-N1.xml", "bio-laurent", "text/xml"),
    ("LDL-SES_2022.01.xml", "dr-martin", "text/xml"),
    ("VAC-NOTE_2023.01.xml", "dr-martin", "text/xml"),
    ("VSM_1.4_2022.01.xml", "dr-martin", "text/xml"),
    ("eP-MED-DM_2024.01_PosoStruct.xml", "dr-martin", "text/xml"),
];
const DOMINIQUE: &str = "patient.identifier=urn:oid:1.2.250.1.213.1.4.10%7C279035121518989";

fn class_of(system: &str, code: &str) -> Option<Coding> {
    const CLASSES: &str = "https://mos.esante.gouv.fr/NOS/TRE_A03-ClasseDocument/FHIR/TRE-A03-ClasseDocument";
    let class = terminology::class_of_type(system, code)?;
    Some(Coding { system: CLASSES.to_owned(), code: class.to_owned(), display: None })
}

/// The author of the header who is the persona; the persona himself where the header names another.
fn author_of(server: &TestServer, header: &Header, persona: &str) -> Author {
    let id = server.author(persona).exercise.professional.id.to_string();
    let is_persona = |author: &&Author| author.id.as_ref().and_then(|id| id.extension.as_deref()) == Some(id.as_str());
    let named = header.authors.iter().find(is_persona).cloned();
    named.unwrap_or_else(|| Author { id: Some(Identifier::new("1.2.250.1.71.4.2.1", id)), ..header.authors[0].clone() })
}

fn bundle(server: &TestServer, bytes: &[u8], persona: &str, content_type: &str, pack: Pack) -> Value {
    let header = read_header(bytes).unwrap();
    let author = author_of(server, &header, persona);
    let publication = Publication {
        header: &header,
        bytes,
        content_type,
        subject: &server.persona("dominique").ins,
        at: server.now(),
        source_oid: "1.2.250.1.999.1.1.1",
        pack,
        flags: &[],
        author: Some(&author),
        replaces: None,
        class_of: &class_of,
    };
    provide_bundle(&publication, &SystemIds::default()).unwrap()
}

async fn the_published_documents_are_fed_by_their_authors_and_read_back_byte_for_byte(db: Db) {
    let Some(mde) = sample("samples/cda/CSE-MDE_2023.01.xml") else { return };
    let server = TestServer::start_on(db).await;
    let (martin, laurent) = (server.professional("dr-martin").await, server.professional("bio-laurent").await);
    let petit = server.professional("dr-petit").await;

    let mut fed: Vec<(String, Vec<u8>, &str)> = Vec::new();
    for (number, (file, persona, content_type)) in SAMPLES.into_iter().enumerate() {
        let bytes = sample(&format!("samples/cda/{file}")).unwrap();
        let pack = if number % 2 == 0 { Pack::Pdsm } else { Pack::Mhd };
        let bundle = bundle(&server, &bytes, persona, content_type, pack);
        let theft = petit.post("/fhir", &bundle).await;
        assert_eq!(theft.outcome(), "403 non-auteur", "{file}");
        let author = if persona == "dr-martin" { &martin } else { &laurent };
        let published = author.post("/fhir", &bundle).await;
        assert_eq!(published.status, 200, "{file}: {}", published.text());
        let locations = published.locations();
        assert!(locations[1].starts_with("DocumentReference/"), "{file}");
        fed.push((locations[1].clone(), bytes, content_type));
    }

    let pdf = pdf_of_lines(&["Compte rendu d'hospitalisation", "Séjour du 10 au 12 novembre 2026"]);
    let report = server.bundle_of(&Document::pdf(server.now(), pdf.clone()), "dominique", "dr-petit");
    let locations = petit.post("/fhir", &report).await.locations();
    let sent = base64_simd::STANDARD.decode_to_vec(report["entry"][2]["resource"]["data"].as_str().unwrap()).unwrap();
    assert!(String::from_utf8_lossy(&sent).contains(&base64_simd::STANDARD.encode_to_string(&pdf)));
    fed.push((locations[1].clone(), sent, "text/xml"));

    let mismatch = martin.post("/fhir", &bundle(&server, &mde, "dr-martin", "text/xml", Pack::Pdsm)).await;
    assert_eq!(mismatch.outcome(), "422 identite-differente XDSPatientIdDoesNotMatch");

    let found = martin.get(&format!("/fhir/DocumentReference?{DOMINIQUE}&status=current")).await;
    let fiches = found.matches();
    assert_eq!(fiches.len(), fed.len());
    for (location, bytes, content_type) in &fed {
        let id = location.rsplit('/').next().unwrap();
        let fiche = fiches.iter().find(|fiche| fiche["id"] == id).unwrap();
        let read = martin.get(fiche["content"][0]["attachment"]["url"].as_str().unwrap()).await;
        assert_eq!(read.status, 200, "{}", read.text());
        assert!(read.body == *bytes, "{location}: {} bytes for {}", read.body.len(), bytes.len());
        assert_eq!(read.header("content-type"), *content_type);
    }
    let stay = martin.get(&format!("/fhir/DocumentReference?{DOMINIQUE}&status=current&type=34112-3")).await;
    assert_eq!(stay.matches().len(), 1);

    let search = laurent.get(&format!("/fhir/DocumentReference?{DOMINIQUE}&status=current")).await;
    assert_eq!(search.outcome(), "403 forbidden");
    let notices = server.notices("dominique").await;
    assert_eq!(notices.iter().filter(|notice| notice.starts_with("AJOUT_DOCUMENT")).count(), fed.len());
    assert_eq!(notices.iter().filter(|notice| notice.starts_with("ACCES_DMP_PS")).count(), 3);
    traces_are_whole(&server).await;
}

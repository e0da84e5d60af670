//! Who sees which document, on both sides (document-sharing §3.4, §3.7, §7; mes-rules §2.4 to §2.7).

use base64_simd::STANDARD;
use espace::cda::pdf_of_lines;
use espace::cli::demo::Document;
use espace::model::profile::SpaceState;
use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};

use super::traces_are_whole;
use crate::support::client::{Actor, Answer, PATIENT};
use crate::support::db::{Db, block_on, stories};
use crate::support::server::TestServer;

stories! {
    ds_44_a_masked_document_is_seen_by_its_author_and_never_tells_of_itself_to_others,
    ds_53_54_55_what_a_profession_may_not_read_is_absent_and_its_read_is_404,
    ds_59_a_document_not_announced_is_nothing_to_the_person,
    ds_60_a_minors_secret_is_hidden_from_his_representative_alone,
    mes_39_40_the_person_adds_own_documents_of_the_accepted_formats,
}

pub(super) fn all(name: &TestServer, persona: &str) -> String {
    format!("/fhir/DocumentReference?patient={}&status=current", name.persona(persona).key)
}

pub(super) fn audit(server: &TestServer, persona: &str) -> String {
    format!("/fhir/AuditEvent?patient={}&date=ge2026-01-01", server.persona(persona).key)
}

pub(super) async fn seen(reader: &Actor, url: &str) -> (usize, i64) {
    let answer = reader.get(url).await;
    (answer.matches().len(), answer.json()["total"].as_i64().unwrap_or(-1))
}

/// What a deposit of nothing sees of one document: 404 by every id.
pub(super) async fn unknown_by_id(reader: &Actor, locations: &[String]) {
    for location in locations {
        assert_eq!(reader.get(&format!("/fhir/{location}")).await.outcome(), "404 not-found", "{location}");
    }
}

pub(super) async fn readable_by_id(reader: &Actor, locations: &[String]) {
    for location in locations {
        assert_eq!(reader.get(&format!("/fhir/{location}")).await.status, 200, "{location}");
    }
}

pub(super) fn flagged(mut bundle: Value, code: &str) -> Value {
    let system = espace::ihe::fhir_system("1.2.250.1.213.1.1.4.13");
    let labels = bundle["entry"][1]["resource"]["securityLabel"].as_array_mut().unwrap();
    labels.push(json!({ "coding": [{ "system": system, "code": code }] }));
    bundle
}

fn typed(server: &TestServer, kind: (&'static str, &'static str, &'static str), author: &str) -> Value {
    let document = Document { kind, ..Document::note(server.now()) };
    server.bundle_of(&document, "dominique", author)
}

const LOINC: &str = "2.16.840.1.113883.6.1";

async fn ds_44_a_masked_document_is_seen_by_its_author_and_never_tells_of_itself_to_others(db: Db) {
    let server = TestServer::start_on(db).await;
    let (martin, petit, leroy) = (
        server.professional("dr-martin").await,
        server.professional("dr-petit").await,
        server.professional("inf-leroy").await,
    );
    let masked = flagged(server.bundle("dominique", "dr-petit"), "MASQUE_PS");
    let locations = petit.post("/fhir", &masked).await.locations();
    let labelled = format!("{}&security-label=MASQUE_PS", all(&server, "dominique"));
    let by_system = format!(
        "{}&security-label={}%7CMASQUE_PS",
        all(&server, "dominique"),
        espace::ihe::fhir_system("1.2.250.1.213.1.1.4.13")
    );
    for query in [&labelled, &by_system] {
        assert_eq!(seen(&petit, query).await, (1, 1), "the author");
        assert_eq!(seen(&martin, query).await, (1, 1), "the treating physician");
        assert_eq!(seen(&leroy, query).await, (0, 0), "the care team: absent, not refused");
    }
    readable_by_id(&petit, &locations).await;
    unknown_by_id(&leroy, &locations).await;
    let holder = server.patient("dominique", "dominique").await;
    assert_eq!(seen(&holder, &labelled).await, (1, 1), "masked to professionals only");
    readable_by_id(&holder, &locations).await;
    traces_are_whole(&server).await;
}

async fn ds_53_54_55_what_a_profession_may_not_read_is_absent_and_its_read_is_404(db: Db) {
    let server = TestServer::start_on(db).await;
    let martin = server.professional("dr-martin").await;
    let other = "1.2.250.1.213.1.1.4.12";
    let attest = (other, "ATTEST-RESID", "Attestation de résidence");
    let mut locations = Vec::new();
    for kind in [(LOINC, "83901-9", "Bilan psychologique"), (LOINC, "68599-0", "Synthèse psychiatrique"), attest] {
        locations.push(martin.post("/fhir", &typed(&server, kind, "dr-martin")).await.locations());
    }
    martin.post("/fhir", &server.bundle("dominique", "dr-martin")).await.locations();
    let url = all(&server, "dominique");
    assert_eq!(seen(&martin, &url).await, (4, 4), "the author sees what he wrote, whatever the matrix");
    let (petit, leroy, moreau) = (
        server.professional("dr-petit").await,
        server.professional("inf-leroy").await,
        server.professional("dent-moreau").await,
    );
    assert_eq!(seen(&petit, &url).await, (3, 3), "a physician reads everything but ATTEST-RESID");
    unknown_by_id(&petit, &locations[2]).await;
    readable_by_id(&petit, &locations[0]).await;
    for (reader, name) in [(&leroy, "nurse"), (&moreau, "dentist")] {
        assert_eq!(seen(reader, &url).await.0, 2, "{name}: neither assessment nor psychiatric synthesis");
        unknown_by_id(reader, &locations[0]).await;
        unknown_by_id(reader, &locations[1]).await;
    }
    let refused = server.traces("dominique").await.into_iter().filter(|trace| trace == "retrieve-document 4 not-found");
    assert_eq!(refused.count(), 5, "each refused read of a document leaves its trace");
    traces_are_whole(&server).await;
}

async fn ds_59_a_document_not_announced_is_nothing_to_the_person(db: Db) {
    let server = TestServer::start_on(db).await;
    let petit = server.professional("dr-petit").await;
    let hidden = flagged(server.bundle("dominique", "dr-petit"), "INVISIBLE_PATIENT");
    let locations = petit.post("/fhir", &hidden).await.locations();
    let holder = server.patient("dominique", "dominique").await;
    let url = all(&server, "dominique");
    assert_eq!(seen(&holder, &url).await, (0, 0));
    assert_eq!(seen(&petit, &url).await, (1, 1), "professionals see it");
    unknown_by_id(&holder, &locations).await;
    let about = |answer: &Answer| -> Vec<String> {
        let line = |event: Value| event.to_string();
        answer
            .matches()
            .into_iter()
            .map(line)
            .filter(|event| locations.iter().any(|own| event.contains(own.as_str())))
            .collect()
    };
    assert_eq!(server.notices("dominique").await, ["ACCES_DMP_PS activation-email"], "the search, not the document");
    let martin = server.professional("dr-martin").await;
    readable_by_id(&martin, &locations).await;
    let traces = holder.get(&audit(&server, "dominique")).await;
    assert_eq!(about(&traces), Vec::<String>::new(), "no trace of it");
    assert!(!traces.matches().is_empty(), "her own acts and searches are there");
    assert!(!traces.text().contains("audit-sequence"), "and no number tells of a gap");
    let known = martin.get(&audit(&server, "dominique")).await;
    assert!(about(&known).len() >= 4, "the treating physician reads them");
    let event = known.matches().into_iter().find(|event| event.to_string().contains(&locations[2])).unwrap();
    let event = format!("/fhir/AuditEvent/{}", event["id"].as_str().unwrap());
    assert_eq!(martin.get(&event).await.status, 200);
    assert_eq!(holder.get(&event).await.outcome(), "404 not-found");
    // One that is announced is seen and told.
    petit.post("/fhir", &server.bundle("dominique", "dr-petit")).await.locations();
    assert_eq!(seen(&holder, &url).await, (1, 1));
    assert!(server.notices("dominique").await.contains(&"AJOUT_DOCUMENT activation-email".to_owned()));
    traces_are_whole(&server).await;
}

async fn ds_60_a_minors_secret_is_hidden_from_his_representative_alone(db: Db) {
    let server = TestServer::start_on(db).await;
    let martin = server.professional("dr-martin").await;
    let secret = flagged(server.bundle("mineur", "dr-martin"), "INVISIBLE_REPRESENTANTS_LEGAUX");
    let locations = martin.post("/fhir", &secret).await.locations();
    assert_eq!(server.notices("mineur").await, Vec::<String>::new(), "the address known is the parent's");
    let url = all(&server, "mineur");
    let parent = server.patient("dominique", "mineur").await;
    assert_eq!(seen(&parent, &url).await, (0, 0));
    unknown_by_id(&parent, &locations).await;
    assert_eq!(seen(&martin, &url).await, (1, 1));
    let minor = server.patient("mineur", "mineur").await;
    assert_eq!(minor.get(&url).await.outcome(), "403 non-active", "mes 9: nothing before activation");
    server.put_space("mineur", SpaceState::Activated).await;
    assert_eq!(seen(&minor, &url).await, (1, 1));
    readable_by_id(&minor, &locations).await;
    let traces = parent.get(&audit(&server, "mineur")).await;
    assert!(locations.iter().all(|own| !traces.text().contains(own.as_str())), "nor its traces");
    martin.post("/fhir", &server.bundle("mineur", "dr-martin")).await.locations();
    assert_eq!(seen(&parent, &url).await, (1, 1), "the parent sees what is no secret");
    assert_eq!(seen(&minor, &url).await, (2, 2));
    traces_are_whole(&server).await;
}

/// A deposit by the person: the fiche of a demo bundle, its author the patient, its document `bytes`.
pub(super) fn deposit(server: &TestServer, persona: &str, kind: &str, content_type: &str, bytes: &[u8]) -> Value {
    let mut bundle = server.bundle(persona, "dr-martin");
    let mut patient = bundle["entry"][1]["resource"]["contained"].as_array().unwrap().iter();
    let patient = patient.find(|own| own["resourceType"] == "Patient").cloned().unwrap();
    let me = json!({ "reference": format!("#{}", patient["id"].as_str().unwrap()) });
    let list = &mut bundle["entry"][0]["resource"];
    list["contained"] = json!([patient]);
    list["source"] = me.clone();
    let fiche = &mut bundle["entry"][1]["resource"];
    fiche["author"] = json!([me]);
    // No person may authenticate in R4 but a professional: the portal that takes the deposit in does.
    let portal = crate::support::pki::pki().certificate("portail").structure.as_ref().unwrap().to_string();
    let contained = fiche["contained"].as_array_mut().unwrap();
    contained.retain(|own| own["resourceType"] != "Practitioner" && own["resourceType"] != "PractitionerRole");
    contained[0]["identifier"][0]["value"] = json!(portal);
    contained[0]["name"] = json!("Portail");
    fiche["authenticator"] = fiche["custodian"].clone();
    let system = espace::ihe::fhir_system("1.2.250.1.213.1.1.4.12");
    let class = espace::fhir::terminology::class_of_type(&system, kind).unwrap_or("90");
    fiche["type"] = json!({ "coding": [{ "system": system, "code": kind, "display": "Document de la personne" }] });
    fiche["category"][0]["coding"][0]["code"] = json!(class);
    let attachment = &mut fiche["content"][0]["attachment"];
    attachment["contentType"] = json!(content_type);
    attachment["size"] = json!(bytes.len());
    attachment["hash"] = json!(STANDARD.encode_to_string(Sha1::digest(bytes)));
    bundle["entry"][2]["resource"]["contentType"] = json!(content_type);
    bundle["entry"][2]["resource"]["data"] = json!(STANDARD.encode_to_string(bytes));
    bundle
}

async fn mes_39_40_the_person_adds_own_documents_of_the_accepted_formats(db: Db) {
    let server = TestServer::start_on(db).await;
    let holder = server.patient("dominique", "dominique").await;
    let pdf = pdf_of_lines(&["Mes volontés"]);
    let own =
        holder.post("/fhir", &deposit(&server, "dominique", "EXPPAT_2", "application/pdf", &pdf)).await.locations();
    readable_by_id(&holder, &own).await;
    assert_eq!(server.notices("dominique").await.iter().filter(|told| told.starts_with("ACCES")).count(), 0);
    let petit = server.professional("dr-petit").await;
    assert_eq!(seen(&petit, &all(&server, "dominique")).await, (1, 1), "professionals read it");

    let refused = |bundle: Value| {
        let holder = holder.clone();
        async move { holder.post("/fhir", &bundle).await.outcome() }
    };
    let post =
        |content_type: &str, bytes: &[u8]| refused(deposit(&server, "dominique", "EXPPAT_2", content_type, bytes));
    assert_eq!(post("application/msword", b"a letter").await, "422 profil XDSRegistryMetadataError");
    let large = vec![b'x'; 5_000_001];
    assert_eq!(post("text/plain", &large).await, "422 profil XDSRegistryMetadataError");
    let hidden = flagged(deposit(&server, "dominique", "EXPPAT_2", "text/plain", b"note"), "INVISIBLE_PATIENT");
    assert_eq!(refused(hidden).await, "422 profil XDSRegistryMetadataError");
    assert_eq!(refused(server.bundle("dominique", "dr-martin")).await, "403 non-auteur", "another's document");
    let profile = |text: &str| deposit(&server, "dominique", "DOCPAT08", "text/plain", text.as_bytes());
    holder.post("/fhir", &profile("Profil médical")).await.locations();
    assert_eq!(
        refused(profile("Un second")).await,
        "422 profil XDSRegistryMetadataError",
        "one current medical profile"
    );
    // A carer adds in the person's name, and sees what the person sees.
    let carer = server.patient("aidant", "dominique").await;
    assert_eq!(seen(&carer, &all(&server, "dominique")).await, (2, 2));
    let third = deposit(&server, "dominique", "EXPPAT_2", "text/plain", b"Par mon aidant");
    carer.post("/fhir", &third).await.locations();
    assert_eq!(seen(&holder, &all(&server, "dominique")).await, (3, 3));
    assert_eq!(carer.get(&audit(&server, "dominique")).await.outcome(), "403 forbidden", "traces are the holder's");
    let traces = holder.get(&audit(&server, "dominique")).await;
    let aidant = format!("Patient/{}", server.persona("aidant").key);
    assert!(traces.text().contains(&aidant), "who acted in her name is told");
    traces_are_whole(&server).await;
}

#[test]
fn nobody_acts_on_the_patient_side_for_another_without_a_delegation_in_force() {
    block_on(async {
        let server = TestServer::start().await;
        let portal = server.certificate("portail");
        for (connected, record) in
            [("dominique", "aidant"), ("aidant", "mineur"), ("corse", "dominique"), ("mineur", "dominique")]
        {
            let (connected, record) = (&server.persona(connected).ins, &server.persona(record).ins);
            let answer = portal.as_patient(connected, record, PATIENT).await;
            assert_eq!(answer.status, 400);
            assert_eq!(answer.json()["error"], "invalid_grant");
        }
        // The tie of a legal representative ends with the minor's eighteenth birthday.
        let parent = server.patient("dominique", "mineur").await;
        assert_eq!(parent.get(&all(&server, "mineur")).await.status, 200);
        assert_eq!(
            parent.get(&all(&server, "dominique")).await.outcome(),
            "403 forbidden",
            "the token serves one record"
        );
        server.clock.advance(jiff::SignedDuration::from_hours(24 * 365 * 4));
        let (dominique, mineur) = (&server.persona("dominique").ins, &server.persona("mineur").ins);
        assert_eq!(portal.as_patient(dominique, mineur, PATIENT).await.status, 400);
    });
}

#[test]
fn mes_9_nothing_is_offered_to_the_patient_side_before_activation() {
    block_on(async {
        let server = TestServer::start().await;
        let martin = server.professional("dr-martin").await;
        let locations = martin.post("/fhir", &server.bundle("cree-mail", "dr-martin")).await.locations();
        let holder = server.patient("cree-mail", "cree-mail").await;
        let (search, traces) = (all(&server, "cree-mail"), audit(&server, "cree-mail"));
        let reads: Vec<String> = locations.iter().map(|location| format!("/fhir/{location}")).collect();
        for url in reads.iter().chain([&search, &traces]) {
            assert_eq!(holder.get(url).await.outcome(), "403 non-active", "{url}");
        }
        let own = deposit(&server, "cree-mail", "EXPPAT_2", "text/plain", b"note");
        assert_eq!(holder.post("/fhir", &own).await.outcome(), "403 non-active");
        server.put_space("cree-mail", SpaceState::Activated).await;
        readable_by_id(&holder, &locations).await;
        assert_eq!(seen(&holder, &search).await, (1, 1));
        server.put_space("cree-mail", SpaceState::Suspended).await;
        assert_eq!(holder.get(&search).await.outcome(), "403 non-active", "a suspended space is shut");
    });
}

#[test]
fn ds_79_a_signature_entry_is_listed_to_nobody() {
    block_on(async {
        let server = TestServer::start().await;
        let martin = server.professional("dr-martin").await;
        let mut signature = server.bundle("dominique", "dr-martin");
        let system = "https://mos.esante.gouv.fr/NOS/TRE_A12-NomenclatureASTM/FHIR/TRE-A12-NomenclatureASTM";
        signature["entry"][1]["resource"]["type"] =
            json!({ "coding": [{ "system": system, "code": "E1762", "display": "Full Document" }] });
        let locations = martin.post("/fhir", &signature).await.locations();
        let url = all(&server, "dominique");
        assert_eq!(seen(&martin, &url).await, (0, 0), "its author too has no use for it in a list");
        let petit = server.professional("dr-petit").await;
        let holder = server.patient("dominique", "dominique").await;
        for reader in [&petit, &holder] {
            assert_eq!(seen(reader, &url).await, (0, 0));
            unknown_by_id(reader, &locations).await;
        }
        readable_by_id(&martin, &locations).await;
    });
}

#[test]
fn a_set_shows_only_the_items_that_are_for_its_reader() {
    block_on(async {
        let server = TestServer::start().await;
        let petit = server.professional("dr-petit").await;
        let mut bundle = server.bundle("dominique", "dr-petit");
        let mut second = flagged(server.bundle("dominique", "dr-petit"), "MASQUE_PS");
        let entries = second["entry"].as_array_mut().unwrap().split_off(1);
        bundle["entry"].as_array_mut().unwrap().extend(entries);
        let item = second["entry"][0]["resource"]["entry"][0].clone();
        bundle["entry"][0]["resource"]["entry"].as_array_mut().unwrap().push(item);
        let locations = petit.post("/fhir", &bundle).await.locations();
        let set = format!("/fhir/{}", locations[0]);
        assert_eq!(petit.get(&set).await.json()["entry"].as_array().unwrap().len(), 2);
        let leroy = server.professional("inf-leroy").await;
        let seen = leroy.get(&set).await;
        assert_eq!(seen.json()["entry"], json!([{ "item": { "reference": locations[1] } }]), "{}", seen.text());
    });
}

#[test]
fn an_operators_matrix_stands_in_for_the_public_cells_and_the_statement_says_so() {
    block_on(async {
        let folder = crate::support::pki::Scratch::empty();
        folder.write("habilitation.csv", "profession,type,right,verdict,why,rule\n10,*,read,permit,ours,Arr2023\n60,11502-2,read,permit,ours,Arr2023\n");
        let path = folder.path().to_owned();
        let server = TestServer::start_with(Db::of_this_run().await, |config| {
            config.rules.allow_override = true;
            config.rules.override_dir = Some(path);
        })
        .await;
        let martin = server.professional("dr-martin").await;
        martin.post("/fhir", &server.bundle("dominique", "dr-martin")).await.locations();
        let url = all(&server, "dominique");
        assert_eq!(seen(&server.professional("dr-petit").await, &url).await, (1, 1));
        assert_eq!(seen(&server.professional("inf-leroy").await, &url).await, (0, 0), "nurses read biology alone here");
        let statement = martin.get("/fhir/metadata").await.json();
        assert!(statement["rest"][0]["documentation"].as_str().unwrap().contains("rules.allow_override"));
    });
}

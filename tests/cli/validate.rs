//! `espace validate`: what it prints, in which language, and its exit codes (contract §2).

use serde_json::{Value, json};

use crate::support::process::Home;
use crate::support::shared::{shared, skipped};

const PROFILE: &str = "https://example.org/StructureDefinition/named";

fn definition() -> Value {
    json!({"resourceType": "StructureDefinition", "url": PROFILE, "name": "Named", "type": "Patient",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "differential": {"element": [{"id": "Patient.name", "path": "Patient.name", "min": 1}]}})
}

fn write(home: &Home, name: &str, bytes: impl AsRef<[u8]>) {
    std::fs::write(home.path().join(name), bytes).unwrap();
}

/// A gzip of one block that is not compressed, around a ustar archive of one file.
fn packed(name: &str, content: &[u8]) -> Vec<u8> {
    let mut archive = vec![0; 512];
    archive[..name.len()].copy_from_slice(name.as_bytes());
    archive[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
    archive[156] = b'0';
    archive[257..262].copy_from_slice(b"ustar");
    archive.extend(content);
    archive.resize(archive.len().next_multiple_of(512) + 1024, 0);
    let length = u16::try_from(archive.len()).unwrap();
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1];
    bytes.extend(length.to_le_bytes().into_iter().chain((!length).to_le_bytes()));
    bytes.extend(&archive);
    bytes.extend(crc(&archive).to_le_bytes());
    bytes.extend(u32::from(length).to_le_bytes());
    bytes
}

fn crc(bytes: &[u8]) -> u32 {
    let shift = |crc: u32| if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| shift(crc)))
}

#[test]
fn a_file_is_judged_by_the_profile_it_names_and_the_exit_code_says_how() {
    let home = Home::without_pki();
    let bundle = home.run("demo bundle");
    write(&home, "sound.json", &bundle.out);
    let ended = home.run("validate sound.json --mode strict");
    assert_eq!((ended.code, ended.out.lines().next()), (0, Some("sound.json: 0 error(s), 0 warning(s)")), "{ended:?}");
    let mut broken: Value = serde_json::from_str(&bundle.out).unwrap();
    for entry in broken["entry"].as_array_mut().unwrap() {
        entry["resource"].as_object_mut().unwrap().shift_remove("masterIdentifier");
    }
    write(&home, "broken.json", broken.to_string());
    let ended = home.run("validate --lang fr sound.json broken.json");
    assert_eq!((ended.code, ended.err.as_str()), (3, ""), "{ended:?}");
    assert!(ended.out.contains("broken.json : 1 erreur(s)"), "{}", ended.out);
    assert!(
        ended.out.contains("erreur Bundle.entry[1].resource.masterIdentifier: Un élément obligatoire manque."),
        "{}",
        ended.out
    );
    assert!(ended.out.contains("[element-manquant; MHD 1.3 DocumentReference.masterIdentifier]"), "{}", ended.out);
    let ended = home.run("validate --json --lang en sound.json broken.json");
    let outcomes: Vec<Value> = ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((ended.code, outcomes.len()), (3, 2));
    assert_eq!(outcomes[0]["issue"][0]["severity"], "information");
    assert_eq!(outcomes[1]["resourceType"], "OperationOutcome");
    assert_eq!(outcomes[1]["issue"][0]["expression"][0], "Bundle.entry[1].resource.masterIdentifier");
    assert!(outcomes[1]["issue"][0]["details"]["text"].as_str().unwrap().starts_with("A required element is missing."));
    // The INS of the demo person is told by nobody.
    assert!(!ended.out.contains("279035121518989"));
}

#[test]
fn the_language_is_the_one_asked_for_or_that_of_the_locale() {
    let home = Home::without_pki();
    write(&home, "patient.json", r#"{"resourceType": "Patient", "gender": "x"}"#);
    for (locale, arguments, text) in [
        ("fr_FR.UTF-8", "", "note: aucun profil"),
        ("C.UTF-8", "", "note: no profile is named"),
        ("fr_FR.UTF-8", "--lang en", "note: no profile is named"),
    ] {
        let mut command = home.command(&format!("validate patient.json {arguments}"));
        let output = command.env_remove("LC_MESSAGES").env("LC_ALL", locale).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains(text) && output.status.code() == Some(3), "{locale} {arguments}: {said}");
    }
}

#[test]
fn a_profile_comes_with_a_folder_or_with_a_package_file() {
    let home = Home::without_pki();
    std::fs::create_dir(home.path().join("folder")).unwrap();
    write(&home, "folder/StructureDefinition-named.json", definition().to_string());
    write(&home, "package.tgz", packed("package/StructureDefinition-named.json", definition().to_string().as_bytes()));
    let name = r#", "name": [{"family": "X"}]"#;
    let patient = |more: &str| format!(r#"{{"resourceType": "Patient", "meta": {{"profile": ["{PROFILE}"]}}{more}}}"#);
    write(&home, "sound.json", patient(name));
    write(&home, "broken.json", patient(""));
    for place in ["folder", "package.tgz"] {
        let ended = home.run(&format!("validate --package {place} --lang en sound.json"));
        assert_eq!((ended.code, ended.out.as_str()), (0, "sound.json: 0 error(s), 0 warning(s)\n"), "{ended:?}");
        let ended = home.run(&format!("validate --package {place} --profile {PROFILE} --lang en broken.json"));
        assert_eq!(ended.code, 3, "{ended:?}");
        assert!(
            ended.out.contains(
                "error Patient.name: A required element is missing. (min 1) Found: 0. [element-manquant; Named Patient.name]"
            ),
            "{}",
            ended.out
        );
    }
    let ended = home.run("validate sound.json --lang en");
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.out.contains(&format!("unknown profile, not checked: {PROFILE}")), "{}", ended.out);
}

#[test]
fn what_cannot_be_read_exits_1_and_what_is_asked_wrongly_2() {
    let home = Home::without_pki();
    write(&home, "patient.json", r#"{"resourceType": "Patient"}"#);
    write(&home, "none.tgz", packed("package/README.json", b"{}"));
    write(&home, "no.tgz", "not gzip");
    for (arguments, code, said) in [
        ("absent.json", 1, "cannot read absent.json"),
        ("patient.json --package absent", 1, "cannot read package absent"),
        ("patient.json --package no.tgz", 1, "not a gzip file"),
        ("patient.json --package none.tgz", 1, "it holds no StructureDefinition"),
        ("", 2, "<FILE>"),
        ("patient.json --mode soft", 2, "soft"),
        ("patient.json --pdsm 4", 2, "4"),
        ("patient.json --profile urn:x", 2, "no profile is called urn:x"),
    ] {
        let ended = home.run(&format!("validate {arguments}"));
        assert_eq!((ended.code, ended.err.contains(said)), (code, true), "{arguments}: {ended:?}");
    }
    for (name, content) in [("a.json", "{\"a\": 1, \"a\": 2}"), ("b.json", "[]"), ("c.json", ""), ("d.xml", "<a/>")] {
        write(&home, name, content);
        assert_eq!(home.run(&format!("validate {name}")).code, 3, "{name}");
    }
}

#[test]
fn a_cda_is_judged_by_its_header() {
    let Some(shared) = shared() else { return skipped("samples/cda") };
    let home = Home::without_pki();
    let file = |name: &str| shared.join("samples/cda").join(name).display().to_string();
    let ended = home.run(&format!("validate --mode strict {}", file("DOC_NON_STRUCTURE_CDA-R2-N1.xml")));
    assert_eq!(ended.code, 0, "{ended:?}");
    let ended = home.run(&format!("validate --json {}", file("CSE-MDE_2023.01.xml")));
    let outcome: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!((ended.code, outcome["issue"][0]["diagnostics"].as_str()), (3, Some("cda-ins-key")), "{ended:?}");
}

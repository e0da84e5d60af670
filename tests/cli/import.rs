//! `espace import`: a generated export of the directory, killed and resumed, refused line by line, and what
//! tokens know of it afterwards.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use espace::ids::{NationalId, StructureId};
use espace::ops::directory::put::{Became, put, read};
use serde_json::{Value, json};

use crate::support::db::{Db, stories};
use crate::support::process::{Ended, Home};

stories! { what_the_directory_tells_feeds_those_who_give_tokens }

const PEOPLE: usize = 700;

fn organization(number: usize) -> Value {
    json!({
        "resourceType": "Organization",
        "id": format!("001-{number}"),
        "meta": { "profile": ["https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-dp-organization"], "versionId": "7" },
        "identifier": [{ "system": "https://finess.esante.gouv.fr", "value": format!("{:09}", 750_000_000 + number) }],
        "active": true,
        "type": [{ "coding": [{ "system": "https://mos.esante.gouv.fr/NOS/TRE_R02-SecteurActivite/FHIR/TRE-R02-SecteurActivite", "code": "SA01" }] }],
        "name": format!("Structure {number}"),
    })
}

fn practitioner(number: usize) -> Value {
    json!({
        "resourceType": "Practitioner",
        "id": format!("003-{number}"),
        "identifier": [{ "system": "https://rpps.esante.gouv.fr", "value": format!("{:011}", 20_000_000_000 + number) }],
        "name": [{ "family": format!("NOM{number}"), "given": ["CAMILLE"] }],
        "qualification": [{ "code": { "coding": [{ "system": "https://mos.esante.gouv.fr/NOS/TRE_G15-ProfessionSante/FHIR/TRE-G15-ProfessionSante", "code": "60" }] } }],
    })
}

fn role(number: usize) -> Value {
    json!({
        "resourceType": "PractitionerRole",
        "id": format!("005-{number}"),
        "active": true,
        "practitioner": { "reference": format!("Practitioner/003-{number}") },
        "organization": { "reference": format!("Organization/001-{number}") },
    })
}

/// The whole export, and among it three lines that cannot be kept.
fn export() -> String {
    let mut lines: Vec<String> = (0..PEOPLE).map(|number| organization(number).to_string()).collect();
    lines.push("{ this is not JSON".to_owned());
    lines.extend((0..PEOPLE).map(|number| practitioner(number).to_string()));
    lines.push(json!({ "resourceType": "Patient", "id": "x" }).to_string());
    lines.extend((0..PEOPLE).map(|number| role(number).to_string()));
    lines.push(role(PEOPLE + 1).to_string());
    lines.join("\n")
}

fn import(home: &Home, file: &str) -> Ended {
    Ended::from(home.command(&format!("import {file} --state data")).output().unwrap())
}

#[test]
fn an_import_goes_on_where_it_was_killed_and_refuses_line_by_line() {
    let home = Home::new();
    assert_eq!(home.dev("").stop(), 0);
    std::fs::write(home.path().join("export.ndjson"), export()).unwrap();
    let mut command = home.command("import export.ndjson --state data");
    let mut killed = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(killed.stderr.take().unwrap()).lines().map(Result::unwrap);
    let third = lines.filter(|line| line.starts_with('[')).nth(2).unwrap();
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(third.contains(" 600 read"), "{third}");

    let resumed = import(&home, "export.ndjson");
    let total = 3 * PEOPLE + 3;
    assert_eq!(resumed.out.trim(), format!("{total} read: {} new, 0 changed, 0 unchanged, 3 refused", 3 * PEOPLE));
    assert_eq!(resumed.code, 3);
    assert!(resumed.err.contains("export.ndjson: goes on after "), "{}", resumed.err);
    let refused =
        |number: usize, what: &str| assert!(resumed.err.contains(&format!("line {number}: {what}")), "{}", resumed.err);
    refused(2 * PEOPLE + 2, "not-supported resourceType");
    refused(total, "reference PractitionerRole.practitioner");
    assert!(!resumed.err.contains("NOM"), "no name is told");

    let again = import(&home, "export.ndjson");
    assert_eq!(again.out.trim(), format!("{total} read: 0 new, 0 changed, {} unchanged, 3 refused", 3 * PEOPLE));
    let entries: Vec<Value> = [role(PEOPLE + 1), practitioner(PEOPLE + 1), organization(PEOPLE + 1)]
        .map(|resource| json!({ "resource": resource }))
        .to_vec();
    let bundle = json!({ "resourceType": "Bundle", "type": "collection", "entry": entries });
    std::fs::write(home.path().join("bundle.json"), serde_json::to_string_pretty(&bundle).unwrap()).unwrap();
    let bundle = import(&home, "bundle.json");
    assert_eq!(
        (bundle.code, bundle.out.trim()),
        (0, "3 read: 3 new, 0 changed, 0 unchanged, 0 refused"),
        "{}",
        bundle.err
    );
    let nothing = import(&home, "absent.ndjson");
    assert_eq!(nothing.code, 1);
}

async fn what_the_directory_tells_feeds_those_who_give_tokens(db: Db) {
    let store = db.open().await;
    let now: jiff::Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
    let keep = async |body: Value| {
        let draft = read(body).unwrap();
        store.system("test.put", move |tx| put(tx, &draft, now)).await.map_err(|error| error.code().row().name)
    };
    assert_eq!(keep(role(1)).await, Err("reference"), "nobody yet");
    for body in [practitioner(1), organization(1), role(1)] {
        assert_eq!(keep(body.clone()).await, Ok(Became::Made));
        assert_eq!(keep(body).await, Ok(Became::Unchanged));
    }
    let id: NationalId = "820000000001".parse().unwrap();
    let structure: StructureId = "1750000001".parse().unwrap();
    let exercises = async || {
        let id = id.clone();
        store.system_read("test.exercises", move |tx| tx.find_exercises(&id)).await.unwrap()
    };
    let found = exercises().await;
    assert_eq!((found.len(), &found[0].structure.id, found[0].situation.as_str()), (1, &structure, "005-1"));
    let known = &found[0].professional;
    assert_eq!((known.family.as_str(), known.profession.as_str()), ("NOM1", "60"));
    let regulates = espace::model::directory::Professional { may_regulate: true, ..known.clone() };
    store.system("test.regulate", move |tx| tx.put_professional(&regulates)).await.unwrap();
    let mut renamed = practitioner(1);
    renamed["name"][0]["family"] = json!("AUTRE");
    assert_eq!(keep(renamed).await, Ok(Became::Changed));
    let known = exercises().await[0].professional.clone();
    assert_eq!((known.family.as_str(), known.may_regulate), ("AUTRE", true), "what is not told stays");
    let mut ended = role(1);
    ended["period"] = json!({ "end": "2026-11-01" });
    assert_eq!(keep(ended).await, Ok(Became::Changed));
    assert_eq!(exercises().await.len(), 0, "an exercise that ended gives no token");
    assert_eq!(keep(role(1)).await, Ok(Became::Changed));
    assert_eq!(exercises().await.len(), 1);
    for wrong in [json!({ "resourceType": "Patient", "id": "x" }), json!({ "resourceType": "Location" }), json!({})] {
        assert!(read(wrong).is_err());
    }
}

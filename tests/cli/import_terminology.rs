//! `espace import --terminology`: checked, kept, taken up at the next start (issue 4 §5).

use serde_json::json;

use crate::support::db::{Db, block_on};
use crate::support::process::Home;
use crate::support::server::TestServer;

/// The types of the DMP without that of the demonstration's document, and with a new one.
fn table() -> String {
    let set = espace::fhir::terminology::value_set("JDV_J66-TypeCode-DMP").unwrap();
    let rows = set.codings().filter(|coding| coding.code != "11488-4");
    let rows = rows.map(|coding| format!("{},{},\"{}\"\n", coding.system, coding.code, coding.display));
    format!("system,code,display\n{}http://loinc.org,99999-9,Nouveau\n", rows.collect::<String>())
}

#[test]
fn an_imported_value_set_is_taken_up_at_the_next_start() {
    let home = Home::without_pki();
    let file = home.path().join("JDV_J66_TypeCode_DMP.csv");
    std::fs::write(&file, table()).unwrap();
    let state = home.state();
    let command = format!("import --state {} --terminology {}", state.display(), file.display());
    let ended = home.run(&command);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{}", ended.out);
    assert!(ended.out.contains("108 codes, 1 new, 1 retired"), "{}", ended.out);
    // Again: nothing is new, and what was retired is so still.
    assert!(home.run(&command).out.contains("108 codes, 0 new, 1 retired"));
    block_on(async {
        let folder = state.join("terminology");
        let server = TestServer::start_with(Db::sqlite().await, |config| config.conformance.terminology = folder).await;
        let martin = server.professional("dr-martin").await;
        let expanded = martin.get("/fhir/ValueSet/$expand?url=JDV_J66-TypeCode-DMP").await.json();
        let entry = |code: &str| {
            let mut contains = expanded["expansion"]["contains"].as_array().unwrap().iter();
            contains.find(|one| one["code"] == code).unwrap().clone()
        };
        assert_eq!((&expanded["expansion"]["total"], &entry("99999-9")["display"]), (&json!(109), &json!("Nouveau")));
        assert_eq!((&entry("11488-4")["inactive"], &entry("11502-2")["inactive"]), (&json!(true), &json!(null)));
        let active = martin.get("/fhir/ValueSet/$expand?url=JDV_J66-TypeCode-DMP&activeOnly=true").await.json();
        assert_eq!(active["expansion"]["total"], 108);
        let read = martin.get("/fhir/ValueSet/JDV-J66-TypeCode-DMP").await.text();
        assert!(read.contains("99999-9") && !read.contains("11488-4"));
        // A new document with the retired code is kept, and its sender told.
        let published = martin.post("/fhir", &server.bundle("dominique", "dr-martin")).await;
        assert_eq!(published.status, 200, "{}", published.text());
        assert!(published.text().contains("code-retire"), "{}", published.text());
        // An old one is read and patched without a word.
        let fiche = &published.locations()[1];
        let path = format!("/fhir/DocumentReference/{}", fiche.rsplit('/').next().unwrap());
        assert!(!martin.get(&path).await.text().contains("code-retire"));
    });
}

#[test]
fn a_file_at_fault_is_told_and_nothing_is_kept() {
    let home = Home::without_pki();
    let (good, bad) = (home.path().join("JDV_J66_TypeCode_DMP.csv"), home.path().join("JDV_J13.csv"));
    std::fs::write(&good, table()).unwrap();
    std::fs::write(&bad, "system,code,display\n").unwrap();
    let state = home.state();
    let command = format!("import --state {} --terminology {} {}", state.display(), good.display(), bad.display());
    let ended = home.run(&command);
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains("JDV_J13.csv: no value set is called JDV_J13"), "{}", ended.err);
    assert!(!state.join("terminology").exists());
}

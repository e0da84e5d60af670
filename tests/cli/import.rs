//! `espace import --terminology`: a newer edition stands over ours, and what it leaves out is retired (document-sharing §5).

use espace::fhir::terminology::value_set;
use serde_json::{Value, json};

use crate::support::process::Home;

const TYPES: &str = "https://mos.esante.gouv.fr/NOS/JDV_J66-TypeCode-DMP/FHIR/JDV-J66-TypeCode-DMP";

fn kept(home: &Home) -> Value {
    let file = home.path().join("packages/ValueSet-JDV-J66-TypeCode-DMP.json");
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

fn states(set: &Value) -> Vec<(String, bool)> {
    let listed = set["expansion"]["contains"].as_array().unwrap();
    listed.iter().map(|one| (one["code"].as_str().unwrap().to_owned(), one["inactive"] == true)).collect()
}

#[test]
fn a_newer_edition_retires_what_it_leaves_out_and_the_next_one_what_that_brought() {
    let home = Home::without_pki();
    let set = value_set(TYPES).unwrap();
    let ours: Vec<_> = set.codings().collect();
    let mut lines: Vec<String> = vec!["system,code,display".to_owned()];
    lines.extend(ours.iter().skip(1).map(|coding| format!("{},{},\"{}\"", coding.system, coding.code, coding.display)));
    lines.push("urn:new,N1,\"Nouveau, \"\"vraiment\"\"\"".to_owned());
    std::fs::write(home.path().join("JDV_J66_TypeCode_DMP.csv"), lines.join("\n")).unwrap();
    let ended = home.run("import --terminology JDV_J66_TypeCode_DMP.csv");
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.out.contains(&format!("{TYPES}: {} codes, 1 new, 1 retired", ours.len())), "{}", ended.out);
    let states_now = states(&kept(&home));
    assert!(states_now.contains(&(ours[0].code.to_owned(), true)), "{states_now:?}");
    assert!(states_now.contains(&("N1".to_owned(), false)));
    assert_eq!(kept(&home)["expansion"]["contains"][ours.len() - 1]["display"], "Nouveau, \"vraiment\"");
    // The next edition names one code only: the new one of before is retired with all the others.
    let next = json!({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": {"resourceType": "ValueSet", "url": TYPES,
        "version": "2", "status": "active", "compose": {"include": [{"system": ours[1].system, "concept": [{"code": ours[1].code}]}]}}}]});
    std::fs::write(home.path().join("next.json"), next.to_string()).unwrap();
    let ended = home.run("import next.json --terminology");
    assert!(ended.out.contains(&format!("1 codes, 0 new, {} retired", ours.len())), "{ended:?}");
    let states_now = states(&kept(&home));
    assert_eq!(states_now.len(), ours.len() + 1);
    assert!(states_now.contains(&("N1".to_owned(), true)) && states_now.contains(&(ours[0].code.to_owned(), true)));
}

#[test]
fn what_is_no_edition_of_anything_is_refused_and_changes_nothing() {
    let home = Home::without_pki();
    let open = json!({"resourceType": "ValueSet", "url": "urn:x", "compose": {"include": [{"system": "urn:unknown"}]}});
    for (name, content, said) in [
        ("a.json", "{}".to_owned(), "holds no ValueSet"),
        ("b.json", "no".to_owned(), "structure"),
        ("c.csv", "system,code\n".to_owned(), "no value set of ours is called so"),
        ("JDV_J66_TypeCode_DMP.csv", "a,b\n".to_owned(), "names no columns"),
        ("d.json", open.to_string(), "cannot be listed"),
    ] {
        std::fs::write(home.path().join(name), content).unwrap();
        let ended = home.run(&format!("import --terminology {name}"));
        assert_eq!((ended.code, ended.err.contains(said)), (1, true), "{name}: {ended:?}");
    }
    let packages = home.path().join("packages");
    assert!(!packages.exists() || std::fs::read_dir(packages).unwrap().count() == 0);
}

//! Value sets and code systems of an operator in the place of the committed ones: retired codes are
//! good on old documents and warned of on new ones (issue 4 §5).

use espace::fhir::terminology::{Change, Library, Standing};
use espace::fhir::validate::{self, Conformance, Mode, Pdsm, Replaced};
use serde_json::json;

const TYPES: &str = "https://mos.esante.gouv.fr/NOS/JDV_J66-TypeCode-DMP/FHIR/JDV-J66-TypeCode-DMP";
const LOINC: &str = "http://loinc.org";

/// The types of the DMP but for biology, one of its others retired, and a new one.
fn table() -> String {
    let mut table = String::from("system,code,display,status\n");
    for coding in espace::fhir::terminology::value_set(TYPES).unwrap().codings() {
        if coding.code != "11502-2" {
            let status = if coding.code == "60591-5" { "retired" } else { "" };
            let row = [coding.system, coding.code, &format!("\"{}\"", coding.display), status].join(",");
            table.push_str(&row);
            table.push('\n');
        }
    }
    table.push_str("urn:oid:2.16.840.1.113883.6.1,99999-9,\"Un type, nouveau\",\n");
    table
}

fn loaded(file: &str, text: &str) -> (Library, Vec<Change>) {
    let mut library = Library::over_built_in();
    let read = library.read(file, text).unwrap();
    let changes = read.into_iter().map(|loaded| library.load(loaded)).collect();
    (library, changes)
}

#[test]
fn a_table_replaces_the_set_whose_name_it_bears() {
    let (library, changes) = loaded("JDV_J66_TypeCode_DMP.csv", &table());
    let change = Change { url: TYPES.to_owned(), codes: 108, added: 1, retired: 2 };
    assert_eq!(changes, [change]);
    let set = library.set(TYPES).unwrap();
    for (code, standing) in [
        ("11502-2", Standing::Retired),
        ("60591-5", Standing::Retired),
        ("99999-9", Standing::Current),
        ("11488-4", Standing::Current),
        ("0", Standing::Absent),
    ] {
        assert_eq!(set.standing(LOINC, code), standing, "{code}");
    }
    assert_eq!(library.concept(LOINC, "99999-9").unwrap().1.display("fr"), "Un type, nouveau");
    // The committed table is as it was.
    assert_eq!(Library::built_in().set(TYPES).unwrap().standing(LOINC, "11502-2"), Standing::Current);
    assert!(!Library::built_in().replaces() && library.replaces());
}

#[test]
fn a_retired_code_is_warned_of_and_an_unknown_one_refused_as_before() {
    const PROFILE: &str =
        "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-comprehensive-document-reference";
    let (library, _) = loaded("JDV_J66-TypeCode-DMP.csv", &table());
    let told = |library: &Library, code: &str| -> Vec<(String, bool)> {
        let mode = Mode { replaced: Replaced::of(library), ..Mode::of(Conformance::Strict, Pdsm::V311) };
        let fiche = json!({"resourceType": "DocumentReference", "type": {"coding": [{"system": LOINC, "code": code}]}});
        let issues = validate::profile(&fiche, PROFILE, &mode).into_iter();
        let at_type = issues.filter(|issue| issue.path.as_ref().is_some_and(|path| path.as_str().contains(".type")));
        at_type.map(|issue| (issue.code.row().name.to_owned(), issue.is_warning)).collect()
    };
    let committed = Library::over_built_in();
    assert_eq!(told(&committed, "99999-9"), [("code-invalide".to_owned(), false)]);
    assert_eq!(told(&library, "99999-9"), []);
    assert_eq!(told(&library, "0"), [("code-invalide".to_owned(), false)]);
    assert_eq!(told(&committed, "11502-2"), []);
    assert_eq!(told(&library, "11502-2"), [("code-retire".to_owned(), true)]);
    // An unnamed mode has nothing replaced.
    assert_eq!(Mode::default().replaced, Replaced::of(&committed));
}

#[test]
fn resources_are_loaded_with_their_designations_and_their_retired_codes() {
    let system = json!({"resourceType": "CodeSystem", "url": "urn:x:colours", "version": "2", "language": "en",
    "status": "active", "content": "complete", "concept": [
        {"code": "red", "display": "Red", "designation": [{"language": "fr", "value": "Rouge"}],
            "concept": [{"code": "pink", "display": "Pink"}]},
        {"code": "grey", "display": "Grey", "property": [{"code": "status", "valueCode": "retired"}]},
    ]});
    let set = json!({"resourceType": "ValueSet", "url": "urn:x:warm", "name": "Warm", "status": "active", "compose": {
        "include": [{"system": "urn:x:colours"}],
        "exclude": [{"system": "urn:x:colours", "concept": [{"code": "pink"}]}],
    }});
    // In whatever order they stand.
    let bundle = json!({"resourceType": "Bundle", "type": "collection",
        "entry": [{"resource": set}, {"resource": system}]});
    let (library, changes) = loaded("colours.json", &bundle.to_string());
    assert_eq!(changes.iter().map(|change| (change.codes, change.retired)).collect::<Vec<_>>(), [(3, 1), (2, 1)]);
    let (found, red) = library.concept("urn:x:colours", "red").unwrap();
    assert_eq!((&*found.version, red.display("fr-FR"), red.display("en")), ("2", "Rouge", "Red"));
    let set = library.set("Warm").unwrap();
    assert_eq!(set.standing("urn:x:colours", "red"), Standing::Current);
    assert_eq!(set.standing("urn:x:colours", "grey"), Standing::Retired);
    assert_eq!(set.standing("urn:x:colours", "pink"), Standing::Absent);
}

#[test]
fn a_file_at_fault_is_refused_with_its_reason() {
    let library = Library::built_in();
    for (file, text, reason) in [
        ("x.txt", "", "expected a .csv or .json file"),
        ("nothing", "", "expected a .csv or .json file"),
        ("JDV_J13.csv", "system,code,display\n", "no value set is called JDV_J13: "),
        ("JDV_J66-TypeCode-DMP.csv", "code,display\nx,y\n", "line 1: the columns are "),
        ("JDV_J66-TypeCode-DMP.csv", "system,code,display\n", "line 1: the table is empty"),
        ("JDV_J66-TypeCode-DMP.csv", "system,code,display\nx,y,z\nx,,z\n", "line 3: a system and a code"),
        ("JDV_J66-TypeCode-DMP.csv", "system,code,display,status\nx,y,z,gone\n", "line 2: the status is "),
        ("JDV_J66-TypeCode-DMP.csv", "system,code,display\nx,y,\"z\n", "line 2: a stray quote"),
        ("x.json", "{", "not JSON: "),
        ("x.json", r#"{"resourceType":"Patient"}"#, "expected a ValueSet"),
        (
            "x.json",
            r#"{"resourceType":"ValueSet","compose":{"include":[{"system":"urn:none"}]}}"#,
            "unknown or incomplete: urn:none",
        ),
        (
            "x.json",
            r#"{"resourceType":"ValueSet","compose":{"include":[{"system":"urn:x","concept":[{"code":"a"}]}]}}"#,
            "expected a ValueSet, a CodeSystem or a Bundle of them, with a url",
        ),
        (
            "x.json",
            r#"{"resourceType":"ValueSet","url":"u","compose":{"include":[{"system":"x","filter":[{}]}]}}"#,
            "codes chosen by a filter",
        ),
        ("x.json", r#"{"resourceType":"CodeSystem"}"#, "expected a ValueSet"),
        ("x.json", r#"{"resourceType":"CodeSystem","url":"u","concept":[{}]}"#, "expected a ValueSet"),
        ("x.json", r#"{"resourceType":"Bundle"}"#, "expected a ValueSet"),
    ] {
        let told = library.read(file, text).unwrap_err().to_string();
        assert!(told.starts_with(reason), "{file} {text}: {told}");
    }
}

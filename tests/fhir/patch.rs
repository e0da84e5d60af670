//! The four forms of a patch: what they do, what they refuse, and that none grows without bounds.

use espace::error::{Code, Error};
use espace::fhir::patch::{Form, MOST_BYTES, MOST_OPERATIONS, Patch};
use proptest::prelude::*;
use serde_json::{Value, json};

const ARCHIVED: &str = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-ext-is-archived";

fn fiche() -> Value {
    json!({
        "resourceType": "DocumentReference",
        "status": "current",
        "securityLabel": [
            { "coding": [{ "system": "s", "code": "N" }] },
            { "coding": [{ "system": "s", "code": "MASQUE_PS" }] },
        ],
        "extension": [
            { "url": "http://example.org/a~b/c", "valueString": "x" },
            { "url": ARCHIVED, "valueBoolean": false },
        ],
        "content": [{ "attachment": { "title": "t", "size": 10 } }],
    })
}

fn apply(form: Form, patch: &[u8]) -> Result<Value, Error> {
    Patch::read(form, patch)?.apply(&fiche())
}

fn json_patch(patch: &Value) -> Result<Value, Code> {
    apply(Form::Json, patch.to_string().as_bytes()).map_err(|error| error.code())
}

/// What a patch leaves at a place.
fn left(patched: Result<Value, Code>, pointer: &str) -> Value {
    patched.unwrap().pointer(pointer).cloned().unwrap_or(Value::Null)
}

#[test]
fn json_patch_does_what_rfc_6902_says() {
    let labels = |patch: Value| {
        let codes = left(json_patch(&patch), "/securityLabel");
        let code = |label: &Value| label["coding"][0]["code"].as_str().unwrap_or("?").to_owned();
        codes.as_array().unwrap().iter().map(code).collect::<Vec<_>>().join(" ")
    };
    let r = json!({ "coding": [{ "code": "R" }] });
    assert_eq!(labels(json!([{ "op": "add", "path": "/securityLabel/-", "value": r }])), "N MASQUE_PS R");
    assert_eq!(labels(json!([{ "op": "add", "path": "/securityLabel/1", "value": r }])), "N R MASQUE_PS");
    assert_eq!(labels(json!([{ "op": "add", "path": "/securityLabel/2", "value": r }])), "N MASQUE_PS R");
    assert_eq!(labels(json!([{ "op": "replace", "path": "/securityLabel/0", "value": r }])), "R MASQUE_PS");
    assert_eq!(labels(json!([{ "op": "remove", "path": "/securityLabel/0" }])), "MASQUE_PS");
    let moved = json!([{ "op": "move", "from": "/securityLabel/0", "path": "/securityLabel/1" }]);
    assert_eq!(labels(moved), "MASQUE_PS N");
    let copied = json!([{ "op": "copy", "from": "/securityLabel/0", "path": "/securityLabel/-" }]);
    assert_eq!(labels(copied), "N MASQUE_PS N");
    let tested = json!([
        { "op": "test", "path": "/content/0/attachment/size", "value": 10.0 },
        { "op": "test", "path": "/extension/0/url", "value": "http://example.org/a~b/c" },
        { "op": "remove", "path": "/securityLabel/1" },
    ]);
    assert_eq!(labels(tested), "N");
    let whole = json!([{ "op": "replace", "path": "", "value": { "a": 1 } }]);
    assert_eq!(json_patch(&whole).unwrap(), json!({ "a": 1 }));
    let escaped = json!([{ "op": "add", "path": "/a~1b~0c", "value": 1 }]);
    assert_eq!(json_patch(&escaped).unwrap()["a/b~c"], 1);
    let emptied =
        json!([{ "op": "remove", "path": "/securityLabel/0" }, { "op": "remove", "path": "/securityLabel/0" }]);
    assert_eq!(json_patch(&emptied).unwrap().get("securityLabel"), None, "no empty list is left");
}

#[test]
fn json_patch_refuses_what_is_not_there() {
    for (op, path) in [
        ("remove", "/securityLabel/2"),
        ("remove", "/securityLabel/-"),
        ("remove", "/securityLabel/01"),
        ("remove", "/securityLabel/99999999999999999999"),
        ("remove", "/securityLabel/-1"),
        ("replace", "/description"),
        ("replace", "/securityLabel/2"),
        ("add", "/securityLabel/3"),
        ("add", "/description/x"),
        ("add", "/status/x"),
        ("test", "/nothing"),
        ("test", "/status"),
        ("remove", ""),
        ("replace", "/extension[url:'http://nowhere']/valueBoolean"),
    ] {
        let patch = json!([{ "op": op, "path": path, "value": 1 }]);
        assert_eq!(json_patch(&patch), Err(Code::PatchFailed), "{op} {path}");
    }
    let into_itself = json!([{ "op": "move", "from": "/content", "path": "/content/0/x" }]);
    assert_eq!(json_patch(&into_itself), Err(Code::PatchFailed));
}

#[test]
fn what_is_no_patch_of_its_form_is_malformed() {
    for patch in [
        "{}",
        "[1]",
        "[",
        "",
        "null",
        r#"[{"op":"add","path":"/a"}]"#,
        r#"[{"op":"grow","path":"/a"}]"#,
        r#"[{"path":"/a","value":1}]"#,
        r#"[{"op":"remove"}]"#,
        r#"[{"op":"remove","path":"a"}]"#,
        r#"[{"op":"remove","path":"/a~2"}]"#,
        r#"[{"op":"remove","path":"/a~"}]"#,
        r#"[{"op":"move","path":"/a"}]"#,
        r#"[{"op":"remove","path":"/a","path":"/b"}]"#,
    ] {
        let read = Patch::read(Form::Json, patch.as_bytes()).map(drop).map_err(|error| error.code());
        assert_eq!(read, Err(Code::Structure), "{patch}");
    }
    for patch in ["[]", "1", "\"x\""] {
        assert!(Patch::read(Form::Merge, patch.as_bytes()).is_err(), "{patch}");
    }
    for patch in [
        "",
        "<x/>",
        "<diff>",
        "<diff><add/></diff>",
        "<diff><add sel='a b'><x/></add></diff>",
        "<!DOCTYPE diff><diff/>",
        "<diff><grow sel='a'/></diff>",
        "<diff><replace sel='a'><b/><c/></replace></diff>",
        "<diff><remove sel='a[0]'/></diff>",
        "<diff><add sel='a' pos='near'><b/></add></diff>",
        "<diff/><diff/>",
    ] {
        let read = Patch::read(Form::Xml, patch.as_bytes()).map(drop).map_err(|error| error.code());
        assert_eq!(read, Err(Code::Structure), "{patch}");
    }
    let parameters =
        |part: Value| json!({ "resourceType": "Parameters", "parameter": [{ "name": "operation", "part": part }] });
    for part in [
        json!([{ "name": "type", "valueCode": "grow" }, { "name": "path", "valueString": "DocumentReference" }]),
        json!([{ "name": "type", "valueCode": "delete" }]),
        json!([{ "name": "type", "valueCode": "delete" }, { "name": "path", "valueString": "DocumentReference.a.." }]),
        json!([{ "name": "type", "valueCode": "delete" }, { "name": "path", "valueString": "a.repeat(b)" }]),
        json!([{ "name": "type", "valueCode": "replace" }, { "name": "path", "valueString": "a" }]),
    ] {
        let read = Patch::read(Form::FhirPath, parameters(part.clone()).to_string().as_bytes());
        assert_eq!(read.map(drop).map_err(|error| error.code()), Err(Code::Structure), "{part}");
    }
    assert!(Patch::read(Form::FhirPath, br#"{"resourceType":"Patient"}"#).is_err());
}

#[test]
fn t9_the_selector_of_pdsms_examples_names_an_extension() {
    let path = |member: &str| format!("/extension[url:'{ARCHIVED}']{member}");
    let archived = |patch: Value| left(json_patch(&patch), "/extension/1/valueBoolean");
    assert_eq!(archived(json!([{ "op": "replace", "path": path("/valueBoolean"), "value": true }])), true);
    assert_eq!(archived(json!([{ "op": "add", "path": path("/valueBoolean"), "value": true }])), true);
    let spaced = path("/valueBoolean").replace("[url:", "[ url = ").replace('\'', "\"");
    assert_eq!(archived(json!([{ "op": "replace", "path": spaced, "value": true }])), true);
    let alias =
        "/extension[url:'https://interop.esante.gouv.fr/ig/fhir/pdsm/SearchParameter/PDSm-isArchived']/valueBoolean";
    assert_eq!(archived(json!([{ "op": "replace", "path": alias, "value": true }])), true);
    let removed = json_patch(&json!([{ "op": "remove", "path": path("") }])).unwrap();
    assert_eq!(removed["extension"].as_array().unwrap().len(), 1);
    // Where it is absent `replace` fails and `add` makes it (ds 62).
    let gone = json!({ "op": "remove", "path": "/extension" });
    let replaced = json!([gone, { "op": "replace", "path": path("/valueBoolean"), "value": true }]);
    assert_eq!(json_patch(&replaced), Err(Code::PatchFailed));
    let added = json!([gone, { "op": "add", "path": path("/valueBoolean"), "value": true }]);
    assert_eq!(json_patch(&added).unwrap()["extension"], json!([{ "url": ARCHIVED, "valueBoolean": true }]));
    for wrong in ["[0]", "/url/x", "/valueBoolean/x/y"] {
        let patch = json!([gone, { "op": "add", "path": path(wrong), "value": true }]);
        assert!(json_patch(&patch).is_err(), "{wrong}");
    }
}

#[test]
fn merge_patch_does_what_rfc_7396_says() {
    let merge = |patch: Value| apply(Form::Merge, patch.to_string().as_bytes()).unwrap();
    assert_eq!(merge(json!({ "status": "superseded" }))["status"], "superseded");
    assert_eq!(merge(json!({ "extension": null, "nothing": null })).get("extension"), None);
    assert_eq!(merge(json!({ "securityLabel": [] })).get("securityLabel"), None);
    let nested = merge(json!({ "context": { "a": { "b": null, "c": 1 } } }));
    assert_eq!(nested["context"], json!({ "a": { "c": 1 } }));
    let names: Vec<String> = merge(json!({ "status": "superseded" })).as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, fiche().as_object().unwrap().keys().cloned().collect::<Vec<_>>(), "members stay in their order");
}

fn operation(parts: Value) -> Value {
    json!({ "resourceType": "Parameters", "parameter": [{ "name": "operation", "part": parts }] })
}

fn fhirpath(kind: &str, path: &str, more: &[Value]) -> Result<Value, Code> {
    let mut parts = vec![json!({ "name": "type", "valueCode": kind }), json!({ "name": "path", "valueString": path })];
    parts.extend(more.iter().cloned());
    apply(Form::FhirPath, operation(Value::Array(parts)).to_string().as_bytes()).map_err(|error| error.code())
}

#[test]
fn fhirpath_patch_does_what_r4_says() {
    let value = |key: &str, value: Value| {
        let mut part = json!({ "name": "value" });
        part[key] = value;
        part
    };
    let label = value("valueCodeableConcept", json!({ "coding": [{ "code": "R" }] }));
    let archived = value("valueBoolean", json!(true));
    let replaced = fhirpath("replace", "DocumentReference.status", &[value("valueCode", json!("superseded"))]);
    assert_eq!(left(replaced, "/status"), "superseded");
    for path in [
        format!("DocumentReference.extension.where(url = '{ARCHIVED}').value"),
        format!("DocumentReference.extension('{ARCHIVED}').value"),
        "extension[1].value".to_owned(),
        "DocumentReference.extension.last().value".to_owned(),
        "DocumentReference.extension[1].valueBoolean".to_owned(),
    ] {
        let patched = fhirpath("replace", &path, std::slice::from_ref(&archived));
        assert_eq!(left(patched, "/extension/1/valueBoolean"), true, "{path}");
    }
    let typed = fhirpath("replace", "extension[1].value", &[value("valueString", json!("true"))]).unwrap();
    assert_eq!(typed["extension"][1], json!({ "url": ARCHIVED, "valueString": "true" }), "a choice takes its new name");
    let name = |name: &str| json!({ "name": "name", "valueString": name });
    let added = fhirpath("add", "DocumentReference", &[name("securityLabel"), label.clone()]);
    assert_eq!(left(added, "/securityLabel/2/coding/0/code"), "R");
    let parts = json!({ "name": "value", "part": [
        { "name": "url", "valueUri": "http://example.org/new" }, { "name": "value", "valueBoolean": true },
    ] });
    let extended = fhirpath("add", "DocumentReference", &[name("extension"), parts]);
    assert_eq!(left(extended, "/extension/2"), json!({ "url": "http://example.org/new", "valueBoolean": true }));
    let index = |name: &str, number: u8| json!({ "name": name, "valueInteger": number });
    let inserted = fhirpath("insert", "DocumentReference.securityLabel", &[index("index", 0), label.clone()]);
    assert_eq!(left(inserted, "/securityLabel/0/coding/0/code"), "R");
    let moves = [index("source", 1), index("destination", 0)];
    let moved = fhirpath("move", "DocumentReference.securityLabel", &moves);
    assert_eq!(left(moved, "/securityLabel/0/coding/0/code"), "MASQUE_PS");
    let masked = "DocumentReference.securityLabel.where(coding.code = 'MASQUE_PS')";
    assert_eq!(left(fhirpath("delete", masked, &[]), "/securityLabel/1"), Value::Null);
    assert_eq!(fhirpath("delete", "DocumentReference.description", &[]).unwrap(), fiche(), "nothing to delete");
    for (kind, path, more) in [
        ("delete", "DocumentReference.securityLabel", vec![]),
        ("replace", "DocumentReference.securityLabel", vec![label.clone()]),
        ("replace", "DocumentReference.description", vec![value("valueString", json!("x"))]),
        ("replace", "Patient.status", vec![value("valueCode", json!("x"))]),
        ("add", "DocumentReference", vec![name("status"), value("valueCode", json!("current"))]),
        ("add", "DocumentReference", vec![name("nothing"), value("valueCode", json!("x"))]),
        ("insert", "DocumentReference.securityLabel", vec![index("index", 3), label.clone()]),
        ("insert", "DocumentReference.status", vec![index("index", 0), label.clone()]),
        ("move", "DocumentReference.securityLabel", vec![index("source", 2), index("destination", 0)]),
    ] {
        assert_eq!(fhirpath(kind, path, &more), Err(Code::PatchFailed), "{kind} {path}");
    }
}

fn xml(operation: &str) -> Result<Value, Code> {
    let patch = format!(r#"<?xml version="1.0"?><diff xmlns:f="http://hl7.org/fhir">{operation}</diff>"#);
    apply(Form::Xml, patch.as_bytes()).map_err(|error| error.code())
}

#[test]
fn xml_patch_names_the_same_elements() {
    let status = xml(r#"<replace sel="/f:DocumentReference/f:status/@value">superseded</replace>"#);
    assert_eq!(left(status, "/status"), "superseded");
    let flag = format!(
        r#"<replace sel="f:DocumentReference/f:extension[@url='{ARCHIVED}']/f:valueBoolean/@value">true</replace>"#
    );
    assert_eq!(left(xml(&flag), "/extension/1/valueBoolean"), true);
    let whole =
        r#"<replace sel="f:DocumentReference/f:extension[2]/f:valueBoolean"><valueBoolean value="true"/></replace>"#;
    assert_eq!(left(xml(whole), "/extension/1/valueBoolean"), true);
    let label = r#"<securityLabel xmlns="http://hl7.org/fhir"><coding><system value="s"/><code value="R"/></coding></securityLabel>"#;
    let at = |spot: &str, sel: &str| xml(&format!(r#"<add sel="{sel}"{spot}>{label}</add>"#));
    let expected = json!({ "coding": [{ "system": "s", "code": "R" }] });
    assert_eq!(left(at("", "f:DocumentReference"), "/securityLabel/2"), expected);
    assert_eq!(left(at(r#" pos="prepend""#, "f:DocumentReference"), "/securityLabel/0"), expected);
    let first = "f:DocumentReference/f:securityLabel[1]";
    assert_eq!(left(at(r#" pos="before""#, first), "/securityLabel/0"), expected);
    assert_eq!(left(at(r#" pos="after""#, first), "/securityLabel/1"), expected);
    let masked = r#"<remove sel="f:DocumentReference/f:securityLabel[f:coding/f:code/@value='MASQUE_PS']"/>"#;
    assert_eq!(left(xml(masked), "/securityLabel/1"), Value::Null);
    let extended =
        r#"<add sel="f:DocumentReference"><f:extension url="u"><f:valueInteger value="3"/></f:extension></add>"#;
    assert_eq!(left(xml(extended), "/extension/2"), json!({ "url": "u", "valueInteger": 3 }));
    for refused in [
        r#"<replace sel="f:DocumentReference/f:description/@value">x</replace>"#,
        r#"<replace sel="f:DocumentReference/f:extension[2]/f:valueBoolean/@value">vrai</replace>"#,
        r#"<replace sel="f:DocumentReference/f:status"><securityLabel/></replace>"#,
        r#"<remove sel="f:DocumentReference/f:securityLabel"/>"#,
        r#"<remove sel="f:DocumentReference/f:securityLabel[3]"/>"#,
        r#"<add sel="f:DocumentReference"><f:nothing value="x"/></add>"#,
        r#"<add sel="f:DocumentReference"><f:status value="current"/></add>"#,
        r#"<add sel="f:DocumentReference"><f:securityLabel><f:coding><f:code/></f:coding></f:securityLabel></add>"#,
    ] {
        assert_eq!(xml(refused), Err(Code::PatchFailed), "{refused}");
    }
}

#[test]
fn a_patch_tells_which_elements_it_changes_before_the_resource_is_known() {
    let elements = |form, text: &str| {
        let patch = Patch::read(form, text.as_bytes()).unwrap();
        patch.elements().into_iter().map(str::to_owned).collect::<Vec<_>>().join(" ")
    };
    let patch = r#"[{"op":"test","path":"/type","value":1},{"op":"move","from":"/a/0","path":"/b"},
        {"op":"copy","from":"/c","path":"/d"},{"op":"remove","path":"/extension[url:'x/y']"}]"#;
    assert_eq!(elements(Form::Json, patch), "a b d extension");
    let diff = r#"<diff><remove sel="/f:DocumentReference/f:type/f:coding"/><add sel="DocumentReference"><date value="1"/></add></diff>"#;
    assert_eq!(elements(Form::Xml, diff), "type date");
    assert_eq!(elements(Form::Merge, r#"{"type":null}"#), "");
    let secret = Patch::read(Form::Merge, br#"{"type":"secret"}"#).unwrap();
    assert_eq!(format!("{secret:?}"), "Patch(Merge)");
}

#[test]
fn patch_bombs_are_refused() {
    let many: Vec<Value> = (0..=MOST_OPERATIONS).map(|_| json!({ "op": "remove", "path": "/a" })).collect();
    assert_eq!(json_patch(&Value::Array(many)), Err(Code::TooLarge));
    let long = vec![b' '; MOST_BYTES + 1];
    for form in Form::ALL {
        assert_eq!(Patch::read(*form, &long).map(drop).map_err(|error| error.code()), Err(Code::TooLarge), "{form:?}");
    }
    // Each operation doubles what it copies.
    let doubling = json!({ "op": "copy", "from": "/x", "path": "/x/-" });
    let seed = json!({ "op": "add", "path": "/x", "value": vec!["0123456789"; 10] });
    let mut bomb = vec![seed];
    bomb.extend(std::iter::repeat_n(doubling, MOST_OPERATIONS - 1));
    assert_eq!(json_patch(&Value::Array(bomb)), Err(Code::TooLarge));
    // A value that fits its patch may be too deep for its place.
    let deep = (0..120).fold(json!(1), |inner, _| json!([inner]));
    let first = json!({ "op": "add", "path": "/x", "value": deep });
    let below: String = (0..120).map(|_| "/0").collect();
    let second = json!({ "op": "replace", "path": format!("/x{below}"), "value": json!([[[[[[[[[[1]]]]]]]]]]) });
    assert_eq!(json_patch(&json!([first, second])), Err(Code::TooLarge));
    // Much copied and thrown away again.
    let ballast = json!({ "op": "add", "path": "/x", "value": "a".repeat(200_000) });
    let mut churn = vec![ballast];
    churn.extend(std::iter::repeat_n(json!({ "op": "copy", "from": "/x", "path": "/y" }), MOST_OPERATIONS - 1));
    assert_eq!(json_patch(&Value::Array(churn)), Err(Code::TooLarge));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-z~/]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-z]{1,6}", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_path() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        Just("status".to_owned()),
        Just("securityLabel".to_owned()),
        Just("extension".to_owned()),
        Just("coding".to_owned()),
        Just(format!("extension[url:'{ARCHIVED}']")),
        Just("valueBoolean".to_owned()),
        Just("-".to_owned()),
        (0_u8..4).prop_map(|index| index.to_string()),
        ".{0,4}",
    ];
    prop::collection::vec(token, 0..5).prop_map(|tokens| tokens.iter().flat_map(|token| ["/", token]).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_json_patch_panics_or_grows_without_bounds(
        operations in prop::collection::vec(
            (prop::sample::select(vec!["add", "remove", "replace", "move", "copy", "test"]), any_path(), any_path(), any_json()),
            0..12,
        ),
    ) {
        let patch: Vec<Value> = operations
            .into_iter()
            .map(|(op, path, from, value)| json!({ "op": op, "path": path, "from": from, "value": value }))
            .collect();
        if let Ok(patched) = json_patch(&Value::Array(patch)) {
            prop_assert!(patched.to_string().len() < fiche().to_string().len() + 2 * MOST_BYTES);
        }
    }

    #[test]
    fn no_merge_patch_panics_and_applied_twice_it_is_applied_once(patch in any_json()) {
        if let Ok(patch) = Patch::read(Form::Merge, patch.to_string().as_bytes()) {
            let once = patch.apply(&fiche()).unwrap();
            let twice = patch.apply(&once).unwrap();
            prop_assert_eq!(once, twice);
        }
    }

    #[test]
    fn no_path_or_selector_panics(
        kind in prop::sample::select(vec!["add", "insert", "delete", "replace", "move"]),
        path in "(DocumentReference)?[.]?(extension|status|securityLabel|coding)?([.(\\[\\])'@/=0-9a-z]{0,12})",
        index in 0_i32..5,
    ) {
        let part = json!([
            { "name": "type", "valueCode": kind }, { "name": "path", "valueString": format!("{path} ").trim() },
            { "name": "name", "valueString": "securityLabel" }, { "name": "index", "valueInteger": index },
            { "name": "source", "valueInteger": index }, { "name": "destination", "valueInteger": 1 },
            { "name": "value", "valueBoolean": true },
        ]);
        drop(apply(Form::FhirPath, operation(part).to_string().as_bytes()));
        let escaped = path.replace('\'', "&apos;").replace('<', "&lt;").replace('&', "&amp;");
        drop(xml(&format!("<remove sel='{escaped}'/>")));
        drop(xml(&format!("<add sel='{escaped}'><securityLabel/></add>")));
        drop(xml(&format!("<replace sel='{escaped}'>x</replace>")));
    }
}

//! Seeded errors of every kind, each found where it is and nowhere else (issue of the FHIR engine, "Shown when").

mod profiles;

use std::collections::BTreeMap;

use espace::fhir::validate::deep::Whole;
use serde_json::{Value, json};

use self::profiles::{HERE, package, sound};

/// Kind, resource, place, what is put there (null: taken away), what is told.
type Seed = (&'static str, &'static str, &'static str, Value, &'static str);

fn fiche() -> Value {
    json!({
        "resourceType": "DocumentReference", "id": "d1",
        "text": {"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">Bilan</div>"},
        "contained": [{"resourceType": "Practitioner", "id": "pro", "name": [{"family": "x"}]}, {"resourceType": "Patient", "id": "pat"}],
        "masterIdentifier": {"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.3"},
        "status": "current", "type": {"coding": [{"system": "http://loinc.org", "code": "11488-4"}]},
        "subject": {"reference": "Patient/1"}, "date": "2026-06-12T10:00:00+02:00", "author": [{"reference": "#pro"}],
        "securityLabel": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "N"}]}],
        "content": [{"attachment": {"contentType": "text/xml", "size": 80, "hash": "A/hMRrv6Y15BjSM8kMLidrz+mHc=", "creation": "2026-06"}}],
        "context": {"period": {"start": "2026-06-12"}, "sourcePatientInfo": {"reference": "#pat"}}
    })
}

fn patient() -> Value {
    json!({"resourceType": "Patient", "id": "p", "birthDate": "1979-03", "name": [{"family": "x", "given": ["y"]}],
        "contact": [{"relationship": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0131", "code": "N"}]}], "name": {"text": "z"}}],
        "maritalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "code": "M"}]},
        "communication": [{"language": {"text": "fr"}}], "managingOrganization": {"reference": "Organization/1"}})
}

fn base(name: &str) -> Value {
    match name {
        "fiche" => fiche(),
        "patient" => patient(),
        "bundle" => json!({"resourceType": "Bundle", "type": "collection", "entry": [
            {"fullUrl": "urn:uuid:1", "resource": patient()}, {"fullUrl": "urn:uuid:2", "resource": fiche()}]}),
        "observation" => json!({"resourceType": "Observation", "status": "final", "code": {"text": "x"},
            "effectiveInstant": "2026-01-01T00:00:00Z", "valueTime": "10:00:00"}),
        name => sound(name),
    }
}

fn planted(mut resource: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match resource.pointer_mut(parent).unwrap_or_else(|| panic!("{pointer}")) {
        Value::Array(items) if value.is_null() => drop(items.remove(key.parse().unwrap())),
        Value::Array(items) if key == "-" => items.push(value),
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
        Value::Object(map) if value.is_null() => drop(map.shift_remove(key).unwrap()),
        Value::Object(map) => drop(map.insert(key.to_owned(), value)),
        _ => panic!("{pointer}"),
    }
    resource
}

/// What stands in elements: names, types, numbers of them, grammars.
#[expect(clippy::too_many_lines, reason = "a table")]
fn structure() -> Vec<Seed> {
    vec![
        ("unknown element", "fiche", "/colour", json!("red"), "element DocumentReference.colour"),
        ("unknown element", "fiche", "/context/colour", json!("red"), "element DocumentReference.context.colour"),
        (
            "unknown element",
            "fiche",
            "/content/0/attachment/colour",
            json!({}),
            "element DocumentReference.content[0].attachment.colour",
        ),
        (
            "unknown element",
            "bundle",
            "/entry/0/resource/contact/0/name/colour",
            json!(1),
            "element Bundle.entry[0].resource.contact[0].name.colour",
        ),
        ("unknown element", "patient", "/_birthDate", json!({"colour": 1}), "element Patient.birthDate.colour"),
        ("wrong type", "fiche", "/type", json!("x"), "element DocumentReference.type"),
        ("wrong type", "fiche", "/description", json!(3), "type-de-donnee DocumentReference.description"),
        (
            "wrong type",
            "fiche",
            "/content/0/attachment/size",
            json!("80"),
            "type-de-donnee DocumentReference.content[0].attachment.size",
        ),
        ("wrong type", "patient", "/name/0", json!("Durand"), "element Patient.name[0]"),
        ("wrong type", "patient", "/active", json!("true"), "type-de-donnee Patient.active"),
        ("cardinality", "fiche", "/status", json!(null), "element-manquant DocumentReference.status"),
        ("cardinality", "fiche", "/content", json!(null), "element-manquant DocumentReference.content"),
        ("cardinality", "fiche", "/type", json!([{"text": "x"}]), "element DocumentReference.type"),
        (
            "cardinality",
            "patient",
            "/communication/0",
            json!({"preferred": true}),
            "element-manquant Patient.communication[0].language",
        ),
        ("cardinality", "patient", "/name", json!([]), "element Patient.name"),
        ("cardinality", "patient", "/name/0/given", json!("y"), "element Patient.name[0].given"),
        ("date", "patient", "/birthDate", json!("1979-3"), "type-de-donnee Patient.birthDate"),
        ("date", "patient", "/birthDate", json!("1979-02-30"), "type-de-donnee Patient.birthDate"),
        ("date", "patient", "/birthDate", json!("1979-02-03T10:00:00Z"), "type-de-donnee Patient.birthDate"),
        (
            "dateTime",
            "fiche",
            "/context/period/start",
            json!("2026-06-12T10:00"),
            "type-de-donnee DocumentReference.context.period.start",
        ),
        (
            "dateTime",
            "fiche",
            "/context/period/start",
            json!("2026-06-12T10:00:00"),
            "type-de-donnee DocumentReference.context.period.start",
        ),
        (
            "dateTime",
            "fiche",
            "/content/0/attachment/creation",
            json!("20260612"),
            "type-de-donnee DocumentReference.content[0].attachment.creation",
        ),
        ("dateTime", "patient", "/deceasedDateTime", json!("2026-13"), "type-de-donnee Patient.deceased"),
        ("instant", "fiche", "/date", json!("2026-06-12"), "type-de-donnee DocumentReference.date"),
        ("instant", "fiche", "/date", json!("2026-06-12T25:00:00Z"), "type-de-donnee DocumentReference.date"),
        ("instant", "fiche", "/date", json!("2026-06-12T10:00:00"), "type-de-donnee DocumentReference.date"),
        ("instant", "observation", "/effectiveInstant", json!("2026"), "type-de-donnee Observation.effective"),
        ("time", "observation", "/valueTime", json!("10:00"), "type-de-donnee Observation.value"),
        ("time", "observation", "/valueTime", json!("24:00:00"), "type-de-donnee Observation.value"),
        ("time", "observation", "/valueTime", json!("10:00:00Z"), "type-de-donnee Observation.value"),
        ("time", "observation", "/valueTime", json!("10:61:00"), "type-de-donnee Observation.value"),
        ("date", "patient", "/birthDate", json!("79"), "type-de-donnee Patient.birthDate"),
        (
            "base64",
            "fiche",
            "/content/0/attachment/hash",
            json!("@@"),
            "type-de-donnee DocumentReference.content[0].attachment.hash",
        ),
        (
            "base64",
            "fiche",
            "/content/0/attachment/hash",
            json!("YQ="),
            "type-de-donnee DocumentReference.content[0].attachment.hash",
        ),
        (
            "base64",
            "fiche",
            "/content/0/attachment/data",
            json!("#data:3"),
            "type-de-donnee DocumentReference.content[0].attachment.data",
        ),
        (
            "base64",
            "patient",
            "/photo",
            json!([{"contentType": "image/png", "data": "Y*=="}]),
            "type-de-donnee Patient.photo[0].data",
        ),
        ("id", "fiche", "/id", json!("a_b"), "type-de-donnee DocumentReference.id"),
        ("id", "fiche", "/id", json!("x".repeat(65)), "type-de-donnee DocumentReference.id"),
        ("id", "patient", "/id", json!(""), "type-de-donnee Patient.id"),
        ("id", "patient", "/meta", json!({"versionId": "a b"}), "type-de-donnee Patient.meta.versionId"),
        (
            "narrative",
            "fiche",
            "/text/div",
            json!("<div><script>x</script></div>"),
            "type-de-donnee DocumentReference.text.div",
        ),
        ("narrative", "fiche", "/text/div", json!("<p>x</p>"), "type-de-donnee DocumentReference.text.div"),
        (
            "narrative",
            "fiche",
            "/text/div",
            json!("<div xmlns=\"http://www.w3.org/1999/xhtml\" onclick=\"x\">x</div>"),
            "type-de-donnee DocumentReference.text.div",
        ),
        (
            "narrative",
            "fiche",
            "/text/div",
            json!("<div xmlns=\"http://www.w3.org/1999/xhtml\">x"),
            "type-de-donnee DocumentReference.text.div",
        ),
        ("narrative", "fiche", "/text/status", json!(null), "element-manquant DocumentReference.text.status"),
    ]
}

/// Codes, references, contained resources, invariants of R4.
#[expect(clippy::too_many_lines, reason = "a table")]
fn meaning() -> Vec<Seed> {
    let label = |code: &str| json!([{"coding": [{"system": "urn:own", "code": code}]}]);
    vec![
        ("required binding", "fiche", "/status", json!("curent"), "code-invalide DocumentReference.status"),
        (
            "required binding",
            "fiche",
            "/masterIdentifier/use",
            json!("habituel"),
            "code-invalide DocumentReference.masterIdentifier.use",
        ),
        ("required binding", "patient", "/gender", json!("F"), "code-invalide Patient.gender"),
        ("required binding", "bundle", "/type", json!("lot"), "code-invalide Bundle.type"),
        (
            "extensible binding",
            "fiche",
            "/securityLabel",
            label("x"),
            "warning code-invalide DocumentReference.securityLabel[0]",
        ),
        (
            "extensible binding",
            "patient",
            "/maritalStatus",
            json!({"coding": [{"system": "urn:own", "code": "x"}]}),
            "warning code-invalide Patient.maritalStatus",
        ),
        (
            "extensible binding",
            "patient",
            "/contact/0/relationship",
            label("x"),
            "warning code-invalide Patient.contact[0].relationship[0]",
        ),
        (
            "extensible binding",
            "observation",
            "/dataAbsentReason",
            json!({"coding": [{"system": "urn:own", "code": "x"}]}),
            "warning code-invalide Observation.dataAbsentReason; profil Observation",
        ),
        (
            "reference target",
            "fiche",
            "/subject/reference",
            json!("Medication/1"),
            "reference DocumentReference.subject.reference",
        ),
        (
            "reference target",
            "fiche",
            "/author/0/reference",
            json!("#pat2"),
            "reference DocumentReference.author[0].reference; profil DocumentReference",
        ),
        (
            "reference target",
            "fiche",
            "/context/sourcePatientInfo/reference",
            json!("#pro"),
            "reference DocumentReference.context.sourcePatientInfo.reference; profil DocumentReference",
        ),
        (
            "reference target",
            "patient",
            "/managingOrganization",
            json!({"type": "List", "display": "x"}),
            "reference Patient.managingOrganization.type",
        ),
        (
            "reference target",
            "bundle",
            "/entry/1/resource/custodian",
            json!({"reference": "urn:uuid:1"}),
            "reference Bundle.entry[1].resource.custodian.reference",
        ),
        (
            "contained",
            "fiche",
            "/contained/0/id",
            json!(null),
            "element-manquant DocumentReference.contained[0].id; reference DocumentReference.author[0].reference",
        ),
        (
            "contained",
            "fiche",
            "/contained/1/gender",
            json!("f"),
            "code-invalide DocumentReference.contained[1].gender",
        ),
        (
            "contained",
            "fiche",
            "/contained/1/contained",
            json!([{"resourceType": "Patient", "id": "z"}]),
            "element DocumentReference.contained[1].contained; profil DocumentReference.contained[1]",
        ),
        ("contained", "fiche", "/contained/1/meta", json!({"versionId": "1"}), "profil DocumentReference"),
        (
            "contained",
            "fiche",
            "/contained/0/resourceType",
            json!("Nobody"),
            "element DocumentReference.contained[0].resourceType",
        ),
        ("invariant", "fiche", "/context/period/end", json!("2025"), "profil DocumentReference.context.period"),
        ("invariant", "fiche", "/extension", json!([{"url": "urn:x"}]), "profil DocumentReference.extension[0]"),
        ("invariant", "patient", "/telecom", json!([{"value": "x"}]), "profil Patient.telecom[0]"),
        ("invariant", "patient", "/contact/0/name", json!(null), "profil Patient.contact[0]"),
        ("invariant", "bundle", "/total", json!(2), "profil Bundle"),
    ]
}

/// Slicing of every kind, lengths and bounds, expressions of profiles.
#[expect(clippy::too_many_lines, reason = "a table")]
fn slices() -> Vec<Seed> {
    let category = |code: &str| json!({"coding": [{"system": "urn:kinds", "code": code}], "text": "x"});
    let extension = |code: &str| json!({"url": format!("{HERE}kind"), "valueCode": code});
    vec![
        (
            "slice by value",
            "by-value",
            "/identifier/0/value",
            json!(null),
            "element-manquant Observation.identifier[0].value",
        ),
        (
            "slice by value",
            "by-value",
            "/identifier/-",
            json!({"system": "urn:local", "value": "b"}),
            "profil Observation.identifier",
        ),
        (
            "slice by value",
            "by-value",
            "/identifier",
            json!([{"system": "urn:local", "value": "b"}]),
            "element-manquant Observation.identifier",
        ),
        (
            "slice by value",
            "by-value",
            "/identifier/0/value",
            json!("1234567"),
            "profil Observation.identifier[0].value",
        ),
        (
            "closed slicing",
            "by-value",
            "/identifier/-",
            json!({"system": "urn:foreign", "value": "b"}),
            "profil Observation.identifier[3]",
        ),
        ("closed slicing", "by-value", "/identifier/2", json!({"value": "b"}), "profil Observation.identifier[2]"),
        (
            "closed slicing",
            "by-type",
            "/performer/-",
            json!({"reference": "CareTeam/1"}),
            "profil Observation.performer[2]",
        ),
        (
            "closed slicing",
            "by-profile",
            "/entry/-",
            json!({"fullUrl": "urn:uuid:3", "resource": {"resourceType": "Basic", "code": {"text": "x"}}}),
            "profil Bundle.entry[2]",
        ),
        (
            "reslice",
            "by-value",
            "/identifier/1/period",
            json!(null),
            "element-manquant Observation.identifier[1].period",
        ),
        (
            "reslice",
            "by-value",
            "/identifier/0/use",
            json!("old"),
            "element-manquant Observation.identifier[0].period; profil Observation.identifier",
        ),
        (
            "reslice",
            "by-value",
            "/identifier/0",
            json!({"system": "urn:national", "value": "1", "use": "old", "period": {"end": "2020"}}),
            "profil Observation.identifier",
        ),
        ("reslice", "by-value", "/identifier/1/value", json!(null), "element-manquant Observation.identifier[1].value"),
        (
            "slice by pattern",
            "by-pattern",
            "/category/0/coding/0/code",
            json!("third"),
            "element-manquant Observation.category",
        ),
        (
            "slice by pattern",
            "by-pattern",
            "/category/2/text",
            json!(null),
            "element-manquant Observation.category[2].text",
        ),
        ("slice by pattern", "by-pattern", "/category/-", category("second"), "profil Observation.category"),
        (
            "slice by pattern",
            "by-pattern",
            "/category/0/coding/0/system",
            json!(null),
            "element-manquant Observation.category",
        ),
        (
            "ordered slicing",
            "by-pattern",
            "/category",
            json!([category("second"), category("first")]),
            "profil Observation.category[1]",
        ),
        (
            "ordered slicing",
            "by-pattern",
            "/category",
            json!([{"text": "x"}, category("second"), category("first")]),
            "profil Observation.category[2]",
        ),
        (
            "ordered slicing",
            "by-pattern",
            "/category",
            json!([category("second"), {"text": "x"}, category("first")]),
            "profil Observation.category[2]",
        ),
        ("ordered slicing", "by-pattern", "/category/1", category("second"), "profil Observation.category"),
        (
            "slicing open at its end",
            "by-pattern",
            "/note/-",
            json!({"authorString": "lead", "text": "x"}),
            "profil Observation.note[2]",
        ),
        ("slicing open at its end", "by-pattern", "/note/0", json!({"text": "x"}), ""),
        (
            "slicing open at its end",
            "by-pattern",
            "/note",
            json!([{"text": "x"}, {"authorString": "lead", "text": "x"}]),
            "profil Observation.note[1]",
        ),
        (
            "slicing open at its end",
            "by-pattern",
            "/note",
            json!([{"authorString": "lead", "text": "x"}, {"text": "x"}, {"text": "x"}, {"authorString": "lead", "text": "x"}]),
            "profil Observation.note[3]",
        ),
        ("slice by type", "by-type", "/valueQuantity/unit", json!(null), "element-manquant Observation.value.unit"),
        ("slice by type", "by-type", "/valueQuantity/value", json!(301), "profil Observation.value.value"),
        (
            "slice by type",
            "by-type",
            "/performer/1/reference",
            json!("Practitioner/2"),
            "profil Observation; profil Observation.performer",
        ),
        (
            "slice by type",
            "by-type",
            "/performer/0",
            json!(null),
            "profil Observation; element-manquant Observation.performer",
        ),
        (
            "slice by profile",
            "by-profile",
            "/entry/0/resource/contact/0/name",
            json!(null),
            "profil Bundle.entry[0].resource.contact[0]; element-manquant Bundle.entry[0].resource.contact[0].name",
        ),
        (
            "slice by profile",
            "by-profile",
            "/entry/1/resource/valueQuantity/unit",
            json!(null),
            "element-manquant Bundle.entry[1].resource.value.unit",
        ),
        ("slice by profile", "by-profile", "/entry/0", json!(null), "element-manquant Bundle.entry"),
        ("slice by profile", "by-profile", "/entry/1/resource", sound("by-extension"), "profil Bundle.entry"),
        (
            "slice by existence",
            "by-existence",
            "/component/0/interpretation",
            json!(null),
            "element-manquant Observation.component[0].interpretation",
        ),
        (
            "slice by existence",
            "by-existence",
            "/component/1/dataAbsentReason",
            json!(null),
            "element-manquant Observation.component[1].dataAbsentReason",
        ),
        (
            "slice by existence",
            "by-existence",
            "/component/-",
            json!({"code": {"text": "y"}, "dataAbsentReason": {"text": "x"}}),
            "profil Observation.component",
        ),
        ("slice by existence", "by-existence", "/component/0", json!(null), "element-manquant Observation.component"),
        (
            "slice by extension",
            "by-extension",
            "/contact/0/name",
            json!(null),
            "profil Patient.contact[0]; element-manquant Patient.contact[0].name",
        ),
        (
            "slice by extension",
            "by-extension",
            "/contact/0/extension/0",
            extension("other"),
            "element-manquant Patient.contact",
        ),
        (
            "slice by extension",
            "by-extension",
            "/contact/1/extension",
            json!([extension("legal")]),
            "profil Patient.contact",
        ),
        (
            "slice by extension",
            "by-extension",
            "/contact/0/extension/0/valueCode",
            json!(null),
            "profil Patient.contact[0].extension[0]; element-manquant Patient.contact",
        ),
        (
            "expression",
            "by-extension",
            "/name/0/family",
            json!(null),
            "element Patient.name[0]; profil Patient.name[0]",
        ),
        ("expression", "by-extension", "/telecom/0/rank", json!(null), "warning profil Patient.telecom[0]"),
        ("expression", "by-extension", "/telecom", json!(null), "profil Patient.contact[1].telecom[0]"),
        ("expression", "by-extension", "/name/-", json!({"given": ["x"]}), "profil Patient.name[1]"),
    ]
}

#[test]
fn every_seeded_error_is_found_where_it_is_and_nothing_else() {
    let package = package();
    let whole = Whole { package: &package, ..Whole::default() };
    let told = |resource: &Value| -> Vec<String> {
        let issues = whole.judge(resource).issues;
        let one = |issue: &espace::error::Issue| {
            let mark = if issue.is_warning { "warning " } else { "" };
            format!("{mark}{} {}", issue.code.row().name, issue.path.as_ref().expect("a path"))
        };
        issues.iter().map(one).collect()
    };
    let (mut kinds, mut wrong) = (BTreeMap::<&str, usize>::new(), Vec::new());
    for (kind, name, pointer, value, expected) in structure().into_iter().chain(meaning()).chain(slices()) {
        assert_eq!(told(&base(name)), Vec::<String>::new(), "{name} is sound");
        let found = told(&planted(base(name), pointer, value.clone()));
        let expected: Vec<&str> = expected.split("; ").filter(|text| !text.is_empty()).collect();
        if found != expected {
            wrong.push(format!("{kind}: {name}{pointer} = {value}\n  found    {found:?}\n  expected {expected:?}"));
        }
        *kinds.entry(kind).or_default() += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(kinds.values().sum::<usize>() >= 60, "{kinds:?}");
    assert!(kinds.values().all(|count| *count >= 4), "at least four of each: {kinds:?}");
}

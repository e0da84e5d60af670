//! Seeded errors, one at a time, are found where they are (contract §8; R4 `json.html`, `validation.html`).

use espace::error::Code;
use espace::fhir::codec::json;
use espace::fhir::validate::{self, Options};
use serde_json::{Value, json};

fn document() -> Value {
    json!({
        "resourceType": "DocumentReference",
        "id": "d1",
        "text": {"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">Bilan</div>"},
        "contained": [
            {"resourceType": "Practitioner", "id": "pro", "name": [{"family": "Martin", "_given": [{"extension": [
                {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]}]}]},
            {"resourceType": "Patient", "id": "pat"}
        ],
        "masterIdentifier": {"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.3"},
        "status": "current",
        "type": {"coding": [{"system": "http://loinc.org", "code": "11488-4"}]},
        "subject": {"reference": "Patient/1"},
        "date": "2026-06-12T10:00:00+02:00",
        "author": [{"reference": "#pro"}],
        "securityLabel": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "N"}]}],
        "content": [{"attachment": {"contentType": "text/xml", "size": 80, "hash": "A/hMRrv6Y15BjSM8kMLidrz+mHc=",
            "creation": "2026-06"}}],
        "context": {"period": {"start": "2026-06-12"}, "sourcePatientInfo": {"reference": "#pat"}}
    })
}

/// Errors and warnings as `code path`.
fn found(resource: &Value, options: Options) -> Vec<String> {
    let issues = validate::structural_with(resource, options);
    let told = issues.iter().map(|issue| {
        let mark = if issue.is_warning { "warning " } else { "" };
        format!("{mark}{} {}", issue.code.row().name, issue.path.as_ref().expect("a path"))
    });
    told.collect()
}

fn seeded(pointer: &str, value: Value) -> Value {
    let mut resource = document();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match resource.pointer_mut(parent).unwrap_or_else(|| panic!("{parent}")) {
        Value::Array(items) => items.insert(key.parse().unwrap(), value),
        Value::Object(map) if value.is_null() => drop(map.shift_remove(key)),
        Value::Object(map) => drop(map.insert(key.to_owned(), value)),
        _ => panic!("{pointer}"),
    }
    resource
}

#[test]
fn a_sound_document_has_nothing_said_of_it() {
    assert_eq!(found(&document(), Options::default()), Vec::<String>::new());
}

/// Seeds each thing alone, and compares what is told, a line each: what nobody points to any more breaks dom-3 too.
fn seed_each<const COUNT: usize>(rows: [(&str, Value, &str); COUNT]) {
    for (pointer, value, expected) in rows {
        let expected: Vec<String> = expected.lines().map(str::to_owned).collect();
        let mut told = found(&seeded(pointer, value.clone()), Options::default());
        // A contained resource that is not there any more is missed by who pointed to it.
        if pointer.starts_with("/contained/0/") {
            told.retain(|told| !told.contains("author"));
        }
        assert_eq!(told, expected, "{pointer} = {value}");
    }
}

#[test]
fn each_seeded_error_is_found_at_its_place_and_nothing_else() {
    seed_each([
        ("/colour", json!("red"), "element DocumentReference.colour"),
        ("/content/0/attachment/colour", json!("red"), "element DocumentReference.content[0].attachment.colour"),
        ("/status", json!(null), "element-manquant DocumentReference.status"),
        ("/content", json!(null), "element-manquant DocumentReference.content"),
        ("/content/0/attachment", json!(null), "element DocumentReference.content[0]"),
        ("/content/0", json!({"format": {"code": "x"}}), "element-manquant DocumentReference.content[0].attachment"),
        ("/content", json!([]), "element DocumentReference.content"),
        ("/content", json!({"attachment": {"size": 1}}), "element DocumentReference.content"),
        ("/type", json!([{"text": "x"}]), "element DocumentReference.type"),
        ("/type", json!({}), "element DocumentReference.type"),
        ("/type", json!("x"), "element DocumentReference.type"),
        ("/description", json!(""), "type-de-donnee DocumentReference.description"),
        ("/description", json!({"a": 1}), "element DocumentReference.description"),
        ("/description", json!(["x"]), "element DocumentReference.description"),
        ("/date", json!("2026-06-12"), "type-de-donnee DocumentReference.date"),
        ("/date", json!("2026-02-30T10:00:00Z"), "type-de-donnee DocumentReference.date"),
        ("/context/period/start", json!("12/06/2026"), "type-de-donnee DocumentReference.context.period.start"),
        ("/content/0/attachment/size", json!("80"), "type-de-donnee DocumentReference.content[0].attachment.size"),
        ("/content/0/attachment/size", json!(-1), "type-de-donnee DocumentReference.content[0].attachment.size"),
        ("/content/0/attachment/size", json!(80.5), "type-de-donnee DocumentReference.content[0].attachment.size"),
        ("/content/0/attachment/hash", json!("@@"), "type-de-donnee DocumentReference.content[0].attachment.hash"),
        ("/content/0/attachment/data", json!("#data:3"), "type-de-donnee DocumentReference.content[0].attachment.data"),
        ("/id", json!("a_b"), "type-de-donnee DocumentReference.id"),
        ("/masterIdentifier/system", json!("a b"), "type-de-donnee DocumentReference.masterIdentifier.system"),
        ("/text/div", json!("<div><script>x</script></div>"), "type-de-donnee DocumentReference.text.div"),
        ("/status", json!("curent"), "code-invalide DocumentReference.status"),
        ("/masterIdentifier/use", json!("habituel"), "code-invalide DocumentReference.masterIdentifier.use"),
        (
            "/securityLabel/0/coding/0/code",
            json!("MASQUE_PS"),
            "warning code-invalide DocumentReference.securityLabel[0]",
        ),
        ("/subject/reference", json!("Medication/1"), "reference DocumentReference.subject.reference"),
        ("/subject/reference", json!("Nobody/1"), "reference DocumentReference.subject.reference"),
        ("/subject/reference", json!("https://x.org/fhir/List/1"), "reference DocumentReference.subject.reference"),
        ("/subject", json!({"type": "List", "display": "x"}), "reference DocumentReference.subject.type"),
        (
            "/author/0/reference",
            json!("#nobody"),
            "reference DocumentReference.author[0].reference\nprofil DocumentReference",
        ),
        (
            "/context/sourcePatientInfo/reference",
            json!("#pro"),
            "reference DocumentReference.context.sourcePatientInfo.reference\nprofil DocumentReference",
        ),
    ]);
}

#[test]
fn errors_in_contained_resources_and_extensions_are_found_too() {
    seed_each([
        ("/contained/0/id", json!(null), "element-manquant DocumentReference.contained[0].id"),
        ("/contained/1/gender", json!("f"), "code-invalide DocumentReference.contained[1].gender"),
        ("/contained/0", json!("x"), "element DocumentReference.contained[0]"),
        (
            "/contained/0",
            json!({"id": "x"}),
            "element-manquant DocumentReference.contained[0].resourceType\nprofil DocumentReference",
        ),
        ("/contained/0", json!({"resourceType": "Nobody"}), "element DocumentReference.contained[0].resourceType"),
        (
            "/contained/1/contained",
            json!([{"resourceType": "Patient", "id": "z"}]),
            "element DocumentReference.contained[1].contained\nprofil DocumentReference.contained[1]",
        ),
        ("/_type", json!({"id": "x"}), "element DocumentReference.type"),
        ("/_status", json!({"colour": 1}), "element DocumentReference.status.colour"),
        ("/_status", json!({}), "element DocumentReference.status"),
        ("/extension", json!([{"valueString": "x"}]), "element-manquant DocumentReference.extension[0].url"),
        (
            "/extension",
            json!([{"url": "urn:x", "valueString": "x", "valueCode": "x"}]),
            "element DocumentReference.extension[0].value",
        ),
        (
            "/extension",
            json!([{"url": "urn:x", "valueNumber": 1}]),
            "element DocumentReference.extension[0].valueNumber",
        ),
        ("/extension", json!([{"url": "urn:x"}]), "profil DocumentReference.extension[0]"),
        ("/context/period/end", json!("2025"), "profil DocumentReference.context.period"),
        ("/contained/1/meta", json!({"versionId": "1"}), "profil DocumentReference"),
        ("/implicitRules", json!(null), ""),
    ]);
}

#[test]
fn every_resource_type_is_judged_and_an_unknown_one_refused() {
    for (resource, expected) in [
        (json!({"resourceType": "Slot", "status": "free"}), vec!["Slot.schedule", "Slot.start", "Slot.end"]),
        (json!({"resourceType": "Binary"}), vec!["Binary.contentType"]),
        (json!({"resourceType": "Nobody"}), vec!["Resource.resourceType"]),
        (json!({"resourceType": "DomainResource"}), vec!["Resource.resourceType"]),
        (json!({}), vec!["Resource.resourceType"]),
        (json!([]), vec!["Resource"]),
        (json!(null), vec!["Resource"]),
    ] {
        let issues = validate::structural(&resource);
        let paths: Vec<_> = issues.iter().map(|issue| issue.path.as_ref().unwrap().as_str()).collect();
        assert_eq!(paths, expected);
    }
}

#[test]
fn entries_of_a_bundle_are_judged_and_their_references_resolved() {
    let request = json!({"method": "POST", "url": "X"});
    let bundle = json!({
        "resourceType": "Bundle", "type": "transaction",
        "entry": [
            {"fullUrl": "urn:uuid:1", "request": request, "resource": {"resourceType": "Patient", "gender": "x"}},
            {"fullUrl": "urn:uuid:2", "request": request, "resource": {"resourceType": "Slot", "status": "free", "start": "2026-06-12T10:00:00Z",
                "end": "2026-06-12T10:00:00Z", "schedule": {"reference": "urn:uuid:1"}}},
            {"fullUrl": "urn:uuid:3", "resource": {"resourceType": "Binary", "contentType": "text/xml", "data": "#data:0"},
                "request": {"method": "POSTE", "url": "Binary"}}
        ]
    });
    let cut = Options { data_was_cut: true };
    assert_eq!(
        found(&bundle, cut),
        [
            "code-invalide Bundle.entry[0].resource.gender",
            "reference Bundle.entry[1].resource.schedule.reference",
            "code-invalide Bundle.entry[2].request.method",
        ]
    );
    assert!(found(&bundle, Options::default()).contains(&"type-de-donnee Bundle.entry[2].resource.data".to_owned()));
}

#[test]
fn nulls_stand_only_where_an_extension_stands_beside() {
    let named =
        |given: Value, beside: Value| json!({"resourceType": "Patient", "name": [{"given": given, "_given": beside}]});
    let absent = json!({"extension": [{"url": "urn:x", "valueCode": "unknown"}]});
    assert_eq!(found(&named(json!(["A", null]), json!([null, absent])), Options::default()), Vec::<String>::new());
    assert_eq!(
        found(&named(json!(["A", null]), json!([absent, null])), Options::default()),
        ["element Patient.name[0].given[1]"]
    );
    assert_eq!(found(&named(json!(["A"]), json!([null])), Options::default()), ["element Patient.name[0].given"]);
}

#[test]
fn what_is_told_never_quotes_a_value_or_a_strange_key() {
    let resource = json!({"resourceType": "Patient", "123456789012345": 1, "birthDate": "le 1er mai", "gender": "secret",
        "name": [{"family": ["Durand"]}], "un nom": "x"});
    let told = format!("{:?}", validate::structural(&resource));
    for secret in ["123456789012345", "1er mai", "secret", "Durand", "un nom"] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
}

#[test]
fn a_body_of_nothing_but_errors_is_answered_with_a_bounded_list() {
    let entries: Vec<Value> = (0..5000).map(|_| json!({"resource": {"resourceType": "Patient", "x": 1}})).collect();
    let issues = validate::structural(&json!({"resourceType": "Bundle", "type": "batch", "entry": entries}));
    assert_eq!(issues.len(), 200);
}

#[test]
fn a_resource_nested_as_deep_as_json_allows_is_walked() {
    let depth = 40;
    let text = format!(
        "{{\"resourceType\":\"Patient\",\"extension\":{}[{{\"url\":\"urn:x\",\"valueBoolean\":1}}]{}}}",
        "[{\"url\":\"urn:x\",\"extension\":".repeat(depth),
        "}]".repeat(depth)
    );
    let issues = validate::structural(&json::parse(text.as_bytes()).unwrap());
    assert_eq!(issues.len(), 1);
    assert_eq!(issues[0].code, Code::Datatype);
}

#[test]
fn invariants_are_told_by_their_keys() {
    let entry = |extra: Value| {
        let mut entry = json!({"resource": {"resourceType": "Patient"}});
        entry.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        entry
    };
    let bundle = |kind: &str, entries: Vec<Value>| json!({"resourceType": "Bundle", "type": kind, "entry": entries});
    let request = json!({"request": {"method": "POST", "url": "Patient"}});
    let participant = json!([{"status": "accepted", "type": [{"text": "x"}]}]);
    let list = |extra: Value| {
        let mut list = json!({"resourceType": "List", "status": "current", "mode": "working"});
        list.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        list
    };
    let item = json!({"reference": "Patient/1"});
    for (resource, expected) in [
        (bundle("transaction", vec![entry(request.clone())]), vec![]),
        (bundle("transaction", vec![entry(json!({}))]), vec!["bdl-3"]),
        (bundle("collection", vec![entry(request)]), vec!["bdl-3"]),
        (bundle("collection", vec![json!({"fullUrl": "urn:x"})]), vec!["bdl-5"]),
        (bundle("collection", vec![entry(json!({"search": {"mode": "match"}}))]), vec!["bdl-2"]),
        (bundle("collection", vec![entry(json!({"fullUrl": "http://a/Patient/1/_history/1"}))]), vec!["bdl-8"]),
        (
            bundle("collection", vec![entry(json!({"fullUrl": "urn:x"})), entry(json!({"fullUrl": "urn:x"}))]),
            vec!["bdl-7"],
        ),
        (bundle("searchset", vec![entry(json!({"response": {"status": "200"}}))]), vec!["bdl-4"]),
        (bundle("document", vec![entry(json!({}))]), vec!["bdl-9", "bdl-10", "bdl-11"]),
        (bundle("message", vec![entry(json!({}))]), vec!["bdl-12"]),
        (json!({"resourceType": "Bundle", "type": "batch", "total": 1}), vec!["bdl-1"]),
        (json!({"resourceType": "Appointment", "status": "booked", "participant": participant.clone()}), vec!["app-3"]),
        (
            json!({"resourceType": "Appointment", "status": "proposed", "start": "2026-06-12T10:00:00Z",
                "participant": [{"status": "accepted"}], "cancelationReason": {"text": "x"}}),
            vec!["app-1", "app-2", "app-4"],
        ),
        (list(json!({"entry": [{"item": item.clone()}], "emptyReason": {"text": "x"}})), vec!["lst-1"]),
        (list(json!({"entry": [{"item": item.clone(), "deleted": true}]})), vec!["lst-2"]),
        (list(json!({"mode": "snapshot", "entry": [{"item": item, "date": "2026"}]})), vec!["lst-3"]),
        (json!({"resourceType": "Patient", "contact": [{"gender": "male"}]}), vec!["pat-1"]),
        (json!({"resourceType": "Patient", "telecom": [{"value": "x"}]}), vec!["cpt-2"]),
        (json!({"resourceType": "Patient", "photo": [{"data": "YQ=="}]}), vec!["att-1"]),
        (json!({"resourceType": "Parameters", "parameter": [{"name": "x"}]}), vec!["inv-1"]),
        (
            json!({"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "referenceRange": [{"age": {"low":
                {"value": 1, "code": "a", "system": "http://unitsofmeasure.org"}}}],
                "valueQuantity": {"value": 1, "code": "kg"}, "dataAbsentReason": {"text": "x"}}),
            vec!["qty-3", "obs-3", "obs-6"],
        ),
        (
            json!({"resourceType": "Consent", "status": "active", "scope": {"text": "x"}, "category": [{"text": "x"}]}),
            vec!["ppc-1"],
        ),
    ] {
        let issues = validate::structural(&resource);
        let mut keys: Vec<_> =
            issues.iter().filter(|issue| !issue.is_warning).map(|issue| issue.rule.as_deref().unwrap()).collect();
        keys.sort_by_key(|key| expected.iter().position(|expected| expected == key));
        assert_eq!(keys, expected, "{resource}");
    }
}

#[test]
fn a_great_many_contained_resources_and_references_are_walked_in_order_of_their_number() {
    let contained: Vec<Value> =
        (0..5_000).map(|id| json!({"resourceType": "Patient", "id": format!("p{id}")})).collect();
    let items: Vec<Value> = (0..5_000).map(|id| json!({"item": {"reference": format!("#p{id}")}})).collect();
    let mut list =
        json!({"resourceType": "List", "status": "current", "mode": "working", "contained": contained, "entry": items});
    assert_eq!(found(&list, Options::default()), Vec::<String>::new());
    list["contained"][4_999]["id"] = json!("p0");
    assert_eq!(
        found(&list, Options::default()),
        [
            "element List.contained[0].id",
            "element List.contained[4999].id",
            "reference List.entry[4999].item.reference"
        ]
    );
}

/// An object with an extension moved into it: `json!` would copy it, by recursion.
fn held(mut holder: Value, extension: Value) -> Value {
    holder.as_object_mut().unwrap().insert("extension".to_owned(), Value::Array(vec![extension]));
    holder
}

#[test]
fn a_value_deeper_than_any_json_is_refused_without_overflow() {
    let mut extension = json!({"url": "urn:x", "valueBoolean": true});
    for _ in 0..3_000 {
        extension = held(json!({"url": "urn:x"}), extension);
    }
    let mut patient = held(json!({"resourceType": "Patient"}), extension);
    assert_eq!(validate::structural(&patient).iter().map(|issue| issue.code).collect::<Vec<_>>(), [Code::Structure]);
    // Taken apart by hand: serde_json drops by recursion.
    while let Some(inner) = patient.pointer_mut("/extension/0").map(Value::take) {
        patient = inner;
    }
}

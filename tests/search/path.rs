//! The expression compiler refuses what it does not read.

use espace::fhir::path::Expression;
use serde_json::{Value, json};

fn select(expression: &str, resource: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    let compiled = Expression::compile(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
    compiled.select(resource, resource, &mut |node| found.push(node.clone()));
    found
}

#[test]
fn paths_lead_where_fhirpath_says() {
    let resource = json!({
        "resourceType": "X",
        "contained": [{ "resourceType": "Y", "id": "y", "name": "inside" }],
        "a": [{ "b": [1, 2], "type": "t" }, { "b": 3, "type": "u" }],
        "ref": { "reference": "#y" },
        "far": { "reference": "https://h/fhir/Z/1/_history/2" },
        "valueString": "s",
        "extension": [{ "url": "e", "valueBoolean": true }, { "url": "f", "valueCode": "c" }],
        "gone": null
    });
    for (expression, expected) in [
        ("X.a.b", json!([1, 2, 3])),
        ("a.b", json!([1, 2, 3])),
        ("X.a[1].b", json!([3])),
        ("X.a[9].b", json!([])),
        ("X.a.where(type='t').b", json!([1, 2])),
        ("X.a.where(type != 't').b", json!([3])),
        ("X.a.where(type = 'u' and b.exists()).b", json!([3])),
        ("X.value[x]", json!(["s"])),
        ("(X.value as string)", json!(["s"])),
        ("X.value.as(string)", json!(["s"])),
        ("X.value.ofType(Quantity)", json!([])),
        ("X.extension('f').value[x]", json!(["c"])),
        ("X.extension.where(url = 'e').value[x]", json!([true])),
        ("X.ref.resolve().name", json!(["inside"])),
        ("X.ref.resolve().ofType(Y).name", json!(["inside"])),
        ("X.ref.resolve().ofType(Z).name", json!([])),
        ("X.ref.where(resolve() is Y).reference", json!(["#y"])),
        ("X.ref.where(resolve() is Z).reference", json!([])),
        ("X.far.where(resolve() is Z).reference", json!(["https://h/fhir/Z/1/_history/2"])),
        ("X.a.exists() and X.value[x] != 's'", json!([false])),
        ("X.gone | X.valueString", json!(["s"])),
    ] {
        assert_eq!(Value::Array(select(expression, &resource)), expected, "{expression}");
    }
}

#[test]
fn what_is_not_of_the_subset_is_refused_with_its_place() {
    for (expression, at) in [
        ("", 0),
        ("X.", 2),
        ("X.a.first()", 10),
        ("X.a[x", 4),
        ("X.a[y]", 4),
        ("X..a", 2),
        ("X.a |", 5),
        ("X.a b", 4),
        ("X.where(", 8),
        ("X.a.where(b ~ 'c')", 12),
        ("X.a is Y", 8),
        ("%resource.a", 0),
        ("X.a 'open", 4),
        ("(X.a", 4),
    ] {
        assert_eq!(Expression::compile(expression).expect_err(expression).at, at, "{expression}");
    }
    assert!(Expression::compile(&"(".repeat(100_000)).is_err());
}

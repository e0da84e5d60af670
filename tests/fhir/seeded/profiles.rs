//! Profiles with every kind of slicing, and resources that hold them (R4 `profiling.html#slicing`).

use espace::fhir::validate::package::Package;
use serde_json::{Value, json};

/// Where the profiles are.
pub(super) const HERE: &str = "https://example.org/StructureDefinition/";

fn profile(name: &str, kind: &str, elements: &[(&str, Value)]) -> Value {
    let element = |(id, more): &(&str, Value)| {
        let path: Vec<&str> = id.split('.').map(|step| step.split(':').next().unwrap()).collect();
        let mut element = json!({"id": id, "path": path.join(".")});
        element.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        element
    };
    let elements: Vec<Value> = elements.iter().map(element).collect();
    json!({"resourceType": "StructureDefinition", "url": format!("{HERE}{name}"), "name": name, "type": kind,
        "derivation": "constraint", "baseDefinition": format!("http://hl7.org/fhir/StructureDefinition/{kind}"),
        "differential": {"element": elements}})
}

fn slicing(kind: &str, path: &str, rules: &str) -> Value {
    json!({"slicing": {"discriminator": [{"type": kind, "path": path}], "rules": rules}})
}

fn coded(code: &str) -> Value {
    json!({"patternCodeableConcept": {"coding": [{"system": "urn:kinds", "code": code}]}})
}

/// By value, closed, with a reslice; by pattern, in order; by type; by existence.
#[expect(clippy::too_many_lines, reason = "a table")]
fn of_observation() -> Vec<Value> {
    let in_order =
        json!({"slicing": {"discriminator": [{"type": "pattern", "path": "$this"}], "rules": "open", "ordered": true}});
    let target = |kind: &str, cardinality: Value| {
        let mut element = json!({"type": [{"code": "Reference", "targetProfile": [format!("http://hl7.org/fhir/StructureDefinition/{kind}")]}]});
        element.as_object_mut().unwrap().extend(cardinality.as_object().unwrap().clone());
        element
    };
    vec![
        profile(
            "by-value",
            "Observation",
            &[
                ("Observation.identifier", slicing("value", "system", "closed")),
                (
                    "Observation.identifier:national",
                    json!({"min": 1, "max": "2", "slicing": {"discriminator": [{"type": "value", "path": "use"}], "rules": "open"}}),
                ),
                ("Observation.identifier:national.system", json!({"min": 1, "fixedUri": "urn:national"})),
                ("Observation.identifier:national.value", json!({"min": 1, "maxLength": 5})),
                ("Observation.identifier:national/old", json!({"max": "1"})),
                ("Observation.identifier:national/old.use", json!({"min": 1, "fixedCode": "old"})),
                ("Observation.identifier:national/old.period", json!({"min": 1})),
                ("Observation.identifier:local", json!({"max": "1"})),
                ("Observation.identifier:local.system", json!({"min": 1, "fixedUri": "urn:local"})),
            ],
        ),
        profile(
            "by-pattern",
            "Observation",
            &[
                ("Observation.category", in_order),
                ("Observation.category:first", json!({"min": 1, "max": "1"}).merged(coded("first"))),
                ("Observation.category:second", json!({"max": "1"}).merged(coded("second"))),
                ("Observation.category:second.text", json!({"min": 1})),
                ("Observation.note", slicing("value", "author", "openAtEnd")),
                ("Observation.note:lead", json!({"max": "2"})),
                ("Observation.note:lead.author[x]", json!({"min": 1, "fixedString": "lead"})),
            ],
        ),
        profile(
            "by-type",
            "Observation",
            &[
                ("Observation.value[x]", slicing("type", "$this", "closed")),
                ("Observation.value[x]:valueQuantity", json!({"max": "1", "type": [{"code": "Quantity"}]})),
                ("Observation.value[x]:valueQuantity.unit", json!({"min": 1})),
                (
                    "Observation.value[x]:valueQuantity.value",
                    json!({"min": 1, "minValueDecimal": 0, "maxValueDecimal": 300}),
                ),
                ("Observation.value[x]:valueString", json!({"max": "1", "type": [{"code": "string"}], "maxLength": 5})),
                ("Observation.performer", slicing("type", "resolve()", "closed")),
                ("Observation.performer:person", target("Practitioner", json!({"min": 1, "max": "1"}))),
                ("Observation.performer:house", target("Organization", json!({"max": "1"}))),
            ],
        ),
        profile(
            "by-existence",
            "Observation",
            &[
                ("Observation.component", slicing("exists", "value", "closed")),
                ("Observation.component:measured", json!({"min": 1})),
                ("Observation.component:measured.value[x]", json!({"min": 1, "type": [{"code": "Quantity"}]})),
                ("Observation.component:measured.interpretation", json!({"min": 1})),
                ("Observation.component:absent", json!({"max": "1"})),
                ("Observation.component:absent.value[x]", json!({"max": "0"})),
                ("Observation.component:absent.dataAbsentReason", json!({"min": 1})),
            ],
        ),
    ]
}

/// By the value of an extension; by profile; expressions.
fn of_others() -> Vec<Value> {
    let constraint = |key: &str, severity: &str, expression: &str| json!({"constraint": [{"key": key, "severity": severity, "human": "x", "expression": expression}]});
    vec![
        profile(
            "kind",
            "Extension",
            &[
                ("Extension.url", json!({"fixedUri": format!("{HERE}kind")})),
                ("Extension.value[x]", json!({"min": 1, "type": [{"code": "code"}]})),
            ],
        ),
        profile(
            "by-extension",
            "Patient",
            &[
                ("Patient.contact", slicing("value", &format!("extension('{HERE}kind').value"), "open")),
                ("Patient.contact:legal", json!({"min": 1, "max": "1"})),
                ("Patient.contact:legal.extension", slicing("value", "url", "open")),
                (
                    "Patient.contact:legal.extension:kind",
                    json!({"min": 1, "type": [{"code": "Extension", "profile": [format!("{HERE}kind")]}]}),
                ),
                ("Patient.contact:legal.extension:kind.value[x]", json!({"fixedCode": "legal"})),
                ("Patient.contact:legal.name", json!({"min": 1})),
                ("Patient.name", constraint("one-family", "error", "family.exists() or text.exists()")),
                ("Patient.telecom", constraint("rank", "warning", "rank.exists()")),
                ("Patient", constraint("born", "error", "birthDate.exists() implies deceased.empty()")),
                ("Patient.contact.telecom", constraint("same-system", "error", "%resource.telecom.exists()")),
            ],
        ),
        profile(
            "by-profile",
            "Bundle",
            &[
                ("Bundle.entry", slicing("profile", "resource", "closed")),
                ("Bundle.entry:person", json!({"min": 1, "max": "1"})),
                (
                    "Bundle.entry:person.resource",
                    json!({"min": 1, "type": [{"code": "Patient", "profile": [format!("{HERE}by-extension")]}]}),
                ),
                ("Bundle.entry:value", json!({"max": "*"})),
                (
                    "Bundle.entry:value.resource",
                    json!({"min": 1, "type": [{"code": "Observation", "profile": [format!("{HERE}by-type")]}]}),
                ),
            ],
        ),
    ]
}

/// Two objects as one.
trait Merged {
    fn merged(self, other: Value) -> Value;
}

impl Merged for Value {
    fn merged(mut self, other: Value) -> Value {
        self.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
        self
    }
}

/// All of them.
pub(super) fn package() -> Package {
    let mut package = Package::default();
    for definition in of_observation().into_iter().chain(of_others()) {
        assert!(package.add(definition));
    }
    package.finish();
    package
}

/// A resource of each profile of which nothing is to be said.
pub(super) fn sound(name: &str) -> Value {
    let profile = json!({"profile": [format!("{HERE}{name}")]});
    let observation = |more: Value| {
        json!({"resourceType": "Observation", "meta": profile, "status": "final", "code": {"text": "x"}}).merged(more)
    };
    match name {
        "by-value" => observation(json!({"identifier": [
            {"system": "urn:national", "value": "1"},
            {"system": "urn:national", "value": "2", "use": "old", "period": {"end": "2020"}},
            {"system": "urn:local", "value": "a"}]})),
        "by-pattern" => observation(json!({
            "category": [{"coding": [{"system": "urn:kinds", "code": "first", "display": "x"}]}, {"text": "between"},
                {"coding": [{"system": "urn:kinds", "code": "second"}], "text": "x"}],
            "note": [{"authorString": "lead", "text": "x"}, {"authorString": "else", "text": "x"}]})),
        "by-type" => observation(json!({
            "valueQuantity": {"value": 3, "unit": "kg"},
            "contained": [{"resourceType": "Practitioner", "id": "p"}, {"resourceType": "Organization", "id": "o", "name": "x"}],
            "performer": [{"reference": "#p"}, {"reference": "#o"}]})),
        "by-existence" => observation(json!({"component": [
            {"code": {"text": "x"}, "valueQuantity": {"value": 1}, "interpretation": [{"text": "x"}]},
            {"code": {"text": "x"}, "dataAbsentReason": {"text": "x"}}]})),
        "by-extension" => json!({"resourceType": "Patient", "meta": profile, "name": [{"family": "x"}],
            "telecom": [{"system": "phone", "value": "1", "rank": 1}],
            "contact": [{"extension": [{"url": format!("{HERE}kind"), "valueCode": "legal"}], "name": {"text": "x"}},
                {"name": {"text": "another"}, "telecom": [{"system": "phone", "value": "2"}]}]}),
        _ => json!({"resourceType": "Bundle", "meta": profile, "type": "collection", "entry": [
            {"fullUrl": "urn:uuid:1", "resource": sound("by-extension")},
            {"fullUrl": "urn:uuid:2", "resource": sound("by-type")}]}),
    }
}

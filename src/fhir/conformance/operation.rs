//! The operations that are obeyed, as OperationDefinitions (R4 `operations.html`; MHD ITI-106).

use serde_json::{Value, json};

/// A parameter: name, least, most, type. Those that begin with `<` go in, with `>` come out.
type Parameter = (&'static str, u8, &'static str, &'static str);

/// An operation, where it is defined and what it is given and gives.
pub(super) struct Operation {
    pub(super) url: &'static str,
    code: &'static str,
    /// The types it is of; of none: of all.
    types: &'static [&'static str],
    /// On the root, on a type, on an instance.
    levels: [bool; 3],
    parameters: &'static [Parameter],
}

const SET: Parameter = ("<url", 0, "1", "uri");

/// Every operation.
pub(super) const OPERATIONS: [Operation; 6] = [
    Operation {
        url: "http://hl7.org/fhir/OperationDefinition/CodeSystem-lookup",
        code: "lookup",
        types: &["CodeSystem"],
        levels: [false, true, false],
        parameters: &[
            ("<code", 0, "1", "code"),
            ("<system", 0, "1", "uri"),
            ("<coding", 0, "1", "Coding"),
            ("<displayLanguage", 0, "1", "code"),
            (">name", 1, "1", "string"),
            (">version", 0, "1", "string"),
            (">display", 1, "1", "string"),
        ],
    },
    Operation {
        url: "http://hl7.org/fhir/OperationDefinition/CodeSystem-validate-code",
        code: "validate-code",
        types: &["CodeSystem"],
        levels: [false, true, false],
        parameters: &[
            SET,
            ("<code", 0, "1", "code"),
            ("<display", 0, "1", "string"),
            ("<coding", 0, "1", "Coding"),
            ("<codeableConcept", 0, "1", "CodeableConcept"),
            (">result", 1, "1", "boolean"),
            (">message", 0, "1", "string"),
            (">display", 0, "1", "string"),
        ],
    },
    Operation {
        url: "http://hl7.org/fhir/OperationDefinition/Resource-validate",
        code: "validate",
        types: &[],
        levels: [true, true, true],
        parameters: &[
            ("<resource", 0, "1", "Any"),
            ("<mode", 0, "1", "code"),
            ("<profile", 0, "1", "uri"),
            (">return", 1, "1", "OperationOutcome"),
        ],
    },
    Operation {
        url: "http://hl7.org/fhir/OperationDefinition/ValueSet-expand",
        code: "expand",
        types: &["ValueSet"],
        levels: [false, true, true],
        parameters: &[
            SET,
            ("<valueSet", 0, "1", "ValueSet"),
            ("<filter", 0, "1", "string"),
            ("<offset", 0, "1", "integer"),
            ("<count", 0, "1", "integer"),
            ("<activeOnly", 0, "1", "boolean"),
            ("<displayLanguage", 0, "1", "code"),
            (">return", 1, "1", "ValueSet"),
        ],
    },
    Operation {
        url: "http://hl7.org/fhir/OperationDefinition/ValueSet-validate-code",
        code: "validate-code",
        types: &["ValueSet"],
        levels: [false, true, true],
        parameters: &[
            SET,
            ("<code", 0, "1", "code"),
            ("<system", 0, "1", "uri"),
            ("<display", 0, "1", "string"),
            ("<coding", 0, "1", "Coding"),
            ("<codeableConcept", 0, "1", "CodeableConcept"),
            (">result", 1, "1", "boolean"),
            (">message", 0, "1", "string"),
            (">display", 0, "1", "string"),
        ],
    },
    Operation {
        url: "https://profiles.ihe.net/ITI/MHD/OperationDefinition/generate-metadata",
        code: "generate-metadata",
        types: &["DocumentReference"],
        levels: [false, true, false],
        parameters: &[
            ("<document", 1, "1", "Resource"),
            (">DocumentReference", 1, "1", "DocumentReference"),
            (">outcome", 0, "1", "OperationOutcome"),
        ],
    },
];

impl Operation {
    /// It, as a resource.
    pub(super) fn definition(&self, id: &str) -> Value {
        let [system, kind, instance] = self.levels;
        let types = if self.types.is_empty() { &["Resource"] } else { self.types };
        let parameters = self.parameters.iter().map(|(name, min, max, kind)| {
            let (way, name) = match name.strip_prefix('<') {
                Some(name) => ("in", name),
                None => ("out", name.trim_start_matches('>')),
            };
            json!({"name": name, "use": way, "min": min, "max": max, "type": kind})
        });
        json!({
            "resourceType": "OperationDefinition", "id": id, "url": self.url, "name": super::made::name_of(id),
            "status": "active", "kind": "operation", "affectsState": false, "code": self.code, "resource": types,
            "system": system, "type": kind, "instance": instance, "parameter": parameters.collect::<Vec<_>>(),
        })
    }
}

//! The operations served, each with its parameters: what a request may say, what OperationDefinition,
//! CapabilityStatement and OpenAPI tell (R4 `operations.html`, `terminology-service.html`; ihe §1.8).

use serde_json::{Value, json};

use crate::error::{Code, Error, Issue};
use crate::ids::ElementPath;

/// Whether a parameter is sent or answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// Sent.
    In,
    /// Answered.
    Out,
}

/// One parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Sent or answered.
    pub usage: Usage,
    /// Whether it must be there.
    pub is_required: bool,
    /// Whether it may come more than once.
    pub is_many: bool,
    /// Its type.
    pub kind: &'static str,
    /// What it is for.
    pub documentation: &'static str,
}

/// One operation of one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// The type.
    pub kind: &'static str,
    /// Its name, without `$`.
    pub name: &'static str,
    /// Its canonical URL.
    pub url: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// Whether it is asked of the type.
    pub of_type: bool,
    /// Whether it is asked of one resource.
    pub of_instance: bool,
    /// What it takes and gives.
    pub parameters: &'static [Parameter],
}

const fn takes(name: &'static str, kind: &'static str, documentation: &'static str) -> Parameter {
    Parameter { name, usage: Usage::In, is_required: false, is_many: false, kind, documentation }
}

const fn gives(name: &'static str, kind: &'static str, documentation: &'static str) -> Parameter {
    Parameter { name, usage: Usage::Out, is_required: false, is_many: false, kind, documentation }
}

const fn required(parameter: Parameter) -> Parameter {
    Parameter { is_required: true, ..parameter }
}

const fn many(parameter: Parameter) -> Parameter {
    Parameter { is_many: true, ..parameter }
}

const DISPLAY_LANGUAGE: Parameter =
    takes("displayLanguage", "code", "fr or en: the language of displays; that of Accept-Language where absent");

/// What tells whether a code is good.
const RESULT: [Parameter; 3] = [
    required(gives("result", "boolean", "Whether the code is good")),
    gives("message", "string", "Why it is not, or what is to be known of it"),
    gives("display", "string", "What the code is called"),
];

/// Every operation, by type and name.
pub const OPERATIONS: &[Operation] = &[
    Operation {
        kind: "CodeSystem",
        name: "lookup",
        url: "http://hl7.org/fhir/OperationDefinition/CodeSystem-lookup",
        title: "What a code is called, and in which system it is",
        of_type: true,
        of_instance: false,
        parameters: &[
            takes("code", "code", "The code; system is then required"),
            takes("system", "uri", "Its system: URL, urn:oid: or another spelling in use"),
            takes("version", "string", "The version of the system"),
            takes("coding", "Coding", "The code and its system in one (POST only)"),
            DISPLAY_LANGUAGE,
            many(takes("property", "code", "The properties wanted; all where absent")),
            required(gives("name", "string", "The name of the system")),
            gives("version", "string", "Its version"),
            required(gives("display", "string", "What the code is called")),
            many(gives("designation", "BackboneElement", "Its names: language, value")),
            many(gives("property", "BackboneElement", "Its properties: code, value")),
        ],
    },
    Operation {
        kind: "CodeSystem",
        name: "validate-code",
        url: "http://hl7.org/fhir/OperationDefinition/CodeSystem-validate-code",
        title: "Whether a code is one of a code system",
        of_type: true,
        of_instance: true,
        parameters: &[
            takes("url", "uri", "The code system, where the request names none by its id"),
            takes("code", "code", "The code"),
            takes("version", "string", "The version of the system"),
            takes("display", "string", "The display to be checked"),
            takes("coding", "Coding", "The code and its system in one (POST only)"),
            takes("codeableConcept", "CodeableConcept", "Codings, one of which must be good (POST only)"),
            DISPLAY_LANGUAGE,
            RESULT[0],
            RESULT[1],
            RESULT[2],
        ],
    },
    Operation {
        kind: "DocumentReference",
        name: "generate-metadata",
        url: "https://profiles.ihe.net/ITI/MHD/OperationDefinition/generate-metadata",
        title: "ITI-106: the metadata of a document, made of its header",
        of_type: true,
        of_instance: false,
        parameters: &[
            takes("document", "Binary", "The document"),
            required(gives("DocumentReference", "DocumentReference", "The metadata")),
            gives("outcome", "OperationOutcome", "What the header lacks"),
        ],
    },
    Operation {
        kind: "ValueSet",
        name: "expand",
        url: "http://hl7.org/fhir/OperationDefinition/ValueSet-expand",
        title: "The codes of a value set",
        of_type: true,
        of_instance: true,
        parameters: &[
            takes("url", "uri", "The value set: URL, OID or name"),
            takes("valueSet", "ValueSet", "The value set itself (POST only)"),
            takes("valueSetVersion", "string", "The version of the value set"),
            takes("context", "uri", "StructureDefinition#path, or path: the set that the element is bound to"),
            takes("filter", "string", "Words of the display, or the beginning of the code"),
            takes("offset", "integer", "How many codes to pass over"),
            takes("count", "integer", "How many codes to give, at most 1000"),
            takes("includeDesignations", "boolean", "Whether all names of the codes are wanted"),
            takes("activeOnly", "boolean", "Whether retired codes are left out"),
            takes("excludeNested", "boolean", "Expansions are flat in any case"),
            DISPLAY_LANGUAGE,
            required(gives("return", "ValueSet", "The value set with its expansion")),
        ],
    },
    Operation {
        kind: "ValueSet",
        name: "validate-code",
        url: "http://hl7.org/fhir/OperationDefinition/ValueSet-validate-code",
        title: "Whether a code is one of a value set",
        of_type: true,
        of_instance: true,
        parameters: &[
            takes("url", "uri", "The value set: URL, OID or name"),
            takes("valueSet", "ValueSet", "The value set itself (POST only)"),
            takes("valueSetVersion", "string", "The version of the value set"),
            takes("context", "uri", "StructureDefinition#path, or path: the set that the element is bound to"),
            takes("code", "code", "The code; system is required unless the set has it in one system only, by context"),
            takes("system", "uri", "Its system: URL, urn:oid: or another spelling in use"),
            takes("systemVersion", "string", "The version of the system"),
            takes("display", "string", "The display to be checked"),
            takes("coding", "Coding", "The code and its system in one (POST only)"),
            takes("codeableConcept", "CodeableConcept", "Codings, one of which must be good (POST only)"),
            DISPLAY_LANGUAGE,
            RESULT[0],
            RESULT[1],
            RESULT[2],
        ],
    },
];

/// What every type and every resource is asked, and the server as a whole.
pub const VALIDATE: Operation = Operation {
    kind: "Resource",
    name: "validate",
    url: "http://hl7.org/fhir/OperationDefinition/Resource-validate",
    title: "Whether a resource is what R4 and a profile say",
    of_type: true,
    of_instance: true,
    parameters: &[
        takes("resource", "Resource", "What is judged"),
        takes("mode", "code", "create, update, delete or profile: what it would be used for"),
        takes("profile", "uri", "The profile it is held against"),
        required(gives("return", "OperationOutcome", "What was found, and where")),
    ],
};

/// The operation of a type and a name.
pub fn find(kind: &str, name: &str) -> Option<&'static Operation> {
    let own = OPERATIONS.iter().find(|operation| operation.kind == kind && operation.name == name);
    own.or((name == VALIDATE.name).then_some(&VALIDATE))
}

impl Operation {
    /// What it takes.
    pub fn takes(&self) -> impl Iterator<Item = &'static Parameter> {
        self.parameters.iter().filter(|parameter| parameter.usage == Usage::In)
    }

    /// Its OperationDefinition.
    pub fn definition(&self) -> Value {
        let parameters = self.parameters.iter().map(|parameter| {
            json!({
                "name": parameter.name,
                "use": if parameter.usage == Usage::In { "in" } else { "out" },
                "min": i32::from(parameter.is_required),
                "max": if parameter.is_many { "*" } else { "1" },
                "documentation": parameter.documentation,
                "type": parameter.kind,
            })
        });
        // R4 opd-…: a parameter of parts has no type.
        let parameters = parameters.map(|mut parameter| {
            if let Some(members) = parameter.as_object_mut()
                && members.get("type").and_then(Value::as_str) == Some("BackboneElement")
            {
                members.remove("type");
                let value = if members.get("name").and_then(Value::as_str) == Some("designation") {
                    [("language", "code"), ("value", "string")]
                } else {
                    [("code", "code"), ("value", "string")]
                };
                let parts =
                    value.map(|(name, kind)| json!({"name": name, "use": "out", "min": 1, "max": "1", "type": kind}));
                members.insert("part".to_owned(), json!(parts));
            }
            parameter
        });
        json!({
            "kind": "operation",
            "affectsState": false,
            "code": self.name,
            "resource": [self.kind],
            "system": false,
            "type": self.of_type,
            "instance": self.of_instance,
            "parameter": parameters.collect::<Vec<_>>(),
        })
    }
}

/// What a request says to an operation: only what its table knows, each of its type.
#[derive(Debug, Clone, Default)]
pub struct Arguments(Vec<(&'static str, Value)>);

impl Arguments {
    /// Whether a query can carry a parameter of this type.
    pub fn fits_query(kind: &str) -> bool {
        matches!(kind, "boolean" | "integer" | "uri" | "string" | "code")
    }

    /// Reads the decoded pairs of a URL.
    pub fn of_query(operation: &Operation, pairs: &[(String, String)]) -> Result<Self, Error> {
        let mut read = Self::default();
        // What says how the answer is to look is of every interaction (R4 http#parameters).
        let is_general = |name: &str| matches!(name, "_elements" | "_format" | "_pretty" | "_summary");
        for (name, text) in pairs.iter().filter(|(name, _)| !is_general(name)) {
            let parameter = known(operation, name)?;
            let value = match parameter.kind {
                "boolean" => text.parse().ok().map(Value::Bool),
                "integer" => text.parse::<u32>().ok().map(Value::from),
                "uri" | "string" | "code" => Some(Value::from(text.as_str())),
                _ => None,
            };
            read.add(parameter, value)?;
        }
        Ok(read)
    }

    /// Reads a Parameters resource.
    pub fn of_parameters(operation: &Operation, resource: &Value) -> Result<Self, Error> {
        if resource.get("resourceType").and_then(Value::as_str) != Some("Parameters") {
            return Err(Issue::new(Code::Structure).detail("(Parameters)").rule("R4 operations").into());
        }
        let mut read = Self::default();
        for given in resource.get("parameter").and_then(Value::as_array).into_iter().flatten() {
            let name = given.get("name").and_then(Value::as_str).unwrap_or_default();
            let parameter = known(operation, name)?;
            let members = given.as_object().into_iter().flatten();
            let value = members
                .filter(|(member, _)| *member == "resource" || member.starts_with("value"))
                .map(|(_, value)| value.clone());
            read.add(parameter, value.into_iter().find(|value| is_of(parameter.kind, value)))?;
        }
        Ok(read)
    }

    fn add(&mut self, parameter: &'static Parameter, value: Option<Value>) -> Result<(), Error> {
        let is_again = !parameter.is_many && self.0.iter().any(|(name, _)| *name == parameter.name);
        let value = value.filter(|value| !is_again && value.as_str() != Some(""));
        let value = value.ok_or_else(|| {
            let path = ElementPath::root(parameter.name);
            Issue::new(Code::Value)
                .at(path)
                .detail(format!("({}: {})", parameter.name, parameter.kind))
                .rule("R4 operations")
        })?;
        self.0.push((parameter.name, value));
        Ok(())
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Its text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// All its texts.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| *known == name).filter_map(|(_, value)| value.as_str())
    }

    /// Whether it is `true`.
    pub fn is(&self, name: &str) -> bool {
        self.get(name) == Some(&Value::Bool(true))
    }

    /// Its number.
    pub fn number(&self, name: &str) -> Option<usize> {
        self.get(name)?.as_u64().map(|number| usize::try_from(number).unwrap_or(usize::MAX))
    }
}

/// A parameter that the operation takes; what it does not know is never ignored.
fn known(operation: &Operation, name: &str) -> Result<&'static Parameter, Error> {
    operation.takes().find(|parameter| parameter.name == name).ok_or_else(|| {
        let is_plain = name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-');
        let shown = if is_plain { name } else { "***" };
        Issue::new(Code::UnknownParameter).detail(format!("({shown})")).rule("R4 operations").into()
    })
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "boolean" => value.is_boolean(),
        "integer" => value.as_u64().is_some(),
        "uri" | "string" | "code" => value.is_string(),
        "Coding" | "CodeableConcept" => value.is_object(),
        resource => value.get("resourceType").and_then(Value::as_str) == Some(resource),
    }
}

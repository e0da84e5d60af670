//! `CodeSystem/$lookup` and the two `$validate-code`: what a code is called, whether it is good (R4
//! `codesystem-operation-lookup.html`, `valueset-operation-validate-code.html`).

use serde_json::{Value, json};

use super::class_of_type;
use super::expand::{Asked, designations, set_of};
use super::library::{Concept, Library, Set, Standing, System};
use crate::error::{Code, Error, Issue};
use crate::fhir::search::fold;
use crate::ids::ElementPath;

/// No more codings of one concept are judged.
const MOST_CODINGS: usize = 100;

/// A code as it was sent.
#[derive(Debug, Clone, Copy)]
struct Said<'a> {
    system: Option<&'a str>,
    version: Option<&'a str>,
    code: &'a str,
    display: Option<&'a str>,
}

/// What was found out about a code.
struct Verdict<'a> {
    is_good: bool,
    message: Option<String>,
    display: Option<&'a str>,
}

/// What a code is: Parameters.
pub fn lookup(library: &Library, asked: &Asked<'_>) -> Result<Value, Error> {
    let arguments = asked.arguments;
    let coding = arguments.get("coding");
    let of_coding = |name: &str| coding.and_then(|coding| coding.get(name)).and_then(Value::as_str);
    let code = arguments.text("code").or_else(|| of_coding("code")).ok_or_else(|| required("code"))?;
    let name = arguments.text("system").or_else(|| of_coding("system")).ok_or_else(|| required("system"))?;
    let version = arguments.text("version").or_else(|| of_coding("version"));
    let (system, concept) = known(library, name, version, code)?.ok_or_else(|| {
        Error::from(Issue::new(Code::CodeUnknown).at(ElementPath::root("code")).rule("R4 CodeSystem/$lookup"))
    })?;
    let display = concept.display(asked.language());
    let mut parameters = vec![json!({"name": "name", "valueString": title(system)})];
    if !system.version.is_empty() {
        parameters.push(json!({"name": "version", "valueString": system.version}));
    }
    parameters.push(json!({"name": "display", "valueString": if display.is_empty() { code } else { display }}));
    for one in designations(concept) {
        let mut parts = Vec::new();
        if let Some(language) = one.get("language") {
            parts.push(json!({"name": "language", "valueCode": language}));
        }
        parts.push(json!({"name": "value", "valueString": one.get("value")}));
        parameters.push(json!({"name": "designation", "part": parts}));
    }
    let wanted: Vec<&str> = arguments.texts("property").collect();
    for (name, kind, value) in properties(system, concept, code) {
        if wanted.is_empty() || wanted.contains(&name) {
            let value = json!({"name": "value", kind: value});
            parameters.push(json!({"name": "property", "part": [{"name": "code", "valueCode": name}, value]}));
        }
    }
    Ok(json!({"resourceType": "Parameters", "parameter": parameters}))
}

/// What is known of a code besides its names: whether it is retired, the OID of its system (CDA and XDS
/// name systems so), and the class that the DMP gives to a type of document.
fn properties(system: &System, concept: &Concept, code: &str) -> Vec<(&'static str, &'static str, Value)> {
    let mut all = vec![("inactive", "valueBoolean", json!(concept.is_retired))];
    if !system.oid.is_empty() {
        all.push(("system-oid", "valueString", json!(format!("urn:oid:{}", system.oid))));
    }
    if let Some(class) = class_of_type(&system.url, code) {
        all.push(("class", "valueCode", json!(class)));
    }
    all
}

/// Whether a code is one of a value set: Parameters.
pub fn validate_in_set(library: &Library, asked: &Asked<'_>) -> Result<Value, Error> {
    let set = set_of(library, asked)?;
    let said = said(asked, "system", "systemVersion")?;
    let set: &Set = &set;
    let verdicts = said.iter().map(|said| {
        let Some(name) = said.system.or_else(|| set.system_of(said.code)) else {
            return if asked.arguments.get("code").is_some() && !set.members.iter().any(|one| one.code == said.code) {
                Ok(absent(library, set.is_complete, said, asked))
            } else {
                Err(required("system"))
            };
        };
        let said = Said { system: Some(name), ..*said };
        let is_known = known(library, name, said.version, said.code);
        // A version that is not here is told; a system that is not here cannot be in the set.
        let concept = match is_known {
            Err(error) if library.system(name).is_some() => return Err(error),
            other => other.ok().flatten().map(|(_, concept)| concept),
        };
        Ok(match set.standing(name, said.code) {
            Standing::Absent if !set.is_listed => {
                return Err(Issue::new(Code::NotEnumerable)
                    .at(ElementPath::root("url"))
                    .rule("R4 ValueSet/$validate-code")
                    .into());
            }
            Standing::Absent => absent(library, set.is_complete, &said, asked),
            standing => named(concept, &said, standing == Standing::Retired, asked),
        })
    });
    best(verdicts)
}

/// Whether a code is one of a code system: Parameters.
pub fn validate_in_system(library: &Library, asked: &Asked<'_>) -> Result<Value, Error> {
    let url = asked.instance.or_else(|| asked.arguments.text("url"));
    let said = said(asked, "url", "version")?;
    let verdicts = said.iter().map(|said| {
        let name = url.or(said.system).ok_or_else(|| required("url"))?;
        let system = library.system(name);
        let is_other = said.system.is_some_and(|own| own != name && !same(system, library.system(own)));
        let found = known(library, name, said.version, said.code)?.filter(|_| !is_other);
        Ok(match found {
            Some((_, concept)) => named(Some(concept), said, concept.is_retired, asked),
            None => absent(library, is_other || system.is_some_and(|system| system.is_complete), said, asked),
        })
    });
    best(verdicts)
}

fn same(one: Option<&System>, other: Option<&System>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one.url == other.url)
}

/// The codes of a request; `system` is the parameter that names the system of a bare code.
fn said<'a>(asked: &Asked<'a>, system: &str, version: &str) -> Result<Vec<Said<'a>>, Error> {
    let arguments = asked.arguments;
    if let Some(code) = arguments.text("code") {
        let (system, version) = (arguments.text(system), arguments.text(version));
        return Ok(vec![Said { system, version, code, display: arguments.text("display") }]);
    }
    let concept = arguments.get("codeableConcept").and_then(|concept| concept.get("coding")).and_then(Value::as_array);
    let codings = arguments.get("coding").into_iter().chain(concept.into_iter().flatten());
    let said = codings.take(MOST_CODINGS).filter_map(|coding| {
        let text = |name: &str| coding.get(name).and_then(Value::as_str);
        Some(Said { system: text("system"), version: text("version"), code: text("code")?, display: text("display") })
    });
    let said: Vec<Said<'a>> = said.collect();
    if said.is_empty() { Err(required("code")) } else { Ok(said) }
}

/// A code in a system of a version.
fn known<'l>(
    library: &'l Library,
    system: &str,
    version: Option<&str>,
    code: &str,
) -> Result<Option<(&'l System, &'l Concept)>, Error> {
    let unknown =
        || Error::from(Issue::new(Code::CodeSystemUnknown).at(ElementPath::root("system")).rule("R4 CodeSystem"));
    let found = library.concept(system, code);
    let home = found.map(|(home, _)| home).or_else(|| library.system(system)).ok_or_else(unknown)?;
    let version = version.or_else(|| Some(system.split_once('|')?.1));
    if version.is_some_and(|version| !home.version.is_empty() && version != home.version) {
        return Err(unknown());
    }
    Ok(found)
}

/// A good code, and whether it was sent with a name it has.
fn named<'l>(concept: Option<&'l Concept>, said: &Said<'_>, is_retired: bool, asked: &Asked<'_>) -> Verdict<'l> {
    let display = concept.map(|concept| concept.display(asked.language())).filter(|display| !display.is_empty());
    let is_called = |wanted: &str| {
        let mut names = concept.into_iter().flat_map(|concept| &concept.designations);
        names.any(|name| fold(&name.text) == fold(wanted))
    };
    let is_misnamed = said.display.is_some_and(|wanted| display.is_some() && !is_called(wanted));
    let message = if is_misnamed {
        Some(word(asked, "Le libellé n'est pas celui de ce code.", "The display is not one of this code."))
    } else if is_retired {
        Some(word(asked, "Ce code n'est plus en usage.", "This code is no longer in use."))
    } else {
        None
    };
    Verdict { is_good: !is_misnamed, message, display }
}

/// A code that is not there; where not all codes are here, that is said.
fn absent<'l>(library: &'l Library, is_complete: bool, said: &Said<'_>, asked: &Asked<'_>) -> Verdict<'l> {
    let concept = said.system.and_then(|system| library.concept(system, said.code)).map(|(_, concept)| concept);
    let display = concept.map(|concept| concept.display(asked.language())).filter(|display| !display.is_empty());
    let message = if is_complete {
        word(asked, "Ce code n'y figure pas.", "This code is not one of it.")
    } else {
        word(
            asked,
            "Ce code ne figure pas dans la copie de ce serveur, qui n'est pas complète.",
            "This code is not in this server's copy, which is not complete.",
        )
    };
    Verdict { is_good: false, message: Some(message), display }
}

fn word(asked: &Asked<'_>, french: &str, english: &str) -> String {
    if asked.language().starts_with("en") { english.to_owned() } else { french.to_owned() }
}

/// Of several codings one must be good; the first that is, or the first of all, is told.
fn best<'l>(verdicts: impl Iterator<Item = Result<Verdict<'l>, Error>>) -> Result<Value, Error> {
    let mut told: Option<Verdict<'l>> = None;
    for verdict in verdicts {
        let verdict = verdict?;
        if verdict.is_good || told.is_none() {
            let is_good = verdict.is_good;
            told = Some(verdict);
            if is_good {
                break;
            }
        }
    }
    let told = told.ok_or_else(|| required("code"))?;
    let mut parameters = vec![json!({"name": "result", "valueBoolean": told.is_good})];
    if let Some(message) = told.message {
        parameters.push(json!({"name": "message", "valueString": message}));
    }
    if let Some(display) = told.display {
        parameters.push(json!({"name": "display", "valueString": display}));
    }
    Ok(json!({"resourceType": "Parameters", "parameter": parameters}))
}

fn title(system: &System) -> &str {
    if system.title.is_empty() { &system.name } else { &system.title }
}

fn required(name: &'static str) -> Error {
    Issue::new(Code::Required).at(ElementPath::root(name)).detail(name).rule("R4 terminology-service").into()
}

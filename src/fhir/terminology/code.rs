//! One code looked up, or held against a value set or a code system (R4 `codesystem-operation-lookup.html`,
//! `valueset-operation-validate-code.html`).

use serde_json::{Value, json};

use super::library::{Library, Membership};
use super::{canonical_system_of, spellings};
use crate::error::Language;

/// A code as a client writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// The system, by any of its spellings.
    pub system: Option<String>,
    /// The code.
    pub code: String,
    /// The text that the client gives it.
    pub display: Option<String>,
}

/// What is known of a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known<'a> {
    /// The name of its system.
    pub name: &'a str,
    /// The canonical form of its system.
    pub system: &'a str,
    /// Its text.
    pub display: &'a str,
    /// Whether it is to be used no more.
    pub is_retired: bool,
    designations: &'a [(String, String)],
    definition: Option<&'a str>,
    parent: Option<&'a str>,
    version: Option<&'a str>,
}

/// What the loaded code systems, then the French tables, know of a code.
pub fn find<'a>(library: &'a Library, system: &str, code: &str, language: Option<&str>) -> Option<Known<'a>> {
    if let Some(known) = library.system(system) {
        let concept = known.concept(code)?;
        return Some(Known {
            name: &known.name,
            system: &known.url,
            display: concept.display_in(language).unwrap_or(&concept.code),
            is_retired: concept.is_retired,
            designations: &concept.designations,
            definition: concept.definition.as_deref(),
            parent: concept.parent.as_deref(),
            version: known.version.as_deref(),
        });
    }
    let canonical = canonical_system_of(system, code)?;
    let display = super::display(canonical, code)?;
    let name = canonical.rsplit('/').next().unwrap_or(canonical);
    let nothing = (&[][..], None, None, None);
    let (designations, definition, parent, version) = nothing;
    Some(Known { name, system: canonical, display, is_retired: false, designations, definition, parent, version })
}

/// The answer of `$lookup`.
pub fn looked_up(known: &Known<'_>, language: Option<&str>) -> Value {
    let mut parameters = vec![json!({"name": "name", "valueString": known.name})];
    parameters.extend(known.version.map(|version| json!({"name": "version", "valueString": version})));
    parameters.push(json!({"name": "display", "valueString": known.display}));
    parameters.extend(known.definition.map(|text| json!({"name": "definition", "valueString": text})));
    let is_wanted = |(code, _): &&(String, String)| language.is_none_or(|language| code == language);
    parameters.extend(known.designations.iter().filter(is_wanted).map(|(language, text)| {
        json!({"name": "designation", "part": [
            {"name": "language", "valueCode": language}, {"name": "value", "valueString": text}]})
    }));
    let property = |code: &str, value: Value| {
        let mut part = json!({"name": "value"});
        if let (Some(part), Some(value)) = (part.as_object_mut(), value.as_object()) {
            part.extend(value.clone());
        }
        json!({"name": "property", "part": [{"name": "code", "valueCode": code}, part]})
    };
    parameters.extend(known.parent.map(|parent| property("parent", json!({"valueCode": parent}))));
    parameters.push(property("inactive", json!({"valueBoolean": known.is_retired})));
    // The map between URLs and OIDs, both ways: whichever was asked for, both are told.
    for spelling in [Some(known.system), oid_of(known.system)].into_iter().flatten() {
        parameters.push(property("system", json!({"valueString": spelling})));
    }
    json!({"resourceType": "Parameters", "parameter": parameters})
}

/// The URN of a code system's OID, where it has one and is not called by it.
pub fn oid_of(system: &str) -> Option<&'static str> {
    let canonical = super::canonical_system(system)?;
    let mut all = spellings().filter(|(_, known)| *known == canonical).map(|(alias, _)| alias);
    all.find(|alias| alias.starts_with("urn:oid:") && *alias != system)
}

/// What a code is held against.
#[derive(Debug, Clone, Copy)]
pub enum Against<'a> {
    /// A value set.
    Set(&'a str),
    /// A code system.
    System(&'a str),
}

/// The answer of `$validate-code`: in or out, with the reason; `None` where nothing here can tell. One of several
/// codes is enough.
pub fn validated(library: &Library, written: &[Written], against: Against<'_>, language: Language) -> Option<Value> {
    let mut all_told = true;
    let mut refused = None;
    for one in written {
        let membership = match against {
            Against::Set(set) => library.holds(set, one.system.as_deref(), &one.code),
            Against::System(system) => of_system(library, one, system),
        };
        match membership {
            Membership::Untold => all_told = false,
            Membership::Out => refused = refused.or(Some((one, false))),
            Membership::In | Membership::Retired => {
                let is_retired = membership == Membership::Retired;
                let known = one.system.as_deref().and_then(|system| find(library, system, &one.code, None));
                let display = known.as_ref().map(|known| known.display);
                let differs = |(given, known): (&str, &str)| !given.trim().eq_ignore_ascii_case(known.trim());
                if one.display.as_deref().zip(display).is_some_and(differs) {
                    refused = Some((one, true));
                    continue;
                }
                return Some(answer(true, one, display, is_retired.then(|| retired(language))));
            }
        }
    }
    let (one, is_display) = refused.filter(|_| all_told)?;
    let known = one.system.as_deref().and_then(|system| find(library, system, &one.code, None));
    let display = known.as_ref().map(|known| known.display);
    Some(answer(false, one, display, Some(if is_display { other_display(language) } else { foreign(language) })))
}

fn of_system(library: &Library, one: &Written, system: &str) -> Membership {
    if one.system.as_deref().is_some_and(|said| !super::is_same_system(said, system)) {
        return Membership::Out;
    }
    match find(library, system, &one.code, None) {
        Some(known) if known.is_retired => Membership::Retired,
        Some(_) => Membership::In,
        None if library.system(system).is_some_and(|known| known.is_complete) => Membership::Out,
        None => Membership::Untold,
    }
}

fn answer(result: bool, one: &Written, display: Option<&str>, message: Option<&str>) -> Value {
    let mut parameters = vec![json!({"name": "result", "valueBoolean": result})];
    parameters.extend(message.map(|message| json!({"name": "message", "valueString": message})));
    parameters.extend(display.map(|display| json!({"name": "display", "valueString": display})));
    parameters.push(json!({"name": "code", "valueCode": one.code}));
    parameters.extend(one.system.as_ref().map(|system| json!({"name": "system", "valueUri": system})));
    json!({"resourceType": "Parameters", "parameter": parameters})
}

const fn retired(language: Language) -> &'static str {
    match language {
        Language::French => "Ce code a été retiré : ne plus l'employer.",
        Language::English => "This code was retired: use it no more.",
    }
}

const fn foreign(language: Language) -> &'static str {
    match language {
        Language::French => "Ce code n'y est pas.",
        Language::English => "The code is not in it.",
    }
}

const fn other_display(language: Language) -> &'static str {
    match language {
        Language::French => "Le code y est, mais sous un autre libellé.",
        Language::English => "The code is in it, but under another display.",
    }
}

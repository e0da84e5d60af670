//! `ValueSet/$expand`: the codes of a value set, filtered and cut into pages (R4
//! `valueset-operation-expand.html`).

use std::borrow::Cow;

use serde_json::{Value, json};

use super::inline::{self, Fault};
use super::library::{Concept, Library, Member, Set};
use crate::error::{Code, Error, Issue};
use crate::fhir::conformance;
use crate::fhir::definition::{Binding, Type, profile};
use crate::fhir::operation::Arguments;
use crate::fhir::search::fold;
use crate::ids::ElementPath;

/// No more codes than this in one answer.
pub const MOST_AT_ONCE: usize = 1_000;
/// Says that the expansion lacks codes which the set has (R4 extension `valueset-unclosed`).
const UNCLOSED: &str = "http://hl7.org/fhir/StructureDefinition/valueset-unclosed";

/// What every operation is asked with besides its arguments.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// What the request says.
    pub arguments: &'a Arguments,
    /// The set or system that the path names, by its canonical URL.
    pub instance: Option<&'a str>,
    /// The language of the request, where no argument names one.
    pub language: &'a str,
}

impl Asked<'_> {
    /// The language of displays.
    pub(super) fn language(&self) -> &str {
        self.arguments.text("displayLanguage").unwrap_or(self.language)
    }
}

/// The ValueSet with its expansion, under an identifier and at an instant.
pub fn expand(library: &Library, asked: &Asked<'_>, identifier: &str, at: &str) -> Result<Value, Error> {
    let set = set_of(library, asked)?;
    if !set.is_listed {
        return Err(Issue::new(Code::NotEnumerable).at(ElementPath::root("url")).rule("R4 ValueSet/$expand").into());
    }
    let arguments = asked.arguments;
    let words = arguments.text("filter").map(fold).unwrap_or_default();
    let words: Vec<&str> = words.split_whitespace().collect();
    let language = asked.language();
    let chosen = set
        .members
        .iter()
        .filter(|member| !(member.is_retired && arguments.is("activeOnly")) && fits(library, member, language, &words));
    let chosen: Vec<&Member> = chosen.collect();
    let offset = arguments.number("offset").unwrap_or_default();
    let count = arguments.number("count").unwrap_or(MOST_AT_ONCE).min(MOST_AT_ONCE);
    let page = chosen.iter().skip(offset).take(count);
    let contains: Vec<Value> = page.map(|member| entry(library, member, asked)).collect();
    let mut expansion = json!({
        "identifier": identifier,
        "timestamp": at,
        "total": chosen.len(),
        "offset": offset,
        "parameter": parameters(asked, count),
    });
    if let Some(members) = expansion.as_object_mut() {
        if !set.is_complete {
            members.insert("extension".to_owned(), json!([{"url": UNCLOSED, "valueBoolean": true}]));
        }
        if !contains.is_empty() {
            members.insert("contains".to_owned(), Value::Array(contains));
        }
    }
    let mut resource = conformance::value_set::head(&set);
    if let Some(members) = resource.as_object_mut() {
        members.insert("expansion".to_owned(), expansion);
    }
    Ok(resource)
}

/// The set that a request names: by its path, its URL, its definition, or an element bound to it.
pub(super) fn set_of<'l>(library: &'l Library, asked: &Asked<'_>) -> Result<Cow<'l, Set>, Error> {
    let arguments = asked.arguments;
    if let Some(definition) = arguments.get("valueSet") {
        return inline::compile(definition, library).map(Cow::Owned).map_err(refused);
    }
    let context = arguments.text("context").map(|context| {
        bound_to(context).ok_or_else(|| {
            Error::from(Issue::new(Code::ValueSetUnknown).at(ElementPath::root("context")).rule("R4 ValueSet/$expand"))
        })
    });
    let url = asked.instance.or_else(|| arguments.text("url"));
    let url = match (url, context) {
        (Some(url), _) => url,
        (None, Some(context)) => context?,
        (None, None) => {
            return Err(Issue::new(Code::Required)
                .at(ElementPath::root("url"))
                .detail("(url, valueSet, context)")
                .rule("R4 ValueSet/$expand")
                .into());
        }
    };
    let unknown = || Error::from(Issue::new(Code::ValueSetUnknown).at(ElementPath::root("url")).rule("R4 ValueSet"));
    let set = library.set(url).ok_or_else(unknown)?;
    let version = arguments.text("valueSetVersion").or_else(|| Some(url.split_once('|')?.1));
    // Where a table has no version, none can be told apart.
    if version.is_some_and(|version| !set.version.is_empty() && version != set.version) {
        return Err(unknown());
    }
    Ok(Cow::Borrowed(set))
}

/// Why a definition that was sent cannot be listed.
fn refused(fault: Fault) -> Error {
    let at = |code: Code, path: &'static str| Issue::new(code).at(ElementPath::root(path)).rule("R4 ValueSet.compose");
    match fault {
        Fault::Shape(what) => at(Code::Structure, "valueSet").detail(format!("({what})")).into(),
        Fault::UnknownSet(_) => at(Code::ValueSetUnknown, "valueSet").into(),
        Fault::UnknownSystem(_) => at(Code::CodeSystemUnknown, "valueSet").into(),
        Fault::Filter | Fault::TooMany => at(Code::NotEnumerable, "valueSet").into(),
    }
}

/// The set bound to `StructureDefinition#Type.path`, or to `Type.path`.
fn bound_to(context: &str) -> Option<&'static str> {
    let (definition, path) = context.split_once('#').unwrap_or(("", context));
    if let Some(profile) = (0..=2).find_map(|pack| profile::Profile::find(definition, pack)) {
        let within = path.split_once('.').map_or(path, |(_, within)| within);
        let found = profile.rules().filter(|rule| rule.path == within).find_map(|rule| match rule.constraint {
            profile::Constraint::Set(name, _) => super::value_set_of_file(name),
            _ => None,
        });
        if found.is_some() {
            return found;
        }
    }
    let mut steps = path.split('.');
    let mut kind = Type::named(steps.next()?)?;
    let mut element = None;
    for step in steps {
        let property = kind.property(step)?;
        element = property.element();
        kind = property.kind()?;
    }
    match element?.binding()? {
        Binding::Required(set) | Binding::Extensible(set) => Some(set.url()),
    }
}

/// Whether every word stands in the display, or the code begins with it.
fn fits(library: &Library, member: &Member, language: &str, words: &[&str]) -> bool {
    if words.is_empty() {
        return true;
    }
    let (display, code) = (fold(library.display(member, language)), fold(&member.code));
    words.iter().all(|word| display.contains(word) || code.starts_with(word))
}

fn entry(library: &Library, member: &Member, asked: &Asked<'_>) -> Value {
    let mut entry = json!({"system": member.system});
    let Some(members) = entry.as_object_mut() else { return entry };
    let known = library.concept(&member.system, &member.code);
    if let Some((system, _)) = known.filter(|(system, _)| !system.version.is_empty()) {
        members.insert("version".to_owned(), json!(system.version));
    }
    members.insert("code".to_owned(), json!(member.code));
    if member.is_retired {
        members.insert("inactive".to_owned(), json!(true));
    }
    let display = library.display(member, asked.language());
    if !display.is_empty() {
        members.insert("display".to_owned(), json!(display));
    }
    if asked.arguments.is("includeDesignations")
        && let Some((_, concept)) = known
        && !concept.designations.is_empty()
    {
        members.insert("designation".to_owned(), Value::Array(designations(concept)));
    }
    entry
}

/// All names of a code, as elements of R4.
pub(super) fn designations(concept: &Concept) -> Vec<Value> {
    let named = concept.designations.iter().map(|one| {
        if one.language.is_empty() {
            json!({"value": one.text})
        } else {
            json!({"language": one.language, "value": one.text})
        }
    });
    named.collect()
}

/// What the expansion was made with (R4 `ValueSet.expansion.parameter`).
fn parameters(asked: &Asked<'_>, count: usize) -> Vec<Value> {
    let mut parameters = vec![
        json!({"name": "displayLanguage", "valueCode": asked.language()}),
        json!({"name": "count", "valueInteger": count}),
    ];
    if let Some(filter) = asked.arguments.text("filter") {
        parameters.push(json!({"name": "filter", "valueString": filter}));
    }
    for flag in ["activeOnly", "includeDesignations"] {
        if asked.arguments.is(flag) {
            parameters.push(json!({"name": flag, "valueBoolean": true}));
        }
    }
    parameters
}

//! The codes of a value set, listed (R4 `valueset-operation-expand.html`).

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::compose;
use super::library::{DEEPEST, Library, Membership, bare};
use super::system::System;
use crate::fhir::definition;

/// No set is listed that has more codes.
const MOST_CODES: usize = 50_000;

/// A code of a value set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its code system.
    pub system: &'a str,
    /// The code.
    pub code: &'a str,
    /// Its text, in the language asked for where there is one.
    pub display: Option<&'a str>,
    /// Whether it is to be used no more.
    pub is_retired: bool,
}

/// Why a set is not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unlisted {
    /// No such set is known here.
    #[error("the value set is not known here")]
    Unknown,
    /// It is, but some of its codes cannot be listed: of a code system that is not loaded, by a filter not read here.
    #[error("the codes of the value set cannot be listed here")]
    Open,
    /// It has too many codes.
    #[error("the value set has too many codes")]
    TooMany,
}

/// What of an expansion is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Codes whose display or code holds this text, whatever its case.
    pub filter: Option<String>,
    /// How many are passed over.
    pub offset: usize,
    /// How many are told at most.
    pub count: Option<usize>,
    /// The language of displays.
    pub language: Option<String>,
    /// Whether retired codes are left out.
    pub active_only: bool,
}

/// The expansion of a set, as a ValueSet. `at` is the instant of the expansion, RFC 3339.
pub fn expand(library: &Library, url: &str, wanted: &Wanted, at: &str) -> Result<Value, Unlisted> {
    let all = entries(library, url, wanted.language.as_deref(), DEEPEST)?;
    Ok(told(&all, Some(bare(url)), wanted, at))
}

/// The expansion of a set that the client brings along.
pub fn expand_given(library: &Library, set: &Value, wanted: &Wanted, at: &str) -> Result<Value, Unlisted> {
    let all = of_set(library, set, wanted.language.as_deref(), DEEPEST)?;
    let url = set.get("url").and_then(Value::as_str);
    if all.len() > MOST_CODES { Err(Unlisted::TooMany) } else { Ok(told(&all, url, wanted, at)) }
}

fn told(all: &[Entry<'_>], url: Option<&str>, wanted: &Wanted, at: &str) -> Value {
    let filter = wanted.filter.as_deref().map(str::to_lowercase);
    let holds = |text: &str| filter.as_deref().is_none_or(|filter| text.to_lowercase().contains(filter));
    let is_wanted = |entry: &&Entry<'_>| {
        (holds(entry.code) || entry.display.is_some_and(holds)) && !(wanted.active_only && entry.is_retired)
    };
    let found: Vec<&Entry<'_>> = all.iter().filter(is_wanted).collect();
    let page = found.iter().skip(wanted.offset).take(wanted.count.unwrap_or(usize::MAX));
    let mut parameters = vec![json!({"name": "offset", "valueInteger": wanted.offset})];
    parameters.extend(wanted.count.map(|count| json!({"name": "count", "valueInteger": count})));
    parameters.extend(wanted.filter.as_ref().map(|filter| json!({"name": "filter", "valueString": filter})));
    parameters.extend(wanted.language.as_ref().map(|code| json!({"name": "displayLanguage", "valueCode": code})));
    let mut set = json!({"resourceType": "ValueSet", "status": "active", "expansion": {
        "timestamp": at, "total": found.len(), "offset": wanted.offset, "parameter": parameters,
    }});
    let contains: Vec<Value> = page.map(|entry| contained(entry)).collect();
    if let (Some(set), Some(url)) = (set.as_object_mut(), url) {
        set.insert("url".to_owned(), url.into());
    }
    if let (Some(expansion), false) = (set.get_mut("expansion").and_then(Value::as_object_mut), contains.is_empty()) {
        expansion.insert("contains".to_owned(), Value::Array(contains));
    }
    set
}

fn contained(entry: &Entry<'_>) -> Value {
    let mut one = Map::new();
    one.insert("system".to_owned(), entry.system.into());
    if entry.is_retired {
        one.insert("inactive".to_owned(), true.into());
    }
    one.insert("code".to_owned(), entry.code.into());
    if let Some(display) = entry.display {
        one.insert("display".to_owned(), display.into());
    }
    Value::Object(one)
}

/// Every code of a set, each once.
pub fn entries<'a>(
    library: &'a Library,
    url: &str,
    language: Option<&str>,
    depth: usize,
) -> Result<Vec<Entry<'a>>, Unlisted> {
    if depth == 0 {
        return Err(Unlisted::Open);
    }
    let found = match library.set(url) {
        Some(set) => of_set(library, set, language, depth)?,
        None => built_in(library, bare(url), language)?,
    };
    if found.len() > MOST_CODES { Err(Unlisted::TooMany) } else { Ok(found) }
}

/// The codes of a set of our tables.
fn built_in<'a>(library: &'a Library, url: &str, language: Option<&str>) -> Result<Vec<Entry<'a>>, Unlisted> {
    if let Some(set) = super::value_set(url) {
        let entry = |coding: &'static super::Coding| Entry {
            system: coding.system,
            code: coding.code,
            display: Some(coding.display),
            is_retired: false,
        };
        return Ok(set.codings().map(entry).collect());
    }
    let set = definition::ValueSet::find(url).ok_or(Unlisted::Unknown)?;
    if !set.is_listed() {
        return Err(Unlisted::Open);
    }
    let entry = |(system, code)| of_code(library, system, code, None, language);
    Ok(set.codings().map(entry).collect())
}

/// A code, with what is known of it.
fn of_code<'a>(
    library: &'a Library,
    system: &'a str,
    code: &'a str,
    display: Option<&'a str>,
    language: Option<&str>,
) -> Entry<'a> {
    let concept = library.system(system).and_then(|system| system.concept(code));
    let known = concept.and_then(|concept| concept.display_in(language));
    Entry {
        system,
        code,
        // What the set itself says comes before what the system says, but not before another language.
        display: display.filter(|_| language.is_none()).or(known).or(display).or_else(|| super::display(system, code)),
        is_retired: concept.is_some_and(|concept| concept.is_retired),
    }
}

fn of_set<'a>(
    library: &'a Library,
    set: &'a Value,
    language: Option<&str>,
    depth: usize,
) -> Result<Vec<Entry<'a>>, Unlisted> {
    let mut found = Vec::new();
    if let Some(listed) = set.pointer("/expansion/contains").and_then(Value::as_array) {
        of_expansion(library, listed, language, depth, &mut found);
        return Ok(found);
    }
    for part in compose::parts(set, "include") {
        found.extend(of_part(library, part, language, depth)?);
        if found.len() > MOST_CODES {
            return Err(Unlisted::TooMany);
        }
    }
    let mut seen = HashSet::new();
    found.retain(|entry| seen.insert((entry.system, entry.code)));
    let mut is_told = true;
    found.retain(|entry| {
        let said = (Some(entry.system), entry.code);
        let excluded = compose::parts(set, "exclude").map(|part| compose::part(library, part, said, depth));
        let mut is_out = false;
        for membership in excluded {
            is_told &= membership != Membership::Untold;
            is_out |= matches!(membership, Membership::In | Membership::Retired);
        }
        !is_out
    });
    if is_told { Ok(found) } else { Err(Unlisted::Open) }
}

fn of_expansion<'a>(
    library: &'a Library,
    listed: &'a [Value],
    language: Option<&str>,
    depth: usize,
    found: &mut Vec<Entry<'a>>,
) {
    for one in listed {
        let text = |name: &str| one.get(name).and_then(Value::as_str);
        let is_flagged = |name: &str| one.get(name).and_then(Value::as_bool) == Some(true);
        if let (Some(code), false) = (text("code"), is_flagged("abstract")) {
            let entry = of_code(library, text("system").unwrap_or_default(), code, text("display"), language);
            found.push(Entry { is_retired: entry.is_retired || is_flagged("inactive"), ..entry });
        }
        if let (Some(below), true) = (one.get("contains").and_then(Value::as_array), depth > 0) {
            of_expansion(library, below, language, depth - 1, found);
        }
    }
}

/// The codes of one include.
fn of_part<'a>(
    library: &'a Library,
    part: &'a Value,
    language: Option<&str>,
    depth: usize,
) -> Result<Vec<Entry<'a>>, Unlisted> {
    let list = |name: &str| part.get(name).and_then(Value::as_array).map(Vec::as_slice);
    let mut sets = list("valueSet").unwrap_or_default().iter().filter_map(Value::as_str);
    let Some(system) = part.get("system").and_then(Value::as_str) else {
        let Some(first) = sets.next() else { return Ok(Vec::new()) };
        let mut found = entries(library, first, language, depth - 1)?;
        let others: Vec<&str> = sets.collect();
        found.retain(|entry| others.iter().all(|set| is_in(library, set, entry)));
        return Ok(found);
    };
    let mut found: Vec<Entry<'a>> = if let Some(listed) = list("concept") {
        let entry = |one: &'a Value| {
            let text = |name: &str| one.get(name).and_then(Value::as_str);
            Some(of_code(library, system, text("code")?, text("display"), language))
        };
        listed.iter().filter_map(entry).collect()
    } else {
        of_system(library.system(system).ok_or(Unlisted::Open)?, list("filter").unwrap_or_default(), language)?
    };
    let sets: Vec<&str> = sets.collect();
    found.retain(|entry| sets.iter().all(|set| is_in(library, set, entry)));
    Ok(found)
}

fn is_in(library: &Library, set: &str, entry: &Entry<'_>) -> bool {
    library.holds(set, Some(entry.system), entry.code) == Membership::In
}

fn of_system<'a>(system: &'a System, filters: &[Value], language: Option<&str>) -> Result<Vec<Entry<'a>>, Unlisted> {
    if !system.is_complete {
        return Err(Unlisted::Open);
    }
    let mut found = Vec::new();
    for concept in system.concepts().iter().filter(|concept| !concept.is_abstract) {
        let passes = filters.iter().map(|filter| compose::passes(system, concept, filter));
        if passes.collect::<Option<Vec<bool>>>().ok_or(Unlisted::Open)?.into_iter().all(|passes| passes) {
            found.push(Entry {
                system: &system.url,
                code: &concept.code,
                display: concept.display_in(language),
                is_retired: concept.is_retired,
            });
        }
    }
    Ok(found)
}

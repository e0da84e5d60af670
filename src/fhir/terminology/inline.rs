//! A ValueSet resource as a list of codes (R4 `valueset.html#compose`): what a client sends, what an
//! operator imports.

use std::collections::BTreeMap;

use serde_json::Value;

use super::library::{Library, Member, Origin, Set, Text, machine_name};

/// More codes than this are not listed.
pub(super) const MOST_CODES: usize = 20_000;
/// Expansions are nested no deeper.
const DEEPEST: usize = 32;

/// Why a value set cannot be listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// No resource of that type, or without what it must have.
    Shape(&'static str),
    /// It includes a value set that is not known here.
    UnknownSet(String),
    /// It includes a code system that is not known here, or not whole.
    UnknownSystem(String),
    /// It chooses codes by a filter.
    Filter,
    /// More codes than are listed.
    TooMany,
}

/// Codes of a set, by system and code.
type Codes = BTreeMap<(String, String), Member>;

/// The set that a resource describes; its expansion is believed where it has no definition.
pub(super) fn compile(resource: &Value, library: &Library) -> Result<Set, Fault> {
    if resource.get("resourceType").and_then(Value::as_str) != Some("ValueSet") {
        return Err(Fault::Shape("ValueSet"));
    }
    let text = |name: &str| resource.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut codes = Codes::new();
    if let Some(compose) = resource.get("compose") {
        for part in list(compose, "include") {
            codes.extend(chosen(part, library)?);
            bounded(&codes)?;
        }
        for part in list(compose, "exclude") {
            for place in chosen(part, library)?.keys() {
                codes.remove(place);
            }
        }
        if compose.get("inactive") == Some(&Value::Bool(false)) {
            codes.retain(|_, member| !member.is_retired);
        }
    } else if let Some(expansion) = resource.get("expansion") {
        expanded(expansion, &mut codes, DEEPEST)?;
    } else {
        return Err(Fault::Shape("ValueSet.compose"));
    }
    let url = text("url");
    let name = text("name");
    Ok(Set {
        oid: oid(resource).into(),
        name: if name.is_empty() { machine_name(&url).into() } else { name.into() },
        title: text("title").into(),
        version: text("version").into(),
        url: url.into(),
        origin: Origin::Operator,
        is_complete: true,
        is_listed: true,
        members: codes.into_values().collect(),
    })
}

/// The OID among the identifiers of a resource.
pub(super) fn oid(resource: &Value) -> String {
    let values = list(resource, "identifier").filter_map(|one| one.get("value")?.as_str()?.strip_prefix("urn:oid:"));
    values.map(str::to_owned).next().unwrap_or_default()
}

/// The items of an array, or none.
pub(super) fn list<'v>(holder: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    holder.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn bounded(codes: &Codes) -> Result<(), Fault> {
    if codes.len() > MOST_CODES { Err(Fault::TooMany) } else { Ok(()) }
}

/// The codes of one include or exclude: those of the system that are in every set it names.
fn chosen(part: &Value, library: &Library) -> Result<Codes, Fault> {
    if list(part, "filter").next().is_some() {
        return Err(Fault::Filter);
    }
    let mut own = match part.get("system").and_then(Value::as_str) {
        None => None,
        Some(system) => Some(of_system(part, system, library)?),
    };
    for url in list(part, "valueSet").filter_map(Value::as_str) {
        let set = library.set(url).filter(|set| set.is_listed).ok_or_else(|| Fault::UnknownSet(url.to_owned()))?;
        own = Some(match own {
            None => set.members.iter().map(|member| (place(member), member.clone())).collect(),
            Some(mut own) => {
                own.retain(|(system, code), _| {
                    set.members.iter().any(|one| one.system == *system && one.code == *code)
                });
                own
            }
        });
    }
    let own = own.ok_or(Fault::Shape("ValueSet.compose.include.system"))?;
    bounded(&own)?;
    Ok(own)
}

fn of_system(part: &Value, named: &str, library: &Library) -> Result<Codes, Fault> {
    let known = library.system(named);
    // What is known under another name is kept under the one that all else uses.
    let system: Text = known.map_or_else(|| Text::from(named.to_owned()), |known| known.url.clone());
    let is_retired = |code: &str| known.and_then(|known| known.concepts.get(code)).is_some_and(|one| one.is_retired);
    if part.get("concept").is_some() {
        let listed = list(part, "concept").filter_map(|concept| {
            let text = |name: &str| concept.get(name).and_then(Value::as_str).map(str::to_owned);
            let code = text("code")?;
            let member = Member {
                is_retired: is_retired(&code),
                system: system.clone(),
                display: text("display").unwrap_or_default().into(),
                code: code.into(),
            };
            Some((place(&member), member))
        });
        return Ok(listed.collect());
    }
    let known = known
        .filter(|known| known.is_complete)
        .ok_or_else(|| Fault::UnknownSystem(named.chars().take(200).collect()))?;
    let members = known.concepts.iter().map(|(code, concept)| Member {
        system: system.clone(),
        code: code.clone(),
        display: "".into(),
        is_retired: concept.is_retired,
    });
    Ok(members.map(|member| (place(&member), member)).collect())
}

fn place(member: &Member) -> (String, String) {
    (member.system.to_string(), member.code.to_string())
}

fn expanded(holder: &Value, codes: &mut Codes, depth: usize) -> Result<(), Fault> {
    if depth == 0 {
        return Err(Fault::TooMany);
    }
    for item in list(holder, "contains") {
        let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let is = |name: &str| item.get(name) == Some(&Value::Bool(true));
        let (system, code) = (text("system"), text("code"));
        if !code.is_empty() && !is("abstract") {
            let member = Member {
                system: system.into(),
                code: code.into(),
                display: text("display").into(),
                is_retired: is("inactive"),
            };
            codes.insert(place(&member), member);
        }
        expanded(item, codes, depth - 1)?;
        bounded(codes)?;
    }
    Ok(())
}
